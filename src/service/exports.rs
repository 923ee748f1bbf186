//! Exports that are read chunk by chunk, as bytes beside the messages.

use super::answer::Answer;
use crate::documents::{Database, Error, Result};
use crate::engine::Export;
use crate::fs::File;
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes of a chunk: a few milliseconds in an encrypted database.
const CHUNK_BYTES: usize = 128 << 10;

/// The open exports, by number.
#[derive(Debug, Default)]
pub(crate) struct Exports {
    open: BTreeMap<u64, Export>,
}

/// How a client knows an export.
#[derive(Serialize)]
struct Begun {
    number: u64,
    /// Bytes of the whole file.
    bytes: u64,
}

impl Exports {
    /// Begins an export, and answers its number and how long it is.
    pub fn begin<F: File>(&mut self, database: &mut Database<F>, number: u64, answer: &mut Answer) -> Result<()> {
        let export = database.begin_export()?;
        let begun = Begun { number, bytes: export.total_bytes() };
        self.open.insert(number, export);
        answer.value(&begun)
    }

    /// True if the export of this number is open.
    pub fn has(&self, number: u64) -> bool {
        self.open.contains_key(&number)
    }

    /// The next bytes; `None` behind the last ones. With that, or with an error, the export is ended.
    pub fn next<F: File>(&mut self, database: &mut Database<F>, number: u64) -> Result<Option<Vec<u8>>> {
        let export = self.open.get_mut(&number).ok_or(Error::Aborted)?;
        let chunk = database.export_chunk(export, CHUNK_BYTES);
        if !matches!(chunk, Ok(Some(_))) {
            self.end(database, number);
        }
        chunk
    }

    /// Ends an export; one that is over stays so.
    pub fn end<F: File>(&mut self, database: &mut Database<F>, number: u64) {
        if let Some(export) = self.open.remove(&number) {
            database.end_export(export);
        }
    }

    /// Ends all of them.
    pub fn end_all<F: File>(&mut self, database: &mut Database<F>) {
        std::mem::take(&mut self.open).into_values().for_each(|export| database.end_export(export));
    }
}
