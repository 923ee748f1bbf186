//! Walking ranges of documents: at once, or page by page from a snapshot.

use super::Database;
use super::collection::Collection;
use super::latencies::Metric;
use super::snapshots::Snapshot;
use super::view::View;
use crate::documents::error::Result;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::range::is_empty;
use crate::documents::stored::content::Source;
use crate::documents::stored::document::Document;
use crate::engine::{Cursor, Entry, KeyRange};
use crate::fs::File;
use std::ops::{Bound, Deref};

/// The documents in a range. Made by [`Database::scan`].
pub struct Scan<'a, F: File> {
    cursor: Option<Cursor<'a, F>>,
    source: Source<'a, F>,
    left: u64,
}

/// How much [`Database::scan_page`] returns at most: it stops after the document that reaches either limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageLimits {
    /// Documents in a page, at least 1.
    pub documents: usize,
    /// Bytes of keys, JSON text and blobs in a page.
    pub bytes: usize,
}

impl Default for PageLimits {
    /// 1,000 documents or 256 KiB: few round trips, and no long stall.
    fn default() -> Self {
        Self { documents: 1000, bytes: 256 << 10 }
    }
}

/// A page of documents. Made by [`Database::scan_page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The documents, in the order of the range.
    pub documents: Vec<Document>,
    /// True if the range may hold more.
    pub more: bool,
}

impl<'a, F: File> Scan<'a, F> {
    /// The documents of a collection at `keys`, as of `view`.
    pub(crate) fn new(
        database: &'a Database<F>,
        collection: CollectionId,
        range: &Range,
        keys: Option<KeyRange>,
        view: View,
    ) -> Result<Self> {
        let scan = |keys| database.engine.scan(keys, range.reverse, view.at, view.now_ms);
        let cursor = keys.map(scan).transpose()?;
        let source = database.source(collection, view.at);
        Ok(Self { cursor, source, left: range.limit.unwrap_or(u64::MAX) })
    }

    /// The documents of a collection.
    pub(crate) fn of(database: &'a Database<F>, collection: CollectionId, range: &Range, view: View) -> Result<Self> {
        Self::new(database, collection, range, range.document_keys(collection)?, view)
    }

    /// Where its entries have their texts.
    pub(crate) fn source(&self) -> Source<'a, F> {
        self.source
    }

    /// The next engine key and entry. After the end or an error there are no more.
    pub(crate) fn next_entry(&mut self) -> Result<Option<(Vec<u8>, Entry)>> {
        let Some(cursor) = self.cursor.as_mut().filter(|_| self.left > 0) else {
            return Ok(None);
        };
        self.left -= 1;
        let next = cursor.next();
        if !matches!(next, Ok(Some(_))) {
            self.cursor = None;
        }
        Ok(next?)
    }
}

impl<F: File> Iterator for Scan<'_, F> {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_entry() {
            Ok(None) => None,
            Ok(Some((key, entry))) => Some(Document::from_entry(self.source, &key, &entry)),
            Err(error) => Some(Err(error)),
        }
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// One page of `range`, as of `snapshot`. `after` is the last key of the page before, `None` for the first
    /// page. `range.limit` counts for this call alone.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, PageLimits, Range, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// # db.set_many([("a", 1), ("b", 2), ("c", 3)])?;
    /// let snapshot = db.snapshot()?;
    /// let mut after = None;
    /// loop {
    ///     let page = db.scan_page(&Range::all(), snapshot, after.as_deref(), PageLimits::default())?;
    ///     after = page.documents.last().map(|document| document.key.clone());
    ///     if !page.more { break }
    /// }
    /// db.release(snapshot);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Database::scan`].
    pub fn scan_page(
        &self,
        range: &Range,
        snapshot: Snapshot,
        after: Option<&str>,
        limits: PageLimits,
    ) -> Result<Page> {
        self.measured(Metric::ScanPage, || {
            let view = self.database.view_at(&snapshot)?;
            let id = self.database.collection_at(&self.name, view.at)?;
            let keys = range.document_keys(id)?.and_then(|keys| rest(keys, id, range.reverse, after));
            let mut scan = Scan::new(&self.database, id, range, keys, view)?;
            let mut documents = Vec::new();
            let mut bytes = 0;
            while documents.len() < limits.documents.max(1) && bytes < limits.bytes.max(1) {
                let Some(document) = scan.next().transpose()? else {
                    return Ok(Page { documents, more: false });
                };
                bytes += document.size();
                documents.push(document);
            }
            Ok(Page { documents, more: scan.left > 0 })
        })
    }
}

/// Returns the part of `range` after the key `after`.
fn rest(mut range: KeyRange, collection: CollectionId, reverse: bool, after: Option<&str>) -> Option<KeyRange> {
    if let Some(after) = after {
        let bound = Bound::Excluded(collection.document_key(after));
        if reverse {
            range.end = bound;
        } else {
            range.start = bound;
        }
    }
    (!is_empty(&range)).then_some(range)
}
