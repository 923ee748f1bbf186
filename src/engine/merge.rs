//! Merging sorted sources into one, forwards or backwards.
//!
//! Forwards, entries come in key order and those of one key newest first; backwards, exactly reversed.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::compare::compare;
use super::entry::{Seq, Version};
use super::error::Result;
use super::memtable::{Memtable, Range, Versions};
use super::table::cursor::TableCursor;
use super::table::meta::Table;
use crate::fs::File;
use crate::page::Volume;

/// Which way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

/// A position in a memtable.
#[derive(Debug)]
pub(crate) struct MemoryCursor<'a> {
    range: Range<'a>,
    direction: Direction,
    /// The current key, its versions, and which of them is next.
    current: Option<(&'a Bytes, &'a Versions, usize)>,
}

impl<'a> MemoryCursor<'a> {
    pub(super) fn new(memtable: &'a Memtable, start: Bound<&[u8]>, end: Bound<&[u8]>, direction: Direction) -> Self {
        let mut cursor = Self { range: memtable.range(start, end), direction, current: None };
        cursor.next_key();
        cursor
    }

    fn next_key(&mut self) {
        let next = match self.direction {
            Direction::Forward => self.range.next(),
            Direction::Backward => self.range.next_back(),
        };
        self.current = next.map(|(key, versions)| {
            let index = if self.direction == Direction::Forward { 0 } else { versions.iter().count() - 1 };
            (key, versions, index)
        });
    }

    fn version(&self) -> Option<(&'a Bytes, &'a Version)> {
        let (key, versions, index) = self.current?;
        versions.iter().nth(index).map(|version| (key, version))
    }

    fn step(&mut self) {
        let Some((_, versions, index)) = &mut self.current else { return };
        match self.direction {
            Direction::Forward if *index + 1 < versions.iter().count() => *index += 1,
            Direction::Backward if *index > 0 => *index -= 1,
            _ => self.next_key(),
        }
    }
}

/// A position in tables that do not overlap, in key order.
#[derive(Debug)]
pub(crate) struct RunCursor<'a> {
    tables: Cow<'a, [Arc<Table>]>,
    index: usize,
    cursor: TableCursor,
    direction: Direction,
    keep: bool,
}

impl<'a> RunCursor<'a> {
    /// A cursor at the first entry in `start..end` (backwards: the last). `keep`: pages go into the cache.
    pub(super) fn new<F: File>(
        volume: &Volume<F>,
        tables: Cow<'a, [Arc<Table>]>,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        keep: bool,
    ) -> Result<Self> {
        let mut run = Self { tables, index: 0, cursor: TableCursor::new(keep), direction, keep };
        match direction {
            Direction::Forward => run.position_forward(volume, start)?,
            Direction::Backward => run.position_backward(volume, end)?,
        }
        Ok(run)
    }

    fn position_forward<F: File>(&mut self, volume: &Volume<F>, start: Bound<&[u8]>) -> Result<()> {
        let (key, seq) = match start {
            Bound::Unbounded => {
                self.index = 0;
                return self.enter(volume);
            }
            Bound::Included(key) => (key, Seq::MAX),
            Bound::Excluded(key) => (key, 0),
        };
        self.index = self.tables.partition_point(|table| table.largest.as_ref() < key);
        let Some(table) = self.tables.get(self.index) else { return Ok(()) };
        self.cursor.seek(table, volume, key, seq)?;
        self.next_table_if_done(volume)
    }

    fn position_backward<F: File>(&mut self, volume: &Volume<F>, end: Bound<&[u8]>) -> Result<()> {
        let (key, seq) = match end {
            Bound::Unbounded => {
                self.index = self.tables.len().wrapping_sub(1);
                return self.enter(volume);
            }
            Bound::Included(key) => (key, 0),
            Bound::Excluded(key) => (key, Seq::MAX),
        };
        let behind = self.tables.partition_point(|table| table.smallest.as_ref() <= key);
        self.index = behind.wrapping_sub(1);
        let Some(table) = self.tables.get(self.index) else { return Ok(()) };
        self.cursor.seek_before(table, volume, key, seq)?;
        self.next_table_if_done(volume)
    }

    /// To the beginning of the current table, or its end when going backwards.
    fn enter<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        self.cursor = TableCursor::new(self.keep);
        let Some(table) = self.tables.get(self.index) else { return Ok(()) };
        match self.direction {
            Direction::Forward => self.cursor.first(table, volume),
            Direction::Backward => self.cursor.last(table, volume),
        }
    }

    fn next_table_if_done<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        while self.cursor.entry().is_none() && self.index < self.tables.len() {
            self.index = match self.direction {
                Direction::Forward => self.index + 1,
                Direction::Backward => self.index.wrapping_sub(1),
            };
            self.enter(volume)?;
        }
        Ok(())
    }

    fn step<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        let Some(table) = self.tables.get(self.index) else { return Ok(()) };
        match self.direction {
            Direction::Forward => self.cursor.advance(table, volume)?,
            Direction::Backward => self.cursor.retreat(table, volume)?,
        }
        self.next_table_if_done(volume)
    }
}

/// One of the things that are merged.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    Memory(MemoryCursor<'a>),
    Run(RunCursor<'a>),
}

impl Source<'_> {
    fn entry(&self) -> Option<(&[u8], Seq)> {
        match self {
            Self::Memory(cursor) => cursor.version().map(|(key, version)| (key.as_ref(), version.seq)),
            Self::Run(run) => run.cursor.entry(),
        }
    }

    fn version(&self) -> Option<Version> {
        match self {
            Self::Memory(cursor) => cursor.version().map(|(_, version)| version.clone()),
            Self::Run(run) => run.cursor.entry().map(|_| run.cursor.version()),
        }
    }

    fn step<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        match self {
            Self::Memory(cursor) => cursor.step(),
            Self::Run(run) => run.step(volume)?,
        }
        Ok(())
    }
}

/// A binary heap of sources, the next entry on top.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    sources: Vec<Source<'a>>,
    direction: Direction,
}

impl<'a> Merge<'a> {
    pub(super) fn new(mut sources: Vec<Source<'a>>, direction: Direction) -> Self {
        sources.retain(|source| source.entry().is_some());
        let mut merge = Self { sources, direction };
        for index in (0..merge.sources.len() / 2).rev() {
            merge.sift_down(index);
        }
        merge
    }

    /// The key and sequence number of the current entry.
    pub(super) fn entry(&self) -> Option<(&[u8], Seq)> {
        self.sources.first()?.entry()
    }

    /// The current entry's version.
    pub(super) fn version(&self) -> Option<Version> {
        self.sources.first()?.version()
    }

    /// To the next entry.
    pub(super) fn step<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        let Some(top) = self.sources.first_mut() else { return Ok(()) };
        top.step(volume)?;
        if top.entry().is_none() {
            self.sources.swap_remove(0);
        }
        self.sift_down(0);
        Ok(())
    }

    fn comes_first(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) =
            (self.sources.get(a).and_then(Source::entry), self.sources.get(b).and_then(Source::entry))
        else {
            return false;
        };
        let order = compare(a.0, b.0).then_with(|| b.1.cmp(&a.1));
        match self.direction {
            Direction::Forward => order == Ordering::Less,
            Direction::Backward => order == Ordering::Greater,
        }
    }

    fn sift_down(&mut self, mut index: usize) {
        loop {
            let mut first = index;
            for child in [2 * index + 1, 2 * index + 2] {
                if child < self.sources.len() && self.comes_first(child, first) {
                    first = child;
                }
            }
            if first == index {
                return;
            }
            self.sources.swap(first, index);
            index = first;
        }
    }
}
