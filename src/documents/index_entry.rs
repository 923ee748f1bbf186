//! Index entries: one for each document that has a value at the index's path, written in the document's own commit.
//!
//! ```text
//! key    prefix of the index | the value's ordered encoding | the document's key, as in its own engine key
//! value  empty, or 1 when the encoding was cut
//! expiry as the document's
//! ```

use super::catalog::{Catalog, Index};
use super::error::Result;
use super::key::{CollectionId, push_key};
use super::ordering::{INDEXED_LENGTH_MAX, Unencodable, encode, encoded_length};
use super::path::Path;
use super::{json, key};
use crate::engine::Batch;

/// The value of an entry whose encoding was cut.
const CUT: u8 = 1;

/// An index entry taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexEntry<'a> {
    /// The ordered encoding of the value, or its first [`INDEXED_LENGTH_MAX`] bytes.
    pub encoded: &'a [u8],
    pub is_cut: bool,
    /// The key of the document.
    pub key: &'a str,
}

/// An index entry to be written or deleted.
struct Staged {
    key: Vec<u8>,
    value: Vec<u8>,
    expires_at: Option<u64>,
}

/// What an entry holds of an encoded value, and whether that is less than all.
pub(super) fn cut(encoded: &[u8]) -> (&[u8], bool) {
    match encoded.get(..INDEXED_LENGTH_MAX) {
        Some(part) if part.len() < encoded.len() => (part, true),
        _ => (encoded, false),
    }
}

/// The encoding of the value that is at `path` in the document `text` at `key`.
///
/// `None` when there is none, or it is nested too deep to be compared.
pub(super) fn encoded_value(path: &Path, key: &str, text: &str) -> Result<Option<Vec<u8>>> {
    let encoded = match path.value_in(text) {
        Ok(None) => return Ok(None),
        Ok(Some(value)) => encode(value),
        Err(problem) => Err(problem.into()),
    };
    match encoded {
        Ok(encoded) => Ok(Some(encoded)),
        Err(Unencodable::TooDeep) => Ok(None),
        Err(Unencodable::NotJson) => Err(json::damaged(key, "its text is not JSON")),
    }
}

/// Adds to `batch` what brings all indexes from the stored version `old` of the document at `key` to `new`, each a text and
/// an expiry.
pub(super) fn stage(
    catalog: &Catalog,
    collection: CollectionId,
    batch: &mut Batch,
    key: &str,
    old: Option<(&str, Option<u64>)>,
    new: Option<(&str, Option<u64>)>,
) -> Result<()> {
    if !catalog.has_indexes(collection) {
        return Ok(());
    }
    for index in catalog.maintained(collection) {
        let old = old.map(|old| Staged::new(index, key, old)).transpose()?.flatten();
        let new = new.map(|new| Staged::new(index, key, new)).transpose()?.flatten();
        if let Some(old) = old {
            match &new {
                // Only an entry without expiry is sure to be there still.
                Some(new) if old.key == new.key && old.expires_at.is_none() && new.expires_at.is_none() => continue,
                Some(new) if old.key == new.key => {}
                _ => batch.delete(old.key),
            }
        }
        if let Some(new) = new {
            batch.put(new.key, new.value, new.expires_at);
        }
    }
    Ok(())
}

/// Adds to `batch` the entry of one index for a stored document, its text and expiry.
pub(super) fn stage_stored(index: &Index, batch: &mut Batch, key: &str, stored: (&str, Option<u64>)) -> Result<()> {
    if let Some(entry) = Staged::new(index, key, stored)? {
        batch.put(entry.key, entry.value, entry.expires_at);
    }
    Ok(())
}

impl Staged {
    /// The entry of `index` for the document with this text and expiry, if it has one.
    fn new(index: &Index, key: &str, (text, expires_at): (&str, Option<u64>)) -> Result<Option<Self>> {
        let Some(encoded) = encoded_value(&index.path, key, text)? else { return Ok(None) };
        let (part, is_cut) = cut(&encoded);
        let mut entry_key = Vec::with_capacity(key::PREFIX_LENGTH + part.len() + 1 + key.len());
        entry_key.extend_from_slice(&index.collection.index(index.id));
        entry_key.extend_from_slice(part);
        push_key(&mut entry_key, key);
        let value = if is_cut { vec![CUT] } else { Vec::new() };
        Ok(Some(Self { key: entry_key, value, expires_at }))
    }
}

impl<'a> IndexEntry<'a> {
    /// Takes apart what the engine holds; `None` when this layer cannot have written it.
    pub fn parse(engine_key: &'a [u8], value: &[u8]) -> Option<Self> {
        let rest = engine_key.get(key::PREFIX_LENGTH..)?;
        let (is_cut, length) = match value {
            [] => (false, encoded_length(rest)?),
            [CUT] => (true, INDEXED_LENGTH_MAX),
            _ => return None,
        };
        let (encoded, document_key) = rest.split_at_checked(length)?;
        Some(Self { encoded, is_cut, key: key::parse_key(document_key).ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::IndexState;

    fn staged(text: &str) -> Option<Staged> {
        let collection = CollectionId::DEFAULT;
        let index = Index { collection, id: 7, path: Path::parse("a").unwrap(), state: IndexState::Ready };
        Staged::new(&index, "user:1", (text, Some(5))).unwrap()
    }

    #[test]
    fn entries_come_apart_as_they_were_made() {
        for value in ["null", "1.5", "\"x\\u0000y\"", "[{}]", &format!("{:?}", "z".repeat(1021))] {
            let entry = staged(&format!("{{\"a\":{value}}}")).unwrap();
            assert_eq!(entry.key[..8], [0, 0, 0, 1, 0, 0, 0, 7]);
            let encoded = &encode(value).unwrap()[..];
            let expected = IndexEntry { encoded, is_cut: false, key: "user:1" };
            assert_eq!(IndexEntry::parse(&entry.key, &entry.value), Some(expected), "{value}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        let value = format!("{:?}", "z".repeat(1022));
        let entry = staged(&format!("{{\"a\":{value}}}")).unwrap();
        let encoded = &encode(&value).unwrap()[..INDEXED_LENGTH_MAX];
        assert_eq!(
            IndexEntry::parse(&entry.key, &entry.value),
            Some(IndexEntry { encoded, is_cut: true, key: "user:1" })
        );
    }

    #[test]
    fn documents_without_a_value_have_no_entry() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        for text in ["{}", "1", "{\"b\":{\"a\":1}}", &deep] {
            assert!(staged(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_is_no_entry_is_seen() {
        let entry = staged("{\"a\":1}").unwrap();
        for length in 0..entry.key.len() - "user:1".len() {
            assert_eq!(IndexEntry::parse(&entry.key[..length], &[]), None, "{length}");
        }
        assert_eq!(IndexEntry::parse(&entry.key, &[2]), None);
        assert_eq!(IndexEntry::parse(&entry.key, &[CUT]), None);
    }
}
