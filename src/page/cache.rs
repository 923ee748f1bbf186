//! A byte-weighted CLOCK cache, of page payloads and of rows.
//!
//! CLOCK is LRU's approximation that needs no change of a list at a hit: a hit sets a bit, and the hand that looks
//! for room clears bits until it finds one that is clear (F. J. Corbató, "A paging experiment with the Multics
//! system", 1968). Weighted by bytes, the hand moves until the new page fits.

use std::hash::Hash;

use rustc_hash::FxHashMap;

/// The cost of an entry besides its bytes: the map's entry, the slot and the allocation.
const OVERHEAD: usize = 128;

/// How a cache is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatistics {
    /// Reads that found what they looked for.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Bytes held, with the cost of holding them.
    pub bytes: u64,
    /// Entries held.
    pub entries: u64,
    /// The most bytes it may hold.
    pub capacity: u64,
}

#[derive(Debug)]
struct Slot<K, V> {
    key: K,
    value: V,
    weight: usize,
    referenced: bool,
}

/// A cache.
#[derive(Debug)]
pub struct Cache<K, V> {
    index: FxHashMap<K, usize>,
    slots: Vec<Slot<K, V>>,
    hand: usize,
    bytes: usize,
    capacity: usize,
    hits: u64,
    misses: u64,
}

impl<K: Copy + Eq + Hash, V> Cache<K, V> {
    /// A cache that holds at most `capacity` bytes.
    pub fn new(capacity: usize) -> Self {
        Self { index: FxHashMap::default(), slots: Vec::new(), hand: 0, bytes: 0, capacity, hits: 0, misses: 0 }
    }

    /// Returns the value at `key`.
    pub fn get(&mut self, key: &K) -> Option<&V> {
        let slot = self.index.get(key).and_then(|&slot| self.slots.get_mut(slot));
        match slot {
            Some(slot) => {
                self.hits += 1;
                slot.referenced = true;
                Some(&slot.value)
            }
            None => {
                self.misses += 1;
                None
            }
        }
    }

    /// Keeps a value of `bytes` bytes; a value that is larger than a quarter of the capacity would push out too much and is not
    /// kept.
    pub fn insert(&mut self, key: K, value: V, bytes: usize) {
        let weight = bytes + OVERHEAD;
        if weight > self.capacity / 4 || self.index.contains_key(&key) {
            return;
        }
        while self.bytes + weight > self.capacity {
            self.evict_one();
        }
        self.bytes += weight;
        self.index.insert(key, self.slots.len());
        self.slots.push(Slot { key, value, weight, referenced: false });
    }

    /// Removes the value at `key`.
    pub fn remove(&mut self, key: &K) {
        if let Some(slot) = self.index.remove(key) {
            self.take(slot);
        }
    }

    /// Removes all values.
    pub fn clear(&mut self) {
        self.index.clear();
        self.slots.clear();
        self.bytes = 0;
    }

    /// True if nothing is held.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes a slot whose key is not in the index any more.
    fn take(&mut self, slot: usize) {
        let taken = self.slots.swap_remove(slot);
        self.bytes -= taken.weight;
        if let Some(moved) = self.slots.get(slot) {
            self.index.insert(moved.key, slot);
        }
    }

    /// Moves the hand to the next page that was not used since the hand last passed, and drops it.
    fn evict_one(&mut self) {
        loop {
            if self.hand >= self.slots.len() {
                self.hand = 0;
            }
            let slot = &mut self.slots[self.hand];
            if !slot.referenced {
                break;
            }
            slot.referenced = false;
            self.hand += 1;
        }
        self.index.remove(&self.slots[self.hand].key);
        self.take(self.hand);
        self.hand += 1;
    }

    /// How it is doing.
    pub fn statistics(&self) -> CacheStatistics {
        CacheStatistics {
            hits: self.hits,
            misses: self.misses,
            bytes: self.bytes as u64,
            entries: self.slots.len() as u64,
            capacity: self.capacity as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_within_its_bytes_and_keeps_what_is_used() {
        let mut cache = Cache::new(10 * (1000 + OVERHEAD));
        cache.insert((0, 0), 'x', 1000);
        for table in 1..100 {
            assert!(cache.get(&(0, 0)).is_some(), "the hot page was evicted before table {table}");
            cache.insert((table, 0), 'y', 1000);
            assert!(cache.statistics().bytes <= cache.statistics().capacity);
        }
        assert_eq!(cache.statistics().entries, 10);
        assert!(cache.get(&(50, 0)).is_none());
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let mut cache = Cache::new(1000);
        cache.insert(1, 'x', 900);
        assert!(cache.get(&1).is_none());
        assert_eq!(cache.statistics().bytes, 0);
    }

    #[test]
    fn what_is_removed_is_gone_and_the_rest_is_found() {
        let mut cache = Cache::new(1 << 20);
        (0..100).for_each(|key| cache.insert(key, 2 * key, 10));
        (0..100).filter(|key| key % 3 == 0).for_each(|key| cache.remove(&key));
        for key in 0..100 {
            assert_eq!(cache.get(&key).copied(), (key % 3 != 0).then_some(2 * key));
        }
        assert_eq!(cache.statistics().bytes, 66 * (10 + OVERHEAD) as u64);
        (0..100).for_each(|key| cache.remove(&key));
        assert!(cache.is_empty() && cache.statistics().bytes == 0);
        cache.insert(1, 5, 10);
        cache.clear();
        assert!(cache.get(&1).is_none() && cache.is_empty());
    }
}
