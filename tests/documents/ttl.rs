//! Documents expire to the millisecond, for every verb, and their index entries with them.

use crate::support::{Bench, START_MS, assert_sound, code, find, ms};
use ferrolite::{ErrorCode, Range, Transaction, Ttl};
use std::time::Duration;

#[test]
fn a_document_lives_until_its_time_is_over() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    db.set_ex_json("k", r#"{"x":1}"#, ms(250)).unwrap();
    assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(250)));
    assert_eq!(db.get_document("k").unwrap().unwrap().expires_at, Some(START_MS + 250));
    bench.clock.advance_ms(249);
    assert!(db.has("k").unwrap());
    assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(1)));
    assert_eq!(find(&db, "x", "1"), ["k"]);
    bench.clock.advance_ms(1);
    assert!(!db.has("k").unwrap());
    assert_eq!(db.get_json("k").unwrap(), None);
    assert_eq!(db.get_many_json(&["k"]).unwrap(), [None]);
    assert_eq!(db.ttl("k").unwrap(), Ttl::Missing);
    assert_eq!(db.count(&Range::all()).unwrap(), 0);
    assert!(db.keys(&Range::all()).unwrap().is_empty());
    assert!(find(&db, "x", "1").is_empty());
    assert!(!db.delete("k").unwrap());
    assert!(!db.expire("k", ms(5)).unwrap());
    assert!(!db.persist("k").unwrap());
    assert_sound(&db);
}

#[test]
fn setting_clears_a_time_to_live() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    db.set_ex_json("k", r#"{"x":1}"#, ms(5)).unwrap();
    db.set_json("k", r#"{"x":1}"#).unwrap();
    assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
    bench.clock.advance_ms(10);
    assert_eq!(find(&db, "x", "1"), ["k"]);
}

#[test]
fn expire_and_persist_change_documents_and_entries() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    let text = " {\"x\" : 1} ";
    db.set_json("k", text).unwrap();
    assert!(!db.persist("k").unwrap(), "it has no time to live");
    assert!(db.expire("k", ms(10)).unwrap());
    assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(10)));
    assert!(db.expire("k", ms(20)).unwrap());
    bench.clock.advance_ms(15);
    assert_eq!(find(&db, "x", "1"), ["k"]);
    assert!(db.persist("k").unwrap());
    assert!(!db.persist("k").unwrap());
    bench.clock.advance_ms(1000);
    assert_eq!(find(&db, "x", "1"), ["k"]);
    assert_eq!(db.get_json("k").unwrap().as_deref(), Some(text));
    assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
    assert!(!db.expire("missing", ms(5)).unwrap());
    assert_sound(&db);
}

#[test]
fn overwriting_an_expired_document_leaves_no_entry_behind() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    db.set_ex_json("k", r#"{"x":1}"#, ms(5)).unwrap();
    bench.clock.advance_ms(10);
    db.set_json("k", r#"{"x":2}"#).unwrap();
    bench.clock.set_back_ms(10);
    assert!(find(&db, "x", "1").is_empty());
    assert_eq!(find(&db, "x", "2"), ["k"]);
    assert_sound(&db);
}

#[test]
fn deleting_an_expired_document_is_final() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    for key in ["a", "b", "c"] {
        db.set_ex_json(key, r#"{"x":1}"#, ms(5)).unwrap();
    }
    bench.clock.advance_ms(10);
    assert!(!db.delete("a").unwrap());
    assert_eq!(db.delete_range(&Range::prefix("b")).unwrap(), 0);
    bench.clock.set_back_ms(10);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["c"]);
    assert_eq!(find(&db, "x", "1"), ["c"]);
}

#[test]
fn only_live_documents_count_against_a_limit() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex("a", &1, ms(5)).unwrap();
    db.set_many([("b", 1), ("c", 1)]).unwrap();
    bench.clock.advance_ms(10);
    assert_eq!(db.keys(&Range::all().limit(1)).unwrap(), ["b"]);
    assert_eq!(db.count(&Range::all().limit(2)).unwrap(), 2);
    assert_eq!(db.delete_range(&Range::all().limit(1)).unwrap(), 1);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["c"]);
}

