//! Writing a full memtable as tables.
//!
//! A full memtable is frozen, and the log continues in a new segment. The frozen one is written in slices; when its
//! tables are installed, the log before that segment is free.
//!
//! A memtable is full when its entries have reached `memtable_size`, or its log has reached [`LOG_SHARE`] times as much:
//! documents that are overwritten again and again take little memory, but each commit takes space in the log.

use crate::engine::levels::landing;
use crate::engine::work::Frozen;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::engine::engine::Engine;
use crate::engine::entry::{Clock, prefix_of};
use crate::engine::error::Result;
use crate::engine::levels::Edit;
use crate::engine::log::writer::Log;
use crate::engine::memtable::Memtable;
use crate::engine::retention::Retention;
use crate::engine::room::Room;
use crate::engine::table::meta::Table;
use crate::engine::work::Job;
use crate::engine::work::Output;
use crate::fs::File;
use crate::page::{BLOCK_LEN, LogStart};

/// Bytes of log for each byte of `memtable_size` at which a memtable is frozen. Commits of new documents take less: an
/// entry in memory costs more than its frame.
const LOG_SHARE: u64 = 2;
/// The log of a memtable may have this length at least: two blocks. Segments take one block or more.
const LOG_LEN_MIN: u64 = 2 * BLOCK_LEN;
/// While the host is idle a memtable is frozen when its log is longer by this than what its tables need, bytes. Replaying
/// so much takes a few milliseconds.
const LOG_WASTE_MAX: u64 = 1 << 20;

impl<F: File> Engine<F> {
    /// Bytes of the log that holds the active memtable's commits.
    fn active_log_len(&self) -> u64 {
        self.log.as_ref().map_or(0, Log::active_len)
    }

    /// True if the memtable has reached `times` its size, or its log has.
    pub(crate) fn is_memtable_full(&self, times: u64) -> bool {
        let memtable_size = self.options.memtable_size as u64;
        self.memory.memtable.size() as u64 >= times * memtable_size
            || self.active_log_len() >= times * (LOG_SHARE * memtable_size).max(LOG_LEN_MIN)
    }

    /// True if a flush of the memtable is due while the host is idle: it frees log that is mostly superseded.
    pub(crate) fn is_log_wasteful(&self) -> bool {
        let limit = (LOG_SHARE * self.options.memtable_size as u64).clamp(LOG_LEN_MIN, LOG_WASTE_MAX);
        self.active_log_len() >= limit + 2 * self.memory.memtable.table_size_max()
    }

    /// True if the log has become long enough for a flush to matter.
    pub(crate) fn is_log_long(&self) -> bool {
        self.memory.frozen.is_some() || self.active_log_len() >= LOG_LEN_MIN
    }

    /// True if a flush of the memtables frees more blocks of the log than its tables take.
    pub(crate) fn is_flush_gainful(&self) -> bool {
        // The new log segment takes the place of one that is freed.
        self.memory.frozen.is_some()
            || self.active_log_len() + BLOCK_LEN >= self.flush_len(self.memory.memtable.table_size_max())
    }

    /// Bytes of the blocks that a flush of `len` bytes of memtables takes: their tables, one more for each key space beyond
    /// the first, a log segment and a page of the manifest.
    pub(crate) fn flush_len(&self, len: u64) -> u64 {
        let spaces = (self.tables.levels.trees().count() as u64).max(1);
        (len.div_ceil(BLOCK_LEN) + spaces - 1 + 2) * BLOCK_LEN
    }

    /// Freezes the memtable. REQUIRES: none is frozen, and no group is open.
    pub(crate) fn freeze(&mut self) -> Result<()> {
        assert!(
            self.memory.frozen.is_none() && self.group.undo.is_empty(),
            "a memtable is frozen between commits, one at a time"
        );
        let is_empty = self.memory.memtable.is_empty();
        let Some(log) = self.log.as_mut().filter(|log| !is_empty || log.active_len() > 0) else { return Ok(()) };
        log.roll(&self.volume, &mut self.tables.free, 0, self.sequence.synced, Room::All)?;
        let log_start = log.begin_memtable();
        let memtable = Arc::new(std::mem::take(&mut self.memory.memtable));
        let (seq, output) = (self.numbered_seq(), Output::new(Room::All));
        self.memory.frozen = Some(Frozen { memtable, seq, log_start, position: None, output });
        Ok(())
    }

