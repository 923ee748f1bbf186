//! Looking for damage: in the file, in the documents, and between documents and indexes.

use super::check_parts::ExpectedParts;
use super::check_report::CheckReport;
use crate::documents::catalog::entries::entries_of;
use crate::documents::catalog::entries::{Index, IndexState};
use crate::documents::changes::journal::Journal;
use crate::documents::database::Database;
use crate::documents::database::latencies::Metric;
use crate::documents::database::scan::Scan;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::index::entry::{self, Encoded, IndexEntry, cut, is_missing};
use crate::documents::index::entry::{disagreement, parse_entry};
use crate::documents::json::ordering::shared_beginning;
use crate::documents::json::text;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::range::end_of;
use crate::documents::stored::content::is_live;
use crate::documents::stored::content::{Content, Source};
use crate::engine::{Entry, KeyRange};
use crate::fs::File;
use std::collections::BTreeMap;
use std::ops::Bound;

impl<F: File> Database<F> {
    /// Searches for damage, and reports it. Without `full` that is the structure: superblock, manifest,
    /// extents and log. `full` reads every page of the file, every document and every index entry, and compares each with
    /// what leads to it.
    ///
    /// # Errors
    /// `Io`, `Locked`.
    pub fn check(&self, full: bool) -> Result<CheckReport> {
        self.measured(Metric::Check, || self.checked(full))
    }

    fn checked(&self, full: bool) -> Result<CheckReport> {
        let engine = self.engine.check(full)?;
        let (tables, entries) = (engine.tables, engine.entries);
        let (problems, notes) = (engine.problems, engine.notes);
        let mut report = CheckReport { tables, entries, problems, notes, ..CheckReport::default() };
        // In a file that is damaged the rest would only say so again.
        if full && report.is_ok() {
            let outcome = self.check_documents(&mut report);
            report.note(outcome)?;
        }
        let unfinished = self.unfinished_uploads();
        if unfinished > 0 {
            let parts = if full { format!(", of {} parts", report.unfinished_parts) } else { String::new() };
            report.notes.push(format!(
                "unfinished large values: {unfinished}{parts}; a program ended before it finished them; the next connection \
                 that writes removes them"
            ));
        }
        Ok(report)
    }

    fn check_documents(&self, report: &mut CheckReport) -> Result<()> {
        // What has expired was written correctly too.
        let view = View { now_ms: 0, ..self.view() };
        for collection in self.catalog.collection_ids() {
            self.check_collection(collection, view, report)?;
        }
        Journal::check(&self.engine, |outcome| report.note(outcome))
    }

    fn check_collection(&self, collection: CollectionId, view: View, report: &mut CheckReport) -> Result<()> {
        let ready = self.catalog.maintained(collection).filter(|index| index.state == IndexState::Ready);
        let mut indexes: Vec<(&Index, u64)> = ready.map(|index| (index, 0)).collect();
        let all = Range::all();
        let mut scan = Scan::new(self, collection, &all, all.document_keys(collection)?, view)?;
        let mut parts = ExpectedParts::default();
        while let Some((key, stored)) = scan.next_entry()? {
            report.documents += 1;
            let outcome = check_document(scan.source(), &key, &stored, &mut indexes, &mut parts);
            report.note(outcome)?;
        }
        self.check_parts(collection, view, parts, report)?;
        for (index, expected) in indexes {
            let found = self.check_index(index, view, report)?;
            if found != expected {
                let path = index.indexed.name();
                let of = match self.catalog.name_of(collection) {
                    "" => String::new(),
                    name => format!(" of the collection {}", abbreviate(name)),
                };
                report.problems.push(format!("the index on {path}{of} covers {found} documents of {expected}"));
            }
        }
        Ok(())
    }

    /// Compares every entry of an index with its document; returns how many agree.
    fn check_index(&self, index: &Index, view: View, report: &mut CheckReport) -> Result<u64> {
        let prefix = entries_of(index).to_vec();
        let range = KeyRange { start: Bound::Included(prefix.clone()), end: end_of(prefix) };
        let mut cursor = self.engine.scan(range, false, view.at, view.now_ms)?;
        let mut agreeing = 0;
        let mut holders = Holders::default();
        let now_ms = self.engine.now_ms();
        let mut unmarked = 0;
        while let Some((key, stored)) = cursor.next()? {
            report.index_entries += 1;
            let outcome = parse_entry(index, &key, &stored).and_then(|entry| {
                let document = self.entry(index.collection, entry.key, view)?;
                let mut values = match &document {
                    Some(document) => {
                        match self.source(index.collection, view.at).indexed_text(entry.key, document)? {
                            Some(text) => entry::encodings(index, entry.key, &text)?,
                            None => Vec::new(),
                        }
                    }
                    None => Vec::new(),
                };
                values.retain(|value| cut(&value.entry) == (entry.encoded, entry.is_cut));
                if !values.is_empty() {
                    agreeing += u64::from(counts(index, entry.encoded));
                    unmarked += u64::from(stored.expires_at.is_none() && values.iter().any(Encoded::is_inexact));
                    if index.indexed.unique && document.is_some_and(|document| is_live(&document, now_ms)) {
                        holders.add(index, &entry, &values)?;
                    }
                } else if stored.expires_at.is_none() {
                    return Err(disagreement(entry.key));
                }
                // What has expired may be dropped before its entry; `find` does not rely on the entry either.
                Ok(())
            });
            report.note(outcome)?;
        }
        if unmarked > 0 {
            let path = index.indexed.name();
            report.notes.push(format!(
                "the index on {path}: {unmarked} entries for numbers of more than 17 digits are of an earlier version, and \
                 may be found for other numbers; drop the index and create it again"
            ));
        }
        Ok(agreeing)
    }
}

