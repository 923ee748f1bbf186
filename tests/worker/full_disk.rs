//! A small file system is filled, and everything that must go on goes on: reads, reopening, deleting, compacting, and
//! then writing again.
//!
//! What is acknowledged goes into a model, what is refused does not, and after each step the database must be equal to
//! the model. A step that fails is told, and the run goes on, so that one run tells everything.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ferrolite::fs::{Std, StdFile};
use ferrolite::{Condition, Database, Error, ErrorCode, FindOptions, Options, Range, Transaction};

use crate::random::Random;

const NAME: &str = "full.ferrolite";
/// So many refusals of small documents in a row say that the disk is full.
const REFUSALS: u32 = 30;
/// Fewer than these are no proof that the database was of any use on this disk.
const DOCUMENTS_MIN: usize = 200;

type Db = Database<StdFile>;

/// What is deleted from a full disk, in turn.
#[derive(Debug, Clone, Copy)]
enum Deletion {
    EveryOther,
    HalfInTransactions,
    HalfByRange,
    All,
    AllOneByOne,
}

const DELETIONS: [Deletion; 5] =
    [Deletion::EveryOther, Deletion::HalfByRange, Deletion::All, Deletion::HalfInTransactions, Deletion::AllOneByOne];

struct FullDisk {
    directory: PathBuf,
    /// What the file system holds, in bytes.
    capacity: u64,
    options: Options,
    random: Random,
    model: BTreeMap<String, String>,
    next_key: u64,
    acknowledged: u64,
    refused: u64,
    failures: u32,
}