    /// Writes about `budget` bytes of the frozen memtable, and installs its tables when it is through. On error the
    /// flush begins again with the next call; nothing is lost.
    pub(crate) fn flush_slice(&mut self, budget: usize) -> Result<usize> {
        // The frozen memtable must stay readable unless its tables take its place.
        let Some(frozen) = &mut self.memory.frozen else { return Ok(0) };
        let memtable = Arc::clone(&frozen.memtable);
        let (seq, start) = (frozen.seq, frozen.log_start);
        let mut position = frozen.position.take();
        let mut output = std::mem::replace(&mut frozen.output, Output::new(Room::All));
        match self.write_memtable_slice(&memtable, &mut position, &mut output, budget) {
            Ok(done) if position.is_some() => {
                if let Some(frozen) = &mut self.memory.frozen {
                    (frozen.position, frozen.output) = (position, output);
                }
                Ok(done)
            }
            Ok(done) => {
                let tables = std::mem::take(&mut output.tables);
                let edit = self.landing_edit(tables.clone());
                let installed = self.install(edit, |superblock| {
                    superblock.flushed_seq = seq;
                    superblock.log = start;
                });
                if let Err(error) = installed {
                    self.abandon_outputs(Output::of(tables));
                    return Err(error);
                }
                self.memory.frozen = None;
                self.upkeep.table_target = self.options.table_size();
                self.release_log_before(&start);
                self.counters.flushes += 1;
                Ok(done)
            }
            Err(error) => {
                self.abandon_outputs(output);
                if self.lower_table_target(&error) { Ok(0) } else { Err(error) }
            }
        }
    }

    /// Writes about `budget` bytes of `memtable` from the key after `position` on. `position` is `None` afterwards when
    /// everything was written.
    fn write_memtable_slice(
        &mut self,
        memtable: &Memtable,
        position: &mut Option<Bytes>,
        output: &mut Output,
        budget: usize,
    ) -> Result<usize> {
        let start = position.take();
        let from = start.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        // Expired entries stay until a compaction, which moves the expiry horizon when it drops them.
        let clock = Clock { now_ms: 0, horizon: self.tables.superblock.expiry };
        let retention = Retention { clock, ..self.retention() };
        let mut done = 0;
        for (key, versions) in memtable.range(from, Bound::Unbounded) {
            let mut versions: Vec<_> = versions.iter().cloned().collect();
            done += key.len() + versions.iter().map(|version| version.size() + 32).sum::<usize>();
            retention.reduce(&mut versions, || self.exists_in_tables(key));
            output.push(self, key, &versions)?;
            if done >= budget {
                *position = Some(key.clone());
                return Ok(done);
            }
        }
        output.finish_table(self)?;
        Ok(done)
    }

    /// True if a table may hold an older version of `key`.
    fn exists_in_tables(&self, key: &[u8]) -> bool {
        let tree = prefix_of(key).and_then(|prefix| self.tables.levels.tree(prefix));
        tree.is_some_and(|tree| tree.candidates(key).next().is_some())
    }

    /// Puts the tables of a flush as deep as they may go.
    pub(crate) fn landing_edit(&self, tables: Vec<Table>) -> Edit {
        let is_busy = |job: &Job, table: &Table| job.covers(table.prefix(), &table.smallest, &table.largest);
        landing(&self.tables.levels, tables, |table| self.upkeep.job.as_ref().is_some_and(|job| is_busy(job, table)))
    }

    pub(crate) fn release_log_before(&mut self, start: &LogStart) {
        let released = self.log.as_mut().map(|log| log.forget_before(start)).unwrap_or_default();
        released.into_iter().for_each(|extent| self.tables.free.release(extent));
    }

    /// Writes `memtable` as tables at once; nothing refers to them yet.
    pub(crate) fn write_memtable(&mut self, memtable: &Memtable) -> Result<Output> {
        let mut output = Output::new(Room::All);
        loop {
            match self.write_memtable_slice(memtable, &mut None, &mut output, usize::MAX) {
                Ok(_) => return Ok(output),
                Err(error) => {
                    self.abandon_outputs(std::mem::replace(&mut output, Output::new(Room::All)));
                    if !self.lower_table_target(&error) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Gives blocks back that nothing refers to; after a failure to write the superblock nothing may be reused,
    /// since it is not known what the superblock on disk refers to.
    pub(crate) fn abandon_outputs(&mut self, output: Output) {
        if self.failed.is_none() {
            output.discard(self);
        }
    }

    /// Writes the frozen memtable and the active one as tables.
    pub(crate) fn flush_memtables(&mut self) -> Result<()> {
        while self.memory.frozen.is_some() {
            self.flush_slice(usize::MAX)?;
        }
        if !self.memory.memtable.is_empty() {
            self.freeze()?;
            while self.memory.frozen.is_some() {
                self.flush_slice(usize::MAX)?;
            }
        }
        Ok(())
    }
}
