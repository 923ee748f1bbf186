//! What a fuzzer calls of this layer.

use super::service::Service;
use super::service::{FIRST, Message};
use crate::documents::{Database, ErrorCode, Options};
use crate::fs::Memory;
use serde_json::value::RawValue;

/// A message to a database: it is refused, or each of its calls is answered.
pub fn message(data: &[u8]) {
    let mut database =
        pollster::block_on(Database::open(&Memory::new(), "db", Options::default())).expect("memory does not fail");
    for (key, json) in [("a", r#"{"n":1,"s":"x"}"#), ("b", "[]"), ("ü", r#"{"n":2.5}"#)] {
        database.set_json(key, json).expect("memory does not fail");
    }
    database.create_index("n").expect("memory does not fail");
    let mut service = Service::new(database);
    let other = service.join([7; 16], data.len().is_multiple_of(5));
    // The second time it is answered by its receipts, as far as there are some.
    for (client, is_repeated) in [(other, false), (FIRST, false), (other, true)] {
        match service.execute(Message { client, number: 1, is_repeated, answered: 0, bytes: data }) {
            Err(error) => assert_eq!(error.code(), ErrorCode::Internal),
            Ok(answer) => {
                let calls: Vec<&RawValue> = serde_json::from_slice(data).expect("it was understood");
                assert_eq!(results(&answer).len(), calls.len(), "each call has a result");
            }
        }
    }
    if data.len().is_multiple_of(2) {
        service.leave(other);
    }
    let mut steps = 0;
    while service.has_tasks() {
        service.step();
        steps += 1;
        assert!(steps < 10_000, "a task does not end");
    }
    // Whatever it was, the database goes on.
    let bytes = br#"[["set","z",1],["get","z"]]"#;
    let last = Message { client: FIRST, number: 2, is_repeated: false, answered: 0, bytes };
    let answer = service.execute(last).expect("it is a message");
    let [_, got] = &results(&answer)[..] else { panic!("two calls, two results") };
    assert_eq!(got.get(), "[0,1]");
    while service.maintain(64 << 10).expect("memory does not fail") {}
    let is_watched = data.windows(5).any(|part| part == b"watch");
    assert!(is_watched || service.next_sync().is_none(), "every commit is durable at once");
    service.sync().expect("memory does not fail");
    assert_eq!(service.stats().expect("it is open").engine.failed, None);
    service.close().expect("memory does not fail");
}

fn results(answer: &[u8]) -> Vec<Box<RawValue>> {
    serde_json::from_slice(answer).expect("an answer is JSON")
}
