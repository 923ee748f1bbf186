//! Reading a table without trusting its index: page by page, as they lie in its extent.
//!
//! The data pages of a table lie in key order, with index pages between them and the root and the filter behind. Each
//! page proves by its tag that it belongs there. What does not is stepped over, 64 bytes at a time, until the next page
//! that does: damage in the index costs nothing, and damage in a data page costs that page's entries.
//!
//! ```text
//!   data │ data │ ░░░░ │ data │ index │ data │ root │ filter
//!          .. c │ gap  │ f ..       what is lost lies between c and f
//! ```
//!
//! Where the index can be read it tells how many pages are lost in a gap, and their separators narrow it.

use std::sync::Arc;

use bytes::Bytes;

use super::block::Block;
use super::block::cursor::BlockCursor;
use super::cursor::child;
use super::meta::Table;
use crate::engine::entry::{Prefix, Seq, Version, prefix_of};
use crate::engine::error::{Error, Result};
use crate::fs::File;
use crate::page::{Claim, PAGE_HEADER_LEN, PageRef, Place, PlaceKind, Volume, align_up};

/// Bytes that are read at once to look for headers.
const WINDOW: usize = 32 << 10;
/// Pages begin at multiples of this.
const STEP: u64 = 64;
/// Bytes that may be hashed in vain, beside eight times the table's length: only a forged file has more of them, and a
/// walk through one must come to an end.
const PATIENCE: u64 = 64 << 20;

/// Where data pages are in their table, and their separators.
type PageIndex = Vec<(u64, Vec<u8>)>;

/// A table to be walked.
#[derive(Debug, Clone)]
pub(crate) struct WalkedTable {
    pub(crate) id: u64,
    pub(crate) address: u64,
    /// Bytes that belong to it, as far as that is known.
    pub(crate) len: u64,
    pub(crate) prefix: Prefix,
    /// The manifest's entry.
    pub(crate) known: Option<Arc<Table>>,
    /// No key in it is below this one, but for those in `is_headless` tables.
    pub(crate) smallest: Bytes,
    /// True if its first page is lost, and its first key is unknown.
    pub(crate) is_headless: bool,
    /// True if pages after the last one may be lost without a sign.
    pub(crate) is_endless: bool,
}

impl WalkedTable {
    /// A table that the manifest lists.
    pub(crate) fn of(table: &Arc<Table>) -> Self {
        Self {
            id: table.id,
            address: table.address,
            len: table.len,
            prefix: table.prefix(),
            known: Some(Arc::clone(table)),
            smallest: table.smallest.clone(),
            is_headless: false,
            is_endless: false,
        }
    }
}

/// A place in a table where something cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gap {
    /// Where it begins in the file.
    pub(crate) address: u64,
    /// Bytes that do not verify.
    pub(crate) bytes: u64,
    /// Lost keys are not below this one.
    pub(crate) from: Option<Vec<u8>>,
    /// Lost keys are not above this one.
    pub(crate) to: Option<Vec<u8>>,
    /// True if entries may be lost, and not just pages that lead to them.
    pub(crate) has_entries: bool,
}

/// A position in a table that may be damaged.
pub(crate) struct Walker {
    pub(crate) table: WalkedTable,
    data: Option<BlockCursor>,
    /// Where the next page should be.
    position: u64,
    page_start: u64,
    last: Option<(Vec<u8>, Seq)>,
    entries: u64,
    /// The data pages and their separators, where the index can be read.
    index: Option<PageIndex>,
    patience: u64,
    window: Vec<u8>,
    window_at: u64,
    gap: Option<Gap>,
    is_done: bool,
}

impl Walker {
    /// A walker before the first entry.
    pub(crate) fn new<F: File>(table: WalkedTable, volume: &Volume<F>) -> Result<Self> {
        let index = match &table.known {
            Some(known) => read_index(known, volume)?,
            None => None,
        };
        let patience = PATIENCE.saturating_add(table.len.saturating_mul(8));
        Ok(Self {
            table,
            data: None,
            position: 0,
            page_start: 0,
            last: None,
            entries: 0,
            index,
            patience,
            window: Vec::new(),
            window_at: 0,
            gap: None,
            is_done: false,
        })
    }

    /// The entry it stands at.
    pub(crate) fn entry(&self) -> Option<(&[u8], Seq)> {
        self.data.as_ref().map(|data| (data.key(), data.seq()))
    }

    /// The version it stands at.
    pub(crate) fn version(&self) -> Option<Version> {
        self.data.as_ref().map(BlockCursor::version)
    }

    /// Bytes that were gone through.
    pub(crate) fn walked(&self) -> u64 {
        self.position
    }

    /// Entries that were found.
    pub(crate) fn found(&self) -> u64 {
        self.entries
    }

    /// True if everything that the manifest counts was found.
    fn is_whole(&self) -> bool {
        self.table.known.as_ref().is_some_and(|known| known.statistics.entries == self.entries)
    }

    /// To the next entry. Gives the gap that lies before it, or behind the last one.
    pub(crate) fn advance<F: File>(&mut self, volume: &Volume<F>) -> Result<Option<Gap>> {
        if let Some(mut data) = self.data.take() {
            self.last = Some((data.key().to_vec(), data.seq()));
            match data.advance() {
                Ok(()) if data.valid() && self.is_next(&data) => {
                    self.entries += 1;
                    self.data = Some(data);
                    return Ok(None);
                }
                Ok(()) if !data.valid() => {}
                // Its checksum holds and its entries do not: it was forged, or written wrongly.
                _ => self.lose(self.page_start, self.position - self.page_start),
            }
        }
        if self.is_done { Ok(None) } else { self.next_page(volume) }
    }

