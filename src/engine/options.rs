//! How an engine is opened.

use crate::crypto::Encryption;
pub use crate::page::Compression;

/// When a commit is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Before it is acknowledged: one flush a commit, shared by commits that arrive together.
    #[default]
    Always,
    /// When the host's operating system likes, at [`Engine::sync`](super::engine::Engine::sync), and at closing.
    Never,
}

/// Large enough that a million documents make about a hundred tables, small enough to be built in memory and written
/// with one call.
const TABLE_SIZE_MAX: usize = 2 << 20;

/// How an engine is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Create the file when it is not there.
    pub create: bool,
    /// Never write; every write fails with `ReadOnly`.
    pub read_only: bool,
    /// Read a damaged file too: by the newest state of it that can be proven. Needs `read_only`.
    pub allow_damage: bool,
    /// When commits are durable.
    pub durability: Durability,
    /// Bytes of page payloads and rows to keep in memory.
    pub cache_size: usize,
    /// Bytes of new commits to gather in memory before they are written as a table. Up to twice as much is held
    /// while one memtable is written and the next one fills.
    pub memtable_size: usize,
    /// Bytes of entries in a page, before compression.
    pub page_size: usize,
    /// How pages are compressed.
    pub compression: Compression,
    /// The encryption that opens an encrypted file, or encrypts a new one.
    pub encryption: Option<Encryption>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            create: true,
            read_only: false,
            allow_damage: false,
            durability: Durability::Always,
            cache_size: 8 << 20,
            memtable_size: 4 << 20,
            page_size: 8 << 10,
            compression: Compression::Lz4,
            encryption: None,
        }
    }
}

impl Options {
    /// Bytes of a table, after compression, at which the next one is begun.
    pub(super) fn table_size(&self) -> usize {
        (self.memtable_size / 2).min(TABLE_SIZE_MAX)
    }
}
