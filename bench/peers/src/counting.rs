//! A file system that counts what Ferrolite asks of the host.

use std::cell::Cell;
use std::rc::Rc;

use ferrolite::fs::{File, FileSystem, OpenMode, Result};

/// Calls, and bytes that were read and written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub reads: u64,
    pub bytes_read: u64,
    pub writes: u64,
    pub bytes_written: u64,
    pub syncs: u64,
    /// Asking for the length, and setting it.
    pub others: u64,
}

#[derive(Debug, Clone, Default)]
pub struct Counter(Rc<Cell<Counts>>);

impl Counter {
    fn add(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.0.get();
        change(&mut counts);
        self.0.set(counts);
    }

    /// The counts since the last time.
    pub fn take(&self) -> Counts {
        self.0.take()
    }
}

#[derive(Debug)]
pub struct Counting<T> {
    inner: T,
    counter: Counter,
}

impl<T> Counting<T> {
    pub fn new(inner: T, counter: &Counter) -> Self {
        Self { inner, counter: counter.clone() }
    }
}

impl<S: FileSystem> FileSystem for Counting<S> {
    type File = Counting<S::File>;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<Self::File> {
        Ok(Counting::new(self.inner.open(name, mode).await?, &self.counter))
    }

    async fn remove(&self, name: &str) -> Result<()> {
        self.inner.remove(name).await
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.inner.list().await
    }
}

impl<F: File> File for Counting<F> {
    fn len(&self) -> Result<u64> {
        self.counter.add(|counts| counts.others += 1);
        self.inner.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let count = self.inner.read_at(buffer, offset)?;
        self.counter
            .add(|counts| (counts.reads, counts.bytes_read) = (counts.reads + 1, counts.bytes_read + count as u64));
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        let count = self.inner.write_at(bytes, offset)?;
        self.counter.add(|counts| {
            (counts.writes, counts.bytes_written) = (counts.writes + 1, counts.bytes_written + count as u64)
        });
        Ok(count)
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.counter.add(|counts| counts.others += 1);
        self.inner.truncate(len)
    }

    fn sync(&self) -> Result<()> {
        self.counter.add(|counts| counts.syncs += 1);
        self.inner.sync()
    }

    fn is_exclusive(&self) -> bool {
        self.inner.is_exclusive()
    }

    fn is_current(&self, len: u64) -> bool {
        self.counter.add(|counts| counts.others += 1);
        self.inner.is_current(len)
    }
}
