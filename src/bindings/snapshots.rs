//! Snapshots that clients hold, each by a number.

use super::answer::Answer;
use crate::fs::File;
use crate::{Database, Error, Result, Snapshot};
use std::collections::BTreeMap;

/// The snapshots that are held, by number.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    open: BTreeMap<u32, Snapshot>,
    last: u32,
}

impl Snapshots {
    /// Takes a snapshot, and answers its number.
    pub fn open<F: File>(&mut self, database: &mut Database<F>, answer: &mut Answer) -> Result<()> {
        let snapshot = database.snapshot()?;
        self.last = self.last.wrapping_add(1);
        self.open.insert(self.last, snapshot);
        answer.value(&self.last)
    }

    /// The snapshot of this number.
    ///
    /// # Errors
    /// `SnapshotTooOld` when it was closed.
    pub fn get(&self, id: u32) -> Result<Snapshot> {
        let closed = || Error::SnapshotTooOld { reason: "it was closed".to_owned() };
        self.open.get(&id).copied().ok_or_else(closed)
    }

    /// Lets go of a snapshot; one that is closed stays so.
    pub fn close<F: File>(&mut self, database: &mut Database<F>, id: u32) {
        if let Some(snapshot) = self.open.remove(&id) {
            database.release(snapshot);
        }
    }
}
