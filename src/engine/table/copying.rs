//! Reading a table as it lies in the file, to be written elsewhere, and proving on the way that it is whole.
//!
//! Children lie before the index page that refers to them. So each page is verified by its own tag when it passes, and the
//! tag is kept until the page that refers to it has passed too: in the end root and filter must be left.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::block::Block;
use super::block::cursor::BlockCursor;
use super::cursor::child;
use super::meta::Table;
use crate::engine::error::{Error, Result};
use crate::fs::File;
use crate::page::{Claim, PAGE_HEADER_LEN, PageRef, Place, PlaceKind, Seal, Tag, Volume, align_up, prove};

/// Pages begin at multiples of this.
const STEP: u64 = 64;
/// Bytes that are read at least: most pages are smaller.
const READ_MIN: usize = 16 << 10;

/// A table that is being copied.
#[derive(Debug)]
pub(crate) struct TableCopy {
    table: Arc<Table>,
    position: u64,
    /// Pages that have passed, by offset, and that no page has referred to yet.
    unreferenced: FxHashMap<u32, (u32, Tag)>,
}

impl TableCopy {
    pub(crate) fn new(table: Arc<Table>) -> Self {
        Self { table, position: 0, unreferenced: FxHashMap::default() }
    }

    /// True if all of it was read.
    pub(crate) fn is_done(&self) -> bool {
        self.position == self.table.len
    }

    /// The bytes that come next: whole pages, as many as fit `budget`, but at least one.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one of them is not what belongs there; [`Error::Fs`], [`Error::Locked`].
    pub(crate) fn read<F: File>(&mut self, volume: &Volume<F>, seal: &dyn Seal, budget: usize) -> Result<Vec<u8>> {
        let left = self.table.len - self.position;
        let mut bytes = self.read_raw(volume, left.min(budget.max(READ_MIN) as u64))?;
        let mut end = 0;
        while (end as u64) < left {
            let rest = bytes.get(end..).unwrap_or_default();
            let has_header = rest.len() >= PAGE_HEADER_LEN || rest.len() as u64 == left - end as u64;
            if !has_header && end > 0 {
                break;
            }
            let claim = Claim::read(rest)
                .filter(|claim| claim.owner == self.table.id && end as u64 + u64::from(claim.len) <= left);
            let claim = claim.ok_or_else(|| self.damaged(volume, end))?;
            let len = claim.len as usize;
            if rest.len() < len && end > 0 {
                break;
            }
            if rest.len() < len {
                bytes = self.read_raw(volume, len as u64)?;
            }
            let page = bytes.get(end..end + len).unwrap_or_default().to_vec();
            self.pass(volume, seal, claim, end, page)?;
            end = align_up((end + len) as u64, STEP).min(left) as usize;
        }
        // Between pages there is nothing.
        bytes.resize(end, 0);
        self.position += end as u64;
        if self.is_done() {
            self.finish(volume)?;
        }
        Ok(bytes)
    }

    fn read_raw<F: File>(&self, volume: &Volume<F>, len: u64) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len as usize];
        let count = volume.read(&mut bytes, self.table.address + self.position)?;
        if count < bytes.len() {
            return Err(self.damaged(volume, count));
        }
        Ok(bytes)
    }

    /// Verifies the page `at` bytes behind the position.
    fn pass<F: File>(
        &mut self,
        volume: &Volume<F>,
        seal: &dyn Seal,
        claim: Claim,
        at: usize,
        page: Vec<u8>,
    ) -> Result<()> {
        let offset = self.position + at as u64;
        let proven = prove(page, Place::new(claim.kind, self.table.id, offset), seal);
        let (payload, tag) = proven.ok_or_else(|| self.damaged(volume, at))?;
        if claim.kind == PlaceKind::Index {
            let mut index = BlockCursor::new(Block::new(payload)?);
            index.first()?;
            while index.valid() {
                let below = child(&index)?;
                if !self.is_met(&below) {
                    return Err(self.damaged(volume, at));
                }
                index.advance()?;
            }
        }
        self.unreferenced.insert(offset as u32, (claim.len, tag));
        Ok(())
    }

    /// True if the page has passed that is referred to here for the first time.
    fn is_met(&mut self, reference: &PageRef) -> bool {
        self.unreferenced.remove(&reference.offset) == Some((reference.len, reference.tag))
    }

    fn finish<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        let table = Arc::clone(&self.table);
        let is_whole = self.is_met(&table.root)
            && (table.filter.len == 0 || self.is_met(&table.filter))
            && self.unreferenced.is_empty();
        if is_whole { Ok(()) } else { Err(self.damaged(volume, 0)) }
    }

    fn damaged<F: File>(&self, volume: &Volume<F>, at: usize) -> Error {
        let address = self.table.address + self.position + at as u64;
        let error = crate::page::Error::corrupt("page", format_args!("table {}, offset {address}", self.table.id));
        volume.explain(error).into()
    }
}
