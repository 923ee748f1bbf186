//! The engine: what is open, and how it came to be.

use std::sync::Arc;

use super::counters::Counters;
use super::entry::SEQ_MAX;
use super::entry::{Clock, Seq};
use super::error::{Error, Result};
use super::levels::{Edit, Levels};
use super::log::recovery::recover;
use super::log::writer::{Log, LogIdentity, SEGMENT_LEN_MAX, SEGMENT_LEN_MIN};
use super::manifest::Manifest;
use super::memtable::Memtable;
use super::options::Options;
use super::room::is_full;
use super::state::{Group, Memory, Sequence, Tables, Upkeep};
use super::table::meta::Table;
use super::work::Frozen;

use crate::environment::Environment;
use crate::fs::File;
use crate::page::{BLOCK_LEN, Extent, HEADER_LEN, Superblock, Volume};

/// An open database file: an ordered, versioned key-value store.
///
/// Owned by one thread. Reads take `&self` and see every commit that was appended; writes take `&mut self`.
pub struct Engine<F> {
    pub(super) volume: Volume<F>,
    pub(super) options: Options,
    pub(super) environment: Arc<dyn Environment>,
    pub(super) sequence: Sequence,
    pub(super) group: Group,
    pub(super) tables: Tables,
    pub(super) memory: Memory,
    pub(super) upkeep: Upkeep,
    /// The log being written; `None` until the first write. An opening that only reads changes no byte.
    pub(super) log: Option<Log>,
    /// Blocks of the log that was found at opening, free once a new one is begun.
    pub(super) found_log: Vec<Extent>,
    /// Live snapshots, ascending; one that is held twice is here twice.
    pub(super) snapshots: Vec<Seq>,
    /// The reason why the engine closed itself to writes.
    pub(super) failed: Option<Error>,
    /// Monotonic time of the last check whether the file still has its name.
    pub(super) confirmed_ns: u64,
    pub(super) counters: Counters,
    /// The damage that was found when the file was opened in spite of it.
    pub(super) damage: Vec<Error>,
}

/// The limit of all other counters: nobody reaches it, and counting on from below does not overflow.
const NUMBER_MAX: u64 = 1 << 63;

/// Fails when superblock and manifest contradict each other, or count on from where no writer gets; only a file that was
/// forged or mixed up does.
pub(super) fn check_agreement(superblock: &Superblock, levels: &Levels) -> Result<()> {
    let log = &superblock.log;
    let numbers = [superblock.sequence, superblock.next_table_id, superblock.manifest.number];
    let mut numbers = numbers.into_iter().chain([log.generation, log.segment_index, log.frame_number]);
    let log_end = log.address.checked_add(log.len);
    let is_sane = |table: &Table| {
        table.id < superblock.next_table_id
            && table.statistics.max_seq <= superblock.flushed_seq
            && table.extent().address + table.len <= superblock.file_len
            && table.key_epoch <= superblock.key_epoch
            && (table.key_epoch > 0) == superblock.cipher.is_some()
    };
    let agrees = superblock.synced_seq.max(superblock.flushed_seq) < SEQ_MAX
        && numbers.all(|number| number < NUMBER_MAX)
        && log.key_epoch <= superblock.key_epoch
        && (superblock.key_epoch > 0) == superblock.cipher.is_some()
        && log_end.is_some_and(|end| end <= superblock.file_len)
        && (log.address == 0 || Extent::for_len(log.address, log.len).is_valid())
        && levels.placements().all(|placement| is_sane(&placement.table) && placement.run < superblock.next_table_id);
    if agrees {
        Ok(())
    } else {
        Err(Error::corrupt("superblock: it contradicts the manifest", "the file's first 16 KiB"))
    }
}

