//! The state of the work between commits. The functions that do the work are in the folder `upkeep`.

use super::entry::Clock;
use super::entry::Prefix;
use super::entry::Seq;
use super::memtable::Memtable;
use super::merge::Merge;
use super::room::Room;
use super::table::builder::TableBuilder;
use crate::page::ExpiryHorizon;
use crate::page::LogStart;
use bytes::Bytes;
use rustc_hash::FxHashSet;
use std::sync::Arc;

use super::entry::Version;
use super::table::id::TableId;
use super::table::meta::Table;

/// Bytes of the file that small tables which are rewritten together take, where there is room for them.
pub(crate) const PURGE_LEN: u64 = 512 << 10;

/// A purge of all tables that is under way.
#[derive(Debug)]
pub(crate) struct Purge {
    /// Tables from this id on were written since it began.
    pub(crate) before: TableId,
    /// Tables that were read, and in which there is nothing to gain.
    pub(crate) kept: FxHashSet<TableId>,
    /// Bytes of small tables that are rewritten together.
    pub(crate) len_max: u64,
}

/// The tables written so far, and the one being built.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) room: Room,
    pub(crate) builder: Option<TableBuilder>,
    pub(crate) tables: Vec<Table>,
}

/// The tables to merge.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) prefix: Prefix,
    /// Sets of tables that do not overlap.
    pub(crate) runs: Vec<Vec<Arc<Table>>>,
    pub(crate) output_level: usize,
    /// In level 0, the number of the run that the outputs make.
    pub(crate) output_run: u64,
    pub(crate) aim: Aim,
}

/// The purpose of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    /// To have fewer tables, and each level of its size.
    Merge,
    /// To drop from tables what newer ones supersede, where there is no room for a merge.
    Purge,
    /// To drop from tables what newer ones supersede, since it is a good part of them.
    Sweep,
    /// To seal a table with newer keys.
    Reseal,
}

/// A merge that is under way.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) plan: Plan,
    pub(crate) merge: Merge<'static>,
    pub(crate) output: Output,
    /// The clock by which expired entries are dropped, one for the whole job.
    pub(crate) clock: Clock,
    pub(crate) horizon: ExpiryHorizon,
    pub(crate) key: Vec<u8>,
    pub(crate) versions: Vec<Version>,
}

impl Aim {
    /// True if tables are rewritten where they are, below newer ones and above older ones.
    pub(crate) fn keeps_place(self) -> bool {
        matches!(self, Self::Purge | Self::Sweep)
    }
}

impl Plan {
    pub(crate) fn tables(&self) -> impl Iterator<Item = &Arc<Table>> {
        self.runs.iter().flatten()
    }
}

impl Job {
    pub(crate) fn reads(&self, id: TableId) -> bool {
        self.plan.tables().any(|table| table.id == id)
    }

    pub(crate) fn is_in(&self, prefix: Prefix) -> bool {
        self.plan.prefix == prefix
    }

    /// True if the job's outputs may lie in the closed range: they may fill the gaps between its inputs.
    pub(crate) fn covers(&self, prefix: Prefix, smallest: &[u8], largest: &[u8]) -> bool {
        let low = self.plan.tables().map(|table| &table.smallest).min();
        let high = self.plan.tables().map(|table| &table.largest).max();
        let (Some(low), Some(high)) = (low, high) else { return false };
        self.plan.prefix == prefix && low.as_ref() <= largest && high.as_ref() >= smallest
    }

    pub(crate) fn into_output(self) -> Output {
        self.output
    }

    /// True if the outputs take as much room as the inputs.
    pub(crate) fn is_as_large(&self) -> bool {
        let blocks = |table: &Table| table.extent().blocks;
        let written: u64 = self.output.tables.iter().map(blocks).sum();
        written >= self.plan.tables().map(|table| blocks(table)).sum()
    }
}

/// A memtable that is being written.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) memtable: Arc<Memtable>,
    /// The newest commit when it was frozen.
    pub(crate) seq: Seq,
    /// The place where the log continues after it.
    pub(crate) log_start: LogStart,
    /// The last key that was handed to `output`.
    pub(crate) position: Option<Bytes>,
    pub(crate) output: Output,
}

impl Frozen {
    /// A memtable that is readable, and is written by others.
    pub(crate) fn readable(memtable: Arc<Memtable>) -> Self {
        Self { memtable, seq: 0, log_start: LogStart::default(), position: None, output: Output::new(Room::All) }
    }
}

impl Output {
    /// No tables yet; they may be written into `room`.
    pub(crate) fn new(room: Room) -> Self {
        Self { room, builder: None, tables: Vec::new() }
    }

    /// Tables that are written already.
    pub(crate) fn of(tables: Vec<Table>) -> Self {
        Self { room: Room::Ordinary, builder: None, tables }
    }
}
