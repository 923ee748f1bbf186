//! Giving space back: moving tables from the end of the file into holes, cutting the free tail off, and compacting
//! everything on request. None of it needs a second copy of the database.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::engine::engine::Engine;
use crate::engine::entry::Seq;
use crate::engine::error::Result;
use crate::engine::levels::{BOTTOM, Edit, Placement};
use crate::engine::log::writer::Log;
use crate::engine::room::is_full;
use crate::engine::table::meta::Table;
use crate::engine::work::Plan;
use crate::fs::File;
use crate::page::{Extent, HEADER_LEN};

/// Free space that is left alone: moving tables for less would cost more than it gives.
const SLACK_MIN: u64 = 1 << 20;
/// Bytes of tables that one step moves, at least one table.
const MOVE_BYTES: u64 = 4 << 20;

/// Bytes of tables that closing moves at most, about.
const SETTLE_BYTES: u64 = 2 * MOVE_BYTES;

/// How far a compaction of everything has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompactProgress {
    phase: Phase,
    /// What was committed later is not waited for.
    seq: Seq,
    /// True if the disk had no room for a merge.
    is_cramped: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Begin,
    Flush,
    Merge,
    Purge,
    Move,
    Done,
}

impl CompactProgress {
    /// True if it is through.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }
}

impl Default for CompactProgress {
    fn default() -> Self {
        Self { phase: Phase::Begin, seq: 0, is_cramped: false }
    }
}

impl<F: File> Engine<F> {
    /// Merges every table to the bottom, drops what is deleted, superseded or expired, and gives the space back. Where
    /// the disk has no room for a merge, tables are rewritten one by one instead, without what is superseded.
    ///
    /// # Errors
    /// As [`Engine::maintain`].
    pub fn compact(&mut self) -> Result<()> {
        let mut progress = CompactProgress::default();
        while !progress.is_done() {
            self.compact_step(&mut progress, usize::MAX)?;
        }
        Ok(())
    }

    /// One slice of [`Engine::compact`], about `budget` bytes. Commits may come between steps.
    ///
    /// # Errors
    /// As [`Engine::maintain`].
    pub fn compact_step(&mut self, progress: &mut CompactProgress, budget: usize) -> Result<()> {
        self.finish_group(self.options.durability)?;
        self.guarded(|engine| engine.compact_slice(progress, budget))
    }

    fn compact_slice(&mut self, progress: &mut CompactProgress, budget: usize) -> Result<()> {
        self.ensure_writable()?;
        match progress.phase {
            _ if self.memory.frozen.is_some() => {
                self.flush_slice(budget)?;
            }
            Phase::Begin => {
                // Tables that could not be read before are tried again.
                self.upkeep.damaged.clear();
                progress.seq = self.sequence.last;
                progress.phase = Phase::Flush;
                self.freeze()?;
            }
            Phase::Flush => progress.phase = Phase::Merge,
            Phase::Merge => match self.merge_downwards(progress, budget) {
                // Entries that newer tables make superfluous can be dropped one table at a time.
                Err(error) if is_full(&error) && !progress.is_cramped => {
                    (progress.is_cramped, progress.phase) = (true, Phase::Purge);
                    self.begin_purge();
                }
                Err(error) if is_full(&error) => progress.phase = Phase::Move,
                outcome => outcome?,
            },
            Phase::Purge => {
                if !self.purge_slice(budget)? {
                    (progress.phase, self.upkeep.uses_reserve) = (Phase::Merge, true);
                }
            }
            Phase::Move => {
                self.upkeep.uses_reserve = false;
                if self.upkeep.job.is_some() {
                    self.job_slice(budget)?;
                } else if self.move_some_tables()? == 0 {
                    self.finish_compaction(progress.is_cramped)?;
                    progress.phase = Phase::Done;
                }
            }
            Phase::Done => {}
        }
        Ok(())
    }

    fn merge_downwards(&mut self, progress: &mut CompactProgress, budget: usize) -> Result<()> {
        if self.upkeep.job.is_some() {
            self.job_slice(budget)?;
            return Ok(());
        }
        if self.drop_dead_tables()? {
            return Ok(());
        }
        match self.plan_downwards(progress.seq) {
            Some(plan) => self.begin_job(plan)?,
            None => progress.phase = Phase::Move,
        }
        Ok(())
    }

