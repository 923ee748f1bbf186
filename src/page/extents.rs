//! Extents of the grid and the set of those that are free.

use std::collections::BTreeMap;

use super::layout::{BLOCK_LEN, HEADER_LEN};

/// A run of blocks in the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Extent {
    /// Byte address in the file; 0 is null.
    pub address: u64,
    /// Number of blocks.
    pub blocks: u64,
}

impl Extent {
    /// The extent of `blocks` blocks at `address`.
    pub fn new(address: u64, blocks: u64) -> Self {
        Self { address, blocks }
    }

    /// The smallest extent at `address` that holds `len` bytes.
    pub fn for_len(address: u64, len: u64) -> Self {
        Self { address, blocks: len.div_ceil(BLOCK_LEN) }
    }

    /// Length in bytes.
    pub fn len(&self) -> u64 {
        self.blocks * BLOCK_LEN
    }

    /// Address of the first byte behind it.
    pub fn end(&self) -> u64 {
        self.address + self.len()
    }

    /// True if it lies in the grid of a file, at a block's beginning.
    pub fn is_valid(&self) -> bool {
        self.address >= HEADER_LEN
            && self.address.is_multiple_of(BLOCK_LEN)
            && self.blocks.checked_mul(BLOCK_LEN).and_then(|len| len.checked_add(self.address)).is_some()
    }
}

/// The free blocks of the grid. Never stored: derived at open from what is in use.
#[derive(Debug, Clone)]
pub struct FreeSet {
    /// Free runs below `end`, by address; neighbours are merged.
    runs: Vec<Extent>,
    /// Address behind the last block in use.
    end: u64,
    /// Blocks that are neither free nor in use: a reserve for when the host has no more.
    reserve: Vec<Extent>,
    /// Extents that are read by someone whom the superblock does not know of, by address.
    pins: BTreeMap<u64, Pin>,
}

/// An extent that is not given out before nobody reads it any more.
#[derive(Debug, Clone)]
struct Pin {
    extent: Extent,
    /// How often it is pinned.
    count: usize,
    /// True if it is free but for that.
    is_released: bool,
}

impl FreeSet {
    /// Everything but `used` is free. `None` when two used extents overlap or one is outside the grid.
    pub fn derive(mut used: Vec<Extent>) -> Option<Self> {
        used.sort_unstable();
        let mut set = Self { runs: Vec::new(), end: HEADER_LEN, reserve: Vec::new(), pins: BTreeMap::new() };
        for extent in used {
            if !extent.is_valid() || extent.address < set.end {
                return None;
            }
            if extent.address > set.end {
                set.runs.push(Extent::new(set.end, (extent.address - set.end) / BLOCK_LEN));
            }
            set.end = extent.end();
        }
        Some(set)
    }

    /// Takes the lowest run that is long enough, or grows the grid.
    pub fn allocate(&mut self, blocks: u64) -> Extent {
        assert!(blocks > 0, "an extent has at least one block");
        if let Some(index) = self.runs.iter().position(|run| run.blocks >= blocks) {
            let run = &mut self.runs[index];
            let extent = Extent::new(run.address, blocks);
            run.address = extent.end();
            run.blocks -= blocks;
            if run.blocks == 0 {
                self.runs.remove(index);
            }
            return extent;
        }
        let extent = Extent::new(self.end, blocks);
        self.end = extent.end();
        extent
    }

    /// Takes the lowest run that is long enough and lies wholly below `limit`.
    pub fn allocate_below(&mut self, blocks: u64, limit: u64) -> Option<Extent> {
        let lowest = self.runs.iter().find(|run| run.blocks >= blocks)?.address;
        (lowest + blocks * BLOCK_LEN <= limit).then(|| self.allocate(blocks))
    }

    /// Keeps an extent back that was allocated.
    pub fn keep_back(&mut self, extent: Extent) {
        self.reserve.push(extent);
    }

    /// Frees the reserve.
    pub fn release_reserve(&mut self) {
        std::mem::take(&mut self.reserve).into_iter().for_each(|extent| self.release(extent));
    }

