//! The newest commits, in memory and in key order, until they are written as a table.

use std::collections::BTreeMap;
use std::collections::btree_map;
use std::ops::Bound;

use bytes::Bytes;

use super::batch::{Batch, Operation};
use super::entry::{Seq, Version};

/// The cost of an entry besides its bytes: the map's node, two handles and their headers.
const ENTRY_OVERHEAD: usize = 128;

/// The bytes of an entry in a table besides its own, at most about: its header, its share of restarts, filter and index.
const TABLE_OVERHEAD: usize = 24;

/// The versions of one key, the newest first. Almost always there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Versions {
    newest: Version,
    older: Vec<Version>,
}

impl Versions {
    /// Newest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Version> {
        std::iter::once(&self.newest).chain(self.older.iter())
    }

    /// The newest version that is not newer than `at`.
    pub(super) fn at(&self, at: Seq) -> Option<&Version> {
        self.iter().find(|version| version.seq <= at)
    }
}

/// The steps that roll an insertion back.
#[derive(Debug)]
pub(crate) struct Undo {
    key: Bytes,
    replaced: Option<Version>,
    kept_older: bool,
}

impl Undo {
    /// The inserted operation.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }
}

/// Keys and their versions.
#[derive(Debug, Default)]
pub(crate) struct Memtable {
    entries: BTreeMap<Bytes, Versions>,
    size: usize,
}

pub(super) type Range<'a> = btree_map::Range<'a, Bytes, Versions>;

impl Memtable {
    /// Applies an operation. The version it replaces is kept beside it when `keep_older` says that a snapshot may
    /// need it, and handed to the undo record otherwise.
    pub(super) fn insert(&mut self, operation: Operation, seq: Seq, keep_older: impl Fn(Seq) -> bool) -> Undo {
        let version = Version { seq, value: operation.value, expires_at: operation.expires_at };
        self.size += version.size();
        match self.entries.entry(operation.key) {
            btree_map::Entry::Vacant(vacant) => {
                let key = vacant.key().clone();
                self.size += key.len() + ENTRY_OVERHEAD;
                vacant.insert(Versions { newest: version, older: Vec::new() });
                Undo { key, replaced: None, kept_older: false }
            }
            btree_map::Entry::Occupied(mut occupied) => {
                let key = occupied.key().clone();
                let versions = occupied.get_mut();
                let old = std::mem::replace(&mut versions.newest, version);
                if old.seq < seq && keep_older(old.seq) {
                    self.size += ENTRY_OVERHEAD;
                    versions.older.insert(0, old);
                    return Undo { key, replaced: None, kept_older: true };
                }
                self.size -= old.size();
                Undo { key, replaced: Some(old), kept_older: false }
            }
        }
    }

    /// Bytes that its entries take as tables, at most about.
    pub(super) fn table_size_max(&self) -> u64 {
        let spared = self.entries.len() * (ENTRY_OVERHEAD - TABLE_OVERHEAD);
        let bytes = self.size.saturating_sub(spared) as u64;
        bytes + bytes / 16
    }

    /// Applies a commit that was read from the log.
    pub(super) fn apply(&mut self, batch: Batch, seq: Seq) {
        for operation in batch.into_operations() {
            self.insert(operation, seq, |_| false);
        }
    }

    /// Undoes an insertion, the last one first. Returns the operation that was inserted.
    pub(super) fn undo(&mut self, undo: Undo) -> Option<(Operation, Seq)> {
        let versions = self.entries.get_mut(&undo.key)?;
        self.size -= versions.newest.size();
        let undone = if let Some(old) = undo.replaced {
            self.size += old.size();
            std::mem::replace(&mut versions.newest, old)
        } else if undo.kept_older && !versions.older.is_empty() {
            self.size -= ENTRY_OVERHEAD;
            std::mem::replace(&mut versions.newest, versions.older.remove(0))
        } else {
            self.size -= undo.key.len() + ENTRY_OVERHEAD;
            self.entries.remove(&undo.key)?.newest
        };
        let Version { seq, value, expires_at } = undone;
        Some((Operation { key: undo.key, value, expires_at }, seq))
    }

    /// The newest version of `key` that is not newer than `at`.
    pub(super) fn get(&self, key: &[u8], at: Seq) -> Option<Version> {
        self.entries.get(key)?.at(at).cloned()
    }

    /// Keys in a range. The caller makes sure that the start is not behind the end.
    pub(super) fn range(&self, start: Bound<&[u8]>, end: Bound<&[u8]>) -> Range<'_> {
        self.entries.range::<[u8], _>((start, end))
    }

    /// Number of keys.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory, about.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation(key: &'static str, value: &'static str) -> Operation {
        Operation { key: key.into(), value: Some(value.into()), expires_at: None }
    }

    fn read(table: &Memtable, at: Seq) -> Option<Bytes> {
        table.get(b"key", at).and_then(|version| version.value)
    }

    #[test]
    fn versions_are_kept_only_for_snapshots() {
        let mut table = Memtable::default();
        table.insert(operation("key", "one"), 1, |_| false);
        table.insert(operation("key", "two"), 2, |_| true);
        table.insert(operation("key", "three"), 3, |_| false);
        assert_eq!(read(&table, 1), Some("one".into()));
        assert_eq!(read(&table, 2), Some("one".into()));
        assert_eq!(read(&table, 3), Some("three".into()));
    }

    #[test]
    fn undo_restores_content_and_size() {
        for keep in [false, true] {
            let mut table = Memtable::default();
            table.insert(operation("key", "one"), 1, |_| keep);
            let size = table.size();
            let first = table.insert(operation("key", "second"), 2, |_| keep);
            let second = table.insert(operation("other", "x"), 2, |_| keep);
            let third = table.insert(operation("key", "third"), 2, |_| keep);
            for undo in [third, second, first] {
                table.undo(undo);
            }
            assert_eq!(read(&table, 9), Some("one".into()));
            assert_eq!((table.len(), table.size()), (1, size));
        }
    }
}
