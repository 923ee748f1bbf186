//! Snapshots: versions of the database that stay readable for a while.
//!
//! What a snapshot sees is kept in the file, also after it was overwritten or deleted. So that one that is forgotten does
//! not keep the file growing for ever, snapshots have an age at which they end, and a number of bytes that may be written
//! while they are held.

use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::snapshots::Held;
use crate::documents::database::snapshots::Snapshot;
use crate::documents::database::snapshots::Snapshots;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::fs::File;

impl<F: File> Database<F> {
    /// Keeps the present version readable, until [`Database::release`]: by [`Database::at`], and page by page by
    /// [`Database::scan_page`]. Room taken by what is overwritten in the meantime is not reused. What an open group has
    /// written so far is acknowledged first.
    ///
    /// A snapshot that gets older than [`Options::snapshot_max_age`](crate::Options::snapshot_max_age), or sees more bytes written than
    /// [`Options::snapshot_max_bytes`](crate::Options::snapshot_max_bytes), ends automatically: reading from it is `SnapshotTooOld`.
    ///
    /// # Errors
    /// As a write, in a group; none outside.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        self.measured_mut(Metric::Snapshot, |db| db.hold_snapshot())
    }

    /// Takes a snapshot within another operation, which is the one that is measured.
    pub(crate) fn hold_snapshot(&mut self) -> Result<Snapshot> {
        self.settle_group()?;
        let now_ms = self.engine.now_ms();
        let inner = self.engine.snapshot();
        let view = View { at: inner.seq, now_ms };
        let Snapshots { held, last_id, bytes_written, .. } = &mut self.snapshots;
        *last_id += 1;
        held.insert(*last_id, Held { inner, began_ms: now_ms, bytes_before: *bytes_written });
        Ok(Snapshot { id: *last_id, view })
    }

    /// Releases a snapshot. It must not be used again.
    pub fn release(&mut self, snapshot: Snapshot) {
        if let Some(held) = self.snapshots.held.remove(&snapshot.id) {
            self.engine.release(held.inner);
        }
    }

    /// The default collection as it was when `snapshot` was taken. [`Collection::at`] does the same for others.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set("stock", &12)?;
    /// let snapshot = db.snapshot()?;
    /// db.set("stock", &11)?;
    /// assert_eq!(db.at(&snapshot)?.get("stock")?, Some(12));
    /// db.release(snapshot);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `SnapshotTooOld` when it has ended.
    pub fn at(&self, snapshot: &Snapshot) -> Result<Collection<&Self>> {
        self.default_collection().at(snapshot)
    }

    /// Returns the state that a snapshot sees.
    ///
    /// # Errors
    /// `SnapshotTooOld` when it has ended.
    pub(crate) fn view_at(&self, snapshot: &Snapshot) -> Result<View> {
        if self.snapshots.held.contains_key(&snapshot.id) {
            return Ok(snapshot.view);
        }
        let Snapshots { age_max_ms, bytes_max, .. } = self.snapshots;
        let seconds = age_max_ms / 1000;
        let reason =
            format!("it was released, got older than {seconds} s, or more than {bytes_max} bytes were written");
        Err(Error::SnapshotTooOld { reason })
    }

    /// Releases the snapshots that have reached their limits.
    pub(crate) fn end_old_snapshots(&mut self) {
        if !self.snapshots.held.is_empty() {
            self.end_old_of_some();
        }
    }

    #[cold]
    #[inline(never)]
    fn end_old_of_some(&mut self) {
        let now_ms = self.engine.now_ms();
        while let Some(old) = self.snapshots.pop_old(now_ms) {
            self.engine.release(old);
        }
    }
}

impl<F: File> Collection<&Database<F>> {
    /// The collection as it was when `snapshot` was taken.
    ///
    /// # Errors
    /// `SnapshotTooOld` when it has ended, or the collection was dropped since.
    pub fn at(mut self, snapshot: &Snapshot) -> Result<Self> {
        let view = self.database.view_at(snapshot)?;
        self.id = self.database.collection_at(&self.name, view.at)?;
        self.view = Some(view);
        Ok(self)
    }
}
