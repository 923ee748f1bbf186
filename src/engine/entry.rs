//! Versions of keys, as they are kept in memory, in the log and in tables.

use bytes::Bytes;

use crate::page::ExpiryHorizon;

/// A commit's sequence number, from 1. Everything in one commit has the same.
pub type Seq = u64;

/// Bytes at the front of every engine key that name its key space: tables do not cross it.
pub const PREFIX_LEN: usize = 8;

/// The name of a key space: collection and index, both big-endian `u32`.
pub type Prefix = [u8; PREFIX_LEN];

/// Limits of the format, bytes.
pub const KEY_LEN_MAX: usize = u16::MAX as usize;
/// Limit of one value, bytes.
pub const VALUE_LEN_MAX: usize = 64 << 20;
/// Limit of one commit, bytes.
pub const BATCH_SIZE_MAX: usize = 1 << 30;

/// Flags of entries in tables and of operations in the log: there is a value; there is an expiry.
pub(super) const PUT: u8 = 1;
pub(super) const EXPIRES: u8 = 2;

/// True if flags are such as a writer sets: what is deleted has no expiry.
pub(super) fn are_flags(flags: u8) -> bool {
    flags & !(PUT | EXPIRES) == 0 && flags != EXPIRES
}

/// The key space of a key.
pub(super) fn prefix_of(key: &[u8]) -> Option<Prefix> {
    key.first_chunk().copied()
}

/// One version of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    pub(super) seq: Seq,
    /// `None` is a tombstone.
    pub(super) value: Option<Bytes>,
    /// Milliseconds since 1970-01-01 UTC.
    pub(super) expires_at: Option<u64>,
}

impl Version {
    /// Returns the entry that a reader at `time_ms` sees of this version.
    pub(super) fn visible(self, clock: Clock) -> Option<Entry> {
        if clock.is_expired(self.expires_at, self.seq) {
            return None;
        }
        let Self { seq, value, expires_at } = self;
        value.map(|value| Entry { value, seq, expires_at })
    }

    /// Bytes that the version costs in memory, beside its key.
    pub(super) fn size(&self) -> usize {
        self.value.as_ref().map_or(0, Bytes::len)
    }
}

/// The content of a live key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The value.
    pub value: Bytes,
    /// The commit that wrote it.
    pub seq: Seq,
    /// When it expires, milliseconds since 1970-01-01 UTC.
    pub expires_at: Option<u64>,
}

/// The time a read uses, and what has been dropped for good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    pub(super) now_ms: u64,
    pub(super) horizon: ExpiryHorizon,
}

impl Clock {
    pub(super) fn is_expired(self, expires_at: Option<u64>, seq: Seq) -> bool {
        expires_at.is_some_and(|at| at <= self.now_ms || (at <= self.horizon.time_ms && seq <= self.horizon.seq))
    }
}

/// Sequence numbers end here, so that they are exact as JavaScript numbers. A million commits a second get there in
/// 285 years, a crash a second in 272.
pub(crate) const SEQ_MAX: Seq = 1 << 53;
