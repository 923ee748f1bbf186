//! Leaving out of an export what newer tables cover.
//!
//! Tables pass into an export as they are. One of which a quarter or more is covered is built again in memory instead, and
//! left out when nothing remains. The tables of the memtables cover others too. What is built is bounded: behind
//! [`REBUILT_MAX`] bytes only tables of which nothing remains are left out.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::covered::Survey;
use super::engine::Engine;
use super::entry::{Clock, Version, prefix_of};
use super::error::{Error, Result};
use super::export::BuiltTable;
use super::levels::{Edit, Levels, Placement};
use super::memtable::Memtable;
use super::merge::{Direction, Merge, RunCursor, Source};
use super::retention::Retention;
use super::table::builder::TableBuilder;
use super::table::filter::hash as key_hash;
use super::table::id::TableId;
use super::table::meta::Table;
use crate::fs::File;

/// Bytes of tables that are built again and held in memory.
const REBUILT_MAX: usize = 32 << 20;

impl<F: File> Engine<F> {
    /// Takes out of `levels` the tables that newer ones cover for a good part, and adds what remains of them. `levels` has
    /// the tables of the file and those of the memtables.
    pub(super) fn leave_covered_out(
        &mut self,
        levels: &mut Levels,
        built: &mut Vec<BuiltTable>,
        next_id: &mut u64,
    ) -> Result<()> {
        self.measure_covered();
        let mut counts = FxHashMap::default();
        self.count_covered_by_tables(&mut counts)?;
        let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
        for memtable in frozen.into_iter().chain([&self.memory.memtable]) {
            self.count_covered_by_memory(memtable, &mut counts)?;
        }
        if counts.is_empty() && self.upkeep.covered.is_clear() {
            return Ok(());
        }
        let is_due = |placement: &Placement| {
            let more = counts.get(&placement.table.id).copied().unwrap_or(0);
            self.upkeep.covered.is_due_with(&placement.table, more)
        };
        let due: Vec<_> = self.tables.levels.placements().filter(is_due).collect();
        let mut edit = Edit::default();
        let mut held = 0;
        for placement in due {
            let Some(table) = self.build_uncovered(&placement.table, REBUILT_MAX.saturating_sub(held), *next_id)?
            else {
                continue;
            };
            edit.removed.push(placement.table.id);
            if let Some((table, bytes)) = table {
                *next_id += 1;
                held += bytes.len();
                edit.added.push(Placement { table: Arc::new(table.clone()), ..placement });
                built.push((table, bytes));
            }
        }
        if levels.apply(&edit) { Ok(()) } else { Err(Error::corrupt("manifest: tables overlap", "an export")) }
    }

    /// Surveys the tables that are not surveyed yet. No snapshot looks at an export.
    fn count_covered_by_tables(&self, counts: &mut FxHashMap<TableId, u64>) -> Result<()> {
        for place in self.upkeep.covered.unsurveyed() {
            let mut survey = Survey::begin(&self.volume, place)?;
            while self.survey_key(&mut survey)? > 0 {}
            survey.counts().for_each(|(id, count)| *counts.entry(id).or_default() += count);
        }
        Ok(())
    }

    fn count_covered_by_memory(&self, memtable: &Memtable, counts: &mut FxHashMap<TableId, u64>) -> Result<()> {
        for (key, versions) in memtable.range(Bound::Unbounded, Bound::Unbounded) {
            if versions.iter().next().is_none_or(|newest| newest.value.is_some()) {
                continue;
            }
            let tree = prefix_of(key).and_then(|prefix| self.tables.levels.tree(prefix));
            for table in tree.into_iter().flat_map(|tree| tree.candidates(key)) {
                if !table.rules_out(&self.volume, key_hash(key))? {
                    *counts.entry(table.id).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// True if a newer table than `table`, or a memtable, has a version of `key`.
    fn is_covered(&self, table: &Table, key: &[u8]) -> Result<bool> {
        let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
        if frozen.into_iter().chain([&self.memory.memtable]).any(|memtable| memtable.get(key, u64::MAX).is_some()) {
            return Ok(true);
        }
        let Some(tree) = self.tables.levels.tree(table.prefix()) else { return Ok(false) };
        for newer in tree.candidates(key).take_while(|newer| newer.id != table.id) {
            if newer.get(&self.volume, key, key_hash(key), u64::MAX, None)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The table again, without what newer ones cover: `Some(None)` when nothing remains, `None` when what remains has more
    /// than `len_max` bytes.
    fn build_uncovered(&self, table: &Arc<Table>, len_max: usize, id: TableId) -> Result<Option<Option<BuiltTable>>> {
        let (start, end) = (Bound::Unbounded, Bound::Unbounded);
        let run = RunCursor::new(&self.volume, vec![Arc::clone(table)].into(), start, end, Direction::Forward, false)?;
        let mut cursor = Merge::new(vec![Source::Run(run)], Direction::Forward);
        let retention =
            Retention { snapshots: Vec::new(), clock: Clock { now_ms: 0, horizon: self.tables.superblock.expiry } };
        let mut builder: Option<TableBuilder> = None;
        while let Some((key, _)) = cursor.entry() {
            let key = key.to_vec();
            let mut versions: Vec<Version> = Vec::new();
            while cursor.entry().is_some_and(|(next, _)| next == key) {
                versions.extend(cursor.version());
                cursor.step(&self.volume)?;
            }
            retention.reduce(&mut versions, || true);
            if self.is_covered(table, &key)? {
                continue;
            }
            let builder = builder.get_or_insert_with(|| TableBuilder::new(id, self.options.page_size));
            versions.iter().for_each(|version| builder.push(&self.volume, &key, version));
            if builder.len() > len_max {
                return Ok(None);
            }
        }
        Ok(Some(builder.map(|builder| {
            let (bytes, table) = builder.finish(&self.volume);
            (table, Bytes::from(bytes))
        })))
    }
}
