//! A caller's work that panics: the group or transaction around it is given up, and the database works.

use crate::support::{Bench, Clock, assert_sound, code, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::fs::{self, File, FileSystem, Memory, MemoryFile, OpenMode};
use ferrolite::{Database, ErrorCode, Options, PageLimits, Range, WatchOptions};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Runs `work`, which panics.
fn caught<R>(work: impl FnOnce() -> R) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err(), "it does not panic");
}

fn count<F: File>(db: &Database<F>) -> u64 {
    db.count(&Range::all()).unwrap()
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn nothing_is_kept_of_a_group_that_panics() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.create_index("x").unwrap();
    db.set_json("before", r#"{"x":1}"#).unwrap();
    let mut watcher = db.watch_all(&WatchOptions::default()).unwrap();
    let version = db.version();
    caught(|| {
        db.group(|db| {
            db.set_json("in", r#"{"x":1}"#).unwrap();
            db.collection_mut("made").unwrap().set("k", &1).unwrap();
            // Groups that the work has begun itself end with it.
            db.begin_group();
            db.begin_group();
            db.set("before", &2).unwrap();
            panic!("a bug of the caller's")
        })
    });
    assert_eq!((count(&db), db.version()), (1, version));
    assert!(db.collections().is_empty());
    assert!(db.changes(&mut watcher, PageLimits::default()).unwrap().is_empty());
    // Later writes reach the file.
    fs.reset_counts();
    db.set_json("after", r#"{"x":1}"#).unwrap();
    assert_eq!((fs.counts().writes, fs.counts().syncs), (1, 1));
    drop(db);
    fs.restart(Recovery::LoseAll);
    let db = open(&fs, &clock, Options::default()).unwrap();
    assert_eq!(db.keys(&Range::all()).unwrap(), ["after", "before"]);
    assert_eq!(crate::support::find(&db, "x", "1"), ["after", "before"]);
    assert_sound(&db);
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn a_group_inside_that_panics_takes_the_outer_one_with_it() {
    let bench = Bench::new();
    let mut db = bench.open();
    let outer = db.group(|db| {
        db.set("outer", &1).unwrap();
        caught(|| db.group(|db| db.set("inner", &1).map(|_| panic!("a bug"))).map(drop));
        assert_eq!(code(db.set("later", &1)), ErrorCode::Aborted);
    });
    assert_eq!(code(outer), ErrorCode::Aborted);
    assert_eq!(count(&db), 0);
    db.set("k", &1).unwrap();
    db.close().unwrap();
    assert_eq!(count(&bench.open()), 1);
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn what_was_written_out_before_the_panic_stays() {
    let mut db = Bench::new().open();
    caught(|| {
        db.group(|db| {
            db.set("a", &1).unwrap();
            db.flush().unwrap();
            db.set("b", &1).unwrap();
            panic!("a bug")
        })
    });
    assert_eq!(db.keys(&Range::all()).unwrap(), ["a"]);
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn a_transaction_that_panics_is_rolled_back() {
    let mut db = Bench::new().open();
    db.set("k", &1).unwrap();
    caught(|| {
        db.transaction(|tx| -> ferrolite::Result<()> {
            tx.set("k", &2)?;
            panic!("a bug")
        })
    });
    assert_eq!(db.get("k").unwrap(), Some(1));
    assert_eq!(db.stats().engine.snapshots, 0, "its snapshot is released");
    db.group(|db| {
        db.set("a", &1).unwrap();
        caught(|| db.transaction(|_| -> ferrolite::Result<()> { panic!("a bug") }));
        db.set("b", &1).unwrap();
    })
    .unwrap();
    assert_eq!(count(&db), 3);
}

/// A writer and a reader of the caller's that panic.
struct Panics(usize);

impl std::io::Write for Panics {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(1).expect("a bug of the caller's");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl std::io::Read for Panics {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        self.0 = self.0.checked_sub(1).expect("a bug of the caller's");
        bytes.fill(0);
        Ok(bytes.len())
    }
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn an_export_whose_writer_panics_keeps_no_space() {
    let bench = Bench::new();
    let mut db = bench.open_with(Options { memtable_size: 64 << 10, ..Options::default() });
    for n in 0..20_000 {
        db.set(&format!("{n}"), &"x".repeat(500)).unwrap();
    }
    db.compact().unwrap();
    let full = db.stats().engine.file_bytes;
    caught(|| db.export_to(Panics(1)));
    db.delete_range(&Range::all()).unwrap();
    db.compact().unwrap();
    let left = db.stats().engine.file_bytes;
    assert!(left * 3 < full, "{left} bytes of {full} are left");
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn an_import_whose_reader_panics_can_be_done_again() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("k", &1).unwrap();
    let bytes = crate::support::exported(&mut db);
    let import = |from: &mut dyn std::io::Read| {
        pollster::block_on(ferrolite::import_from(from, &bench.fs, "copy", Options::default()))
    };
    caught(|| import(&mut Panics(0)).is_ok());
    assert_eq!(import(&mut bytes.as_slice()).unwrap().get("k").unwrap(), Some(1));
}

/// A document of the caller's that panics while it is serialized.
struct Unserializable;

impl serde::Serialize for Unserializable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("a bug of the caller's")
    }
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn documents_that_panic_leave_nothing() {
    let mut db = Bench::new().open();
    caught(|| db.set("k", &Unserializable));
    caught(|| db.set_many([("a", Ok(1)), ("b", Err(()))].map(|(key, n)| (key, n.unwrap()))));
    caught(|| db.set_many((0..3).map(|n| if n == 2 { panic!("a bug") } else { (n.to_string(), n) })));
    assert_eq!((count(&db), db.version()), (0, 0));
    db.set("k", &1).unwrap();
    assert_sound(&db);
}

/// Files of which one call panics, when so many have been made.
#[derive(Clone)]
struct Panicking<T> {
    inner: T,
    left: Arc<AtomicU64>,
}

impl<T> Panicking<T> {
    fn call(&self) -> &T {
        let before = self.left.fetch_sub(1, Ordering::Relaxed);
        assert!(before != 1, "a bug of the caller's files");
        &self.inner
    }
}

impl FileSystem for Panicking<Memory> {
    type File = Panicking<MemoryFile>;

    async fn open(&self, name: &str, mode: OpenMode) -> fs::Result<Self::File> {
        Ok(Panicking { inner: self.inner.open(name, mode).await?, left: Arc::clone(&self.left) })
    }

    async fn remove(&self, name: &str) -> fs::Result<()> {
        self.inner.remove(name).await
    }

    async fn list(&self) -> fs::Result<Vec<String>> {
        self.inner.list().await
    }
}

impl File for Panicking<MemoryFile> {
    fn len(&self) -> fs::Result<u64> {
        self.call().len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> fs::Result<usize> {
        self.call().read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> fs::Result<usize> {
        self.call().write_at(bytes, offset)
    }

    fn truncate(&self, len: u64) -> fs::Result<()> {
        self.call().truncate(len)
    }

    fn is_current(&self, len: u64) -> bool {
        self.call().is_current(len)
    }

    fn sync(&self) -> fs::Result<()> {
        self.call().sync()
    }

    fn is_exclusive(&self) -> bool {
        true
    }
}

type Documents = BTreeMap<String, String>;

fn documents<F: File>(db: &Database<F>) -> Documents {
    db.entries_json(&Range::all()).unwrap().into_iter().collect()
}

/// Works until the call `at` of the files panics. False when there are fewer calls.
fn work_until_panic(at: u64) -> bool {
    let left = Arc::new(AtomicU64::new(0));
    let fs = Panicking { inner: Memory::new(), left: Arc::clone(&left) };
    let options = Options { memtable_size: 16 << 10, page_size: 512, cache_size: 0, ..Options::default() };
    let mut acknowledged = Documents::new();
    let mut has_panicked = false;
    for session in 0..2 {
        let mut db = open(&fs, &Clock::new(), options.clone()).unwrap();
        left.store(if session == 0 { 0 } else { at }, Ordering::Relaxed);
        for n in 0..60_u64 {
            let mut next = acknowledged.clone();
            let written = catch_unwind(AssertUnwindSafe(|| {
                let texts: Vec<_> =
                    (0..4).map(|m| (format!("{}", (n * 7 + m) % 40), format!("\"{n} {}\"", "x".repeat(300)))).collect();
                next.extend(texts.iter().cloned());
                let written = db.group(|db| texts.iter().try_for_each(|(key, json)| db.set_json(key, json).map(drop)));
                if n % 9 == 8 {
                    while db.maintain(4 << 10)? {}
                }
                written.and_then(|inner| inner)
            }));
            let was_fine = !has_panicked;
            // The comparisons do not count.
            let calls_left = left.swap(0, Ordering::Relaxed);
            has_panicked |= written.is_err();
            match written {
                Ok(Ok(())) => acknowledged = next,
                Ok(Err(error)) => assert_eq!((error.code(), has_panicked), (ErrorCode::Failed, true), "{at}: {error}"),
                // Maintenance comes behind the writing.
                Err(_) if documents(&db) == next => acknowledged = next,
                Err(_) => assert!(was_fine, "one call panics"),
            }
            assert!(documents(&db) == acknowledged, "call {at}, group {n}: other documents are read");
            left.store(if has_panicked { 0 } else { calls_left }, Ordering::Relaxed);
        }
        drop(db);
    }
    left.store(0, Ordering::Relaxed);
    let db = open(&fs.inner, &Clock::new(), options).unwrap();
    let found = documents(&db);
    let is_newer = |(key, json): (&String, &String)| found.get(key) == Some(json);
    // A commit that panicked behind its flush is there, although nobody has its answer.
    assert!(
        found == acknowledged
            || has_panicked && acknowledged.iter().filter(|document| !is_newer(*document)).count() <= 4
    );
    assert_sound(&db);
    has_panicked
}

#[test]
#[cfg_attr(target_os = "wasi", ignore = "a panic ends the program here")]
fn a_file_that_panics_closes_the_database_to_writes_and_loses_nothing() {
    let mut at = 1;
    while work_until_panic(at) {
        at += 1 + at / 10;
    }
    assert!(at > 100, "{at}");
}
