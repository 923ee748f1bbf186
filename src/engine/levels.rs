//! Which tables there are, and in what order they are to be asked.
//!
//! Each key space has a tree of its own: level 0 holds runs that overlap, the newest first; levels 1 to 6 hold
//! tables that do not overlap, and are older the deeper they lie. Level sizes are reckoned from the bottom, so that
//! about nine tenths of the data lie in the deepest level and little space goes to versions that are superseded.

use std::cmp::Reverse;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::compare::compare;
use super::entry::Prefix;
use super::table::id::TableId;
use super::table::meta::Table;
use crate::sorting::sorted_places;

/// Levels 0 to 6. Six levels of factor 8 over 8 MiB hold 2 TiB.
pub(super) const LEVEL_COUNT: usize = 7;
/// The deepest level.
pub(super) const BOTTOM: usize = LEVEL_COUNT - 1;
/// How many times as large a level is as the one above it.
pub(super) const FACTOR: u64 = 8;
/// Runs in level 0 at which they are merged into the levels below.
pub(super) const RUNS_MAX: usize = 4;
/// A level that would be smaller than this is left out. With four runs of about 2 MiB after compression in level 0,
/// a smaller level would be rewritten whole by each merge without holding more than they do.
const LEVEL_SIZE_MIN: u64 = 8 << 20;

/// Bytes below which a table is merged with its neighbour when that is rewritten anyway.
pub(super) const SMALL_TABLE: u64 = 512 << 10;

/// Tables of one flush, which do not overlap.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) tables: Vec<Arc<Table>>,
}

/// The tables of one key space.
#[derive(Debug, Clone, Default)]
pub(super) struct Tree {
    /// Newest first.
    pub(super) runs: Vec<Run>,
    deep: [Vec<Arc<Table>>; BOTTOM],
}

impl Tree {
    /// The tables of a level below 0, in key order.
    pub(super) fn level(&self, level: usize) -> &[Arc<Table>] {
        level.checked_sub(1).and_then(|index| self.deep.get(index)).map_or(&[], Vec::as_slice)
    }

    /// Bytes of a level.
    pub(super) fn level_bytes(&self, level: usize) -> u64 {
        self.tables_of(level).map(|table| table.len).sum()
    }

