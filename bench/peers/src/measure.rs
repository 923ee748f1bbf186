//! One run of one subject: what was measured, and what was found, which must be the same for all subjects.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::plan::Plan;
use crate::store::{Change, Reader, Setup, Store, Subject};

/// A row's unit is part of what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    pub name: String,
    pub unit: &'static str,
}

pub struct Run<'a> {
    pub plan: &'a Plan,
    pub subject: Subject,
    directory: PathBuf,
    databases: usize,
    pub figures: Vec<(Work, f64)>,
    /// What was read, as sums that do not depend on who has read it.
    pub checks: Vec<(String, u64)>,
}

impl<'a> Run<'a> {
    pub fn new(plan: &'a Plan, subject: Subject, directory: PathBuf) -> Self {
        Self { plan, subject, directory, databases: 0, figures: Vec::new(), checks: Vec::new() }
    }

    /// A new database in a directory of its own.
    pub fn create(&mut self, durable: bool) -> Result<Box<dyn Store>> {
        self.create_directory()?;
        self.open(durable)
    }

    /// A directory for a database that is made there by other means.
    pub fn create_directory(&mut self) -> Result<PathBuf> {
        self.databases += 1;
        std::fs::create_dir_all(self.path()).context("a directory for the database")?;
        Ok(self.path())
    }

    /// Opens the newest database again.
    pub fn open(&self, durable: bool) -> Result<Box<dyn Store>> {
        (self.subject.open)(&self.path(), Setup { durable, cache: self.plan.cache })
    }

    /// The directory of the newest database.
    pub fn path(&self) -> PathBuf {
        self.directory.join(self.databases.to_string())
    }

    /// Closes the newest database and removes it.
    pub fn discard(&mut self, store: Box<dyn Store>) -> Result<()> {
        store.close()?;
        Ok(std::fs::remove_dir_all(self.path())?)
    }

    pub fn figure(&mut self, name: impl Into<String>, unit: &'static str, value: f64) {
        self.figures.push((Work { name: name.into(), unit }, value));
    }

    pub fn check(&mut self, name: impl Into<String>, value: u64) {
        self.checks.push((name.into(), value));
    }

    /// Times `count` operations together; the figure is microseconds for each.
    pub fn time(
        &mut self,
        name: &str,
        unit: &'static str,
        count: usize,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let start = Instant::now();
        work().with_context(|| name.to_owned())?;
        self.figure(name, unit, start.elapsed().as_secs_f64() * 1e6 / count as f64);
        Ok(())
    }

    /// Times `count` operations one by one: the median and the 99th percentile, microseconds.
    pub fn sample(&mut self, name: &str, count: usize, mut work: impl FnMut(usize) -> Result<()>) -> Result<()> {
        let mut samples = Vec::with_capacity(count);
        for index in 0..count {
            let start = Instant::now();
            work(index).with_context(|| name.to_owned())?;
            samples.push(start.elapsed());
        }
        self.figure(format!("{name}, p50"), "us", percentile(&mut samples, 0.5));
        self.figure(format!("{name}, p99"), "us", percentile(&mut samples, 0.99));
        Ok(())
    }

    /// Goes through a whole database: the number of documents and a hash of all keys and documents in their order.
    pub fn check_content(&mut self, name: &str, store: &mut dyn Store) -> Result<()> {
        let (mut count, mut hash) = (0, 0);
        store.read(&mut |reader| {
            reader.scan("", usize::MAX >> 1, &mut |key, json| {
                count += 1;
                hash = fnv(fnv(hash, key), json);
            })
        })?;
        self.check(format!("{name}: documents"), count);
        self.check(format!("{name}: hash"), hash);
        Ok(())
    }

    /// Bytes of the newest database's files.
    pub fn bytes_on_disk(&self) -> Result<u64> {
        bytes_below(&self.path())
    }
}

/// Microseconds.
pub fn percentile(samples: &mut [Duration], share: f64) -> f64 {
    samples.sort_unstable();
    let index = ((samples.len() as f64 * share) as usize).min(samples.len().saturating_sub(1));
    samples.get(index).map_or(0.0, |sample| sample.as_secs_f64() * 1e6)
}

fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(hash ^ 0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn bytes_below(path: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let path = entry.path();
        bytes += if path.is_dir() { bytes_below(&path)? } else { bytes_of(&path)? };
    }
    Ok(bytes)
}

/// Some databases make files longer than what they have written: what takes no room on the disk does not count. What is not
/// on the disk yet is brought there, so that it does.
#[cfg(unix)]
fn bytes_of(path: &Path) -> Result<u64> {
    let file = std::fs::File::open(path)?;
    file.sync_all()?;
    let metadata = file.metadata()?;
    Ok(metadata.len().min(std::os::unix::fs::MetadataExt::blocks(&metadata) * 512))
}

#[cfg(not(unix))]
fn bytes_of(path: &Path) -> Result<u64> {
    Ok(std::fs::metadata(path)?.len())
}

/// A sum of what was found, cheap enough to be taken while the clock runs: lengths, and eight bytes of each document.
#[derive(Debug, Default)]
pub struct Found {
    pub documents: u64,
    pub sum: u64,
}

impl Found {
    pub fn add(&mut self, json: &[u8]) {
        self.documents += 1;
        self.sum = self.sum.wrapping_add(json.len() as u64);
        if let Some(bytes) = json.get(json.len() / 2..).and_then(|half| half.first_chunk::<8>()) {
            self.sum = self.sum.wrapping_add(u64::from_le_bytes(*bytes));
        }
    }

    pub fn get(&mut self, reader: &dyn Reader, key: &str) -> Result<()> {
        reader.get(key, &mut |json| self.add(json))?;
        Ok(())
    }

    pub fn scan(&mut self, reader: &dyn Reader, from: &str, limit: usize) -> Result<()> {
        reader.scan(from, limit, &mut |_, json| self.add(json))
    }
}

/// Writes documents as commits of `batch`.
pub fn load(store: &mut dyn Store, documents: &[(String, String)], batch: usize) -> Result<()> {
    for chunk in documents.chunks(batch) {
        let changes: Vec<Change> = chunk.iter().map(|(key, json)| Change::Put(key, json)).collect();
        store.commit(&changes)?;
    }
    Ok(())
}
