//! Finding tables that no manifest lists: every page of the grid that is proven by its tag belongs to a table.
//!
//! A table begins at a block's boundary, and a page knows its offset in its table. So a page at some address can only
//! belong to a table that begins at one of the boundaries before it, and its tag tells at which. This finds tables that
//! are in use and tables that were given up and not overwritten yet: the two cannot be told apart.

use bytes::Bytes;

use crate::engine::entry::prefix_of;
use crate::engine::error::Result;
use crate::engine::table::walker::{WalkedTable, first_key};
use crate::fs::File;
use crate::page::{BLOCK_LEN, Claim, HEADER_LEN, PAGE_HEADER_LEN, Place, PlaceKind, Volume, align_up};

/// Bytes that are read at once to look for headers.
const WINDOW: usize = 256 << 10;
/// Pages begin at multiples of this.
const STEP: u64 = 64;
/// Blocks before a page in which its table may begin, when the pages before it are lost: a table has about 2 MiB.
const BASES: u64 = 40;
/// Bytes that may be hashed in vain, beside a multiple of the file's length: only a forged file has more of them.
const PATIENCE: u64 = 64 << 20;

/// A search for tables that is done in slices.
pub(crate) struct Scan {
    position: u64,
    tables: Vec<WalkedTable>,
    patience: u64,
    window: Vec<u8>,
    window_at: u64,
}

impl Scan {
    pub(crate) fn new(file_len: u64) -> Self {
        let patience = PATIENCE.saturating_add(file_len.saturating_mul(4));
        Self { position: HEADER_LEN, tables: Vec::new(), patience, window: Vec::new(), window_at: 0 }
    }

    /// How far the search has come in the file.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// What was found, once it is done. A table of which nothing but pages without entries was found is none.
    pub(crate) fn into_tables(mut self) -> Vec<WalkedTable> {
        self.tables.retain(|table| table.prefix != [0xff; 8]);
        self.tables
    }

    /// Searches about `budget` bytes; true when all is searched.
    pub(crate) fn step<F: File>(&mut self, volume: &Volume<F>, budget: u64) -> Result<bool> {
        let end = self.position.saturating_add(budget.max(1));
        while self.position < end {
            if self.position + PAGE_HEADER_LEN as u64 > volume.file_len() || self.patience == 0 {
                return Ok(true);
            }
            self.position += match self.claim(volume)? {
                Some(claim) => self.identify(volume, claim)?,
                None => STEP,
            };
        }
        Ok(false)
    }

    fn claim<F: File>(&mut self, volume: &Volume<F>) -> Result<Option<Claim>> {
        let end = self.window_at + self.window.len() as u64;
        if self.position < self.window_at || self.position + PAGE_HEADER_LEN as u64 > end {
            self.window.resize(WINDOW, 0);
            let count = volume.read(&mut self.window, self.position)?;
            self.window.truncate(count);
            self.window_at = self.position;
        }
        Ok(Claim::read(self.window.get((self.position - self.window_at) as usize..).unwrap_or_default()))
    }

    /// Finds out to which table the page belongs; gives how far to go on.
    fn identify<F: File>(&mut self, volume: &Volume<F>, claim: Claim) -> Result<u64> {
        let at = self.position;
        let block = at - at % BLOCK_LEN;
        let lowest = block.saturating_sub(BASES * BLOCK_LEN).max(HEADER_LEN);
        let current = self.tables.last().filter(|table| table.id == claim.owner).map(|table| table.address);
        let bases = (0..=(block - lowest) / BLOCK_LEN).map(|back| block - back * BLOCK_LEN);
        let places = current.into_iter().chain(bases).map(|base| Place::new(claim.kind, claim.owner, at - base));
        let Some((payload, place)) = volume.probe(at, claim.len, places)? else {
            let cost = u64::from(claim.len).saturating_mul(BASES);
            self.patience = self.patience.saturating_sub(cost);
            return Ok(STEP);
        };
        self.add(claim, at - place.offset, at, payload);
        Ok(align_up(u64::from(claim.len), STEP))
    }

    fn add(&mut self, claim: Claim, base: u64, at: u64, payload: Bytes) {
        let known = self.tables.iter().rposition(|table| table.id == claim.owner && table.address == base);
        let index = known.unwrap_or_else(|| {
            self.tables.push(WalkedTable {
                id: claim.owner,
                address: base,
                len: 0,
                prefix: [0xff; 8],
                known: None,
                smallest: Bytes::new(),
                is_headless: true,
                is_endless: true,
            });
            self.tables.len() - 1
        });
        let table = &mut self.tables[index];
        table.len = at - base + u64::from(claim.len);
        // The filter is the last page.
        table.is_endless = claim.kind != PlaceKind::Filter;
        if claim.kind == PlaceKind::Data
            && table.prefix == [0xff; 8]
            && let Some(key) = first_key(payload)
            && let Some(prefix) = prefix_of(&key)
        {
            table.prefix = prefix;
            table.is_headless = at != base;
            table.smallest = if table.is_headless { Bytes::copy_from_slice(&prefix) } else { key };
        }
    }
}
