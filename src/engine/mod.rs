//! Stand-in for the engine, to build the documents layer against: everything in memory, with a log in the file.
#![expect(dead_code, clippy::should_implement_trait, reason = "a stand-in")]

use crate::environment::Environment;
use crate::fs::{self, File, FileSystem, OpenMode};
use std::collections::BTreeMap;
use std::ops::{Bound, Deref};
use std::sync::Arc;

/// Sequence number of a commit.
pub type Seq = u64;
/// Result of an engine call.
pub type Result<T> = std::result::Result<T, Error>;

/// Engine errors.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Fs(#[from] fs::Error),
    #[error("{what} at {at} is damaged")]
    Corrupt { what: &'static str, at: String },
    #[error("{name}: not a Ferrolite database")]
    NotADatabase { name: String },
    #[error("format {found}, supported is {supported}")]
    NewerFormat { found: u32, supported: u32 },
    #[error("read-only")]
    ReadOnly,
    #[error("locked")]
    Locked,
    #[error("failed: {reason}")]
    Failed { reason: String },
    #[error("{what} too large: {size}, limit {limit}")]
    TooLarge { what: &'static str, size: u64, limit: u64 },
}

/// When to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    #[default]
    Always,
    Periodic {
        interval_ms: u64,
    },
    Never,
}

/// Page compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    None,
    #[default]
    Lz4,
}

/// Engine options.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub create: bool,
    pub read_only: bool,
    pub durability: Durability,
    pub cache_size: usize,
    pub memtable_size: usize,
    pub page_size: usize,
    pub compression: Compression,
}

/// Shared bytes.
#[derive(Debug, Clone)]
pub struct Bytes(Arc<[u8]>);
impl Deref for Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// A version of a key.
#[derive(Debug, Clone)]
pub struct Entry {
    pub value: Bytes,
    pub seq: Seq,
    pub expires_at: Option<u64>,
}

type Operation = (Vec<u8>, Option<(Vec<u8>, Option<u64>)>);

/// One atomic commit.
#[derive(Debug, Clone, Default)]
pub struct Batch(Vec<Operation>);
impl Batch {
    pub fn new() -> Self {
        Self::default()
    }
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>, expires_at: Option<u64>) {
        self.0.push((key, Some((value, expires_at))));
    }
    pub fn delete(&mut self, key: Vec<u8>) {
        self.0.push((key, None));
    }
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub fn len(&self) -> usize {
        self.0.len()
    }
    pub fn size(&self) -> usize {
        self.0.iter().map(|(k, v)| k.len() + 16 + v.as_ref().map_or(0, |v| v.0.len())).sum()
    }
}

/// A range of engine keys.
#[derive(Debug, Clone)]
pub struct KeyRange {
    pub start: Bound<Vec<u8>>,
    pub end: Bound<Vec<u8>>,
}

/// A snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    pub seq: Seq,
}

/// Figures.
#[derive(Debug, Clone, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Statistics {
    pub file_size: u64,
    pub syncs: u64,
}

/// What a check found.
#[derive(Debug, Clone, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    pub problems: Vec<String>,
}

type Versions = BTreeMap<Seq, Option<Entry>>;

/// The stand-in engine.
pub struct Engine<F: File> {
    file: F,
    read_only: bool,
    map: BTreeMap<Vec<u8>, Versions>,
    seq: Seq,
    length: u64,
    pending: Vec<Vec<Operation>>,
    syncs: u64,
    environment: Box<dyn Environment + Send>,
}

const MAGIC: &[u8] = b"ferrolite stand-in\n";

impl<F: File> Engine<F> {
    pub async fn open<S: FileSystem<File = F>>(
        fs: &S,
        name: &str,
        options: Options,
        environment: Box<dyn Environment + Send>,
    ) -> Result<Self> {
        let mode = match (options.read_only, options.create) {
            (true, _) => OpenMode::ReadOnly,
            (false, true) => OpenMode::Create,
            (false, false) => OpenMode::ReadWrite,
        };
        let file = fs.open(name, mode).await?;
        let mut bytes = vec![0; file.len()? as usize];
        fs::read_full(&file, &mut bytes, 0)?;
        let (map, length) = (BTreeMap::new(), bytes.len() as u64);
        let (read_only, pending) = (options.read_only, Vec::new());
        let mut engine = Self { file, read_only, map, seq: 0, length, pending, syncs: 0, environment };
        if bytes.is_empty() {
            fs::write_full(&engine.file, MAGIC, 0)?;
            engine.length = MAGIC.len() as u64;
        } else if !bytes.starts_with(MAGIC) {
            return Err(Error::NotADatabase { name: name.into() });
        }
        for line in bytes.get(MAGIC.len()..).unwrap_or_default().split(|byte| *byte == b'\n') {
            if !line.is_empty() {
                let operations = serde_json::from_slice(line)
                    .map_err(|error| Error::Corrupt { what: "log", at: error.to_string() })?;
                engine.apply(operations);
            }
        }
        Ok(engine)
    }

