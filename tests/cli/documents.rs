//! `get`, `set`, `delete`, `ttl`, `expire` and `persist`.

use crate::harness::Cli;
use std::time::Duration;

#[test]
fn a_document_comes_back_as_given() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["set", "a.db", "user:1", r#"{"name":"alice", "n": 1.0}"#]), "");
    assert_eq!(cli.ok(&["get", "a.db", "user:1"]), "{\"name\":\"alice\", \"n\": 1.0}\n");
    assert_eq!(cli.ok(&["set", "a.db", "user:1", r#""text""#, "--json"]), "{\"version\":2}\n");
    assert_eq!(cli.ok(&["get", "a.db", "user:1"]), "\"text\"\n");
}

#[test]
fn several_documents_come_with_their_keys() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "[1,\n 2]"]);
    cli.ok(&["set", "a.db", "b\tc", "2"]);
    assert_eq!(cli.ok(&["get", "a.db", "b\tc", "a"]), "\"b\\tc\"\t2\na\t[1,  2]\n");
    let json = cli.ok(&["get", "--json", "a.db", "a"]);
    assert_eq!(json, "{\"key\":\"a\",\"value\":[1,  2],\"version\":1}\n");
}

#[test]
fn what_is_missing_is_an_answer_of_its_own() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "1"]);
    let run = cli.run(&["get", "a.db", "a", "nope"]);
    assert_eq!(run.stdout, "a\t1\n");
    run.fails_with(1, &["nope"]);
    let run = cli.run(&["get", "a.db", "nope", "--json"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, "{\"key\":\"nope\"}\n", ""));
}

#[test]
fn a_document_is_read_from_standard_input() {
    let cli = Cli::new();
    cli.run_with(&["set", "a.db", "a", "-"], "{\"text\": \"ü\"}\n").ok();
    assert_eq!(cli.ok(&["get", "a.db", "a"]), "{\"text\": \"ü\"}\n");
    cli.run_with(&["set", "a.db", "b", "-"], "").fails_with(4, &["InvalidValue"]);
    cli.run_with(&["set", "a.db", "b", "-"], b"\"\xff\"").fails(4);
    assert_eq!(cli.ok(&["keys", "a.db"]), "a\n");
}

#[test]
fn documents_are_deleted_by_key_and_by_range() {
    let cli = Cli::new();
    for key in ["a", "b", "tmp:1", "tmp:2", "tmp:3"] {
        cli.ok(&["set", "a.db", key, "1"]);
    }
    assert_eq!(cli.ok(&["delete", "a.db", "a"]), "");
    cli.run(&["delete", "a.db", "a", "b"]).fails_with(1, &[r#""a""#]);
    assert_eq!(cli.ok(&["keys", "a.db"]), "tmp:1\ntmp:2\ntmp:3\n");
    assert_eq!(cli.ok(&["delete", "a.db", "--prefix", "tmp:", "--limit", "2"]), "2 deleted\n");
    assert_eq!(cli.ok(&["delete", "a.db", "--gte", "a", "--json"]), "{\"deleted\":1}\n");
    assert_eq!(cli.ok(&["count", "a.db"]), "0\n");
}

#[test]
fn everything_is_deleted_only_by_saying_so() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "1"]);
    cli.run(&["delete", "a.db"]).fails_with(2, &["--prefix ''"]);
    cli.run(&["delete", "a.db", "--reverse"]).fails(2);
    cli.run(&["delete", "a.db", "a", "--prefix", "a"]).fails(2);
    assert_eq!(cli.ok(&["count", "a.db"]), "1\n");
    assert_eq!(cli.ok(&["delete", "a.db", "--prefix", ""]), "1 deleted\n");
}

#[test]
fn documents_expire() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "long", "1", "--ttl", "3600"]);
    cli.ok(&["set", "a.db", "short", "1", "--ttl", "0.05"]);
    cli.ok(&["set", "a.db", "ever", "1"]);
    std::thread::sleep(Duration::from_millis(60));
    assert_eq!(cli.ok(&["keys", "a.db"]), "ever\nlong\n");
    let left: f64 = cli.ok(&["ttl", "a.db", "long"]).trim().parse().unwrap();
    assert!((3500.0..=3600.0).contains(&left), "{left}");
    assert_eq!(cli.ok(&["ttl", "a.db", "ever"]), "forever\n");
    cli.run(&["ttl", "a.db", "short"]).fails(1);
    for ttl in ["0", "-1", "NaN", "1e300", "soon"] {
        cli.run(&["set", "a.db", "a", "1", "--ttl", ttl]).fails(2);
    }
}

#[test]
fn a_time_to_live_is_given_and_taken_away() {
    let cli = Cli::new();
    cli.run(&["expire", "a.db", "k", "60"]).fails_with(3, &["NotFound"]);
    cli.ok(&["set", "a.db", "k", "1"]);
    assert_eq!(cli.ok(&["expire", "a.db", "k", "3600"]), "");
    let left: f64 = cli.ok(&["ttl", "a.db", "k"]).trim().parse().unwrap();
    assert!((3500.0..=3600.0).contains(&left), "{left}");
    assert_eq!(cli.ok(&["persist", "a.db", "k", "--json"]), "{\"persisted\":true}\n");
    assert_eq!(cli.ok(&["ttl", "a.db", "k"]), "forever\n");
    cli.run(&["persist", "a.db", "k"]).fails_with(1, &["with a time to live"]);
    cli.run(&["expire", "a.db", "none", "5"]).fails_with(1, &["\"none\""]);
    for seconds in ["0", "-1", "NaN", "1e300", "soon"] {
        cli.run(&["expire", "a.db", "k", seconds]).fails(2);
    }
    cli.ok(&["set", "a.db", "k", "2", "--collection", "c"]);
    cli.ok(&["expire", "a.db", "k", "0.001", "--collection", "c"]);
    std::thread::sleep(std::time::Duration::from_millis(20));
    assert_eq!(cli.ok(&["count", "a.db", "--collection", "c"]), "0\n");
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "1\n");
}
