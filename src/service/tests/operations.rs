//! The table of operations: each row is what its operation does, and the documentation has the same rows.

use super::{Client, code};
use crate::documents::Options;
use crate::service::operation::{Access, Grouping, Operation, Receipt, Subject};
use crate::service::service::Message;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The page that lists the operations.
const PAGE: &str = include_str!("../../../docs/internals/operations.md");

/// The calls that make a state in which each sample call succeeds. Numbers of opened things begin with 1.
fn preparation(operation: Operation) -> String {
    let long = "x".repeat(200_000);
    let opened = match operation {
        Operation::ScanNext | Operation::ScanClose => r#",["scanOpen",{"prefix":"long"}]"#,
        Operation::SnapshotRead | Operation::SnapshotScan | Operation::SnapshotClose => r#",["snapshotOpen"]"#,
        Operation::ExportEnd => r#",["exportBegin"]"#,
        Operation::TxRead | Operation::TxWrite | Operation::TxRollback => r#",["txBegin"]"#,
        Operation::TxCommit => r#",["txBegin"],["txWrite",1,["set","a",2]]"#,
        Operation::WatchNext | Operation::WatchClose => r#",["watchOpen",{},{}]"#,
        Operation::BlobWrite | Operation::BlobFinish | Operation::BlobAbort => r#",["blobBegin","bytes"]"#,
        Operation::BlobRead | Operation::BlobClose => r#",["setBytes","bytes",0,{}],["blobOpen","bytes"]"#,
        Operation::BlobOpen => r#",["setBytes","bytes",0,{}]"#,
        Operation::DropIndex => r#",["createIndex","n"]"#,
        Operation::DropCollection => r#",["@users","set","a",1]"#,
        _ => "",
    };
    format!(
        r#"[["set","a",{{"n":1}}],["set","number",1],["set","list",[1,2]],["set","long1","{long}"],["set","long2","{long}"]{opened}]"#
    )
}

