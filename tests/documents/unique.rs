//! Unique indexes: no state of the database has two documents with equal values.

use crate::support::{Bench, assert_sound, code, fresh, ms};
use ferrolite::fs::MemoryFile;
use ferrolite::{Condition, Database, ErrorCode, FindOptions, IndexSpec, Transaction};

fn with_unique(paths: &[&str]) -> Database<MemoryFile> {
    let mut db = fresh();
    db.create_index(IndexSpec::from(paths).unique()).unwrap();
    db
}

fn user(email: &str) -> String {
    format!("{{\"email\":{email}}}")
}

#[test]
fn a_value_is_taken_until_it_is_given_up() {
    let mut db = with_unique(&["email"]);
    db.set_json("a", &user("\"x\"")).unwrap();
    let error = db.set_json("b", &user("\"x\"")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UniqueViolation);
    let told = error.to_string();
    assert!(told.contains("\"a\" has") && told.contains("at email") && told.contains("at \"b\""), "{told}");
    assert!(!db.has("b").unwrap(), "nothing is kept of a commit that fails");

    db.set_json("a", "{\"email\": \"x\", \"age\": 3}").unwrap();
    db.set_json("b", &user("\"y\"")).unwrap();
    assert_eq!(code(db.rename("a", "b").and_then(|_| db.set_json("c", &user("\"x\"")))), ErrorCode::UniqueViolation);
    db.delete("b").unwrap();
    db.set_json("c", &user("\"x\"")).unwrap();
    db.set_json("d", &user("\"y\"")).unwrap();
    assert_sound(&db);
}

#[test]
fn equal_is_what_compares_equal() {
    let mut db = with_unique(&["email"]);
    db.set_json("a", &user("1")).unwrap();
    assert_eq!(code(db.set_json("b", &user("1.0"))), ErrorCode::UniqueViolation);
    db.set_json("b", &user("\"1\"")).unwrap();
    db.set_json("c", &user("null")).unwrap();
    assert_eq!(code(db.set_json("d", &user("null"))), ErrorCode::UniqueViolation);
    // Documents without the value are free.
    db.set_json("e", "{}").unwrap();
    db.set_json("f", "7").unwrap();
    assert_sound(&db);
}

#[test]
fn the_state_behind_the_commit_counts() {
    let mut db = with_unique(&["email"]);
    db.set_many_json([("a", user("1")), ("b", user("2"))]).unwrap();
    db.set_many_json([("a", user("2")), ("b", user("1"))]).unwrap();
    db.commit(Transaction::new().delete("a").unwrap().set_json("c", &user("2")).unwrap()).unwrap();
    assert_eq!(code(db.set_many_json([("d", user("3")), ("e", user("3"))])), ErrorCode::UniqueViolation);
    assert_eq!(code(db.set_many_json([("d", user("3")), ("e", user("1"))])), ErrorCode::UniqueViolation);
    assert!(!db.has("d").unwrap());
    assert_sound(&db);
}

