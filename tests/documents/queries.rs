//! How queries are answered: which index, in which order, and how much is read. What they find is tested in `tests/queries`.

use crate::support::{Bench, code, fresh};
use ferrolite::fs::MemoryFile;
use ferrolite::{Database, ErrorCode, Explanation, IndexSpec, Options, Query, Range};
use serde_json::json;

/// 2,000 users of 20 roles and 100 ages, one in 500 of each pair; written in no order.
fn users(options: Options) -> Database<MemoryFile> {
    let mut db = Bench::new().open_with(options);
    let user = |n: u64| {
        let n = n * 1201 % 2000;
        let document = json!({"role": format!("role{:02}", n % 20), "age": n / 20, "tags": [n % 50, "all"], "n": n});
        (format!("user:{n:04}"), document)
    };
    for first in (0..2000).step_by(100) {
        db.set_many((first..first + 100).map(user)).unwrap();
    }
    db
}

fn small_pages() -> Options {
    Options { memtable_size: 32 << 10, page_size: 1024, ..Options::default() }
}

fn explain(db: &Database<MemoryFile>, query: &str) -> Explanation {
    db.explain(&Query::parse(query).unwrap()).unwrap()
}

fn index(explained: &Explanation) -> Vec<&str> {
    explained.index.iter().flatten().map(String::as_str).collect()
}

