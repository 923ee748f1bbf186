//! Index entries, written in the commit of their document.
//!
//! ```text
//! key    prefix of the index | what is indexed, cut after 1024 bytes | the document's key, as in its own engine key
//! value  empty, or 1 when it was cut
//! expiry as the document's; if that has none, the year 10000 for a number that the entry does not hold exactly
//!
//! one path        the value's ordered encoding, 08 if the document has no value
//! several paths   the encodings of their values, one behind the other, 08 where there is no value
//! multi           the encoding of an element, for each one of an array; any other value counts as its only element
//! ```
//!
//! In an index from before `missing` (see the catalog), a document without a value at the first path has no entry.

use crate::documents::catalog::Catalog;
use crate::documents::error::Error;
use crate::documents::error::abbreviate;
use crate::engine::Entry;

use crate::documents::catalog::entries::Index;
use crate::documents::error::Result;
use crate::documents::json::elements::each_element;
use crate::documents::json::ordering::{
    INDEXED_LENGTH_MAX, MISSING, Unencodable, encode, encode_exact, encoded_length, shared_beginning,
};
use crate::documents::json::path::{NotJson, Path};
use crate::documents::json::text;
use crate::documents::keyspace::key;
use crate::documents::keyspace::key::{CollectionId, push_key};
use crate::documents::keyspace::ttl::LAST_EXPIRY_MS;
use crate::engine::Batch;

/// The value of an entry whose encoding was cut.
const CUT: u8 = 1;

/// The expiry of an entry whose document has none and a number that differs from the one in the entry. Readers trust no entry
/// that has an expiry, and look at the document instead.
pub(crate) const INEXACT_UNTIL_MS: u64 = LAST_EXPIRY_MS + 1;

/// The entry of a document in an index, not cut.
#[derive(Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Encoded {
    /// As in entries.
    pub entry: Vec<u8>,
    /// The exact form, if that differs.
    exact: Option<Vec<u8>>,
}

impl Encoded {
    /// The value `text`; `None` if it is nested too deep to be compared.
    fn of(text: &str) -> std::result::Result<Option<Self>, NotJson> {
        let encoded = encode_exact(text).and_then(|exact| {
            if shared_beginning(&exact, false).is_none() {
                return Ok(Self { entry: exact, exact: None });
            }
            let entry = encode(text)?;
            let exact = Some(exact).filter(|exact| *exact != entry);
            Ok(Self { entry, exact })
        });
        match encoded {
            Ok(encoded) => Ok(Some(encoded)),
            Err(Unencodable::TooDeep) => Ok(None),
            Err(Unencodable::NotJson) => Err(NotJson),
        }
    }

    /// Equal for equal values only.
    pub fn exact(&self) -> &[u8] {
        self.exact.as_ref().unwrap_or(&self.entry)
    }

    /// True if a number differs from the one in the entry.
    pub fn is_inexact(&self) -> bool {
        self.exact.is_some()
    }

    /// True if no path lacks a value.
    pub fn is_complete(&self) -> bool {
        components(&self.entry).is_some_and(|parts| parts.iter().all(|part| !part.is_empty()))
    }

    fn extend(&mut self, entry: &[u8], exact: Option<&[u8]>) {
        if exact.is_some() || self.exact.is_some() {
            self.exact.get_or_insert_with(|| self.entry.clone()).extend_from_slice(exact.unwrap_or(entry));
        }
        self.entry.extend_from_slice(entry);
    }
}

/// An index entry taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry<'a> {
    /// The indexed value, or its first [`INDEXED_LENGTH_MAX`] bytes.
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

/// The part of an encoded value that an entry holds, and whether it is shorter than the value.
pub(crate) fn cut(encoded: &[u8]) -> (&[u8], bool) {
    match encoded.get(..INDEXED_LENGTH_MAX) {
        Some(part) if part.len() < encoded.len() => (part, true),
        _ => (encoded, false),
    }
}

/// All that an index has of the document `text` at `key`, not cut.
pub(crate) fn encodings(index: &Index, key: &str, text: &str) -> Result<Vec<Encoded>> {
    let damaged = |NotJson| text::damaged(key, "its text is not JSON");
    let indexed = &index.indexed;
    if indexed.multi
        && let [path] = &indexed.paths[..]
    {
        return elements(path, text).map_err(damaged);
    }
    let mut encodings = Encoded::default();
    for path in &indexed.paths {
        let value = path.value_in(text).map_err(damaged)?;
        match value.map(Encoded::of).transpose().map_err(damaged)?.flatten() {
            Some(encoded) => encodings.extend(&encoded.entry, encoded.exact.as_deref()),
            None if encodings.entry.is_empty() && !index.holds_missing() => return Ok(Vec::new()),
            None => encodings.extend(&[MISSING], None),
        }
    }
    Ok(vec![encodings])
}

/// The encodings of the elements of the array at `path`.
fn elements(path: &Path, text: &str) -> std::result::Result<Vec<Encoded>, NotJson> {
    let Some(value) = path.value_in(text)? else { return Ok(Vec::new()) };
    let mut encodings = Vec::new();
    let is_array = each_element(value, |element| {
        encodings.extend(Encoded::of(element)?);
        Ok(())
    })?;
    if !is_array {
        encodings.extend(Encoded::of(value)?);
    }
    encodings.sort_unstable();
    encodings.dedup();
    Ok(encodings)
}

/// What the entries of a document hold of its encodings, each once: elements may be cut alike.
pub(crate) fn parts(index: &Index, key: &str, text: &str) -> Result<Vec<(Vec<u8>, bool)>> {
    Ok(parts_of(encodings(index, key, text)?).into_iter().map(|(part, is_cut, _)| (part, is_cut)).collect())
}

