//! A byte-weighted CLOCK cache of page payloads.
//!
//! CLOCK is LRU's approximation that needs no list to be mended at a hit: a hit sets a bit, and the hand that looks
//! for room clears bits until it finds one that is clear (F. J. Corbató, "A paging experiment with the Multics
//! system", 1968). Weighted by bytes, the hand goes on until the new page fits.

use bytes::Bytes;
use rustc_hash::FxHashMap;

/// A table's id and the page's offset in the table. Ids are never used again, so an entry cannot become stale.
pub(super) type CacheKey = (u64, u32);

/// What a page costs beside its bytes: the map's entry, the slot and the allocation.
const OVERHEAD: usize = 128;

/// How the cache is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatistics {
    /// Reads that found their page.
    pub hits: u64,
    /// Reads that did not.
    pub misses: u64,
    /// Bytes held, with the cost of holding them.
    pub bytes: u64,
    /// Pages held.
    pub pages: u64,
    /// The most bytes it may hold.
    pub capacity: u64,
}

#[derive(Debug)]
struct Slot {
    key: CacheKey,
    page: Bytes,
    referenced: bool,
}

#[derive(Debug)]
pub(super) struct Cache {
    index: FxHashMap<CacheKey, usize>,
    slots: Vec<Slot>,
    hand: usize,
    bytes: usize,
    capacity: usize,
    hits: u64,
    misses: u64,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { index: FxHashMap::default(), slots: Vec::new(), hand: 0, bytes: 0, capacity, hits: 0, misses: 0 }
    }

    pub(super) fn get(&mut self, key: CacheKey) -> Option<Bytes> {
        let slot = self.index.get(&key).and_then(|&slot| self.slots.get_mut(slot));
        match slot {
            Some(slot) => {
                self.hits += 1;
                slot.referenced = true;
                Some(slot.page.clone())
            }
            None => {
                self.misses += 1;
                None
            }
        }
    }

    /// Keeps a page; one that is larger than a quarter of the capacity would push out too much and is not kept.
    pub(super) fn insert(&mut self, key: CacheKey, page: Bytes) {
        let weight = page.len() + OVERHEAD;
        if weight > self.capacity / 4 || self.index.contains_key(&key) {
            return;
        }
        while self.bytes + weight > self.capacity {
            self.evict_one();
        }
        self.bytes += weight;
        self.index.insert(key, self.slots.len());
        self.slots.push(Slot { key, page, referenced: false });
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
        let slot = self.slots.swap_remove(self.hand);
        self.index.remove(&slot.key);
        self.bytes -= slot.page.len() + OVERHEAD;
        if let Some(moved) = self.slots.get(self.hand) {
            self.index.insert(moved.key, self.hand);
        }
        self.hand += 1;
    }

    pub(super) fn statistics(&self) -> CacheStatistics {
        CacheStatistics {
            hits: self.hits,
            misses: self.misses,
            bytes: self.bytes as u64,
            pages: self.slots.len() as u64,
            capacity: self.capacity as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(len: usize) -> Bytes {
        Bytes::from(vec![0; len])
    }

    #[test]
    fn stays_within_its_bytes_and_keeps_what_is_used() {
        let mut cache = Cache::new(10 * (1000 + OVERHEAD));
        cache.insert((0, 0), page(1000));
        for table in 1..100 {
            assert!(cache.get((0, 0)).is_some(), "the hot page was evicted before table {table}");
            cache.insert((table, 0), page(1000));
            assert!(cache.statistics().bytes <= cache.statistics().capacity);
        }
        assert_eq!(cache.statistics().pages, 10);
        assert!(cache.get((50, 0)).is_none());
    }

    #[test]
    fn a_page_that_is_too_large_is_not_kept() {
        let mut cache = Cache::new(1000);
        cache.insert((1, 0), page(900));
        assert!(cache.get((1, 0)).is_none());
        assert_eq!(cache.statistics().bytes, 0);
    }
}
