//! The basic verbs: what is written is read, in the running database and after reopening it.

use crate::support::{Bench, fresh};
use ferrolite::{Range, Ttl};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct User {
    name: String,
    age: u32,
}

#[test]
fn a_document_is_read_as_it_was_set() {
    let mut db = fresh();
    let alice = User { name: "alice".into(), age: 41 };
    db.set("user:1", &alice).unwrap();
    assert_eq!(db.get::<User>("user:1").unwrap(), Some(alice));
    assert_eq!(db.get_json("user:1").unwrap().as_deref(), Some(r#"{"name":"alice","age":41}"#));
    assert_eq!(db.get::<User>("user:2").unwrap(), None);
    assert_eq!(db.get_json("user").unwrap(), None);
}

#[test]
fn text_is_kept_as_it_is() {
    let mut db = fresh();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let texts = [
        " {\"b\" : 1.0,\n\"a\":1e2 , \"a\": 2} ",
        "\"\\ud800\"",
        "null",
        "-0",
        "1e999",
        "123456789012345678901",
        &deep,
    ];
    for text in texts {
        db.set_json("k", text).unwrap();
        assert_eq!(db.get_json("k").unwrap().as_deref(), Some(text));
    }
}

#[test]
fn setting_again_replaces() {
    let mut db = fresh();
    let first = db.set("k", &1).unwrap();
    let second = db.set("k", &"two").unwrap();
    assert!(second > first);
    assert_eq!(db.get::<Value>("k").unwrap(), Some(json!("two")));
    assert_eq!(db.count(&Range::all()).unwrap(), 1);
}

#[test]
fn a_document_knows_its_version() {
    let mut db = fresh();
    assert_eq!(db.version(), 0);
    let version = db.set("k", &1).unwrap();
    db.set("other", &1).unwrap();
    let document = db.get_document("k").unwrap().unwrap();
    assert_eq!((document.key.as_str(), document.json.as_str(), document.version), ("k", "1", version));
    assert_eq!(document.expires_at, None);
    assert!(db.version() > version);
}

#[test]
fn deleting_tells_whether_there_was_one() {
    let mut db = fresh();
    db.set("k", &1).unwrap();
    assert!(db.has("k").unwrap());
    assert!(db.delete("k").unwrap());
    assert!(!db.has("k").unwrap());
    assert!(!db.delete("k").unwrap());
    assert_eq!(db.ttl("k").unwrap(), Ttl::Missing);
}

#[test]
fn many_are_read_in_the_order_of_the_question() {
    let mut db = fresh();
    let version = db.set_many([("a", 1), ("b", 2), ("a", 3)]).unwrap();
    assert_eq!(db.get_many::<u8>(&["b", "x", "a", "b"]).unwrap(), [Some(2), None, Some(3), Some(2)]);
    assert_eq!(db.get_many_json(&["a".to_owned()]).unwrap(), [Some("3".to_owned())]);
    assert_eq!(db.get_document("b").unwrap().unwrap().version, version);
    db.set_many_json([("c", " 1 ")]).unwrap();
    assert_eq!(db.get_json("c").unwrap().as_deref(), Some(" 1 "));
    assert_eq!(db.set_many::<&str, u8>([]).unwrap(), db.version());
}

#[test]
fn all_is_there_after_reopening() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("a", &1).unwrap();
    db.set("b", &json!({"x": [1, 2]})).unwrap();
    db.delete("a").unwrap();
    let version = db.version();
    db.close().unwrap();
    let db = bench.open();
    assert_eq!(db.entries_json(&Range::all()).unwrap(), [("b".to_owned(), r#"{"x":[1,2]}"#.to_owned())]);
    assert_eq!(db.version(), version);
}

#[test]
fn figures_are_json() {
    let mut db = fresh();
    db.set("a", &1).unwrap();
    db.create_index("x").unwrap();
    let stats = serde_json::to_value(db.stats()).unwrap();
    assert_eq!(stats["indexes"], json!([{"path": "x", "ready": true}]));
    assert_eq!(stats["version"], json!(db.version()));
}
