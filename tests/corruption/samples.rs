//! Small databases to be damaged, each the same in every run.

use crate::image::Image;
use crate::reading::{Reading, read};
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{Cipher, Compression, Database, Encryption, Environment, Options, RotateProgress, Transaction};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const START_MS: u64 = 1_700_000_000_000;
/// When everything is read: what was to live for a second has expired.
pub const FINAL_MS: u64 = START_MS + 60_000;

/// A clock that stands still, and randomness that is the same each time.
#[derive(Debug, Clone)]
pub struct Host {
    now_ms: u64,
    randomness: Arc<AtomicU64>,
}

impl Host {
    pub fn at(now_ms: u64) -> Self {
        Self { now_ms, randomness: Arc::new(AtomicU64::new(now_ms)) }
    }
}

impl Environment for Host {
    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for byte in buffer {
            let state = self.randomness.load(Ordering::Relaxed).wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            self.randomness.store(state, Ordering::Relaxed);
            *byte = (state >> 56) as u8;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    Compressed,
    Indexed,
    /// With indexes, encrypted with AES, and its key was changed.
    Aes,
    /// Compressed, encrypted with ChaCha20, and sealed with a second data key, in part or as a whole.
    ChaCha,
}

impl Kind {
    pub fn cipher(self) -> Option<Cipher> {
        match self {
            Self::Plain | Self::Compressed | Self::Indexed => None,
            Self::Aes => Some(Cipher::Aes256Gcm),
            Self::ChaCha => Some(Cipher::ChaCha20Poly1305),
        }
    }
}

/// What all samples that are encrypted are opened by in the end.
pub fn key_of_samples() -> Encryption {
    Encryption::key([7; 32])
}

/// A database, and all that is known of it.
pub struct Sample {
    pub name: String,
    pub bytes: Vec<u8>,
    pub keys: Vec<String>,
    /// What the whole file answers.
    pub reading: Reading,
    /// What it answered after each commit, by version, when read at the same time.
    pub history: BTreeMap<u64, Reading>,
    /// The file as it was at earlier times.
    pub images: Vec<Vec<u8>>,
    /// What opens the file.
    pub encryption: Option<Encryption>,
}

impl Sample {
    /// Builds the database of one kind: closed, so that all is in tables; or not, so that much is in the log.
    pub fn new(kind: Kind, closed: bool) -> Self {
        Self::going_on(kind, closed, START_MS)
    }

    /// The same, but from the end of the second session on other randomness makes another file of it.
    pub fn going_on(kind: Kind, closed: bool, randomness: u64) -> Self {
        let mut builder = Builder::new(kind);
        builder.first_session();
        builder.second_session();
        builder.randomness = randomness;
        if closed {
            builder.third_session();
        } else {
            builder.unfinished_session();
        }
        builder.finish(format!("{kind:?}, {}", if closed { "closed" } else { "with a log" }))
    }

    /// A database that was never closed: nothing but a log, which ends where the file does.
    pub fn log_alone() -> Self {
        let mut builder = Builder::new(Kind::Plain);
        builder.unfinished_session();
        builder.finish("a log alone".to_owned())
    }

    /// Another file with the same key: all its randomness is another one.
    pub fn another(kind: Kind, closed: bool) -> Self {
        let mut builder = Builder::new(kind);
        builder.randomness = START_MS + 77;
        builder.first_session();
        builder.second_session();
        if closed {
            builder.third_session();
        } else {
            builder.unfinished_session();
        }
        builder.finish(format!("another {kind:?}"))
    }