    pub(super) fn tables_of(&self, level: usize) -> Box<dyn Iterator<Item = &Arc<Table>> + '_> {
        if level == 0 {
            Box::new(self.runs.iter().flat_map(|run| &run.tables))
        } else {
            Box::new(self.level(level).iter())
        }
    }

    /// Tables that may hold `key`, newest first.
    pub(super) fn candidates<'a>(&'a self, key: &'a [u8]) -> impl Iterator<Item = &'a Arc<Table>> {
        let runs = self.runs.iter().map(|run| run.tables.as_slice());
        runs.chain(self.deep.iter().map(Vec::as_slice)).filter_map(move |tables| holder(tables, key))
    }

    /// Tables that may hold an older version of `key` than those of `level`; of level 0, than those of run `run`.
    pub(super) fn candidates_below<'a>(
        &'a self,
        level: usize,
        run: u64,
        key: &'a [u8],
    ) -> impl Iterator<Item = &'a Arc<Table>> {
        let runs = self.runs.iter().filter(move |older| level == 0 && older.number < run);
        let sets = runs.map(|run| run.tables.as_slice()).chain(self.deep.iter().skip(level).map(Vec::as_slice));
        sets.filter_map(move |tables| holder(tables, key))
    }

    /// Sorted sets of tables that do not overlap each other and reach into the closed range, newest first. Without a
    /// largest key the range continues to the end.
    pub(super) fn runs_in<'a>(
        &'a self,
        smallest: &[u8],
        largest: Option<&[u8]>,
    ) -> impl Iterator<Item = &'a [Arc<Table>]> {
        let runs = self.runs.iter().map(|run| run.tables.as_slice());
        let sets = runs.chain(self.deep.iter().map(Vec::as_slice)).map(move |tables| {
            let largest = largest.or(tables.last().map(|table| table.largest.as_ref())).unwrap_or_default();
            overlapping(tables, smallest, largest)
        });
        sets.filter(|tables| !tables.is_empty())
    }

    /// True if all tables lie before `key`.
    pub(super) fn lies_before(&self, key: &[u8]) -> bool {
        let mut sets = self.runs.iter().map(|run| &run.tables).chain(&self.deep);
        sets.all(|tables| tables.last().is_none_or(|last| last.largest.as_ref() < key))
    }

    /// True if a level below `level` may hold `key`.
    pub(super) fn may_exist_below(&self, level: usize, key: &[u8]) -> bool {
        (level + 1..LEVEL_COUNT).any(|deeper| !overlapping(self.level(deeper), key, key).is_empty())
    }

    /// The deepest level that a table with this range can be put into without anything newer being below it or
    /// anything overlapping beside it.
    pub(super) fn landing_level(&self, smallest: &[u8], largest: &[u8]) -> usize {
        let is_free = |tables: &[Arc<Table>]| overlapping(tables, smallest, largest).is_empty();
        if !self.runs.iter().all(|run| is_free(&run.tables)) {
            return 0;
        }
        (1..LEVEL_COUNT).take_while(|&level| is_free(self.level(level))).last().unwrap_or(0)
    }

    /// The size each level should have, from the bottom up; 0 for levels that are left out.
    pub(super) fn targets(&self) -> [u64; LEVEL_COUNT] {
        let mut targets = [0; LEVEL_COUNT];
        let deepest = (1..LEVEL_COUNT).rev().find(|&level| !self.level(level).is_empty()).unwrap_or(BOTTOM);
        let mut target = self.level_bytes(deepest).max(LEVEL_SIZE_MIN);
        for level in (1..LEVEL_COUNT).rev() {
            if level > deepest {
                continue;
            }
            targets[level] = target;
            target /= FACTOR;
            if target < LEVEL_SIZE_MIN {
                break;
            }
        }
        // What lies in the bottom level is never too much; a shallower deepest level moves down when it is.
        if deepest == BOTTOM {
            targets[BOTTOM] = u64::MAX;
        }
        targets
    }

    /// The level that level 0 is merged into: the topmost one in use or with a target.
    pub(super) fn base_level(&self) -> usize {
        let targets = self.targets();
        (1..LEVEL_COUNT).find(|&level| targets[level] > 0 || !self.level(level).is_empty()).unwrap_or(BOTTOM)
    }

    fn insert(&mut self, level: usize, run: u64, table: Arc<Table>) {
        let tables = match level.checked_sub(1) {
            Some(index) => &mut self.deep[index],
            None => {
                let index = self.runs.partition_point(|existing| existing.number > run);
                if self.runs.get(index).is_none_or(|existing| existing.number != run) {
                    self.runs.insert(index, Run { number: run, tables: Vec::new() });
                }
                &mut self.runs[index].tables
            }
        };
        let index = tables.partition_point(|existing| existing.smallest < table.smallest);
        tables.insert(index, table);
    }

    /// False when the table is not here.
    fn remove(&mut self, id: TableId) -> bool {
        let before = self.len();
        for run in &mut self.runs {
            run.tables.retain(|table| table.id != id);
        }
        self.runs.retain(|run| !run.tables.is_empty());
        for tables in &mut self.deep {
            tables.retain(|table| table.id != id);
        }
        self.len() < before
    }

    fn len(&self) -> usize {
        let runs = self.runs.iter().map(|run| run.tables.len());
        runs.chain(self.deep.iter().map(Vec::len)).sum()
    }

    /// True if tables of the tree may overlap: they lie in more than one set.
    pub(super) fn has_several_sets(&self) -> bool {
        let deep = self.deep.iter().filter(|tables| !tables.is_empty());
        self.runs.len() + deep.count() > 1
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// True if each set of tables that must not overlap does not.
    fn is_disjoint(&self) -> bool {
        let sets = self.runs.iter().map(|run| &run.tables).chain(&self.deep);
        sets.into_iter().all(|tables| tables.is_sorted_by(|a, b| a.largest < b.smallest))
    }
}

/// The one of these tables that may hold `key`. REQUIRES: sorted, not overlapping.
fn holder<'a>(tables: &'a [Arc<Table>], key: &[u8]) -> Option<&'a Arc<Table>> {
    let index = tables.partition_point(|table| compare(&table.largest, key).is_lt());
    tables.get(index).filter(|table| compare(&table.smallest, key).is_le())
}

/// The tables that reach into the closed range. REQUIRES: sorted, not overlapping.
pub(super) fn overlapping<'a>(tables: &'a [Arc<Table>], smallest: &[u8], largest: &[u8]) -> &'a [Arc<Table>] {
    let start = tables.partition_point(|table| table.largest.as_ref() < smallest);
    let end = tables.partition_point(|table| table.smallest.as_ref() <= largest);
    tables.get(start..end).unwrap_or_default()
}

/// The tables that reach into the closed range, and those beside them that are small.
pub(super) fn overlapping_or_small<'a>(tables: &'a [Arc<Table>], smallest: &[u8], largest: &[u8]) -> &'a [Arc<Table>] {
    let mut start = tables.partition_point(|table| table.largest.as_ref() < smallest);
    let mut end = tables.partition_point(|table| table.smallest.as_ref() <= largest);
    let is_small = |index: usize| tables.get(index).is_some_and(|table| table.len < SMALL_TABLE);
    if start > 0 && is_small(start - 1) {
        start -= 1;
    }
    if is_small(end) {
        end += 1;
    }
    tables.get(start..end).unwrap_or_default()
}

