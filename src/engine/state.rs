//! The state of the engine, by owner. A function takes only the part that it needs.

use std::cell::RefCell;

use rustc_hash::FxHashSet;

use super::covered::Covered;
use super::entry::Seq;
use super::error::Error;
use super::hot_rows::HotRows;
use super::levels::Levels;
use super::manifest::Manifest;
use super::memtable::{Memtable, Undo};
use super::table::id::TableId;

use super::work::{Frozen, Job, Purge};
use crate::page::{FreeSet, Superblock};

/// The sequence numbers of commits.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// The newest commit that was applied.
    pub last: Seq,
    /// The newest commit that was written.
    pub written: Seq,
    /// The newest commit that is known to be durable.
    pub synced: Seq,
    /// The newest commit when the file was opened.
    pub opened: Seq,
    /// The number above which commits are numbered since the file was opened.
    pub base: Seq,
}

/// The open group of commits: they are written and flushed together.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// How to roll back the commits since the last group ended, oldest first.
    pub undo: Vec<Undo>,
    /// Bytes of its commits.
    pub bytes: usize,
    /// The count of its commits.
    pub commits: u64,
    /// True if a commit stores something.
    pub puts: bool,
}

/// The tables, and the space of the file.
#[derive(Debug)]
pub(crate) struct Tables {
    /// The newest superblock that is durable.
    pub superblock: Superblock,
    pub manifest: Manifest,
    pub levels: Levels,
    pub free: FreeSet,
    pub next_id: TableId,
    /// Bytes of the largest table.
    pub largest_len: u64,
}

/// Commits that are not in tables yet, and rows that are read often.
#[derive(Debug)]
pub(crate) struct Memory {
    pub memtable: Memtable,
    pub frozen: Option<Frozen>,
    pub hot_rows: RefCell<HotRows>,
}

/// The work between commits.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub job: Option<Job>,
    /// Tables that are being rewritten without the entries that newer tables make superfluous.
    pub purge: Option<Purge>,
    /// Estimates of what newer tables cover.
    pub covered: Covered,
    /// Bytes of maintenance that commits owe.
    pub owed: u64,
    /// Bytes that must be merged until every level has its size, about.
    pub debt: u64,
    /// Bytes at which a table is finished: less than usual while free space is in small pieces.
    pub table_target: usize,
    /// True if a merge may use the reserve: once a purge has freed all space that it can.
    pub uses_reserve: bool,
    /// The superblock's number when a merge found no space.
    pub cramped_at: Option<u64>,
    /// The superblock's number when the log and the manifest were last moved out of the way of free space, or could not be moved.
    pub lowered_at: Option<u64>,
    /// Tables in which a merge has met damage: maintenance leaves them as they are.
    pub damaged: FxHashSet<TableId>,
    /// The last error of maintenance, until it is reported.
    pub error: Option<Error>,
}