    fn apply(&mut self, operations: Vec<Operation>) {
        self.seq += 1;
        let seq = self.seq;
        for (key, put) in operations {
            let entry = put.map(|(value, expires_at)| Entry { value: Bytes(value.into()), seq, expires_at });
            self.map.entry(key).or_default().insert(seq, entry);
        }
    }

    pub fn last_seq(&self) -> Seq {
        self.seq
    }
    pub fn now_ms(&self) -> u64 {
        self.environment.now_ms()
    }
    pub fn random(&self, buffer: &mut [u8]) {
        self.environment.fill_random(buffer);
    }
    pub fn get(&self, key: &[u8], at: Seq, now_ms: u64) -> Result<Option<Entry>> {
        Ok(self.map.get(key).and_then(|versions| live(versions, at, now_ms)))
    }
    pub fn scan(&self, range: KeyRange, reverse: bool, at: Seq, now_ms: u64) -> Result<Cursor<'_, F>> {
        let entries = self.map.range((range.start, range.end));
        let mut entries: Vec<_> =
            entries.filter_map(|(key, versions)| Some((key.clone(), live(versions, at, now_ms)?))).collect();
        if !reverse {
            entries.reverse();
        }
        Ok(Cursor { entries, _engine: self })
    }
    pub fn append(&mut self, batch: Batch) -> Result<Seq> {
        if self.read_only {
            return Err(Error::ReadOnly);
        }
        self.pending.push(batch.0.clone());
        self.apply(batch.0);
        Ok(self.seq)
    }
    pub fn finish_group(&mut self, durability: Durability) -> Result<()> {
        let mut bytes = Vec::new();
        for operations in &self.pending {
            serde_json::to_writer(&mut bytes, operations).expect("plain bytes");
            bytes.push(b'\n');
        }
        let kept = self.seq - self.pending.len() as u64;
        self.pending.clear();
        if let Err(error) = fs::write_full(&self.file, &bytes, self.length) {
            for versions in self.map.values_mut() {
                versions.retain(|seq, _| *seq <= kept);
            }
            self.seq = kept;
            return Err(error.into());
        }
        self.length += bytes.len() as u64;
        if durability == Durability::Always {
            self.sync()?;
        }
        Ok(())
    }
    pub fn snapshot(&mut self) -> Snapshot {
        Snapshot { seq: self.seq }
    }
    pub fn release(&mut self, _snapshot: Snapshot) {}
    pub fn sync(&mut self) -> Result<()> {
        self.syncs += 1;
        Ok(self.file.sync()?)
    }
    pub fn maintain(&mut self, _budget_bytes: usize) -> Result<bool> {
        Ok(false)
    }
    pub fn compact(&mut self) -> Result<()> {
        Ok(())
    }
    pub fn drop_prefix(&mut self, prefix: [u8; 8]) -> Result<()> {
        let mut batch = Batch::new();
        let keys: Vec<_> = self.map.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        keys.into_iter().for_each(|key| batch.delete(key));
        self.append(batch)?;
        self.finish_group(Durability::Always)
    }
    pub fn statistics(&self) -> Statistics {
        Statistics { file_size: self.length, syncs: self.syncs }
    }
    pub fn check(&self, _full: bool) -> Result<CheckReport> {
        Ok(CheckReport::default())
    }
    pub fn close(mut self) -> Result<()> {
        self.sync()
    }
}

fn live(versions: &Versions, at: Seq, now_ms: u64) -> Option<Entry> {
    let entry = versions.range(..=at).next_back()?.1.clone()?;
    entry.expires_at.is_none_or(|expires_at| expires_at > now_ms).then_some(entry)
}

/// Walks entries.
pub struct Cursor<'a, F: File> {
    entries: Vec<(Vec<u8>, Entry)>,
    _engine: &'a Engine<F>,
}

impl<F: File> Cursor<'_, F> {
    pub fn next(&mut self) -> Result<Option<(Vec<u8>, Entry)>> {
        Ok(self.entries.pop())
    }
    pub fn count_rest(&mut self) -> Result<u64> {
        Ok(std::mem::take(&mut self.entries).len() as u64)
    }
}
