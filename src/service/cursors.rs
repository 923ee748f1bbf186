//! Scans that are read page by page. Each holds a snapshot, so that all of its pages are of one version.

use super::answer::Answer;
use crate::documents::{Database, Error, Page, PageLimits, Range, Result, Snapshot};
use crate::fs::File;
use std::collections::BTreeMap;

/// The first page is small, for loops that end early.
const FIRST_PAGE_DOCUMENTS: usize = 100;

/// The open scans, by number.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: BTreeMap<u64, Position>,
}

/// How far a scan has come.
#[derive(Debug)]
struct Position {
    /// The collection; empty for the default one.
    collection: String,
    /// The remaining range, without `after`.
    range: Range,
    snapshot: Snapshot,
    /// True if the snapshot ends with the scan.
    is_own: bool,
    /// The last key of the page before.
    after: String,
}

impl Position {
    fn end<F: File>(self, database: &mut Database<F>) {
        if self.is_own {
            database.release(self.snapshot);
        }
    }
}

impl Cursors {
    /// Starts a scan: `{rows, cursor}`, without a cursor when the first page holds all.
    pub fn open<F: File>(
        &mut self,
        database: &mut Database<F>,
        id: u64,
        collection: &str,
        range: Range,
        answer: &mut Answer,
    ) -> Result<()> {
        let snapshot = database.hold_snapshot()?;
        self.begin(database, id, collection, range, (snapshot, true), answer)
    }

    /// Opens a scan of a snapshot that the client holds.
    pub fn open_at<F: File>(
        &mut self,
        database: &mut Database<F>,
        id: u64,
        collection: &str,
        range: Range,
        snapshot: Snapshot,
        answer: &mut Answer,
    ) -> Result<()> {
        self.begin(database, id, collection, range, (snapshot, false), answer)
    }

    fn begin<F: File>(
        &mut self,
        database: &mut Database<F>,
        id: u64,
        collection: &str,
        range: Range,
        (snapshot, is_own): (Snapshot, bool),
        answer: &mut Answer,
    ) -> Result<()> {
        let limits = PageLimits { documents: FIRST_PAGE_DOCUMENTS, ..PageLimits::default() };
        let page = database.named(collection).scan_page(&range, snapshot, None, limits);
        let position = Position { collection: collection.to_owned(), range, snapshot, is_own, after: String::new() };
        self.settle(database, id, position, page, answer)
    }

    /// The next page of a scan, in the same form.
    pub fn next<F: File>(&mut self, database: &mut Database<F>, id: u64, answer: &mut Answer) -> Result<()> {
        let position = self.open.remove(&id).ok_or(Error::Aborted)?;
        let Position { collection, range, snapshot, after, .. } = &position;
        let page = database.named(collection).scan_page(range, *snapshot, Some(after), PageLimits::default());
        self.settle(database, id, position, page, answer)
    }

    /// True if the scan of this number is open.
    pub fn has(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    /// Ends all scans.
    pub fn close_all<F: File>(&mut self, database: &mut Database<F>) {
        std::mem::take(&mut self.open).into_values().for_each(|position| position.end(database));
    }

    /// Ends a scan before its end.
    pub fn close<F: File>(&mut self, database: &mut Database<F>, id: u64) {
        if let Some(position) = self.open.remove(&id) {
            position.end(database);
        }
    }

    /// Answers a page, and stores the beginning of the next page, or releases the snapshot.
    fn settle<F: File>(
        &mut self,
        database: &mut Database<F>,
        id: u64,
        mut position: Position,
        page: Result<Page>,
        answer: &mut Answer,
    ) -> Result<()> {
        let last = page.as_ref().ok().filter(|page| page.more).and_then(|page| page.documents.last());
        let goes_on = last.map(|document| document.key.clone());
        let Some(after) = goes_on else {
            position.end(database);
            return write(page?, None, answer);
        };
        let page = page?;
        if let Some(limit) = &mut position.range.limit {
            *limit = limit.saturating_sub(page.documents.len() as u64);
        }
        position.after = after;
        match write(page, Some(id), answer) {
            Ok(()) => {
                self.open.insert(id, position);
                Ok(())
            }
            Err(error) => {
                position.end(database);
                Err(error)
            }
        }
    }
}

fn write(page: Page, cursor: Option<u64>, answer: &mut Answer) -> Result<()> {
    answer.open();
    answer.text(r#"{"rows":"#);
    answer.rows_at(r#""rows","#);
    answer.array(page.documents.into_iter().map(Ok), Answer::entry)?;
    if let Some(cursor) = cursor {
        answer.text(&format!(r#","cursor":{cursor}"#));
    }
    answer.text("}");
    answer.close();
    Ok(())
}
