//! Writing: commits in groups, durability, and dropping a key space.

use super::batch::Batch;
use super::engine::Engine;
use super::entry::{BATCH_SIZE_MAX, Prefix, Seq};
use super::error::{Error, Result};
use super::levels::{Edit, LEVEL_COUNT};
use super::options::Durability;
use super::reserve::Room;
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
        let size = self.group_bytes + batch.size();
        if size > BATCH_SIZE_MAX {
            return Err(Error::TooLarge { what: "group of commits", size, limit: BATCH_SIZE_MAX });
        }
        self.ensure_writable()?;
        self.drop_job_of_later_clock();
        self.make_room()?;
        self.ensure_reserve(&batch)?;
        let log = self.log.as_mut().expect("a writable engine has a log");
        let seq = self.last_seq + 1;
        log.append(&batch, seq, self.synced_seq);
        self.group_bytes += batch.size();
        self.group_commits += 1;
        for operation in batch.into_operations() {
            let newest_snapshot = self.snapshots.last().copied().unwrap_or(0);
            self.hot_rows.get_mut().remove(&operation.key);
            let undo = self.memtable.insert(operation, seq, |old| old <= newest_snapshot);
            self.group.push(undo);
        }
        self.last_seq = seq;
        Ok(seq)
    }

    /// Waits for the frozen memtable when the active one has grown to twice its size, so that memory stays bounded.
    fn make_room(&mut self) -> Result<()> {
        if self.memtable.size() < 2 * self.options.memtable_size || !self.group.is_empty() {
            return Ok(());
        }
        while self.frozen.is_some() {
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
        if self.group.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.write_group(durability) {
            self.take_group_back();
            return Err(if matches!(error, Error::Failed { .. } | Error::Locked) { self.fail(error) } else { error });
        }
        let bytes = std::mem::take(&mut self.group_bytes);
        self.counters.commits += std::mem::take(&mut self.group_commits);
        self.counters.groups += 1;
        self.counters.commit_bytes += bytes as u64;
        self.group.clear();
        self.group_puts = false;
        self.pay(bytes);
        Ok(())
    }

    fn write_group(&mut self, durability: Durability) -> Result<()> {
        if let Some(log) = &mut self.log {
            let room = if self.group_puts { Room::Ordinary } else { Room::All };
            log.write_pending(&self.volume, &mut self.free, self.synced_seq, room)?;
        }
        let before = std::mem::replace(&mut self.written_seq, self.last_seq);
        if durability == Durability::Always
            && let Err(error) = self.sync_volume()
        {
            self.written_seq = before;
            return Err(error);
        }
        Ok(())
    }

    /// Takes back what was appended since the last group.
    #[cfg(any(test, fuzzing, all(target_arch = "wasm32", target_os = "unknown")))]
    pub fn abandon_group(&mut self) {
        self.take_group_back();
    }

    fn take_group_back(&mut self) {
        for undo in std::mem::take(&mut self.group).into_iter().rev() {
            self.hot_rows.get_mut().remove(undo.key());
            self.memtable.undo(undo);
        }
        self.last_seq = self.written_seq;
        self.group_bytes = 0;
        self.group_commits = 0;
        self.group_puts = false;
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
        if self.synced_seq == self.written_seq || self.options.read_only {
            return Ok(());
        }
        // What was found in the log may not be durable either. Where an earlier connection failed to flush it, no
        // flush can be relied on any more: it must be written again.
        if self.log.is_none() { self.begin_writing() } else { self.sync_volume() }
    }

    /// Drops every key of a key space; durable when it returns. Costs the memtable and the manifest, not the data.
    ///
    /// # Errors
    /// As [`Engine::append`].
    pub fn drop_prefix(&mut self, prefix: Prefix) -> Result<()> {
        self.finish_group(self.options.durability)?;
        self.ensure_writable()?;
        // Through the log the entries would come back at recovery: it must begin behind them.
        self.flush_memtables()?;
        if self.job.as_ref().is_some_and(|job| job.is_in(prefix))
            && let Some(job) = self.job.take()
        {
            self.abandon_outputs(job.into_output());
        }
        self.hot_rows.get_mut().clear();
        let Some(tree) = self.levels.tree(prefix) else { return Ok(()) };
        let tables: Vec<_> = (0..LEVEL_COUNT).flat_map(|level| tree.tables_of(level)).cloned().collect();
        let edit = Edit { removed: tables.iter().map(|table| table.id).collect(), added: Vec::new() };
        self.install(edit, |_| {})?;
        tables.iter().for_each(|table| self.free.release(table.extent()));
        Ok(())
    }
}
