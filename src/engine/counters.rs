//! Counters of the engine's work.

use serde::Serialize;

/// Counts since the engine was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counters {
    /// Commits.
    pub commits: u64,
    /// Groups of commits that shared a write and a flush.
    pub groups: u64,
    /// Bytes of commits.
    pub commit_bytes: u64,
    /// Memtables that were written as tables.
    pub flushes: u64,
    /// Merges of tables.
    pub compactions: u64,
    /// Tables that were moved to a lower level without being read.
    pub moves: u64,
    /// Tables that were dropped without being read: all in them had expired or was deleted.
    pub tables_dropped: u64,
    /// Bytes of tables that were written.
    pub table_bytes_written: u64,
    /// Bytes of tables that were moved towards the beginning of the file.
    pub bytes_moved: u64,
}