/// A call that succeeds; `None` for the requests that are not calls. Attachment 0 has bytes.
fn sample(operation: Operation) -> Option<&'static str> {
    Some(match operation {
        Operation::Get => r#"["get","a"]"#,
        Operation::GetDocument => r#"["getDocument","a"]"#,
        Operation::GetMany => r#"["getMany",["a","b"]]"#,
        Operation::Has => r#"["has","a"]"#,
        Operation::Ttl => r#"["ttl","a"]"#,
        Operation::Count => r#"["count",{}]"#,
        Operation::Keys => r#"["keys",{}]"#,
        Operation::Values => r#"["values",{}]"#,
        Operation::Entries => r#"["entries",{}]"#,
        Operation::Find => r#"["find","n",1,{}]"#,
        Operation::FindPage => r#"["findPage","n",1,{}]"#,
        Operation::Query => r#"["query",{"where":{"n":1}}]"#,
        Operation::FindOne => r#"["findOne",{"where":{"n":1}}]"#,
        Operation::CountRows => r#"["countRows",{"where":{"n":1}}]"#,
        Operation::Explain => r#"["explain",{"where":{"n":1}}]"#,
        Operation::Patched => r#"["patched","a",[{"op":"add","path":"/m","value":2}]]"#,
        Operation::MergePatched => r#"["mergePatched","a",{"m":2}]"#,
        Operation::ListLength => r#"["listLength","list"]"#,
        Operation::ListGet => r#"["listGet","list",0]"#,
        Operation::ListRange => r#"["listRange","list",0,1]"#,
        Operation::Collections => r#"["collections"]"#,
        Operation::Indexes => r#"["indexes"]"#,
        Operation::Set => r#"["set","b",1]"#,
        Operation::SetEx => r#"["setEx","b",1,1000]"#,
        Operation::SetWith => r#"["setWith","b",1,{}]"#,
        Operation::SetBytes => r#"["setBytes","b",0,{}]"#,
        Operation::SetMany => r#"["setMany",[["b",1]]]"#,
        Operation::Commit => r#"["commit",[["set","b",1]]]"#,
        Operation::Delete => r#"["delete","a"]"#,
        Operation::DeleteRange => r#"["deleteRange",{"prefix":"long"}]"#,
        Operation::Expire => r#"["expire","a",1000]"#,
        Operation::Persist => r#"["persist","a"]"#,
        Operation::Increment => r#"["increment","number",1]"#,
        Operation::CompareAndSwap => r#"["compareAndSwap","number",[1],[2]]"#,
        Operation::GetAndSet => r#"["getAndSet","a",2]"#,
        Operation::Rename => r#"["rename","a","b"]"#,
        Operation::Patch => r#"["patch","a",[{"op":"add","path":"/m","value":2}]]"#,
        Operation::MergePatch => r#"["mergePatch","a",{"m":2}]"#,
        Operation::Push => r#"["push","list","right",[3]]"#,
        Operation::Pop => r#"["pop","list","right"]"#,
        Operation::Trim => r#"["trim","list",0,0]"#,
        Operation::ListSet => r#"["listSet","list",0,5]"#,
        Operation::CreateIndex => r#"["createIndex","n"]"#,
        Operation::DropIndex => r#"["dropIndex","n"]"#,
        Operation::DropCollection => r#"["dropCollection","users"]"#,
        Operation::Flush => r#"["flush"]"#,
        Operation::Compact => r#"["compact"]"#,
        Operation::RotateKey => r#"["rotateKey"]"#,
        Operation::Cancel => r#"["cancel",1]"#,
        Operation::Check => r#"["check",{}]"#,
        Operation::ScanOpen => r#"["scanOpen",{}]"#,
        Operation::ScanNext => r#"["scanNext",1]"#,
        Operation::ScanClose => r#"["scanClose",1]"#,
        Operation::SnapshotOpen => r#"["snapshotOpen"]"#,
        Operation::SnapshotRead => r#"["snapshotRead",1,["ttl","a"]]"#,
        Operation::SnapshotScan => r#"["snapshotScan",1,["scanOpen",{}]]"#,
        Operation::SnapshotClose => r#"["snapshotClose",1]"#,
        Operation::ExportBegin => r#"["exportBegin"]"#,
        Operation::ExportEnd => r#"["exportEnd",1]"#,
        Operation::TxBegin => r#"["txBegin"]"#,
        Operation::TxRead => r#"["txRead",1,["get","a"]]"#,
        Operation::TxWrite => r#"["txWrite",1,["set","a",2]]"#,
        Operation::TxCommit => r#"["txCommit",1]"#,
        Operation::TxRollback => r#"["txRollback",1]"#,
        Operation::WatchOpen => r#"["watchOpen",{},{}]"#,
        Operation::WatchQuery => r#"["watchQuery",{"where":{"n":1}}]"#,
        Operation::WatchNext => r#"["watchNext",1]"#,
        Operation::WatchClose => r#"["watchClose",1]"#,
        Operation::BlobBegin => r#"["blobBegin","bytes"]"#,
        Operation::BlobWrite => r#"["blobWrite",1,0]"#,
        Operation::BlobFinish => r#"["blobFinish",1]"#,
        Operation::BlobAbort => r#"["blobAbort",1]"#,
        Operation::BlobOpen => r#"["blobOpen","bytes"]"#,
        Operation::BlobRead => r#"["blobRead",1]"#,
        Operation::BlobClose => r#"["blobClose",1]"#,
        Operation::ChangeKey | Operation::ExportChunk => return None,
    })
}

/// A message with one attachment.
fn with_attachment(calls: &str) -> Vec<u8> {
    [calls.as_bytes(), &[0], &3u32.to_le_bytes(), b"abc"].concat()
}

/// The calls so far, by metric.
fn counts(client: &Client) -> BTreeMap<&'static str, u64> {
    let latencies = client.service.stats().unwrap().latencies.unwrap();
    latencies.into_iter().map(|latency| (latency.verb, latency.count)).collect()
}

fn results(answer: &[u8]) -> Vec<Value> {
    let end = answer.iter().position(|byte| *byte == 0).unwrap_or(answer.len());
    serde_json::from_slice(&answer[..end]).unwrap()
}

#[test]
fn a_name_is_parsed_as_its_operation() {
    for operation in Operation::ALL {
        assert_eq!(Operation::parse(operation.name()), Some(operation));
    }
    assert_eq!(Operation::parse("sett"), None);
    assert_eq!(Operation::parse(""), None);
}

