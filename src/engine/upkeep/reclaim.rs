//! Giving up what time has made worthless: tables of which nothing can be seen any more are dropped unread, and those
//! of which a good part is garbage are rewritten.
//!
//! The manifest lists for each table how many entries it has, how many of them are tombstones and how many expire, and when
//! the last of these does. Once that time is over, and the table has nothing but tombstones and entries that expire,
//! no reader sees anything in it. Such a table is *dead*. But what cannot be seen may still hide what lies below: of each
//! key a reader looks at the newest version only, and were that gone, it would see an older one. So
//!
//! - a dead table is dropped only if no older table of its tree (of an older run or a deeper level) reaches into its range,
//!   or those that do are dropped with it, in the same edit. Commits in memory and in the log are newer than all tables:
//!   they may be hidden by none and hide none that comes up by this.
//! - The superblock that takes the tables out of the manifest moves the expiry horizon too, as that of a merge does.
//!   Of a document the table may go before those with its index entries, or after them: the horizon says of both that they
//!   are gone, also when the clock is set back. Before that superblock nothing is changed, so a crash leaves all or nothing.
//! - While a snapshot is held, or the clock stands before the horizon, time stands still here: only what had expired by
//!   the horizon is dropped, which snapshots do not see either.
//!
//! A table that is dropped may be a damaged one: nobody needs what it held.

use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::engine::engine::Engine;
use crate::engine::entry::Clock;
use crate::engine::error::Result;
use crate::engine::levels::{Edit, LEVEL_COUNT, Tree, overlapping};
use crate::engine::table::id::TableId;
use crate::engine::table::meta::Table;
use crate::engine::work::{Aim, Plan};
use crate::fs::File;
use crate::page::ExpiryHorizon;

/// Bytes of garbage and of what is kept that closing reads at most, beside a share of what was committed.
const CLOSING_BYTES: u64 = 32 << 20;
/// Bytes that closing reads at most for each byte committed.
const CLOSING_SHARE: u64 = 4;
/// Bytes of a step of it.
const CLOSING_SLICE: usize = 1 << 20;

/// Entries of a table that have expired. Only the last expiry is known, so it is all of them or none for sure.
fn expired(table: &Table, clock: Clock) -> u64 {
    let statistics = &table.statistics;
    let is_over = clock.is_expired(Some(statistics.max_expires_at), statistics.max_seq);
    if is_over { statistics.expiring } else { 0 }
}

/// True if no reader can see anything in a table. A tombstone has no expiry: none is counted twice.
fn is_dead(table: &Table, clock: Clock) -> bool {
    table.statistics.tombstones + expired(table, clock) == table.statistics.entries
}

impl Tree {
    /// The dead tables that hide nothing but each other.
    fn droppable(&self, clock: Clock) -> Vec<Arc<Table>> {
        // From the oldest to the newest: what a table hides has been decided on before it.
        let deep = (1..LEVEL_COUNT).rev().map(|level| self.level(level));
        let sets: Vec<_> = deep.chain(self.runs.iter().rev().map(|run| run.tables.as_slice())).collect();
        let (mut found, mut ids) = (Vec::new(), FxHashSet::<TableId>::default());
        for (index, tables) in sets.iter().enumerate() {
            let older = sets.get(..index).unwrap_or_default();
            for table in tables.iter().filter(|table| is_dead(table, clock)) {
                let mut hidden = older.iter().flat_map(|set| overlapping(set, &table.smallest, &table.largest));
                if hidden.all(|hidden| ids.contains(&hidden.id)) {
                    ids.insert(table.id);
                    found.push(Arc::clone(table));
                }
            }
        }
        found
    }

    /// True if nothing lies below a table of a level that is not 0.
    fn is_lowest(&self, level: usize, table: &Table) -> bool {
        (level + 1..LEVEL_COUNT)
            .all(|deeper| overlapping(self.level(deeper), &table.smallest, &table.largest).is_empty())
    }
}

impl<F: File> Engine<F> {
    /// The clock by which expired entries may be dropped. None are while a snapshot is held, in which time stands
    /// still, nor while the host's clock stands before one by which entries were dropped already: the horizon in the
    /// superblock only moves forward.
    pub(crate) fn droppable_clock(&self) -> Clock {
        let horizon = self.tables.superblock.expiry;
        let now_ms = self.environment.now_ms();
        let may_drop = self.snapshots.is_empty() && now_ms >= horizon.time_ms;
        Clock { now_ms: if may_drop { now_ms } else { 0 }, horizon }
    }

