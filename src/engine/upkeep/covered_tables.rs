//! Finding entries that newer tables cover, and rewriting the tables that hold many of them.
//!
//! A tombstone takes a few dozen bytes and may cover a part of 60 KiB. A small document may replace a large one. Levels
//! are sized by bytes, so such an entry would stay above the entry that it covers, and the file would never shrink.
//!
//! ```text
//!   level 0   ▪▪▪ tombstones ▪▪▪          survey: which older tables have these keys?   (reads the small table)
//!   level 6   ████ ████ ████ ████         sweep:  rewrites a table of which a quarter is covered, without that
//! ```
//!
//! - A table has *leverage* if its entries may cover at least [`LEVERAGE_MIN`] times its own bytes. The manifest's figures
//!   decide that. Without leverage, the sizes of the levels bound what a table covers.
//! - A *survey* reads a table with leverage once. For each of its keys, it asks the filters of the older tables in its range.
//! - A *sweep* rewrites a table in its place. It looks each key up in the newer tables, so a wrong count costs time and no
//!   data. What covers an entry stays where it is.
//!
//! A sweep is due when a quarter of a table's entries is covered. So it writes at most 3 bytes for each byte that it frees,
//! and each byte that was committed is freed once: sweeps add at most 3 to the write amplification, and nothing to that of a
//! load that covers nothing. A survey reads each byte of a merge's or a flush's output at most once.
//!
//! Everything here is an estimate that lives in memory. A new connection surveys again.

use crate::engine::covered::{Pending, Survey, TablePlace};
use crate::engine::engine::Engine;
use crate::engine::entry::prefix_of;
use crate::engine::error::{Error, Result};
use crate::engine::levels::{LEVEL_COUNT, SMALL_TABLE, Tree, overlapping};
use crate::engine::table::filter::hash as key_hash;
use crate::engine::table::meta::Table;
use crate::engine::work::{Aim, Plan};
use crate::fs::File;
use crate::page::BLOCK_LEN;
use std::ops::Bound;
use std::sync::Arc;

/// A table is surveyed if it may cover this many times its own bytes. Updates of documents of one size cover about once
/// their own bytes, and the sizes of the levels bound those.
const LEVERAGE_MIN: u64 = 2;
/// Bytes of neighbouring tables that one sweep reads at most, at least one table.
const SWEEP_BYTES: u64 = 8 << 20;
/// Bytes that a memtable must cover to be written while the host is idle. Moving tables for less is not worth it either.
const MEMTABLE_COVERS_MIN: u64 = 1 << 20;
/// Keys of a memtable that are looked at to find that out, at most.
const MEMTABLE_KEYS: usize = 4096;
/// Bytes that a survey's look into a filter counts for.
const PROBE_BYTES: usize = 64;

impl Tree {
    /// The sets of tables that do not overlap, with level and run, from the oldest to the newest.
    fn sets(&self) -> Vec<(usize, u64, &[Arc<Table>])> {
        let deep = (1..LEVEL_COUNT).rev().map(|level| (level, 0, self.level(level)));
        let runs = self.runs.iter().rev().map(|run| (0, run.number, run.tables.as_slice()));
        deep.chain(runs).filter(|(_, _, tables)| !tables.is_empty()).collect()
    }
}

/// Bytes of older tables that the entries of `table` cover at most.
fn coverable(older: &[(usize, u64, &[Arc<Table>])], table: &Table) -> u64 {
    let below = older.iter().flat_map(|(_, _, set)| overlapping(set, &table.smallest, &table.largest));
    let mut below: Vec<(u64, u64)> = below.map(|table| (table.len, table.statistics.entries.max(1))).collect();
    // The tables with the largest entries first.
    below.sort_unstable_by(|a, b| (u128::from(b.0) * u128::from(a.1)).cmp(&(u128::from(a.0) * u128::from(b.1))));
    let mut left = table.statistics.entries;
    let mut bytes = 0_u64;
    for (len, entries) in below {
        let taken = entries.min(left);
        bytes = bytes.saturating_add((u128::from(len) * u128::from(taken) / u128::from(entries)) as u64);
        left -= taken;
        if left == 0 {
            break;
        }
    }
    bytes
}

