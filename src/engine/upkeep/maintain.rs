//! When maintenance is done: by commits, each a share, and by the host when it is idle.

use crate::engine::engine::Engine;
use crate::engine::error::Result;
use crate::engine::room::is_full;
use crate::fs::File;

/// Bytes of work in a slice: one to two milliseconds natively, a few in wasm.
const SLICE: usize = 128 << 10;
/// Slices that one commit pays at most, unless it is large itself.
const SLICES_PER_COMMIT: u64 = 4;
/// Bytes of a frozen memtable to write for each byte committed: it is through when the active one is a quarter full.
const FLUSH_SHARE: u64 = 4;
/// Bytes to merge for each byte committed, at most.
const MERGE_SHARE_MAX: u64 = 64;

impl<F: File> Engine<F> {
    /// Takes a commit's share of the maintenance: in proportion to its bytes and to the debt, so that the debt
    /// settles where commits pay as much as they cause. What fails here fails no commit; it is told by the next
    /// [`Engine::maintain`], and tried again.
    pub(crate) fn pay(&mut self, bytes: usize) {
        if self.memory.frozen.is_none()
            && self.is_memtable_full(1)
            && let Err(error) = self.freeze()
        {
            self.upkeep.error = Some(error);
            return;
        }
        let flush_share = if self.memory.frozen.is_some() { FLUSH_SHARE } else { 0 };
        let due = 4 * self.upkeep.debt / self.options.memtable_size.max(1) as u64;
        let merge_share = due.max(if self.upkeep.job.is_some() { 4 } else { 0 }).min(MERGE_SHARE_MAX);
        let bytes = bytes as u64;
        self.upkeep.owed += bytes * (flush_share + merge_share);
        let limit = (SLICES_PER_COMMIT * SLICE as u64).max(16 * bytes);
        let mut paid = 0;
        while self.upkeep.owed >= SLICE as u64 && paid < limit {
            match self.slice(SLICE) {
                Ok(0) => self.upkeep.owed = 0,
                Ok(done) => {
                    self.upkeep.owed = self.upkeep.owed.saturating_sub(done as u64);
                    paid += done as u64;
                }
                Err(error) => {
                    self.upkeep.error = Some(error);
                    self.upkeep.owed = 0;
                }
            }
        }
    }

    /// Does the work that is most due, about `budget` bytes of it, and gives how much was done; 0 when none is due.
    pub(crate) fn slice(&mut self, budget: usize) -> Result<usize> {
        if self.memory.frozen.is_some() {
            return Ok(self.flush_slice(budget)?.max(1));
        }
        if self.upkeep.purge.is_some() {
            if !self.purge_slice(budget)? {
                self.upkeep.cramped_at = Some(self.tables.superblock.sequence);
            }
            return Ok(budget.max(1));
        }
        if self.upkeep.job.is_some() {
            return match self.job_slice(budget) {
                Err(error) if is_full(&error) && self.failed.is_none() => {
                    self.begin_purge();
                    Ok(1)
                }
                done => Ok(done?.max(1)),
            };
        }
        // Drop fully expired tables before scheduling a merge: merging them would be wasted work.
        if self.drop_dead_tables()? {
            return Ok(SLICE);
        }
        if self.is_cramped() {
            return Ok(0);
        }
        // Beginning costs a few reads, installing a moved table two flushes: about as much as a slice.
        if self.begin_due_job()? {
            return Ok(SLICE);
        }
        self.reclaim_slice(budget)
    }

    /// Does one slice of what is due, about `budget` bytes: flush, dropping what has expired, compaction, and, when
    /// nothing else is due, rewriting what is garbage by a quarter and giving space back to the host. True while there is more.
    ///
    /// # Errors
    /// What the slice failed with, or a slice that a commit had to pay. The work is tried again by the next call.
    pub fn maintain(&mut self, budget: usize) -> Result<bool> {
        self.finish_group(self.options.durability)?;
        if let Some(error) = self.upkeep.error.take() {
            return Err(error);
        }
        if self.log.is_none() || self.failed.is_some() {
            return Ok(false);
        }
        self.guarded(|engine| engine.idle_slice(budget))
    }

    fn idle_slice(&mut self, budget: usize) -> Result<bool> {
        if self.slice(budget)? > 0 {
            return Ok(true);
        }
        if self.frees_log()? {
            return Ok(true);
        }
        if !self.is_cramped() && self.memtable_covers_much() {
            self.freeze()?;
            return Ok(true);
        }
        if !self.is_cramped()
            && let Some(plan) = self.plan_garbage()
        {
            self.begin_job(plan)?;
            return Ok(true);
        }
        self.shrink_slice(budget)
    }

    /// Freezes the memtable if its log is mostly superseded. False if nothing is gained, or the disk has no space for that.
    fn frees_log(&mut self) -> Result<bool> {
        if !self.is_log_wasteful() {
            return Ok(false);
        }
        match self.freeze() {
            Err(error) if is_full(&error) && self.failed.is_none() => Ok(false),
            frozen => frozen.map(|()| true),
        }
    }
}
