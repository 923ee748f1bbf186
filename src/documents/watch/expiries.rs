//! When the documents that somebody watches expire.

use crate::documents::changes::change::CollectionName;
use crate::documents::error::{Error, Result};
use crate::engine::Seq;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Bytes of keys that a watcher remembers, at most.
const BYTES_MAX: usize = 64 << 20;

/// The memory of one expiry besides its key.
const OVERHEAD: usize = 128;

/// A collection and a key in it.
type Place = (CollectionName, Arc<str>);

/// The documents that expire, by when they do.
#[derive(Debug, Default)]
pub(super) struct Expiries {
    by_place: BTreeMap<Place, (u64, Seq)>,
    by_time: BTreeSet<(u64, Place)>,
    bytes: usize,
}

/// A document whose time is over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expired {
    pub collection: CollectionName,
    pub key: Arc<str>,
    pub version: Seq,
}

impl Expiries {
    /// The document at a key has this version now, and expires then.
    ///
    /// # Errors
    /// `TooLarge` when there are too many of them.
    pub fn add(&mut self, collection: &CollectionName, key: &str, at_ms: u64, version: Seq) -> Result<()> {
        self.remove(collection, key);
        let place = (Arc::clone(collection), Arc::from(key));
        let bytes = self.bytes + key.len() + OVERHEAD;
        if bytes > BYTES_MAX {
            let (size, limit) = (bytes as u64, BYTES_MAX as u64);
            return Err(Error::TooLarge {
                what: "the list of what expires in a watched range".to_owned(),
                size,
                limit,
            });
        }
        self.bytes = bytes;
        self.by_place.insert(place.clone(), (at_ms, version));
        self.by_time.insert((at_ms, place));
        Ok(())
    }

    /// The document at a key does not expire any more; its version, when it would have.
    pub fn remove(&mut self, collection: &CollectionName, key: &str) -> Option<Seq> {
        let place = (Arc::clone(collection), Arc::from(key));
        let (at_ms, version) = self.by_place.remove(&place)?;
        self.by_time.remove(&(at_ms, place));
        self.bytes -= key.len() + OVERHEAD;
        Some(version)
    }

    /// A collection is gone.
    pub fn remove_collection(&mut self, collection: &CollectionName) {
        let is_in = |(of, _): &Place| of == collection;
        self.by_place.retain(|place, _| !is_in(place));
        self.by_time.retain(|(_, place)| !is_in(place));
        self.bytes = self.by_place.keys().map(|(_, key)| key.len() + OVERHEAD).sum();
    }

    /// The next document that has expired at `now_ms`. It is not returned again.
    pub fn take_expired(&mut self, now_ms: u64) -> Option<Expired> {
        let (at_ms, (collection, key)) = self.by_time.first()?.clone();
        if at_ms > now_ms {
            return None;
        }
        let version = self.remove(&collection, &key)?;
        Some(Expired { collection, key, version })
    }

    /// When the next one expires, in milliseconds since 1970.
    pub fn next_ms(&self) -> Option<u64> {
        self.by_time.first().map(|(at_ms, _)| *at_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_at_its_time() {
        let (mut expiries, main, users) = (Expiries::default(), Arc::from(""), Arc::from("users"));
        expiries.add(&main, "late", 30, 1).unwrap();
        expiries.add(&main, "early", 10, 2).unwrap();
        expiries.add(&main, "put off", 5, 3).unwrap();
        expiries.add(&main, "put off", 20, 4).unwrap();
        expiries.add(&users, "dropped", 1, 5).unwrap();
        expiries.remove_collection(&users);
        assert_eq!((expiries.next_ms(), expiries.take_expired(9)), (Some(10), None));
        let mut taken = Vec::new();
        while let Some(expired) = expiries.take_expired(25) {
            taken.push((expired.key, expired.version));
        }
        assert_eq!(taken, [("early".into(), 2), ("put off".into(), 4)]);
        assert_eq!(expiries.remove(&main, "late"), Some(1));
        assert_eq!((expiries.next_ms(), expiries.bytes, expiries.by_place.len()), (None, 0, 0));
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let (mut expiries, main) = (Expiries::default(), Arc::from(""));
        let key = "k".repeat(1 << 20);
        let outcome = (0..100).try_for_each(|n| expiries.add(&main, &format!("{n}{key}"), 1, 1));
        assert!(matches!(outcome, Err(Error::TooLarge { .. })));
        assert!(expiries.bytes <= BYTES_MAX);
        expiries.add(&main, "small", 1, 1).unwrap();
    }
}
