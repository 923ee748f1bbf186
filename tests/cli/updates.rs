//! `increment`, `swap`, `rename`, `patch`, `merge-patch`, and the conditions of `set`.

use crate::harness::Cli;

#[test]
fn a_document_is_set_if_its_condition_holds() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["set", "a.db", "k", "1", "--if-absent", "--json"]), "{\"version\":1}\n");
    cli.run(&["set", "a.db", "k", "2", "--if-absent"]).fails_with(1, &["Conflict", "version 1"]);
    cli.run(&["set", "a.db", "k", "2", "--if-version", "7", "--json"]).fails_with(1, &[r#""code":"Conflict""#]);
    cli.ok(&["set", "a.db", "k", "2", "--if-version", "1", "--ttl", "60"]);
    cli.run(&["set", "a.db", "k", "3", "--if-version", "1"]).fails(1);
    cli.ok(&["set", "a.db", "new", "1", "--if-version", "0"]);
    assert_eq!(cli.ok(&["scan", "a.db"]), "k\t2\nnew\t1\n");
    assert_ne!(cli.ok(&["ttl", "a.db", "k"]), "forever\n");
    for version in ["-1", "1.5", "one"] {
        cli.run(&["set", "a.db", "k", "1", "--if-version", version]).fails(2);
    }
    cli.run(&["get", "a.db", "k", "--if-absent"]).fails_with(2, &["--if-absent"]);
}

#[test]
fn counters_are_exact() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["increment", "a.db", "n"]), "1\n");
    assert_eq!(cli.ok(&["increment", "a.db", "n", "9223372036854775806"]), "9223372036854775807\n");
    cli.run(&["increment", "a.db", "n"]).fails_with(4, &["InvalidValue", "64 bits"]);
    let json = cli.ok(&["increment", "a.db", "n", "-9223372036854775807", "--json"]);
    assert_eq!(json, "{\"value\":0}\n");
    cli.ok(&["set", "a.db", "text", r#""1""#]);
    cli.run(&["increment", "a.db", "text"]).fails_with(4, &["InvalidValue", "integer"]);
    for by in ["1.5", "x", "9223372036854775808"] {
        cli.run(&["increment", "a.db", "n", by]).fails_with(4, &["InvalidValue", by]);
    }
    cli.run(&["increment", "a.db"]).fails_with(2, &["KEY [BY]"]);
    assert_eq!(cli.ok(&["scan", "a.db"]), "n\t0\ntext\t\"1\"\n");
}

#[test]
fn documents_are_swapped() {
    let cli = Cli::new();
    cli.run(&["swap", "a.db", "k", "1", "2"]).fails_with(3, &["NotFound"]);
    cli.ok(&["swap", "a.db", "k", "none", r#"{"a":1,"b":2}"#]);
    cli.run(&["swap", "a.db", "k", "none", "2"]).fails_with(1, &[r#""k""#]);
    assert_eq!(cli.ok(&["swap", "a.db", "k", r#"{"b":2,"a":1.0}"#, "2", "--json"]), "{\"swapped\":true}\n");
    let run = cli.run(&["swap", "a.db", "k", "1", "3", "--json"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "{\"swapped\":false}\n", ""));
    cli.run(&["swap", "a.db", "k", "2", "text"]).fails_with(4, &["InvalidValue", "quotes"]);
    assert_eq!(cli.ok(&["scan", "a.db"]), "k\t2\n");
    cli.ok(&["swap", "a.db", "k", "2", "none"]);
    assert_eq!(cli.ok(&["count", "a.db"]), "0\n");
}

#[test]
fn documents_are_renamed() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "1", "--ttl", "60"]);
    cli.ok(&["set", "a.db", "b", "2"]);
    assert_eq!(cli.ok(&["rename", "a.db", "a", "b"]), "");
    assert_eq!(cli.ok(&["scan", "a.db"]), "b\t1\n");
    assert_ne!(cli.ok(&["ttl", "a.db", "b"]), "forever\n");
    cli.run(&["rename", "a.db", "a", "b"]).fails_with(1, &[r#""a""#]);
    cli.run(&["rename", "a.db", "b", ""]).fails_with(4, &["InvalidKey"]);
    assert_eq!(cli.ok(&["rename", "a.db", "b", "c", "--json"]), "{\"renamed\":true}\n");
    let run = cli.run(&["rename", "a.db", "b", "c", "--json"]);
    assert_eq!((run.code, run.stdout.as_str()), (1, "{\"renamed\":false}\n"));
}

#[test]
fn documents_are_patched() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", r#"{"n": 1.0, "tags": ["a"]}"#]);
    cli.ok(&["patch", "a.db", "k", r#"[{"op":"add","path":"/tags/-","value":"b"}]"#]);
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "{\"n\":1.0,\"tags\":[\"a\",\"b\"]}\n");
    let test = r#"[{"op":"remove","path":"/n"},{"op":"test","path":"/tags","value":[]}]"#;
    cli.run(&["patch", "a.db", "k", test]).fails_with(1, &["Conflict", "operation 1"]);
    cli.run(&["patch", "a.db", "k", "{}"]).fails_with(4, &["InvalidPatch"]);
    cli.run(&["patch", "a.db", "nope", "[]"]).fails_with(1, &["nope"]);
    cli.run_with(&["patch", "a.db", "k", "-"], r#"[{"op":"remove","path":"/n"}]"#).ok();
    let run = cli.run_with(&["merge-patch", "a.db", "k", "-", "--json"], r#"{"tags":null,"x":{"y":1}}"#);
    assert_eq!(run.ok(), "{\"patched\":true}\n");
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "{\"x\":{\"y\":1}}\n");
    cli.run(&["merge-patch", "a.db", "k", "{"]).fails_with(4, &["InvalidPatch"]);
    cli.run(&["merge-patch", "a.db", "nope", "{}"]).fails(1);
}

#[test]
fn they_are_verbs_of_the_repl() {
    let cli = Cli::new();
    let script = r#"
SET "a key" {"n": 1} --if-absent
PATCH "a key" [{"op": "replace", "path": "/n", "value": 2}]
MERGE-PATCH "a key" {"m": null, "s": "x"}
RENAME "a key" k
FIND s "x"
INCREMENT n
INCREMENT n -5
CAS n -4 "-4"
SWAP n -4 1
SWAP n "-4" none
RENAME n m
"#;
    let answers = "OK\nOK\nOK\nOK\nk\n1\n-4\nOK\n(not swapped)\nOK\n(none)\n";
    assert_eq!(cli.run_with(&["repl", "a.db"], script).ok(), answers);
    let run = cli.run_with(&["repl", "a.db"], "SET k 1 --if-absent\nPATCH k 5\n");
    run.fails_with(1, &["line 1", "Conflict", "line 2", "InvalidPatch"]);
}