    /// The horizon of a superblock by which entries go that had expired by `clock`.
    pub(crate) fn horizon_behind(&self, clock: Clock) -> ExpiryHorizon {
        if clock.now_ms == 0 { clock.horizon } else { ExpiryHorizon { time_ms: clock.now_ms, seq: self.sequence.last } }
    }

    /// Drops the tables in which nothing can be seen any more, without reading them. False when there are none. REQUIRES:
    /// no job is under way, which might read them, and which installs the horizon that there was when it began.
    pub(crate) fn drop_dead_tables(&mut self) -> Result<bool> {
        assert!(self.upkeep.job.is_none(), "a job may read what is dropped");
        let clock = self.droppable_clock();
        let dead: Vec<_> = self.tables.levels.trees().flat_map(|(_, tree)| tree.droppable(clock)).collect();
        if dead.is_empty() {
            return Ok(false);
        }
        let edit = Edit { removed: dead.iter().map(|table| table.id).collect(), added: Vec::new() };
        let horizon = self.horizon_behind(clock);
        self.install(edit, |superblock| superblock.expiry = horizon)?;
        dead.iter().for_each(|table| self.tables.free.release(table.extent()));
        self.counters.tables_dropped += dead.len() as u64;
        Ok(true)
    }

    /// Rewrites tables of which a good part is garbage before the file is closed: a session that is too short to be idle
    /// leaves no more behind than it found. Work is bounded by what the session has committed, and a constant.
    pub(crate) fn reclaim_before_closing(&mut self) -> Result<()> {
        let mut left = CLOSING_BYTES.saturating_add(CLOSING_SHARE.saturating_mul(self.counters.commit_bytes));
        while left > 0 {
            let done = if self.upkeep.job.is_some() {
                self.job_slice(CLOSING_SLICE)?.max(1)
            } else {
                match self.reclaim_slice(CLOSING_SLICE)? {
                    0 => match self.plan_garbage() {
                        Some(plan) => self.begin_job(plan).map(|()| CLOSING_SLICE)?,
                        None => break,
                    },
                    done => done,
                }
            };
            left = left.saturating_sub(done as u64);
        }
        self.upkeep.job.take().into_iter().for_each(|job| self.abandon_outputs(job.into_output()));
        Ok(())
    }

    /// Rewrites a table that is worth it: a quarter or more of it is garbage.
    pub(crate) fn plan_garbage(&self) -> Option<Plan> {
        self.plan_rewrite(|table, garbage| garbage * 4 >= table.statistics.entries)
    }

    /// Rewrites a table in its place, when `is_due` says so of the table and of how many of its entries can go. Only what
    /// can go is counted, so that this comes to an end: a tombstone when nothing lies below; what has expired anywhere,
    /// although above other tables it becomes a tombstone, without a value.
    pub(crate) fn plan_rewrite(&self, is_due: impl Fn(&Table, u64) -> bool) -> Option<Plan> {
        let clock = self.droppable_clock();
        let oldest_snapshot = self.snapshots.first().copied().unwrap_or(u64::MAX);
        let garbage = |tree: &Tree, level: usize, table: &Table| {
            let is_lowest = level > 0 && tree.is_lowest(level, table);
            // A block is a block, with values or without.
            let may_shrink = is_lowest || table.extent().blocks > 1;
            match expired(table, clock) + if is_lowest { table.statistics.tombstones } else { 0 } {
                garbage if may_shrink && table.statistics.max_seq <= oldest_snapshot => garbage,
                _ => 0,
            }
        };
        self.tables.levels.trees().find_map(|(prefix, tree)| {
            let deep = (1..LEVEL_COUNT).map(|level| (level, 0, tree.level(level)));
            let runs = tree.runs.iter().map(|run| (0, run.number, run.tables.as_slice()));
            deep.chain(runs).find_map(|(output_level, output_run, tables)| {
                let is_found = |table: &&Arc<Table>| {
                    let garbage = garbage(tree, output_level, table);
                    garbage > 0 && is_due(table, garbage) && !self.upkeep.damaged.contains(&table.id)
                };
                let table = tables.iter().find(is_found)?;
                let runs = vec![vec![Arc::clone(table)]];
                Some(Plan { prefix, runs, output_level, output_run, aim: Aim::Merge })
            })
        })
    }
}
