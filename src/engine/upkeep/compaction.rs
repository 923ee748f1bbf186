//! Merging tables down the levels, in slices.
//!
//! A job merges some tables of a level with those of the level below that they overlap. It keeps its place from
//! slice to slice; its outputs are invisible until it is finished, and a job that fails or is cut short leaves
//! nothing behind. One job runs at a time.

use crate::engine::work::Aim;
use crate::engine::work::Job;
use crate::engine::work::Plan;
use std::ops::Bound;
use std::sync::Arc;

use crate::engine::covered::Covered;
use crate::engine::engine::Engine;
use crate::engine::entry::Prefix;
use crate::engine::error::{Error, Result};
use crate::engine::levels::{
    BOTTOM, Edit, FACTOR, LEVEL_COUNT, Placement, RUNS_MAX, Tree, overlapping, overlapping_or_small,
};
use crate::engine::merge::{Direction, Merge, RunCursor, Source};
use crate::engine::retention::Retention;
use crate::engine::room::Room;
use crate::engine::table::meta::Table;
use crate::engine::work::Output;
use crate::fs::File;

impl Tree {
    /// How badly each level needs to be merged down; 1 and above is due.
    fn scores(&self) -> [f64; LEVEL_COUNT] {
        let targets = self.targets();
        let mut scores = [0.0; LEVEL_COUNT];
        scores[0] = self.runs.len() as f64 / RUNS_MAX as f64;
        for level in 1..BOTTOM {
            let bytes = self.level_bytes(level);
            // A level that is left out is merged down, but what lies there does no harm meanwhile.
            scores[level] =
                if targets[level] == 0 && bytes > 0 { 1.0 } else { bytes as f64 / targets[level].max(1) as f64 };
        }
        scores
    }

    /// Bytes that must be merged until every level has its size, about.
    pub(crate) fn debt(&self) -> u64 {
        let scores = self.scores();
        let targets = self.targets();
        let mut debt = 0;
        if scores[0] >= 1.0 {
            debt += self.level_bytes(0) + self.level_bytes(self.base_level()).min(4 * self.level_bytes(0));
        }
        for level in 1..BOTTOM {
            if scores[level] > 1.0 {
                debt += (self.level_bytes(level) - targets[level]) * 5;
            }
        }
        debt
    }

    /// Merges all of level 0 into the base level.
    pub(crate) fn plan_level0(&self, prefix: Prefix) -> Option<Plan> {
        let tables: Vec<_> = self.tables_of(0).collect();
        let smallest = tables.iter().map(|table| &table.smallest).min()?;
        let largest = tables.iter().map(|table| &table.largest).max()?;
        let output_level = self.base_level();
        let mut runs: Vec<_> = self.runs.iter().map(|run| run.tables.clone()).collect();
        runs.push(overlapping_or_small(self.level(output_level), smallest, largest).to_vec());
        Some(Plan { prefix, runs, output_level, output_run: 0, aim: Aim::Merge })
    }

    /// Merges neighbouring runs of level 0 into one, when all of level 0 is little beside what a merge downwards would
    /// have to rewrite: the runs that cost least, and those beside them that are not much larger.
    fn plan_gather(&self, prefix: Prefix) -> Option<Plan> {
        let downwards = self.plan_level0(prefix)?;
        let below: u64 = downwards.runs.last()?.iter().map(|table| table.len).sum();
        if below < FACTOR * self.level_bytes(0) {
            return None;
        }
        let sizes: Vec<u64> = self.runs.iter().map(|run| run.tables.iter().map(|table| table.len).sum()).collect();
        let (mut start, mut sum) =
            sizes.windows(2).map(|pair| pair.iter().sum::<u64>()).enumerate().min_by_key(|&(_, sum)| sum)?;
        let mut end = start + 2;
        while let Some(&older) = sizes.get(end).filter(|&&older| older <= 2 * sum) {
            sum += older;
            end += 1;
        }
        while let Some(&newer) =
            start.checked_sub(1).and_then(|index| sizes.get(index)).filter(|&&newer| newer <= 2 * sum)
        {
            sum += newer;
            start -= 1;
        }
        let gathered = self.runs.get(start..end)?;
        let runs = gathered.iter().map(|run| run.tables.clone()).collect();
        Some(Plan { prefix, runs, output_level: 0, output_run: gathered.first()?.number, aim: Aim::Merge })
    }

    /// The merge that level 0 needs.
    fn plan_runs(&self, prefix: Prefix) -> Option<Plan> {
        self.plan_gather(prefix).or_else(|| self.plan_level0(prefix))
    }