/// The key epoch behind this one. A million openings a day use them up in eleven years.
pub(super) fn key_epoch_behind(epoch: u32) -> Result<u32> {
    let used_up = || Error::Failed { reason: "its key epochs are used up; export it into a new database".to_owned() };
    // One is kept for an opening that seals more pages than an epoch takes.
    epoch.checked_add(1).filter(|&next| next < u32::MAX).ok_or_else(used_up)
}

/// Where the tables and the manifest lie.
pub(super) fn used_extents(levels: &Levels, manifest: &Manifest) -> Vec<Extent> {
    levels.tables().map(|table| table.extent()).chain(manifest.extents().iter().copied()).collect()
}

impl<F: File> Engine<F> {
    /// What was found damaged when the file was opened in spite of it.
    pub fn damage(&self) -> &[Error] {
        &self.damage
    }

    /// Prepares for writing: claims the file, begins a log of its own, and writes what the found log held as tables.
    pub(super) fn begin_writing(&mut self) -> Result<()> {
        self.confirm_current_now()?;
        self.ensure_numbers_left()?;
        let mut owner_id = [0; 16];
        self.environment.fill_random(&mut owner_id);
        // Another may have written since the file was opened here, without a new claim: it had claimed it before.
        self.confirm_unchanged().map_err(|error| self.explain_failure(error))?;
        self.volume.claim(owner_id)?;
        // And a commit of its own may have been on its way while it lost the file. The next one it refuses itself.
        self.confirm_unchanged()?;
        self.volume.renew(&self.tables.superblock)?;
        if let Err(error) = self.volume.sync() {
            return Err(self.fail(error.into()));
        }
        if self.tables.superblock.cipher.is_some() {
            // Each opening that writes seals in an epoch of its own: how much was sealed before does not matter.
            self.volume.begin_key_epoch(key_epoch_behind(self.tables.superblock.key_epoch)?);
        }
        let memtable = Arc::new(std::mem::take(&mut self.memory.memtable));
        // It stays readable in the meantime.
        self.memory.frozen = Some(Frozen::readable(Arc::clone(&memtable)));
        let outcome = self.begin_log(&memtable);
        self.memory.frozen = None;
        if outcome.is_err() {
            // Nothing else holds it: the outputs were written or abandoned.
            self.memory.memtable = Arc::into_inner(memtable).expect("no one else holds the memtable");
        }
        outcome
    }

    /// Fails with [`Error::Locked`] when the file is not what was read when it was opened. Where the host keeps other
    /// writers out, it is.
    fn confirm_unchanged(&self) -> Result<()> {
        if self.volume.is_exclusive() {
            return Ok(());
        }
        let used = used_extents(&self.tables.levels, &self.tables.manifest);
        let log_end = || match recover(&self.volume, &self.tables.superblock, &used, |_, _| {}) {
            // A log that was whole and is not any more is being written.
            Err(Error::Corrupt { .. }) => Err(Error::Locked),
            found => found.map(|found| found.last_seq),
        };
        let unchanged = self.volume.is_as_known(&self.tables.superblock)? && log_end()? == self.sequence.last;
        if unchanged { Ok(()) } else { Err(Error::Locked) }
    }

    pub(super) fn begin_log(&mut self, memtable: &Arc<Memtable>) -> Result<()> {
        let output = self.write_memtable(memtable)?;
        let mut salt = [0; 16];
        self.environment.fill_random(&mut salt);
        let generation = self.tables.superblock.log.generation + 1;
        // In long segments a small memtable would leave most of the room unused.
        let segment_len_max = (self.options.memtable_size as u64).clamp(BLOCK_LEN, SEGMENT_LEN_MAX);
        // A database that has grown will fill large segments; one that is new should stay small.
        let segment_len = if self.tables.superblock.file_len > 1 << 20 { segment_len_max } else { SEGMENT_LEN_MIN };
        let key_epoch = self.volume.key_epoch();
        let identity = LogIdentity { generation, salt, key_epoch };
        let log = match Log::start(&self.volume, &mut self.tables.free, identity, segment_len, segment_len_max) {
            Ok(log) => log,
            Err(error) => {
                self.abandon_outputs(output);
                return Err(error);
            }
        };
        let start = log.start_of_first();
        let edit = self.landing_edit(output.tables.clone());
        let flushed_seq = self.numbered_seq();
        let extents: Vec<_> = log.extents().collect();
        self.log = Some(log);
        let installed = self.install(edit, |superblock| {
            superblock.log = start;
            superblock.flushed_seq = flushed_seq;
        });
        if let Err(error) = installed {
            self.log = None;
            if self.failed.is_none() {
                extents.into_iter().for_each(|extent| self.tables.free.release(extent));
            }
            self.abandon_outputs(output);
            return Err(error);
        }
        std::mem::take(&mut self.found_log).into_iter().for_each(|extent| self.tables.free.release(extent));
        Ok(())
    }

