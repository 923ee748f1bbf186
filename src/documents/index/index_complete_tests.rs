//! Indexes from before entries of documents without a value: they answer as before, and maintenance completes them.

use super::*;
use crate::documents::catalog::entries::entries_of;
use crate::documents::index::entry::is_missing;
use crate::documents::keyspace::key::PREFIX_LENGTH;
use crate::documents::keyspace::range::end_of;
use crate::documents::options::Options;
use crate::documents::query::query::Query;
use crate::engine::KeyRange;
use crate::fs::{Memory, MemoryFile};
use std::ops::Bound;
use std::time::Duration;

/// A budget of maintenance.
const BUDGET: usize = 64 << 10;

fn open(fs: &Memory) -> Database<MemoryFile> {
    pollster::block_on(Database::open(fs, "db", Options::default())).unwrap()
}

fn document(n: usize) -> String {
    if n % 50 == 7 { format!("{{\"b\":{n}}}") } else { format!("{{\"a\":{},\"b\":{n}}}", n % 700) }
}

/// 2,500 documents, and two indexes as an earlier version wrote them.
fn earlier(fs: &Memory) -> Database<MemoryFile> {
    let mut db = open(fs);
    db.set_many_json((0..2500).map(|n| (format!("k{n:04}"), document(n)))).unwrap();
    for paths in [&["a"][..], &["a", "b"]] {
        db.create_index(paths).unwrap();
    }
    for index in db.catalog.indexes_of(CollectionId::DEFAULT).cloned().collect::<Vec<_>>() {
        let prefix = entries_of(&index).to_vec();
        let range = KeyRange { start: Bound::Included(prefix.clone()), end: end_of(prefix) };
        let mut batch = Batch::new();
        let mut cursor = db.engine.scan(range, false, db.engine.last_seq(), 0).unwrap();
        while let Some((key, _)) = cursor.next().unwrap() {
            if is_missing(&key[PREFIX_LENGTH..]) {
                batch.delete(key);
            }
        }
        drop(cursor);
        let index = Index { missing: None, ..index };
        index.store(&mut batch).unwrap();
        db.commit_index(&index, batch).unwrap();
    }
    db
}

/// Asks in several orders, and compares with what sorting finds. Returns the documents that the first order has read.
fn assert_answers(db: &Database<MemoryFile>) -> u64 {
    let mut plain = open(&Memory::new());
    let all = db.scan(&Range::all()).unwrap().map(|document| document.unwrap());
    plain.set_many_json(all.map(|document| (document.key, document.json))).unwrap();
    for text in [
        r#"{"orderBy": "a", "limit": 60}"#,
        r#"{"orderBy": {"path": "a", "reverse": true}, "limit": 60}"#,
        r#"{"orderBy": "a", "reverse": true, "limit": 2480}"#,
        r#"{"orderBy": ["a", "b"], "limit": 60}"#,
        r#"{"where": {"a": {"exists": false}}}"#,
        r#"{"where": {"a": {"ne": 5}}, "orderBy": "a", "limit": 5}"#,
        r#"{"where": {"a": 5}}"#,
    ] {
        let query = Query::parse(text).unwrap();
        let keys = |db: &Database<MemoryFile>| -> Vec<String> {
            db.query(&query).unwrap().into_iter().map(|row| row.key).collect()
        };
        assert_eq!(keys(db), keys(&plain), "{text}");
    }
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{report:?}");
    db.explain(&Query::parse(r#"{"orderBy": "a", "limit": 60}"#).unwrap()).unwrap().documents_read
}

#[test]
fn an_index_of_an_earlier_version_is_completed_in_slices() {
    let fs = Memory::new();
    let mut db = earlier(&fs);
    assert!(assert_answers(&db) >= 2500);
    let snapshot = db.snapshot().unwrap();
    for slice in 1.. {
        if !db.complete_indexes().unwrap() {
            assert!(slice > 5, "two indexes of 2,500 documents are several slices");
            break;
        }
        // Documents with a value, without one, and with a time to live change places on both sides of the slice.
        for n in [slice * 13, slice * 400, 2400 - slice] {
            let key = format!("k{n:04}");
            match slice % 4 {
                0 => drop(db.set_json(&key, "{}").unwrap()),
                1 => drop(db.set_json(&key, r#"{"a":5,"b":0}"#).unwrap()),
                2 => drop(db.set_ex_json(&key, "{}", Duration::from_secs(60)).unwrap()),
                _ => drop(db.delete(&key).unwrap()),
            }
        }
        assert_answers(&db);
        if slice == 2 {
            // Documents that an older snapshot sees have no entries.
            let query = Query::parse(r#"{"where": {"a": {"exists": false}}, "limit": 100}"#).unwrap();
            assert_eq!(db.at(&snapshot).unwrap().query(&query).unwrap().len(), 50);
            db.release(snapshot);
            // A crash: what is in the file is what was committed.
            drop(db);
            db = open(&fs);
        }
    }
    assert!(db.catalog.indexes_of(CollectionId::DEFAULT).all(|index| index.is_complete(db.version())));
    assert!(assert_answers(&db) <= 60);
    db.close().unwrap();
    assert!(assert_answers(&open(&fs)) <= 60);
}

#[test]
fn a_slice_that_fails_is_reported_once() {
    let fs = Memory::new();
    let mut db = earlier(&fs);
    let mut batch = Batch::new();
    let text = crate::documents::stored::content::Content::Json(b"{").encode();
    batch.put(CollectionId::DEFAULT.document_key("k0100"), text, None);
    db.apply(batch).unwrap();
    assert!(matches!(db.maintain(BUDGET), Err(Error::Corrupt { .. })));
    while db.maintain(BUDGET).unwrap() {}
}