    /// Merges the table of a level that overlaps least below it, for its size.
    pub(crate) fn plan_level(&self, prefix: Prefix, level: usize) -> Option<Plan> {
        let below = |table: &Arc<Table>| overlapping(self.level(level + 1), &table.smallest, &table.largest);
        let cost =
            |table: &Arc<Table>| below(table).iter().map(|table| table.len).sum::<u64>() * 1000 / table.len.max(1);
        let source = self.level(level).iter().min_by_key(|table| cost(table))?;
        let targets = overlapping_or_small(self.level(level + 1), &source.smallest, &source.largest);
        Some(Plan {
            prefix,
            runs: vec![vec![Arc::clone(source)], targets.to_vec()],
            output_level: level + 1,
            output_run: 0,
            aim: Aim::Merge,
        })
    }
}

impl<F: File> Engine<F> {
    pub(crate) fn retention(&self) -> Retention {
        Retention { snapshots: self.snapshots.clone(), clock: self.droppable_clock() }
    }

    /// The merge that is most due.
    fn plan_due(&self) -> Option<Plan> {
        let mut due = Vec::new();
        for (prefix, tree) in self.tables.levels.trees() {
            let scores = tree.scores();
            due.extend(
                scores.into_iter().enumerate().filter(|(_, score)| *score >= 1.0).map(|scored| (scored, prefix)),
            );
        }
        due.sort_by(|((_, a), _), ((_, b), _)| b.total_cmp(a));
        due.into_iter().find_map(|((level, _), prefix)| {
            let tree = self.tables.levels.tree(prefix)?;
            let plan = if level == 0 { tree.plan_runs(prefix) } else { tree.plan_level(prefix, level) };
            plan.filter(|plan| self.is_readable(plan))
        })
    }

    /// True if no merge has met damage in the tables that the plan reads.
    fn is_readable(&self, plan: &Plan) -> bool {
        plan.tables().all(|table| !self.upkeep.damaged.contains(&table.id))
    }

    /// Begins the merge that is most due, if any.
    pub(crate) fn begin_due_job(&mut self) -> Result<bool> {
        match self.plan_due() {
            Some(plan) => self.begin_job(plan).map(|()| true),
            None => Ok(false),
        }
    }

    fn plan_surplus(&self) -> Option<Plan> {
        let surplus = self.tables.levels.trees().filter(|(_, tree)| tree.runs.len() > RUNS_MAX);
        surplus.filter_map(|(prefix, tree)| tree.plan_runs(prefix)).find(|plan| self.is_readable(plan))
    }

    /// Merges the runs of level 0 where there are more than there should be, but for what nobody can see any more.
    /// Sessions that are too short to pay for it leave one each. REQUIRES: no job is under way.
    pub(crate) fn merge_surplus_runs(&mut self) -> Result<()> {
        self.drop_dead_tables()?;
        while let Some(plan) = self.plan_surplus() {
            self.begin_job(plan)?;
            while self.upkeep.job.is_some() {
                self.job_slice(usize::MAX)?;
            }
        }
        Ok(())
    }

    /// Begins a merge. Tables that meet nothing are moved without being read.
    pub(crate) fn begin_job(&mut self, plan: Plan) -> Result<()> {
        assert!(self.upkeep.job.is_none(), "one job runs at a time");
        if let Some(edit) = self.move_edit(&plan) {
            self.install(edit, |_| {})?;
            self.counters.moves += 1;
            return Ok(());
        }
        let unbounded = (Bound::Unbounded, Bound::Unbounded);
        let sources = plan.runs.iter().filter(|tables| !tables.is_empty()).map(|tables| {
            RunCursor::new(&self.volume, tables.clone().into(), unbounded.0, unbounded.1, Direction::Forward, false)
                .map(Source::Run)
        });
        let sources = sources.collect::<Result<_>>().inspect_err(|error| self.leave_alone(&plan, error))?;
        let merge = Merge::new(sources, Direction::Forward);
        let clock = self.droppable_clock();
        let horizon = self.horizon_behind(clock);
        // A merge may need more than the reserve.
        let is_bounded = matches!(plan.aim, Aim::Purge | Aim::Reseal) || plan.tables().count() == 1;
        let room = if is_bounded || self.upkeep.uses_reserve { Room::All } else { Room::Ordinary };
        let (output, key, versions) = (Output::new(room), Vec::new(), Vec::new());
        self.upkeep.job = Some(Job { plan, merge, output, clock, horizon, key, versions });
        Ok(())
    }

    /// The edit that moves the plan's only table down, when that is all there is to do.
    fn move_edit(&self, plan: &Plan) -> Option<Edit> {
        let tables: Vec<_> = plan.tables().collect();
        let [table] = tables.as_slice() else { return None };
        if plan.aim != Aim::Merge {
            return None;
        }
        let mut beside = self.tables.levels.tree(plan.prefix)?.tables_of(plan.output_level);
        let is_there = beside.any(|there| there.id == table.id);
        let has_garbage = table.statistics.tombstones > 0;
        (!is_there && !has_garbage).then(|| Edit {
            removed: vec![table.id],
            added: vec![Placement { level: plan.output_level, run: 0, table: Arc::clone(table) }],
        })
    }

