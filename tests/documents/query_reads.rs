//! The number of documents that a query reads: with an index that has the order, as many as it returns, and not the
//! collection. Documents without a value have entries too, so they come first or last without a search.

use crate::support::{Bench, fresh};
use ferrolite::fs::MemoryFile;
use ferrolite::{Database, Document, End, ErrorCode, Explanation, IndexSpec, Query, Range, Transaction};
use serde_json::json;

const USERS: u64 = 2000;

/// 2,000 users of 20 roles and 100 ages, and some documents without an age: objects, a list, a large text, and bytes.
fn users() -> Database<MemoryFile> {
    let mut db = Bench::new().open();
    let user = |n: u64| {
        let n = n * 1201 % USERS;
        (format!("user:{n:04}"), json!({"role": format!("role{:02}", n % 20), "age": n / 20, "n": n}))
    };
    db.set_many((0..USERS).map(user)).unwrap();
    for path in ["age", "n"] {
        db.create_index(path).unwrap();
    }
    db.create_index(IndexSpec::from(["role", "age"])).unwrap();
    for key in ["odd:1", "odd:2", "user:0500:odd"] {
        db.set(key, &json!({"role": "odd"})).unwrap();
    }
    db.set("odd:large", &json!({"text": "x".repeat(20_000)})).unwrap();
    db.push("odd:list", End::Right, [1]).unwrap();
    db.set_bytes("odd:bytes", b"no row").unwrap();
    db
}

/// Returns what a query reads, after comparing its rows with those of a database without indexes.
fn explained(indexed: &Database<MemoryFile>, plain: &Database<MemoryFile>, text: &str) -> Explanation {
    let query = Query::parse(text).unwrap();
    let keys = |db: &Database<MemoryFile>| -> Vec<String> {
        db.query(&query).unwrap().into_iter().map(|row| row.key).collect()
    };
    assert_eq!(keys(indexed), keys(plain), "{text}");
    indexed.explain(&query).unwrap()
}

fn without_indexes(db: &Database<MemoryFile>) -> Database<MemoryFile> {
    let mut plain = fresh();
    for document in db.scan(&Range::all()).unwrap() {
        let document = document.unwrap();
        match document.bytes {
            Some(_) => drop(plain.set_bytes(&document.key, b"no row").unwrap()),
            None => drop(plain.set_json(&document.key, &document.json).unwrap()),
        }
    }
    plain
}