/// Runs the scenario in `directory`, on a file system that has room for about `capacity` bytes.
pub fn run(directory: &str, seed: u64, rounds: u64, capacity: u64) -> ExitCode {
    let memtable_size = if seed.is_multiple_of(2) { 64 << 10 } else { 4 << 20 };
    let mut disk = FullDisk {
        directory: directory.into(),
        capacity,
        options: Options { memtable_size, ..Options::default() },
        random: Random::new(seed),
        model: BTreeMap::new(),
        next_key: 0,
        acknowledged: 0,
        refused: 0,
        failures: 0,
    };
    disk.create_without_room();
    match disk.open("open") {
        Some(db) => disk.rounds(db, rounds),
        None => disk.failures += 1,
    }
    println!("figures\t{rounds} rounds\t{} acknowledged\t{} refused", disk.acknowledged, disk.refused);
    println!("failures\t{}", disk.failures);
    if disk.failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl FullDisk {
    /// A disk without room for a database: that is told, and nothing stays that is in the way later.
    fn create_without_room(&mut self) {
        for left in [0, 4 << 10, 16 << 10, 64 << 10, 80 << 10] {
            let ballast = self.directory.join("ballast");
            fill(&ballast, left);
            match pollster::block_on(self.open_with(&self.options)) {
                Ok(db) => {
                    let mut db = db;
                    let result = db.set_json("a", "1");
                    self.expect_full(&format!("first write with {left} bytes left"), result.map(drop));
                    drop(db);
                }
                Err(error) => self.expect_full(&format!("create with {left} bytes left"), Err(error)),
            }
            fs::remove_file(&ballast).unwrap();
            let result = pollster::block_on(self.open_with(&self.options)).and_then(|mut db| {
                db.set_json("a", "2")?;
                db.delete("a")?;
                db.close()
            });
            self.expect(&format!("create after {left} bytes were left"), result);
            let _ = fs::remove_file(self.directory.join(NAME));
        }
    }

    fn rounds(&mut self, db: Db, rounds: u64) {
        let mut db = db;
        let created = db.create_index("group").map(drop);
        self.expect("create an index", created);
        for round in 0..rounds {
            let deletion = DELETIONS[(round % DELETIONS.len() as u64) as usize];
            println!("round\t{round}\t{deletion:?}");
            self.fill(&mut db);
            self.compare("read the full disk", &db);
            self.idle("be idle on the full disk", &mut db);
            let Some(reopened) = self.reopen(db, round) else { return };
            db = reopened;
            let compacted = db.compact();
            self.expect_full("compact the full disk", compacted);
            self.compare("read after compacting the full disk", &db);
            let before = self.model.len();
            self.delete(&mut db, deletion);
            self.compare("read after deleting", &db);
            let compacted = db.compact();
            self.expect("compact after deleting", compacted);
            self.compare("read after compacting", &db);
            self.write_again(&mut db, before - self.model.len());
        }
        let closed = db.close();
        self.expect_full("close", closed);
        if let Some(db) = self.open("open at the end") {
            self.compare("read at the end", &db);
        }
    }

    /// Writes until the disk is full.
    fn fill(&mut self, db: &mut Db) {
        let mut refusals = 0;
        let mut written = 0;
        let started = self.model.len();
        while refusals < REFUSALS {
            let size = if refusals > 0 { self.random.between(20, 200) } else { self.random.between(20, 3000) };
            let count = if self.random.chance(20) { self.random.between(2, 10) } else { 1 };
            let changes: Vec<_> = (0..count).map(|_| self.document(size)).collect();
            let result = if let [(key, json)] = changes.as_slice() {
                db.set_json(key, json).map(drop)
            } else {
                let add = |transaction: Transaction, (key, json): &(String, String)| transaction.set_json(key, json);
                changes.iter().try_fold(Transaction::new(), add).and_then(|all| db.commit(all).map(drop))
            };
            match result {
                Ok(()) => {
                    refusals = 0;
                    self.acknowledged += 1;
                    written += changes.iter().map(|(key, json)| key.len() + json.len()).sum::<usize>() as u64;
                    self.model.extend(changes);
                }
                Err(error) if error.code() == ErrorCode::StorageFull => {
                    refusals += 1;
                    self.refused += 1;
                    if refusals == 1 {
                        println!("first\t{error}\tfree {}", self.free());
                        self.compare("read after the first refusal", db);
                    }
                }
                Err(error) => return self.fail("fill", &error.to_string()),
            }
            if written > 4 * self.capacity {
                return self.fail("fill", "the disk never becomes full");
            }
        }
        println!("filled\t{written} bytes in {} documents\tfree {}", self.model.len() - started, self.free());
        if self.model.len() < DOCUMENTS_MIN {
            self.fail("fill", &format!("only {} documents have room on the disk", self.model.len()));
        }
    }

    /// A document of about `size` bytes that hardly compresses, at a new key or an old one.
    fn document(&mut self, size: u64) -> (String, String) {
        let key = if self.random.chance(80) || self.next_key == 0 {
            self.next_key += 1;
            self.next_key
        } else {
            self.random.below(self.next_key)
        };
        let mut text = String::new();
        while (text.len() as u64) < size {
            text += &format!("{:016x}", self.random.next());
        }
        (format!("k{key:07}"), format!("{{\"group\":{},\"text\":\"{text}\"}}", key % 7))
    }

    fn idle(&mut self, step: &str, db: &mut Db) {
        for _ in 0..10_000 {
            match db.maintain(1 << 20) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => return self.expect_full(step, Err(error)),
            }
        }
        self.fail(step, "there is no end to it");
    }

    /// Closes the database, or only drops it, and opens it again: for reading, then for writing.
    fn reopen(&mut self, db: Db, round: u64) -> Option<Db> {
        if round.is_multiple_of(2) {
            let closed = db.close();
            self.expect_full("close on the full disk", closed);
        } else {
            drop(db);
        }
        let read_only = Options { read_only: true, create: false, ..self.options.clone() };
        match pollster::block_on(self.open_with(&read_only)) {
            Ok(db) => self.compare("read the full disk, opened for reading", &db),
            Err(error) => self.fail("open the full disk for reading", &error.to_string()),
        }
        let db = self.open("open on the full disk")?;
        self.compare("read the full disk, opened again", &db);
        Some(db)
    }

    fn delete(&mut self, db: &mut Db, deletion: Deletion) {
        let keys: Vec<String> = self.model.keys().cloned().collect();
        let half = keys.len() / 2;
        match deletion {
            Deletion::EveryOther => self.delete_each(db, keys.iter().step_by(2)),
            Deletion::AllOneByOne => self.delete_each(db, keys.iter()),
            Deletion::HalfByRange => {
                let Some(middle) = keys.get(half) else { return };
                self.delete_range(db, &Range::all().lt(middle));
            }
            Deletion::All => self.delete_range(db, &Range::all()),
            Deletion::HalfInTransactions => {
                for keys in keys[..half].chunks(20) {
                    let add = |transaction: Transaction, key: &String| transaction.delete(key);
                    let result = keys.iter().try_fold(Transaction::new(), add).and_then(|all| db.commit(all));
                    if result.is_ok() {
                        keys.iter().for_each(|key| drop(self.model.remove(key)));
                    }
                    if !self.expect("delete in a transaction", result.map(drop)) {
                        return;
                    }
                }
            }
        }
    }

    fn delete_each<'k>(&mut self, db: &mut Db, keys: impl Iterator<Item = &'k String>) {
        for (count, key) in keys.enumerate() {
            let result = db.delete(key);
            if result.is_ok() {
                self.model.remove(key);
            }
            if !self.expect("delete", result.map(drop)) {
                println!("\tafter {count} deletions");
                return;
            }
        }
    }

    fn delete_range(&mut self, db: &mut Db, range: &Range) {
        let result = db.delete_range(range);
        if result.is_ok() {
            let keys = db.keys(&Range::all()).unwrap_or_default();
            self.model.retain(|key, _| keys.binary_search(key).is_ok());
        }
        self.expect(&format!("delete {range:?}"), result.map(drop));
    }

    /// Half as much as was deleted has room again.
    fn write_again(&mut self, db: &mut Db, deleted: usize) {
        for count in 0..deleted / 2 {
            let size = self.random.between(20, 1500);
            let (key, json) = self.document(size);
            let result = db.set_json(&key, &json);
            if result.is_ok() {
                self.acknowledged += 1;
                self.model.insert(key, json);
            }
            if !self.expect("write again", result.map(drop)) {
                println!("\tafter {count} of {} documents", deleted / 2);
                break;
            }
        }
        self.compare("read what was written again", db);
    }

    /// The database has what the model has, by every way to look at it.
    fn compare(&mut self, step: &str, db: &Db) {
        let entries = match db.entries_json(&Range::all()) {
            Ok(entries) => entries,
            Err(error) => return self.fail(step, &error.to_string()),
        };
        if !entries.iter().map(|(key, json)| (key, json)).eq(self.model.iter()) {
            let found: BTreeMap<_, _> = entries.into_iter().collect();
            let lost = self.model.keys().filter(|key| !found.contains_key(*key)).count();
            let invented = found.keys().filter(|key| !self.model.contains_key(*key)).count();
            self.fail(step, &format!("{lost} documents lost, {invented} invented, or others changed"));
            // What follows is measured against what is there.
            self.model = found;
        }
        let condition = Condition::equals(&3).unwrap();
        match db.find("group", &condition, &FindOptions::default()) {
            Ok(keys) => {
                let right = self.model.iter().filter(|(_, json)| json.starts_with("{\"group\":3,")).map(|(key, _)| key);
                if !keys.iter().eq(right) {
                    self.fail(step, "the index gives other keys");
                }
            }
            Err(error) => self.fail(step, &error.to_string()),
        }
        match db.check(true) {
            Ok(report) if report.is_ok() => {}
            Ok(report) => self.fail(step, &format!("{:?}", report.problems)),
            Err(error) => self.fail(step, &error.to_string()),
        }
    }

    fn open(&mut self, step: &str) -> Option<Db> {
        let opened = pollster::block_on(self.open_with(&self.options));
        opened.map_err(|error| self.fail(step, &error.to_string())).ok()
    }

    async fn open_with(&self, options: &Options) -> Result<Db, Error> {
        Database::open(&Std::new(&self.directory), NAME, options.clone()).await
    }

    /// The step must have succeeded.
    fn expect(&mut self, step: &str, result: Result<(), Error>) -> bool {
        let good = result.is_ok();
        if let Err(error) = result {
            self.fail(step, &error.to_string());
        }
        good
    }

    /// The step may have been refused because the disk is full.
    fn expect_full(&mut self, step: &str, result: Result<(), Error>) {
        match result {
            Err(error) if error.code() == ErrorCode::StorageFull => println!("full\t{step}\t{error}"),
            Err(error) => self.fail(step, &error.to_string()),
            Ok(()) => {}
        }
    }

    fn fail(&mut self, step: &str, what: &str) {
        self.failures += 1;
        println!("FAILED\t{step}\t{what}\tfree {}", self.free());
    }

    /// What is left of the file system, and how large the database is, in bytes.
    fn free(&self) -> String {
        let length = fs::metadata(self.directory.join(NAME)).map_or(0, |metadata| metadata.len());
        format!("{}, file {length}", free_bytes(&self.directory))
    }
}

#[cfg(unix)]
fn free_bytes(directory: &Path) -> String {
    rustix::fs::statvfs(directory)
        .map_or_else(|error| error.to_string(), |facts| (facts.f_bavail * facts.f_frsize).to_string())
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> String {
    "unknown".to_owned()
}

/// Fills the file system with one file, but for `left` bytes.
fn fill(path: &Path, left: u64) {
    let mut file = fs::File::create(path).unwrap();
    for piece in [64 << 10, 4 << 10, 512] {
        while file.write_all(&vec![1; piece]).is_ok() {}
    }
    let length = file.metadata().unwrap().len();
    file.set_len(length.saturating_sub(left)).unwrap();
    file.sync_all().unwrap();
}
