//! Reading what is left of a damaged file.
//!
//! ```text
//!   superblock ──▶ manifest ──▶ tables, page by page ─┐
//!       └────────▶ log, over its gaps ────────────────┼──▶ merge ──▶ each key, its newest version
//!   the whole grid, when no manifest can be read ─────┘
//! ```
//!
//! | file | what |
//! | --- | --- |
//! | `../../stored_state.rs` | the choice of the superblock and the manifest |
//! | `../log/salvage.rs` | commits behind a gap in the log, and which of them can be believed |
//! | `../table/walker.rs` | a table without its index |
//! | `scan.rs` | tables that nothing leads to |
//! | `merge.rs` | all of it in key order, and what may be missing at each key |
//!
//! Invariants:
//! - nothing is given out that was not proven by its 128-bit tag to have been written at this place of this file;
//! - memory is bounded by the log, by one page of each table that overlaps, and by a list of a thousand pieces;
//! - bytes are hashed a bounded number of times, whatever they are.

mod merge;
pub(crate) mod report;
mod scan;

use std::sync::Arc;

use bytes::Bytes;

use crate::crypto::Encryption;
use crate::engine::entry::{Clock, Entry, Prefix, Seq};
use crate::engine::error::{Error, Result};
use crate::engine::log::salvage::{SalvagedLog, salvage_log};
use crate::engine::memtable::Memtable;
use crate::engine::stored_state::{State, hinted_state, proven_state};
use crate::engine::table::meta::Table;
use crate::engine::table::walker::WalkedTable;
use crate::environment::Environment;
use crate::fs::{File, FileSystem, OpenMode};
use crate::page::{Access, Compression, ExpiryHorizon, LogStart, Slots, Superblock, Volume};
use merge::SalvageMerge;
use report::Losses;
use scan::Scan;

/// A key that was found.
#[derive(Debug, Clone)]
pub struct Salvaged {
    /// The key.
    pub key: Bytes,
    /// The value; `None` if the key was deleted or has expired.
    pub entry: Option<Entry>,
    /// True if it has expired.
    pub is_expired: bool,
    /// True if a newer version of it, or its deletion, may be lost.
    pub is_uncertain: bool,
}

/// Reads what is left of a damaged file. Never writes.
pub struct Salvager<F> {
    volume: Volume<F>,
    wanted: fn(Prefix) -> bool,
    clock: Clock,
    /// Superblocks, whole or not, by whose file ids pages may be sealed; for when no manifest was found.
    identities: Vec<Superblock>,
    /// The tables of the manifest, until the merge begins.
    tables: Vec<WalkedTable>,
    log: Memtable,
    scan: Option<Scan>,
    /// Tables below this id are in the manifest, or belong to nobody.
    first_unknown_id: u64,
    merge: Option<SalvageMerge>,
    losses: Losses,
    has_superblock: bool,
    has_scanned: bool,
    table_bytes: u64,
}

impl<F: File> Salvager<F> {
    /// Opens the file `name` for reading. Of all keys only those in key spaces are looked for that are `wanted`. What has
    /// expired by now is told to be so.
    ///
    /// # Errors
    /// [`Error::Fs`], [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::Key`].
    pub async fn open<S: FileSystem<File = F>>(
        files: &S,
        name: &str,
        encryption: Option<&Encryption>,
        environment: Arc<dyn Environment>,
        wanted: fn(Prefix) -> bool,
    ) -> Result<Self> {
        let file = files.open(name, OpenMode::ReadOnly).await?;
        let now_ms = environment.now_ms();
        let access = Access { cache_size: 0, compression: Compression::None, encryption, environment };
        let (mut volume, slots) = Volume::open_damaged(file, &access)?;
        let mut damage = Vec::new();
        let state = match proven_state(&mut volume, &slots, &mut damage)? {
            Some(state) => Some(state),
            None => hinted_state(&mut volume, &slots)?,
        };
        let horizon = |superblock: &Superblock| (superblock.expiry.seq, superblock.expiry.time_ms);
        let horizon = slots.valid.iter().map(horizon).max().unwrap_or_default();
        let mut salvager = Self {
            volume,
            wanted,
            clock: Clock { now_ms, horizon: ExpiryHorizon { seq: horizon.0, time_ms: horizon.1 } },
            identities: Vec::new(),
            tables: Vec::new(),
            log: Memtable::default(),
            scan: None,
            first_unknown_id: 0,
            merge: None,
            losses: Losses::default(),
            has_superblock: !slots.valid.is_empty(),
            has_scanned: false,
            table_bytes: 0,
        };
        for error in &damage {
            salvager.losses.note(error.to_string(), 0);
        }
        salvager.begin(state, &slots)?;
        Ok(salvager)
    }

