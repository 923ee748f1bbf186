//! Writing: commits in groups, durability, and dropping a key space.

use super::batch::{Batch, Operation};
use super::engine::Engine;
use super::entry::{BATCH_SIZE_MAX, Prefix, Seq};
use super::error::{Error, Result};
use super::levels::{Edit, LEVEL_COUNT};
use super::options::Durability;
use super::room::{Room, is_full};
use crate::fs::File;

impl<F: File> Engine<F> {
    /// Applies a commit: it is visible at once, and is written by [`Engine::finish_group`] together with all that
    /// was appended since the last one.
    ///
    /// # Errors
    /// [`Error::ReadOnly`], [`Error::Failed`], [`Error::TooLarge`], [`Error::Locked`], and, when earlier commits
    /// cannot be moved out of memory, whatever keeps them there, such as a full disk.
    pub fn append(&mut self, batch: Batch) -> Result<Seq> {
        batch.check()?;
        self.guarded(|engine| engine.append_checked(batch))
    }

    fn append_checked(&mut self, batch: Batch) -> Result<Seq> {
        let size = self.group.bytes + batch.size();
        if size > BATCH_SIZE_MAX {
            return Err(Error::TooLarge { what: "group of commits", size, limit: BATCH_SIZE_MAX });
        }
        self.ensure_writable()?;
        self.drop_job_of_later_clock();
        self.make_room()?;
        self.ensure_reserve(&batch)?;
        let seq = self.next_seq();
        let log = self.log.as_mut().expect("a writable engine has a log");
        log.append(&batch, seq, self.sequence.synced);
        self.group.bytes += batch.size();
        self.group.commits += 1;
        for operation in batch.into_operations() {
            self.memory.hot_rows.get_mut().remove(&operation.key);
            self.insert(operation, seq);
        }
        self.sequence.last = seq;
        Ok(seq)
    }

    /// Waits for the frozen memtable when the active one or its log has grown to twice its size, so that memory and the log
    /// stay bounded.
    fn make_room(&mut self) -> Result<()> {
        if !self.is_memtable_full(2) || !self.group.undo.is_empty() {
            return Ok(());
        }
        self.freeze_next()
    }

    #[cold]
    #[inline(never)]
    fn freeze_next(&mut self) -> Result<()> {
        while self.memory.frozen.is_some() {
            self.flush_slice(usize::MAX)?;
        }
        self.freeze()
    }

    /// Writes what was appended with one call, and makes it durable when `durability` says so. Then pays for
    /// maintenance.
    ///
    /// # Errors
    /// Whatever the host said. Everything appended since the last group is taken back then, and cannot be recovered,
    /// unless the flush failed: then nothing is known of it, and the engine has closed itself to writes.
    pub fn finish_group(&mut self, durability: Durability) -> Result<()> {
        if self.group.undo.is_empty() {
            return Ok(());
        }
        self.guarded(|engine| engine.finish_open_group(durability))
    }

    fn finish_open_group(&mut self, durability: Durability) -> Result<()> {
        if let Err(error) = self.write_group(durability) {
            return Err(self.give_group_up(error));
        }
        let bytes = std::mem::take(&mut self.group.bytes);
        self.counters.commits += std::mem::take(&mut self.group.commits);
        self.counters.groups += 1;
        self.counters.commit_bytes += bytes as u64;
        self.group.undo.clear();
        self.group.puts = false;
        self.pay(bytes);
        Ok(())
    }

    /// Takes the open group back, which could not be written, and explains why.
    #[cold]
    #[inline(never)]
    fn give_group_up(&mut self, error: Error) -> Error {
        self.take_group_back();
        let error = self.explain_failure(error);
        if matches!(error, Error::Failed { .. } | Error::Locked) { self.fail(error) } else { error }
    }

    fn write_group(&mut self, durability: Durability) -> Result<()> {
        // Making space for the group may have failed.
        self.ensure_not_failed()?;
        if durability == Durability::Never {
            self.confirm_current()?;
        }
        match self.write_pending() {
            Err(error) if is_full(&error) && self.flush_below_group()? => self.write_pending()?,
            written => written?,
        }
        let before = std::mem::replace(&mut self.sequence.written, self.sequence.last);
        if (durability == Durability::Always || self.is_sync_due())
            && let Err(error) = self.sync_volume()
        {
            self.sequence.written = before;
            return Err(error);
        }
        Ok(())
    }