    /// Moves tables as long as the disk has room for that.
    fn move_some_tables(&mut self) -> Result<u64> {
        match self.move_tables(0) {
            Err(error) if is_full(&error) && self.failed.is_none() => Ok(0),
            moved => moved,
        }
    }

    /// The next merge that brings everything committed up to `seq` to the bottom.
    fn plan_downwards(&self, seq: Seq) -> Option<Plan> {
        let is_old = |table: &Arc<Table>| table.statistics.min_seq <= seq;
        let merge = self.tables.levels.trees().find_map(|(prefix, tree)| {
            let level = (0..BOTTOM).find(|&level| tree.tables_of(level).any(is_old))?;
            if level == 0 { tree.plan_level0(prefix) } else { tree.plan_level(prefix, level) }
        });
        merge.or_else(|| self.plan_rewrite(|table, _| table.statistics.max_seq <= seq))
    }

    /// Rewrites the manifest and begins a new log segment, both as low as they may lie, and cuts the tail off.
    fn finish_compaction(&mut self, is_cramped: bool) -> Result<()> {
        if is_cramped {
            self.restore_reserve();
            self.lower_reserve();
        } else {
            // The next commit that puts something holds one again.
            self.tables.free.release_reserve();
        }
        self.lower_log_and_manifest_twice()?;
        self.truncate_tail(0)
    }

    fn lower_log_and_manifest_twice(&mut self) -> Result<()> {
        self.lower_log_and_manifest()?;
        if self.tables.free.free_bytes() > SLACK_MIN {
            // They lie behind the log that there was, perhaps.
            self.lower_log_and_manifest()?;
        }
        Ok(())
    }

    /// Begins a new log segment, if no commit is in memory alone, and writes the manifest again: both as low as possible.
    fn lower_log_and_manifest(&mut self) -> Result<()> {
        if !self.memory.memtable.is_empty() {
            return self.install_with(Edit::default(), true, |_| {});
        }
        if let Some(log) = &mut self.log {
            log.shrink(&self.volume, &mut self.tables.free, self.sequence.synced)?;
            let start = log.begin_memtable();
            let flushed_seq = self.numbered_seq();
            self.install_with(Edit::default(), true, |superblock| {
                superblock.log = start;
                superblock.flushed_seq = flushed_seq;
            })?;
            self.release_log_before(&start);
        }
        Ok(())
    }

    /// One idle step of giving space back, when there is enough of it. True while there is more.
    pub(crate) fn shrink_slice(&mut self, budget: usize) -> Result<bool> {
        let may_move = self.upkeep.job.is_none() && budget > 0;
        if may_move && self.has_much_space() && self.move_tables(self.slack())? > 0 {
            return Ok(true);
        }
        if self.has_surplus_reserve() || (self.tables.free.reserved_bytes() > 0 && self.has_much_space()) {
            self.lower_reserve();
        }
        if may_move && self.has_much_space() && self.clears_space()? {
            return Ok(true);
        }
        self.truncate_tail(self.slack())?;
        Ok(false)
    }

    /// Bytes of free space that are left alone.
    fn slack(&self) -> u64 {
        SLACK_MIN.max(self.tables.free.end() / 4)
    }

    fn has_much_space(&self) -> bool {
        self.tables.free.free_bytes() > self.slack()
    }

    /// Moves the log and the manifest out of the way of free space, once for each superblock; what the log holds is written
    /// as tables before. False if they are in nobody's way, or the disk has no room for that.
    fn clears_space(&mut self) -> Result<bool> {
        if self.upkeep.lowered_at == Some(self.tables.superblock.sequence) || !self.is_space_obstructed() {
            return Ok(false);
        }
        let cleared = if self.memory.memtable.is_empty() { self.lower_log_and_manifest_twice() } else { self.freeze() };
        let is_done = match cleared {
            Err(error) if is_full(&error) && self.failed.is_none() => false,
            cleared => cleared.map(|()| true)?,
        };
        if self.memory.frozen.is_none() {
            self.upkeep.lowered_at = Some(self.tables.superblock.sequence);
        }
        Ok(is_done)
    }

