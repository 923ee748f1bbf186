//! The parts of documents in a salvage: which of those that were copied make whole documents.
//!
//! Documents and parts are copied as they are found. Then every document that has parts is read. One that is not whole is
//! removed, so that nothing is ever returned short, and so are parts that no whole document has.

use super::salvage_report::SalvageReport;
use crate::documents::catalog::entries::{part_offset_key, parts_key};
use crate::documents::database::Database;
use crate::documents::error::{Error, Result};
use crate::documents::json::text;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::key::{CollectionId, Prefix, collection_of};
use crate::documents::keyspace::range::end_of;
use crate::documents::stored::content::{Content, Source};
use crate::documents::stored::parts::{PartId, parse_part_key};
use crate::engine::{Batch, Entry, KeyRange, Seq};
use crate::fs::File;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry as Kept};
use std::ops::{Bound, Range};

/// Bytes of a commit, about.
const COMMIT_BYTES: usize = 256 << 10;

/// Parts that were found, and how far looking at them is.
#[derive(Debug, Default)]
pub(crate) struct FoundParts {
    collections: BTreeSet<CollectionId>,
    newest: Seq,
    /// What whole documents have, and at which positions.
    kept: BTreeMap<(Prefix, PartId), Range<u64>>,
    /// Key spaces to be looked at, documents first; `None` until that is begun.
    spaces: Option<Vec<Prefix>>,
    /// The engine key that was looked at last.
    after: Option<Vec<u8>>,
}

impl FoundParts {
    /// Parts of a collection were found, or a document that has some. `batch` gets what makes that known.
    pub fn add(&mut self, collection: CollectionId, id: PartId, batch: &mut Batch) {
        self.newest = self.newest.max(id.seq());
        if self.collections.insert(collection) {
            batch.put(parts_key(collection), Vec::new(), None);
        }
    }

    /// One slice of looking at what was copied; true when there is no more.
    pub fn step<F: File>(
        &mut self,
        target: &mut Database<F>,
        report: &mut SalvageReport,
        budget: usize,
    ) -> Result<bool> {
        if self.collections.is_empty() {
            return Ok(true);
        }
        let Some(spaces) = &mut self.spaces else {
            let of = |id: &CollectionId| [id.documents(), id.parts(), id.elements()];
            // From the last one to the first.
            self.spaces = Some(self.collections.iter().rev().flat_map(|id| of(id).into_iter().rev()).collect());
            self.collections.iter().for_each(|id| target.catalog.remember_parts(*id));
            // The new database counts commits from the beginning: its ids begin after the existing ids.
            let mut batch = Batch::new();
            target.catalog.begin_parts_behind(self.newest);
            batch.put(part_offset_key(), self.newest.to_le_bytes().to_vec(), None);
            target.apply(batch)?;
            return Ok(false);
        };
        let Some(space) = spaces.last().copied() else { return Ok(true) };
        if self.look_at(space, target, report, budget)? {
            self.after = None;
            self.spaces.as_mut().and_then(Vec::pop);
        }
        Ok(false)
    }

    /// Looks at some of a key space; true at its end.
    fn look_at<F: File>(
        &mut self,
        space: Prefix,
        target: &mut Database<F>,
        report: &mut SalvageReport,
        budget: usize,
    ) -> Result<bool> {
        let start = self.after.take().map_or(Bound::Included(space.to_vec()), Bound::Excluded);
        let range = KeyRange { start, end: end_of(space.to_vec()) };
        let view = target.view();
        let (mut batch, mut read) = (Batch::new(), 0);
        let mut cursor = target.engine.scan(range, false, view.at, 0)?;
        let is_done = loop {
            if read >= budget || batch.size() >= COMMIT_BYTES {
                break false;
            }
            let Some((key, entry)) = cursor.next()? else { break true };
            read += key.len() + entry.value.len();
            let stays = match collection_of(space) {
                Some(collection) => {
                    let source = target.source(collection, view.at);
                    let stays = self.is_whole(source, &key, &entry, &mut read)?;
                    report.documents -= u64::from(!stays);
                    report.unreadable += u64::from(!stays);
                    stays
                }
                None => parse_part_key(&key).is_some_and(|(id, position)| {
                    self.kept.get(&(space, id)).is_some_and(|positions| positions.contains(&position))
                }),
            };
            if !stays {
                batch.delete(key.clone());
            }
            self.after = Some(key);
        };
        target.apply_unless_empty(batch)?;
        Ok(is_done)
    }

    /// True if a document has all of its parts, if it has any.
    fn is_whole<F: File>(
        &mut self,
        source: Source<'_, F>,
        engine_key: &[u8],
        entry: &Entry,
        read: &mut usize,
    ) -> Result<bool> {
        let key = key_of(engine_key)?;
        let content = Content::of(key, &entry.value)?;
        let Some((space, id, positions)) = content.parts(source.collection) else { return Ok(true) };
        let is_json = content.is_json();
        let whole =
            match if is_json { source.text(key, entry) } else { source.check_bytes(key, entry).map(|()| "".into()) } {
                Ok(text) => {
                    *read += text.len();
                    !is_json || text::check_text(&text).is_ok()
                }
                Err(Error::Corrupt { .. }) => false,
                Err(error) => return Err(error),
            };
        match self.kept.entry((space, id)) {
            Kept::Vacant(vacant) if whole => {
                vacant.insert(positions);
                Ok(true)
            }
            // Two documents never share parts: one of them is an older state.
            _ => Ok(false),
        }
    }
}
