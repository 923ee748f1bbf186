//! Room for a disk that is full.
//!
//! Deleting and compacting need space before they give any back: a tombstone needs the log, a memtable and a merge
//! need room for their tables. So part of the file is kept back, written with zeros, so that the host has given the
//! space for good. A commit that puts something is refused with `StorageFull` when the reserve cannot be held. All
//! other work draws on it when nothing else is to be had, but for merges of several tables: they may need more than it
//! has, and use it only after a purge. Before a commit is refused, the memtables are written as tables if that frees space:
//! of documents that are overwritten again and again, the log holds much more than a table does.
//!
//! The reserve holds what the memtables would take as tables, the largest table once more (a rewrite has both for a
//! while), a log segment, and a page of the manifest.

use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::error::{Error, Result};
use crate::engine::room::Room;
use crate::engine::room::allocate_with;
use crate::engine::room::is_full;
use crate::engine::work::PURGE_LEN;
use crate::fs::File;
use crate::page::{BLOCK_LEN, Extent};

/// While less than this is in use, little is to be gained by deleting. Then the reserve holds what a flush takes, and
/// nothing while the log is short.
const RESERVE_FROM: u64 = 1 << 20;
/// Blocks for a log segment, a page of the manifest, and for what of an extent is not filled.
const BLOCKS_EXTRA: u64 = 4;
/// On a full disk a memtable of less than this is not written early: its tables would take as much room.
const FLUSH_FROM: usize = 64 << 10;
/// A table that was finished at this size fits a block.
const TABLE_TARGET_MIN: usize = 48 << 10;
/// What a group of commits may add beside its first one, where the disk has room for it.
const GROUP_SLACK: u64 = 256 << 10;
/// The reserve grows by at least this, where the disk has it, so that it does not do so often.
const GROWTH: u64 = 1 << 20;
/// The same while little is in use.
const SMALL_GROWTH: u64 = 4 * BLOCK_LEN;

impl<F: File> Engine<F> {
    /// Makes sure that there will be room to delete and to compact after this commit; one that only deletes may use
    /// that room.
    pub(crate) fn ensure_reserve(&mut self, batch: &Batch) -> Result<()> {
        if batch.only_deletes() {
            if self.group.undo.is_empty() {
                self.regain_reserve();
            }
            return Ok(());
        }
        self.group.puts = true;
        if !self.group.undo.is_empty() {
            return match self.hold_reserve(batch.size(), 0) {
                Err(error) if is_full(&error) && self.flush_below_group()? => self.hold_reserve(batch.size(), 0),
                held => held,
            };
        }
        // There should be space for more of a group than its first commit.
        match self.make_room_for_puts(batch, GROUP_SLACK) {
            Err(error) if is_full(&error) => {
                for _ in 0..2 {
                    // As a table the memtable takes less room than in the log and kept back.
                    if self.is_worth_a_flush() {
                        self.flush_if_possible()?;
                    }
                    if self.make_room_for_puts(batch, GROUP_SLACK).is_ok() {
                        return Ok(());
                    }
                    if !self.is_small(0) {
                        break;
                    }
                    // A block for each flush is much of a small disk.
                    while self.slice(usize::MAX).is_ok_and(|done| done > 0) {}
                }
                self.make_room_for_puts(batch, 0)
            }
            outcome => outcome,
        }
    }

    fn flush_if_possible(&mut self) -> Result<()> {
        match self.flush_memtables() {
            Err(error) if is_full(&error) && self.failed.is_none() => Ok(()),
            flushed => flushed,
        }
    }

    /// Holds the reserve, and then makes sure that the log has room beside it.
    fn make_room_for_puts(&mut self, batch: &Batch, slack: u64) -> Result<()> {
        self.hold_reserve(batch.size(), slack)?;
        match self.make_room_in_log(batch.size()) {
            // What is kept back beyond need must not be what the log lacks.
            Err(error) if is_full(&error) && self.give_surplus_back(batch.size()) => {
                self.make_room_in_log(batch.size())
            }
            outcome => outcome,
        }
    }

    fn make_room_in_log(&mut self, len: usize) -> Result<()> {
        let log = self.log.as_mut().expect("a writable engine has a log");
        log.make_room_for_commit(&self.volume, &mut self.tables.free, len, self.sequence.synced)
    }

    /// Keeps no more back than is needed. Whether there was more.
    fn give_surplus_back(&mut self, more: usize) -> bool {
        let needed = self.reserve_needed(more as u64);
        self.tables.free.reserved_bytes() >= needed + BLOCK_LEN && self.try_reserve(needed).is_ok()
    }

    fn hold_reserve(&mut self, more: usize, slack: u64) -> Result<()> {
        let (held, needed) = (self.tables.free.reserved_bytes(), self.reserve_needed(more as u64));
        if needed == 0 || held >= needed + slack {
            return Ok(());
        }
        let is_small = self.is_small(more as u64);
        if is_small && held >= needed {
            return Ok(());
        }
        let needed = if is_small { needed } else { needed + slack };
        let generous = needed.max(held + if is_small { SMALL_GROWTH } else { GROWTH });
        match self.try_reserve(generous) {
            Err(error) if is_full(&error) && generous > needed => self.try_reserve(needed),
            outcome => outcome,
        }
    }

    fn is_worth_a_flush(&self) -> bool {
        self.memory.memtable.size() >= FLUSH_FROM || self.is_flush_gainful()
    }

    /// Bytes of tables that the memtables become when `more` bytes are added, at most about.
    fn memtables_len(&self, more: u64) -> u64 {
        let frozen = self.memory.frozen.as_ref().map_or(0, |frozen| frozen.memtable.table_size_max());
        self.memory.memtable.table_size_max() + frozen + more + more / 16
    }

