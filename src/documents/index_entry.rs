//! Index entries, written in the commit of their document.
//!
//! ```text
//! key    prefix of the index | what is indexed, cut after 1024 bytes | the document's key, as in its own engine key
//! value  empty, or 1 when it was cut
//! expiry as the document's
//!
//! one path        the value's ordered encoding; a document without a value has no entry
//! several paths   the encodings of their values, one behind the other, 08 where there is no value; a document without a
//!                 value at the first path has no entry
//! multi           the encoding of an element, for each one of an array; any other value counts as its only element
//! ```

use super::catalog::{Catalog, Index};
use super::error::Result;
use super::index_spec::Indexed;
use super::key::{CollectionId, push_key};
use super::ordering::{INDEXED_LENGTH_MAX, MISSING, Unencodable, encode, encoded_length};
use super::path::{NotJson, Path};
use super::query::{each_element, encoded_element};
use super::{json, key};
use crate::engine::Batch;

/// The value of an entry whose encoding was cut.
const CUT: u8 = 1;

/// An index entry taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IndexEntry<'a> {
    /// What is indexed, or its first [`INDEXED_LENGTH_MAX`] bytes.
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

/// All that an index has of the document `text` at `key`, not cut.
pub(super) fn encodings(indexed: &Indexed, key: &str, text: &str) -> Result<Vec<Vec<u8>>> {
    if indexed.multi
        && let [path] = &indexed.paths[..]
    {
        return elements(path, text).map_err(|NotJson| json::damaged(key, "its text is not JSON"));
    }
    let mut encodings = Vec::new();
    for path in &indexed.paths {
        match encoded_value(path, key, text)? {
            Some(encoded) => encodings.extend_from_slice(&encoded),
            None if encodings.is_empty() => return Ok(Vec::new()),
            None => encodings.push(MISSING),
        }
    }
    Ok(vec![encodings])
}

/// The encodings of the elements of the array at `path`.
fn elements(path: &Path, text: &str) -> std::result::Result<Vec<Vec<u8>>, NotJson> {
    let Some(value) = path.value_in(text)? else { return Ok(Vec::new()) };
    let mut encodings = Vec::new();
    let is_array = each_element(value, |element| {
        encodings.extend(encoded_element(element)?);
        Ok(())
    })?;
    if !is_array {
        encodings.extend(encoded_element(value)?);
    }
    encodings.sort_unstable();
    encodings.dedup();
    Ok(encodings)
}

/// What the entries of a document hold of its encodings, each once: elements may be cut alike.
pub(super) fn parts(indexed: &Indexed, key: &str, text: &str) -> Result<Vec<(Vec<u8>, bool)>> {
    let mut parts = encodings(indexed, key, text)?;
    let are_cut = parts.iter().map(|encoded| cut(encoded).1).collect::<Vec<_>>();
    parts.iter_mut().for_each(|encoded| encoded.truncate(INDEXED_LENGTH_MAX));
    let mut parts: Vec<_> = parts.into_iter().zip(are_cut).collect();
    parts.dedup();
    Ok(parts)
}

/// The encodings of an entry that was not cut, by path; an empty one where there is no value.
pub(super) fn components(encoded: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut components, mut rest) = (Vec::new(), encoded);
    while let Some(first) = rest.first() {
        let (component, behind) = match *first {
            MISSING => (&[][..], rest.get(1..)?),
            _ => rest.split_at_checked(encoded_length(rest)?)?,
        };
        components.push(component);
        rest = behind;
    }
    Some(components)
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
        let old = old.map_or(Ok(Vec::new()), |old| Staged::all(index, key, old))?;
        let mut new = new.map_or(Ok(Vec::new()), |new| Staged::all(index, key, new))?;
        for old in old {
            match new.iter().position(|new| new.key == old.key) {
                Some(same) if new[same].stays(&old, index) => {
                    new.remove(same);
                }
                Some(_) => {}
                None => batch.delete(old.key),
            }
        }
        new.into_iter().for_each(|new| batch.put(new.key, new.value, new.expires_at));
    }
    Ok(())
}

/// Adds to `batch` the entries of one index for a stored document, its text and expiry.
pub(super) fn stage_stored(index: &Index, batch: &mut Batch, key: &str, stored: (&str, Option<u64>)) -> Result<()> {
    for entry in Staged::all(index, key, stored)? {
        batch.put(entry.key, entry.value, entry.expires_at);
    }
    Ok(())
}

impl Staged {
    /// Whether this entry need not be written where `old` was, which has the same key.
    fn stays(&self, old: &Self, index: &Index) -> bool {
        // Only an entry without expiry is sure to be there still; and one that was cut may stand for another value now, which
        // a unique index has to look at.
        let may_differ = index.indexed.unique && !self.value.is_empty();
        old.expires_at.is_none() && self.expires_at.is_none() && !may_differ
    }

    /// The entries of `index` for the document with this text and expiry.
    fn all(index: &Index, key: &str, (text, expires_at): (&str, Option<u64>)) -> Result<Vec<Self>> {
        let staged = |(part, is_cut): (Vec<u8>, bool)| {
            let mut entry_key = Vec::with_capacity(key::PREFIX_LENGTH + part.len() + 1 + key.len());
            entry_key.extend_from_slice(&index.collection.index(index.id));
            entry_key.extend_from_slice(&part);
            push_key(&mut entry_key, key);
            Self { key: entry_key, value: if is_cut { vec![CUT] } else { Vec::new() }, expires_at }
        };
        Ok(parts(&index.indexed, key, text)?.into_iter().map(staged).collect())
    }
}