impl<F: File> Engine<F> {
    /// Finds the tables with leverage, after the tables have changed. Where no tables overlap there are none.
    pub(crate) fn measure_covered(&mut self) {
        if self.upkeep.covered.is_measured || self.tables.levels.trees().any(|(_, tree)| tree.has_several_sets()) {
            self.measure_overlapping();
        }
    }

    #[cold]
    #[inline(never)]
    fn measure_overlapping(&mut self) {
        let mut covered = std::mem::take(&mut self.upkeep.covered);
        covered.is_measured = true;
        if covered.is_stale(self.tables.levels.tables().count()) {
            covered.retain(&self.tables.levels.tables().map(|table| table.id).collect());
        }
        covered.pending.clear();
        for (prefix, tree) in self.tables.levels.trees() {
            let sets = tree.sets();
            for (index, &(level, run, tables)) in sets.iter().enumerate().skip(1) {
                let older = sets.get(..index).unwrap_or_default();
                for table in tables.iter().filter(|table| !self.upkeep.damaged.contains(&table.id)) {
                    if covered.surveyed.contains_key(&table.id) {
                        continue;
                    }
                    let bytes = coverable(older, table);
                    if bytes >= (LEVERAGE_MIN * table.len).max(BLOCK_LEN) {
                        let place = TablePlace { prefix, level, run, table: Arc::clone(table) };
                        covered.pending.push(Pending { place, bytes });
                    } else {
                        covered.surveyed.insert(table.id, Vec::new());
                    }
                }
            }
        }
        covered.pending.sort_by_key(|pending| std::cmp::Reverse(pending.bytes / pending.place.table.len.max(1)));
        self.upkeep.covered = covered;
        self.measure_covered_debt();
    }

    fn measure_covered_debt(&mut self) {
        let due = || {
            self.tables.levels.tables().filter(|table| self.upkeep.covered.is_due(table)).map(|table| table.len).sum()
        };
        let due: u64 = if self.upkeep.covered.totals.is_empty() { 0 } else { due() };
        let pending = self.upkeep.covered.pending.iter().map(|pending| pending.bytes);
        self.upkeep.covered.debt = pending.fold(due, u64::saturating_add);
    }

    /// True if the memtable may cover a good part of what tables hold. Its tombstones free nothing before it is written, and a
    /// few commits may not fill it for a long time. Looks at a sample of its keys, once for each commit.
    pub(crate) fn memtable_covers_much(&mut self) -> bool {
        // A snapshot from before needs what they cover.
        let is_seen = self.snapshots.first().is_none_or(|&oldest| oldest >= self.sequence.last);
        if !is_seen || self.memory.frozen.is_some() || self.upkeep.covered.memtable_seq == self.sequence.last {
            return false;
        }
        self.upkeep.covered.memtable_seq = self.sequence.last;
        let step = self.memory.memtable.len().div_ceil(MEMTABLE_KEYS).max(1);
        let keys = self.memory.memtable.range(Bound::Unbounded, Bound::Unbounded).step_by(step);
        let covered = keys.map(|(key, _)| {
            let table = prefix_of(key).and_then(|prefix| self.tables.levels.tree(prefix)?.candidates(key).next());
            let has_key = |table: &&Arc<Table>| table.rules_out(&self.volume, key_hash(key)) == Ok(false);
            table.filter(has_key).map_or(0, |table| table.len / table.statistics.entries.max(1))
        });
        let bytes = covered.sum::<u64>().saturating_mul(step as u64);
        bytes >= MEMTABLE_COVERS_MIN.max(LEVERAGE_MIN * self.memory.memtable.size() as u64)
    }

    /// Does about `budget` bytes of surveying, or begins a sweep; gives how much was done, and 0 when nothing is due.
    /// REQUIRES: no job is under way.
    pub(crate) fn reclaim_slice(&mut self, budget: usize) -> Result<usize> {
        if !self.upkeep.covered.is_measured {
            self.measure_overlapping();
            self.measure();
        }
        let surveyed = self.survey_slice(budget)?;
        if surveyed > 0 {
            return Ok(surveyed);
        }
        let Some(plan) = self.plan_sweep() else { return Ok(0) };
        self.begin_job(plan)?;
        Ok(budget.max(1))
    }

