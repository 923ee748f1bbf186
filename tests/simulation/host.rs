//! The clock and the randomness that a simulated database is given.

use ferrolite::Environment;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The time at which every simulation begins: some day in 2023.
pub const START_MS: u64 = 1_700_000_000_000;

/// A clock that stands still until it is told, and randomness that follows from a seed. Clones share both.
#[derive(Debug, Clone)]
pub struct Host {
    now_ms: Arc<AtomicU64>,
    /// The sum of the steps forward.
    passed_ms: Arc<AtomicU64>,
    randomness: Arc<AtomicU64>,
}

impl Host {
    pub fn new(seed: u64) -> Self {
        let [now_ms, passed_ms, randomness] = [START_MS, 0, seed].map(|start| Arc::new(AtomicU64::new(start)));
        Self { now_ms, passed_ms, randomness }
    }

    pub fn set_now_ms(&self, now_ms: u64) {
        let before = self.now_ms.swap(now_ms, Ordering::Relaxed);
        self.passed_ms.fetch_add(now_ms.saturating_sub(before), Ordering::Relaxed);
    }
}

impl Environment for Host {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn monotonic_ns(&self) -> u64 {
        self.passed_ms.load(Ordering::Relaxed) * 1_000_000
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let mut random = crate::random::Random::new(self.randomness.load(Ordering::Relaxed));
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
        }
        self.randomness.store(random.next(), Ordering::Relaxed);
    }
}