    /// True if the log or the manifest lies behind much free space at the file's end, or parts the hole that a table fits.
    fn is_space_obstructed(&self) -> bool {
        if self.free_behind_tables() > self.slack() {
            return true;
        }
        let mut free = self.tables.free.clone();
        let log = self.log.iter().flat_map(Log::extents);
        log.chain(self.tables.manifest.extents().iter().copied()).for_each(|extent| free.release(extent));
        self.tables.levels.tables().any(|table| free.allocate_below(table.extent().blocks, table.address).is_some())
    }

    /// Free bytes that no table lies behind.
    fn free_behind_tables(&self) -> u64 {
        let end = self.tables.levels.tables().map(|table| table.extent().end()).max().unwrap_or(HEADER_LEN);
        self.tables.free.runs().iter().filter(|run| run.address >= end).map(Extent::len).sum()
    }

    /// Moves tables into holes before the file is closed, when that gives much and takes little: what was the log's and the
    /// reserve's is free, and the last tables lie behind it.
    pub(crate) fn settle(&mut self) -> Result<()> {
        let mut moved = 0;
        while moved < SETTLE_BYTES && self.has_much_space() {
            match self.move_some_tables() {
                // All is written: what cannot be moved now is where it is.
                Ok(0) | Err(_) if self.failed.is_none() => break,
                outcome => moved += outcome?,
            }
        }
        if moved == 0 && self.free_behind_tables() <= self.slack() {
            return Ok(());
        }
        // The manifest lies behind the tables where they were, or behind what was freed.
        match self.install_with(Edit::default(), true, |_| {}) {
            Err(_) if self.failed.is_none() => Ok(()),
            outcome => outcome,
        }
    }

    /// Moves tables from the end of the file into holes, until about [`MOVE_BYTES`] are moved or no more than
    /// `slack` bytes of holes are left. Gives the bytes that were moved.
    fn move_tables(&mut self, slack: u64) -> Result<u64> {
        let mut placements: Vec<_> = self.tables.levels.placements().collect();
        placements.sort_unstable_by_key(|placement| Reverse(placement.table.address));
        let mut edit = Edit::default();
        let mut old = Vec::new();
        let mut moved = 0;
        for placement in placements {
            if moved >= MOVE_BYTES || self.tables.free.free_bytes() <= slack {
                break;
            }
            if self.upkeep.job.as_ref().is_some_and(|job| job.reads(placement.table.id)) {
                continue;
            }
            let extent = placement.table.extent();
            let Some(target) = self.tables.free.allocate_below(extent.blocks, extent.address) else { continue };
            if let Err(error) = self.copy_table(&placement.table, target) {
                self.tables.free.release(target);
                edit.added.iter().for_each(|placement| self.tables.free.release(placement.table.extent()));
                return Err(error);
            }
            let table = Table { address: target.address, ..(*placement.table).clone() };
            edit.removed.push(table.id);
            edit.added.push(Placement { table: Arc::new(table), ..placement });
            old.push(extent);
            moved += extent.len();
        }
        if edit.is_empty() {
            return Ok(0);
        }
        let new: Vec<_> = edit.added.iter().map(|placement| placement.table.extent()).collect();
        if let Err(error) = self.install(edit, |_| {}) {
            if self.failed.is_none() {
                new.into_iter().for_each(|extent| self.tables.free.release(extent));
            }
            return Err(error);
        }
        old.into_iter().for_each(|extent| self.tables.free.release(extent));
        self.counters.bytes_moved += moved;
        Ok(moved)
    }

    /// Copies a table as it is: its pages are sealed for their place in the table, not in the file.
    fn copy_table(&mut self, table: &Table, target: Extent) -> Result<()> {
        let mut bytes = vec![0; table.len as usize];
        let count = self.volume.read(&mut bytes, table.address)?;
        bytes.truncate(count);
        Ok(self.volume.write(&bytes, target.address)?)
    }

    /// Cuts the free tail off when it is longer than `slack`.
    pub(crate) fn truncate_tail(&mut self, slack: u64) -> Result<()> {
        let end = self.tables.free.end();
        if self.volume.file_len() > end + slack {
            self.volume.truncate(end)?;
        }
        Ok(())
    }
}
