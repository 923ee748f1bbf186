//! The protocol, without JavaScript: messages in, answers out.

pub(super) mod bytes;
pub(super) mod clients;
pub(super) mod full_disk;
mod operations;
pub(super) mod receipts;
pub(super) mod tasks;
pub(super) mod transactions;
pub(super) mod watches;

use crate::crypto::Encryption;
use crate::documents::{Database, Durability, ErrorCode, Options, Result};
use crate::fs::simulated::{Fault, Operation, Simulated, SimulatedFile};
use crate::service::service::Service;
use crate::service::service::{FIRST, Message};
use serde_json::{Value, json};
use transactions::begun;

pub(crate) struct Client {
    pub fs: Simulated,
    pub service: Service<SimulatedFile>,
}

impl Client {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let fs = Simulated::new(7);
        let database = pollster::block_on(Database::open(&fs, "test", options)).unwrap();
        Self { fs, service: Service::new(database) }
    }

    /// Sends a message of the first client as it is.
    pub fn execute(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        self.service.execute(Message { client: FIRST, number: 0, is_repeated: false, answered: 0, bytes })
    }

    /// One slice of a task, or an answer to who waits.
    pub fn step(&mut self) -> Option<Vec<u8>> {
        let (client, answer) = self.service.step()?;
        assert_eq!(client, FIRST);
        Some(answer)
    }

    /// Sends a message and gets its results.
    pub fn send(&mut self, message: &str) -> Value {
        let answer = self.execute(message.as_bytes()).unwrap();
        serde_json::from_slice(&answer).unwrap()
    }

    /// Sends one call and gets its result.
    pub fn call(&mut self, call: &str) -> Value {
        self.send(&format!("[{call}]"))[0].take()
    }
}

pub(crate) fn code(result: &Value) -> &str {
    assert_eq!(result[0], 1, "{result}");
    assert!(result[1]["message"].as_str().is_some_and(|message| !message.is_empty()));
    result[1]["code"].as_str().unwrap()
}

