//! What a group writes shares one write and one flush, and is kept or lost together when these fail.

use crate::support::{Clock, assert_sound, code, find, open};
use ferrolite::fs::simulated::{Fault, Operation, Simulated};
use ferrolite::{ErrorCode, Options, Range};

#[test]
fn a_group_costs_one_write_and_one_flush() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
    db.set("warm", &1).unwrap();
    fs.reset_counts();
    let versions = db.group(|db| (0..100).map(|n| db.set(&format!("{n}"), &n).unwrap()).collect::<Vec<_>>()).unwrap();
    let counts = fs.counts();
    assert_eq!((counts.writes, counts.syncs), (1, 1));
    assert!(versions.is_sorted_by(|a, b| a < b), "each write is a commit of its own");
    assert_eq!(db.count(&Range::all()).unwrap(), 101);
}

#[test]
fn writes_in_a_group_are_seen_at_once() {
    let mut db = crate::support::fresh();
    db.create_index("x").unwrap();
    db.group(|db| {
        db.set_json("k", r#"{"x":1}"#).unwrap();
        assert_eq!(find(db, "x", "1"), ["k"]);
        db.set_json("k", r#"{"x":2}"#).unwrap();
        assert!(find(db, "x", "1").is_empty());
        assert!(db.delete("k").unwrap());
        assert!(!db.delete("k").unwrap());
        db.set_json("k", r#"{"x":3}"#).unwrap();
    })
    .unwrap();
    assert_eq!(find(&db, "x", "3"), ["k"]);
    assert_sound(&db);
}

#[test]
fn an_error_inside_does_not_end_the_group() {
    let mut db = crate::support::fresh();
    let failed = db.group(|db| {
        db.set("a", &1).unwrap();
        let failed = db.set("", &1);
        db.set("b", &1).unwrap();
        failed
    });
    assert_eq!(code(failed.unwrap()), ErrorCode::InvalidKey);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["a", "b"]);
}

#[test]
fn groups_inside_groups_join_them() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
    db.set("warm", &1).unwrap();
    fs.reset_counts();
    db.begin_group();
    db.group(|db| db.set("a", &1)).unwrap().unwrap();
    db.set("b", &1).unwrap();
    assert_eq!(fs.counts().writes, 0);
    db.finish_group().unwrap();
    assert_eq!(fs.counts().writes, 1);
    db.finish_group().unwrap();
    assert_eq!(fs.counts().writes, 1, "there was no group left to finish");
}

#[test]
fn when_the_write_fails_nothing_of_the_group_is_kept() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
    db.set("a", &1).unwrap();
    fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    let failed = db.group(|db| {
        db.set("a", &2).unwrap();
        db.set("b", &2).unwrap();
        db.delete("a").unwrap();
    });
    assert_eq!(code(failed), ErrorCode::Io);
    assert_eq!(db.entries::<u8>(&Range::all()).unwrap(), [("a".to_owned(), 1)]);
    db.set("c", &3).unwrap();
    assert_eq!(db.keys(&Range::all()).unwrap(), ["a", "c"]);
}

#[test]
fn an_index_made_in_a_group_that_fails_is_forgotten() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
    db.set_json("a", r#"{"x":1}"#).unwrap();
    fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    db.begin_group();
    db.set_json("b", r#"{"x":1}"#).unwrap();
    assert_eq!(code(db.create_index("x")), ErrorCode::Io);
    // What was written before is lost, and so the rest of the group is not written either.
    assert_eq!(code(db.set_json("c", "{}")), ErrorCode::Io);
    assert_eq!(code(db.finish_group()), ErrorCode::Io);
    assert!(db.indexes().is_empty());
    assert_eq!(db.keys(&Range::all()).unwrap(), ["a"]);
    assert!(db.create_index("x").unwrap());
    assert_eq!(find(&db, "x", "1"), ["a"]);
    assert_sound(&db);
}