#[test]
fn without_an_index_all_documents_are_looked_at() {
    let db = users(Options::default());
    let explained = explain(&db, r#"{"where": {"role": "role07"}}"#);
    assert_eq!((explained.index, explained.order, explained.ranges), (None, "key", 1));
    assert_eq!((explained.documents_read, explained.rows_returned), (2000, 100));
    let explained = explain(&db, r#"{"where": {"role": "role07"}, "orderBy": "age"}"#);
    assert_eq!((explained.order, explained.rows_returned), ("sort", 100));
    let explained = explain(&db, r#"{"keys": {"prefix": "user:00"}, "where": {"role": "role07"}}"#);
    assert_eq!((explained.documents_read, explained.rows_returned), (100, 5));
    let explained = explain(&db, r#"{"limit": 10}"#);
    assert!(explained.documents_read <= 11, "a walk ends when there are rows enough");
    assert_eq!(explain(&db, r#"{"where": {"role": {"in": []}}}"#).documents_read, 0);
}

#[test]
fn the_index_that_has_fewer_entries_is_read() {
    for options in [Options::default(), small_pages()] {
        let mut db = users(options);
        db.create_index("role").unwrap();
        db.create_index("age").unwrap();
        let explained = explain(&db, r#"{"where": {"role": "role07", "age": {"lt": 60}}}"#);
        assert_eq!((index(&explained), explained.rows_returned), (vec!["role"], 60));
        let explained = explain(&db, r#"{"where": {"role": {"gt": "role01"}, "age": {"in": [3, 5]}}}"#);
        assert_eq!((index(&explained), explained.ranges, explained.rows_returned), (vec!["age"], 2, 36));
        assert!(explained.entries_read <= 41, "{explained:?}");
        // Most of the documents are read faster one after the other.
        let explained = explain(&db, r#"{"where": {"age": {"gte": 5}}}"#);
        assert_eq!((explained.index, explained.rows_returned), (None, 1900));
    }
}

#[test]
fn an_index_that_has_the_order_is_preferred_with_a_limit() {
    for options in [Options::default(), small_pages()] {
        let mut db = users(options);
        db.create_index("age").unwrap();
        let explained = explain(&db, r#"{"where": {"age": {"gte": 5}}, "orderBy": "age", "limit": 10}"#);
        assert_eq!((index(&explained), explained.order), (vec!["age"], "index"));
        assert!(explained.documents_read <= 11, "{explained:?}");
        let explained = explain(&db, r#"{"where": {"age": {"gte": 5}}, "orderBy": "age"}"#);
        assert_eq!((explained.order, explained.rows_returned), ("sort", 1900));
        let query = r#"{"where": {"age": {"gte": 5}}, "orderBy": {"path": "age", "reverse": true}, "limit": 10}"#;
        let explained = explain(&db, query);
        assert_eq!((explained.order, explained.entries_read <= 12), ("index", true), "{explained:?}");
    }
}

#[test]
fn from_the_highest_down_documents_without_the_value_come_last() {
    let mut db = users(Options::default());
    db.create_index("age").unwrap();
    db.set_json("odd", "{}").unwrap();
    let newest = |limit: u64| format!(r#"{{"orderBy": {{"path": "age", "reverse": true}}, "limit": {limit}}}"#);
    let explained = explain(&db, &newest(10));
    assert_eq!((index(&explained), explained.then_missing, explained.order), (vec!["age"], false, "index"));
    assert!(explained.documents_read <= 10 && explained.entries_read <= 12, "{explained:?}");
    let rows = db.query_page(&Query::parse(&newest(5000)).unwrap()).unwrap().rows;
    assert_eq!((rows.len(), rows.last().unwrap().key.as_str()), (2001, "odd"));
}

#[test]
fn several_values_are_looked_up_together() {
    let mut db = users(small_pages());
    db.create_index(["role", "age"]).unwrap();
    let explained = explain(&db, r#"{"where": {"role": "role03", "age": {"between": [10, 12]}}}"#);
    assert_eq!((index(&explained), explained.entries_read, explained.rows_returned), (vec!["role", "age"], 3, 3));
    let explained = explain(&db, r#"{"where": {"role": {"in": ["role03", "role04"]}}, "orderBy": "age", "limit": 4}"#);
    assert_eq!((index(&explained), explained.order, explained.ranges), (vec!["role", "age"], "index", 2));
    assert!(explained.entries_read <= 8, "{explained:?}");
    // What the entries say of the age need not be asked of the documents.
    let explained = explain(&db, r#"{"where": {"role": {"startsWith": "role0"}, "age": 50}}"#);
    assert_eq!((explained.entries_read, explained.documents_read, explained.rows_returned), (1000, 10, 10));
}

#[test]
fn two_indexes_are_intersected_where_that_saves_documents() {
    let mut db = users(Options::default());
    db.create_index("role").unwrap();
    db.create_index(IndexSpec::from("tags").multi()).unwrap();
    let explained = explain(&db, r#"{"where": {"role": "role03", "tags": {"contains": 13}}}"#);
    assert_eq!(explained.rows_returned, 20);
    assert!(explained.intersected.is_some() || explained.entries_read <= 40, "{explained:?}");
    let mut db = users(Options::default());
    db.create_index("role").unwrap();
    db.create_index("age").unwrap();
    let explained = explain(&db, r#"{"where": {"role": "role03", "age": {"between": [10, 14]}}}"#);
    assert_eq!((explained.intersected.is_some(), explained.rows_returned), (true, 5), "{explained:?}");
    assert_eq!((explained.entries_read, explained.documents_read), (200, 5));
}

#[test]
fn elements_of_arrays_are_found_by_their_index() {
    let mut db = users(Options::default());
    db.create_index(IndexSpec::from("tags").multi()).unwrap();
    let explained = explain(&db, r#"{"where": {"tags": {"contains": 7}}}"#);
    assert_eq!((index(&explained), explained.order), (vec!["tags"], "index"));
    assert_eq!((explained.entries_read, explained.rows_returned), (40, 40));
    let any = r#"{"where": {"or": [{"tags": {"contains": 7}}, {"tags": {"contains": 9}}]}}"#;
    let explained = explain(&db, any);
    assert_eq!((explained.ranges, explained.order, explained.rows_returned), (2, "index", 80));
    // A plain value is no array: the index has it, the operator does not.
    db.set_json("plain", r#"{"tags": 7}"#).unwrap();
    assert_eq!(explain(&db, r#"{"where": {"tags": {"contains": 7}}}"#).rows_returned, 40);
    assert_eq!(db.find("tags", &ferrolite::Condition::equals(&7).unwrap(), &Default::default()).unwrap(), ["plain"]);
}

#[test]
fn counting_reads_no_documents_when_the_index_tells() {
    let mut db = users(Options::default());
    db.create_index(["role", "age"]).unwrap();
    let reads = |db: &Database<MemoryFile>| db.stats().engine.cache.hits + db.stats().engine.cache.misses;
    let query = Query::parse(r#"{"where": {"role": "role03", "age": {"gt": 90}}, "orderBy": "n"}"#).unwrap();
    db.compact().unwrap();
    let before = reads(&db);
    assert_eq!(db.count_rows(&query).unwrap(), 9);
    let counted = reads(&db) - before;
    db.query_page(&query).unwrap();
    assert!(reads(&db) - before - counted > 2 * counted, "the rows themselves cost more pages: {counted}");
}

#[test]
fn pages_begin_where_the_last_one_ended() {
    let mut db = users(small_pages());
    db.create_index(["role", "age"]).unwrap();
    for text in [
        r#"{"where": {"role": "role03"}, "orderBy": "age", "limit": 7}"#,
        r#"{"where": {"role": "role03"}, "orderBy": {"path": "age", "reverse": true}, "limit": 7}"#,
        r#"{"limit": 150}"#,
    ] {
        let (query, mut read, mut pages) = (Query::parse(text).unwrap(), 0, 1);
        let mut next = query.clone();
        while let Some(cursor) = db.query_page(&next).unwrap().cursor {
            next = query.clone().after(cursor);
            let explained = db.explain(&next).unwrap();
            read += explained.documents_read;
            pages += 1;
        }
        let rows = if text.contains("role") { 100 } else { 2000 };
        assert!(read <= rows + 2 * pages, "{read} documents in {pages} pages: {text}");
    }
    let other = db.query_page(&Query::parse(r#"{"limit": 1}"#).unwrap()).unwrap().cursor.unwrap();
    let query = Query::new().order_by("age").after(other);
    assert_eq!(code(db.query_page(&query)), ErrorCode::InvalidOptions);
}

#[test]
fn what_has_expired_is_not_found() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("a").unwrap();
    db.create_index(IndexSpec::from("t").multi()).unwrap();
    for n in 0..50 {
        db.set_json(&format!("k{n}"), &format!("{{\"a\": {}, \"t\": [1]}}", n % 25)).unwrap();
    }
    db.set_ex_json("e", r#"{"a": 3, "t": [1]}"#, crate::support::ms(1000)).unwrap();
    let query = Query::parse(r#"{"where": {"a": 3}}"#).unwrap();
    assert_eq!((db.count_rows(&query).unwrap(), db.query_page(&query).unwrap().rows.len()), (3, 3));
    bench.clock.advance_ms(2000);
    assert_eq!((db.count_rows(&query).unwrap(), db.query_page(&query).unwrap().rows.len()), (2, 2));
    db.compact().unwrap();
    // What was compacted away does not come back with a clock that is set back, in the entries neither.
    bench.clock.set_back_ms(2000);
    assert_eq!((db.count_rows(&query).unwrap(), db.query_page(&query).unwrap().rows.len()), (2, 2));
}

#[test]
fn transactions_note_what_their_queries_depend_on() {
    let query = Query::parse(r#"{"where": {"a": {"gte": 5}}, "orderBy": "a"}"#).unwrap();
    for (key, text, conflicts) in
        [("new", r#"{"a": 7}"#, true), ("k3", r#"{"a": 6}"#, true), ("k6", "{}", true), ("new", r#"{"a": 2}"#, false)]
    {
        let mut db = fresh();
        db.set_many_json((0..40).map(|n| (format!("k{n}"), format!("{{\"a\": {}}}", n % 10)))).unwrap();
        db.set_many_json((0..400).map(|n| (format!("l{n}"), "{}"))).unwrap();
        db.create_index("a").unwrap();
        let mut open = db.begin().unwrap();
        assert_eq!(open.on(&db).query_page(&query).unwrap().rows.len(), 20);
        open.on(&db).set("seen", &20).unwrap();
        db.set_json(key, text).unwrap();
        let outcome = db.commit_open(open);
        assert_eq!(outcome.is_err(), conflicts, "{key} {text}");
    }
    // Without an index every document counts.
    let mut db = fresh();
    db.set_json("k", r#"{"a": 7}"#).unwrap();
    let mut open = db.begin().unwrap();
    assert_eq!(open.on(&db).count_rows(&query).unwrap(), 1);
    open.on(&db).set("seen", &1).unwrap();
    db.set_json("l", r#"{"a": 2}"#).unwrap();
    assert_eq!(code(db.commit_open(open)), ErrorCode::Conflict);
}

#[test]
fn an_index_that_is_dropped_is_something_read() {
    let mut db = fresh();
    db.set_many_json((0..400).map(|n| (format!("k{n}"), format!("{{\"a\": {}, \"b\": {}}}", n % 40, n % 39)))).unwrap();
    for query in [r#"{"where": {"a": 5}}"#, r#"{"where": {"a": 5, "b": 5}}"#] {
        for dropped in ["a", "b"] {
            db.create_index("a").unwrap();
            db.create_index("b").unwrap();
            let query = Query::parse(query).unwrap();
            let mut open = db.begin().unwrap();
            let found = open.on(&db).query_page(&query).unwrap().rows.len();
            open.on(&db).set("seen", &found).unwrap();
            db.drop_index(dropped).unwrap();
            db.set_json("k1", r#"{"a": 5, "b": 5}"#).unwrap();
            assert_eq!(code(db.commit_open(open)), ErrorCode::Conflict, "{query:?} {dropped}");
            db.set_json("k1", r#"{"a": 1, "b": 1}"#).unwrap();
        }
    }
}

#[test]
fn bounds_are_told() {
    let mut db = users(Options::default());
    let bounds = |db: &Database<MemoryFile>, query: &str| explain(db, query).bounds;
    assert_eq!(bounds(&db, "{}"), ["all"]);
    assert_eq!(
        bounds(&db, r#"{"keys": {"gte": "user:01", "lt": "user:02"}}"#),
        [r#"{"gte":"user:01","lt":"user:02"}"#]
    );
    db.create_index("age").unwrap();
    db.create_index(["role", "age"]).unwrap();
    db.create_index(IndexSpec::from("tags").multi()).unwrap();
    for (query, expected) in [
        (r#"{"where": {"age": 7}}"#, &["= 7"][..]),
        (r#"{"where": {"age": {"in": [9, -1.5]}}}"#, &["= -1.5", "= 9"]),
        (r#"{"where": {"age": {"gt": 90, "lte": 95}}}"#, &["> 90, <= 95"]),
        (r#"{"where": {"age": {"gte": 98}}}"#, &[">= 98, < (a string)"]),
        (r#"{"where": {"role": "role07", "age": {"lt": 5}}}"#, &[r#">= "role07", (a number), < "role07", 5"#]),
        (r#"{"where": {"tags": {"contains": 3}}}"#, &["= 3"]),
        (r#"{"orderBy": "age", "limit": 1}"#, &["all"]),
    ] {
        assert_eq!(bounds(&db, query), expected, "{query}");
    }
    let many = json!({"where": {"age": {"in": (0..50).collect::<Vec<_>>()}}}).to_string();
    assert_eq!((explain(&db, &many).ranges, bounds(&db, &many).len()), (50, 10));
}

#[test]
fn collections_have_queries_of_their_own() {
    let mut db = users(Options::default());
    let mut others = db.collection_mut("others").unwrap();
    others.create_index(IndexSpec::from("role").unique()).unwrap();
    others.set_json("x", r#"{"role": "role03"}"#).unwrap();
    others.set_many_json((0..9).map(|n| (n.to_string(), format!("{{\"role\": {n}}}")))).unwrap();
    assert_eq!(code(others.set_json("y", r#"{"role": "role03"}"#)), ErrorCode::UniqueViolation);
    let query = Query::parse(r#"{"where": {"role": "role03"}}"#).unwrap();
    let others = db.collection("others").unwrap();
    assert_eq!(others.query_page(&query).unwrap().rows[0].key, "x");
    assert_eq!(others.explain(&query).unwrap().index, Some(vec!["role".to_owned()]));
    assert_eq!(others.rows(&query).unwrap().count(), 1);
    assert_eq!((db.count_rows(&query).unwrap(), db.explain(&query).unwrap().index), (100, None));
    assert_eq!(db.collection("none").unwrap().count_rows(&query).unwrap(), 0);
    assert_eq!(db.count(&Range::all()).unwrap(), 2000);
}

#[test]
fn rows_are_read_as_they_are_asked_for() {
    let bench = Bench::new();
    let mut db = bench.open_with(small_pages());
    db.create_index("n").unwrap();
    db.set_many((0..2000).map(|n| (format!("k{:04}", n * 1201 % 2000), json!({"n": n, "text": "x".repeat(200)}))))
        .unwrap();
    db.close().unwrap();
    for query in [r#"{"where": {"n": {"gte": 0}}, "orderBy": "n", "limit": 2000}"#, r#"{"where": {"n": {"gte": 0}}}"#] {
        let db = bench.open_with(Options { cache_size: 16 << 10, ..small_pages() });
        let query = Query::parse(query).unwrap();
        let mut rows = db.rows(&query).unwrap();
        let misses = || db.stats().engine.cache.misses;
        let before = misses();
        rows.by_ref().take(10).for_each(|row| drop(row.unwrap()));
        let (few, all) = (misses() - before, {
            rows.for_each(|row| drop(row.unwrap()));
            misses() - before
        });
        assert!(few * 20 < all, "{few} pages for the first rows, {all} for all");
    }
}
