//! What a query watch tells, put together, is what the query finds: whatever is written, dropped and expires.

use crate::support::{Bench, code, ms};
use ferrolite::{
    Condition, Database, ErrorCode, FindOptions, Options, Query, QueryChanges, QueryRow, QueryWatcher, Range,
    fs::MemoryFile,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Debug, Clone)]
enum Step {
    Set(u8, i32, Option<u64>),
    Delete(u8),
    Many(Vec<(u8, i32)>),
    Wait(u64),
    Drop,
    Index,
    Look,
}

fn steps() -> impl Strategy<Value = Step> {
    let key = 0u8..9;
    prop_oneof![
        8 => (key.clone(), -2i32..6, prop::option::weighted(0.2, 1u64..50)).prop_map(|(key, x, ttl)| Step::Set(key, x, ttl)),
        4 => key.clone().prop_map(Step::Delete),
        2 => prop::collection::vec((key, -2i32..6), 1..20).prop_map(Step::Many),
        2 => (1u64..40).prop_map(Step::Wait),
        1 => Just(Step::Drop),
        1 => Just(Step::Index),
        6 => Just(Step::Look),
    ]
}

/// The rows by key, as a client keeps them.
type Rows = BTreeMap<String, (u64, String)>;

fn take(rows: &mut Rows, changes: QueryChanges) {
    for key in changes.removed {
        assert!(rows.remove(&key).is_some(), "{key} was no row");
    }
    let mut insert = |row: QueryRow| rows.insert(row.key, (row.version, row.json));
    assert!(changes.changed.into_iter().all(|row| insert(row).is_some()), "what has changed was there before");
    assert!(changes.added.into_iter().all(|row| insert(row).is_none()), "what is new was not there before");
}

fn found(db: &Database<MemoryFile>, condition: &Condition, options: &FindOptions) -> Rows {
    let users = db.collection("users").unwrap();
    let keys = users.find("x", condition, options).unwrap();
    let row = |key: String| {
        let document = users.get_document(&key).unwrap().unwrap();
        (key, (document.version, document.json))
    };
    keys.into_iter().map(row).collect()
}