/// The same, and whether a number is not the one in the entry.
pub(crate) fn parts_of(encodings: Vec<Encoded>) -> Vec<(Vec<u8>, bool, bool)> {
    let mut parts: Vec<(Vec<u8>, bool, bool)> = Vec::with_capacity(encodings.len());
    for Encoded { mut entry, exact } in encodings {
        let (is_cut, is_inexact) = (cut(&entry).1, exact.is_some());
        entry.truncate(INDEXED_LENGTH_MAX);
        match parts.last_mut() {
            Some((last, was_cut, was_inexact)) if (&*last, *was_cut) == (&entry, is_cut) => *was_inexact |= is_inexact,
            _ => parts.push((entry, is_cut, is_inexact)),
        }
    }
    parts
}

/// The encodings of an entry that was not cut, by path; an empty one where there is no value.
pub(crate) fn components(encoded: &[u8]) -> Option<Vec<&[u8]>> {
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
pub(crate) fn stage(
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

/// True if an entry with these encodings is of a document without a value at the first path.
pub(crate) fn is_missing(encoded: &[u8]) -> bool {
    encoded.first() == Some(&MISSING)
}

/// Adds to `batch` the entry of one index for a stored document, if the document has no value at the first path.
pub(crate) fn stage_missing(index: &Index, batch: &mut Batch, key: &str, stored: (&str, Option<u64>)) -> Result<()> {
    for entry in Staged::all(index, key, stored)? {
        if entry.key.get(key::PREFIX_LENGTH..).is_some_and(is_missing) {
            batch.put(entry.key, entry.value, entry.expires_at);
        }
    }
    Ok(())
}

/// Adds to `batch` the entries of one index for a stored document, its text and expiry.
pub(crate) fn stage_stored(index: &Index, batch: &mut Batch, key: &str, stored: (&str, Option<u64>)) -> Result<()> {
    for entry in Staged::all(index, key, stored)? {
        batch.put(entry.key, entry.value, entry.expires_at);
    }
    Ok(())
}

impl Staged {
    /// True if this entry need not be written where `old` was, which has the same key.
    fn stays(&self, old: &Self, index: &Index) -> bool {
        // Only an entry without expiry is sure to be there still; and one that was cut may stand for another value now, which
        // a unique index has to look at.
        let may_differ = index.indexed.unique && !self.value.is_empty();
        old.expires_at.is_none() && self.expires_at.is_none() && !may_differ
    }

    /// The entries of `index` for the document with this text and expiry.
    fn all(index: &Index, key: &str, (text, expires_at): (&str, Option<u64>)) -> Result<Vec<Self>> {
        let staged = |(part, is_cut, is_inexact): (Vec<u8>, bool, bool)| {
            let expires_at = expires_at.or_else(|| is_inexact.then_some(INEXACT_UNTIL_MS));
            let mut entry_key = Vec::with_capacity(key::PREFIX_LENGTH + part.len() + 1 + key.len());
            entry_key.extend_from_slice(&index.collection.index(index.id));
            entry_key.extend_from_slice(&part);
            push_key(&mut entry_key, key);
            Self { key: entry_key, value: if is_cut { vec![CUT] } else { Vec::new() }, expires_at }
        };
        Ok(parts_of(encodings(index, key, text)?).into_iter().map(staged).collect())
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

/// Returns the bytes of `paths` encodings.
fn components_length(paths: usize, bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for _ in 0..paths {
        let rest = bytes.get(length..)?;
        length += if *rest.first()? == MISSING { 1 } else { encoded_length(rest)? };
    }
    Some(length)
}

/// Takes an index entry apart.
pub(crate) fn parse_entry<'a>(index: &Index, engine_key: &'a [u8], entry: &Entry) -> Result<IndexEntry<'a>> {
    IndexEntry::parse(index.indexed.paths.len(), engine_key, &entry.value)
        .ok_or_else(|| Error::Corrupt { what: "an index entry".to_owned(), at: format!("key {engine_key:02x?}") })
}

/// The error for an index entry that its document does not know of.
pub(crate) fn disagreement(key: &str) -> Error {
    let at = format!("key {}: its document does not agree; drop the index and create it again", abbreviate(key));
    Error::Corrupt { what: "an index entry".to_owned(), at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::entries::IndexState;
    use crate::documents::catalog::index_spec::Indexed;

    fn index(paths: &[&str], multi: bool) -> Index {
        Index::sample(Indexed::new(paths, false, multi).unwrap())
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
    fn documents_without_a_value_have_an_entry_in_a_newer_index() {
        let index = |paths: &[&str]| Index { missing: Some(IndexState::Ready), ..index(paths, false) };
        for text in ["{}", "1", "[]", "{\"b\":{\"a\":1}}"] {
            let entry = Staged::all(&index(&["a"]), "k", (text, Some(5))).unwrap().pop().unwrap();
            let parsed = IndexEntry::parse(1, &entry.key, &entry.value).unwrap();
            assert_eq!((parsed.encoded, parsed.key, entry.expires_at), (&[MISSING][..], "k", Some(5)), "{text}");
        }
        let entry = Staged::all(&index(&["a", "b"]), "k", ("{\"b\":1}", None)).unwrap().pop().unwrap();
        let parsed = IndexEntry::parse(2, &entry.key, &entry.value).unwrap();
        assert_eq!(components(parsed.encoded).unwrap(), [&[][..], &encode("1").unwrap()]);
        assert!(is_missing(parsed.encoded));
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
