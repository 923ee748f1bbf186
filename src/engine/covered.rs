//! The estimates of what newer tables cover. `upkeep/covered_tables.rs` explains and makes them.

use std::ops::Bound;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::entry::{Prefix, Seq};
use super::error::Result;
use super::merge::{Direction, Merge, RunCursor, Source};
use super::table::id::TableId;
use super::table::meta::Table;
use crate::fs::File;
use crate::page::{BLOCK_LEN, Volume};

/// A sweep is due when one entry in this many is covered.
const COVERED_SHARE: u64 = 4;

/// Estimates of what newer tables cover.
#[derive(Debug, Default)]
pub(crate) struct Covered {
    /// Tables that need no survey any more: for each one, how many keys of which older tables it covers.
    pub(crate) surveyed: FxHashMap<TableId, Vec<(TableId, u64)>>,
    /// For each table, how many of its keys are covered by surveyed ones.
    pub(crate) totals: FxHashMap<TableId, u64>,
    /// Tables with leverage that are to be surveyed, the largest leverage first.
    pub(crate) pending: Vec<Pending>,
    pub(crate) survey: Option<Survey>,
    /// Bytes that are to be read until nothing is due.
    pub(crate) debt: u64,
    /// The newest commit when the memtable was looked at.
    pub(crate) memtable_seq: Seq,
    /// True once the tables were measured.
    pub(crate) is_measured: bool,
}

#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) place: TablePlace,
    /// Bytes that the table covers at most.
    pub(crate) bytes: u64,
}

/// A table, and the age of its set.
#[derive(Debug, Clone)]
pub(crate) struct TablePlace {
    pub(crate) prefix: Prefix,
    pub(crate) level: usize,
    pub(crate) run: u64,
    pub(crate) table: Arc<Table>,
}

/// A survey that is under way.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) place: TablePlace,
    pub(crate) cursor: Merge<'static>,
    pub(crate) key: Vec<u8>,
    pub(crate) counts: FxHashMap<TableId, u64>,
}

impl Survey {
    pub(crate) fn begin<F: File>(volume: &Volume<F>, place: TablePlace) -> Result<Self> {
        let tables = vec![Arc::clone(&place.table)];
        let run = RunCursor::new(volume, tables.into(), Bound::Unbounded, Bound::Unbounded, Direction::Forward, false)?;
        let cursor = Merge::new(vec![Source::Run(run)], Direction::Forward);
        Ok(Self { place, cursor, key: Vec::new(), counts: FxHashMap::default() })
    }

    /// Older tables, and how many of their keys were counted.
    pub(crate) fn counts(self) -> impl Iterator<Item = (TableId, u64)> {
        self.counts.into_iter()
    }
}

impl Covered {
    /// Bytes that are to be read until nothing is due.
    pub(crate) fn debt(&self) -> u64 {
        self.debt
    }

    /// True if no table is known to be covered.
    pub(crate) fn is_clear(&self) -> bool {
        self.totals.is_empty()
    }

    /// The tables with leverage that are to be surveyed.
    pub(crate) fn unsurveyed(&self) -> impl Iterator<Item = TablePlace> {
        self.pending.iter().map(|pending| pending.place.clone())
    }

    /// Forgets what covers these tables: they are rewritten, or there was nothing to gain.
    pub(crate) fn forget(&mut self, ids: &[TableId]) {
        for counts in self.surveyed.values_mut() {
            counts.retain(|(id, _)| !ids.contains(id));
        }
        self.totals.retain(|id, _| !ids.contains(id));
    }

    /// True if counts may be of tables that are gone, or there are many more notes than `tables`.
    pub(crate) fn is_stale(&self, tables: usize) -> bool {
        self.survey.is_some()
            || self.surveyed.len() > 2 * tables + 64
            || self.surveyed.values().any(|counts| !counts.is_empty())
    }

    /// Forgets surveys of tables that are gone, and those that have counted keys of such: whatever has taken their place is
    /// counted again.
    pub(crate) fn retain(&mut self, ids: &FxHashSet<TableId>) {
        self.surveyed.retain(|id, counts| ids.contains(id) && counts.iter().all(|(older, _)| ids.contains(older)));
        self.survey.take_if(|survey| {
            !ids.contains(&survey.place.table.id) || !survey.counts.keys().all(|older| ids.contains(older))
        });
        self.totals.clear();
        for (id, count) in self.surveyed.values().flatten() {
            *self.totals.entry(*id).or_default() += count;
        }
    }

    /// True if a sweep of the table is worth it. A block is a block, with a few entries less or without.
    pub(crate) fn is_due(&self, table: &Table) -> bool {
        self.is_due_with(table, 0)
    }

    /// The same when so many more of its keys are covered.
    pub(crate) fn is_due_with(&self, table: &Table, more: u64) -> bool {
        let covered = self.totals.get(&table.id).copied().unwrap_or(0).saturating_add(more);
        let entries = table.statistics.entries.max(1);
        let freed = || u128::from(table.len) * u128::from(covered) / u128::from(entries);
        covered >= entries || (covered * COVERED_SHARE >= entries && freed() >= u128::from(BLOCK_LEN))
    }
}