#[test]
fn an_operation_is_counted_by_its_metric() {
    for operation in Operation::ALL {
        let Some(call) = sample(operation) else { continue };
        let mut client = Client::with(Options { latencies: true, ..Options::default() });
        for result in results(&client.execute(&with_attachment(&preparation(operation))).unwrap()) {
            assert_ne!(result[0], 1, "{operation:?}: {result}");
        }
        let before = counts(&client);
        let result = results(&client.execute(&with_attachment(&format!("[{call}]"))).unwrap()).remove(0);
        if operation == Operation::RotateKey {
            // Only an encrypted database has a data key.
            assert_eq!(code(&result), "NotEncrypted");
            continue;
        }
        assert_ne!(result[0], 1, "{operation:?}: {result}");
        while client.step().is_some() {}
        let after = counts(&client);
        let counted = |name: &str| after.get(name).copied().unwrap_or(0) - before.get(name).copied().unwrap_or(0);
        if let Some(metric) = operation.metric() {
            // Slices count one by one.
            assert!(counted(metric.name()) >= 1, "{operation:?}: {after:?}");
        }
        // A commit that is flushed with its message counts the flush as `group`; a call within a call counts as itself.
        let others = after.keys().filter(|name| operation.metric().is_none_or(|metric| metric.name() != **name));
        let others: Vec<_> = others.filter(|name| **name != "group" && counted(name) > 0).copied().collect();
        let within: &[&str] = match operation {
            Operation::SnapshotRead => &["ttl"],
            Operation::TxRead => &["get"],
            _ => &[],
        };
        assert_eq!(others, within, "{operation:?}");
    }
}

#[test]
fn a_reader_may_use_the_operations_for_readers() {
    for operation in Operation::ALL {
        let Some(call) = sample(operation) else { continue };
        let mut client = Client::new();
        client.execute(&with_attachment(&preparation(operation))).unwrap();
        // Things that the first client has opened are unknown to the reader; the permission is checked before.
        let reader = client.service.join([7; 16], true);
        let bytes = with_attachment(&format!("[{call}]"));
        let message = Message { client: reader, number: 1, is_repeated: false, answered: 0, bytes: &bytes };
        let result = results(&client.service.execute(message).unwrap()).remove(0);
        let is_refused = result[0] == 1 && code(&result) == "ReadOnly";
        assert_eq!(is_refused, operation.access() == Access::Writer, "{operation:?}: {result}");
    }
}

#[test]
fn requests_beside_the_messages_are_no_calls() {
    let mut client = Client::new();
    for call in [r#"["changeKey"]"#, r#"["exportChunk",1]"#, r#"["sett","a",1]"#, r#"["",1]"#] {
        assert_eq!(code(&client.call(call)), "Unsupported", "{call}");
    }
    // A call that fails does not fail its message.
    assert_eq!(client.send(r#"[["sett","a",1],["has","a"]]"#)[1], serde_json::json!([0, false]));
}

#[test]
fn the_documentation_lists_the_table() {
    let mut table = String::from(
        "| operation | grouping | receipt | access | refers to | metric |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for operation in Operation::ALL {
        let grouping = match operation.grouping() {
            Grouping::Read => "read",
            Grouping::Write => "write",
            Grouping::Barrier => "barrier",
            Grouping::OwnFlush => "own flush",
        };
        let receipt = match operation.receipt() {
            Receipt::None => "",
            Receipt::WithGroup => "with the group",
            Receipt::WithFirstCommit => "with its first commit",
        };
        let access = match operation.access() {
            Access::Reader => "reader",
            Access::Writer => "writer",
        };
        let subject = match operation.subject() {
            Subject::None => "",
            Subject::Transaction => "a transaction",
            Subject::Upload => "bytes being written",
            Subject::Download => "bytes being read",
            Subject::Scan => "a scan",
            Subject::Snapshot => "a snapshot",
            Subject::Export => "an export",
        };
        let metric = operation.metric().map_or(String::new(), |metric| format!("`{}`", metric.name()));
        let name = operation.name();
        writeln!(table, "| `{name}` | {grouping} | {receipt} | {access} | {subject} | {metric} |").unwrap();
    }
    assert!(PAGE.contains(&table), "docs/internals/operations.md must contain this table:\n{table}");
}
