//! Exports that are read chunk by chunk, as bytes beside the messages.

use super::answer::Answer;
use crate::fs::File;
use crate::{Database, Error, Export, Result};
use serde::Serialize;
use std::collections::BTreeMap;

/// Bytes of a chunk: a few milliseconds in an encrypted database.
const CHUNK_BYTES: usize = 128 << 10;

/// The exports that are going on, by number.
#[derive(Debug, Default)]
pub(super) struct Exports {
    open: BTreeMap<u32, Export>,
    last: u32,
}

/// How a client knows an export.
#[derive(Serialize)]
struct Begun {
    number: u32,
    /// Bytes of the whole file.
    bytes: u64,
}

impl Exports {
    /// Begins an export, and answers its number and how long it is.
    pub fn begin<F: File>(&mut self, database: &mut Database<F>, answer: &mut Answer) -> Result<()> {
        let export = database.begin_export()?;
        self.last = self.last.wrapping_add(1);
        let begun = Begun { number: self.last, bytes: export.total_bytes() };
        self.open.insert(self.last, export);
        answer.value(&begun)
    }

    /// The next bytes; `None` behind the last ones. With that, or with an error, the export is ended.
    pub fn next<F: File>(&mut self, database: &mut Database<F>, number: u32) -> Result<Option<Vec<u8>>> {
        let export = self.open.get_mut(&number).ok_or(Error::Aborted)?;
        let chunk = database.export_chunk(export, CHUNK_BYTES);
        if !matches!(chunk, Ok(Some(_))) {
            self.end(database, number);
        }
        chunk
    }

    /// Ends an export; one that is over stays so.
    pub fn end<F: File>(&mut self, database: &mut Database<F>, number: u32) {
        if let Some(export) = self.open.remove(&number) {
            database.end_export(export);
        }
    }
}