impl<'a> IndexEntry<'a> {
    /// Takes apart what the engine holds of an index on so many paths; `None` when this layer cannot have written it.
    pub fn parse(paths: usize, engine_key: &'a [u8], value: &[u8]) -> Option<Self> {
        let rest = engine_key.get(key::PREFIX_LENGTH..)?;
        let (is_cut, length) = match value {
            [] => (false, components_length(paths, rest)?),
            [CUT] => (true, INDEXED_LENGTH_MAX),
            _ => return None,
        };
        let (encoded, document_key) = rest.split_at_checked(length)?;
        Some(Self { encoded, is_cut, key: key::parse_key(document_key).ok()? })
    }
}

/// The bytes of so many encodings, of which only the first must be of a value.
fn components_length(paths: usize, bytes: &[u8]) -> Option<usize> {
    let mut length = encoded_length(bytes)?;
    for _ in 1..paths {
        let rest = bytes.get(length..)?;
        length += if *rest.first()? == MISSING { 1 } else { encoded_length(rest)? };
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::IndexState;

    fn index(paths: &[&str], multi: bool) -> Index {
        let indexed = Indexed::new(paths, false, multi).unwrap();
        Index { collection: CollectionId::DEFAULT, id: 7, indexed, state: IndexState::Ready, ready_since: 0 }
    }

    fn staged(text: &str) -> Option<Staged> {
        Staged::all(&index(&["a"], false), "user:1", (text, Some(5))).unwrap().pop()
    }

    #[test]
    fn entries_come_apart_as_they_were_made() {
        for value in ["null", "1.5", "\"x\\u0000y\"", "[{}]", &format!("{:?}", "z".repeat(1021))] {
            let entry = staged(&format!("{{\"a\":{value}}}")).unwrap();
            assert_eq!(entry.key[..8], [0, 0, 0, 1, 0, 0, 0, 7]);
            let encoded = &encode(value).unwrap()[..];
            let expected = IndexEntry { encoded, is_cut: false, key: "user:1" };
            assert_eq!(IndexEntry::parse(1, &entry.key, &entry.value), Some(expected), "{value}");
        }
    }

    #[test]
    fn long_values_are_cut() {
        let value = format!("{:?}", "z".repeat(1022));
        let entry = staged(&format!("{{\"a\":{value}}}")).unwrap();
        let encoded = &encode(&value).unwrap()[..INDEXED_LENGTH_MAX];
        assert_eq!(
            IndexEntry::parse(1, &entry.key, &entry.value),
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
            assert_eq!(IndexEntry::parse(1, &entry.key[..length], &[]), None, "{length}");
        }
        assert_eq!(IndexEntry::parse(1, &entry.key, &[2]), None);
        assert_eq!(IndexEntry::parse(1, &entry.key, &[CUT]), None);
    }

    #[test]
    fn several_values_stand_one_behind_the_other() {
        let index = index(&["a", "b", "c"], false);
        let staged = |text: &str| Staged::all(&index, "k", (text, None)).unwrap().pop();
        let entry = staged(r#"{"a": 1, "c": "x"}"#).unwrap();
        let parsed = IndexEntry::parse(3, &entry.key, &entry.value).unwrap();
        let (one, x) = (encode("1").unwrap(), encode("\"x\"").unwrap());
        assert_eq!(components(parsed.encoded).unwrap(), [&one[..], &[], &x]);
        assert_eq!(parsed.key, "k");
        for paths in [1, 2, 4, 5] {
            assert_ne!(IndexEntry::parse(paths, &entry.key, &entry.value).map(|entry| entry.key), Some("k"));
        }
        assert!(staged(r#"{"b": 1, "c": 2}"#).is_none());
        let null = staged(r#"{"a": 1, "b": null, "c": "x"}"#).unwrap();
        assert!(entry.key < null.key, "what is missing comes before null");
        let long = staged(&format!("{{\"a\": {:?}, \"b\": {:?}}}", "x".repeat(600), "y".repeat(600))).unwrap();
        assert_eq!(long.value, [CUT]);
        assert_eq!(IndexEntry::parse(3, &long.key, &long.value).unwrap().encoded.len(), INDEXED_LENGTH_MAX);
    }

    #[test]
    fn elements_have_entries_of_their_own() {
        let index = index(&["a"], true);
        let count = |text: &str| Staged::all(&index, "k", (text, None)).unwrap().len();
        assert_eq!(count(r#"{"a": [1, "x", 1.0, [2], null]}"#), 4);
        assert_eq!((count(r#"{"a": []}"#), count("{}"), count(r#"{"a": 5}"#)), (0, 0, 1));
        let long = |end: &str| format!("{:?}", "z".repeat(2000) + end);
        assert_eq!(count(&format!("{{\"a\": [{}, {}]}}", long("a"), long("b"))), 1, "cut alike");
    }

    #[test]
    fn only_elements_that_change_are_written() {
        let mut catalog = Catalog::default();
        catalog.remember(index(&["a"], true));
        let old = Some((r#"{"a": [1, 2, 3]}"#, None));
        let mut batch = Batch::new();
        let new = Some((r#"{"a": [4, 3, 2]}"#, None));
        stage(&catalog, CollectionId::DEFAULT, &mut batch, "k", old, new).unwrap();
        let puts: Vec<_> = batch.operations().map(|(_, put)| put.is_some()).collect();
        assert_eq!(puts, [false, true]);
    }
}
