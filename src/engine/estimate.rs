//! How many entries a range holds, about, without reading them.

use std::ops::Bound;

use super::engine::Engine;
use super::error::Result;
use super::read::KeyRange;
use super::table::{Table, TableCursor};
use crate::fs::File;

/// Entries of a memtable that are counted one by one. Where there are more it does not matter how many.
const COUNTED_MAX: usize = 256;

impl<F: File> Engine<F> {
    /// How many entries `range` holds, about: old versions and tombstones count too. Tables tell how many they hold; inside
    /// those at the ends of the range, the place of the end among their pages tells. Costs at most a page of each level
    /// for either end.
    ///
    /// # Errors
    /// [`super::Error::Corrupt`], [`super::Error::Fs`].
    pub fn estimate(&self, range: &KeyRange) -> Result<u64> {
        if range.is_empty() {
            return Ok(0);
        }
        let (start, end) = (range.start.as_ref().map(Vec::as_slice), range.end.as_ref().map(Vec::as_slice));
        let frozen = self.frozen.as_ref().map(|frozen| &*frozen.memtable);
        let mut entries = 0;
        for memtable in std::iter::once(&self.memtable).chain(frozen) {
            let counted = memtable.range(start, end).take(COUNTED_MAX).count();
            entries += if counted < COUNTED_MAX { counted } else { COUNTED_MAX.max(memtable.len() / 2) } as u64;
        }
        let Some(tree) = range.prefix().and_then(|prefix| self.levels.tree(prefix)) else { return Ok(entries) };
        let smallest = bytes_of(start).unwrap_or_default();
        for table in tree.runs_in(smallest, bytes_of(end)).iter().flatten() {
            let begins = bytes_of(start).filter(|start| *start > table.smallest.as_ref());
            let ends = bytes_of(end).filter(|end| *end <= table.largest.as_ref());
            let from = begins.map_or(Ok(0.0), |key| self.position(table, key))?;
            let to = ends.map_or(Ok(1.0), |key| self.position(table, key))?;
            entries += ((to - from).max(0.0) * table.statistics.entries as f64).round() as u64;
        }
        Ok(entries)
    }

    /// Where a key is in a table, from 0 to 1.
    fn position(&self, table: &Table, key: &[u8]) -> Result<f64> {
        let mut cursor = TableCursor::new(true);
        cursor.seek(table, &self.volume, key, u64::MAX)?;
        Ok(cursor.fraction())
    }
}

fn bytes_of(bound: Bound<&[u8]>) -> Option<&[u8]> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}
