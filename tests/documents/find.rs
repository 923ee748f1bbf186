//! `find` gives the same keys in the same order with an index, without one, and while one is being built.

use crate::support::{Bench, assert_sound, code, find, fresh, ms};
use ferrolite::fs::MemoryFile;
use ferrolite::{Condition, Database, ErrorCode, FindOptions};

const VALUES: [&str; 26] = [
    "null",
    "false",
    "true",
    "-1e300",
    "-2",
    "-1.5",
    "-0",
    "0.0",
    "1",
    "1.0",
    "2",
    "10",
    "9007199254740992",
    "9007199254740993",
    "18446744073709551615",
    "1e300",
    r#""""#,
    r#""\u0000""#,
    r#""a""#,
    r#""\u0061""#,
    r#""ab""#,
    r#""\ud800""#,
    "[]",
    "[1,2]",
    r#"{"a":1}"#,
    r#"{ "a" : 1.0 }"#,
];

/// Each value twice, at keys in no order.
fn filled() -> Database<MemoryFile> {
    let mut db = fresh();
    for (n, value) in VALUES.iter().enumerate() {
        for copy in ["", "-copy"] {
            let key = format!("{:02}{copy}", (n * 7) % VALUES.len());
            db.set_json(&key, &format!("{{\"deep\": {{\"x\": {value}}}}}")).unwrap();
        }
    }
    db.set_json("none", "{}").unwrap();
    db.set_json("shallow", "{\"x\": 1, \"deep\": 5}").unwrap();
    db
}

fn conditions() -> Vec<String> {
    let mut conditions: Vec<String> =
        VALUES.iter().filter(|value| !value.starts_with('{')).map(|value| (*value).to_owned()).collect();
    for value in VALUES {
        for operator in ["gt", "gte", "lt", "lte"] {
            conditions.push(format!("{{\"{operator}\":{value}}}"));
        }
    }
    for (low, high) in [("-2", "10"), ("1", "1"), ("10", "1"), ("\"\"", "\"b\""), ("false", "true"), ("[]", "[1,2]")] {
        conditions.push(format!("{{\"gte\":{low},\"lte\":{high}}}"));
        conditions.push(format!("{{\"gt\":{low},\"lt\":{high}}}"));
    }
    conditions
}

fn answers(db: &Database<MemoryFile>) -> Vec<Vec<String>> {
    let mut answers = Vec::new();
    for condition in conditions() {
        let condition = Condition::parse(&condition).unwrap();
        for reverse in [false, true] {
            for limit in [None, Some(0), Some(1), Some(3)] {
                answers.push(
                    db.find("deep.x", &condition, &FindOptions { reverse, limit, ..FindOptions::default() }).unwrap(),
                );
            }
        }
    }
    answers
}

#[test]
fn an_index_changes_no_answer() {
    let mut db = filled();
    let without = answers(&db);
    assert!(!db.create_index_step("deep.x", 10).unwrap().done);
    assert_eq!(answers(&db), without);
    db.create_index("deep.x").unwrap();
    assert_eq!(answers(&db), without);
    assert_sound(&db);
}

#[test]
fn limits_and_reversal_cut_the_same_list() {
    let mut db = filled();
    for indexed in [false, true] {
        if indexed {
            db.create_index("deep.x").unwrap();
        }
        for condition in conditions() {
            let condition = Condition::parse(&condition).unwrap();
            let with = |reverse, limit| {
                db.find("deep.x", &condition, &FindOptions { reverse, limit, ..FindOptions::default() }).unwrap()
            };
            let all = with(false, None);
            let mut reversed = all.clone();
            reversed.reverse();
            assert_eq!(with(true, None), reversed);
            for limit in 0..6u64 {
                let count = all.len().min(limit as usize);
                assert_eq!(with(false, Some(limit)), all[..count]);
                assert_eq!(with(true, Some(limit)), reversed[..count]);
            }
        }
    }
}

