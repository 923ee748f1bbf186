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
    randomness: Arc<AtomicU64>,
}

impl Host {
    pub fn new(seed: u64) -> Self {
        Self { now_ms: Arc::new(AtomicU64::new(START_MS)), randomness: Arc::new(AtomicU64::new(seed)) }
    }

    pub fn set_now_ms(&self, now_ms: u64) {
        self.now_ms.store(now_ms, Ordering::Relaxed);
    }
}

impl Environment for Host {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let mut random = crate::random::Random::new(self.randomness.load(Ordering::Relaxed));
        for chunk in buffer.chunks_mut(8) {
            chunk.copy_from_slice(&random.next().to_le_bytes()[..chunk.len()]);
        }
        self.randomness.store(random.next(), Ordering::Relaxed);
    }
}