    /// Returns the bytes of the reserve.
    pub fn reserved_bytes(&self) -> u64 {
        self.reserve.iter().map(Extent::len).sum()
    }

    /// Takes blocks from the reserve, from the smallest piece that is large enough.
    pub fn allocate_reserved(&mut self, blocks: u64) -> Option<Extent> {
        let fitting = self.reserve.iter_mut().filter(|piece| piece.blocks >= blocks);
        let piece = fitting.min_by_key(|piece| piece.blocks)?;
        let extent = Extent::new(piece.address, blocks);
        *piece = Extent::new(extent.end(), piece.blocks - blocks);
        self.reserve.retain(|piece| piece.blocks > 0);
        Some(extent)
    }

    /// Keeps an extent that is in use as it is until it is unpinned as often, whoever releases it before.
    pub fn pin(&mut self, extent: Extent) {
        let pin = self.pins.entry(extent.address).or_insert(Pin { extent, count: 0, is_released: false });
        assert!(pin.extent == extent && !pin.is_released, "pinned extent {extent:?} is not in use");
        pin.count += 1;
    }

    /// Releases a pinned extent. An extent that is not pinned stays as it is.
    pub fn unpin(&mut self, extent: Extent) {
        let Some(pin) = self.pins.get_mut(&extent.address).filter(|pin| pin.extent == extent) else { return };
        pin.count -= 1;
        if pin.count > 0 {
            return;
        }
        let is_released = pin.is_released;
        self.pins.remove(&extent.address);
        if is_released {
            self.release(extent);
        }
    }

    /// Releases all pinned extents.
    pub fn unpin_all(&mut self) {
        let released = std::mem::take(&mut self.pins).into_values().filter(|pin| pin.is_released);
        released.for_each(|pin| self.release(pin.extent));
    }

    /// Bytes that are free but for those who read them.
    #[cfg(test)]
    pub fn pinned_bytes(&self) -> u64 {
        self.pins.values().filter(|pin| pin.is_released).map(|pin| pin.extent.len()).sum()
    }

    /// Gives an extent back. It must have been allocated.
    pub fn release(&mut self, extent: Extent) {
        assert!(extent.is_valid() && extent.end() <= self.end, "released extent {extent:?} is not in the grid");
        if let Some(pin) = self.pins.get_mut(&extent.address) {
            assert!(pin.extent == extent && !pin.is_released, "extent {extent:?} was released twice");
            pin.is_released = true;
            return;
        }
        let mut index = self.runs.partition_point(|run| run.address < extent.address);
        let is_apart = self.runs.get(index).is_none_or(|after| extent.end() <= after.address)
            && (index == 0 || self.runs[index - 1].end() <= extent.address);
        assert!(is_apart, "extent {extent:?} was released twice");
        self.runs.insert(index, extent);
        if index > 0 && self.runs[index - 1].end() == extent.address {
            self.runs[index - 1].blocks += extent.blocks;
            self.runs.remove(index);
            index -= 1;
        }
        if self.runs.get(index + 1).is_some_and(|after| after.address == self.runs[index].end()) {
            let after = self.runs.remove(index + 1);
            self.runs[index].blocks += after.blocks;
        }
        if self.runs[index].end() == self.end {
            self.end = self.runs.remove(index).address;
        }
    }

    /// The free runs, by address.
    pub fn runs(&self) -> &[Extent] {
        &self.runs
    }

