//! The library over the host's own files, natively and, under `wasmtime`, on WASI.

#[path = "support/directory.rs"]
mod directory;

use directory::Directory;
use ferrolite::fs::{Std, StdFile};
use ferrolite::{Condition, Database, Durability, Error, ErrorCode, FindOptions, Options, Range};
use serde_json::{Value, json};
use std::path::PathBuf;

type Db = Database<StdFile>;

impl Directory {
    fn open(&self, options: Options) -> Result<Db, Error> {
        pollster::block_on(Database::open(&self.0, "db", options))
    }

    fn path(&self) -> PathBuf {
        self.0.directory().join("db")
    }
}

fn read_only() -> Options {
    Options { read_only: true, ..Options::default() }
}

fn code<T>(result: Result<T, Error>) -> ErrorCode {
    result.err().expect("it must fail").code()
}

#[test]
fn a_database_comes_back_after_closing() {
    let directory = Directory::new("closing");
    let mut db = directory.open(Options::default()).unwrap();
    db.create_index("address.city").unwrap();
    for n in 0..5000 {
        let city = ["Ulm", "Bonn", "Kiel"][n % 3];
        db.group(|db| db.set(&format!("user:{n:05}"), &json!({"n": n, "address": {"city": city}}))).unwrap().unwrap();
    }
    db.delete_range(&Range::prefix("user:049")).unwrap();
    db.close().unwrap();

    for options in [read_only(), Options::default()] {
        let db = directory.open(options).unwrap();
        assert_eq!(db.count(&Range::all()).unwrap(), 4900);
        assert_eq!(db.get::<Value>("user:00042").unwrap().unwrap()["n"], 42);
        let bonn = db.find("address.city", &Condition::equals("Bonn").unwrap(), &FindOptions::default()).unwrap();
        assert_eq!(bonn.len(), (0..4900).filter(|n| n % 3 == 1).count());
        assert!(db.check(true).unwrap().is_ok());
        db.close().unwrap();
    }
}

#[test]
fn what_was_durable_comes_back_without_closing() {
    let directory = Directory::new("dropping");
    for round in 0..10 {
        let mut db = directory.open(Options::default()).unwrap();
        assert_eq!(db.count(&Range::all()).unwrap(), round * 100);
        for n in 0..100 {
            db.set(&format!("{round}:{n}"), &n).unwrap();
        }
        drop(db);
    }
}

#[test]
fn the_file_shrinks() {
    let directory = Directory::new("shrinking");
    let mut db = directory.open(Options { durability: Durability::Never, ..Options::default() }).unwrap();
    for n in 0..20_000u64 {
        let noise = n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        db.set(&format!("{n:05}"), &format!("{noise:x}").repeat(20)).unwrap();
    }
    db.flush().unwrap();
    let full = std::fs::metadata(directory.path()).unwrap().len();
    db.delete_range(&Range::all().gte("02000")).unwrap();
    db.compact().unwrap();
    let left = std::fs::metadata(directory.path()).unwrap().len();
    assert!(left < full / 4, "{full} bytes before, {left} after");
    assert_eq!(db.count(&Range::all()).unwrap(), 2000);
    db.close().unwrap();
}

#[test]
fn a_second_writer_is_found() {
    let directory = Directory::new("second");
    let mut first = directory.open(Options::default()).unwrap();
    first.set("first", &1).unwrap();
    let second = directory.open(Options::default());
    if cfg!(not(target_os = "wasi")) {
        // The host's lock keeps the second one out.
        assert_eq!(code(second), ErrorCode::Locked);
        first.set("first", &2).unwrap();
        first.close().unwrap();
        return;
    }
    // Without locks the file belongs to who began to write last; the other is told before it writes.
    let mut second = second.unwrap();
    second.set("second", &1).unwrap();
    assert_eq!(code(first.set("first", &2)), ErrorCode::Locked);
    assert_eq!(code(first.set("first", &3)), ErrorCode::Locked);
    drop(first);
    second.set("second", &2).unwrap();
    second.close().unwrap();
    let db = directory.open(Options::default()).unwrap();
    assert_eq!(db.entries::<u32>(&Range::all()).unwrap(), [("first".to_owned(), 1), ("second".to_owned(), 2)]);
    assert!(db.check(true).unwrap().is_ok());
}

