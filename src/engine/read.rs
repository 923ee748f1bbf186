//! Reading: one key, a range, and snapshots.

use std::ops::Bound;
use std::sync::Arc;

use super::compare::compare;
use super::engine::Engine;
use super::entry::{Clock, Entry, Prefix, Seq, Version, prefix_of};
use super::error::{Error, Result};
use super::levels::{LEVEL_COUNT, Tree};
use super::merge::{Direction, MemoryCursor, Merge, RunCursor, Source};
use super::table::damaged_lookup::find_in_damaged;
use super::table::filter::hash as key_hash;
use super::table::last_pages::LastPages;
use super::table::meta::Table;
use crate::fs::File;

/// A range of engine keys inside one key space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    /// Where it starts.
    pub start: Bound<Vec<u8>>,
    /// Where it ends.
    pub end: Bound<Vec<u8>>,
}

impl KeyRange {
    pub(super) fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => {
                start >= end
            }
            _ => false,
        }
    }

    pub(super) fn prefix(&self) -> Option<Prefix> {
        match (&self.start, &self.end) {
            (Bound::Included(key) | Bound::Excluded(key), _) | (Bound::Unbounded, Bound::Included(key)) => {
                prefix_of(key)
            }
            _ => None,
        }
    }
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

/// A consistent view: the state after a commit, kept readable until it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// The commit.
    pub seq: Seq,
}

impl<F: File> Engine<F> {
    /// The newest version of `key` at or before `at`, unless it is deleted or has expired at `now_ms`.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn get(&self, key: &[u8], at: Seq, now_ms: u64) -> Result<Option<Entry>> {
        let hash = key_hash(key);
        let kept = self.memory.hot_rows.borrow_mut().get(key, hash, at);
        let version = if kept.is_some() { kept } else { self.find_and_offer(key, hash, at)? };
        Ok(version.and_then(|version| version.visible(self.clock(now_ms))))
    }

    /// For reading many keys as of `at` and `now_ms`; fast where they come in their order.
    pub fn reader(&self, at: Seq, now_ms: u64) -> KeyReader<'_, F> {
        KeyReader { engine: self, at, clock: self.clock(now_ms), last: LastPages::default() }
    }

    fn find_and_offer(&self, key: &[u8], hash: u64, at: Seq) -> Result<Option<Version>> {
        let version = self.find_version(key, hash, at, None)?;
        if let Some(version) = version.as_ref().filter(|_| at >= self.sequence.last) {
            self.memory.hot_rows.borrow_mut().offer(key, hash, version);
        }
        Ok(version)
    }

    fn find_version(
        &self,
        key: &[u8],
        hash: u64,
        at: Seq,
        mut last: Option<&mut LastPages>,
    ) -> Result<Option<Version>> {
        if let Some(version) = self.memory.memtable.get(key, at) {
            return Ok(Some(version));
        }
        if let Some(version) = self.memory.frozen.as_ref().and_then(|frozen| frozen.memtable.get(key, at)) {
            return Ok(Some(version));
        }
        let Some(tree) = prefix_of(key).and_then(|prefix| self.tables.levels.tree(prefix)) else { return Ok(None) };
        for table in tree.candidates(key) {
            let found = match table.get(&self.volume, key, hash, at, last.as_deref_mut()) {
                Err(error @ Error::Corrupt { .. }) if self.options.allow_damage => {
                    find_in_damaged(table, &self.volume, key, at, error)
                }
                found => found,
            };
            if let Some(version) = found? {
                return Ok(Some(version));
            }
        }
        Ok(None)
    }

    /// True if entries of a range may expire: false only when none does. Costs the part of the range that is in memory.
    pub fn may_expire(&self, range: &KeyRange) -> bool {
        let Some(tree) = range.prefix().map(|prefix| self.tables.levels.tree(prefix)) else { return true };
        let is_expiring = |table: &Arc<Table>| table.statistics.expiring > 0;
        if tree.is_some_and(|tree| (0..LEVEL_COUNT).flat_map(|level| tree.tables_of(level)).any(is_expiring)) {
            return true;
        }
        if range.is_empty() {
            return false;
        }
        let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
        std::iter::once(&self.memory.memtable).chain(frozen).any(|memtable| {
            let mut entries = memtable.range(as_slice(&range.start), as_slice(&range.end));
            entries.any(|(_, versions)| versions.iter().any(|version| version.expires_at.is_some()))
        })
    }

    /// Live entries of a range as of `at` and `now_ms`, in key order or, with `reverse`, from the end.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn scan(&self, range: KeyRange, reverse: bool, at: Seq, now_ms: u64) -> Result<Cursor<'_, F>> {
        let direction = if reverse { Direction::Backward } else { Direction::Forward };
        let mut sources = Vec::new();
        if !range.is_empty() {
            let (start, end) = (as_slice(&range.start), as_slice(&range.end));
            let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
            for memtable in std::iter::once(&self.memory.memtable).chain(frozen) {
                sources.push(Source::Memory(MemoryCursor::new(memtable, start, end, direction)));
            }
            if let Some(tree) = range.prefix().and_then(|prefix| self.tables.levels.tree(prefix)) {
                self.add_tables(tree, start, end, direction, &mut sources)?;
            }
        }
        let merge = Merge::new(sources, direction);
        let limit = if reverse { range.start } else { range.end };
        Ok(Cursor { engine: self, merge, direction, limit, at, clock: self.clock(now_ms), key: Vec::new() })
    }

    fn add_tables<'a>(
        &'a self,
        tree: &'a Tree,
        start: Bound<&[u8]>,
        end: Bound<&[u8]>,
        direction: Direction,
        sources: &mut Vec<Source<'a>>,
    ) -> Result<()> {
        let smallest = match start {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        let largest = match end {
            Bound::Included(key) | Bound::Excluded(key) => Some(key),
            Bound::Unbounded => None,
        };
        for tables in tree.runs_in(smallest, largest) {
            sources.push(Source::Run(RunCursor::new(&self.volume, tables.into(), start, end, direction, true)?));
        }
        Ok(())
    }

    /// Keeps the present state readable, as of [`Snapshot::seq`], until it is released. REQUIRES: no group is open,
    /// since its appended commits may still be rolled back.
    pub fn snapshot(&mut self) -> Snapshot {
        assert!(self.group.undo.is_empty(), "a snapshot is of what was acknowledged");
        self.drop_job_of_later_clock();
        self.snapshots.push(self.sequence.last);
        Snapshot { seq: self.sequence.last }
    }

    /// Releases a snapshot.
    pub fn release(&mut self, snapshot: Snapshot) {
        if let Ok(index) = self.snapshots.binary_search(&snapshot.seq) {
            self.snapshots.remove(index);
        }
    }
}

