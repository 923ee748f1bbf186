//! A file that is only read, and tells what of it was.

use ferrolite::fs::{Error, File, FileSystem, OpenMode, Result};
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::rc::Rc;

/// No reading of a small database asks the host more often: whoever does is caught in a loop.
const READS_MAX: u64 = 1 << 20;

/// One file, which is the whole file system. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Image {
    bytes: Rc<RefCell<Vec<u8>>>,
    /// Where the file ends; what is behind is as if it were not there.
    len: Rc<Cell<usize>>,
    /// Which bytes were read, one flag for each.
    read: Rc<RefCell<Vec<bool>>>,
    reads: Rc<Cell<u64>>,
}

impl Image {
    pub fn new(bytes: &[u8]) -> Self {
        let image = Self::default();
        image.set(bytes);
        image
    }

    /// Replaces the file, and forgets what was read.
    pub fn set(&self, bytes: &[u8]) {
        self.bytes.borrow_mut().clear();
        self.bytes.borrow_mut().extend_from_slice(bytes);
        self.len.set(bytes.len());
        self.read.borrow_mut().clear();
        self.read.borrow_mut().resize(bytes.len(), false);
        self.reads.set(0);
    }

    /// Changes one byte, and returns what it was.
    pub fn poke(&self, at: usize, byte: u8) -> u8 {
        self.reads.set(0);
        std::mem::replace(&mut self.bytes.borrow_mut()[at], byte)
    }

    /// Cuts the file off, or gives it back what was cut off.
    pub fn cut(&self, len: usize) {
        self.reads.set(0);
        self.len.set(len);
    }

    /// The runs of bytes that were read.
    pub fn read_ranges(&self) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for at in self.read.borrow().iter().enumerate().filter(|(_, read)| **read).map(|(at, _)| at) {
            match ranges.last_mut() {
                Some(last) if last.end == at => last.end = at + 1,
                _ => ranges.push(at..at + 1),
            }
        }
        ranges
    }
}

impl FileSystem for Image {
    type File = Self;

    async fn open(&self, _: &str, _: OpenMode) -> Result<Self> {
        Ok(self.clone())
    }

    async fn remove(&self, name: &str) -> Result<()> {
        Err(Error::ReadOnly { name: name.to_owned() })
    }

    async fn list(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl File for Image {
    fn len(&self) -> Result<u64> {
        Ok(self.len.get() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.reads.set(self.reads.get() + 1);
        assert!(self.reads.get() < READS_MAX, "reading does not end");
        let bytes = self.bytes.borrow();
        let rest = usize::try_from(offset).ok().and_then(|start| bytes.get(start..self.len.get()));
        let Some(rest) = rest else { return Ok(0) };
        let (start, count) = (offset as usize, rest.len().min(buffer.len()));
        buffer[..count].copy_from_slice(&rest[..count]);
        self.read.borrow_mut()[start..start + count].fill(true);
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> Result<usize> {
        Err(Error::ReadOnly { name: "an image".to_owned() })
    }

    fn truncate(&self, _: u64) -> Result<()> {
        Err(Error::ReadOnly { name: "an image".to_owned() })
    }

    fn sync(&self) -> Result<()> {
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn is_current(&self, _: u64) -> bool {
        true
    }
}