/// Where a table lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) level: usize,
    /// In level 0, the number of its run: the larger, the newer.
    pub(super) run: u64,
    pub(super) table: Arc<Table>,
}

/// A change of the tables: removals, then insertions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Edit {
    pub(super) removed: Vec<TableId>,
    pub(super) added: Vec<Placement>,
}

impl Edit {
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }
}

/// All tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Levels {
    /// By prefix; none is empty.
    trees: Vec<(Prefix, Tree)>,
}

impl Levels {
    fn position(&self, prefix: Prefix) -> Result<usize, usize> {
        self.trees.binary_search_by_key(&prefix, |(prefix, _)| *prefix)
    }

    pub(super) fn tree(&self, prefix: Prefix) -> Option<&Tree> {
        let index = self.position(prefix).ok()?;
        self.trees.get(index).map(|(_, tree)| tree)
    }

    pub(super) fn trees(&self) -> impl Iterator<Item = (Prefix, &Tree)> {
        self.trees.iter().map(|(prefix, tree)| (*prefix, tree))
    }

    /// Where every table lies.
    pub(super) fn placements(&self) -> impl Iterator<Item = Placement> + '_ {
        self.trees.iter().flat_map(|(_, tree)| {
            let runs = tree.runs.iter().flat_map(|run| run.tables.iter().map(|table| (0, run.number, table)));
            let deep = (1..LEVEL_COUNT).flat_map(|level| tree.level(level).iter().map(move |table| (level, 0, table)));
            runs.chain(deep).map(|(level, run, table)| Placement { level, run, table: Arc::clone(table) })
        })
    }

    pub(super) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.trees.iter().flat_map(|(_, tree)| (0..LEVEL_COUNT).flat_map(|level| tree.tables_of(level)))
    }

    /// The levels that hold these tables. `None` when a table is there twice, or tables overlap that must not: then
    /// they come from a damaged manifest.
    pub(super) fn new(placements: &[Placement]) -> Option<Self> {
        // In the order in which they come to lie, so that each one is appended, whatever order the manifest has.
        let order = sorted_places(placements.len(), &|a, b| {
            let (a, b) = (&placements[a], &placements[b]);
            let place = |placement: &Placement| (placement.table.prefix(), placement.level, Reverse(placement.run));
            place(a).cmp(&place(b)).then_with(|| a.table.smallest.cmp(&b.table.smallest))
        });
        let mut levels = Self::default();
        let mut ids = FxHashSet::default();
        for index in order {
            let placement = &placements[index];
            if placement.level >= LEVEL_COUNT || !ids.insert(placement.table.id) {
                return None;
            }
            levels.insert(placement.clone());
        }
        levels.trees.iter().all(|(_, tree)| tree.is_disjoint()).then_some(levels)
    }

    fn insert(&mut self, placement: Placement) {
        let prefix = placement.table.prefix();
        let index = self.position(prefix).unwrap_or_else(|index| {
            self.trees.insert(index, (prefix, Tree::default()));
            index
        });
        self.trees[index].1.insert(placement.level, placement.run, placement.table);
    }

    /// Applies an edit. REQUIRES: what it removes is here. False when what it adds overlaps what is there: tables hold other
    /// keys than the manifest says of them.
    #[must_use]
    pub(super) fn apply(&mut self, edit: &Edit) -> bool {
        for &id in &edit.removed {
            assert!(self.trees.iter_mut().any(|(_, tree)| tree.remove(id)), "table {id} is removed, but not here");
        }
        edit.added.iter().for_each(|placement| self.insert(placement.clone()));
        self.trees.retain(|(_, tree)| !tree.is_empty());
        let is_disjoint = |(prefix, tree): &(Prefix, Tree)| {
            edit.added.iter().all(|placement| placement.table.prefix() != *prefix) || tree.is_disjoint()
        };
        self.trees.iter().all(is_disjoint)
    }
}

/// Puts new tables as deep as they may go, but not past a merge that is busy where they belong: those that overlap nothing
/// need not pass through level 0.
pub(crate) fn landing(levels: &Levels, tables: Vec<Table>, is_busy: impl Fn(&Table) -> bool) -> Edit {
    let run = tables.first().map_or(0, |table| table.id);
    let place = |table: Table| {
        let level = match levels.tree(table.prefix()) {
            _ if is_busy(&table) => 0,
            // A small table would stay small at the bottom; in level 0 it meets others.
            Some(_) if table.len < SMALL_TABLE => 0,
            Some(tree) => tree.landing_level(&table.smallest, &table.largest),
            None => BOTTOM,
        };
        Placement { level, run, table: Arc::new(table) }
    };
    Edit { removed: Vec::new(), added: tables.into_iter().map(place).collect() }
}
