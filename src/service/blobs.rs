//! Bytes that are written and read in pieces between messages. Each has a number.

use crate::documents::{BlobReader, BlobWriter, Database, Error, Result};
use crate::fs::File;
use std::collections::BTreeMap;

/// The bytes that are being written and read, by number.
#[derive(Debug, Default)]
pub(crate) struct Blobs {
    writers: BTreeMap<u64, BlobWriter>,
    readers: BTreeMap<u64, BlobReader>,
}

impl Blobs {
    /// Adds bytes that are being written.
    pub fn write(&mut self, number: u64, writer: BlobWriter) {
        self.writers.insert(number, writer);
    }

    /// Adds bytes that are being read.
    pub fn read(&mut self, number: u64, reader: BlobReader) {
        self.readers.insert(number, reader);
    }

    /// Returns the bytes that are being written under a number.
    ///
    /// # Errors
    /// `Aborted` if nothing is being written under the number.
    pub fn writer(&mut self, number: u64) -> Result<&mut BlobWriter> {
        self.writers.get_mut(&number).ok_or(Error::Aborted)
    }

    /// Returns the bytes that are being read under a number.
    ///
    /// # Errors
    /// `Aborted` if nothing is being read under the number.
    pub fn reader(&mut self, number: u64) -> Result<&mut BlobReader> {
        self.readers.get_mut(&number).ok_or(Error::Aborted)
    }

    /// Removes bytes that are to be committed.
    ///
    /// # Errors
    /// `Aborted` if nothing is being written under the number.
    pub fn finish(&mut self, number: u64) -> Result<BlobWriter> {
        self.writers.remove(&number).ok_or(Error::Aborted)
    }

    /// Discards bytes that are being written, if any are under the number.
    pub fn abort<F: File>(&mut self, database: &mut Database<F>, number: u64) {
        if let Some(writer) = self.writers.remove(&number) {
            database.abort_blob(writer);
        }
    }

    /// True if bytes are being written or read under the number.
    pub fn has(&self, number: u64) -> bool {
        self.writers.contains_key(&number) || self.readers.contains_key(&number)
    }

    /// Discards everything that is being written, and stops reading.
    pub fn end_all<F: File>(&mut self, database: &mut Database<F>) {
        std::mem::take(&mut self.writers).into_values().for_each(|writer| database.abort_blob(writer));
        std::mem::take(&mut self.readers).into_values().for_each(|reader| database.close_blob(reader));
    }

    /// Stops reading, if bytes are being read under the number.
    pub fn close<F: File>(&mut self, database: &mut Database<F>, number: u64) {
        if let Some(reader) = self.readers.remove(&number) {
            database.close_blob(reader);
        }
    }
}
