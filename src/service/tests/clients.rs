//! Several clients of one engine.

use super::code;
use crate::crypto::Encryption;
use crate::documents::{Database, ErrorCode, Options};
use crate::fs::simulated::{Simulated, SimulatedFile};
use crate::service::service::Service;
use crate::service::service::{FIRST, Message};
use serde_json::{Value, json};

/// An engine, and what is left of it when it ends.
pub(crate) struct Engine {
    pub fs: Simulated,
    pub service: Service<SimulatedFile>,
}

impl Engine {
    pub fn new() -> Self {
        Self::on(Simulated::new(7))
    }

    pub fn on(fs: Simulated) -> Self {
        let database = pollster::block_on(Database::open(&fs, "test", Options::default())).unwrap();
        Self { fs, service: Service::new(database) }
    }

    /// Another one in its place: this one has ended without a word.
    pub fn succeeded(self) -> Self {
        drop(self.service);
        self.fs.restart_process();
        Self::on(self.fs)
    }

    /// The results of a message.
    pub fn send(&mut self, client: u32, number: u64, is_repeated: bool, calls: &str) -> Value {
        self.send_with(client, number, is_repeated, calls.as_bytes())
    }

    pub fn send_with(&mut self, client: u32, number: u64, is_repeated: bool, bytes: &[u8]) -> Value {
        let answer = self.service.execute(Message { client, number, is_repeated, answered: 0, bytes }).unwrap();
        let end = answer.iter().position(|byte| *byte == 0).unwrap_or(answer.len());
        serde_json::from_slice(&answer[..end]).unwrap()
    }

    /// The result of a message of one call that no engine has got before.
    pub fn call(&mut self, client: u32, number: u64, call: &str) -> Value {
        self.send(client, number, false, &format!("[{call}]"))[0].take()
    }

