//! Creating and dropping indexes, in steps that survive a crash.
//!
//! Creating: a commit says that the index is being built; from then on every write maintains it. Then documents are
//! indexed in key order, a slice a commit, and each of these commits says how far it has come. The last one says that
//! the index is ready. `find` uses it from then on.
//!
//! Completing: an index from before entries of documents without a value is given these in the same way, by maintenance.
//!
//! Dropping: a commit says that the index is going, and is flushed. Then its entries are removed, which is no commit:
//! whole tables are let go. Last, a commit takes it out of the catalog. When that is interrupted, the next open or
//! the next slice of maintenance continues.

use super::entry::{stage_missing, stage_stored};
use crate::documents::catalog::entries::entries_of;
use crate::documents::catalog::entries::{Index, IndexState};
use crate::documents::catalog::index_spec::{IndexSpec, Indexed};
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::scan::Scan;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::range::Range;
use crate::engine::Batch;
use crate::fs::File;
use crate::page::MISSING_VALUES;
use serde::Serialize;
use std::ops::{Deref, DerefMut};

/// A slice ends after this many documents, ...
const SLICE_DOCUMENTS: usize = 1000;
/// ... this many bytes of index entries, ...
const SLICE_WRITTEN_BYTES: usize = 256 << 10;
/// ... or this many bytes of documents, so that large ones do not stall the caller.
const SLICE_READ_BYTES: usize = 2 << 20;

/// An index, as [`Database::indexes`] lists it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexInfo {
    /// The path that is indexed. Of several, all of them, joined by `, `.
    pub path: String,
    /// The paths, when there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
    /// True if no two documents may have equal values.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// True if each element of an array has an entry.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub multi: bool,
    /// True if it covers all documents. Until then [`Database::find`] does without it.
    pub ready: bool,
}

/// How far [`Database::create_index_step`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexProgress {
    /// True if the index covers all documents.
    pub done: bool,
    /// How many documents this step has looked at.
    pub indexed: u64,
}

/// Entries that are staged for some documents, and how far an index is with them.
struct Slice {
    batch: Batch,
    /// Documents that were looked at.
    seen: usize,
    state: IndexState,
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Creates an index on the value at `path`, as `role` or `address.city`, so that [`Collection::find`] need not look
    /// at all documents. False when there is one.
    ///
    /// Existing documents are indexed before this returns, in many commits; inside a group each is written out by
    /// itself. When it fails or the program ends half way, the next call for the same path continues from there.
    ///
    /// ```
    /// # use ferrolite::{Condition, Database, FindOptions, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_json("user:1", r#"{"name": "alice", "address": {"city": "Oslo"}}"#)?;
    /// db.create_index("address.city")?;
    /// let found = db.find("address.city", &Condition::equals("Oslo")?, &FindOptions::default())?;
    /// assert_eq!(found, ["user:1"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// An [`IndexSpec`] says more: several paths, a unique index, or entries for the elements of arrays.
    /// [`Collection::query`] chooses among all indexes.
    ///
    /// # Errors
    /// `InvalidPath`; `InvalidOptions` when there is an index on the same paths that is not the same otherwise;
    /// `UniqueViolation` when two documents have equal values: then there is no index; `ReadOnly`, `StorageFull`, `Failed`,
    /// `Corrupt`, `Io`.
    pub fn create_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.measured_mut(Metric::CreateIndex, |documents| {
            let indexed = index.into().check()?;
            documents.database.writable()?;
            if let Some(index) = documents.database.catalog.on(documents.id, &indexed.paths) {
                index.indexed.must_be(&indexed)?;
                if index.state == IndexState::Ready {
                    return Ok(false);
                }
            }
            while !documents.index_step(&indexed, usize::MAX)?.done {}
            Ok(true)
        })
    }

    /// One step of [`Collection::create_index`], for callers that have other things to do in between: looks at up to
    /// `budget_documents` documents. Repeat it until it is done.
    ///
    /// # Errors
    /// As [`Collection::create_index`].
    pub fn create_index_step(&mut self, index: impl Into<IndexSpec>, budget_documents: usize) -> Result<IndexProgress> {
        self.measured_mut(Metric::CreateIndex, |documents| {
            let indexed = index.into().check()?;
            documents.database.writable()?;
            documents.index_step(&indexed, budget_documents)
        })
    }

    fn index_step(&mut self, indexed: &Indexed, budget_documents: usize) -> Result<IndexProgress> {
        if !indexed.multi && self.database.catalog.on(self.id, &indexed.paths).is_none() {
            self.database.settle_group()?;
            self.database.engine.require_features(MISSING_VALUES)?;
        }
        let mut creating = Batch::new();
        let collection = self.created_by(&mut creating)?;
        let outcome = self.database.index_step(collection, indexed, budget_documents, creating);
        self.id = self.database.catalog.collection(&self.name).unwrap_or(self.id);
        outcome
    }

    /// Removes the index on a path or several, whatever else it is. False when there was none. Documents stay.
    ///
    /// # Errors
    /// As [`Collection::create_index`].
    pub fn drop_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.measured_mut(Metric::DropIndex, |documents| {
            let paths = index.into().check()?.paths;
            documents.database.writable()?;
            let Some(index) = documents.database.catalog.on(documents.id, &paths) else { return Ok(false) };
            let index = index.clone();
            documents.database.drop_known_index(index)?;
            Ok(true)
        })
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// The indexes, by path.
    pub fn indexes(&self) -> Vec<IndexInfo> {
        self.measured(Metric::Indexes, || self.index_infos())
    }

    pub(crate) fn index_infos(&self) -> Vec<IndexInfo> {
        let info = |index: &Index| {
            let Indexed { paths, unique, multi } = &index.indexed;
            let several = if paths.len() > 1 { &paths[..] } else { &[] };
            IndexInfo {
                path: index.indexed.name(),
                paths: several.iter().map(|path| path.as_str().to_owned()).collect(),
                unique: *unique,
                multi: *multi,
                ready: index.state == IndexState::Ready,
            }
        };
        let mut indexes: Vec<_> = self.database.catalog.maintained(self.id).map(info).collect();
        indexes.sort_by(|a, b| a.path.cmp(&b.path));
        indexes
    }
}