#[test]
fn results_are_ordered_by_value_and_then_by_key() {
    let mut db = fresh();
    let documents = [("d", "1"), ("a", "2"), ("c", "1.0"), ("e", "-1"), ("b", "2"), ("s", "\"2\"")];
    db.set_many_json(documents.map(|(key, x)| (key, format!("{{\"x\":{x}}}")))).unwrap();
    for _ in 0..2 {
        assert_eq!(find(&db, "x", r#"{"gte":-5}"#), ["e", "c", "d", "a", "b"]);
        assert_eq!(find(&db, "x", r#"{"gt":-1,"lt":2}"#), ["c", "d"]);
        assert_eq!(find(&db, "x", "2"), ["a", "b"]);
        assert_eq!(find(&db, "x", "\"2\""), ["s"]);
        db.create_index("x").unwrap();
    }
}

#[test]
fn missing_is_not_null() {
    let mut db = fresh();
    db.set_many_json([("null", r#"{"x":null}"#), ("missing", "{}"), ("scalar", "5")]).unwrap();
    for _ in 0..2 {
        assert_eq!(find(&db, "x", "null"), ["null"]);
        assert_eq!(find(&db, "x", r#"{"lte":null}"#), ["null"]);
        db.create_index("x").unwrap();
    }
}

#[test]
fn long_values_are_ordered_by_all_of_them() {
    let mut db = fresh();
    // They differ behind what an index entry holds of them.
    let long = |end: &str| format!("\"{}{end}\"", "x".repeat(3000));
    let ends = ["m", "b", "z", "a", "m", "", "bb"];
    for (n, end) in ends.iter().enumerate() {
        db.set_json(&format!("{n}"), &format!("{{\"x\":{}}}", long(end))).unwrap();
    }
    db.set_json("before", &format!("{{\"x\":\"{}\"}}", "x".repeat(500))).unwrap();
    db.set_json("behind", r#"{"x":"y"}"#).unwrap();
    for _ in 0..2 {
        assert_eq!(find(&db, "x", r#"{"gte":""}"#), ["before", "5", "3", "1", "6", "0", "4", "2", "behind"]);
        assert_eq!(find(&db, "x", &long("m")), ["0", "4"]);
        assert_eq!(find(&db, "x", &format!("{{\"gt\":{},\"lt\":{}}}", long("a"), long("m"))), ["1", "6"]);
        let last_two = FindOptions { reverse: true, limit: Some(2), ..FindOptions::default() };
        let below_z = Condition::parse(&format!("{{\"lt\":{}}}", long("z"))).unwrap();
        assert_eq!(db.find("x", &below_z, &last_two).unwrap(), ["4", "0"]);
        db.create_index("x").unwrap();
    }
    assert_sound(&db);
}

#[test]
fn values_nested_too_deep_are_not_found() {
    let mut db = fresh();
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    db.set_many_json([("fine", nested(100)), ("deep", nested(10_000))]).unwrap();
    for _ in 0..2 {
        assert_eq!(find(&db, "x", r#"{"gte":[]}"#), ["fine"]);
        db.create_index("x").unwrap();
    }
    assert_sound(&db);
}

#[test]
fn what_expires_is_confirmed_by_its_document() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    db.set_ex_json("k", r#"{"x":1}"#, ms(100)).unwrap();
    db.set_ex_json("l", r#"{"x":1}"#, ms(200)).unwrap();
    bench.clock.advance_ms(150);
    // Compaction drops what has expired by now, for ever.
    db.flush().unwrap();
    db.compact().unwrap();
    db.set_json("k", r#"{"x":2}"#).unwrap();
    bench.clock.set_back_ms(150);
    assert_eq!(find(&db, "x", "1"), ["l"]);
    assert_eq!(find(&db, "x", "2"), ["k"]);
    assert_sound(&db);
}

#[test]
fn bad_paths_are_refused() {
    let db = fresh();
    let condition = Condition::equals(&1).unwrap();
    for path in ["", "a..b", ".a", "a.", &"a".repeat(300)] {
        assert_eq!(code(db.find(path, &condition, &FindOptions::default())), ErrorCode::InvalidPath);
    }
}
