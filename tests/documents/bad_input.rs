//! Every verb refuses what it cannot take with a stable code, and the database stays as it was.

use crate::support::{Bench, assert_sound, code, find, fresh};
use ferrolite::fs::MemoryFile;
use ferrolite::{Condition, Database, ErrorCode, Options, Range, Transaction};
use serde_json::json;
use std::collections::BTreeMap;

const LONGEST_KEY: usize = 4096;
const LONGEST_DOCUMENT: usize = (64 << 20) - 1;

/// A database, and a look at it afterwards.
fn unchanged(attempt: impl FnOnce(&mut Database<MemoryFile>)) {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.set("k", &json!({"x": 1})).unwrap();
    let version = db.version();
    attempt(&mut db);
    assert_eq!(db.version(), version);
    assert_eq!(db.entries_json(&Range::all()).unwrap(), [("k".to_owned(), r#"{"x":1}"#.to_owned())]);
    assert_eq!(find(&db, "x", "1"), ["k"]);
    assert_eq!(db.indexes().len(), 1);
    assert_sound(&db);
}

#[test]
fn keys_of_a_wrong_length() {
    for key in [String::new(), "k".repeat(LONGEST_KEY + 1), "ü".repeat(LONGEST_KEY / 2 + 1)] {
        unchanged(|db| {
            let ttl = crate::support::ms(1000);
            let codes = [
                code(db.get::<u8>(&key)),
                code(db.get_json(&key)),
                code(db.get_document(&key)),
                code(db.get_many_json(&["k", &key])),
                code(db.has(&key)),
                code(db.ttl(&key)),
                code(db.set(&key, &1)),
                code(db.set_json(&key, "1")),
                code(db.set_ex(&key, &1, ttl)),
                code(db.set_ex_json(&key, "1", ttl)),
                code(db.set_many([("k", 1), (&key, 2)])),
                code(db.delete(&key)),
                code(db.expire(&key, ttl)),
                code(db.persist(&key)),
                code(Transaction::new().set(&key, &1)),
                code(Transaction::new().set_json(&key, "1")),
                code(Transaction::new().delete(&key)),
            ];
            assert!(codes.iter().all(|code| *code == ErrorCode::InvalidKey), "{codes:?}");
        });
    }
    let mut db = fresh();
    let longest = "k".repeat(LONGEST_KEY);
    db.create_index("x").unwrap();
    db.set_json(&longest, &format!("{{\"x\":{:?}}}", "v".repeat(5000))).unwrap();
    assert_eq!(find(&db, "x", "{\"gte\":\"\"}"), [longest]);
}

#[test]
fn messages_stay_short() {
    let mut db = fresh();
    let key = "k".repeat(1_000_000);
    let message = db.set(&key, &1).unwrap_err().to_string();
    assert!(message.len() < 300 && message.contains("1000000 bytes"), "{message}");
    let message = db.set_json("k", &"x".repeat(1_000_000)).unwrap_err().to_string();
    assert!(message.len() < 300, "{message}");
    db.set("k", &"x".repeat(100_000)).unwrap();
    let message = db.get::<u8>("k").unwrap_err().to_string();
    assert!(message.len() < 400 && message.ends_with("column 100002"), "{message}");
    let message = Condition::from_json(&json!({&*key: 1})).unwrap_err().to_string();
    assert!(message.len() < 300, "{message}");
}

#[test]
fn text_that_is_not_json() {
    for text in
        ["", "nope", "{", "{}{}", "[1,]", "{\"a\":1,}", "NaN", "Infinity", "undefined", "'a'", "\u{feff}1", "\"\t\""]
    {
        unchanged(|db| {
            assert_eq!(code(db.set_json("k", text)), ErrorCode::InvalidValue, "{text}");
            assert_eq!(code(db.set_ex_json("k", text, crate::support::ms(5))), ErrorCode::InvalidValue, "{text}");
            assert_eq!(code(db.set_many_json([("k", text)])), ErrorCode::InvalidValue, "{text}");
            assert_eq!(code(Transaction::new().set_json("k", text)), ErrorCode::InvalidValue, "{text}");
            assert_eq!(code(Transaction::new().set_until_json("k", text, 5)), ErrorCode::InvalidValue, "{text}");
        });
    }
}

#[test]
fn values_that_json_cannot_hold() {
    unchanged(|db| {
        assert_eq!(code(db.set("k", &f64::NAN)), ErrorCode::InvalidValue);
        assert_eq!(code(db.set("k", &[1.0, f64::INFINITY])), ErrorCode::InvalidValue);
        assert_eq!(code(db.set("k", &u128::MAX)), ErrorCode::InvalidValue);
        assert_eq!(code(db.set("k", &BTreeMap::from([((1, 2), 3)]))), ErrorCode::InvalidValue);
        assert_eq!(code(db.set_many([("k", Some(f32::NAN))])), ErrorCode::InvalidValue);
        assert_eq!(code(Condition::equals(&f64::NAN)), ErrorCode::InvalidCondition);
        assert_eq!(code(Condition::range(f64::NEG_INFINITY..0.0)), ErrorCode::InvalidCondition);
    });
}

#[test]
fn documents_that_do_not_fit_the_type() {
    unchanged(|db| {
        assert_eq!(code(db.get::<u8>("k")), ErrorCode::InvalidValue);
        assert_eq!(code(db.get_many::<Vec<u8>>(&["k"])), ErrorCode::InvalidValue);
        assert_eq!(code(db.values::<String>(&Range::all())), ErrorCode::InvalidValue);
        assert_eq!(code(db.entries::<String>(&Range::all())), ErrorCode::InvalidValue);
    });
}

#[test]
fn documents_that_are_too_large() {
    let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
    unchanged(|db| {
        let text = text(LONGEST_DOCUMENT + 1);
        assert_eq!(code(db.set_json("k", &text)), ErrorCode::TooLarge);
        assert_eq!(code(db.set("k", &text[1..text.len() - 1])), ErrorCode::TooLarge);
        assert_eq!(code(Transaction::new().set_json("k", &text)), ErrorCode::TooLarge);
    });
    let mut db = fresh();
    let longest = text(LONGEST_DOCUMENT);
    db.set_json("k", &longest).unwrap();
    assert!(db.get_json("k").unwrap().as_deref() == Some(&*longest));
}

#[test]
fn paths_that_lead_nowhere() {
    for path in ["", ".", "x.", ".x", "x..y", &"x".repeat(256)] {
        unchanged(|db| {
            assert_eq!(code(db.create_index(path)), ErrorCode::InvalidPath, "{path}");
            assert_eq!(code(db.create_index_step(path, 1)), ErrorCode::InvalidPath, "{path}");
            assert_eq!(code(db.drop_index(path)), ErrorCode::InvalidPath, "{path}");
        });
    }
}

#[test]
fn conditions_that_make_no_sense() {
    for condition in [
        json!({}),
        json!({"eq": 1}),
        json!({"gte": 1, "and": 2}),
        json!({"gt": 1, "gte": 1}),
        json!({"lt": 1, "lte": 1}),
        json!({"gte": 1, "lt": "2"}),
        json!({"gte": null, "lt": 2}),
        json!({"gte": [], "lt": {}}),
    ] {
        assert_eq!(code(Condition::from_json(&condition)), ErrorCode::InvalidCondition, "{condition}");
    }
}

#[test]
fn ranges_that_contradict_themselves() {
    for range in [
        Range::all().gt("a").gte("a"),
        Range::all().lt("a").lte("a"),
        Range::prefix("p".repeat(LONGEST_KEY + 1)),
        Range::all().gte("p".repeat(LONGEST_KEY + 1)),
    ] {
        unchanged(|db| {
            let snapshot = db.snapshot().unwrap();
            let codes = [
                code(db.keys(&range)),
                code(db.values::<u8>(&range)),
                code(db.entries_json(&range)),
                code(db.count(&range)),
                code(db.delete_range(&range)),
                db.scan(&range).err().unwrap().code(),
                code(db.scan_page(&range, snapshot, None, Default::default())),
            ];
            assert!(codes.iter().all(|code| *code == ErrorCode::InvalidRange), "{codes:?}");
            db.release(snapshot);
        });
    }
}

#[test]
fn options_that_are_not_allowed() {
    let bench = Bench::new();
    for options in [
        Options { page_size: 1, ..Options::default() },
        Options { memtable_size: 1, ..Options::default() },
        Options { durability: ferrolite::Durability::Periodic { interval_ms: 0 }, ..Options::default() },
    ] {
        let opened = crate::support::open(&bench.fs, &bench.clock, options);
        assert_eq!(code(opened), ErrorCode::InvalidOptions);
    }
    assert_eq!(bench.fs.bytes("db"), None, "no file was made");
    for text in
        [r#"{"cacheSice": 5}"#, r#"{"durability": "sometimes"}"#, r#"{"pageSize": -1}"#, r#"{"compression": "zip"}"#]
    {
        assert!(serde_json::from_str::<Options>(text).is_err(), "{text}");
    }
    for seconds in [0.0, -1.0, f64::NAN, 1e15] {
        assert_eq!(code(ferrolite::ttl_from_seconds(seconds)), ErrorCode::InvalidOptions);
    }
}
