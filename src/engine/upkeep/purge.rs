//! Making room where there is none for a merge.
//!
//! A merge writes all that it keeps before anything it read is free. On a full disk that may be too much. A purge takes
//! one table at a time, or some small ones beside each other, and rewrites them where they are without the versions that
//! newer tables supersede. What supersedes them stays where it is. So no more room is needed than these tables take, and
//! a part of it is free afterwards.

use crate::engine::work::PURGE_LEN;
use crate::engine::work::Purge;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::engine::engine::Engine;
use crate::engine::entry::Version;
use crate::engine::error::{Error, Result};
use crate::engine::levels::{LEVEL_COUNT, Run, Tree};
use crate::engine::retention::Retention;
use crate::engine::room::is_full;
use crate::engine::table::filter::hash as key_hash;
use crate::engine::table::id::TableId;
use crate::engine::table::meta::Table;
use crate::engine::work::{Aim, Plan};
use crate::fs::File;

impl<F: File> Engine<F> {
    /// Begins a purge. REQUIRES: no job is under way.
    pub(crate) fn begin_purge(&mut self) {
        self.upkeep.purge = Some(Purge { before: self.tables.next_id, kept: FxHashSet::default(), len_max: PURGE_LEN });
    }

    /// One slice of the purge, about `budget` bytes. False when it is over.
    pub(crate) fn purge_slice(&mut self, budget: usize) -> Result<bool> {
        if self.upkeep.job.is_some() {
            self.job_slice(budget)?;
            return Ok(true);
        }
        match self.plan_purge() {
            Some(plan) => self.begin_job(plan).map(|()| true),
            None => {
                self.upkeep.purge = None;
                Ok(false)
            }
        }
    }

    /// The next tables that may become smaller: runs of level 0 that are small together, or tables over which there are
    /// newer ones.
    fn plan_purge(&self) -> Option<Plan> {
        let purge = self.upkeep.purge.as_ref()?;
        let is_left = |table: &Arc<Table>| {
            table.id < purge.before && !purge.kept.contains(&table.id) && !self.upkeep.damaged.contains(&table.id)
        };
        self.tables.levels.trees().find_map(|(prefix, tree)| {
            // From the oldest to the newest: a tombstone can go when nothing is left below it.
            let levels = (1..LEVEL_COUNT).rev().map(|level| (level, 0, tree.level(level)));
            let runs = tree.runs.iter().rev().map(|run| (0, run.number, run.tables.as_slice()));
            let rewritten = |(output_level, output_run, tables): (usize, u64, &[Arc<Table>])| {
                let start = tables.iter().position(|table| is_left(table) && may_shrink(tree, table))?;
                let beside = first_small(tables.get(start..)?, purge.len_max, |table| {
                    if is_left(table) { table.extent().len() } else { u64::MAX }
                });
                Some(Plan { prefix, runs: vec![beside.to_vec()], output_level, output_run, aim: Aim::Purge })
            };
            let gathered = || {
                let runs = small_runs(tree, purge.len_max, is_left)?;
                let tables = runs.iter().map(|run| run.tables.clone()).collect();
                Some(Plan { prefix, runs: tables, output_level: 0, output_run: runs.first()?.number, aim: Aim::Purge })
            };
            levels.into_iter().find_map(rewritten).or_else(gathered).or_else(|| runs.into_iter().find_map(rewritten))
        })
    }

    /// After a rewrite found no room: whether to try again with fewer tables at a time.
    pub(crate) fn lower_purge_len(&mut self, plan: &Plan, error: &Error) -> bool {
        let is_lowered = plan.aim == Aim::Purge && plan.tables().count() > 1 && is_full(error);
        if let Some(purge) = self.upkeep.purge.as_mut().filter(|_| is_lowered) {
            purge.len_max /= 2;
        }
        is_lowered
    }

    /// Notes that nothing is to be gained by rewriting a table.
    pub(crate) fn keep_from_purge(&mut self, id: TableId) {
        if let Some(purge) = &mut self.upkeep.purge {
            purge.kept.insert(id);
        }
    }

    /// Takes out of the versions of a key, which the plan's tables hold, those that a newer table supersedes. None are
    /// that a snapshot may need.
    pub(crate) fn drop_superseded(
        &self,
        plan: &Plan,
        retention: &Retention,
        key: &[u8],
        versions: &mut Vec<Version>,
    ) -> Result<()> {
        let Some(tree) = self.tables.levels.tree(plan.prefix) else { return Ok(()) };
        if versions.is_empty() {
            return Ok(());
        }
        let hash = key_hash(key);
        for newer in tree.candidates(key).take_while(|newer| plan.tables().all(|table| table.id != newer.id)) {
            if let Some(newest) = newer.get(&self.volume, key, hash, u64::MAX, None)? {
                versions.retain(|version| retention.snapshot_between(version.seq, newest.seq));
                return Ok(());
            }
        }
        Ok(())
    }

    /// True if there is an older version of a key than those in the plan's tables.
    pub(crate) fn has_older(&self, plan: &Plan, key: &[u8]) -> bool {
        let Some(tree) = self.tables.levels.tree(plan.prefix) else { return false };
        let is_read = |table: &Arc<Table>| plan.tables().any(|there| there.id == table.id);
        let read = tree.runs.iter().filter(|run| run.tables.iter().any(is_read));
        let oldest = read.map(|run| run.number).min().unwrap_or(plan.output_run);
        // An unreadable key may exist.
        let hash = key_hash(key);
        let get = |table: &Arc<Table>| table.get(&self.volume, key, hash, u64::MAX, None);
        let holds = |table: &Arc<Table>| get(table).map_or(true, |found| found.is_some());
        tree.candidates_below(plan.output_level, oldest, key).any(holds)
    }
}

/// The first of `things`, and those behind it that are small together with it.
fn first_small<T>(things: &[T], len_max: u64, len: impl Fn(&T) -> u64) -> &[T] {
    let mut sum = 0_u64;
    let is_small = |thing: &&T| {
        sum = sum.saturating_add(len(thing));
        sum <= len_max
    };
    let count = things.iter().take_while(is_small).count().max(1);
    things.get(..count).unwrap_or_default()
}

/// Neighbouring runs of level 0 that are small together.
fn small_runs(tree: &Tree, len_max: u64, is_left: impl Fn(&Arc<Table>) -> bool) -> Option<&[Run]> {
    let len = |run: &Run| {
        if run.tables.iter().all(&is_left) {
            run.tables.iter().map(|table| table.extent().len()).sum()
        } else {
            u64::MAX
        }
    };
    (0..tree.runs.len()).find_map(|start| {
        let runs = first_small(tree.runs.get(start..)?, len_max, len);
        (runs.len() > 1).then_some(runs)
    })
}

/// True if a newer table reaches into the range of this one, or there are tombstones in it.
fn may_shrink(tree: &Tree, table: &Table) -> bool {
    let mut sets = tree.runs_in(&table.smallest, Some(&table.largest));
    let is_newest = sets.next().is_none_or(|newest| newest.iter().any(|there| there.id == table.id));
    !is_newest || table.statistics.tombstones > 0
}
