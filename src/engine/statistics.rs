//! Figures about the engine's work and content.

use super::counters::Counters;
use serde::Serialize;

use super::engine::Engine;
use super::entry::Prefix;
use super::levels::{LEVEL_COUNT, Tree};
use super::log::writer::Log;
use crate::crypto::{Argon2, Cipher};
use crate::fs::File;
use crate::page::{CacheStatistics, FORMAT_VERSION, IoStatistics};

/// A level of all trees together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LevelStatistics {
    /// Tables.
    pub tables: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Entries: all versions, and tombstones.
    pub entries: u64,
    /// Tombstones.
    pub tombstones: u64,
}

/// The tables of a key space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SpaceStatistics {
    /// The number of its collection.
    #[serde(skip)]
    pub collection: u32,
    /// The number of its index.
    #[serde(skip)]
    pub index: u32,
    /// Tables.
    pub tables: u64,
    /// Bytes in the file.
    pub bytes: u64,
    /// Entries: all versions, and tombstones.
    pub entries: u64,
    /// Tombstones.
    pub tombstones: u64,
    /// Entries that expire, or have expired.
    pub expiring: u64,
}

/// How a file is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EncryptionStatistics {
    /// The cipher.
    pub cipher: Cipher,
    /// The costs of the passphrase; `None` if a key opens the file.
    pub argon2: Option<Argon2>,
    /// The epoch in which new pages are sealed.
    pub key_epoch: u32,
    /// Bytes of tables that are sealed with an older data key than the newest: a rotation is not through.
    pub old_key_bytes: u64,
    /// True if there is an older data key.
    pub is_rotating: bool,
}

/// Figures about the engine's work and content.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    /// The version of the file's format.
    pub format_version: u32,
    /// Since the engine was opened.
    pub counters: Counters,
    /// Calls of the host.
    pub io: IoStatistics,
    /// The page cache.
    pub cache: CacheStatistics,
    /// The cache of documents and index entries that are read again and again.
    pub row_cache: CacheStatistics,
    /// Bytes of commits in memory.
    pub memtable_bytes: u64,
    /// Keys in memory.
    pub memtable_entries: u64,
    /// Bytes of the file that the log takes.
    pub log_bytes: u64,
    /// Levels 0 to 6.
    pub levels: Vec<LevelStatistics>,
    /// By key space. Who knows what they are for tells of them.
    #[serde(skip)]
    pub spaces: Vec<SpaceStatistics>,
    /// The file's length, bytes.
    pub file_bytes: u64,
    /// Bytes inside the file that are free.
    pub free_bytes: u64,
    /// Bytes that must be merged until every level has its size, about.
    pub debt_bytes: u64,
    /// The newest commit.
    pub last_seq: u64,
    /// The newest commit that is known to be durable.
    pub synced_seq: u64,
    /// Snapshots that are held.
    pub snapshots: u64,
    /// How the file is encrypted; `None` in a plain file.
    pub encryption: Option<EncryptionStatistics>,
    /// True if the engine has closed itself to writes, and why.
    pub failed: Option<String>,
}

impl<F: File> Engine<F> {
    /// Figures about the engine's work and content.
    pub fn statistics(&self) -> Statistics {
        let mut levels = vec![LevelStatistics::default(); LEVEL_COUNT];
        for placement in self.tables.levels.placements() {
            if let Some(level) = levels.get_mut(placement.level) {
                level.tables += 1;
                level.bytes += placement.table.len;
                level.entries += placement.table.statistics.entries;
                level.tombstones += placement.table.statistics.tombstones;
            }
        }
        let frozen = self.memory.frozen.as_ref().map(|frozen| &frozen.memtable);
        Statistics {
            format_version: FORMAT_VERSION,
            counters: self.counters,
            io: self.volume.io_statistics(),
            cache: self.volume.cache_statistics(),
            row_cache: self.memory.hot_rows.borrow().statistics(),
            memtable_bytes: (self.memory.memtable.size() + frozen.map_or(0, |frozen| frozen.size())) as u64,
            memtable_entries: (self.memory.memtable.len() + frozen.map_or(0, |frozen| frozen.len())) as u64,
            log_bytes: self.log_bytes(),
            levels,
            spaces: self.space_statistics(),
            file_bytes: self.volume.file_len(),
            free_bytes: self.tables.free.free_bytes(),
            debt_bytes: self.upkeep.debt,
            last_seq: self.sequence.last,
            synced_seq: self.sequence.synced,
            snapshots: self.snapshots.len() as u64,
            encryption: self.encryption_statistics(),
            failed: self.failed.as_ref().map(ToString::to_string),
        }
    }

    fn log_bytes(&self) -> u64 {
        let own = self.log.iter().flat_map(Log::extents);
        own.chain(self.found_log.iter().copied()).map(|extent| extent.len()).sum()
    }

    fn space_statistics(&self) -> Vec<SpaceStatistics> {
        let of_tree = |(prefix, tree): (Prefix, &Tree)| {
            let prefix = u64::from_be_bytes(prefix);
            let (collection, index) = ((prefix >> 32) as u32, prefix as u32);
            let mut space = SpaceStatistics { collection, index, ..SpaceStatistics::default() };
            for table in (0..LEVEL_COUNT).flat_map(|level| tree.tables_of(level)) {
                space.tables += 1;
                space.bytes += table.len;
                space.entries += table.statistics.entries;
                space.tombstones += table.statistics.tombstones;
                space.expiring += table.statistics.expiring;
            }
            space
        };
        self.tables.levels.trees().map(of_tree).collect()
    }
}
