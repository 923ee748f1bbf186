//! Tables that a flush or a compaction writes. Nothing refers to them until they are installed.

use crate::engine::engine::Engine;
use crate::engine::entry::{Version, prefix_of};
use crate::engine::error::Result;
use crate::engine::table::builder::TableBuilder;
use crate::engine::work::Output;
use crate::fs::File;

/// True if versions with a value lie behind all tables of their key space. In a table of their own they overlap nothing and
/// need no merge; in one with tombstones they would overlap everything between.
fn begins_behind_all<F: File>(engine: &Engine<F>, key: &[u8], versions: &[Version]) -> bool {
    let tree = prefix_of(key).and_then(|prefix| engine.tables.levels.tree(prefix));
    versions.iter().any(|version| version.value.is_some()) && tree.is_some_and(|tree| tree.lies_before(key))
}

impl Output {
    /// Adds the versions of one key. Tables do not cross key spaces, and never part the versions of a key.
    pub(crate) fn push<F: File>(&mut self, engine: &mut Engine<F>, key: &[u8], versions: &[Version]) -> Result<()> {
        if versions.is_empty() {
            return Ok(());
        }
        let is_full = self.builder.as_ref().is_some_and(|builder| {
            builder.len() >= engine.upkeep.table_target
                || prefix_of(builder.last_key()) != prefix_of(key)
                || (builder.has_only_tombstones() && begins_behind_all(engine, key, versions))
        });
        if is_full {
            self.finish_table(engine)?;
        }
        let builder = self.builder.get_or_insert_with(|| {
            let id = engine.tables.next_id;
            engine.tables.next_id += 1;
            TableBuilder::new(id, engine.options.page_size)
        });
        for version in versions {
            builder.push(&engine.volume, key, version);
        }
        Ok(())
    }

    /// Writes the table that is being built.
    pub(crate) fn finish_table<F: File>(&mut self, engine: &mut Engine<F>) -> Result<()> {
        let Some(builder) = self.builder.take() else { return Ok(()) };
        let (bytes, mut table) = builder.finish(&engine.volume);
        table.address = engine.write_extent(&bytes, self.room)?.address;
        engine.counters.table_bytes_written += bytes.len() as u64;
        self.tables.push(table);
        Ok(())
    }

    /// Gives the blocks back.
    pub(crate) fn discard<F: File>(self, engine: &mut Engine<F>) {
        for table in self.tables {
            engine.tables.free.release(table.extent());
        }
    }
}
