//! What the engine's tests share.

mod covered;
mod crash;
mod expiry;
mod faults;
mod jobs;
mod model;
mod space;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::options::{Durability, Options};
use crate::environment::Environment;

#[derive(Clone, Default)]
pub struct TestEnvironment {
    pub now_ms: Arc<AtomicU64>,
    random: Arc<AtomicU64>,
}

impl Environment for TestEnvironment {
    fn now_ms(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let value = self.random.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).to_le_bytes();
            chunk.copy_from_slice(&value[..chunk.len()]);
        }
    }
}

pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

pub fn small_options() -> Options {
    Options {
        memtable_size: 16 << 10,
        page_size: 512,
        cache_size: 64 << 10,
        durability: Durability::Never,
        ..Options::default()
    }
}