    /// The next tables to sweep: neighbours together, and small ones between and beside them, so that few small ones are left.
    fn plan_sweep(&self) -> Option<Plan> {
        if self.upkeep.covered.totals.is_empty() {
            return None;
        }
        let is_due = |table: &Arc<Table>| self.upkeep.covered.is_due(table) && !self.upkeep.damaged.contains(&table.id);
        self.tables.levels.trees().find_map(|(prefix, tree)| {
            tree.sets().into_iter().find_map(|(output_level, output_run, tables)| {
                let first = tables.iter().position(is_due)?;
                let mut sum = 0;
                let is_taken = |table: &&Arc<Table>| {
                    sum += table.len;
                    sum <= SWEEP_BYTES
                        && (is_due(table) || (table.len < SMALL_TABLE && !self.upkeep.damaged.contains(&table.id)))
                };
                let count = tables.get(first..)?.iter().take_while(is_taken).count().max(1);
                let runs = vec![tables.get(first..first + count)?.to_vec()];
                Some(Plan { prefix, runs, output_level, output_run, aim: Aim::Sweep })
            })
        })
    }

    /// The next table to survey. None whose commits a snapshot does not see yet: the snapshot needs what they cover.
    fn next_to_survey(&self) -> Option<TablePlace> {
        let oldest_snapshot = self.snapshots.first().copied().unwrap_or(u64::MAX);
        let is_seen = |pending: &&Pending| pending.place.table.statistics.max_seq <= oldest_snapshot;
        self.upkeep.covered.pending.iter().find(is_seen).map(|pending| pending.place.clone())
    }

    /// Surveys about `budget` bytes; gives how much was read, and 0 when no table is to be surveyed.
    fn survey_slice(&mut self, budget: usize) -> Result<usize> {
        let mut survey = match (self.upkeep.covered.survey.take(), self.next_to_survey()) {
            (Some(survey), _) => survey,
            (None, Some(place)) => {
                Survey::begin(&self.volume, place.clone()).inspect_err(|error| self.leave_survey(&place, error))?
            }
            (None, None) => return Ok(0),
        };
        let mut done = 1;
        while done < budget {
            match self.survey_key(&mut survey) {
                Ok(0) => {
                    self.end_survey(survey);
                    return Ok(done);
                }
                Ok(bytes) => done += bytes,
                Err(error) => {
                    self.leave_survey(&survey.place, &error);
                    return Err(error);
                }
            }
        }
        self.upkeep.covered.survey = Some(survey);
        Ok(done)
    }

    /// Leaves a table alone from now on when it is damaged.
    fn leave_survey(&mut self, place: &TablePlace, error: &Error) {
        if matches!(error, Error::Corrupt { .. }) {
            self.upkeep.damaged.insert(place.table.id);
            self.upkeep.covered.pending.retain(|pending| pending.place.table.id != place.table.id);
        }
    }

    /// Counts the next key; gives the bytes that were read for it, and 0 behind the last one.
    pub(crate) fn survey_key(&self, survey: &mut Survey) -> Result<usize> {
        let Some((key, _)) = survey.cursor.entry() else { return Ok(0) };
        let mut done = key.len() + survey.cursor.version().map_or(0, |version| version.size());
        if key != survey.key {
            survey.key = key.to_vec();
            let TablePlace { prefix, level, run, .. } = survey.place;
            let hash = key_hash(key);
            let tree = self.tables.levels.tree(prefix);
            for older in tree.into_iter().flat_map(|tree| tree.candidates_below(level, run, &survey.key)) {
                done += PROBE_BYTES;
                match older.rules_out(&self.volume, hash) {
                    Ok(false) => *survey.counts.entry(older.id).or_default() += 1,
                    // A damaged table is not rewritten.
                    Ok(true) | Err(Error::Corrupt { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        survey.cursor.step(&self.volume)?;
        Ok(done)
    }

    fn end_survey(&mut self, survey: Survey) {
        let id = survey.place.table.id;
        self.upkeep.covered.pending.retain(|pending| pending.place.table.id != id);
        for (&older, count) in &survey.counts {
            *self.upkeep.covered.totals.entry(older).or_default() += count;
        }
        self.upkeep.covered.surveyed.insert(id, survey.counts.into_iter().collect());
        self.measure_covered_debt();
        self.measure();
    }
}
