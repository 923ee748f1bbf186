//! A transaction is one commit: all of it or nothing, and of several writes to one key the last one.

use crate::support::{Bench, assert_sound, code, find, fresh};
use ferrolite::{ErrorCode, Range, Transaction};
use serde_json::json;

#[test]
fn all_writes_have_one_version() {
    let mut db = fresh();
    db.set("c", &0).unwrap();
    let transaction = Transaction::new().set("a", &1).unwrap().set_json("b", "2").unwrap().delete("c").unwrap();
    assert_eq!((transaction.len(), transaction.is_empty()), (3, false));
    let version = db.commit(transaction).unwrap();
    assert_eq!(db.version(), version);
    for key in ["a", "b"] {
        assert_eq!(db.get_document(key).unwrap().unwrap().version, version);
    }
    assert!(!db.has("c").unwrap());
}

#[test]
fn the_last_write_to_a_key_counts() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.set("k", &json!({"x": 0})).unwrap();
    let set = |transaction: Transaction, x: i32| transaction.set("k", &json!({"x": x})).unwrap();

    db.commit(set(set(Transaction::new(), 1), 2)).unwrap();
    assert_eq!(find(&db, "x", "2"), ["k"]);
    assert!(find(&db, "x", "0").is_empty() && find(&db, "x", "1").is_empty());

    db.commit(set(Transaction::new(), 3).delete("k").unwrap()).unwrap();
    assert!(!db.has("k").unwrap());
    assert!(find(&db, "x", r#"{"gte":0}"#).is_empty());

    db.commit(set(set(Transaction::new(), 4).delete("k").unwrap(), 5)).unwrap();
    assert_eq!(find(&db, "x", r#"{"gte":0}"#), ["k"]);
    assert_eq!(find(&db, "x", "5"), ["k"]);
    assert_sound(&db);
}

#[test]
fn one_that_cannot_be_built_changes_nothing() {
    let mut db = fresh();
    db.set("a", &1).unwrap();
    let failed = Transaction::new().set("a", &2).unwrap().set_json("b", "{");
    assert_eq!(code(failed), ErrorCode::InvalidValue);
    assert_eq!(code(db.set_many([("a", f64::NAN)])), ErrorCode::InvalidValue);
    assert_eq!(code(db.set_many([("a", 2), ("", 2)])), ErrorCode::InvalidKey);
    assert_eq!(code(db.set_many_json([("a", "3"), ("b", "nope")])), ErrorCode::InvalidValue);
    assert_eq!(db.entries::<u8>(&Range::all()).unwrap(), [("a".to_owned(), 1)]);
}

#[test]
fn an_empty_one_is_no_commit() {
    let mut db = fresh();
    let version = db.set("a", &1).unwrap();
    assert_eq!(db.commit(Transaction::new()).unwrap(), version);
    assert_eq!(db.version(), version);
}

#[test]
fn deleting_what_is_not_there_is_allowed() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.commit(Transaction::new().delete("missing").unwrap()).unwrap();
    assert_eq!(db.count(&Range::all()).unwrap(), 0);
}

#[test]
fn a_large_one_survives_reopening_whole() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("n").unwrap();
    db.set_many((0..20_000).map(|n| (format!("{n:05}"), json!({"n": n % 100})))).unwrap();
    db.close().unwrap();
    let db = bench.open();
    assert_eq!(db.count(&Range::all()).unwrap(), 20_000);
    assert_eq!(find(&db, "n", "7").len(), 200);
    assert_sound(&db);
}
