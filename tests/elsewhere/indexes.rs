//! An index says what the documents say.

use crate::support::{Clock, assert_sound, code, find, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{ErrorCode, Options, Range, Transaction};
use std::sync::Arc;

/// An index that lives in memory alone, or is not loaded, makes a search miss documents without a word.
#[test]
fn an_index_survives_reopening() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.create_index("n").unwrap();
    for session in 0..4 {
        db.set_json(&format!("{session}"), r#"{"n":1}"#).unwrap();
        if session % 2 == 0 {
            db.close().unwrap();
        } else {
            drop(db);
            fs.restart(Recovery::LoseAll);
        }
        db = open(&fs, &clock, Options::default()).unwrap();
        assert!(db.indexes()[0].ready);
        assert!(!db.create_index("n").unwrap(), "it need not be made again");
        assert_eq!(find(&db, "n", "1").len(), session + 1);
        assert_sound(&db);
    }
}

/// Two writers that both read the old document and both change the index leave an entry that no document stands for. Here
/// the second one is told.
#[test]
fn writers_of_one_key_at_once_leave_a_right_index() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    fs.set_exclusive(false);
    let mut first = open(&fs, &clock, Options::default()).unwrap();
    first.create_index("n").unwrap();
    first.set_json("k", r#"{"n":0}"#).unwrap();
    // Their owner records must differ, and this clock's randomness repeats itself.
    let host = Arc::new(ferrolite::HostEnvironment);
    let mut second = pollster::block_on(ferrolite::Database::open_with(&fs, "db", Options::default(), host)).unwrap();
    second.set_json("k", r#"{"n":2}"#).unwrap();
    assert_eq!(code(first.set_json("k", r#"{"n":1}"#)), ErrorCode::Locked);
    drop(first);
    second.set_json("k", r#"{"n":3}"#).unwrap();
    second.close().unwrap();
    let db = open(&fs, &clock, Options::default()).unwrap();
    assert_eq!(find(&db, "n", r#"{"gte":0}"#), ["k"]);
    assert_eq!(find(&db, "n", "3"), ["k"]);
    assert_sound(&db);
}

/// Where a batch looks up what it replaces in the database only, the first of two writes to one key leaves its entry behind.
#[test]
fn the_same_key_twice_in_a_batch_leaves_one_entry() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.create_index("n").unwrap();
    db.set_many_json([("k", r#"{"n":1}"#), ("other", r#"{"n":1}"#), ("k", r#"{"n":2}"#)]).unwrap();
    assert_eq!(find(&db, "n", "1"), ["other"]);
    assert_eq!(find(&db, "n", "2"), ["k"]);
    let twice = Transaction::new().set_json("k", r#"{"n":3}"#).unwrap().delete("k").unwrap();
    db.commit(twice.set_json("k", r#"{"n":4}"#).unwrap()).unwrap();
    db.group(|db| {
        for number in 5..8 {
            db.set_json("k", &format!("{{\"n\":{number}}}")).unwrap();
        }
    })
    .unwrap();
    db.compact().unwrap();
    drop(db);
    let db = open(&fs, &clock, Options::default()).unwrap();
    assert_eq!(find(&db, "n", r#"{"gte":2}"#), ["k"]);
    assert_eq!(find(&db, "n", "7"), ["k"]);
    assert_eq!(db.count(&Range::all()).unwrap(), 2);
    assert_sound(&db);
}