    fn begin(&mut self, state: Option<State>, slots: &Slots) -> Result<()> {
        let is_log_whole = self.read_logs(state.as_ref(), slots)?;
        let Some(state) = state else {
            self.identities = slots.valid.iter().chain(&slots.hints).cloned().rev().collect();
            self.losses.is_any = true;
            self.begin_scan();
            return Ok(());
        };
        self.first_unknown_id = state.superblock.next_table_id;
        // Commits may have been in what was cut off.
        self.losses.is_any |= self.volume.file_len() < state.superblock.file_len;
        if !state.is_proven {
            self.losses.is_any = true;
            self.first_unknown_id = state.levels.tables().map(|table| table.id.saturating_add(1)).max().unwrap_or(0);
        }
        for table in state.levels.tables() {
            if (self.wanted)(table.prefix()) {
                self.tables.push(WalkedTable::of(table));
            }
        }
        if state.may_be_old {
            self.losses.is_any = true;
            // What is older than the newest state may have been overwritten, and what is newer be in tables of its own.
            let mut is_there = true;
            for table in state.levels.tables() {
                is_there = is_there && self.has_root(table)?;
            }
            if !is_log_whole || !is_there {
                self.begin_scan();
                return Ok(());
            }
        }
        self.begin_merge(Vec::new());
        Ok(())
    }

