//! Patches of hostile size: they cost about what they are long, and what grows without end is refused.

use crate::support::{code, fresh};
use ferrolite::ErrorCode;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// A linear patch takes a second where this is long; a quadratic one takes minutes.
const LONG: Duration = Duration::from_secs(100);

fn object(prefix: char, fields: usize) -> String {
    let fields: Vec<String> = (0..fields).map(|n| format!(r#""{prefix}{n:06}":{n}"#)).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn wide_documents_and_wide_patches_cost_their_length() {
    let fields = 50_000;
    let mut db = fresh();
    db.set_json("k", &object('f', fields)).unwrap();
    let begun = Instant::now();
    assert!(db.patch("k", r#"[{"op":"replace","path":"/f000001","value":"x"}]"#).unwrap());
    assert!(db.merge_patch("k", &object('g', fields)).unwrap());
    let each = |operation: &str| {
        let operations: Vec<String> = (0..fields / 2).map(|n| operation.replace('#', &format!("{n:06}"))).collect();
        format!("[{}]", operations.join(","))
    };
    assert!(db.patch("k", &each(r##"{"op":"remove","path":"/f#"}"##)).unwrap());
    assert!(db.patch("k", &each(r##"{"op":"move","from":"/g#","path":"/h#"}"##)).unwrap());
    let text = db.get_json("k").unwrap().unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value.as_object().unwrap().len(), fields / 2 + fields);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

#[test]
fn long_arrays_are_changed_at_their_beginning() {
    let count = 100_000;
    let mut db = fresh();
    db.set_json("k", &format!("[{}0]", "0,".repeat(count - 1))).unwrap();
    let mut patch = "[".to_owned();
    for n in 0..count {
        write!(patch, r#"{{"op":"add","path":"/0","value":{n}}},"#).unwrap();
    }
    patch.push_str(&vec![r#"{"op":"remove","path":"/1"}"#; count].join(","));
    patch.push(']');
    let begun = Instant::now();
    assert!(db.patch("k", &patch).unwrap());
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    let text = db.get_json("k").unwrap().unwrap();
    assert!(
        text.starts_with(&format!("[{},0,0,", count - 1)) && text.len() == 2 * count + format!("{}", count - 1).len()
    );
}

#[test]
fn copies_of_copies_are_refused() {
    let mut db = fresh();
    db.set_json("k", r#"{"a":[0]}"#).unwrap();
    let copies = |count: usize| format!("[{}]", vec![r#"{"op":"copy","from":"/a","path":"/a/-"}"#; count].join(","));
    assert!(db.patch("k", &copies(10)).unwrap());
    let before = db.get_json("k").unwrap();
    let error = db.patch("k", &copies(40)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge, "{error}");
    assert!(error.to_string().contains("copies"), "{error}");
    assert_eq!(db.get_json("k").unwrap(), before);
    assert_eq!(code(db.patched("k", &copies(40))), ErrorCode::TooLarge);
    // Copying a large value a few times is no bomb.
    db.set("large", &serde_json::json!({"a": "x".repeat(3 << 20)})).unwrap();
    let copies: Vec<String> = (0..15).map(|n| format!(r#"{{"op":"copy","from":"/a","path":"/b{n}"}}"#)).collect();
    assert!(db.patch("large", &format!("[{}]", copies.join(","))).unwrap());
}

#[test]
fn nesting_without_end_is_refused() {
    let mut db = fresh();
    let nested = |depth: usize| {
        let step = r#"{"op":"add","path":"/t","value":{}},{"op":"move","from":"/d","path":"/t/d"},{"op":"move","from":"/t","path":"/d"}"#;
        format!(r#"[{{"op":"add","path":"/d","value":{{}}}},{}]"#, vec![step; depth].join(","))
    };
    db.set_json("k", "{}").unwrap();
    assert!(db.patch("k", &nested(300)).unwrap());
    assert_eq!(db.get_json("k").unwrap().unwrap().matches('{').count(), 302);
    for depth in [5_000, 200_000] {
        db.set_json("k", "{}").unwrap();
        let error = db.patch("k", &nested(depth)).unwrap_err();
        assert!(error.code() == ErrorCode::Conflict && error.to_string().contains("nested deeper"), "{error}");
        assert_eq!(db.get_json("k").unwrap().as_deref(), Some("{}"));
    }
    // A document itself may be as deep as it is long, and its parts can be moved.
    let deep = format!(r#"{{"a":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    db.set_json("k", &deep).unwrap();
    assert!(db.patch("k", r#"[{"op":"move","from":"/a","path":"/b"},{"op":"copy","from":"/b","path":"/c"}]"#).unwrap());
}

#[test]
fn tests_of_large_values_cost_what_is_wanted() {
    let mut db = fresh();
    let words: Vec<String> = (0..100_000).map(|n| format!("\"word {n}\"")).collect();
    db.set_json("k", &format!(r#"{{"a":[{}],"s":"{}"}}"#, words.join(","), "y".repeat(1 << 20))).unwrap();
    let tests = |count: usize, test: &str| format!("[{}]", vec![test; count].join(","));
    let begun = Instant::now();
    assert!(db.patch("k", &tests(50_000, r#"{"op":"test","path":"/a/7","value":"word 7"}"#)).unwrap());
    let outcome = db.patch("k", &tests(50_000, r#"{"op":"test","path":"/a","value":[1]}"#));
    assert_eq!(code(outcome), ErrorCode::Conflict);
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}