/// The documents of a unique index whose entries are alike, by the values that they hold.
#[derive(Default)]
struct Holders {
    /// The bytes that all entries begin with.
    alike: Vec<u8>,
    holders: BTreeMap<Vec<u8>, String>,
}

impl Holders {
    /// Fails if another document that has not expired holds one of the values of an entry.
    fn add(&mut self, index: &Index, entry: &IndexEntry<'_>, values: &[Encoded]) -> Result<()> {
        let alike = shared_beginning(entry.encoded, false).unwrap_or(entry.encoded);
        if self.alike != alike {
            self.alike = alike.to_vec();
            self.holders.clear();
        }
        for value in values.iter().filter(|value| value.is_complete()) {
            let before = self.holders.insert(value.exact().to_vec(), entry.key.to_owned());
            if let Some(key) = before.filter(|key| key != entry.key) {
                return Err(Error::Corrupt {
                    what: format!("the unique index on {}", index.indexed.name()),
                    at: format!(
                        "keys {} and {}: they have equal values; delete or change one of them",
                        abbreviate(&key),
                        abbreviate(entry.key)
                    ),
                });
            }
        }
        Ok(())
    }
}

/// True if a ready index must have this entry: of documents without a value, one may have entries for some documents only.
fn counts(index: &Index, encoded: &[u8]) -> bool {
    !is_missing(encoded) || index.missing == Some(IndexState::Ready)
}

/// Checks one stored document, and counts the indexes that must have an entry for it.
fn check_document<F: File>(
    source: Source<'_, F>,
    engine_key: &[u8],
    stored: &Entry,
    indexes: &mut [(&Index, u64)],
    parts: &mut ExpectedParts,
) -> Result<()> {
    let key = key_of(engine_key)?;
    let content = Content::of(key, &stored.value)?;
    content.parts(source.collection).map_or(Ok(()), |known| parts.add(key, known))?;
    if !content.is_json() {
        // That its parts are there, and have their lengths.
        return source.check_bytes(key, stored);
    }
    let text = source.text(key, stored)?;
    text::check_text(&text).map_err(|error| text::damaged(key, error))?;
    for (index, expected) in indexes {
        let parts = entry::parts(index, key, &text)?;
        *expected += parts.iter().filter(|(part, _)| counts(index, part)).count() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::options::Options;
    use crate::engine::Batch;
    use crate::fs::{Memory, MemoryFile};

    fn indexed() -> Database<MemoryFile> {
        let mut db = pollster::block_on(Database::open(&Memory::new(), "db", Options::default())).unwrap();
        db.set_json("a", r#"{"x": 1}"#).unwrap();
        db.set_json("b", r#"{"y": 1}"#).unwrap();
        db.create_index("x").unwrap();
        db
    }

    #[test]
    fn a_sound_database_has_no_problems() {
        let report = indexed().check(true).unwrap();
        assert!(report.is_ok(), "{report:?}");
        assert_eq!((report.documents, report.index_entries), (2, 2));
        assert_eq!(indexed().check(false).unwrap().documents, 0);
    }

    #[test]
    fn documents_and_indexes_that_disagree_are_told() {
        for (text, problem) in
            [("{}", "index entry"), (r#"{"x": 2}"#, "index entry"), ("{", "not JSON"), ("nope", "document")]
        {
            let mut db = indexed();
            let mut batch = Batch::new();
            batch.put(CollectionId::DEFAULT.document_key("a"), Content::Json(text.as_bytes()).encode(), None);
            db.apply(batch).unwrap();
            let report = db.check(true).unwrap();
            assert!(report.problems.iter().any(|told| told.contains(problem)), "{text}: {report:?}");
        }
        let mut db = indexed();
        let mut batch = Batch::new();
        batch.put(CollectionId::DEFAULT.document_key("c"), Content::Json(br#"{"x": 3}"#).encode(), None);
        db.apply(batch).unwrap();
        let report = db.check(true).unwrap();
        assert_eq!(report.problems, ["the index on x covers 2 documents of 3"]);
    }
}
