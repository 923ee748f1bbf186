//! The host's files or memory, as one type: so that the engine is compiled once.

use crate::fs::{AccessHandle, AccessHandleFile, File, FileSystem, Host, Memory, MemoryFile, OpenMode, Result};

/// Where a connection keeps its database.
pub(super) enum Files {
    Host(AccessHandle),
    Memory(Memory),
}

/// An open file of either.
pub(super) enum AnyFile {
    Host(AccessHandleFile),
    Memory(MemoryFile),
}

impl Files {
    /// The files of a host, and `name` among them; without a host, memory that has one file.
    pub fn of(host: Option<Host>, name: &str) -> (Self, &str) {
        match host {
            Some(host) => (Self::Host(AccessHandle::new(host)), name),
            None => (Self::Memory(Memory::new()), "memory"),
        }
    }
}

impl FileSystem for Files {
    type File = AnyFile;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<AnyFile> {
        match self {
            Self::Host(files) => files.open(name, mode).await.map(AnyFile::Host),
            Self::Memory(files) => files.open(name, mode).await.map(AnyFile::Memory),
        }
    }

    async fn remove(&self, name: &str) -> Result<()> {
        match self {
            Self::Host(files) => files.remove(name).await,
            Self::Memory(files) => files.remove(name).await,
        }
    }

    async fn list(&self) -> Result<Vec<String>> {
        match self {
            Self::Host(files) => files.list().await,
            Self::Memory(files) => files.list().await,
        }
    }
}

impl File for AnyFile {
    fn len(&self) -> Result<u64> {
        match self {
            Self::Host(file) => file.len(),
            Self::Memory(file) => file.len(),
        }
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        match self {
            Self::Host(file) => file.read_at(buffer, offset),
            Self::Memory(file) => file.read_at(buffer, offset),
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        match self {
            Self::Host(file) => file.write_at(bytes, offset),
            Self::Memory(file) => file.write_at(bytes, offset),
        }
    }

    fn truncate(&self, len: u64) -> Result<()> {
        match self {
            Self::Host(file) => file.truncate(len),
            Self::Memory(file) => file.truncate(len),
        }
    }

    fn sync(&self) -> Result<()> {
        match self {
            Self::Host(file) => file.sync(),
            Self::Memory(file) => file.sync(),
        }
    }

    fn is_exclusive(&self) -> bool {
        match self {
            Self::Host(file) => file.is_exclusive(),
            Self::Memory(file) => file.is_exclusive(),
        }
    }

    fn is_current(&self, len: u64) -> bool {
        match self {
            Self::Host(file) => file.is_current(len),
            Self::Memory(file) => file.is_current(len),
        }
    }
}