fn look(db: &mut Database<MemoryFile>, watcher: &mut QueryWatcher, rows: &mut Rows) {
    while db.may_have_query_changes(watcher) {
        let Some(changes) = db.query_changes(watcher).unwrap() else { continue };
        take(rows, changes);
    }
    assert_eq!(db.query_changes(watcher).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_that_are_told_are_those_that_are_found(
        steps in prop::collection::vec(steps(), 1..60),
        limit in prop::option::of(0u64..5),
        reverse in any::<bool>(),
        small in any::<bool>(),
    ) {
        let bench = Bench::new();
        let mut db = bench.open_with(Options { watch_buffer: if small { 600 } else { 1 << 20 }, ..Options::default() });
        let options = FindOptions { limit, reverse, ..FindOptions::default() };
        let mut watched = Vec::new();
        for text in [r#"{"gte":1}"#, "2"] {
            let condition = Condition::parse(text).unwrap();
            let query = query(text, limit, reverse);
            let watcher = db.collection_mut("users").unwrap().watch_query(&query).unwrap();
            watched.push((watcher, condition, Rows::new()));
        }
        for step in steps.into_iter().chain([Step::Look]) {
            let mut users = db.collection_mut("users").unwrap();
            let text = |x: i32| format!("{{\"x\":{x}}}");
            match step {
                Step::Set(key, x, None) => drop(users.set_json(&format!("{key}"), &text(x)).unwrap()),
                Step::Set(key, x, Some(ttl)) => {
                    users.set_ex_json(&format!("{key}"), &text(x), ms(ttl)).unwrap();
                }
                Step::Delete(key) => drop(users.delete(&format!("{key}")).unwrap()),
                Step::Many(writes) => {
                    users.set_many_json(writes.into_iter().map(|(key, x)| (format!("{key}"), text(x)))).unwrap();
                }
                Step::Wait(time_ms) => bench.clock.advance_ms(time_ms),
                Step::Drop => drop(db.drop_collection("users").unwrap()),
                Step::Index => drop(users.create_index("x").unwrap()),
                Step::Look => for (watcher, condition, rows) in &mut watched {
                    look(&mut db, watcher, rows);
                    prop_assert_eq!(&*rows, &found(&db, condition, &options));
                },
            }
        }
    }
}

#[test]
fn rows_come_in_the_order_of_the_query() {
    let mut db = Bench::new().open();
    let mut users = db.collection_mut("users").unwrap();
    for (key, x) in [("a", 3), ("b", 1), ("c", 2), ("d", 0)] {
        users.set_json(key, &format!("{{\"x\":{x}}}")).unwrap();
    }
    let mut watcher = users.watch_query(&query(r#"{"gte":0}"#, Some(3), true)).unwrap();
    let keys = |rows: &[QueryRow]| rows.iter().map(|row| row.key.clone()).collect::<Vec<_>>();
    let first = db.query_changes(&mut watcher).unwrap().unwrap();
    assert_eq!((keys(&first.added), first.version), (vec!["a".into(), "c".into(), "b".into()], db.version()));
    // One goes, and the next one comes into the window.
    db.collection_mut("users").unwrap().delete("a").unwrap();
    let second = db.query_changes(&mut watcher).unwrap().unwrap();
    assert_eq!((keys(&second.added), second.removed), (vec!["d".to_owned()], vec!["a".to_owned()]));
    // One comes, and pushes another out.
    db.collection_mut("users").unwrap().set_json("e", r#"{"x":9}"#).unwrap();
    let third = db.query_changes(&mut watcher).unwrap().unwrap();
    assert_eq!((keys(&third.added), third.removed), (vec!["e".to_owned()], vec!["d".to_owned()]));
    // What comes behind the window is no row.
    db.collection_mut("users").unwrap().set_json("f", r#"{"x":0}"#).unwrap();
    assert_eq!(db.query_changes(&mut watcher).unwrap(), None);
    let all = db.collection("users").unwrap().keys(&Range::all()).unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(code(db.watch_query(&Query::new().order_by(""))), ErrorCode::InvalidPath);
    assert_eq!(code(db.watch_query(&Query::new().offset(1))), ErrorCode::InvalidOptions);
}

/// A window over a collection with more rows than are known: rows come and go at its end and far after it.
#[test]
fn a_window_of_a_large_collection_is_what_the_query_finds() {
    for (seed, is_indexed) in [(1, false), (2, true), (3, false), (4, true)] {
        let mut db = Bench::new().open();
        let mut random = seed * 7919_u64;
        let mut below = |end: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % end
        };
        let document = |x: u64| if x < 5 { "{}".to_owned() } else { format!("{{\"x\":{}}}", x % 40) };
        db.set_many_json((0..150).map(|n| (format!("k{n:03}"), document(n * 37 % 150)))).unwrap();
        if is_indexed {
            db.create_index("x").unwrap();
        }
        let queries =
            [r#"{"orderBy": "x", "limit": 3}"#, r#"{"orderBy": "x", "reverse": true, "limit": 20}"#, r#"{"limit": 7}"#];
        let queries = queries.map(|text| Query::parse(text).unwrap());
        let mut watched: Vec<_> =
            queries.iter().map(|query| (db.watch_query(query).unwrap(), Rows::new(), query)).collect();
        for step in 0..400 {
            for _ in 0..1 + below(3) {
                let key = format!("k{:03}", if below(2) == 0 { below(150) } else { below(12) });
                match below(3) {
                    0 => drop(db.delete(&key).unwrap()),
                    _ => drop(db.set_json(&key, &document(below(100))).unwrap()),
                }
            }
            if step % 50 == 49 {
                // Many rows in front of all others, and gone again.
                let front = || (0..60).map(|n| format!("a{n:02}"));
                db.set_many_json(front().map(|key| (key, r#"{"x":-1}"#))).unwrap();
                watched.iter_mut().for_each(|(watcher, rows, _)| look(&mut db, watcher, rows));
                db.delete_range(&Range::prefix("a")).unwrap();
            }
            for (watcher, rows, query) in &mut watched {
                look(&mut db, watcher, rows);
                let found = db.query(query).unwrap().into_iter().map(|row| (row.key, (row.version, row.json)));
                assert_eq!(*rows, found.collect(), "step {step}");
            }
        }
    }
}

#[test]
fn what_is_selected_is_told() {
    let mut db = Bench::new().open();
    let query = Query::parse(r#"{"keys": {"prefix": "a"}, "where": {"x": {"ne": 0}}, "select": ["y"]}"#).unwrap();
    let mut watcher = db.watch_query(&query).unwrap();
    assert!(db.query_changes(&mut watcher).unwrap().unwrap().added.is_empty());
    db.set_json("a1", r#"{"x":1,"y":2}"#).unwrap();
    db.set_json("a2", r#"{"x":0,"y":2}"#).unwrap();
    db.set_json("b1", r#"{"x":1,"y":2}"#).unwrap();
    let told = db.query_changes(&mut watcher).unwrap().unwrap();
    let added: Vec<_> = told.added.iter().map(|row| (row.key.as_str(), row.json.as_str())).collect();
    assert_eq!(added, [("a1", r#"{"y":2}"#)]);
    assert_eq!(db.query_changes(&mut watcher).unwrap(), None);
}

/// The documents whose `x` meets a condition, ordered by it.
fn query(condition: &str, limit: Option<u64>, reverse: bool) -> Query {
    let query = Query::parse(&format!(r#"{{"where":{{"x":{condition}}},"orderBy":"x","reverse":{reverse}}}"#)).unwrap();
    limit.iter().fold(query, |query, limit| query.limit(*limit))
}