    fn write_pending(&mut self) -> Result<()> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let room = if self.group.puts { Room::Ordinary } else { Room::All };
        log.write_pending(&self.volume, &mut self.tables.free, self.sequence.synced, room)
    }

    /// Writes the commits before the open group as tables, to free their log on a full disk. False if nothing is gained, or
    /// if the disk has no space for that either. The group stays as it is.
    #[cold]
    #[inline(never)]
    pub(super) fn flush_below_group(&mut self) -> Result<bool> {
        let group_end = std::mem::replace(&mut self.sequence.last, self.sequence.written);
        let undos = std::mem::take(&mut self.group.undo);
        let lifted: Vec<_> = undos.into_iter().rev().filter_map(|undo| self.memory.memtable.undo(undo)).collect();
        let flushed = if self.is_flush_gainful() { self.flush_memtables().map(|()| true) } else { Ok(false) };
        for (operation, seq) in lifted.into_iter().rev() {
            self.insert(operation, seq);
        }
        self.sequence.last = group_end;
        match flushed {
            Err(error) if is_full(&error) && self.failed.is_none() => Ok(false),
            flushed => flushed,
        }
    }

    /// Inserts an operation of the open group into the memtable.
    fn insert(&mut self, operation: Operation, seq: Seq) {
        let newest_snapshot = self.snapshots.last().copied().unwrap_or(0);
        let undo = self.memory.memtable.insert(operation, seq, |old| old <= newest_snapshot);
        self.group.undo.push(undo);
    }

    /// Rolls back the commits that were appended since the last group.
    pub fn abandon_group(&mut self) {
        self.take_group_back();
    }

    fn take_group_back(&mut self) {
        for undo in std::mem::take(&mut self.group.undo).into_iter().rev() {
            self.memory.hot_rows.get_mut().remove(undo.key());
            self.memory.memtable.undo(undo);
        }
        self.sequence.last = self.sequence.written;
        self.group.bytes = 0;
        self.group.commits = 0;
        self.group.puts = false;
        if let Some(log) = &mut self.log {
            log.discard_pending();
        }
    }

    /// Makes every commit that was acknowledged durable.
    ///
    /// # Errors
    /// [`Error::Fs`], after which the engine has closed itself to writes.
    pub fn sync(&mut self) -> Result<()> {
        self.finish_group(Durability::Never)?;
        self.ensure_not_failed()?;
        if self.sequence.synced == self.sequence.written || self.options.read_only {
            return Ok(());
        }
        // What was found in the log may not be durable either. Where an earlier connection failed to flush it, no
        // flush can be relied on any more: it must be written again.
        self.guarded(|engine| if engine.log.is_none() { engine.begin_writing() } else { engine.sync_volume() })
    }

    /// Drops every key of a key space; durable when it returns. Costs the memtable and the manifest, not the data.
    ///
    /// # Errors
    /// As [`Engine::append`].
    pub fn drop_prefix(&mut self, prefix: Prefix) -> Result<()> {
        self.finish_group(self.options.durability)?;
        self.guarded(|engine| engine.drop_tables(prefix))
    }

    fn drop_tables(&mut self, prefix: Prefix) -> Result<()> {
        self.ensure_writable()?;
        // Through the log the entries would come back at recovery: it must begin behind them.
        self.flush_memtables()?;
        if self.upkeep.job.as_ref().is_some_and(|job| job.is_in(prefix))
            && let Some(job) = self.upkeep.job.take()
        {
            self.abandon_outputs(job.into_output());
        }
        self.memory.hot_rows.get_mut().clear();
        let Some(tree) = self.tables.levels.tree(prefix) else { return Ok(()) };
        let tables: Vec<_> = (0..LEVEL_COUNT).flat_map(|level| tree.tables_of(level)).cloned().collect();
        let edit = Edit { removed: tables.iter().map(|table| table.id).collect(), added: Vec::new() };
        self.install(edit, |_| {})?;
        tables.iter().for_each(|table| self.tables.free.release(table.extent()));
        Ok(())
    }

    /// Announces incompatible features of the file, before anything is written that needs them; durable when it returns. A
    /// reader that does not know them refuses the file.
    ///
    /// # Errors
    /// As [`Engine::append`].
    pub fn require_features(&mut self, features: u32) -> Result<()> {
        if self.tables.superblock.incompatible & features == features {
            return Ok(());
        }
        self.finish_group(self.options.durability)?;
        self.ensure_writable()?;
        self.install(Edit::default(), |superblock| superblock.incompatible |= features)
    }
}