    pub fn all() -> impl Iterator<Item = Self> {
        let kinds = [Kind::Plain, Kind::Compressed, Kind::Indexed, Kind::Aes, Kind::ChaCha].into_iter();
        let of_kinds = kinds.flat_map(|kind| [Self::new(kind, true), Self::new(kind, false)]);
        of_kinds.chain(std::iter::once_with(Self::log_alone))
    }
}

pub fn key(index: u64) -> String {
    format!("{}/{index:03}", ["a", "b", "ü"][index as usize % 3])
}

pub fn document(index: u64, padding: usize) -> String {
    let value = ["null", r#""a""#, r#""b""#, r#""abc""#, "true"][index as usize % 5];
    let noise: String = (0..padding as u64).map(|at| char::from(b'a' + ((at * at + index * 7) % 26) as u8)).collect();
    format!(r#"{{"n":{},"s":{value},"text":"{noise}","index":{index}}}"#, index % 7)
}

/// Documents of the first session: enough for a table with index pages below its root.
const FIRST: u64 = 150;
/// Keys in all.
const KEYS: u64 = 190;

struct Builder {
    kind: Kind,
    /// What the randomness of the next session begins with.
    randomness: u64,
    fs: Memory,
    options: Options,
    keys: Vec<String>,
    history: BTreeMap<u64, Reading>,
    images: RefCell<Vec<Vec<u8>>>,
}

impl Builder {
    fn new(kind: Kind) -> Self {
        let is_compressed = matches!(kind, Kind::Compressed | Kind::ChaCha);
        let compression = if is_compressed { Compression::Lz4 } else { Compression::None };
        // The key that the file has before it is changed.
        let first_key = if kind == Kind::Aes { Encryption::key([1; 32]) } else { key_of_samples() };
        let encryption = kind.cipher().map(|cipher| first_key.with_cipher(cipher));
        let options = Options { page_size: 512, memtable_size: 4 << 20, compression, encryption, ..Options::default() };
        let mut keys: Vec<String> = (0..KEYS).map(key).collect();
        keys.extend(["", "a", "zz"].map(|absent| format!("{absent}?")));
        Self {
            kind,
            randomness: START_MS,
            fs: Memory::new(),
            options,
            keys,
            history: BTreeMap::new(),
            images: RefCell::default(),
        }
    }

    fn open(&mut self) -> Database<MemoryFile> {
        // No two sessions of a file may draw the same: keys and nonces are made of it.
        self.randomness += 1 << 32;
        let host = Arc::new(Host { now_ms: START_MS, randomness: Arc::new(AtomicU64::new(self.randomness)) });
        pollster::block_on(Database::open_with(&self.fs, "db", self.options.clone(), host)).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        self.fs.bytes("db").expect("there is a file")
    }

    /// Remembers what is read after a commit.
    fn note(&mut self) {
        let reading = read(&Image::new(&self.bytes()), &self.keys, self.options.encryption.clone()).unwrap();
        self.history.insert(reading.version, reading);
    }

    /// Remembers the file.
    fn keep(&self) {
        self.images.borrow_mut().push(self.bytes());
    }

    fn first_session(&mut self) {
        let mut db = self.open();
        self.note();
        self.keep();
        let mut transaction = Transaction::new();
        for index in 0..FIRST {
            transaction = transaction.set_json(&key(index), &document(index, 40)).unwrap();
        }
        db.commit(transaction).unwrap();
        self.note();
        self.keep();
        if matches!(self.kind, Kind::Indexed | Kind::Aes) {
            for path in ["n", "s"] {
                while !db.create_index_step(path, 60).unwrap().done {
                    self.note();
                }
                self.note();
                self.keep();
            }
        }
        db.close().unwrap();
        self.note();
        self.keep();
    }

    fn second_session(&mut self) {
        let mut db = self.open();
        if self.kind == Kind::Aes {
            let next = key_of_samples();
            db.change_key(&next).unwrap();
            self.options.encryption = Some(next);
        }
        for index in (0..FIRST).step_by(9) {
            db.set_json(&key(index), &document(index + 3, 25)).unwrap();
            self.note();
        }
        for index in (4..FIRST).step_by(13) {
            db.delete(&key(index)).unwrap();
            self.note();
        }
        self.keep();
        for (index, life) in [(151, 1), (152, 3600), (10, 1), (11, 3600)] {
            db.set_ex_json(&key(index), &document(index, 30), Duration::from_secs(life)).unwrap();
            self.note();
        }
        db.close().unwrap();
        self.note();
        self.keep();
    }

    /// Ends with tables in several runs and levels, and no log.
    fn third_session(&mut self) {
        let mut db = self.open();
        if self.kind == Kind::ChaCha {
            db.rotate_key().unwrap();
        }
        for index in 153..KEYS {
            db.set_json(&key(index), &document(index, 60)).unwrap();
            self.note();
            if index % 10 == 0 {
                self.keep();
            }
        }
        db.compact().unwrap();
        self.note();
        self.keep();
        for index in (0..KEYS).step_by(17) {
            db.delete(&key(index)).unwrap();
            db.set_json(&key(index + 1), "[1]").unwrap();
            self.note();
        }
        db.close().unwrap();
        self.note();
    }

    /// Ends with a log of more than one segment behind the tables, all of it durable.
    fn unfinished_session(&mut self) {
        let mut db = self.open();
        self.note();
        if self.kind == Kind::ChaCha {
            // The log has the new key, the tables have the old one.
            db.rotate_key_step(&mut RotateProgress::default(), 1).unwrap();
            self.note();
        }
        for index in 100..KEYS {
            let padding = if index % 8 == 0 { 2000 } else { 150 };
            db.set_json(&key(index), &document(index + 1, padding)).unwrap();
            self.note();
            if index % 8 == 0 {
                db.delete(&key(index - 50)).unwrap();
                self.note();
            }
            if index % 20 == 0 {
                self.keep();
            }
        }
        let transaction = Transaction::new().delete(&key(1)).unwrap().set_json(&key(2), "2").unwrap();
        db.commit(transaction).unwrap();
        self.note();
    }

    fn finish(self, name: String) -> Sample {
        let bytes = self.bytes();
        let image = Image::new(&bytes);
        let encryption = self.options.encryption;
        let reading = read(&image, &self.keys, encryption.clone()).unwrap();
        assert!(reading.answers.iter().all(|(_, error)| error.is_none()), "{name} is sound");
        Sample {
            name,
            bytes,
            keys: self.keys,
            reading,
            history: self.history,
            images: self.images.into_inner(),
            encryption,
        }
    }
}
