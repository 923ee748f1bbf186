//! Snapshots that clients hold, each by a number.

use super::answer::Answer;
use crate::documents::{Database, Error, Result, Snapshot};
use crate::fs::File;
use std::collections::BTreeMap;

/// The snapshots that are held, by number.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    open: BTreeMap<u64, Snapshot>,
}

impl Snapshots {
    /// Takes a snapshot, and answers its number.
    pub fn open<F: File>(&mut self, database: &mut Database<F>, id: u64, answer: &mut Answer) -> Result<()> {
        self.open.insert(id, database.snapshot()?);
        answer.value(&id)
    }

    /// True if the snapshot of this number is held.
    pub fn has(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    /// The snapshot of this number.
    ///
    /// # Errors
    /// `SnapshotTooOld` when it was closed.
    pub fn get(&self, id: u64) -> Result<Snapshot> {
        let closed = || Error::SnapshotTooOld { reason: "it was closed".to_owned() };
        self.open.get(&id).copied().ok_or_else(closed)
    }

    /// Releases a snapshot. A second call does nothing.
    pub fn close<F: File>(&mut self, database: &mut Database<F>, id: u64) {
        if let Some(snapshot) = self.open.remove(&id) {
            database.release(snapshot);
        }
    }

    /// Releases all snapshots.
    pub fn close_all<F: File>(&mut self, database: &mut Database<F>) {
        std::mem::take(&mut self.open).into_values().for_each(|snapshot| database.release(snapshot));
    }
}
