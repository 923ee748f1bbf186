//! How an engine is opened.

pub use crate::page::Compression;

/// When a commit is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before it is acknowledged: one flush a commit, shared by commits that arrive together.
    #[default]
    Always,
    /// At most `interval_ms` milliseconds after it is acknowledged, as long as the host calls
    /// `maintain` at that pace or commits go on.
    Periodic {
        /// Milliseconds between flushes.
        interval_ms: u64,
    },
    /// When the host's operating system likes, at an explicit flush, and at closing.
    Never,
}

/// How an engine is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Create the file when it is not there.
    pub create: bool,
    /// Never write; every write fails with `ReadOnly`.
    pub read_only: bool,
    /// When commits are durable.
    pub durability: Durability,
    /// Bytes of page payloads to keep in memory.
    pub cache_size: usize,
    /// Bytes of new commits to gather in memory before they are written as a table. Up to twice as much is held
    /// while one memtable is written and the next one fills.
    pub memtable_size: usize,
    /// Bytes of entries in a page, before compression.
    pub page_size: usize,
    /// Bytes of a table, after compression, at which the next one is begun.
    pub table_size: usize,
    /// How pages are compressed.
    pub compression: Compression,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            durability: Durability::Always,
            cache_size: 8 << 20,
            memtable_size: 4 << 20,
            page_size: 8 << 10,
            table_size: 2 << 20,
            compression: Compression::Lz4,
        }
    }
}