    /// Address behind the last block in use: the least length the file needs, rounded up to blocks.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Free bytes below [`FreeSet::end`].
    pub fn free_bytes(&self) -> u64 {
        self.runs.iter().map(Extent::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(index: u64) -> u64 {
        HEADER_LEN + index * BLOCK_LEN
    }

    #[test]
    fn allocates_lowest_first_and_merges_neighbours() {
        let mut set = FreeSet::derive(vec![Extent::new(block(4), 2), Extent::new(block(1), 1)]).unwrap();
        assert_eq!(set.free_bytes(), 3 * BLOCK_LEN);
        assert_eq!(set.allocate(2), Extent::new(block(2), 2));
        assert_eq!(set.allocate(2), Extent::new(block(6), 2));
        assert_eq!(set.allocate(1), Extent::new(block(0), 1));
        set.release(Extent::new(block(1), 1));
        set.release(Extent::new(block(2), 2));
        set.release(Extent::new(block(0), 1));
        assert_eq!(set.free_bytes(), 4 * BLOCK_LEN);
        assert_eq!(set.allocate_below(4, block(4)), Some(Extent::new(block(0), 4)));
    }

    #[test]
    fn the_end_moves_back_over_free_blocks() {
        let mut set = FreeSet::derive(Vec::new()).unwrap();
        let first = set.allocate(1);
        let second = set.allocate(3);
        set.release(first);
        assert_eq!(set.end(), block(4));
        set.release(second);
        assert_eq!(set.end(), HEADER_LEN);
        assert_eq!(set.free_bytes(), 0);
    }

    #[test]
    fn what_is_kept_back_is_not_given_out_unless_asked_for() {
        let mut set = FreeSet::derive(Vec::new()).unwrap();
        let extent = set.allocate(3);
        set.keep_back(extent);
        assert_eq!((set.reserved_bytes(), set.free_bytes()), (3 * BLOCK_LEN, 0));
        assert_eq!(set.allocate(1), Extent::new(block(3), 1));
        assert_eq!(set.allocate_reserved(2), Some(Extent::new(block(0), 2)));
        assert_eq!(set.allocate_reserved(2), None);
        assert_eq!(set.reserved_bytes(), BLOCK_LEN);
        set.release(Extent::new(block(0), 2));
        set.release_reserve();
        assert_eq!((set.reserved_bytes(), set.free_bytes()), (0, 3 * BLOCK_LEN));
    }

    #[test]
    fn what_is_pinned_is_not_given_out_before_all_have_let_go() {
        let mut set = FreeSet::derive(vec![Extent::new(block(0), 2), Extent::new(block(2), 1)]).unwrap();
        let (low, high) = (Extent::new(block(0), 2), Extent::new(block(2), 1));
        set.pin(low);
        set.pin(low);
        set.pin(high);
        set.release(low);
        assert_eq!((set.free_bytes(), set.pinned_bytes()), (0, 2 * BLOCK_LEN));
        assert_eq!(set.allocate(1), Extent::new(block(3), 1));
        set.unpin(low);
        assert_eq!(set.free_bytes(), 0);
        set.unpin(low);
        assert_eq!((set.free_bytes(), set.pinned_bytes()), (2 * BLOCK_LEN, 0));
        // An extent that is still in use stays so.
        set.unpin(high);
        assert_eq!(set.allocate(3), Extent::new(block(4), 3));
        set.pin(high);
        set.release(high);
        set.unpin_all();
        assert_eq!(set.allocate(3), Extent::new(block(0), 3));
        set.unpin(low);
    }

    #[test]
    #[should_panic(expected = "released twice")]
    fn a_double_release_of_what_is_pinned_is_a_bug() {
        let extent = Extent::new(block(0), 2);
        let mut set = FreeSet::derive(vec![extent]).unwrap();
        set.pin(extent);
        set.release(extent);
        set.release(extent);
    }

    #[test]
    fn overlapping_or_misplaced_extents_are_refused() {
        assert!(FreeSet::derive(vec![Extent::new(block(0), 2), Extent::new(block(1), 1)]).is_none());
        assert!(FreeSet::derive(vec![Extent::new(0, 1)]).is_none());
        assert!(FreeSet::derive(vec![Extent::new(block(0) + 1, 1)]).is_none());
        assert!(FreeSet::derive(vec![Extent::new(block(0), u64::MAX)]).is_none());
    }

    #[test]
    #[should_panic(expected = "released twice")]
    fn a_double_release_is_a_bug() {
        let mut set = FreeSet::derive(vec![Extent::new(block(0), 2), Extent::new(block(3), 1)]).unwrap();
        set.release(Extent::new(block(0), 1));
        set.release(Extent::new(block(0), 1));
    }
}
