//! Files in memory: nothing outlives the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Error, File, FileSystem, OpenMode, Result, check_name};

/// A file system in memory. Clones share their files.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    files: Arc<Mutex<BTreeMap<String, Arc<Mutex<Content>>>>>,
}

/// An open file of [`Memory`]; dropping it releases its lock.
#[derive(Debug)]
pub struct MemoryFile {
    name: String,
    mode: OpenMode,
    content: Arc<Mutex<Content>>,
}

#[derive(Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    openers: Openers,
}

/// The holders of an open file: one writer, or any number of readers.
#[derive(Debug, Default)]
pub(super) struct Openers {
    readers: usize,
    writer: bool,
}

impl Openers {
    /// Adds an opener, or fails with [`Error::Locked`].
    pub(super) fn acquire(&mut self, name: &str, mode: OpenMode) -> Result<()> {
        let reads = mode == OpenMode::ReadOnly;
        if self.writer || (!reads && self.readers > 0) {
            return Err(Error::Locked { name: name.to_string() });
        }
        if reads {
            self.readers += 1;
        } else {
            self.writer = true;
        }
        Ok(())
    }

    /// Removes an opener that `acquire` added with the same mode.
    pub(super) fn release(&mut self, mode: OpenMode) {
        if mode == OpenMode::ReadOnly {
            self.readers -= 1;
        } else {
            self.writer = false;
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.writer || self.readers > 0
    }
}

/// Locks a mutex. What it guards is whole between any two statements, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// An empty file system.
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of a file's bytes, open or not; `None` when there is no such file.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let content = lock(&self.files).get(name).cloned()?;
        let bytes = lock(&content).bytes.clone();
        Some(bytes)
    }

    /// Replaces a file's bytes, or creates it. Whoever has it open sees the new bytes at once.
    pub fn set_bytes(&self, name: &str, bytes: Vec<u8>) {
        let content = lock(&self.files).entry(name.to_string()).or_default().clone();
        lock(&content).bytes = bytes;
    }
}

impl FileSystem for Memory {
    type File = MemoryFile;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<MemoryFile> {
        check_name(name)?;
        let mut files = lock(&self.files);
        let content = match files.get(name) {
            Some(content) => content.clone(),
            None if mode == OpenMode::Create => files.entry(name.to_string()).or_default().clone(),
            None => return Err(Error::NotFound { name: name.to_string() }),
        };
        lock(&content).openers.acquire(name, mode)?;
        Ok(MemoryFile { name: name.to_string(), mode, content })
    }

    async fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        let mut files = lock(&self.files);
        let content = files.get(name).ok_or_else(|| Error::NotFound { name: name.to_string() })?;
        if lock(content).openers.is_open() {
            return Err(Error::Locked { name: name.to_string() });
        }
        files.remove(name);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<String>> {
        Ok(lock(&self.files).keys().cloned().collect())
    }
}

impl MemoryFile {
    fn check_writable(&self) -> Result<()> {
        if self.mode == OpenMode::ReadOnly {
            return Err(Error::ReadOnly { name: self.name.clone() });
        }
        Ok(())
    }
}

impl Content {
    /// Sets the length; bytes added are zero.
    fn set_len(&mut self, len: u64) -> Result<()> {
        let full = || Error::StorageFull { message: format!("growing a file in memory to {len} bytes") };
        let len = usize::try_from(len).map_err(|_| full())?;
        if let Some(more) = len.checked_sub(self.bytes.len()) {
            self.bytes.try_reserve(more).map_err(|_| full())?;
        }
        self.bytes.resize(len, 0);
        Ok(())
    }
}

impl File for MemoryFile {
    fn len(&self) -> Result<u64> {
        Ok(lock(&self.content).bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let content = lock(&self.content);
        let rest = usize::try_from(offset).ok().and_then(|start| content.bytes.get(start..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..count), rest.get(..count)) {
            to.copy_from_slice(from);
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.check_writable()?;
        let mut content = lock(&self.content);
        let end = offset.saturating_add(bytes.len() as u64);
        if !bytes.is_empty() && end > content.bytes.len() as u64 {
            content.set_len(end)?;
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        if let Some(target) = start.checked_add(bytes.len()).and_then(|end| content.bytes.get_mut(start..end)) {
            target.copy_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.check_writable()?;
        lock(&self.content).set_len(len)
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    /// An open file cannot be removed.
    fn is_current(&self, len: u64) -> bool {
        lock(&self.content).bytes.len() as u64 >= len
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        lock(&self.content).openers.release(self.mode);
    }
}
