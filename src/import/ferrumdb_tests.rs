//! Files that FerrumDB wrote, and streams that are put together here.

use super::*;
use crate::documents::{ErrorCode, Options, Range, Ttl};
use crate::fs::Memory;

type Db = Database<<Memory as crate::fs::FileSystem>::File>;

const KEY: &[u8; 32] = b"my_super_secret_key_32_bytes_!!?";
const PLAIN_1: &[u8] = include_bytes!("../../tests/fixtures/ferrumdb/ferrumdb-0.1.4-plain.db");
const PLAIN_2: &[u8] = include_bytes!("../../tests/fixtures/ferrumdb/ferrumdb-0.2.1-plain.db");
const ENCRYPTED: &[u8] = include_bytes!("../../tests/fixtures/ferrumdb/ferrumdb-0.2.1-enc.db");

fn database() -> Db {
    pollster::block_on(Database::open(&Memory::new(), "db", Options::default())).unwrap()
}

fn import(bytes: &[u8], key: Option<&[u8; 32]>) -> Result<(Db, ImportReport)> {
    let mut db = database();
    let report = import_ferrumdb(bytes, key, &mut db)?;
    Ok((db, report))
}

fn documents(db: &Db) -> Vec<(String, String)> {
    db.entries_json(&Range::all()).unwrap()
}

fn string(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn set(key: &str, json: &str, expiry: Option<(u64, u32)>) -> Vec<u8> {
    let mut body = [&0_u32.to_le_bytes()[..], &string(key), &string(json)].concat();
    match expiry {
        None => body.push(0),
        Some((seconds, nanoseconds)) => {
            body.push(1);
            body.extend_from_slice(&seconds.to_le_bytes());
            body.extend_from_slice(&nanoseconds.to_le_bytes());
        }
    }
    body
}

fn delete(key: &str) -> Vec<u8> {
    [&1_u32.to_le_bytes()[..], &string(key)].concat()
}

fn transaction(operations: &[Vec<u8>]) -> Vec<u8> {
    [&2_u32.to_le_bytes()[..], &(operations.len() as u64).to_le_bytes(), &operations.concat()].concat()
}

fn version_1(json: &str) -> Vec<u8> {
    string(json)
}

fn version_2(body: &[u8]) -> Vec<u8> {
    [&(body.len() as u64).to_le_bytes(), body].concat()
}

fn version_3(body: &[u8]) -> Vec<u8> {
    version_2(&[&crc32fast::hash(body).to_le_bytes(), body].concat())
}

#[test]
fn files_of_all_kinds_are_read() {
    for (file, key) in [(PLAIN_1, None), (PLAIN_2, None), (ENCRYPTED, Some(KEY))] {
        let (db, report) = import(file, key).unwrap();
        assert_eq!((report.torn_bytes, report.skipped.len()), (0, 0));
        let alice: serde_json::Value = db.get("user:1").unwrap().unwrap();
        assert_eq!(
            alice,
            serde_json::json!({"name": "alice", "nested": {"a": [1, 2.5, null, true]}, "role": "admin", "score": 99})
        );
        assert_eq!(report.documents, db.count(&Range::all()).unwrap());
        assert!(!db.has("expired").unwrap(), "what has expired is gone");
        assert!(matches!(db.ttl("ttl_far").unwrap(), Ttl::Left(_)), "times to live are kept");
    }
    assert!(import(PLAIN_1, None).unwrap().1.operations > 0);
}

#[test]
fn versions_may_be_mixed_and_the_tail_may_be_torn() {
    let far = 4_000_000_000_u64;
    let file = [
        version_1(r#"{"Set":{"key":"a","value":{"n":1.0},"expiry":null}}"#),
        version_3(&set("b", "[2]", None)),
        version_2(&set("c", "3", Some((far, 1)))),
        version_1(r#"{"Transaction":[{"Set":{"key":"d","value":4,"expiry":{"secs_since_epoch":1,"nanos_since_epoch":0}}},{"Delete":{"key":"b"}}]}"#),
        version_2(&transaction(&[set("e", "\"5\"", None), delete("a"), transaction(&[set("a", "true", None)])])),
    ]
    .concat();
    let expected: Vec<(String, String)> =
        [("a", "true"), ("c", "3"), ("e", "\"5\"")].map(|(key, json)| (key.to_owned(), json.to_owned())).into();
    let (db, report) = import(&file, None).unwrap();
    assert_eq!(documents(&db), expected);
    assert_eq!(db.get_document("c").unwrap().unwrap().expires_at, Some(far * 1000 + 1));
    assert_eq!((report.operations, report.documents, report.torn_bytes), (8, 3, 0));
    let next = version_3(&set("f", "6", None));
    for len in 1..next.len() {
        let (db, report) = import(&[&file[..], &next[..len]].concat(), None).unwrap();
        assert_eq!((documents(&db), report.torn_bytes), (expected.clone(), len as u64), "{len}");
    }
}

#[test]
fn an_encrypted_tail_may_be_torn_too() {
    let (mut seen, mut torn) = (0, 0);
    for len in 200..ENCRYPTED.len() {
        let (_, report) = import(&ENCRYPTED[..len], Some(KEY)).unwrap();
        assert!(report.operations >= seen && report.torn_bytes < len as u64, "{len}");
        (seen, torn) = (report.operations, report.torn_bytes);
    }
    assert!(torn > 0 && import(ENCRYPTED, Some(KEY)).unwrap().1.operations > seen);
}

#[test]
fn what_is_no_ferrumdb_file_is_told() {
    let code = |outcome: Result<(Db, ImportReport)>| outcome.err().map(|error| error.code());
    assert_eq!(code(import(b"", None)), None, "a store that was never written");
    assert_eq!(code(import(b"hello world, this is text", None)), Some(ErrorCode::NotADatabase));
    assert_eq!(code(import(ENCRYPTED, None)), Some(ErrorCode::NotADatabase));
    assert_eq!(code(import(PLAIN_2, Some(KEY))), Some(ErrorCode::WrongKey));
    assert_eq!(code(import(ENCRYPTED, Some(&[1; 32]))), Some(ErrorCode::WrongKey));
    let mut damaged = ENCRYPTED.to_vec();
    let at = damaged.len() / 2;
    damaged[at] ^= 1;
    assert_eq!(code(import(&damaged, Some(KEY))), Some(ErrorCode::Corrupt));
    let first = version_2(&set("a", "1", None));
    let bad = version_2(&[9, 9, 9, 9, 9]);
    assert_eq!(code(import(&[&first[..], &bad, &first].concat(), None)), Some(ErrorCode::Corrupt));
}

#[test]
fn what_cannot_be_a_document_here_is_left_out_and_told() {
    let long = "k".repeat(5000);
    let file = [
        version_3(&set("", "1", None)),
        version_3(&set(&long, "2", None)),
        version_3(&set("bad", "{", None)),
        version_3(&set("good", "3", None)),
    ]
    .concat();
    let (db, report) = import(&file, None).unwrap();
    assert_eq!((documents(&db).len(), report.skipped.len(), report.operations), (1, 3, 4));
}