impl<F: File> Database<F> {
    fn drop_known_index(&mut self, index: Index) -> Result<()> {
        let index = Index { state: IndexState::Dropping, ..index };
        let mut batch = Batch::new();
        index.store(&mut batch)?;
        self.commit_index(&index, batch)?;
        // Entries must not be gone while a crash could still bring the index back.
        self.make_durable()?;
        self.finish_dropping_or_leave_it();
        Ok(())
    }

    /// Continues the interrupted drops of collections and indexes.
    pub(crate) fn finish_dropping(&mut self) -> Result<()> {
        if self.catalog.dropping_collection().is_none() && self.catalog.dropping().is_none() {
            return Ok(());
        }
        self.finish_dropping_all()
    }

    #[cold]
    #[inline(never)]
    fn finish_dropping_all(&mut self) -> Result<()> {
        self.finish_dropping_collections()?;
        while let Some(index) = self.catalog.dropping().cloned() {
            self.settle_group()?;
            self.engine.drop_prefix(entries_of(&index))?;
            let mut batch = Batch::new();
            index.remove(&mut batch);
            self.apply(batch)?;
            self.catalog.forget(index.id);
        }
        Ok(())
    }

    /// The same where a failure is no reason to fail: nobody looks at what is left, and maintenance will try again
    /// and tell.
    pub(crate) fn finish_dropping_or_leave_it(&mut self) {
        if self.writable().is_ok() {
            self.finish_dropping().ok();
        }
    }

    fn index_step(
        &mut self,
        collection: CollectionId,
        indexed: &Indexed,
        budget_documents: usize,
        creating: Batch,
    ) -> Result<IndexProgress> {
        let index = match self.catalog.on(collection, &indexed.paths) {
            Some(index) => index.clone(),
            None => self.begin_index(collection, indexed, creating)?,
        };
        index.indexed.must_be(indexed)?;
        if index.state == IndexState::Ready {
            return Ok(IndexProgress { done: true, indexed: 0 });
        }
        self.index_more(index, budget_documents)
    }