    /// Gives a merge up that drops what had expired by a later clock than the host's is now. What a commit builds on, and a
    /// snapshot keeps, may be alive again since the clock was set back: it must not go when the merge is through.
    pub(crate) fn drop_job_of_later_clock(&mut self) {
        if let Some(job) = self.upkeep.job.take_if(|job| job.clock.now_ms > self.environment.now_ms()) {
            self.abandon_outputs(job.into_output());
        }
    }

    /// Leaves what a plan reads alone from now on when some of it is damaged: trying again would only find that again.
    fn leave_alone(&mut self, plan: &Plan, error: &Error) {
        if matches!(error, Error::Corrupt { .. }) {
            self.upkeep.damaged.extend(plan.tables().map(|table| table.id));
        }
    }

    /// Merges about `budget` bytes, and installs the outputs when the job is through. On error the job is dropped.
    pub(crate) fn job_slice(&mut self, budget: usize) -> Result<usize> {
        let Some(mut job) = self.upkeep.job.take() else { return Ok(0) };
        match self.merge_some(&mut job, budget) {
            Ok((done, false)) => {
                self.upkeep.job = Some(job);
                Ok(done)
            }
            Ok((done, true)) => {
                self.install_job(job)?;
                Ok(done)
            }
            Err(error) => {
                self.leave_alone(&job.plan, &error);
                let is_tried_again = matches!(job.plan.aim, Aim::Purge | Aim::Reseal)
                    && (self.lower_table_target(&error) || self.lower_purge_len(&job.plan, &error));
                self.abandon_outputs(job.into_output());
                self.restore_reserve();
                if is_tried_again { Ok(0) } else { Err(error) }
            }
        }
    }

    /// Gives the bytes that were read, and whether the job is through.
    fn merge_some(&mut self, job: &mut Job, budget: usize) -> Result<(usize, bool)> {
        let retention = Retention { clock: job.clock, ..self.retention() };
        let mut done = 0;
        while let Some((key, _)) = job.merge.entry() {
            if key != job.key {
                self.emit(job, &retention)?;
                if done >= budget {
                    return Ok((done, false));
                }
                let key = job.merge.entry().map(|(key, _)| key).unwrap_or_default();
                job.key.clear();
                job.key.extend_from_slice(key);
            }
            if let Some(version) = job.merge.version() {
                done += job.key.len() + version.size() + 16;
                job.versions.push(version);
            }
            job.merge.step(&self.volume)?;
        }
        self.emit(job, &retention)?;
        job.output.finish_table(self)?;
        Ok((done, true))
    }

    fn emit(&mut self, job: &mut Job, retention: &Retention) -> Result<()> {
        if job.versions.is_empty() {
            return Ok(());
        }
        let tree = self.tables.levels.tree(job.plan.prefix);
        let level = job.plan.output_level;
        // Below some runs of level 0 there are others.
        let below = || match tree {
            _ if job.plan.aim.keeps_place() => self.has_older(&job.plan, &job.key),
            _ if job.plan.aim == Aim::Reseal => true,
            Some(tree) => level == 0 || tree.may_exist_below(level, &job.key),
            None => level == 0,
        };
        retention.reduce(&mut job.versions, below);
        if job.plan.aim.keeps_place() {
            self.drop_superseded(&job.plan, retention, &job.key, &mut job.versions)?;
        }
        let versions = std::mem::take(&mut job.versions);
        job.output.push(self, &job.key, &versions)
    }

    fn install_job(&mut self, job: Job) -> Result<()> {
        let inputs: Vec<_> = job.plan.tables().cloned().collect();
        if job.plan.aim == Aim::Purge && job.is_as_large() {
            inputs.iter().for_each(|table| self.keep_from_purge(table.id));
            self.abandon_outputs(job.into_output());
            return Ok(());
        }
        if job.plan.aim == Aim::Sweep {
            let ids: Vec<_> = inputs.iter().map(|table| table.id).collect();
            self.upkeep.covered.forget(&ids);
            if job.is_as_large() {
                self.abandon_outputs(job.into_output());
                self.measure_covered();
                self.measure();
                return Ok(());
            }
        }
        let (level, run) = (job.plan.output_level, job.plan.output_run);
        let added = job.output.tables.iter().map(|table| Placement { level, run, table: Arc::new(table.clone()) });
        let edit = Edit { removed: inputs.iter().map(|table| table.id).collect(), added: added.collect() };
        let horizon = job.horizon;
        if let Err(error) = self.install(edit, |superblock| superblock.expiry = horizon) {
            self.abandon_outputs(job.into_output());
            // Covered bytes that were forgotten are counted again.
            self.upkeep.covered = Covered::default();
            return Err(error);
        }
        for table in inputs {
            self.tables.free.release(table.extent());
        }
        if self.upkeep.purge.is_some() || self.upkeep.uses_reserve {
            self.restore_reserve();
        }
        self.upkeep.table_target = self.options.table_size();
        self.counters.compactions += 1;
        Ok(())
    }
}