    /// True if the entry belongs behind the last one.
    fn is_next(&self, data: &BlockCursor) -> bool {
        prefix_of(data.key()) == Some(self.table.prefix)
            && self.last.as_ref().is_none_or(|(key, seq)| (key.as_slice(), data.seq()) < (data.key(), *seq))
    }

    fn next_page<F: File>(&mut self, volume: &Volume<F>) -> Result<Option<Gap>> {
        let file_len = volume.file_len();
        while self.position < self.table.len && self.patience > 0 && self.table.address + self.position < file_len {
            let at = self.position;
            let Some(claim) = self.claim(volume)? else {
                self.lose(at, STEP.min(self.table.len - at));
                self.position += STEP;
                continue;
            };
            let place = Place::new(claim.kind, self.table.id, at);
            let Some((payload, _)) = volume.probe(self.table.address + at, claim.len, [place])? else {
                self.patience = self.patience.saturating_sub(u64::from(claim.len));
                self.lose(at, STEP);
                self.position += STEP;
                continue;
            };
            self.page_start = at;
            self.position = align_up(at + u64::from(claim.len), STEP);
            if claim.kind != PlaceKind::Data {
                continue;
            }
            let data = Block::new(payload).and_then(|block| {
                let mut data = BlockCursor::new(block);
                data.first().map(|()| data)
            });
            match data {
                Ok(data) if data.valid() && self.is_next(&data) => {
                    self.entries += 1;
                    let gap = self.gap.take().map(|gap| self.close_gap(gap, at, Some(data.key())));
                    self.data = Some(data);
                    return Ok(gap);
                }
                _ => self.lose(at, self.position - at),
            }
        }
        self.finish()
    }

    /// What is behind the last entry.
    fn finish(&mut self) -> Result<Option<Gap>> {
        self.is_done = true;
        if self.position < self.table.len {
            self.lose(self.position, self.table.len - self.position);
        }
        if self.table.is_endless && self.gap.is_none() {
            self.lose(self.table.len, 0);
        }
        let end = self.table.len;
        Ok(self.gap.take().map(|gap| self.close_gap(gap, end, None)))
    }

    /// The header at the position; `None` when there is none of a page of this table.
    fn claim<F: File>(&mut self, volume: &Volume<F>) -> Result<Option<Claim>> {
        let at = self.position;
        let end = self.window_at + self.window.len() as u64;
        if at < self.window_at || at + PAGE_HEADER_LEN as u64 > end {
            let wanted = (self.table.len - at).min(WINDOW as u64) as usize;
            self.window.resize(wanted, 0);
            let count = volume.read(&mut self.window, self.table.address + at)?;
            self.window.truncate(count);
            self.window_at = at;
        }
        let header = self.window.get((at - self.window_at) as usize..).unwrap_or_default();
        let fits = |claim: &Claim| claim.owner == self.table.id && at + u64::from(claim.len) <= self.table.len;
        Ok(Claim::read(header).filter(fits))
    }

    fn lose(&mut self, at: u64, bytes: u64) {
        let address = self.table.address + at;
        let gap = self.gap.get_or_insert_with(|| Gap { address, ..Gap::default() });
        gap.bytes = gap.bytes.saturating_add(bytes);
    }

    /// Tells which keys a gap can have held that ends at the offset `end`, before `next`.
    fn close_gap(&self, gap: Gap, end: u64, next: Option<&[u8]>) -> Gap {
        let known = self.table.known.as_ref();
        let start = gap.address - self.table.address;
        let first = if self.table.is_headless { None } else { Some(self.table.smallest.to_vec()) };
        let from = self.last.as_ref().map(|(key, _)| key.clone()).or(first);
        let mut to = next.or(known.map(|known| known.largest.as_ref())).map(<[u8]>::to_vec);
        let mut has_entries = true;
        if let Some(index) = &self.index {
            let lost = index.iter().rfind(|(offset, _)| (start..end).contains(offset));
            has_entries = lost.is_some();
            if let Some((_, separator)) = lost {
                to = to.map(|to| to.min(separator.clone()));
            }
        } else if next.is_none() && self.is_whole() {
            has_entries = false;
        }
        Gap { from, to, has_entries, ..gap }
    }
}

/// Where the data pages of a table are, with their separators; `None` when its index cannot be read.
fn read_index<F: File>(table: &Table, volume: &Volume<F>) -> Result<Option<PageIndex>> {
    let mut pages = Vec::new();
    match collect(table, volume, &table.root, table.depth, &mut pages) {
        Ok(()) => Ok(Some(pages)),
        Err(Error::Corrupt { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn collect<F: File>(
    table: &Table,
    volume: &Volume<F>,
    reference: &PageRef,
    depth: u8,
    pages: &mut PageIndex,
) -> Result<()> {
    let mut page = table.read_block(volume, PlaceKind::Index, reference, false)?;
    page.first()?;
    while page.valid() {
        let below = child(&page)?;
        if depth > 1 {
            collect(table, volume, &below, depth - 1, pages)?;
        } else {
            pages.push((u64::from(below.offset), page.key().to_vec()));
        }
        page.advance()?;
    }
    Ok(())
}

/// The first key in the payload of a data page.
pub(crate) fn first_key(payload: Bytes) -> Option<Bytes> {
    let mut data = BlockCursor::new(Block::new(payload).ok()?);
    data.first().ok()?;
    data.valid().then(|| Bytes::copy_from_slice(data.key()))
}
