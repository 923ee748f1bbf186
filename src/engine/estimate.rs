//! How many entries a range holds, about, without reading them.

use std::ops::Bound;

use super::engine::Engine;
use super::error::Result;
use super::read::KeyRange;
use super::table::cursor::TableCursor;
use super::table::meta::Table;
use crate::fs::File;

/// Entries of a memtable that are counted one by one. Where there are more it does not matter how many.
const COUNTED_MAX: usize = 256;

impl<F: File> Engine<F> {
    /// How many entries `range` holds, about: old versions and tombstones count too. Tables tell how many they hold; inside
    /// those at the ends of the range, the place of the end among their pages tells. Costs at most a page of each level
    /// for either end.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`], [`crate::Error::Fs`].
    pub fn estimate(&self, range: &KeyRange) -> Result<u64> {
        if range.is_empty() {
            return Ok(0);
        }
        let (start, end) = (range.start.as_ref().map(Vec::as_slice), range.end.as_ref().map(Vec::as_slice));
        let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
        let mut entries = 0;
        for memtable in std::iter::once(&self.memory.memtable).chain(frozen) {
            let counted = memtable.range(start, end).take(COUNTED_MAX).count();
            entries += if counted < COUNTED_MAX { counted } else { COUNTED_MAX.max(memtable.len() / 2) } as u64;
        }
        let Some(tree) = range.prefix().and_then(|prefix| self.tables.levels.tree(prefix)) else { return Ok(entries) };
        let smallest = bytes_of(start).unwrap_or_default();
        for table in tree.runs_in(smallest, bytes_of(end)).flatten() {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::batch::Batch;
    use crate::engine::options::Durability;
    use crate::engine::tests::{TestEnvironment, small_options};
    use crate::fs::{Memory, MemoryFile};

    fn key(number: u64) -> Vec<u8> {
        [&[0, 0, 0, 1, 0, 0, 0, 0][..], &number.to_be_bytes()].concat()
    }

    fn estimate(engine: &Engine<MemoryFile>, from: u64, to: u64) -> u64 {
        let range = KeyRange { start: Bound::Included(key(from)), end: Bound::Excluded(key(to)) };
        engine.estimate(&range).unwrap()
    }

    #[test]
    fn estimates_are_near() {
        let files = Memory::new();
        let open = Engine::open(&files, "db", small_options(), Arc::new(TestEnvironment::default()));
        let mut engine = pollster::block_on(open).unwrap();
        for number in 0..10_000 {
            let mut batch = Batch::new();
            batch.put(key(number * 7919 % 10_000), vec![7; 20], None);
            engine.append(batch).unwrap();
            engine.finish_group(Durability::Never).unwrap();
        }
        for is_compacted in [false, true] {
            if is_compacted {
                engine.compact().unwrap();
            }
            for (from, to) in [(0, 10_000), (0, 5000), (2500, 7500), (9000, 10_000), (4000, 4100), (3, 3)] {
                let (estimated, real) = (estimate(&engine, from, to) as f64, (to - from) as f64);
                // Some are in memory, where half of all is the guess for many.
                let error_max = if is_compacted { real * 0.05 + 3.0 } else { real * 0.1 + 600.0 };
                assert!(
                    (estimated - real).abs() <= error_max,
                    "{estimated} entries from {from} to {to}, {is_compacted}"
                );
            }
            assert!(estimate(&engine, 20_000, 30_000) == 0);
            let other = [0, 0, 0, 2, 0, 0, 0, 0];
            let range = KeyRange { start: Bound::Included(other.to_vec()), end: Bound::Unbounded };
            assert_eq!(engine.estimate(&range).unwrap(), 0);
        }
        let all = KeyRange { start: Bound::Included(key(0)[..8].to_vec()), end: Bound::Unbounded };
        assert_eq!(engine.estimate(&all).unwrap(), 10_000);
    }
}