/// Each query, and the documents that it may read.
const SHAPES: [(&str, u64); 19] = [
    (r#"{"orderBy": "age", "limit": 10}"#, 10),
    (r#"{"orderBy": "age", "limit": 1}"#, 1),
    (r#"{"orderBy": "age", "limit": 10, "offset": 20}"#, 10),
    (r#"{"orderBy": {"path": "age", "reverse": true}, "limit": 10}"#, 10),
    (r#"{"orderBy": "age", "reverse": true, "limit": 10}"#, 10),
    (r#"{"where": {"role": {"ne": "odd"}}, "orderBy": "age", "limit": 10}"#, 20),
    (r#"{"where": {"n": {"gte": 200}}, "orderBy": "age", "limit": 10}"#, 250),
    (r#"{"where": {"or": [{"n": {"gte": 0}}, {"role": "odd"}]}, "orderBy": "age", "limit": 10}"#, 20),
    (r#"{"where": {"age": {"ne": 3}}, "orderBy": "age", "limit": 10}"#, 10),
    (r#"{"where": {"age": {"exists": false}}, "limit": 10}"#, 5),
    // Sorting reads each of the five, and so does returning it.
    (r#"{"where": {"age": {"exists": false}}, "orderBy": "n"}"#, 10),
    (r#"{"where": {"age": {"not": {"gte": 1}}}, "orderBy": "age", "limit": 30}"#, 30),
    (r#"{"orderBy": ["role", "age"], "limit": 10}"#, 10),
    (r#"{"orderBy": ["role", "age"], "reverse": true, "limit": 10}"#, 10),
    (r#"{"orderBy": "role", "limit": 10}"#, 10),
    (r#"{"orderBy": {"path": "role", "reverse": true}, "limit": 10}"#, 10),
    (r#"{"orderBy": ["role", {"path": "age", "reverse": true}], "limit": 10}"#, 10),
    (r#"{"where": {"role": "role07"}, "orderBy": "age", "limit": 10}"#, 10),
    (r#"{"where": {"role": "odd"}, "orderBy": "age", "limit": 2}"#, 2),
];

#[test]
fn an_order_reads_the_rows_that_it_returns() {
    let mut db = users();
    let plain = without_indexes(&db);
    for is_compacted in [false, true] {
        for (text, documents_max) in SHAPES {
            let explained = explained(&db, &plain, text);
            assert!(explained.documents_read <= documents_max, "{text}: {explained:?}");
            assert_eq!(explained.order != "sort", text.contains("limit"), "{text}: {explained:?}");
            assert!(!explained.then_missing, "{text}: {explained:?}");
        }
        if !is_compacted {
            db.compact().unwrap();
        }
    }
}

#[test]
fn every_page_reads_its_rows() {
    let db = users();
    let plain = without_indexes(&db);
    for order in [r#""age""#, r#"{"path": "age", "reverse": true}"#, r#"["role", "age"]"#, r#""role""#] {
        let query = |limit: u64| Query::parse(&format!("{{\"orderBy\": {order}, \"limit\": {limit}}}")).unwrap();
        let expected: Vec<_> = plain.query(&query(5000)).unwrap().into_iter().map(|row| row.key).collect();
        let (mut found, mut next) = (Vec::new(), query(100));
        loop {
            let explained = db.explain(&next).unwrap();
            assert!(explained.documents_read <= 101, "{order} after {}: {explained:?}", found.len());
            // A group of equal roles has 100 entries, and each page reads the one that it begins in once more.
            assert!(explained.entries_read <= 310, "{order} after {}: {explained:?}", found.len());
            let page = db.query_page(&next).unwrap();
            found.extend(page.rows.into_iter().map(|row| row.key));
            let Some(cursor) = page.cursor else { break };
            next = query(100).after(cursor);
        }
        assert_eq!(found, expected, "{order}");
    }
}

#[test]
fn snapshots_and_transactions_read_no_more() {
    let mut db = users();
    let query = Query::parse(r#"{"orderBy": "age", "limit": 10}"#).unwrap();
    let keys = |rows: Vec<Document>| rows.into_iter().map(|row| row.key).collect::<Vec<_>>();
    let before = keys(db.query(&query).unwrap());
    let snapshot = db.snapshot().unwrap();
    let lookups = |db: &Database<MemoryFile>| db.stats().engine.cache.hits + db.stats().engine.cache.misses;
    let mut open = db.begin().unwrap();
    // One document comes in front, and one goes.
    db.commit(Transaction::new().set("new", &json!({})).unwrap().delete("odd:1").unwrap()).unwrap();
    let explained = db.at(&snapshot).unwrap().explain(&query).unwrap();
    assert!(explained.documents_read <= 10, "{explained:?}");
    assert_eq!(keys(db.at(&snapshot).unwrap().query(&query).unwrap()), before);
    db.flush().unwrap();
    let looked_up = lookups(&db);
    open.on(&db).set("another", &json!({})).unwrap();
    let seen = keys(open.on(&db).query(&query).unwrap());
    assert_eq!(seen[..2], ["another", "odd:1"]);
    assert!(lookups(&db) - looked_up < 200, "{} lookups", lookups(&db) - looked_up);
    // The document that has come would have been a row.
    assert_eq!(db.commit_open(open).unwrap_err().code(), ErrorCode::Conflict);
    assert_eq!(keys(db.query(&query).unwrap())[..2], ["new", "odd:2"]);
}

#[test]
fn documents_without_a_value_expire_and_change() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("age").unwrap();
    let query = Query::parse(r#"{"orderBy": "age", "limit": 3}"#).unwrap();
    let keys = |db: &Database<MemoryFile>| {
        let rows = db.query(&query).unwrap().into_iter().map(|row| row.key).collect::<Vec<_>>();
        rows.join(" ")
    };
    db.set_many((0..50).map(|n| (format!("u{n:02}"), json!({"age": n})))).unwrap();
    db.set_ex("brief", &json!({}), std::time::Duration::from_secs(5)).unwrap();
    db.set("stays", &json!({"age": null})).unwrap();
    assert_eq!(keys(&db), "brief stays u00");
    db.set("u40", &json!({"name": "no age any more"})).unwrap();
    assert_eq!(keys(&db), "brief u40 stays");
    bench.clock.advance_ms(6000);
    assert_eq!(keys(&db), "u40 stays u00");
    db.set("u40", &json!({"age": 40})).unwrap();
    db.push("list", End::Left, [1]).unwrap();
    assert_eq!(keys(&db), "list stays u00");
    db.rename("list", "a list").unwrap();
    db.set_bytes("a list", b"bytes").unwrap();
    assert_eq!(keys(&db), "stays u00 u01");
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{report:?}");
}
