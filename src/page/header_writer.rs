//! Writing all that lies before the grid into a file whose grid is there already.

use super::error::Result;
use super::layout::{HEADER_LEN, SLOT_COUNT, SLOT_LEN};
use super::superblock::Superblock;
use crate::fs::{self, File, write_full};

/// Writes the bytes before the grid of a file, or the beginning of it where the file is that short.
pub struct HeaderWriter<'a> {
    header: &'a [u8],
    newest: Superblock,
}

/// A header in memory, to be read as a file.
struct Bytes<'a>(&'a [u8]);

impl<'a> HeaderWriter<'a> {
    /// Looks at the first bytes of a file.
    ///
    /// # Errors
    /// `NotADatabase` when there is no superblock in them, `Corrupt` when there was one; `NewerFormat`.
    pub fn new(header: &'a [u8]) -> Result<Self> {
        let file = Bytes(header.get(..HEADER_LEN as usize).unwrap_or(header));
        match Superblock::read(&file)? {
            Some(newest) => Ok(Self { header: file.0, newest }),
            None => Err(Superblock::tell_missing(&file)?),
        }
    }

    /// Writes it. Whenever this is cut short, the newest superblock can be read, or none and the file begins as it did before:
    /// first comes what the superblock needs, then its second copy, its first, and only then the one before it.
    pub fn write(&self, file: &impl File) -> Result<()> {
        let slots = SLOT_LEN * SLOT_COUNT as usize;
        let newest = self.newest.slot_address(0) as usize;
        let other = slots / 2 - newest;
        let (first, second) = (newest..newest + SLOT_LEN, newest + SLOT_LEN..newest + slots / 2);
        for part in [slots..self.header.len(), second, first, other..other + slots / 2] {
            let bytes = self.header.get(part.start..part.end.min(self.header.len())).unwrap_or_default();
            write_full(file, bytes, part.start as u64)?;
            file.sync()?;
        }
        Ok(())
    }
}

impl File for Bytes<'_> {
    fn len(&self) -> fs::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> fs::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.0.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
        Ok(count)
    }

    fn write_at(&self, _: &[u8], _: u64) -> fs::Result<usize> {
        Err(fs::Error::ReadOnly { name: "write_at".to_owned() })
    }

    fn truncate(&self, _: u64) -> fs::Result<()> {
        Err(fs::Error::ReadOnly { name: "truncate".to_owned() })
    }

    fn sync(&self) -> fs::Result<()> {
        Ok(())
    }

    fn is_exclusive(&self) -> bool {
        true
    }

    fn is_current(&self, _: u64) -> bool {
        true
    }
}