/// A writer that had the file before may go on while another has it open. What it has committed must not be lost when
/// that one begins to write, with an older state in mind.
#[cfg(target_os = "wasi")]
#[test]
fn a_writer_with_an_old_state_is_refused() {
    for documents in [1, 5000] {
        let directory = Directory::new("stale");
        let mut first = directory.open(Options::default()).unwrap();
        first.set("first", &0).unwrap();
        let mut second = directory.open(Options::default()).unwrap();
        for n in 0..documents {
            first.set(&format!("{n:05}"), &"x".repeat(100)).unwrap();
        }
        assert_eq!(code(second.set("second", &1)), ErrorCode::Locked);
        assert_eq!(code(second.set("second", &2)), ErrorCode::Locked);
        drop(second);
        first.set("first", &1).unwrap();
        first.close().unwrap();
        let db = directory.open(Options::default()).unwrap();
        assert_eq!(db.count(&Range::all()).unwrap(), documents + 1);
        assert_eq!(db.get::<u32>("first").unwrap(), Some(1));
        assert!(db.check(true).unwrap().is_ok());
    }
}

#[test]
fn a_read_only_database_refuses_writes() {
    let directory = Directory::new("read-only");
    assert_eq!(code(directory.open(read_only())), ErrorCode::NotFound);
    let mut db = directory.open(Options::default()).unwrap();
    db.set("a", &1).unwrap();
    db.close().unwrap();
    let before = std::fs::read(directory.path()).unwrap();
    let mut db = directory.open(read_only()).unwrap();
    assert_eq!(code(db.set("a", &2)), ErrorCode::ReadOnly);
    assert_eq!(code(db.compact()), ErrorCode::ReadOnly);
    assert_eq!(db.get::<u32>("a").unwrap(), Some(1));
    db.close().unwrap();
    assert_eq!(std::fs::read(directory.path()).unwrap(), before);
}

#[test]
fn files_that_cannot_be_opened_are_left_as_they_are() {
    let directory = Directory::new("foreign");
    assert_eq!(code(directory.open(Options { create: false, ..Options::default() })), ErrorCode::NotFound);
    let missing = Std::new(directory.0.directory().join("missing"));
    let opened = pollster::block_on(Database::open(&missing, "db", Options::default()));
    assert_eq!(code(opened), ErrorCode::NotFound);
    for content in [b"#!/bin/sh\n".to_vec(), vec![b'x'; 100_000]] {
        std::fs::write(directory.path(), &content).unwrap();
        assert_eq!(code(directory.open(Options::default())), ErrorCode::NotADatabase);
        assert_eq!(std::fs::read(directory.path()).unwrap(), content);
    }
}

/// Waits until a commit checks the file.
fn wait_for_check() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

fn assert_gone<T>(outcome: Result<T, Error>) {
    let error = outcome.err().expect("the file is gone");
    assert_eq!(error.code(), ErrorCode::Failed, "{error}");
    assert!(error.to_string().contains("removed, moved, replaced or cut"), "{error}");
}

#[test]
fn a_file_that_is_removed_moved_replaced_or_cut_takes_no_more_commits() {
    type Loss = fn(&std::path::Path);
    let losses: [(&str, Loss); 4] = [
        ("removed", |path| std::fs::remove_file(path).unwrap()),
        ("moved", |path| std::fs::rename(path, path.with_extension("moved")).unwrap()),
        ("replaced", |path| {
            std::fs::copy(path, path.with_extension("copy")).unwrap();
            std::fs::rename(path.with_extension("copy"), path).unwrap();
        }),
        ("cut", |path| std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(40_000).unwrap()),
    ];
    let databases = losses.map(|(name, lose)| {
        let directory = Directory::new(name);
        let mut db = directory.open(Options::default()).unwrap();
        db.set("before", &1).unwrap();
        lose(&directory.path());
        (directory, db)
    });
    wait_for_check();
    for (_directory, mut db) in databases {
        assert_gone(db.set("after", &2));
        assert_gone(db.set("later", &2));
    }
}

#[test]
fn a_file_that_was_removed_before_the_first_write_or_the_close_is_reported_at_once() {
    let directory = Directory::new("at-once");
    let mut db = directory.open(Options::default()).unwrap();
    std::fs::remove_file(directory.path()).unwrap();
    assert_gone(db.set("first", &1));
    drop(db);
    let mut db = directory.open(Options::default()).unwrap();
    db.set("first", &1).unwrap();
    std::fs::remove_file(directory.path()).unwrap();
    assert_gone(db.close());
}

#[test]
#[cfg(unix)]
fn a_file_that_is_reached_by_a_link_or_from_another_directory_stays_current() {
    let directory = Directory::new("link");
    directory.open(Options::default()).unwrap().close().unwrap();
    std::os::unix::fs::symlink(directory.path(), directory.path().with_extension("link")).unwrap();
    let linked = Database::open(&directory.0, "db.link", Options::default());
    let mut db = pollster::block_on(linked).unwrap();
    db.set("a", &1).unwrap();
    wait_for_check();
    db.set("a", &2).unwrap();
    db.close().unwrap();
}
