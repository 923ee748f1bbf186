//! Finding documents by the value at a path: through an index where there is one, else by looking at all documents.
//! Both give the same keys in the same order.

use super::catalog::Index;
use super::condition::{Bounds, Condition};
use super::document::key_of;
use super::error::{Error, Result, abbreviate};
use super::index_entry::{IndexEntry, cut, encoded_value};
use super::key::{CollectionId, successor};
use super::path::Path;
use super::range::is_empty;
use super::read::View;
use super::scan::Scan;
use super::{Collection, Database, Range};
use crate::engine::{Entry, KeyRange};
use crate::fs::File;
use serde::{Deserialize, Serialize};
use std::ops::{Bound, Deref};

/// In which order and how many keys [`Database::find`] returns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FindOptions {
    /// From the highest value down; of equal values, from the highest key down.
    pub reverse: bool,
    /// At most this many keys.
    pub limit: Option<u64>,
}

/// One call of [`Database::find`].
pub(super) struct Search<'a, F: File> {
    pub database: &'a Database<F>,
    pub collection: CollectionId,
    pub path: &'a Path,
    pub condition: &'a Condition,
    pub view: View,
    pub reverse: bool,
    pub limit: usize,
    /// Whether rows are to be sorted in among others, and need their values.
    pub with_values: bool,
}

/// A key, behind its value's encoding; that is empty where it is not needed.
pub(super) type Row = (Vec<u8>, String);

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// As [`Database::find`].
    pub fn find(&self, path: &str, condition: &Condition, options: &FindOptions) -> Result<Vec<String>> {
        let path = Path::parse(path)?;
        let limit = options.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        if limit == 0 {
            return Ok(Vec::new());
        }
        let search = Search {
            database: &self.database,
            collection: self.id,
            path: &path,
            condition,
            view: self.database.view(),
            reverse: options.reverse,
            limit,
            with_values: false,
        };
        let rows = search.rows(self.database.catalog.ready_on(self.id, &path), &mut drop)?;
        Ok(rows.into_iter().map(|row| row.1).collect())
    }
}

impl<F: File> Database<F> {
    /// The ordered encoding of what the document at `key` has at `path`.
    pub(super) fn encoded_value(
        &self,
        collection: CollectionId,
        path: &Path,
        key: &str,
        view: View,
    ) -> Result<Option<Vec<u8>>> {
        match self.entry(collection, key, view)? {
            Some(document) => match self.source(collection, view.at).indexed_text(key, &document)? {
                Some(text) => encoded_value(path, key, &text),
                None => Ok(None),
            },
            None => Ok(None),
        }
    }
}

impl<F: File> Search<'_, F> {
    /// What is found, in order: through `index`, or by looking at all documents. What engine keys it depends on is told
    /// to `read`.
    pub fn rows(&self, index: Option<&Index>, read: &mut dyn FnMut(KeyRange)) -> Result<Vec<Row>> {
        match index {
            Some(index) => self.by_index(index, read),
            None => self.by_looking_at_all(read),
        }
    }

    fn by_looking_at_all(&self, read: &mut dyn FnMut(KeyRange)) -> Result<Vec<Row>> {
        let range = Range { reverse: self.reverse, ..Range::default() };
        let keys = range.document_keys(self.collection)?;
        keys.iter().cloned().for_each(read);
        let mut scan = Scan::new(self.database, self.collection, &range, keys, self.view)?;
        let mut rows = Vec::new();
        while let Some((key, entry)) = scan.next_entry()? {
            let key = key_of(&key)?;
            let Some(text) = scan.source().indexed_text(key, &entry)? else { continue };
            let encoded = encoded_value(self.path, key, &text)?;
            let Some(encoded) = encoded.filter(|encoded| self.condition.is_met_by(encoded)) else { continue };
            if self.condition.is_equality() {
                // Equal values are in key order, and so is the scan.
                rows.push((if self.with_values { encoded } else { Vec::new() }, key.to_owned()));
                if rows.len() == self.limit {
                    break;
                }
            } else {
                rows.push((encoded, key.to_owned()));
                // Memory is bounded by the limit, at little cost.
                if rows.len() / 2 >= self.limit.max(512) {
                    self.sort(&mut rows);
                    rows.truncate(self.limit);
                }
            }
        }
        self.sort(&mut rows);
        rows.truncate(self.limit);
        Ok(rows)
    }

    fn by_index(&self, index: &Index, read: &mut dyn FnMut(KeyRange)) -> Result<Vec<Row>> {
        let range = entries_within(index, self.condition.bounds());
        if is_empty(&range) {
            return Ok(Vec::new());
        }
        read(range.clone());
        let mut cursor = self.database.engine.scan(range, self.reverse, self.view.at, self.view.now_ms)?;
        let mut rows = Vec::new();
        // Entries that were cut at the same place come together, but are not sorted among themselves.
        let (mut alike, mut alike_rows) = (Vec::new(), Vec::<Row>::new());
        while rows.len() < self.limit {
            let next = cursor.next()?;
            let entry = next.as_ref().map(|(key, entry)| parse_entry(key, entry)).transpose()?;
            if !entry.as_ref().is_some_and(|entry| entry.is_cut && entry.encoded == alike) {
                self.sort(&mut alike_rows);
                rows.append(&mut alike_rows);
            }
            let Some((entry, (_, stored))) = entry.zip(next.as_ref()) else { break };
            if entry.is_cut {
                let Some(encoded) = self.confirm(&entry, stored, read)? else { continue };
                if !self.condition.is_met_by(&encoded) {
                    continue;
                }
                alike = entry.encoded.to_vec();
                alike_rows.push((encoded, entry.key.to_owned()));
            } else if stored.expires_at.is_none() || self.confirm(&entry, stored, read)?.is_some() {
                let encoded = if self.with_values { entry.encoded } else { &[] };
                rows.push((encoded.to_vec(), entry.key.to_owned()));
            }
        }
        rows.truncate(self.limit);
        Ok(rows)
    }

    /// The encoding of what the document of an entry really has at the path; `None` when that is something else.
    ///
    /// Of what expires compaction may have dropped the document and not yet the entry, and when the clock is set
    /// back the entry is seen again. Everything else stands and falls with its document.
    fn confirm(
        &self,
        entry: &IndexEntry<'_>,
        stored: &Entry,
        read: &mut dyn FnMut(KeyRange),
    ) -> Result<Option<Vec<u8>>> {
        let key = self.collection.document_key(entry.key);
        read(KeyRange { start: Bound::Included(key.clone()), end: Bound::Included(key) });
        let encoded = self.database.encoded_value(self.collection, self.path, entry.key, self.view)?;
        let encoded = encoded.filter(|encoded| cut(encoded) == (entry.encoded, entry.is_cut));
        if encoded.is_none() && stored.expires_at.is_none() {
            return Err(disagreement(entry.key));
        }
        Ok(encoded)
    }

    pub fn sort(&self, rows: &mut [Row]) {
        rows.sort_unstable();
        if self.reverse {
            rows.reverse();
        }
    }
}