    /// What the first client finds at a key.
    pub fn get(&mut self, key: &str) -> Value {
        self.call(FIRST, 0, &format!(r#"["get","{key}"]"#)).get_mut(1).map_or(Value::Null, Value::take)
    }
}

/// A call and the number that it was answered.
fn opened(engine: &mut Engine, client: u32, number: u64, call: &str) -> u64 {
    let result = engine.call(client, number, call);
    assert_eq!(result[0], 0, "{call}: {result}");
    let found =
        [&result[1], &result[1][0], &result[1]["cursor"], &result[1]["number"]].into_iter().find_map(Value::as_u64);
    found.unwrap_or_else(|| panic!("{call}: {result}"))
}

/// What opens something, and calls that use it, with `#` for its number.
const HANDLES: [(&str, &[&str]); 7] = [
    (r#"["scanOpen",{}]"#, &[r#"["scanNext",#]"#]),
    (r#"["snapshotOpen"]"#, &[r#"["snapshotRead",#,["get","k0"]]"#, r#"["snapshotScan",#,["scan",{"limit":1}]]"#]),
    (r#"["txBegin"]"#, &[r#"["txRead",#,["get","k0"]]"#, r#"["txWrite",#,["set","x",1]]"#, r#"["txCommit",#]"#]),
    (r#"["blobBegin","b"]"#, &[r#"["blobFinish",#]"#]),
    (r#"["setMany",[["z",1]]]"#, &[]),
    (r#"["watchOpen",{},{}]"#, &[r#"["watchNext",#]"#]),
    (r#"["exportBegin"]"#, &[]),
];

fn filled() -> Engine {
    let mut engine = Engine::new();
    let pairs: Vec<String> = (0..300).map(|n| format!(r#"["k{n}",{n}]"#)).collect();
    engine.call(FIRST, 0, &format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    engine
}

#[test]
fn clients_touch_only_what_is_their_own() {
    let mut engine = filled();
    let [one, other] = [[1; 16], [2; 16]].map(|id| engine.service.join(id, false));
    assert_eq!((one, other), (1, 2));
    for (at, (opening, uses)) in (1..).zip(HANDLES) {
        let number = opened(&mut engine, one, at, opening);
        for call in uses {
            let call = call.replace('#', &number.to_string());
            for stranger in [other, FIRST] {
                let result = engine.call(stranger, at, &call);
                let codes = ["Aborted", "SnapshotTooOld", "InvalidTransaction", "Conflict"];
                assert!(codes.contains(&code(&result)), "{call}: {result}");
            }
            assert_ne!(engine.call(one, at, &call)[0], 1, "{call}");
        }
    }
    let number = opened(&mut engine, one, 20, r#"["exportBegin"]"#);
    for stranger in [other, FIRST] {
        assert_eq!(engine.service.export_chunk(stranger, number).unwrap_err().code(), ErrorCode::Aborted);
    }
    assert!(engine.service.export_chunk(one, number).unwrap().is_some());
    // Ending what is another's ends nothing.
    let number = opened(&mut engine, one, 21, r#"["snapshotOpen"]"#);
    assert_eq!(engine.call(other, 21, &format!(r#"["snapshotClose",{number}]"#)), json!([0]));
    assert_eq!(engine.call(one, 22, &format!(r#"["snapshotRead",{number},["get","k7"]]"#)), json!([0, 7]));
}

#[test]
fn who_leaves_lets_go_of_everything() {
    let mut engine = filled();
    let (client, other) = (engine.service.join([1; 16], false), engine.service.join([2; 16], false));
    for (at, (opening, _)) in (1..).zip(HANDLES) {
        opened(&mut engine, client, at, opening);
    }
    let blob = opened(&mut engine, client, 10, r#"["blobBegin","b"]"#);
    let piece = [format!(r#"[["blobWrite",{blob},0]]"#).as_bytes(), &[0, 0, 0, 32, 0], &[7; 2 << 20]].concat();
    assert_eq!(engine.send_with(client, 11, false, &piece), json!([[0]]));
    assert_eq!(engine.call(client, 12, r#"["createIndex","n"]"#)[0], 0);
    let pairs: Vec<String> = (0..2000).map(|n| format!(r#"["i{n}",{{"n":{n}}}]"#)).collect();
    engine.call(FIRST, 0, &format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    assert_eq!(engine.call(client, 13, r#"["@c","set","a",1]"#)[0], 0);
    assert_eq!(engine.call(client, 14, r#"["createIndex","m"]"#)[0], 2);
    let watch = opened(&mut engine, client, 15, r#"["watchOpen",{"gte":"w"},{}]"#);
    assert_eq!(engine.call(client, 16, &format!(r#"["watchNext",{watch}]"#))[0], 2);
    let before = engine.service.stats().unwrap().engine;
    assert!(before.snapshots >= 3 && engine.service.has_tasks());

    engine.service.leave(client);
    assert!(!engine.service.has_tasks());
    assert_eq!(engine.service.stats().unwrap().engine.snapshots, 0);
    engine.call(other, 1, r#"["set","w1",1]"#);
    assert!(!engine.service.has_tasks() && engine.service.step().is_none());
    let message = Message { client, number: 17, is_repeated: false, answered: 0, bytes: b"[]" };
    assert_eq!(engine.service.execute(message).unwrap_err().code(), ErrorCode::Internal);
    while engine.service.maintain(1 << 20).unwrap() {}
    assert_eq!(engine.call(other, 2, r#"["check",{"full":true}]"#)[1]["parts"], 0, "the blob is gone");
    engine.service.leave(client);
    assert_ne!(engine.service.join([1; 16], false), client, "no number is given twice");
}

#[test]
fn tasks_are_answered_to_who_began_them() {
    let mut engine = filled();
    let pairs: Vec<String> = (0..2000).map(|n| format!(r#"["i{n}",{{"n":{n}}}]"#)).collect();
    engine.call(FIRST, 0, &format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    let clients = [[1; 16], [2; 16]].map(|id| engine.service.join(id, false));
    let mut expected = Vec::new();
    for (client, path) in clients.into_iter().zip(["n", "m"]) {
        let pending = engine.call(client, 9, &format!(r#"["createIndex","{path}"]"#));
        assert_eq!(pending[0], 2);
        expected.push((client, json!([pending[1], [0, true]])));
        let watch = opened(&mut engine, client, 10, r#"["watchOpen",{},{"values":false}]"#);
        let pending = engine.call(client, 11, &format!(r#"["watchNext",{watch}]"#));
        let change = json!({"kind": "set", "key": "x", "version": 3, "oldVersion": 0});
        expected.push((client, json!([pending[1], [0, [change]]])));
    }
    engine.call(FIRST, 0, r#"["set","x",1]"#);
    let version = engine.call(FIRST, 0, r#"["getDocument","x"]"#)[1][0].take();
    let mut found = Vec::new();
    while engine.service.has_tasks() {
        found.extend(engine.service.step().map(|(client, answer)| (client, serde_json::from_slice(&answer).unwrap())));
    }
    for (_, answer) in &mut expected {
        if answer[1][1].is_array() {
            answer[1][1][0]["version"] = version.clone();
        }
    }
    let sorted = |mut answers: Vec<(u32, Value)>| {
        answers.sort_by_key(|(client, answer)| (*client, answer.to_string()));
        answers
    };
    assert_eq!(sorted(found), sorted(expected));
}

#[test]
fn who_joins_for_reading_cannot_write() {
    let mut engine = filled();
    let client = engine.service.join([1; 16], true);
    let transaction = opened(&mut engine, client, 1, r#"["txBegin"]"#);
    engine.call(client, 1, &format!(r#"["txWrite",{transaction},["set","a",1]]"#));
    let commit = format!(r#"["txCommit",{transaction}]"#);
    for call in [
        r#"["set","a",1]"#,
        r#"["setMany",[["a",1]]]"#,
        r#"["delete","k0"]"#,
        r#"["deleteRange",{}]"#,
        r#"["commit",[["set","a",1]]]"#,
        r#"["increment","k0",1]"#,
        r#"["expire","k0",1000]"#,
        r#"["push","l","right",[1]]"#,
        r#"["createIndex","n"]"#,
        r#"["dropIndex","n"]"#,
        r#"["dropCollection","c"]"#,
        r#"["compact"]"#,
        r#"["rotateKey"]"#,
        r#"["blobBegin","b"]"#,
        &commit,
    ] {
        assert_eq!(code(&engine.call(client, 2, call)), "ReadOnly", "{call}");
    }
    let reading = opened(&mut engine, client, 3, r#"["txBegin"]"#);
    assert_eq!(engine.call(client, 3, &format!(r#"["txCommit",{reading}]"#))[0], 0, "one that only reads may end");
    let calls = r#"[["get","k7"],["count",{}],["scanOpen",{}],["flush"],["set","a",1],["has","a"]]"#;
    let results = engine.send(client, 3, false, calls);
    assert_eq!((&results[0], &results[1], &results[3]), (&json!([0, 7]), &json!([0, 300]), &json!([0])));
    assert_eq!((&results[2][0], code(&results[4]), &results[5]), (&json!(0), "ReadOnly", &json!([0, false])));
    assert_eq!(engine.call(FIRST, 0, r#"["set","a",1]"#)[0], 0, "the others can");
}

#[test]
fn who_joins_for_reading_cannot_change_the_key() {
    let options = Options { encryption: Some(Encryption::key([1; 32])), ..Options::default() };
    let database = pollster::block_on(Database::open(&Simulated::new(7), "test", options)).unwrap();
    let mut service = Service::new(database);
    let [reader, writer] = [true, false].map(|is_read_only| service.join([1; 16], is_read_only));
    let next = Encryption::key([2; 32]);
    assert_eq!(service.change_key(reader, &next).unwrap_err().code(), ErrorCode::ReadOnly);
    assert!(service.opens(Some(&Encryption::key([1; 32]))).is_ok(), "the key is the one that it was");
    assert_eq!(service.change_key(99, &next).unwrap_err().code(), ErrorCode::Internal, "a client that has not joined");
    service.change_key(writer, &next).unwrap();
    assert!(service.opens(Some(&next)).is_ok());
}

#[test]
fn a_secret_is_proven() {
    let key = |byte| Encryption::key([byte; 32]);
    let options = Options { encryption: Some(key(1)), ..Options::default() };
    let database = pollster::block_on(Database::open(&Simulated::new(7), "test", options)).unwrap();
    let mut service = Service::new(database);
    let failure = |service: &Service<SimulatedFile>, encryption: Option<&Encryption>| {
        service.opens(encryption).map_err(|error| error.code())
    };
    assert_eq!(failure(&service, Some(&key(1))), Ok(()));
    assert_eq!(failure(&service, Some(&key(2))), Err(ErrorCode::WrongKey));
    assert_eq!(failure(&service, Some(&Encryption::passphrase("p"))), Err(ErrorCode::WrongKey));
    assert_eq!(failure(&service, None), Err(ErrorCode::KeyRequired));
    service.change_key(FIRST, &key(2)).unwrap();
    assert_eq!(failure(&service, Some(&key(1))), Err(ErrorCode::WrongKey));
    assert_eq!(failure(&service, Some(&key(2))), Ok(()));
    service.close().unwrap();
    assert_eq!(failure(&service, Some(&key(2))), Err(ErrorCode::Closed));

    let plain = Engine::new().service;
    assert_eq!((failure(&plain, None), failure(&plain, Some(&key(1)))), (Ok(()), Err(ErrorCode::NotEncrypted)));
}

#[test]
fn a_client_in_the_thread_of_the_engine_leaves_no_receipts() {
    let mut engine = Engine::new();
    let (writer, reader) = (engine.service.join_locally(false), engine.service.join_locally(true));
    let message = r#"[["increment","n",1]]"#;
    assert_eq!(engine.send(writer, 1, false, message), json!([[0, "1"]]));
    assert_eq!(engine.send(reader, 1, false, message)[0][1]["code"], json!("ReadOnly"));
    let spaces = engine.service.stats().unwrap().spaces;
    assert!(spaces.iter().all(|space| space.kind != crate::documents::SpaceKind::Receipts), "{spaces:?}");
    assert_eq!(engine.get("n"), json!(1));
}