#[test]
fn documents_go_in_and_out_as_text() {
    let mut client = Client::new();
    assert_eq!(client.send("[]"), json!([]));
    let answer = client.execute(br#"[["set","a",{"n": 1.0, "m":[ ]}],["get","a"],["get","b"]]"#).unwrap();
    assert_eq!(String::from_utf8(answer).unwrap(), r#"[[0,1],[0,{"n": 1.0, "m":[ ]}],[0]]"#);
    assert_eq!(client.call(r#"["set","line\nbreak\u00e9",null]"#)[0], 0);
    assert_eq!(
        client.call(r#"["getMany",["line\nbreaké","none","a"]]"#),
        json!([0, [[null], [], [{"n": 1.0, "m": []}]]])
    );
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["a", "line\nbreaké"]]));
    assert_eq!(client.call(r#"["values",{"limit":1}]"#), json!([0, [{"n": 1.0, "m": []}]]));
    assert_eq!(client.call(r#"["entries",{"prefix":"l"}]"#), json!([0, [["line\nbreaké", null]]]));
    assert_eq!(client.call(r#"["count",{"gt":"a"}]"#), json!([0, 1]));
    assert_eq!(client.call(r#"["has","a"]"#), json!([0, true]));
}

#[test]
fn lists_are_changed_at_their_ends() {
    let mut client = Client::new();
    let results = client.send(
        r#"[["push","l","right",[1,{"a": 2}]],["push","l","left",["x","y"]],["pop","l","right"],["pop","none","left"],
            ["listRange","l",0,-1],["listSet","l",-1,7],["listGet","l",-1],["listGet","l",9],["listLength","l"],
            ["trim","l",1,1],["get","l"],["@c","push","l","left",[null]],["@c","get","l"]]"#,
    );
    let expected = json!([
        [0, 2], [0, 4], [0, {"a": 2}], [0], [0, ["y", "x", 1]], [0, true], [0, 7], [0], [0, 3], [0, 1], [0, ["x"]],
        [0, 1], [0, [null]]
    ]);
    assert_eq!(results, expected);
    assert_eq!(code(&client.call(r#"["push","l","middle",[1]]"#)), "Internal");
    client.call(r#"["set","n",1]"#);
    assert_eq!(code(&client.call(r#"["pop","n","left"]"#)), "InvalidValue");
}

#[test]
fn writes_of_one_message_share_a_flush() {
    let mut client = Client::new();
    client.call(r#"["set","first",0]"#);
    client.fs.reset_counts();
    let sets: Vec<String> = (0..50).map(|n| format!(r#"["set","k{n:04}",{n}]"#)).collect();
    let results = client.send(&format!("[{}]", sets.join(",")));
    assert_eq!(results.as_array().unwrap().len(), 50);
    assert_eq!((client.fs.counts().writes, client.fs.counts().syncs), (1, 1));
    assert_eq!(client.call(r#"["count",{}]"#), json!([0, 51]));
    assert_eq!(client.fs.counts().syncs, 1, "reading flushes nothing");
}

#[test]
fn a_call_that_fails_does_so_alone() {
    let mut client = Client::new();
    let results = client.send(r#"[["set","a",1],["set","",2],["count",{"from":1}],["fly"],["set","b",3]]"#);
    assert_eq!((results[0][0].as_u64(), results[4][0].as_u64()), (Some(0), Some(0)));
    assert_eq!(["InvalidKey", "InvalidRange", "Unsupported"], [1, 2, 3].map(|at| code(&results[at]).to_owned())[..]);
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["a", "b"]]));
}

#[test]
fn arguments_of_the_wrong_kind_have_codes() {
    let mut client = Client::new();
    for (call, expected) in [
        (r#"["set"]"#, "Internal"),
        (r#"["set","a"]"#, "Internal"),
        (r#"["get",5]"#, "InvalidKey"),
        (r#"["setEx","a",1,-1]"#, "InvalidOptions"),
        (r#"["setEx","a",1,0]"#, "InvalidOptions"),
        (r#"["expire","a","soon"]"#, "InvalidOptions"),
        (r#"["count",{"gt":1}]"#, "InvalidRange"),
        (r#"["commit",[["get","a"]]]"#, "Internal"),
        (r#"["scanNext",99]"#, "Aborted"),
        (r#"["createIndex",7]"#, "InvalidPath"),
    ] {
        assert_eq!(code(&client.call(call)), expected, "{call}");
    }
    for message in ["", "{}", "[1]", "[[]]", "[[1]]", r#"[["get","a"]"#, r#"[["get","a",1,2,3]]"#] {
        assert!(client.execute(message.as_bytes()).is_err(), "{message}");
    }
}

#[test]
fn when_the_flush_fails_so_do_all_calls_of_the_group() {
    let mut client = Client::new();
    assert_eq!(client.call(r#"["set","kept",0]"#)[0], 0);
    client.fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    let results = client.send(r#"[["get","kept"],["set","a",1],["get","a"],["delete","kept"]]"#);
    assert_eq!(results[0], json!([0, 0]), "it came before the group");
    for at in 1..4 {
        assert_eq!(code(&results[at]), "Io");
    }
    assert_eq!(client.call(r#"["entries",{}]"#), json!([0, [["kept", 0]]]));
}

#[test]
fn on_a_disk_that_becomes_full_calls_together_have_about_the_room_of_calls_alone() {
    let text: String = (0..1500u32).map(|n| char::from(b'a' + (n * n % 7919 % 26) as u8)).collect();
    let acknowledged = |together: usize| {
        let mut client = Client::new();
        client.fs.set_capacity(Some(4 << 20));
        let (mut keys, mut next) = (Vec::new(), 0..);
        loop {
            let some: Vec<u32> = next.by_ref().take(together).collect();
            let sets = some.iter().map(|n| format!(r#"["set","k{n:05}","{n} {text}"]"#)).collect::<Vec<_>>();
            let results = client.send(&format!("[{}]", sets.join(",")));
            let done = some.iter().zip(results.as_array().unwrap()).filter(|(_, result)| result[0] == 0);
            keys.extend(done.map(|(n, _)| format!("k{n:05}")));
            if let Some(refused) = results.as_array().unwrap().iter().find(|result| result[0] != 0) {
                assert_eq!(code(refused), "StorageFull");
                break;
            }
        }
        assert_eq!(client.call(r#"["keys",{}]"#), json!([0, keys]));
        keys.len()
    };
    let (alone, together) = (acknowledged(1), acknowledged(50));
    assert!(together * 5 > alone * 4, "{together} of {alone}");
}

#[test]
fn transactions_and_times_to_live() {
    let mut client = Client::new();
    client.call(r#"["setMany",[["a",1],["b",2]]]"#);
    assert_eq!(client.call(r#"["commit",[["set","c",3],["delete","a"],["setEx","d",4,60000]]]"#)[0], 0);
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["b", "c", "d"]]));
    assert_eq!(client.call(r#"["ttl","a"]"#), json!([0]));
    assert_eq!(client.call(r#"["ttl","b"]"#), json!([0, null]));
    assert!((1..=60_000).contains(&client.call(r#"["ttl","d"]"#)[1].as_u64().unwrap()));
    assert_eq!(client.call(r#"["persist","d"]"#), json!([0, true]));
    assert_eq!(client.call(r#"["expire","d",1000]"#), json!([0, true]));
    assert_eq!(client.call(r#"["setMany",[["a",1],["",2]]]"#)[1]["code"], "InvalidKey");
    assert_eq!(client.call(r#"["has","a"]"#), json!([0, false]), "all of setMany or nothing");
}

#[test]
fn verbs_that_change_a_document_in_place() {
    let mut client = Client::new();
    let max = i64::MAX;
    for (call, expected) in [
        (r#"["setWith","a",{"n":1},{"ifAbsent":true}]"#, json!([0, 1])),
        (r#"["setWith","a",{"n": 2},{"ifVersion":1,"ttl":60000}]"#, json!([0, 2])),
        (r#"["increment","n",9007199254740993]"#, json!([0, "9007199254740993"])),
        (&format!(r#"["increment","n",{}]"#, max - 9_007_199_254_740_993), json!([0, max.to_string()])),
        (r#"["compareAndSwap","n",[1],[2]]"#, json!([0, false])),
        (r#"["compareAndSwap","n",[9223372036854775807],[null]]"#, json!([0, true])),
        (r#"["compareAndSwap","n",[null],[]]"#, json!([0, true])),
        (r#"["compareAndSwap","n",[],[]]"#, json!([0, true])),
        (r#"["getAndSet","n",null]"#, json!([0])),
        (r#"["getAndSet","n",5]"#, json!([0, null])),
        (r#"["rename","n","m"]"#, json!([0, true])),
        (r#"["rename","n","m"]"#, json!([0, false])),
        (r#"["patch","a",[{"op":"add","path":"/x","value":1.0}]]"#, json!([0, true])),
        (r#"["mergePatch","a",{"n":null}]"#, json!([0, true])),
        (r#"["patch","none",[]]"#, json!([0, false])),
        (r#"["entries",{}]"#, json!([0, [["a", {"x": 1.0}], ["m", 5]]])),
    ] {
        assert_eq!(client.call(call), expected, "{call}");
    }
    for (call, expected) in [
        (r#"["setWith","a",0,{"ifVersion":1}]"#, "Conflict"),
        (r#"["setWith","a",0,{"ifAbsent":true}]"#, "Conflict"),
        (r#"["setWith","a",0,{"ifabsent":true}]"#, "InvalidOptions"),
        (r#"["increment","a",1]"#, "InvalidValue"),
        (r#"["increment","m",1.5]"#, "Internal"),
        (r#"["patch","a",[{"op":"test","path":"/x","value":2}]]"#, "Conflict"),
        (r#"["patch","a",{}]"#, "InvalidPatch"),
    ] {
        assert_eq!(code(&client.call(call)), expected, "{call}");
    }
}

#[test]
fn scans_are_read_page_by_page_from_one_version() {
    let mut client = Client::new();
    let pairs: Vec<String> = (0..2500).map(|n| format!(r#"["k{n:04}",{n}]"#)).collect();
    client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    for (range, expected) in
        [("{}", 2500), (r#"{"limit":1500}"#, 1500), (r#"{"reverse":true}"#, 2500), (r#"{"limit":7}"#, 7)]
    {
        let mut page = client.call(&format!(r#"["scanOpen",{range}]"#))[1].take();
        client.call(r#"["set","k0000x","not seen"]"#);
        let mut rows = page["rows"].as_array().unwrap().clone();
        assert!(rows.len() <= 100, "the first page is small");
        while let Some(cursor) = page["cursor"].as_u64() {
            page = client.call(&format!(r#"["scanNext",{cursor}]"#))[1].take();
            rows.extend(page["rows"].as_array().unwrap().iter().cloned());
        }
        let mut numbers: Vec<u64> = rows.iter().map(|row| row[1].as_u64().unwrap()).collect();
        if range.contains("reverse") {
            numbers.reverse();
        }
        assert!(numbers.into_iter().eq(0..expected), "{range}");
        client.call(r#"["delete","k0000x"]"#);
    }
    let cursor = client.call(r#"["scanOpen",{}]"#)[1]["cursor"].as_u64().unwrap();
    assert_eq!(client.call(&format!(r#"["scanClose",{cursor}]"#)), json!([0]));
    assert_eq!(code(&client.call(&format!(r#"["scanNext",{cursor}]"#))), "Aborted");
}

/// A message whose writes do not fit together is made call by call: a page that was read before is not read again.
#[test]
fn a_scan_in_a_group_that_is_repeated_leaves_nothing_out() {
    for nth in 1..5 {
        let mut client = Client::new();
        let pairs: Vec<String> = (0..2500).map(|n| format!(r#"["k{n:04}",{n}]"#)).collect();
        client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
        let snapshot = client.call(r#"["snapshotOpen"]"#)[1].as_u64().unwrap();
        let open = format!(r#"["snapshotScan",{snapshot},["entries",{{}}]]"#);
        let scan = client.call(&open)[1].take();
        let (cursor, first) = (scan["cursor"].as_u64().unwrap(), scan["rows"].as_array().unwrap().len());
        let next = format!(r#"["scanNext",{cursor}]"#);
        client.fs.fail_call(Some(Operation::Write), nth, Fault::StorageFull, false);
        let results =
            client.send(&format!(r#"[["set","x",1],["set","y",1],{next},["set","z",1],{open},["set","zz",1]]"#));
        let row = |n: usize| json!([format!("k{n:04}"), n]);
        let page = &results[2][1]["rows"];
        assert_eq!(page[0], row(first), "write {nth}");
        let read = first + page.as_array().unwrap().len();
        assert_eq!(client.call(&next)[1]["rows"][0], row(read), "write {nth}");
        assert_eq!(results[4][1]["cursor"], cursor + 1, "a scan is begun once");
    }
}

#[test]
fn an_export_is_read_chunk_by_chunk_and_of_one_version() {
    let mut client = Client::new();
    let text = "x".repeat(100);
    for n in 0..200 {
        client.call(&format!(r#"["set","key{n}","{n} {text}"]"#));
    }
    // What comes before it in its message is in it, and what comes behind it is not.
    let begun = client.send(r#"[["set","before",1],["exportBegin"],["set","after",1]]"#);
    let (number, total) = (begun[1][1]["number"].as_u64().unwrap(), begun[1][1]["bytes"].as_u64().unwrap());
    let given_up = client.call(r#"["exportBegin"]"#)[1]["number"].as_u64().unwrap();
    assert!(client.service.export_chunk(FIRST, given_up).unwrap().is_some());
    assert_eq!(client.call(&format!(r#"["exportEnd",{given_up}]"#)), json!([0]));
    assert_eq!(client.service.export_chunk(FIRST, given_up).unwrap_err().code(), ErrorCode::Aborted);
    let mut bytes = Vec::new();
    while let Some(chunk) = client.service.export_chunk(FIRST, number).unwrap() {
        assert!(!chunk.is_empty());
        bytes.extend(chunk);
    }
    assert_eq!(bytes.len() as u64, total);
    assert_eq!(client.service.export_chunk(FIRST, number).unwrap_err().code(), ErrorCode::Aborted, "it is over");
    assert_eq!(client.call(&format!(r#"["exportEnd",{number}]"#)), json!([0]));
    let copy =
        pollster::block_on(crate::import_from(bytes.as_slice(), &client.fs, "copy", Options::default())).unwrap();
    assert_eq!(copy.count(&crate::documents::Range::all()).unwrap(), 201);
    assert!(copy.has("before").unwrap() && !copy.has("after").unwrap());
    client.call(r#"["exportBegin"]"#);
    client.service.close().unwrap();
    assert_eq!(client.service.export_chunk(FIRST, number).unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn a_closed_database_answers_so() {
    let mut client = Client::new();
    client.call(r#"["set","a",1]"#);
    client.service.close().unwrap();
    client.service.close().unwrap();
    let results = client.send(r#"[["get","a"],["set","a",2]]"#);
    assert_eq!((code(&results[0]), code(&results[1])), ("Closed", "Closed"));
    assert!(client.service.stats().is_err());
    assert!(!client.service.maintain(1 << 20).unwrap());
}

#[test]
fn long_work_is_answered_when_its_last_slice_is_done() {
    let mut client = Client::new();
    let pairs: Vec<String> = (0..3000).map(|n| format!(r#"["k{n:04}",{{"n":{n}}}]"#)).collect();
    client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    assert_eq!(client.send(r#"[["createIndex","n"],["compact"],["set","during",{"n":-1}]]"#)[0], json!([2, 1]));
    let mut finished = Vec::new();
    let mut slices = 0;
    while client.service.has_tasks() {
        slices += 1;
        if let Some(answer) = client.step() {
            finished.push(serde_json::from_slice::<Value>(&answer).unwrap());
        }
        assert_eq!(client.call(r#"["count",{}]"#), json!([0, 3001]), "other calls come between");
    }
    finished.sort_by_key(|answer| answer[0].as_u64());
    assert_eq!(finished, [json!([1, [0, true]]), json!([2, [0]])]);
    assert!(slices > 6, "{slices}");
    assert_eq!(client.call(r#"["find","n",{"lt":1},{}]"#), json!([0, ["during", "k0000"]]));
    assert_eq!(client.call(r#"["createIndex","n"]"#), json!([0, false]));
    assert_eq!(client.call(r#"["indexes"]"#), json!([0, [{"path": "n", "ready": true}]]));
}

#[test]
fn keys_are_changed_and_rotated_between_messages() {
    let by = |key| Options { encryption: Some(Encryption::key([key; 32])), ..Options::default() };
    let mut client = Client::with(by(1));
    let pairs: Vec<String> = (0..3000).map(|n| format!(r#"["k{n:04}",{{"n":{n}}}]"#)).collect();
    client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    client.call(r#"["compact"]"#);
    while client.step().is_some() || client.service.has_tasks() {}
    assert_eq!(client.send(r#"[["set","a",1],["rotateKey"],["set","b",2]]"#)[1], json!([2, 2]));
    client.service.change_key(FIRST, &Encryption::key([2; 32])).unwrap();
    let mut slices = 0;
    let answer = loop {
        slices += 1;
        assert_eq!(client.call(r#"["count",{}]"#), json!([0, 3002]), "other calls come between");
        if let Some(answer) = client.step() {
            break serde_json::from_slice::<Value>(&answer).unwrap();
        }
    };
    assert_eq!(answer, json!([2, [0]]));
    assert!(slices > 2, "{slices}");
    let encryption = client.service.stats().unwrap().engine.encryption.unwrap();
    assert_eq!((encryption.is_rotating, encryption.old_key_bytes), (false, 0));
    client.service.close().unwrap();
    assert_eq!(client.service.change_key(FIRST, &Encryption::key([3; 32])).unwrap_err().code(), ErrorCode::Closed);
    let open = |key| pollster::block_on(Database::open(&client.fs, "test", by(key)));
    assert_eq!(open(1).unwrap_err().code(), ErrorCode::WrongKey);
    assert_eq!(open(2).unwrap().get_json("k2999").unwrap().unwrap(), r#"{"n":2999}"#);

    let mut plain = Client::new();
    assert_eq!(code(&plain.call(r#"["rotateKey"]"#)), "NotEncrypted");
    assert_eq!(plain.service.change_key(FIRST, &Encryption::key([2; 32])).unwrap_err().code(), ErrorCode::NotEncrypted);
}

#[test]
fn dropping_an_index_ends_its_building() {
    let mut client = Client::new();
    let pairs: Vec<String> = (0..3000).map(|n| format!(r#"["k{n:04}",{{"n":{n}}}]"#)).collect();
    client.call(&format!(r#"["setMany",[{}]]"#, pairs.join(",")));
    assert_eq!(client.send(r#"[["createIndex","n"],["dropIndex","n"]]"#), json!([[2, 1], [0, true]]));
    let answer: Value = serde_json::from_slice(&client.step().unwrap()).unwrap();
    assert_eq!((answer[0].as_u64(), code(&answer[1])), (Some(1), "Aborted"));
    assert!(!client.service.has_tasks());
    assert_eq!(client.call(r#"["indexes"]"#), json!([0, []]));
}

#[test]
fn periodic_durability_is_synced_without_a_later_write() {
    let fs = Simulated::new(7);
    let options = Options { durability: Durability::Periodic { interval_ms: 1 }, ..Options::default() };
    let service = Service::new(pollster::block_on(Database::open(&fs, "test", options)).unwrap());
    let mut client = Client { fs, service };
    assert_eq!(client.service.next_sync(), None);
    while client.service.next_sync().is_none() {
        client.call(r#"["set","a",1]"#);
    }
    let before = client.fs.counts().syncs;
    std::thread::sleep(std::time::Duration::from_millis(3));
    client.service.sync().unwrap();
    assert_eq!((client.fs.counts().syncs, client.service.next_sync()), (before + 1, None));
}

#[test]
fn queries_come_in_as_text_and_go_out_as_pages() {
    let mut client = Client::new();
    client.call(r#"["setMany",[["a",{"n":1,"t":["x"]}],["b",{"n":2}],["c",{"n":3.0,"t":["x","y"]}]]]"#);
    assert_eq!(client.call(r#"["createIndex",{"path":"t","multi":true}]"#), json!([0, true]));
    assert_eq!(client.call(r#"["createIndex",["n","t"]]"#), json!([0, true]));
    assert_eq!(client.call(r#"["createIndex",{"path":["n","t"],"unique":true}]"#)[1]["code"], "InvalidOptions");
    assert_eq!(client.call(r#"["createIndex",{"path":"n","unique":true}]"#), json!([0, true]));
    assert_eq!(client.call(r#"["set","d",{"n":3}]"#)[1]["code"], "UniqueViolation");
    let indexes = json!([
        {"path": "n", "unique": true, "ready": true},
        {"path": "n, t", "paths": ["n", "t"], "ready": true},
        {"path": "t", "multi": true, "ready": true},
    ]);
    assert_eq!(client.call(r#"["indexes"]"#), json!([0, indexes]));

    let page = client.call(r#"["query",{"where":{"n":{"gte":1}},"orderBy":"n","limit":2,"select":["n"]}]"#)[1].take();
    let rows = json!([{"key": "a", "value": {"n": 1}, "version": 1}, {"key": "b", "value": {"n": 2}, "version": 1}]);
    assert_eq!(page["rows"], rows);
    let next = json!({"where": {"n": {"gte": 1}}, "orderBy": "n", "after": page["cursor"]});
    let page = client.call(&json!(["query", next]).to_string())[1].take();
    assert_eq!((page["rows"][0]["key"].as_str(), page.get("cursor")), (Some("c"), None));

    assert_eq!(client.call(r#"["countRows",{"where":{"t":{"contains":"x"}}}]"#), json!([0, 2]));
    assert_eq!(client.call(r#"["findOne",{"orderBy":"n","reverse":true}]"#)[1]["key"], "c");
    assert_eq!(client.call(r#"["findOne",{"where":{"n":9}}]"#), json!([0]));
    assert_eq!(client.call(r#"["explain",{"where":{"n":2}}]"#)[1]["index"], json!(["n"]));
    assert_eq!(client.call(r#"["query",{"where":{"n":{"gte":1,"x":1}}}]"#)[1]["code"], "InvalidCondition");
    assert_eq!(client.call(r#"["query",{"wher":{}}]"#)[1]["code"], "InvalidOptions");
    let found = client.call(r#"["findPage","n",{"gte":0},{"limit":2,"offset":1}]"#)[1].take();
    assert_eq!((&found["keys"], found.get("cursor")), (&json!(["b", "c"]), None));

    let id = begun(&mut client, "d", 4);
    client.send(&format!(r#"[["txWrite",{id},["set","e",{{"n":2.5}}]]]"#));
    let asked = client.call(&format!(r#"["txRead",{id},["query",{{"where":{{"n":{{"gt":2}}}},"orderBy":"n"}}]]"#));
    let keys: Vec<_> = asked[1]["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["e", "c", "d"]);
    assert_eq!(client.call(&format!(r#"["txRead",{id},["countRows",{{}}]]"#)), json!([0, 5]));
    assert_eq!(client.call(r#"["dropIndex",["n","t"]]"#), json!([0, true]));
}