    /// Fails unless the engine may write; begins to, the first time.
    pub(super) fn ensure_writable(&mut self) -> Result<()> {
        if self.options.read_only {
            return Err(Error::ReadOnly);
        }
        self.ensure_not_failed()?;
        if self.log.is_none() { self.begin_writing() } else { Ok(()) }
    }

    /// Fails when the engine has closed itself to writes: with `Locked` when that was because of another writer.
    pub fn ensure_not_failed(&self) -> Result<()> {
        match &self.failed {
            None => Ok(()),
            Some(error @ (Error::Locked | Error::Failed { .. })) => Err(error.clone()),
            Some(error) => Err(Error::Failed { reason: error.to_string() }),
        }
    }

    /// Closes the engine to writes: after `error` it is not known what is durable, and nothing may be acknowledged
    /// on the strength of a later flush.
    pub(super) fn fail(&mut self, error: Error) -> Error {
        self.failed.get_or_insert_with(|| error.clone());
        error
    }

    /// Makes all that was written durable.
    pub(super) fn sync_volume(&mut self) -> Result<()> {
        self.confirm_current()?;
        if let Err(error) = self.volume.sync() {
            return Err(self.fail(error.into()));
        }
        self.sequence.synced = self.sequence.written;
        Ok(())
    }

    /// Makes an edit of the tables and a change of the superblock durable, as one. What the edit adds must have been
    /// written. On error nothing is changed; when it is not known whether it is, the engine has closed itself.
    pub(super) fn install(&mut self, edit: Edit, change: impl FnOnce(&mut Superblock)) -> Result<()> {
        self.install_with(edit, false, change)
    }

    pub(super) fn install_with(
        &mut self,
        edit: Edit,
        rewrite_manifest: bool,
        change: impl FnOnce(&mut Superblock),
    ) -> Result<()> {
        self.volume.confirm_owner()?;
        let mut levels = self.tables.levels.clone();
        if !levels.apply(&edit) {
            let what = "manifest: tables that overlap would come of what it says of them";
            return Err(Error::corrupt(what, format_args!("offset {}", self.tables.superblock.manifest.address)));
        }
        let manifest = if edit.is_empty() && !rewrite_manifest {
            None
        } else {
            Some(self.tables.manifest.write(&self.volume, &mut self.tables.free, &levels, &edit, rewrite_manifest)?)
        };
        let mut superblock = self.tables.superblock.clone();
        superblock.sequence += 1;
        superblock.next_table_id = self.tables.next_id;
        superblock.key_epoch = self.volume.key_epoch();
        if let Some(written) = &manifest {
            superblock.manifest = written.head();
        }
        change(&mut superblock);
        superblock.file_len = self.required_len(&superblock, &levels);
        if let Err(error) = self.volume.back(superblock.file_len) {
            manifest.into_iter().for_each(|written| Manifest::discard(written, &mut self.tables.free));
            return Err(error.into());
        }
        self.sync_volume()?;
        superblock.synced_seq = self.sequence.synced;
        if let Err(error) = self.volume.write_superblock(&superblock) {
            return Err(self.fail(error.into()));
        }
        if let Some(written) = manifest {
            self.tables.manifest.install(written, &mut self.tables.free);
        }
        self.tables.superblock = superblock;
        self.tables.levels = levels;
        // Opening changes no tables, and leaves this to the first slice of maintenance.
        if !edit.is_empty() {
            self.measure_covered();
        }
        self.measure();
        Ok(())
    }

