//! Documents that are bytes are rows of queries that do not look into documents, as they count.

use crate::support::fresh;
use ferrolite::fs::MemoryFile;
use ferrolite::{Database, Query};

fn query(text: &str) -> Query {
    Query::parse(text).unwrap()
}

fn mixed() -> Database<MemoryFile> {
    let mut db = fresh();
    db.create_index("n").unwrap();
    db.set_json("a", r#"{"n": 2}"#).unwrap();
    db.set_bytes("b", b"bytes").unwrap();
    db.set_json("c", r#"{"n": 1}"#).unwrap();
    db.set_bytes("d", &[7; 100_000]).unwrap();
    db
}

/// Queries, and the keys of their rows.
const QUERIES: [(&str, &str); 12] = [
    ("{}", "abcd"),
    (r#"{"reverse": true, "limit": 3}"#, "dcb"),
    (r#"{"keys": {"gt": "a"}, "offset": 1}"#, "cd"),
    (r#"{"where": {}}"#, "abcd"),
    (r#"{"where": {"and": []}}"#, "abcd"),
    (r#"{"where": {"n": {"gte": 0}}}"#, "ac"),
    (r#"{"where": {"n": {"ne": 2}}}"#, "c"),
    (r#"{"where": {"x": {"exists": false}}}"#, "ac"),
    (r#"{"orderBy": "n"}"#, "ca"),
    (r#"{"orderBy": "n", "limit": 5}"#, "ca"),
    (r#"{"select": ["n"]}"#, "ac"),
    (r#"{"where": {"not": {}}}"#, ""),
];

#[test]
fn queries_and_counts_agree_about_bytes() {
    let mut db = mixed();
    for (text, expected) in QUERIES {
        let asked = query(text);
        let keys: String = db.query(&asked).unwrap().into_iter().map(|row| row.key).collect();
        assert_eq!(keys, expected, "{text}");
        assert_eq!(db.count_rows(&asked).unwrap() as usize, expected.len(), "{text}");
        assert_eq!(db.explain(&asked).unwrap().rows_returned as usize, expected.len(), "{text}");
        let found: String = db.transaction(|tx| tx.query(&asked)).unwrap().into_iter().map(|row| row.key).collect();
        assert_eq!(found, expected, "{text} in a transaction");
        let unpaged = query(text);
        if !text.contains("offset") {
            let mut watcher = db.watch_query(&unpaged).unwrap();
            let told = db.query_changes(&mut watcher).unwrap().unwrap();
            let keys: String = told.added.into_iter().map(|row| row.key).collect();
            assert_eq!(keys, expected, "{text} watched");
        }
    }
    let rows = db.query(&query("{}")).unwrap();
    let bytes: Vec<_> = rows.into_iter().skip(1).step_by(2).map(|row| row.into_bytes().unwrap()).collect();
    assert_eq!(bytes, [b"bytes".to_vec(), vec![7; 100_000]]);
}

#[test]
fn pages_and_transactions_have_rows_of_bytes() {
    let mut db = mixed();
    let (mut found, mut next) = (String::new(), query(r#"{"limit": 1}"#));
    loop {
        let page = db.query_page(&next).unwrap();
        found.extend(page.rows.into_iter().map(|row| row.key));
        let Some(cursor) = page.cursor else { break };
        next = next.after(cursor);
    }
    assert_eq!(found, "abcd");
    let own = db.transaction(|tx| {
        tx.set_bytes("bb", b"new", None)?;
        tx.delete("b")?;
        tx.query(&query("{}"))
    });
    let own: Vec<_> = own.unwrap().into_iter().map(|row| row.key).collect();
    assert_eq!(own, ["a", "bb", "c", "d"]);
}

#[test]
fn a_watch_tells_bytes_that_come_and_change() {
    let mut db = mixed();
    let mut all = db.watch_query(&query(r#"{"limit": 3}"#)).unwrap();
    let mut json = db.watch_query(&query(r#"{"where": {"n": {"ne": 9}}}"#)).unwrap();
    for watcher in [&mut all, &mut json] {
        db.query_changes(watcher).unwrap().unwrap();
    }
    db.set_bytes("c", b"no JSON any more").unwrap();
    let told = db.query_changes(&mut all).unwrap().unwrap();
    assert_eq!(told.changed[0].bytes.as_ref().unwrap().bytes.as_deref(), Some(&b"no JSON any more"[..]));
    assert_eq!(db.query_changes(&mut json).unwrap().unwrap().removed, ["c"]);
    db.delete("a").unwrap();
    let told = db.query_changes(&mut all).unwrap().unwrap();
    assert_eq!((told.added[0].key.as_str(), told.added[0].bytes.as_ref().unwrap().length), ("d", 100_000));
}
