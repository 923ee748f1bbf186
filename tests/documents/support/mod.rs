//! What the tests of the documents layer share.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod damaged;
pub mod oracle;

use ferrolite::fs::{FileSystem, Memory, MemoryFile};
use ferrolite::{Condition, Database, Environment, Error, ErrorCode, FindOptions, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time at which tests begin: some day in 2023.
pub const START_MS: u64 = 1_700_000_000_000;

/// A clock that stands still until it is told, and randomness that repeats itself.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START_MS)))
    }

    pub fn advance_ms(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    pub fn set_back_ms(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::Relaxed);
    }
}

impl Environment for Clock {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for (index, byte) in buffer.iter_mut().enumerate() {
            *byte = (index as u8).wrapping_mul(31) ^ 0x5a;
        }
    }
}

/// A database in memory, under a clock of its own.
pub struct Bench {
    pub fs: Memory,
    pub clock: Clock,
}

impl Bench {
    pub fn new() -> Self {
        Self { fs: Memory::new(), clock: Clock::new() }
    }

    pub fn open(&self) -> Database<MemoryFile> {
        self.open_with(Options::default())
    }

    pub fn open_with(&self, options: Options) -> Database<MemoryFile> {
        open(&self.fs, &self.clock, options).unwrap()
    }
}

/// Opens the database `db` on any file system.
pub fn open<S: FileSystem>(fs: &S, clock: &Clock, options: Options) -> Result<Database<S::File>, Error>
where
    S::File: ferrolite::fs::File,
{
    pollster::block_on(Database::open_with(fs, "db", options, Arc::new(clock.clone())))
}

/// A new database in memory.
pub fn fresh() -> Database<MemoryFile> {
    Bench::new().open()
}

pub fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// `find` with a condition in JSON.
pub fn find<F: ferrolite::fs::File>(db: &Database<F>, path: &str, condition: &str) -> Vec<String> {
    db.find(path, &Condition::parse(condition).unwrap(), &FindOptions::default()).unwrap()
}

/// The code of the error that something must be.
#[track_caller]
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("this must fail").code()
}

/// Everything in the database is as it should be, indexes included.
#[track_caller]
pub fn assert_sound<F: ferrolite::fs::File>(db: &Database<F>) {
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{:#?}", report.problems);
}
