//! Transactions that read, and their commits, by messages.

use super::{Client, code};
use crate::documents::{Database, Options};
use crate::fs::simulated::{Fault, Operation};
use crate::service::service::Service;
use serde_json::json;

/// A transaction that has written `{"n":n}` at `key`.
pub(crate) fn begun(client: &mut Client, key: &str, n: u32) -> u64 {
    let id = client.call(r#"["txBegin"]"#)[1].as_u64().unwrap();
    assert_eq!(client.call(&format!(r#"["txWrite",{id},["set","{key}",{{"n":{n}}}]]"#)), json!([0]));
    id
}

#[test]
fn a_transaction_reads_one_state_and_its_own_writes() {
    let mut client = Client::new();
    client.send(r#"[["set","a",{"n": 1.0}],["set","b",null],["set","c",{"n":3}]]"#);
    let id = begun(&mut client, "d", 2);
    client.send(&format!(r#"[["txWrite",{id},["delete","c"]],["txWrite",{id},["setEx","e",0,60000]],["set","z",1]]"#));
    for (call, expected) in [
        (r#"["get","a"]"#, json!([0, {"n": 1.0}])),
        (r#"["get","c"]"#, json!([0])),
        (r#"["getMany",["b","c","d","z"]]"#, json!([0, [[null], [], [{"n": 2}], []]])),
        (r#"["has","d"]"#, json!([0, true])),
        (r#"["count",{}]"#, json!([0, 4])),
        (r#"["keys",{"reverse":true,"limit":2}]"#, json!([0, ["e", "d"]])),
        (r#"["values",{"gte":"b"}]"#, json!([0, [null, {"n": 2}, 0]])),
        (r#"["entries",{"lt":"c"}]"#, json!([0, [["a", {"n": 1.0}], ["b", null]]])),
        (r#"["find","n",{"gte":1},{}]"#, json!([0, ["a", "d"]])),
    ] {
        assert_eq!(client.call(&format!(r#"["txRead",{id},{call}]"#)), expected, "{call}");
    }
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["a", "b", "c", "z"]]));
    assert_eq!(code(&client.call(&format!(r#"["txCommit",{id}]"#))), "Conflict", "z is in what was counted");
    for call in [format!(r#"["txRead",{id},["get","a"]]"#), format!(r#"["txCommit",{id}]"#)] {
        assert_eq!(code(&client.call(&call)), "InvalidTransaction");
    }
    assert_eq!(client.call(&format!(r#"["txRollback",{id}]"#)), json!([0]), "there is nothing left to do");
    assert_eq!(client.service.stats().unwrap().engine.snapshots, 0);
}

#[test]
fn commits_of_one_message_share_a_flush() {
    let mut client = Client::new();
    client.call(r#"["set","first",0]"#);
    let ids = [0, 1, 2].map(|n| begun(&mut client, &format!("k{n}"), n));
    client.call(&format!(r#"["txRead",{},["get","k0"]]"#, ids[2]));
    client.fs.reset_counts();
    let commits = ids.map(|id| format!(r#"["txCommit",{id}]"#));
    let results =
        client.send(&format!(r#"[{},["txRead",{},["get","k0"]],["txCommit",{}]]"#, commits.join(","), ids[0], ids[0]));
    assert_eq!((results[0][0].as_u64(), results[1][0].as_u64()), (Some(0), Some(0)));
    assert_eq!(code(&results[2]), "Conflict");
    assert_eq!((code(&results[3]), code(&results[4])), ("InvalidTransaction", "InvalidTransaction"));
    assert_eq!((client.fs.counts().writes, client.fs.counts().syncs), (1, 1));
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["first", "k0", "k1"]]));
    assert_eq!(client.service.stats().unwrap().engine.snapshots, 0);
}

#[test]
fn a_commit_whose_flush_fails_is_over() {
    let mut client = Client::new();
    let id = begun(&mut client, "a", 1);
    client.fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    assert_eq!(code(&client.call(&format!(r#"["txCommit",{id}]"#))), "Io");
    assert_eq!(code(&client.call(&format!(r#"["txCommit",{id}]"#))), "InvalidTransaction");
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, []]));
    assert_eq!(client.service.stats().unwrap().engine.snapshots, 0);
}

/// When there is no room for a group it is repeated call by call: each transaction is committed once, or refused.
#[test]
fn commits_of_a_group_that_is_repeated() {
    let mut client = Client::new();
    let ids = [0, 1, 2, 3].map(|n| begun(&mut client, &format!("k{n}"), n));
    client.call(&format!(r#"["txRead",{},["get","k0"]]"#, ids[3]));
    let commits = ids.map(|id| format!(r#"["txCommit",{id}]"#)).join(",");
    client.call(r#"["set","before",0]"#);
    client.fs.reset_counts();
    client.fs.fail_call(Some(Operation::Write), 1, Fault::StorageFull, false);
    let [first, second] = [0, 1].map(|at| format!(r#"["txRead",{},["get","k{at}"]]"#, ids[at]));
    let results = client.send(&format!(r#"[["set","x",1],{first},{commits},{second},["set","y",2]]"#));
    for at in [0, 1, 2, 3, 4, 7] {
        assert_eq!(results[at][0], 0, "{results}");
    }
    assert_eq!((results[1][1]["n"].as_u64(), code(&results[5])), (Some(0), "Conflict"));
    assert_eq!(code(&results[6]), "InvalidTransaction");
    assert_eq!(client.call(r#"["keys",{}]"#), json!([0, ["before", "k0", "k1", "k2", "x", "y"]]));
    assert_eq!(client.fs.counts().syncs, 5, "each is a group of its own");
    let stats = client.service.stats().unwrap();
    assert_eq!((stats.engine.snapshots, stats.engine.counters.commits), (0, 6));
}

#[test]
fn closing_ends_transactions() {
    let mut client = Client::new();
    let id = begun(&mut client, "a", 1);
    client.service.close().unwrap();
    assert_eq!(code(&client.call(&format!(r#"["txCommit",{id}]"#))), "Closed");
    let database = pollster::block_on(Database::open(&client.fs, "test", Options::default())).unwrap();
    assert_eq!((database.stats().engine.snapshots, database.version()), (0, 0));
}

#[test]
fn a_transaction_that_reads_may_be_of_a_database_that_is_read_only() {
    let mut client = Client::new();
    client.call(r#"["set","a",1]"#);
    client.service.close().unwrap();
    let options = Options { read_only: true, ..Options::default() };
    let database = pollster::block_on(Database::open(&client.fs, "test", options)).unwrap();
    client.service = Service::new(database);
    let id = client.call(r#"["txBegin"]"#)[1].as_u64().unwrap();
    assert_eq!(client.call(&format!(r#"["txRead",{id},["get","a"]]"#)), json!([0, 1]));
    assert_eq!(client.call(&format!(r#"["txCommit",{id}]"#)), json!([0, 1]));
}
