//! Snapshots that are held, and their limits.

use super::view::View;
use crate::documents::options::Options;
use crate::engine;
use std::collections::BTreeMap;

/// A version of the database that stays readable until it is released. Made by [`Database::snapshot`](crate::Database::snapshot).
///
/// Documents that expire after it was taken are still in it.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot {
    pub(crate) id: u64,
    pub(crate) view: View,
}

/// The snapshots that are held.
#[derive(Debug)]
pub(crate) struct Snapshots {
    /// By id, the oldest first.
    pub(crate) held: BTreeMap<u64, Held>,
    pub(crate) last_id: u64,
    pub(crate) age_max_ms: u64,
    pub(crate) bytes_max: u64,
    /// Bytes of commits since the database was opened.
    pub(crate) bytes_written: u64,
}

#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) inner: engine::Snapshot,
    pub(crate) began_ms: u64,
    /// [`Snapshots::bytes_written`] at its beginning.
    pub(crate) bytes_before: u64,
}

impl Snapshots {
    pub fn new(options: &Options) -> Self {
        Self {
            held: BTreeMap::new(),
            last_id: 0,
            age_max_ms: options.snapshot_max_age.saturating_mul(1000),
            bytes_max: options.snapshot_max_bytes,
            bytes_written: 0,
        }
    }

    /// Counts the bytes of a commit.
    pub fn note_written(&mut self, bytes: usize) {
        self.bytes_written = self.bytes_written.saturating_add(bytes as u64);
    }

    /// A snapshot that has reached its limits at `now_ms`, which is held no longer.
    pub fn pop_old(&mut self, now_ms: u64) -> Option<engine::Snapshot> {
        let oldest = self.held.first_entry()?;
        let Held { began_ms, bytes_before, .. } = oldest.get();
        let is_old = now_ms.saturating_sub(*began_ms) > self.age_max_ms
            || self.bytes_written.saturating_sub(*bytes_before) > self.bytes_max;
        is_old.then(|| oldest.remove().inner)
    }
}
