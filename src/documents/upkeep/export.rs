//! Handing out the whole database as one new file.

use crate::documents::database::Database;
use crate::documents::database::latencies::Metric;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::RECEIPTS;
use crate::engine::Export;
use crate::fs::File;
use crate::wording::host_text;
use std::io::Write;

/// Bytes of a chunk, when the caller does not choose.
const CHUNK_BYTES: usize = 256 << 10;

impl<F: File> Database<F> {
    /// Begins to hand out the database as the bytes of one new file, which has every commit up to now and nothing else. Other
    /// calls may come between the chunks; what they commit is not in it.
    ///
    /// What the file is made of stays where it is until [`Database::end_export`] or the end of the connection, so that the
    /// database grows by what is rewritten in the meantime. Nothing is written for it: a database that is open read-only can
    /// be exported, too. The file of an encrypted database is encrypted, and is opened by what opens the database now. It
    /// has none of the tables that newer ones cover for a good part. To begin reads those; [compact](Database::compact)
    /// before, to leave out all that was overwritten and deleted.
    ///
    /// # Errors
    /// `Corrupt` for a database that was opened in spite of damage; else as a write.
    ///
    /// ```
    /// # use ferrolite::{Database, Import, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let fs = Memory::new();
    /// # let mut db = Database::open(&fs, "db", Options::default()).await?;
    /// db.set("a", &1)?;
    /// let mut import = Import::begin(&fs, "copy").await?;
    /// let mut export = db.begin_export()?;
    /// while let Some(chunk) = db.export_chunk(&mut export, 64 << 10)? {
    ///     import.write(&chunk)?;
    ///     db.set("a", &2)?;
    /// }
    /// db.end_export(export);
    /// let copy = import.finish(&fs, Options::default()).await?;
    /// assert_eq!(copy.get("a")?, Some(1));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn begin_export(&mut self) -> Result<Export> {
        self.measured_mut(Metric::Export, |db| {
            db.settle_group()?;
            Ok(db.engine.begin_export(|prefix| prefix != RECEIPTS)?)
        })
    }

    /// The bytes that come next, about `budget_bytes` of them; a page of a large document comes whole. `None` behind the last
    /// one. Every page is verified before it is given, so that damage is not handed on.
    ///
    /// # Errors
    /// `Corrupt` when a page is damaged, `Locked`, `Io`. Nothing comes behind an error; what was given before is no database.
    pub fn export_chunk(&self, export: &mut Export, budget_bytes: usize) -> Result<Option<Vec<u8>>> {
        self.measured(Metric::Export, || Ok(self.engine.export_chunk(export, budget_bytes)?))
    }

    /// Releases everything that an export holds, when it is finished or abandoned.
    pub fn end_export(&mut self, export: Export) {
        self.engine.end_export(export);
    }

    /// Writes the database as one new file to `to`, and gives the number of bytes. [`Database::begin_export`] does the same
    /// in slices.
    ///
    /// # Errors
    /// As [`Database::export_chunk`], and `Io` when `to` cannot be written.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory, import_from};
    /// # pollster::block_on(async {
    /// # let fs = Memory::new();
    /// # let mut db = Database::open(&fs, "db", Options::default()).await?;
    /// db.set("a", &1)?;
    /// let mut bytes = Vec::new();
    /// db.export_to(&mut bytes)?;
    /// let copy = import_from(bytes.as_slice(), &fs, "copy", Options::default()).await?;
    /// assert_eq!(copy.get("a")?, Some(1));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn export_to(&mut self, mut to: impl Write) -> Result<u64> {
        let failed = |error: std::io::Error| Error::Io { operation: "export".to_owned(), message: host_text(&error) };
        let mut guard = ExportGuard { export: Some(self.begin_export()?), database: self };
        let export = guard.export.as_mut().expect("it has just begun");
        while let Some(chunk) = guard.database.export_chunk(export, CHUNK_BYTES)? {
            to.write_all(&chunk).map_err(failed)?;
        }
        to.flush().map_err(failed)?;
        Ok(export.done_bytes())
    }
}

/// An export that is ended when this is dropped, also by a panic of the writer.
struct ExportGuard<'a, F: File> {
    database: &'a mut Database<F>,
    export: Option<Export>,
}

impl<F: File> Drop for ExportGuard<'_, F> {
    fn drop(&mut self) {
        if let Some(export) = self.export.take() {
            self.database.end_export(export);
        }
    }
}
