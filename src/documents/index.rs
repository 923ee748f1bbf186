//! Creating and dropping indexes, in steps that survive a crash.
//!
//! Creating: a commit says that the index is being built; from then on every write maintains it. Then documents are
//! indexed in key order, a slice a commit, and each of these commits says how far it has come. The last one says that
//! the index is ready. `find` uses it from then on.
//!
//! Dropping: a commit says that the index is going, and is flushed. Then its entries are removed, which is no commit:
//! whole tables are let go. Last, a commit takes it out of the catalog. When that is interrupted, the next open or
//! the next slice of maintenance goes on.

use super::catalog::{Index, IndexState};
use super::collection::Collection;
use super::document::key_of;
use super::error::{Error, Result};
use super::index_spec::{IndexSpec, Indexed};
use super::key::{CollectionId, Prefix};
use super::latencies::Verb;
use super::read::View;
use super::scan::Scan;
use super::{Database, Range, index_entry};
use crate::engine::Batch;
use crate::fs::File;
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
    /// Whether no two documents may have equal values.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    /// Whether each element of an array has an entry.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub multi: bool,
    /// Whether it covers all documents. Until then [`Database::find`] does without it.
    pub ready: bool,
}

/// How far [`Database::create_index_step`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexProgress {
    /// Whether the index covers all documents.
    pub done: bool,
    /// How many documents this step has looked at.
    pub indexed: u64,
}

/// The prefix of the entries of an index.
pub(super) fn entries_of(index: &Index) -> Prefix {
    index.collection.index(index.id)
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// As [`Database::create_index`].
    pub fn create_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.measured_mut(Verb::CreateIndex, |documents| {
            let indexed = index.into().check()?;
            documents.database.writable()?;
            if let Some(index) = documents.database.catalog.on(documents.id, &indexed.paths) {
                index.indexed.must_be(&indexed)?;
                if index.state == IndexState::Ready {
                    return Ok(false);
                }
            }
            let collection = documents.create()?;
            while !documents.database.index_step(collection, &indexed, usize::MAX)?.done {}
            Ok(true)
        })
    }

    /// As [`Database::create_index_step`].
    pub fn create_index_step(&mut self, index: impl Into<IndexSpec>, budget_documents: usize) -> Result<IndexProgress> {
        self.measured_mut(Verb::CreateIndex, |documents| {
            let indexed = index.into().check()?;
            documents.database.writable()?;
            let collection = documents.create()?;
            documents.database.index_step(collection, &indexed, budget_documents)
        })
    }

    /// As [`Database::drop_index`].
    pub fn drop_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.measured_mut(Verb::DropIndex, |documents| {
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
    /// As [`Database::indexes`].
    pub fn indexes(&self) -> Vec<IndexInfo> {
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

    /// Goes on with collections and indexes whose dropping was interrupted.
    pub(super) fn finish_dropping(&mut self) -> Result<()> {
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
    pub(super) fn finish_dropping_or_leave_it(&mut self) {
        if self.writable().is_ok() {
            self.finish_dropping().ok();
        }
    }

    fn index_step(
        &mut self,
        collection: CollectionId,
        indexed: &Indexed,
        budget_documents: usize,
    ) -> Result<IndexProgress> {
        let mut index = match self.catalog.on(collection, &indexed.paths) {
            Some(index) => index.clone(),
            None => self.begin_index(collection, indexed)?,
        };
        index.indexed.must_be(indexed)?;
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

    fn begin_index(&mut self, collection: CollectionId, indexed: &Indexed) -> Result<Index> {
        let mut batch = Batch::new();
        let index = self.catalog.add(collection, indexed.clone(), &mut batch)?;
        self.commit_index(&index, batch)?;
        Ok(index)
    }

    /// Indexes the next documents, at most `documents`; returns how many.
    fn index_slice(&mut self, index: &mut Index, documents: usize) -> Result<usize> {
        let IndexState::Building { after } = &mut index.state else { return Ok(0) };
        let mut last = after.take();
        let range = Range { gt: last.clone(), ..Range::default() };
        // Expired documents too: a clock set back may bring them up again.
        let view = View { at: self.engine.last_seq(), now_ms: 0 };
        let mut scan = Scan::new(self, index.collection, &range, range.document_keys(index.collection)?, view)?;
        let (mut batch, mut seen, mut read_bytes) = (Batch::new(), 0, 0);
        index.state = loop {
            if seen == documents || batch.size() >= SLICE_WRITTEN_BYTES || read_bytes >= SLICE_READ_BYTES {
                break IndexState::Building { after: last };
            }
            let Some((key, stored)) = scan.next_entry()? else { break IndexState::Ready };
            let key = key_of(&key)?;
            if let Some(text) = scan.source().indexed_text(key, &stored)? {
                index_entry::stage_stored(index, &mut batch, key, (&text, stored.expires_at))?;
                read_bytes += text.len();
            }
            last = Some(key.to_owned());
            seen += 1;
            read_bytes += stored.value.len();
        };
        index.store(&mut batch)?;
        self.commit_index(index, batch)?;
        Ok(seen)
    }

    /// Commits a change of `index`, by itself even inside a group, and remembers it.
    fn commit_index(&mut self, index: &Index, batch: Batch) -> Result<()> {
        let version = self.apply(batch)?;
        self.catalog.remember(Index { ready_since: version, ..index.clone() });
        self.settle_group()
    }
}
