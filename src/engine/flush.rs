//! Writing a full memtable as tables.
//!
//! A full memtable is frozen, and the log goes on in a new segment. The frozen one is written in slices; when its
//! tables are installed, the log before that segment is free.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::compaction::Job;
use super::engine::Engine;
use super::entry::{Clock, Seq, prefix_of};
use super::error::Result;
use super::levels::{BOTTOM, Edit, Levels, Placement, SMALL_TABLE};
use super::memtable::Memtable;
use super::output::Output;
use super::reserve::Room;
use super::retention::Retention;
use super::table::Table;
use crate::fs::File;
use crate::page::LogStart;

/// A memtable that is being written.
#[derive(Debug)]
pub(super) struct Frozen {
    pub(super) memtable: Arc<Memtable>,
    /// The newest commit when it was frozen.
    seq: Seq,
    /// Where the log goes on behind it.
    log_start: LogStart,
    /// The last key that was handed to `output`.
    position: Option<Bytes>,
    output: Output,
}

/// Puts new tables as deep as they may go, but not past a merge that is busy where they belong: those that overlap nothing
/// need not pass through level 0.
pub(super) fn landing(levels: &Levels, tables: Vec<Table>, is_busy: impl Fn(&Table) -> bool) -> Edit {
    let run = tables.first().map_or(0, |table| table.id);
    let place = |table: Table| {
        let level = match levels.tree(table.prefix()) {
            _ if is_busy(&table) => 0,
            // A small table would stay small at the bottom; in level 0 it meets others.
            Some(_) if table.len < SMALL_TABLE => 0,
            Some(tree) => tree.landing_level(&table.smallest, &table.largest),
            None => BOTTOM,
        };
        Placement { level, run, table: Arc::new(table) }
    };
    Edit { removed: Vec::new(), added: tables.into_iter().map(place).collect() }
}

impl<F: File> Engine<F> {
    /// Freezes the memtable. REQUIRES: none is frozen, and no group is open.
    pub(super) fn freeze(&mut self) -> Result<()> {
        assert!(self.frozen.is_none() && self.group.is_empty(), "a memtable is frozen between commits, one at a time");
        let Some(log) = self.log.as_mut().filter(|_| !self.memtable.is_empty()) else { return Ok(()) };
        log.roll(&self.volume, &mut self.free, 0, self.synced_seq, Room::All)?;
        let log_start = log.start_of_current();
        let memtable = Arc::new(std::mem::take(&mut self.memtable));
        let (seq, output) = (self.last_seq, Output::new(Room::All));
        self.frozen = Some(Frozen { memtable, seq, log_start, position: None, output });
        Ok(())
    }

    /// Writes about `budget` bytes of the frozen memtable, and installs its tables when it is through. On error the
    /// flush begins anew with the next call; nothing is lost.
    pub(super) fn flush_slice(&mut self, budget: usize) -> Result<usize> {
        let Some(mut frozen) = self.frozen.take() else { return Ok(0) };
        let mut output = std::mem::replace(&mut frozen.output, Output::new(Room::All));
        match self.write_frozen(&mut frozen, &mut output, budget) {
            Ok(done) if frozen.position.is_some() => {
                frozen.output = output;
                self.frozen = Some(frozen);
                Ok(done)
            }
            Ok(done) => {
                let start = frozen.log_start;
                let seq = frozen.seq;
                let tables = std::mem::take(&mut output.tables);
                let edit = self.landing_edit(tables.clone());
                // The frozen memtable must stay readable unless its tables take its place.
                self.frozen = Some(frozen);
                let installed = self.install(edit, |superblock| {
                    superblock.flushed_seq = seq;
                    superblock.log = start;
                });
                if let Err(error) = installed {
                    self.abandon_outputs(Output::of(tables));
                    return Err(error);
                }
                self.frozen = None;
                self.table_target = self.options.table_size();
                self.release_log_before(&start);
                self.counters.flushes += 1;
                Ok(done)
            }
            Err(error) => {
                frozen.position = None;
                self.frozen = Some(frozen);
                self.abandon_outputs(output);
                if self.lower_table_target(&error) { Ok(0) } else { Err(error) }
            }
        }
    }

    /// `frozen.position` is `None` afterwards when everything was written.
    fn write_frozen(&mut self, frozen: &mut Frozen, output: &mut Output, budget: usize) -> Result<usize> {
        let memtable = Arc::clone(&frozen.memtable);
        let start = frozen.position.take();
        let from = start.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        // Expired entries stay until a compaction, which moves the expiry horizon when it drops them.
        let clock = Clock { now_ms: 0, horizon: self.superblock.expiry };
        let retention = Retention { clock, ..self.retention() };
        let mut done = 0;
        for (key, versions) in memtable.range(from, Bound::Unbounded) {
            let mut versions: Vec<_> = versions.iter().cloned().collect();
            done += key.len() + versions.iter().map(|version| version.size() + 32).sum::<usize>();
            retention.reduce(&mut versions, || self.exists_in_tables(key));
            output.push(self, key, &versions)?;
            if done >= budget {
                frozen.position = Some(key.clone());
                return Ok(done);
            }
        }
        output.finish_table(self)?;
        Ok(done)
    }

    /// Whether a table may hold an older version of `key`.
    fn exists_in_tables(&self, key: &[u8]) -> bool {
        let tree = prefix_of(key).and_then(|prefix| self.levels.tree(prefix));
        tree.is_some_and(|tree| tree.candidates(key).next().is_some())
    }

    /// Puts the tables of a flush as deep as they may go.
    pub(super) fn landing_edit(&self, tables: Vec<Table>) -> Edit {
        let is_busy = |job: &Job, table: &Table| job.covers(table.prefix(), &table.smallest, &table.largest);
        landing(&self.levels, tables, |table| self.job.as_ref().is_some_and(|job| is_busy(job, table)))
    }

    pub(super) fn release_log_before(&mut self, start: &LogStart) {
        let released = self.log.as_mut().map(|log| log.forget_before(start)).unwrap_or_default();
        released.into_iter().for_each(|extent| self.free.release(extent));
    }

    /// Writes `memtable` as tables at once; nothing refers to them yet.
    pub(super) fn write_memtable(&mut self, memtable: &Arc<Memtable>) -> Result<Output> {
        let mut output = Output::new(Room::All);
        let mut frozen = Frozen {
            memtable: Arc::clone(memtable),
            seq: self.last_seq,
            log_start: LogStart::default(),
            position: None,
            output: Output::new(Room::All),
        };
        loop {
            match self.write_frozen(&mut frozen, &mut output, usize::MAX) {
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
    pub(super) fn abandon_outputs(&mut self, output: Output) {
        if self.failed.is_none() {
            output.discard(self);
        }
    }

    /// Writes the frozen memtable and the active one as tables.
    pub(super) fn flush_memtables(&mut self) -> Result<()> {
        while self.frozen.is_some() {
            self.flush_slice(usize::MAX)?;
        }
        if !self.memtable.is_empty() {
            self.freeze()?;
            while self.frozen.is_some() {
                self.flush_slice(usize::MAX)?;
            }
        }
        Ok(())
    }
}
