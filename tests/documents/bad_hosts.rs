//! Files and hosts that fail: each failure has its code, and loses nothing that was there.

use crate::support::{Bench, Clock, code, open};
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated};
use ferrolite::fs::{FileSystem, Memory};
use ferrolite::{Compression, Database, Error, ErrorCode, Options, Range};

fn open_error<S: FileSystem>(fs: &S, options: Options) -> Error
where
    S::File: ferrolite::fs::File,
{
    open(fs, &Clock::new(), options).expect_err("this must not open")
}

#[test]
fn a_database_that_is_not_there() {
    let fs = Memory::new();
    for options in [Options { create: false, ..Options::default() }, Options { read_only: true, ..Options::default() }]
    {
        let error = open_error(&fs, options);
        assert_eq!(error.code(), ErrorCode::NotFound);
        assert!(error.to_string().contains("db"), "{error}");
    }
    assert_eq!(fs.bytes("db"), None);
}

#[test]
fn a_name_that_is_no_file_name() {
    for name in ["", "../db", "/db"] {
        let opened = pollster::block_on(Database::open(&Memory::new(), name, Options::default()));
        assert_eq!(code(opened), ErrorCode::InvalidOptions, "{name:?}");
    }
}

#[test]
fn a_second_opener() {
    let bench = Bench::new();
    let mut db = bench.open();
    assert_eq!(open_error(&bench.fs, Options::default()).code(), ErrorCode::Locked);
    db.set("k", &1).unwrap();
    db.close().unwrap();
    assert_eq!(bench.open().get::<u8>("k").unwrap(), Some(1));
}

#[test]
fn a_database_opened_read_only() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_json("k", r#"{"x":1}"#).unwrap();
    db.create_index("x").unwrap();
    db.close().unwrap();
    let bytes = bench.fs.bytes("db");
    let mut db = bench.open_with(Options { read_only: true, ..Options::default() });
    assert!(db.is_read_only());
    assert_eq!(crate::support::find(&db, "x", "1"), ["k"]);
    let codes = [
        code(db.set("k", &1)),
        code(db.set_ex("k", &1, crate::support::ms(5))),
        code(db.set_many([("k", 1)])),
        code(db.delete("k")),
        code(db.delete("missing")),
        code(db.delete_range(&Range::all())),
        code(db.expire("k", crate::support::ms(5))),
        code(db.persist("k")),
        code(db.commit(ferrolite::Transaction::new())),
        code(db.create_index("x")),
        code(db.create_index_step("y", 1)),
        code(db.drop_index("x")),
        code(db.compact()),
    ];
    assert!(codes.iter().all(|code| *code == ErrorCode::ReadOnly), "{codes:?}");
    db.flush().unwrap();
    db.tick().unwrap();
    assert!(!db.maintain(1 << 20).unwrap());
    db.close().unwrap();
    assert_eq!(bench.fs.bytes("db"), bytes);
}

#[test]
fn a_file_of_someone_else() {
    for bytes in [b"{}".to_vec(), b"SQLite format 3\0".repeat(10_000), vec![0; 200_000]] {
        let fs = Memory::new();
        fs.set_bytes("db", bytes.clone());
        assert_eq!(open_error(&fs, Options::default()).code(), ErrorCode::NotADatabase);
        assert_eq!(fs.bytes("db"), Some(bytes));
    }
}

#[test]
fn a_file_cut_short() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_many((0..2000).map(|n| (format!("{n}"), "text".repeat(20)))).unwrap();
    db.close().unwrap();
    let bytes = bench.fs.bytes("db").unwrap();
    bench.fs.set_bytes("db", bytes[..bytes.len() - 5000].to_vec());
    let damaged = match open(&bench.fs, &bench.clock, Options::default()) {
        Err(error) => error.code() == ErrorCode::Corrupt,
        Ok(db) => !db.check(true).unwrap().is_ok() && code(db.entries_json(&Range::all())) == ErrorCode::Corrupt,
    };
    assert!(damaged);
}

#[test]
fn a_document_that_was_damaged() {
    let bench = Bench::new();
    let options = Options { compression: Compression::None, ..Options::default() };
    let mut db = bench.open_with(options.clone());
    db.set("k", &"a text to be found in the file").unwrap();
    db.close().unwrap();
    let mut bytes = bench.fs.bytes("db").unwrap();
    // The log has had it, and a table has it.
    let places: Vec<_> = (0..bytes.len() - 9).filter(|at| bytes[*at..].starts_with(b"a text to")).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at] ^= 1);
    bench.fs.set_bytes("db", bytes);
    let db = bench.open_with(options);
    let error = db.get_json("k").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Corrupt);
    assert!(error.to_string().contains(" at "), "it says where: {error}");
    assert!(!db.check(true).unwrap().is_ok());
}

#[test]
fn a_disk_that_is_full() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("k", &1).unwrap();
    let size = fs.content("db").unwrap().len() as u64;
    fs.set_capacity(Some(size));
    assert_eq!(code(db.set("large", &"x".repeat(1 << 20))), ErrorCode::StorageFull);
    assert_eq!(db.entries_json(&Range::all()).unwrap(), [("k".to_owned(), "1".to_owned())]);
    fs.set_capacity(None);
    db.set("large", &"x".repeat(1 << 20)).unwrap();
    db.close().unwrap();
    assert_eq!(open(&fs, &clock, Options::default()).unwrap().count(&Range::all()).unwrap(), 2);
}

#[test]
fn a_flush_that_fails_ends_writing() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("k", &1).unwrap();
    fs.fail_call(Some(Operation::Sync), 1, Fault::Io, false);
    assert_eq!(code(db.set("k", &2)), ErrorCode::Io);
    assert_eq!(code(db.set("k", &3)), ErrorCode::Failed);
    assert_eq!(code(db.flush()), ErrorCode::Failed);
    assert_eq!(code(db.drop_index("none").and_then(|_| db.create_index("x"))), ErrorCode::Failed);
    assert_eq!(db.get::<u8>("k").unwrap(), Some(1));
    drop(db);
    fs.restart(Recovery::KeepAll);
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    assert!(matches!(db.get::<u8>("k").unwrap(), Some(1 | 2)));
    db.set("k", &4).unwrap();
}

#[test]
fn a_read_that_fails() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set_many((0..100).map(|n| (format!("{n}"), n))).unwrap();
    db.close().unwrap();
    let db = open(&fs, &clock, Options { cache_size: 0, ..Options::default() }).unwrap();
    fs.fail_call(Some(Operation::Read), 1, Fault::Io, true);
    assert_eq!(code(db.get_json("5")), ErrorCode::Io);
    assert_eq!(code(db.keys(&Range::all())), ErrorCode::Io);
    assert_eq!(code(db.check(true)), ErrorCode::Io);
    fs.clear_faults();
    assert_eq!(db.get::<u8>("5").unwrap(), Some(5));
}
