//! The rows that are read again and again: a hit costs one lookup by hash, and no search of pages.
//!
//! What is here is the newest version of its key, written or not: each write takes its key out, and so does taking a write
//! back. A row is let in when it is read a second time, so that what is read once does not push out what is hot.

use bytes::Bytes;

use super::compare::compare;
use super::entry::{Seq, Version};
use super::table::filter::hash as key_hash;
use crate::page::{Cache, CacheStatistics};

/// Keys whose first reading is remembered.
const SEEN: usize = 1024;

/// The share of the cache's bytes that rows may take: one in this many.
const PART: usize = 8;

/// A cache of rows.
#[derive(Debug)]
pub(crate) struct HotRows {
    /// By the hash of the key: of keys that have the same, one is here.
    rows: Cache<u64, (Bytes, Version)>,
    /// Hashes of keys that were read, each at the place of its low bits.
    seen: Vec<u64>,
}

impl HotRows {
    /// The bytes for rows, and those that are left for pages.
    pub(super) fn split(cache_size: usize) -> (usize, usize) {
        (cache_size / PART, cache_size - cache_size / PART)
    }

    /// Creates a cache of at most `capacity` bytes.
    pub(super) fn new(capacity: usize) -> Self {
        Self { rows: Cache::new(capacity), seen: vec![0; SEEN] }
    }

    /// The newest version of a key, if it is here and not newer than `at`. `hash` is [`key_hash`] of the key.
    pub(super) fn get(&mut self, key: &[u8], hash: u64, at: Seq) -> Option<Version> {
        if self.rows.is_empty() {
            return None;
        }
        let (found, version) = self.rows.get(&hash)?;
        (version.seq <= at && compare(found, key).is_eq()).then(|| version.clone())
    }

    /// Keeps the newest version of a key if that was read before.
    pub(super) fn offer(&mut self, key: &[u8], hash: u64, version: &Version) {
        let seen = &mut self.seen[hash as usize % SEEN];
        if std::mem::replace(seen, hash) != hash {
            return;
        }
        // The value may be a part of a page, which would be kept as a whole.
        let value = version.value.as_deref().map(Bytes::copy_from_slice);
        let size = key.len() + version.size();
        self.rows.insert(hash, (Bytes::copy_from_slice(key), Version { value, ..*version }), size);
    }

    /// Forgets a key that is written, or whose write is rolled back.
    pub(super) fn remove(&mut self, key: &[u8]) {
        if !self.rows.is_empty() {
            self.rows.remove(&key_hash(key));
        }
    }

    /// A key space is dropped.
    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    pub(super) fn statistics(&self) -> CacheStatistics {
        self.rows.statistics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(seq: Seq, value: &'static str) -> Version {
        Version { seq, value: Some(value.into()), expires_at: None }
    }

    fn offer(rows: &mut HotRows, key: &[u8], version: &Version) {
        rows.offer(key, key_hash(key), version);
    }

    fn get(rows: &mut HotRows, key: &[u8], at: Seq) -> Option<Version> {
        rows.get(key, key_hash(key), at)
    }

    #[test]
    fn rows_are_kept_when_they_are_read_again() {
        let mut rows = HotRows::new(1 << 20);
        offer(&mut rows, b"key", &version(3, "a"));
        assert_eq!(get(&mut rows, b"key", 9), None);
        offer(&mut rows, b"key", &version(3, "a"));
        assert_eq!(get(&mut rows, b"key", 9), Some(version(3, "a")));
        assert_eq!(get(&mut rows, b"key", 2), None, "an older state");
        rows.remove(b"key");
        assert_eq!(get(&mut rows, b"key", 9), None);
    }

    #[test]
    fn keys_with_the_same_hash_are_not_mistaken_for_each_other() {
        let mut rows = HotRows::new(1 << 20);
        (0..2).for_each(|_| rows.offer(b"one", 7, &version(1, "a")));
        (0..2).for_each(|_| rows.offer(b"two", 7, &version(2, "b")));
        assert_eq!(rows.get(b"one", 7, 9), Some(version(1, "a")));
        assert_eq!(rows.get(b"two", 7, 9), None);
    }

    #[test]
    fn what_is_read_once_does_not_push_out_what_is_hot() {
        let mut rows = HotRows::new(100 * 160);
        let hot = version(1, "hot");
        (0..2).for_each(|_| offer(&mut rows, b"hot", &hot));
        (0..10_000_u64).for_each(|index| offer(&mut rows, &index.to_le_bytes(), &version(1, "once")));
        assert_eq!(get(&mut rows, b"hot", 1), Some(hot));
        assert_eq!(rows.statistics().entries, 1);
    }
}
