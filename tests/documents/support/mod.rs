//! What the tests of the documents layer share.
#![allow(dead_code, reason = "each test uses a part of it")]

pub mod damaged;
pub mod oracle;

use ferrolite::fs::{FileSystem, Memory, MemoryFile};
use ferrolite::{Cipher, Condition, Database, Encryption, Environment, Error, ErrorCode, FindOptions, Import, Options};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The time at which tests begin: some day in 2023.
pub const START_MS: u64 = 1_700_000_000_000;

/// A clock that stands still until it is told, and randomness that is the same in each run. Clones share both.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>, Arc<AtomicU64>);

impl Clock {
    pub fn new() -> Self {
        Self::with_randomness(0)
    }

    /// A clock with randomness of its own.
    pub fn with_randomness(seed: u64) -> Self {
        Self(Arc::new(AtomicU64::new(START_MS)), Arc::new(AtomicU64::new(seed << 32)))
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
        for chunk in buffer.chunks_mut(8) {
            // SplitMix64 by Sebastiano Vigna.
            let mut word = self.1.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            chunk.copy_from_slice(&(word ^ (word >> 31)).to_le_bytes()[..chunk.len()]);
        }
    }
}

/// None, and one with each cipher: what a test runs under that must hold for plain and for encrypted files.
pub fn encryptions() -> [Option<Encryption>; 3] {
    let with = |cipher| Some(Encryption::key([7; 32]).with_cipher(cipher));
    [None, with(Cipher::Aes256Gcm), with(Cipher::ChaCha20Poly1305)]
}

/// What opens a file that may be damaged, and was made under one of [`encryptions`].
pub fn encryption_of(bytes: &[u8]) -> Option<Encryption> {
    let is_slot = |at: usize| bytes.get(at..at + 8) == Some(b"FERROKEY");
    (is_slot(16 << 10) || is_slot(20 << 10)).then(|| Encryption::key([7; 32]))
}

/// Opens by the first of some keys that opens; the last one's error where none does.
pub fn open_by_any<S: FileSystem>(
    fs: &S,
    clock: &Clock,
    options: &Options,
    keys: &[Encryption],
) -> Result<Database<S::File>, Error>
where
    S::File: ferrolite::fs::File,
{
    let mut outcome = None;
    for key in keys.iter().cloned().map(Some).chain(keys.is_empty().then_some(None)) {
        let opened = open(fs, clock, Options { encryption: key, ..options.clone() });
        let is_wrong = opened.as_ref().is_err_and(|error| error.code() == ErrorCode::WrongKey);
        outcome = Some(opened);
        if !is_wrong {
            break;
        }
    }
    outcome.expect("there is a key, or none is needed")
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

/// The bytes of a database as one new file.
#[track_caller]
pub fn exported<F: ferrolite::fs::File>(db: &mut Database<F>) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert_eq!(db.export_to(&mut bytes).unwrap(), bytes.len() as u64);
    bytes
}

/// Makes the database `name` of the bytes of one.
pub fn import<S: FileSystem>(
    fs: &S,
    clock: &Clock,
    name: &str,
    bytes: &[u8],
    options: Options,
) -> Result<Database<S::File>, Error>
where
    S::File: ferrolite::fs::File,
{
    pollster::block_on(async {
        let mut import = Import::begin(fs, name).await?;
        for piece in bytes.chunks(10_000) {
            if let Err(error) = import.write(piece) {
                import.give_up(fs).await;
                return Err(error);
            }
        }
        assert_eq!(import.done_bytes(), bytes.len() as u64);
        import.finish_with(fs, options, Arc::new(clock.clone())).await
    })
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