#[test]
fn what_a_commit_leaves_as_it_is_counts() {
    let mut db = with_unique(&["email"]);
    db.set_json("a", &user("1")).unwrap();
    let other = |text: &str| format!("{{\"email\":{text},\"n\":2}}");
    assert_eq!(code(db.set_many_json([("a", other("1")), ("b", user("1"))])), ErrorCode::UniqueViolation);
    assert_eq!(code(db.set_many_json([("b", user("1")), ("a", other("1"))])), ErrorCode::UniqueViolation);
    db.set_many_json([("a", other("2")), ("b", user("1"))]).unwrap();
    assert_sound(&db);

    let mut db = fresh();
    db.create_index(IndexSpec::from("tags").unique().multi()).unwrap();
    db.set_json("a", r#"{"tags": [1, 2]}"#).unwrap();
    let both = [("a", r#"{"tags": [2, 3]}"#), ("b", r#"{"tags": [4, 2]}"#)];
    assert_eq!(code(db.set_many_json(both)), ErrorCode::UniqueViolation);
    db.set_many_json([("a", r#"{"tags": [2, 3]}"#), ("b", r#"{"tags": [4, 1]}"#)]).unwrap();
    assert_sound(&db);
}

#[test]
fn in_a_group_the_writes_before_count() {
    let mut db = with_unique(&["email"]);
    let outcome = db.group(|db| {
        db.set_json("a", &user("1")).unwrap();
        assert_eq!(code(db.set_json("b", &user("1"))), ErrorCode::UniqueViolation);
        db.set_json("b", &user("2"))
    });
    outcome.unwrap().unwrap();
    assert!(db.has("b").unwrap());
}

#[test]
fn the_second_of_two_transactions_fails() {
    let mut db = with_unique(&["email"]);
    let (mut first, mut second) = (db.begin().unwrap(), db.begin().unwrap());
    first.on(&db).set_json("a", &user("1")).unwrap();
    second.on(&db).set_json("b", &user("1")).unwrap();
    db.commit_open(first).unwrap();
    assert_eq!(code(db.commit_open(second)), ErrorCode::UniqueViolation);
    assert!(!db.has("b").unwrap());
}

#[test]
fn what_has_expired_does_not_count() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index(IndexSpec::from("email").unique()).unwrap();
    db.set_ex_json("a", &user("1"), ms(1000)).unwrap();
    assert_eq!(code(db.set_json("b", &user("1"))), ErrorCode::UniqueViolation);
    bench.clock.advance_ms(2000);
    db.set_json("b", &user("1")).unwrap();
    assert_eq!(code(db.set_json("a", &user("1"))), ErrorCode::UniqueViolation);
    db.expire("b", ms(500)).unwrap();
    assert_eq!(code(db.set_json("a", &user("1"))), ErrorCode::UniqueViolation);
    bench.clock.advance_ms(2000);
    db.set_json("a", &user("1")).unwrap();
    assert_sound(&db);
}

/// The keys of the documents with an email.
fn holders(db: &Database<MemoryFile>, email: &str) -> Vec<String> {
    db.find("email", &Condition::parse(email).unwrap(), &FindOptions::default()).unwrap()
}

#[test]
fn a_clock_that_steps_back_brings_nobody_up_beside_the_next_holder() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index(IndexSpec::from("email").unique()).unwrap();
    db.create_index("other").unwrap();
    let long = format!(r#"{{"email":1,"other":2,"text":"{}"}}"#, "x".repeat(40_000));
    db.set_ex_json("ann", &long, ms(60_000)).unwrap();
    db.collection_mut("others").unwrap().set_ex_json("ann", &user("1"), ms(60_000)).unwrap();
    bench.clock.advance_ms(61_000);
    db.set_json("bob", &user("1")).unwrap();
    bench.clock.set_back_ms(30_000);
    assert_eq!((holders(&db, "1"), db.has("ann").unwrap()), (vec!["bob".to_owned()], false));
    assert!(db.collection("others").unwrap().has("ann").unwrap(), "what holds another value comes up again");
    db.set_json("bob", r#"{"email":1,"age":7}"#).unwrap();
    assert_eq!(code(db.set_json("ann", &user("1"))), ErrorCode::UniqueViolation);
    assert_sound(&db);
    db.compact().unwrap();
    assert_eq!(db.check(true).unwrap().parts, 0, "its parts went with it");
}

#[test]
fn what_is_written_expired_claims_nothing_and_never_comes_up() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index(IndexSpec::from("email").unique()).unwrap();
    db.set_json("bob", &user("1")).unwrap();
    let past = crate::support::START_MS - 1000;
    db.commit(Transaction::new().set_until_json("ann", &user("1"), past).unwrap()).unwrap();
    bench.clock.set_back_ms(5000);
    assert_eq!(holders(&db, "1"), ["bob"]);
    assert_sound(&db);
}

#[test]
fn an_index_that_is_built_lets_no_expired_document_come_up_again() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex_json("ann", &user("1"), ms(1000)).unwrap();
    bench.clock.advance_ms(2000);
    db.set_json("bob", &user("1")).unwrap();
    assert!(db.create_index(IndexSpec::from("email").unique()).unwrap());
    bench.clock.set_back_ms(1500);
    assert_eq!(holders(&db, "1"), ["bob"]);
    assert_sound(&db);
}

#[test]
fn several_values_are_unique_together() {
    let mut db = with_unique(&["a", "b"]);
    db.set_json("k1", r#"{"a": 1, "b": 1}"#).unwrap();
    db.set_json("k2", r#"{"a": 1, "b": 2}"#).unwrap();
    assert_eq!(code(db.set_json("k3", r#"{"b": 2.0, "a": 1}"#)), ErrorCode::UniqueViolation);
    // One that lacks a value is free.
    for key in ["k4", "k5"] {
        db.set_json(key, r#"{"a": 1}"#).unwrap();
    }
    assert_sound(&db);
}

#[test]
fn long_values_are_compared_whole() {
    let mut db = with_unique(&["email"]);
    let long = |end: &str| user(&format!("\"{}{end}\"", "x".repeat(2000)));
    db.set_json("a", &long("1")).unwrap();
    db.set_json("b", &long("2")).unwrap();
    assert_eq!(code(db.set_json("c", &long("1"))), ErrorCode::UniqueViolation);
    db.set_many_json([("a", long("2")), ("b", long("1"))]).unwrap();
    assert_eq!(code(db.set_many_json([("c", long("3")), ("d", long("3"))])), ErrorCode::UniqueViolation);
    // Another value that is cut alike, by the same document.
    assert_eq!(code(db.set_json("a", &long("1"))), ErrorCode::UniqueViolation);
    assert_eq!(code(db.set_many_json([("a", long("4")), ("c", long("4"))])), ErrorCode::UniqueViolation);
    db.set_many_json([("a", long("4")), ("c", long("2"))]).unwrap();
    assert_sound(&db);
}

#[test]
fn elements_can_be_unique_too() {
    let mut db = fresh();
    db.create_index(IndexSpec::from("tags").unique().multi()).unwrap();
    db.set_json("a", r#"{"tags": [1, 2, 1]}"#).unwrap();
    assert_eq!(code(db.set_json("b", r#"{"tags": [3, 2]}"#)), ErrorCode::UniqueViolation);
    db.set_json("b", r#"{"tags": [3]}"#).unwrap();
    let long = |end: &str| format!("\"{}{end}\"", "x".repeat(2000));
    let both = format!("{{\"tags\": [{}, {}]}}", long("1"), long("2"));
    db.set_json("c", &both).unwrap();
    assert_eq!(code(db.set_json("d", &format!("{{\"tags\": {}}}", long("2")))), ErrorCode::UniqueViolation);
    db.set_json("d", &format!("{{\"tags\": {}}}", long("3"))).unwrap();
    let others = format!("{{\"tags\": [{}, {}]}}", long("1"), long("3"));
    assert_eq!(code(db.set_json("c", &others)), ErrorCode::UniqueViolation);
    assert_sound(&db);
}

#[test]
fn documents_that_are_there_must_be_unique() {
    let bench = Bench::new();
    let mut db = bench.open();
    for n in 0..1500 {
        db.set_json(&format!("key{n:04}"), &user(&n.to_string())).unwrap();
    }
    db.set_json("key1400", &user("77")).unwrap();
    let error = db.create_index(IndexSpec::from("email").unique()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::UniqueViolation);
    let told = error.to_string();
    assert!(told.contains("\"key0077\"") && told.contains("\"key1400\""), "{told}");
    assert!(db.indexes().is_empty(), "no half index is left");
    db.close().unwrap();

    let mut db = bench.open();
    assert!(db.indexes().is_empty());
    db.set_json("key1400", &user("1400")).unwrap();
    assert!(db.create_index(IndexSpec::from("email").unique()).unwrap());
    assert_eq!(code(db.set_json("new", &user("1400"))), ErrorCode::UniqueViolation);
    assert_sound(&db);
}

#[test]
fn while_it_is_built_it_holds_for_what_is_in_it() {
    let mut db = fresh();
    for n in 0..20 {
        db.set_json(&format!("key{n:02}"), &user(&n.to_string())).unwrap();
    }
    let spec = || IndexSpec::from("email").unique();
    assert!(!db.create_index_step(spec(), 10).unwrap().done);
    assert_eq!(code(db.set_json("a", &user("3"))), ErrorCode::UniqueViolation);
    // The document that has it is not in the index yet; the build will tell.
    db.set_json("a", &user("15")).unwrap();
    assert_eq!(code(db.create_index_step(spec(), 100)), ErrorCode::UniqueViolation);
    assert!(db.indexes().is_empty());
}

#[test]
fn an_index_is_one_by_its_paths() {
    let mut db = with_unique(&["a", "b"]);
    assert_eq!(code(db.create_index(["a", "b"])), ErrorCode::InvalidOptions);
    assert!(!db.create_index(IndexSpec::from(["a", "b"]).unique()).unwrap());
    assert!(db.create_index(["b", "a"]).unwrap());
    assert!(db.create_index("a").unwrap());
    assert_eq!(code(db.create_index_step(IndexSpec::from("a").multi(), 1)), ErrorCode::InvalidOptions);
    let shown: Vec<_> = db.indexes().iter().map(|index| (index.path.clone(), index.unique)).collect();
    assert_eq!(shown, [("a".to_owned(), false), ("a, b".to_owned(), true), ("b, a".to_owned(), false)]);
    assert!(db.drop_index(["a", "b"]).unwrap());
    db.set_json("k1", r#"{"a": 1, "b": 1}"#).unwrap();
    db.set_json("k2", r#"{"a": 1, "b": 1}"#).unwrap();
}