/// Takes an index entry apart.
pub(super) fn parse_entry<'a>(engine_key: &'a [u8], entry: &Entry) -> Result<IndexEntry<'a>> {
    IndexEntry::parse(engine_key, &entry.value)
        .ok_or_else(|| Error::Corrupt { what: "an index entry".to_owned(), at: format!("key {engine_key:02x?}") })
}

/// The error for an index entry that its document does not know of.
pub(super) fn disagreement(key: &str) -> Error {
    let at = format!("key {}: its document does not agree; drop the index and create it again", abbreviate(key));
    Error::Corrupt { what: "an index entry".to_owned(), at }
}

/// The entries of an index that may meet a condition. Those that are not cut do.
fn entries_within(index: &Index, bounds: &Bounds) -> KeyRange {
    let at = |encoded: &[u8]| [&index.collection.index(index.id)[..], cut(encoded).0].concat();
    let behind = |encoded: &[u8]| successor(at(encoded)).map_or(Bound::Unbounded, Bound::Included);
    let before = |encoded: &[u8]| successor(at(encoded)).map_or(Bound::Unbounded, Bound::Excluded);
    let is_cut = |encoded: &[u8]| cut(encoded).1;
    let start = match &bounds.start {
        Bound::Excluded(value) if !is_cut(value) => behind(value),
        Bound::Included(value) | Bound::Excluded(value) => Bound::Included(at(value)),
        Bound::Unbounded => Bound::Included(at(&[])),
    };
    let end = match &bounds.end {
        Bound::Excluded(value) if !is_cut(value) => Bound::Excluded(at(value)),
        Bound::Included(value) | Bound::Excluded(value) => before(value),
        Bound::Unbounded => before(&[]),
    };
    KeyRange { start, end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::IndexState;
    use std::ops::RangeBounds;

    fn index() -> Index {
        let path = Path::parse("a").unwrap();
        Index { collection: CollectionId::DEFAULT, id: 5, path, state: IndexState::Ready }
    }

    fn within(condition: &str, key: &[u8]) -> bool {
        let range = entries_within(&index(), Condition::parse(condition).unwrap().bounds());
        (range.start, range.end).contains(&key.to_vec())
    }

    fn entry(value: &str, key: &str) -> Vec<u8> {
        let encoded = crate::documents::ordering::encode(value).unwrap();
        [&index().collection.index(5)[..], cut(&encoded).0, &[1], key.as_bytes()].concat()
    }

    #[test]
    fn bounds_hold_for_every_key_of_a_value() {
        for key in ["\u{1}", "k", "\u{10ffff}"] {
            for (condition, value, expected) in [
                ("5", "5", true),
                ("5", "5.1", false),
                ("{\"gt\":5}", "5", false),
                ("{\"gte\":5}", "5", true),
                ("{\"lt\":5}", "5", false),
                ("{\"lte\":5}", "5", true),
                ("{\"gte\":5}", "\"5\"", false),
                ("{\"lt\":5}", "true", false),
                ("{\"gte\":\"a\"}", "\"ab\"", true),
                ("{\"gt\":\"a\"}", "\"ab\"", true),
                ("{\"lte\":\"a\"}", "\"ab\"", false),
            ] {
                assert_eq!(within(condition, &entry(value, key)), expected, "{condition} {value} {key:?}");
            }
        }
    }

    #[test]
    fn values_cut_alike_stay_in_to_be_looked_at() {
        let [a, b] = ["a", "b"].map(|end| format!("\"{}{end}\"", "x".repeat(2000)));
        for condition in [a.clone(), format!("{{\"gt\":{a}}}"), format!("{{\"lt\":{a}}}")] {
            assert!(within(&condition, &entry(&b, "k")), "{condition}");
        }
        assert!(!within(&format!("{{\"gt\":{a}}}"), &entry("\"w\"", "k")));
        assert!(!within(&format!("{{\"lt\":{a}}}"), &entry("\"y\"", "k")));
    }
}