    /// Indexes the next documents, at most `budget_documents`.
    #[cold]
    #[inline(never)]
    fn index_more(&mut self, mut index: Index, budget_documents: usize) -> Result<IndexProgress> {
        let mut left = budget_documents.max(1);
        while left > 0 && index.state != IndexState::Ready {
            match self.index_slice(&mut index, left.min(SLICE_DOCUMENTS)) {
                Ok(seen) => left -= seen,
                // The documents will not get better by waiting, and half an index is of no use.
                Err(error @ Error::UniqueViolation { .. }) => {
                    self.drop_known_index(index)?;
                    return Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        let indexed = (budget_documents.max(1) - left) as u64;
        Ok(IndexProgress { done: index.state == IndexState::Ready, indexed })
    }

    /// Commits that the index is being built; `batch` creates its collection if none exists.
    #[cold]
    #[inline(never)]
    fn begin_index(&mut self, collection: CollectionId, indexed: &Indexed, mut batch: Batch) -> Result<Index> {
        let index = self.catalog.add(collection, indexed.clone(), &mut batch)?;
        self.commit_index(&index, batch)?;
        Ok(index)
    }

    /// Indexes the next documents, at most `documents`; returns how many.
    fn index_slice(&mut self, index: &mut Index, documents: usize) -> Result<usize> {
        let IndexState::Building { after } = &index.state else { return Ok(0) };
        let Slice { mut batch, seen, state } = self.stage_slice(index, after.clone(), documents, stage_stored)?;
        index.state = state;
        index.store(&mut batch)?;
        self.commit_index(index, batch)?;
        Ok(seen)
    }

    /// Stages the entries of the next documents after the key `after`, at most `documents`.
    fn stage_slice(
        &self,
        index: &Index,
        after: Option<String>,
        documents: usize,
        stage: impl Fn(&Index, &mut Batch, &str, (&str, Option<u64>)) -> Result<()>,
    ) -> Result<Slice> {
        let mut last = after;
        let range = Range { gt: last.clone(), ..Range::default() };
        // Expired documents too: a clock set back may bring them up again.
        let (view, now_ms) = (View { at: self.engine.last_seq(), now_ms: 0 }, self.engine.now_ms());
        let mut scan = Scan::new(self, index.collection, &range, range.document_keys(index.collection)?, view)?;
        let (mut batch, mut seen, mut read_bytes) = (Batch::new(), 0, 0);
        let state = loop {
            if seen == documents || batch.size() >= SLICE_WRITTEN_BYTES || read_bytes >= SLICE_READ_BYTES {
                break IndexState::Building { after: last };
            }
            let Some((key, stored)) = scan.next_entry()? else { break IndexState::Ready };
            let key = key_of(&key)?;
            let is_over = stored.expires_at.is_some_and(|at| at <= now_ms);
            if is_over && index.indexed.unique {
                // Another document may have its value.
                self.stage(&mut batch, index.collection, key, None)?;
            } else if let Some(text) = scan.source().indexed_text(key, &stored)? {
                stage(index, &mut batch, key, (&text, stored.expires_at))?;
                read_bytes += text.len();
            }
            last = Some(key.to_owned());
            seen += 1;
            read_bytes += stored.value.len();
        };
        Ok(Slice { batch, seen, state })
    }

    /// Completes the next slice of an index from before such entries: gives documents without a value at the first path their
    /// entries. Returns false if no index lacks any.
    ///
    /// From the first slice on, every write maintains these entries. A slice that fails is reported once, and is tried again
    /// after the database was opened again: until then queries do without.
    pub(crate) fn complete_indexes(&mut self) -> Result<bool> {
        if self.is_completing_given_up {
            return Ok(false);
        }
        let Some(index) = self.catalog.incomplete().cloned() else { return Ok(false) };
        let outcome = self.completion_slice(index);
        self.is_completing_given_up = outcome.is_err();
        outcome.map(|()| true)
    }

    fn completion_slice(&mut self, mut index: Index) -> Result<()> {
        let after = match index.missing.take() {
            Some(IndexState::Building { after }) => after,
            _ => None,
        };
        self.settle_group()?;
        self.engine.require_features(MISSING_VALUES)?;
        // Staged as of an index that has these entries.
        index.missing = Some(IndexState::Building { after: after.clone() });
        let Slice { mut batch, state, .. } = self.stage_slice(&index, after, SLICE_DOCUMENTS, stage_missing)?;
        index.missing = Some(state);
        index.store(&mut batch)?;
        let version = self.apply(batch)?;
        self.catalog.remember(Index { missing_since: version, ..index });
        self.settle_group()
    }

    /// Commits a change of `index`, separately even inside a group, and applies it to the catalog.
    fn commit_index(&mut self, index: &Index, batch: Batch) -> Result<()> {
        let version = self.apply(batch)?;
        self.catalog.remember(Index { ready_since: version, ..index.clone() });
        self.settle_group()
    }
}

#[cfg(test)]
#[path = "index_complete_tests.rs"]
mod tests;