/// Reads one key after the other. Made by [`Engine::reader`].
pub struct KeyReader<'a, F> {
    engine: &'a Engine<F>,
    at: Seq,
    clock: Clock,
    last: LastPages,
}

impl<F: File> KeyReader<'_, F> {
    /// As [`Engine::get`].
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn get(&mut self, key: &[u8]) -> Result<Option<Entry>> {
        let version = self.engine.find_version(key, key_hash(key), self.at, Some(&mut self.last))?;
        Ok(version.and_then(|version| version.visible(self.clock)))
    }
}

/// Walks over the live entries of a range.
pub struct Cursor<'a, F> {
    engine: &'a Engine<F>,
    merge: Merge<'a>,
    direction: Direction,
    /// The bound at the far end.
    limit: Bound<Vec<u8>>,
    at: Seq,
    clock: Clock,
    /// The key that was last looked at.
    key: Vec<u8>,
}

impl<F: File> Cursor<'_, F> {
    /// The next key and what it holds.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, Entry)>> {
        while let Some(version) = self.next_version()? {
            if let Some(entry) = version.visible(self.clock) {
                return Ok(Some((self.key.clone(), entry)));
            }
        }
        Ok(None)
    }

    /// How many live entries are left.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn count_rest(&mut self) -> Result<u64> {
        let mut count = 0;
        while let Some(version) = self.next_version()? {
            count += u64::from(version.visible(self.clock).is_some());
        }
        Ok(count)
    }

    /// The version of the next key that a reader at `at` sees; the key is in `self.key`.
    fn next_version(&mut self) -> Result<Option<Version>> {
        loop {
            let Some((key, _)) = self.merge.entry() else { return Ok(None) };
            if self.is_beyond(key) {
                return Ok(None);
            }
            self.key.clear();
            self.key.extend_from_slice(key);
            let mut seen: Option<Version> = None;
            while let Some((key, seq)) = self.merge.entry().filter(|(key, _)| *key == self.key) {
                debug_assert_eq!(key, self.key);
                // Forwards the first that is old enough counts, backwards the last.
                if seq <= self.at && (seen.is_none() || self.direction == Direction::Backward) {
                    seen = self.merge.version();
                }
                self.merge.step(&self.engine.volume)?;
            }
            if seen.is_some() {
                return Ok(seen);
            }
        }
    }

    fn is_beyond(&self, key: &[u8]) -> bool {
        match (self.direction, &self.limit) {
            (_, Bound::Unbounded) => false,
            (Direction::Forward, Bound::Included(end)) => compare(key, end).is_gt(),
            (Direction::Forward, Bound::Excluded(end)) => compare(key, end).is_ge(),
            (Direction::Backward, Bound::Included(start)) => compare(key, start).is_lt(),
            (Direction::Backward, Bound::Excluded(start)) => compare(key, start).is_le(),
        }
    }
}
