//! Reading a whole table by its index, and comparing everything with everything.

use super::block::cursor::BlockCursor;
use super::cursor::child;
use super::filter;
use super::meta::{Table, TableStatistics};
use crate::engine::entry::{Seq, prefix_of};
use crate::engine::error::{Error, Result};
use crate::fs::File;
use crate::page::{PageRef, PlaceKind, Volume};

/// Problems of one table that are told; a table of which everything is wrong need not say it of each page.
const PROBLEMS_MAX: usize = 100;

/// Audits a table: gives the entries that were read, and adds what is wrong to `problems`.
///
/// # Errors
/// [`Error::Fs`] and [`Error::Locked`]; damage is reported.
pub(crate) fn audit<F: File>(table: &Table, volume: &Volume<F>, problems: &mut Vec<String>) -> Result<u64> {
    let mut audit = Audit {
        table,
        volume,
        filter: None,
        uppers: Vec::new(),
        lowers: vec![None; usize::from(table.depth)],
        first: None,
        last: None,
        end: 0,
        found: TableStatistics { min_seq: Seq::MAX, ..TableStatistics::default() },
        is_whole: true,
        problems: Vec::new(),
    };
    if table.filter.len > 0 {
        let page = table.read_filter(volume, false);
        audit.filter = audit.unless_damaged(page)?;
    }
    audit.index_page(&table.root, table.depth)?;
    if audit.is_whole {
        audit.compare();
    }
    let (place, more) = (table.address, audit.problems.len().saturating_sub(PROBLEMS_MAX));
    let tell = |problem: String| format!("table {} at offset {place}: {problem}", table.id);
    problems.extend(audit.problems.into_iter().take(PROBLEMS_MAX).map(tell));
    if more > 0 {
        problems.push(tell(format!("and {more} more problems")));
    }
    Ok(audit.found.entries)
}

struct Audit<'a, F> {
    table: &'a Table,
    volume: &'a Volume<F>,
    filter: Option<bytes::Bytes>,
    /// The separators that lead to the page, from the root down.
    uppers: Vec<Vec<u8>>,
    /// The separators before those, and whether a key equal to one of them may come: the last key was equal to it.
    lowers: Vec<Option<Vec<u8>>>,
    first: Option<Vec<u8>>,
    last: Option<(Vec<u8>, Seq)>,
    /// Behind the last data page, in the table.
    end: u64,
    found: TableStatistics,
    /// True if every page could be read.
    is_whole: bool,
    problems: Vec<String>,
}

impl<F: File> Audit<'_, F> {
    /// Reports damage, and continues the audit after it.
    fn unless_damaged<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error @ (Error::Fs(_) | Error::Locked)) => Err(error),
            Err(error) => {
                self.is_whole = false;
                self.problems.push(error.to_string());
                Ok(None)
            }
        }
    }

    fn wrong(&mut self, what: &str, offset: u32) {
        self.problems.push(format!("{what}, in the page at offset {offset} of the table"));
    }

    fn index_page(&mut self, reference: &PageRef, depth: u8) -> Result<()> {
        let page = self.table.read_block(self.volume, PlaceKind::Index, reference, false).and_then(|mut page| {
            page.check_restarts()?;
            page.first()?;
            Ok(page)
        });
        let Some(mut page) = self.unless_damaged(page)? else { return Ok(()) };
        let level = self.uppers.len();
        while page.valid() {
            if self.uppers.iter().any(|upper| page.key() > upper.as_slice()) || page.seq() != 0 {
                self.wrong("a separator that is not what led to its page", reference.offset);
            }
            let Some(below) = self.unless_damaged(child(&page))? else { return Ok(()) };
            self.uppers.push(page.key().to_vec());
            if depth > 1 {
                self.index_page(&below, depth - 1)?;
            } else {
                self.data_page(&below)?;
            }
            let separator = self.uppers.pop();
            if let Some(lower) = self.lowers.get_mut(level) {
                *lower = separator;
            }
            if self.unless_damaged(page.advance())?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn data_page(&mut self, reference: &PageRef) -> Result<()> {
        let (offset, len) = (u64::from(reference.offset), u64::from(reference.len));
        if offset < self.end || offset + len > self.table.len {
            self.wrong("a reference that is out of order or leaves the table", reference.offset);
        }
        self.end = offset + len;
        let page = self.table.read_block(self.volume, PlaceKind::Data, reference, false).and_then(|mut page| {
            page.check_restarts()?;
            page.first()?;
            Ok(page)
        });
        let Some(mut page) = self.unless_damaged(page)? else { return Ok(()) };
        let goes_on = self.last.as_ref().is_some_and(|(key, _)| key == page.key());
        let below = |lower: &Option<Vec<u8>>| {
            lower.as_deref().is_some_and(|lower| page.key() < lower || (page.key() == lower && !goes_on))
        };
        if self.is_whole && self.lowers.iter().any(below) {
            self.wrong("a key that the separator before leads to", reference.offset);
        }
        while page.valid() {
            self.entry(&page, reference.offset);
            if self.unless_damaged(page.advance())?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn entry(&mut self, page: &BlockCursor, offset: u32) {
        let (key, seq, version) = (page.key(), page.seq(), page.version());
        if self.last.as_ref().is_some_and(|(last, last_seq)| (last.as_slice(), seq) >= (key, *last_seq)) {
            self.wrong("entries that are out of order", offset);
        }
        if self.uppers.iter().any(|upper| key > upper.as_slice()) {
            self.wrong("a key above the separator that leads to it", offset);
        }
        if prefix_of(key) != Some(self.table.prefix()) || !self.table.overlaps(key, key) {
            self.wrong("a key outside of the range of the table", offset);
        }
        let is_new = self.last.as_ref().is_none_or(|(last, _)| last != key);
        if is_new && self.filter.as_deref().is_some_and(|filter| !filter::may_contain(filter, filter::hash(key))) {
            self.wrong("a key that the filter denies", offset);
        }
        let found = &mut self.found;
        found.entries += 1;
        found.tombstones += u64::from(version.value.is_none());
        found.raw_bytes += (key.len() + version.size()) as u64;
        found.min_seq = found.min_seq.min(seq);
        found.max_seq = found.max_seq.max(seq);
        if let Some(at) = version.expires_at {
            found.expiring += 1;
            found.max_expires_at = found.max_expires_at.max(at);
        }
        self.first.get_or_insert_with(|| key.to_vec());
        self.last = Some((key.to_vec(), seq));
    }

    /// Compares what was found with what the manifest says.
    fn compare(&mut self) {
        if self.found != self.table.statistics {
            let (found, said) = (self.found, self.table.statistics);
            self.problems.push(format!("its contents are not what the manifest says: {found:?}, not {said:?}"));
        }
        let last = self.last.as_ref().map(|(key, _)| key.as_slice());
        if self.first.as_deref() != Some(&self.table.smallest) || last != Some(&self.table.largest) {
            self.problems.push("its first or last key is not what the manifest says".to_owned());
        }
    }
}
