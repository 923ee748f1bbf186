//! Watches in the protocol.

use super::{Client, code};
use crate::documents::{Database, Options};
use crate::fs::simulated::{Fault, Operation};
use crate::service::service::FIRST;
use crate::service::service::Service;
use serde_json::{Value, json};
use std::time::Duration;

/// The next answer to a call that was pending.
fn step(client: &mut Client) -> Value {
    assert!(client.service.has_tasks());
    serde_json::from_slice(&client.step().unwrap()).unwrap()
}

fn opened(client: &mut Client, call: &str) -> u64 {
    let answer = client.call(call);
    assert_eq!(answer[0], 0, "{answer}");
    answer[1][0].as_u64().unwrap()
}

#[test]
fn changes_are_answered_when_there_are_some() {
    let mut client = Client::new();
    let id = opened(&mut client, r#"["watchOpen",{"prefix":"u"},{}]"#);
    let next = format!(r#"["watchNext",{id}]"#);
    let pending = client.call(&next);
    assert_eq!(pending[0], 2);
    assert!(!client.service.has_tasks());
    client.call(r#"["set","a",0]"#);
    assert!(client.service.has_tasks() && client.step().is_none(), "that is not watched");
    assert!(!client.service.has_tasks());
    client.send(r#"[["set","u1",{"n": 1}],["set","u2",2],["delete","u2"]]"#);
    let expected = json!([
        {"kind": "set", "key": "u1", "version": 2, "oldVersion": 0, "value": {"n": 1}},
        {"kind": "set", "key": "u2", "version": 3, "oldVersion": 0},
        {"kind": "delete", "key": "u2", "version": 4, "oldVersion": 3},
    ]);
    assert_eq!(step(&mut client), json!([pending[1], [0, expected]]));
    // What is there already is answered at once, within a message too.
    let results = client.send(&format!(r#"[["set","u3",3],{next}]"#));
    assert_eq!(results[1][1][0]["value"], 3);
    assert_eq!(client.call(&format!(r#"["watchClose",{id}]"#)), json!([0]));
    assert_eq!(code(&client.call(&next)), "Aborted");
}

#[test]
fn closing_a_watch_answers_who_waits_for_it() {
    let mut client = Client::new();
    let id = opened(&mut client, r#"["@users","watchOpen",{},{"values":false}]"#);
    let next = format!(r#"["watchNext",{id}]"#);
    let pending = client.call(&next);
    assert_eq!(code(&client.call(&next)), "Internal", "one at a time");
    client.call(&format!(r#"["watchClose",{id}]"#));
    assert_eq!(step(&mut client), json!([pending[1], [0]]));
    assert!(!client.service.has_tasks());
}

#[test]
fn what_expires_wakes_who_waits() {
    let mut client = Client::new();
    let id = opened(&mut client, r#"["watchOpen",{},{}]"#);
    client.call(r#"["setEx","a",1,30]"#);
    let next = format!(r#"["watchNext",{id}]"#);
    assert_eq!(client.call(&next)[1][0]["kind"], "set");
    assert_eq!(client.service.next_sync(), None, "nobody waits");
    let pending = client.call(&next);
    assert!(client.service.next_sync().is_some_and(|wait| wait <= Duration::from_millis(30)));
    assert!(!client.service.has_tasks());
    std::thread::sleep(Duration::from_millis(40));
    assert_eq!(client.service.next_sync(), None, "it is time");
    let answer = step(&mut client);
    assert_eq!((&answer[0], &answer[1][1][0]["kind"]), (&pending[1], &json!("expire")));
}

#[test]
fn a_watch_that_lost_changes_is_over() {
    let mut client = Client::with(Options { watch_buffer: 0, ..Options::default() });
    let id = opened(&mut client, r#"["watchOpen",{},{}]"#);
    let other = opened(&mut client, r#"["watchOpen",{},{}]"#);
    let pending = client.call(&format!(r#"["watchNext",{id}]"#));
    client.call(r#"["set","a",1]"#);
    let answer = step(&mut client);
    assert_eq!((&answer[0], code(&answer[1])), (&pending[1], "ChangesLost"));
    assert_eq!(code(&client.call(&format!(r#"["watchNext",{other}]"#))), "ChangesLost");
    assert_eq!(code(&client.call(&format!(r#"["watchNext",{other}]"#))), "Aborted");
    assert!(!client.service.has_tasks());
    assert_eq!(code(&client.call(r#"["watchOpen",{},{"since":0}]"#)), "ChangesLost");
    assert_eq!(code(&client.call(r#"["watchOpen",{},{"sinse":0}]"#)), "InvalidOptions");
    assert_eq!(code(&client.call(r#"["watchOpen",{"limit":1},{}]"#)), "InvalidRange");
}

#[test]
fn a_group_that_is_not_kept_is_not_told() {
    let mut client = Client::new();
    client.call(r#"["set","a",1]"#);
    let id = opened(&mut client, r#"["watchOpen",{},{}]"#);
    client.call(&format!(r#"["watchNext",{id}]"#));
    client.fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    assert_eq!(code(&client.send(r#"[["set","b",1],["delete","a"]]"#)[0]), "Io");
    assert!(!client.service.has_tasks());
    client.call(r#"["set","c",1]"#);
    assert_eq!(step(&mut client)[1][1].as_array().unwrap().len(), 1);
}

#[test]
fn what_a_query_finds_is_told_as_it_changes() {
    let mut client = Client::new();
    client.call(r#"["set","a",{"n":1}]"#);
    let id = opened(&mut client, r#"["watchQuery",{"where":{"n":{"gte":1}},"orderBy":"n","limit":2}]"#);
    let next = format!(r#"["watchNext",{id}]"#);
    let row = |key: &str, version: u32, n: u32| json!({"key": key, "version": version, "value": {"n": n}});
    let first = json!({"version": 1, "added": [row("a", 1, 1)], "changed": [], "removed": []});
    assert_eq!(client.call(&next), json!([0, first]));
    let pending = client.call(&next);
    client.send(r#"[["set","a",{"n":2}],["set","b",{"n":1}],["set","z",{"n":0}]]"#);
    let second = json!({"version": 4, "added": [row("b", 3, 1)], "changed": [row("a", 2, 2)], "removed": []});
    assert_eq!(step(&mut client), json!([pending[1], [0, second]]));
}

#[test]
fn a_watch_goes_on_at_another_engine() {
    let mut client = Client::new();
    client.service.keep_changes(false);
    let journal = |client: &Client| {
        let spaces = serde_json::to_value(client.service.stats().unwrap()).unwrap();
        spaces["counters"]["commitBytes"].as_u64().unwrap()
    };
    client.call(r#"["set","a",1]"#);
    let before = journal(&client);
    client.call(r#"["set","a",1]"#);
    let alone = journal(&client) - before;
    let opened = client.call(r#"["watchOpen",{"prefix":"w"},{}]"#);
    let (id, version) = (opened[1][0].as_u64().unwrap(), opened[1][1].as_u64().unwrap());
    assert_eq!(version, 2);
    let before = journal(&client);
    client.call(r#"["set","a",1]"#);
    assert!(journal(&client) - before > alone, "changes are noted while somebody watches");
    client.call(&format!(r#"["watchNext",{id}]"#));
    client.call(r#"["set","a",2]"#);
    while client.service.has_tasks() {
        assert!(client.step().is_none());
    }
    assert_eq!(client.service.watches_passed(FIRST), [(id, 4)]);
    assert_eq!(client.service.watches_passed(FIRST), [], "that is known");
    client.send(r#"[["set","w1",1],["set","a",3],["set","w2",2]]"#);

    // Another engine, at which others write before the watch comes.
    client.fs.restart_process();
    let database = pollster::block_on(Database::open(&client.fs, "test", Options::default())).unwrap();
    client.service = Service::new(database);
    client.service.keep_changes(true);
    client.call(r#"["set","w3",3]"#);
    let opened = client.call(r#"["watchOpen",{"prefix":"w"},{"since":4}]"#);
    assert_eq!(opened[1][1], 4);
    let told = client.call(&format!(r#"["watchNext",{}]"#, opened[1][0]));
    let keys: Vec<&str> = told[1].as_array().unwrap().iter().map(|change| change["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["w1", "w2", "w3"]);
    assert_eq!(code(&client.call(r#"["watchOpen",{},{"since":1}]"#)), "ChangesLost", "nobody watched then");
}