#[test]
fn a_transaction_counts_from_its_commit() {
    let bench = Bench::new();
    let mut db = bench.open();
    let transaction = Transaction::new().set_ex("a", &1, ms(100)).unwrap().set_ex_json("b", "2", ms(100)).unwrap();
    let transaction = transaction.set_until_json("c", "3", START_MS + 70).unwrap().set_until_json("d", "4", 1).unwrap();
    bench.clock.advance_ms(50);
    db.commit(transaction).unwrap();
    assert_eq!(db.ttl("a").unwrap(), Ttl::Left(ms(100)));
    assert_eq!(db.ttl("b").unwrap(), Ttl::Left(ms(100)));
    assert_eq!(db.ttl("c").unwrap(), Ttl::Left(ms(20)));
    assert_eq!(db.ttl("d").unwrap(), Ttl::Missing);
}

#[test]
fn expiry_survives_reopening() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex("k", &1, ms(100)).unwrap();
    db.close().unwrap();
    bench.clock.advance_ms(99);
    let db = bench.open();
    assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(1)));
    bench.clock.advance_ms(1);
    assert!(!db.has("k").unwrap());
}

#[test]
fn times_must_be_times_to_come() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("k", &1).unwrap();
    for ttl in [Duration::ZERO, Duration::MAX, Duration::from_secs(300_000_000_000)] {
        assert_eq!(code(db.set_ex("k", &2, ttl)), ErrorCode::InvalidOptions);
        assert_eq!(code(db.set_ex_json("k", "2", ttl)), ErrorCode::InvalidOptions);
        assert_eq!(code(db.expire("k", ttl)), ErrorCode::InvalidOptions);
        assert_eq!(code(db.expire("missing", ttl)), ErrorCode::InvalidOptions);
        assert_eq!(code(Transaction::new().set_ex("k", &2, ttl)), ErrorCode::InvalidOptions);
    }
    assert_eq!(code(Transaction::new().set_until_json("k", "2", 0)), ErrorCode::InvalidOptions);
    assert_eq!(code(Transaction::new().set_until_json("k", "2", u64::MAX)), ErrorCode::InvalidOptions);
    assert_eq!(db.get::<u8>("k").unwrap(), Some(1));
    assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
    // An hour before the year 10000 it is still 9999.
    db.set_ex("k", &3, Duration::from_secs(253_402_297_200) - ms(START_MS)).unwrap();
    assert_eq!(
        code(db.set_ex("k", &4, Duration::from_secs(253_402_300_800) - ms(START_MS))),
        ErrorCode::InvalidOptions
    );
}

#[test]
fn what_has_expired_gives_its_room_back_without_being_read() {
    const COUNT: usize = 100_000;
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    for chunk in 0..COUNT / 1000 {
        let mut transaction = Transaction::new();
        for index in (chunk * 1000..).take(1000) {
            // In no order, so that many tables overlap.
            let place = index * 7919 % COUNT;
            let text = format!(r#"{{"x":{index},"name":"document {}"}}"#, index as u64 * index as u64);
            transaction = transaction.set_ex_json(&format!("session:{place:06}"), &text, ms(60_000)).unwrap();
        }
        db.commit(transaction).unwrap();
    }
    db.set_json("kept", r#"{"x":1}"#).unwrap();
    while db.maintain(1 << 20).unwrap() {}
    let before = db.stats().engine;
    assert!(before.file_bytes > 4 << 20, "{} bytes", before.file_bytes);
    bench.clock.advance_ms(60_000);
    while db.maintain(1 << 20).unwrap() {}
    let after = db.stats().engine;
    let bytes_read = after.io.bytes_read - before.io.bytes_read;
    let tables: u64 = before.levels.iter().map(|level| level.bytes).sum();
    assert!(bytes_read < tables / 50, "{bytes_read} bytes of {tables} were read");
    assert!(after.counters.tables_dropped > 4, "{} tables were dropped", after.counters.tables_dropped);
    assert!(after.levels.iter().map(|level| level.bytes).sum::<u64>() < tables / 50);
    // What commits in memory and in the log take stays until they are written as tables.
    let given_back = before.file_bytes - after.file_bytes;
    assert!(given_back > tables / 10 * 9, "{given_back} bytes of {} with {tables} in tables", before.file_bytes);
    db.compact().unwrap();
    let end = db.stats().engine;
    assert!(end.file_bytes < 2 << 20, "{} of {} bytes", end.file_bytes, before.file_bytes);
    bench.clock.set_back_ms(60_000);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["kept"]);
    assert_eq!(find(&db, "x", "1"), ["kept"]);
    assert_sound(&db);
}