    /// True if little is in use when `more` bytes are added to the memtable.
    fn is_small(&self, more: u64) -> bool {
        let in_use = self.tables.free.end() - self.tables.free.free_bytes() - self.tables.free.reserved_bytes();
        self.memtables_len(more) + in_use < RESERVE_FROM
    }

    /// Returns the bytes of the reserve that are needed when `more` bytes are added to the memtable.
    fn reserve_needed(&self, more: u64) -> u64 {
        let is_small = self.is_small(more);
        if is_small && !self.is_log_long() {
            return 0;
        }
        let memtables = self.memtables_len(more);
        if is_small {
            return self.flush_len(memtables);
        }
        // Each key space has a table of its own.
        let trees = self.tables.levels.trees().count() as u64 + 2;
        let rewrite = self.tables.largest_len.max(PURGE_LEN);
        (memtables.div_ceil(BLOCK_LEN) + rewrite.div_ceil(BLOCK_LEN) + trees + BLOCKS_EXTRA) * BLOCK_LEN
    }

    /// Holds a reserve of `len` bytes, in pieces of which one is large enough for any table that is there, and where there is
    /// room for that, for any that a memtable may become. On error it is as before.
    fn try_reserve(&mut self, len: u64) -> Result<()> {
        let before = self.tables.free.clone();
        self.tables.free.release_reserve();
        let least = self.tables.largest_len.max(PURGE_LEN);
        let table = least.max(self.options.table_size() as u64).div_ceil(BLOCK_LEN);
        let mut missing = len.div_ceil(BLOCK_LEN);
        let least = least.div_ceil(BLOCK_LEN).min(missing);
        let mut piece = table.min(missing);
        while missing > 0 {
            let extent = self.tables.free.allocate(piece.min(missing));
            match self.volume.back(extent.end()) {
                Ok(()) => {
                    missing -= extent.blocks;
                    self.tables.free.keep_back(extent);
                }
                Err(error) => {
                    self.tables.free.release(extent);
                    let error = Error::from(error);
                    // Memtables are written in smaller tables where they have to be, but a table that is there must fit
                    // the first piece. The others may be smaller.
                    let least = if self.tables.free.reserved_bytes() == 0 { least } else { 1 };
                    if piece <= least || !is_full(&error) {
                        self.tables.free = before;
                        return Err(error);
                    }
                    piece = piece.div_ceil(2).max(least);
                }
            }
        }
        // There is room again for what did not fit.
        self.upkeep.cramped_at = None;
        Ok(())
    }

    /// True if there was no room for a merge. What did not fit will not fit before something has changed.
    pub(crate) fn is_cramped(&self) -> bool {
        self.upkeep.cramped_at == Some(self.tables.superblock.sequence)
    }

    /// After `error`: whether to try again with smaller tables, because space is left in small pieces only.
    pub(crate) fn lower_table_target(&mut self, error: &Error) -> bool {
        let is_lowered = is_full(error) && self.upkeep.table_target > TABLE_TARGET_MIN;
        if is_lowered {
            self.upkeep.table_target = (self.upkeep.table_target / 2).max(TABLE_TARGET_MIN);
        }
        is_lowered
    }

    /// Fills the reserve up again, where there is room. Whether it is full.
    pub(crate) fn restore_reserve(&mut self) -> bool {
        let needed = self.reserve_needed(0);
        self.tables.free.reserved_bytes() >= needed || self.try_reserve(needed).is_ok()
    }

    /// Deletes draw on the reserve faster than maintenance makes room, when that is paid in small shares. So before one,
    /// as much is purged as fills the reserve up again; once for each superblock.
    fn regain_reserve(&mut self) {
        if self.restore_reserve() {
            return;
        }
        if self.is_flush_gainful() && self.flush_memtables().is_ok() && self.restore_reserve() {
            return;
        }
        if self.is_cramped() {
            return;
        }
        // The log that a frozen memtable holds is free once it is written.
        while self.memory.frozen.is_some() {
            if self.flush_slice(usize::MAX).is_err() {
                return;
            }
        }
        if self.upkeep.purge.is_none() {
            self.upkeep.job.take().into_iter().for_each(|job| self.abandon_outputs(job.into_output()));
            self.begin_purge();
        }
        let mut purged = self.purge_slice(usize::MAX);
        while purged == Ok(true) && !self.restore_reserve() {
            purged = self.purge_slice(usize::MAX);
        }
        if purged != Ok(true) {
            self.upkeep.purge = None;
            self.upkeep.cramped_at = Some(self.tables.superblock.sequence);
        }
    }

    /// True if the reserve is much larger than needed: a large commit needed that, and is written as tables since.
    pub(crate) fn has_surplus_reserve(&self) -> bool {
        self.tables.free.reserved_bytes() > self.reserve_needed(0) + 4 * GROWTH
    }

    /// Moves the reserve towards the beginning of the file when it is what keeps the file long, and gives its surplus back.
    pub(crate) fn lower_reserve(&mut self) {
        let len = self.tables.free.reserved_bytes().min(self.reserve_needed(0) + GROWTH);
        if self.tables.free.reserved_bytes() > 0 {
            // Where it cannot be written lower, it stays.
            let _ = self.try_reserve(len);
        }
    }

    /// Writes the bytes of a table into an extent of its own.
    pub(crate) fn write_extent(&mut self, bytes: &[u8], room: Room) -> Result<Extent> {
        let (volume, len) = (&self.volume, bytes.len() as u64);
        let write = |extent: Extent| Ok(volume.write(bytes, extent.address)?);
        allocate_with(&mut self.tables.free, len, room, write).map(|(extent, ())| extent)
    }
}