    fn has_root(&self, table: &Table) -> Result<bool> {
        match table.read_root(&self.volume) {
            Ok(_) => Ok(true),
            Err(Error::Corrupt { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads the log of the state, and those of newer generations that any slot knows of. True when the state's own log
    /// is all there is, as far as can be seen.
    fn read_logs(&mut self, state: Option<&State>, slots: &Slots) -> Result<bool> {
        let base = state.filter(|state| state.is_proven).map(|state| &state.superblock);
        let synced_seq = slots.valid.iter().map(|superblock| superblock.synced_seq).max().unwrap_or(0);
        let mut found = Vec::new();
        let mut is_whole = false;
        for (superblock, is_proven) in log_starts(base, slots) {
            let start = &superblock.log;
            if found.contains(&start.salt) {
                continue;
            }
            if state.is_none() {
                self.volume.adopt(superblock);
            }
            let is_base = base.is_some_and(|base| base.log.salt == start.salt);
            let synced_seq = if is_base || base.is_none() { synced_seq } else { 0 };
            let log = self.read_log(superblock, is_proven, synced_seq)?;
            is_whole = is_base && log.is_found && log.lost.is_empty() || is_whole && !log.is_found;
            if log.is_found {
                found.push(start.salt);
            }
        }
        if let Some(state) = state {
            self.volume.adopt(&state.superblock);
        }
        Ok(is_whole)
    }

    fn read_log(&mut self, superblock: &Superblock, is_proven: bool, synced_seq: Seq) -> Result<SalvagedLog> {
        let flushed_seq = is_proven.then_some(superblock.flushed_seq);
        let (memtable, wanted) = (&mut self.log, self.wanted);
        let log = salvage_log(&self.volume, &superblock.log, flushed_seq, synced_seq, |batch, seq| {
            for operation in batch.into_operations() {
                if operation.key.first_chunk().is_some_and(|prefix| wanted(*prefix)) {
                    memtable.insert(operation, seq, |_| false);
                }
            }
        })?;
        for &(from, to, address) in &log.lost {
            self.losses.add_commits(from, to, address);
        }
        if let Some(address) = log.doubtful {
            self.losses.note("log: a commit that is not whole: its write was cut short, or it is damaged", address);
            self.losses.is_any = true;
        }
        Ok(log)
    }

    fn begin_scan(&mut self) {
        self.has_scanned = true;
        if let Some(identity) = self.identities.pop() {
            self.identities.retain(|other| other.file_id != identity.file_id);
            self.volume.adopt(&identity);
        }
        self.scan = Some(Scan::new(self.volume.file_len()));
    }

    fn begin_merge(&mut self, found: Vec<WalkedTable>) {
        let mut tables = std::mem::take(&mut self.tables);
        tables.extend(found);
        self.table_bytes = tables.iter().fold(0, |sum, table| sum.saturating_add(table.len));
        self.merge = Some(SalvageMerge::new(std::mem::take(&mut self.log), tables));
    }

    /// Prepares for [`Salvager::next`], about `budget` bytes at a time; true when that is done.
    ///
    /// # Errors
    /// [`Error::Fs`]; [`Error::NotADatabase`] when nothing in the file is Ferrolite's.
    pub fn prepare(&mut self, budget: u64) -> Result<bool> {
        let Some(scan) = &mut self.scan else { return Ok(true) };
        if !scan.step(&self.volume, budget)? {
            return Ok(false);
        }
        let tables = self.scan.take().map(Scan::into_tables).unwrap_or_default();
        let is_nothing = tables.is_empty() && self.tables.is_empty() && self.log.is_empty();
        if is_nothing && !self.identities.is_empty() {
            self.begin_scan();
            return Ok(false);
        }
        if is_nothing && !self.has_superblock {
            return Err(Error::NotADatabase { reason: "nothing in it proves to be of one".to_owned() });
        }
        let (wanted, first) = (self.wanted, self.first_unknown_id);
        let is_new = |table: &WalkedTable| wanted(table.prefix) && table.id >= first;
        self.begin_merge(tables.into_iter().filter(is_new).collect());
        Ok(true)
    }

    /// The next key in order; `None` behind the last one. REQUIRES: [`Salvager::prepare`] is done.
    ///
    /// # Errors
    /// [`Error::Fs`].
    pub fn next(&mut self) -> Result<Option<Salvaged>> {
        let Some(merge) = &mut self.merge else { return Ok(None) };
        let Some(newest) = merge.next(&self.volume, &mut self.losses)? else { return Ok(None) };
        let is_uncertain = newest.is_uncertain || newest.version.seq < self.losses.newest_commit;
        let is_expired = self.clock.is_expired(newest.version.expires_at, newest.version.seq);
        let entry = newest.version.visible(self.clock);
        Ok(Some(Salvaged { key: newest.key, entry, is_expired, is_uncertain }))
    }

    /// How far it is: parts done, of all. Searching the grid counts as much as reading the tables.
    pub fn progress(&self) -> (u64, u64) {
        let file = if self.has_scanned { self.volume.file_len() } else { 0 };
        let scanned = self.scan.as_ref().map_or(file, Scan::position);
        let walked = self.merge.as_ref().map_or(0, |merge| merge.walked);
        let tables = if self.merge.is_some() { self.table_bytes } else { file };
        let all = file.saturating_add(tables);
        (scanned.saturating_add(walked).min(all), all)
    }

    /// Bytes of tables that were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.volume.io_statistics().bytes_read
    }

    /// The known losses.
    pub fn losses(&self) -> &Losses {
        &self.losses
    }

    /// True if the file was searched for tables that no manifest lists.
    pub fn has_scanned(&self) -> bool {
        self.has_scanned
    }
}

/// Where logs begin that are not older than the tables of `base`, and whether the superblock that says so is whole; the
/// oldest first. Of one generation, whoever knows its beginning knows all of it.
fn log_starts<'a>(base: Option<&'a Superblock>, slots: &'a Slots) -> Vec<(&'a Superblock, bool)> {
    let whole = base.into_iter().chain(&slots.valid).map(|superblock| (superblock, true));
    let hints = slots.hints.iter().map(|superblock| (superblock, false));
    let mut starts: Vec<_> = whole.chain(hints).filter(|(superblock, _)| superblock.log.address != 0).collect();
    if let Some(base) = base {
        let order = |superblock: &Superblock| (superblock.log.generation, superblock.log.segment_index);
        // A closed database has no log: that of its generation is in its tables.
        let is_newer = |log: &LogStart| log.generation > base.log.generation || base.log.address != 0;
        starts.retain(|(superblock, _)| order(superblock) >= order(base) && is_newer(&superblock.log));
    }
    starts.sort_by_key(|(superblock, is_whole)| (superblock.log.generation, !is_whole, superblock.log.segment_index));
    starts
}
