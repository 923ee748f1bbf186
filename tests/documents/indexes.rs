//! Index entries follow their documents through every write.

use crate::support::{Bench, assert_sound, find, fresh, ms};
use ferrolite::{IndexInfo, Range, Transaction};

fn info(path: &str, ready: bool) -> IndexInfo {
    IndexInfo { path: path.to_owned(), ready, ..IndexInfo::default() }
}

#[test]
fn an_index_is_made_once() {
    let mut db = fresh();
    assert!(db.indexes().is_empty());
    assert!(db.create_index("b").unwrap());
    assert!(!db.create_index("b").unwrap());
    assert!(db.create_index("a.b").unwrap());
    assert_eq!(db.indexes(), [info("a.b", true), info("b", true)]);
}

#[test]
fn entries_follow_every_kind_of_write() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.create_index("y.z").unwrap();
    db.set_json("k", r#"{"x":1,"y":{"z":"a"}}"#).unwrap();
    assert_eq!((find(&db, "x", "1").len(), find(&db, "y.z", "\"a\"").len()), (1, 1));

    db.set_json("k", r#"{"x":1,"y":{"z":"b"}}"#).unwrap();
    assert_eq!((find(&db, "x", "1").len(), find(&db, "y.z", "\"a\"").len()), (1, 0));

    db.set_ex_json("k", r#"{"x":1.0}"#, ms(1000)).unwrap();
    assert_eq!((find(&db, "x", "1").len(), find(&db, "y.z", "\"b\"").len()), (1, 0));

    db.set_json("k", "[1]").unwrap();
    assert!(find(&db, "x", "1").is_empty());

    db.set_many_json([("k", r#"{"x":2}"#), ("l", r#"{"x":2}"#)]).unwrap();
    assert_eq!(find(&db, "x", "2"), ["k", "l"]);

    db.commit(Transaction::new().delete("k").unwrap().set_json("m", r#"{"x":2}"#).unwrap()).unwrap();
    assert_eq!(find(&db, "x", "2"), ["l", "m"]);

    db.delete("l").unwrap();
    assert_eq!(find(&db, "x", "2"), ["m"]);

    db.delete_range(&Range::all()).unwrap();
    assert!(find(&db, "x", "2").is_empty());
    assert_sound(&db);
    assert_eq!(db.check(true).unwrap().index_entries, 0);
}

#[test]
fn indexes_are_there_after_reopening() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_json("a", r#"{"x":1}"#).unwrap();
    db.create_index("x").unwrap();
    db.close().unwrap();
    let mut db = bench.open();
    assert_eq!(db.indexes(), [info("x", true)]);
    db.set_json("b", r#"{"x":1}"#).unwrap();
    assert_eq!(find(&db, "x", "1"), ["a", "b"]);
    assert_sound(&db);
}

#[test]
fn values_too_long_for_an_entry_are_told_apart() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    let text = |end: &str| format!("{{\"x\":\"{}{end}\"}}", "long".repeat(1000));
    db.set_json("a", &text("1")).unwrap();
    db.set_json("b", &text("2")).unwrap();
    db.set_json("a", &text("3")).unwrap();
    let condition = |end: &str| format!("\"{}{end}\"", "long".repeat(1000));
    assert!(find(&db, "x", &condition("1")).is_empty());
    assert_eq!(find(&db, "x", &condition("2")), ["b"]);
    assert_eq!(find(&db, "x", &condition("3")), ["a"]);
    assert_eq!(find(&db, "x", &format!("{{\"gt\":{}}}", condition("2"))), ["a"]);
    assert_eq!(find(&db, "x", "{\"gte\":\"\"}"), ["b", "a"]);
    db.delete("b").unwrap();
    assert!(find(&db, "x", &condition("2")).is_empty());
    assert_sound(&db);
}

#[test]
fn a_failed_write_leaves_no_entry() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.set_json("k", r#"{"x":1}"#).unwrap();
    db.set_json("k", r#"{"x":2"#).unwrap_err();
    db.set_many_json([("k", r#"{"x":3}"#), ("l", "{")]).unwrap_err();
    assert_eq!(find(&db, "x", r#"{"gte":0}"#), ["k"]);
    assert_sound(&db);
}