    /// Recomputes the debt and the largest table's size.
    pub(super) fn measure(&mut self) {
        let merges: u64 = self.tables.levels.trees().map(|(_, tree)| tree.debt()).sum();
        self.upkeep.debt = merges.saturating_add(self.upkeep.covered.debt());
        self.tables.largest_len = self.tables.levels.tables().map(|table| table.len).max().unwrap_or(0);
    }

    /// The length the file must have for what the superblock reaches.
    fn required_len(&self, superblock: &Superblock, levels: &Levels) -> u64 {
        let tables = levels.tables().map(|table| table.address + table.len);
        let manifest = superblock.manifest.address + u64::from(superblock.manifest.len);
        let log = superblock.log.address + superblock.log.len;
        tables.chain([manifest, log, HEADER_LEN]).max().unwrap_or(HEADER_LEN)
    }

    /// Writes everything as tables, closes the log, and gives the tail of the file back. Dropping the engine instead
    /// loses nothing that was durable.
    ///
    /// # Errors
    /// [`Error::Fs`] or [`Error::Failed`] when the last commits could not be made durable.
    pub fn close(mut self) -> Result<()> {
        self.tables.free.unpin_all();
        // Nobody reads any more: what snapshots have kept can go.
        self.snapshots.clear();
        self.finish_group(self.options.durability)?;
        if self.sequence.synced < self.sequence.written {
            // Commits that were acknowledged and not durable may be lost.
            self.ensure_not_failed()?;
        }
        if self.failed.is_some() || self.log.is_none() {
            return Ok(());
        }
        self.confirm_current_now()?;
        if let Some(job) = self.upkeep.job.take() {
            self.abandon_outputs(job.into_output());
        }
        match self.flush_memtables() {
            Ok(()) => match self.merge_surplus_runs().and_then(|()| self.reclaim_before_closing()) {
                Err(error) if self.failed.is_some() => Err(error),
                // Tables that could not be merged can be read as they are.
                _ => self.close_log(),
            },
            // The log holds what could not be written as tables.
            Err(error) if is_full(&error) && self.failed.is_none() => self.sync_volume(),
            Err(error) => Err(error),
        }
    }

    fn close_log(&mut self) -> Result<()> {
        let generation = self.tables.superblock.log.generation;
        let flushed_seq = self.numbered_seq();
        self.install(Edit::default(), |superblock| {
            superblock.flushed_seq = flushed_seq;
            superblock.log = crate::page::LogStart { generation, ..crate::page::LogStart::default() };
        })?;
        if let Some(log) = self.log.take() {
            log.extents().for_each(|extent| self.tables.free.release(extent));
        }
        self.tables.free.release_reserve();
        self.settle()?;
        self.truncate_tail(0)
    }

    /// True if something was written, and more may be.
    pub fn is_writing(&self) -> bool {
        self.log.is_some() && self.failed.is_none()
    }

    /// The newest commit.
    pub fn last_seq(&self) -> Seq {
        self.sequence.last
    }

    /// The environment's clock, milliseconds since 1970-01-01 UTC.
    pub fn now_ms(&self) -> u64 {
        self.environment.now_ms()
    }

    /// The environment's clock that does not step back, nanoseconds since some moment.
    pub fn monotonic_ns(&self) -> u64 {
        self.environment.monotonic_ns()
    }

    pub(super) fn clock(&self, now_ms: u64) -> Clock {
        Clock { now_ms, horizon: self.tables.superblock.expiry }
    }
}
