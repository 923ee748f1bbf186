//! Input that a document or a key cannot be made of.

use crate::harness::Cli;

#[test]
fn documents_must_be_json() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "1"]);
    for json in ["", "hello", "{", "[1,]", "NaN", "{'a': 1}", "1 2", "undefined", "01"] {
        cli.run(&["set", "a.db", "k", json]).fails_with(4, &["InvalidValue"]);
    }
    cli.run(&["set", "a.db", "k", "hello"]).fails_with(4, &["quotes"]);
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "1\n");
}

#[test]
fn keys_have_limits() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "1"]);
    let long = "k".repeat(4097);
    for key in ["", &long] {
        for arguments in [["set", "a.db", key, "1"].as_slice(), &["get", "a.db", key], &["delete", "a.db", key]] {
            cli.run(arguments).fails_with(4, &["InvalidKey"]);
        }
    }
    cli.ok(&["set", "a.db", &long[1..], "1"]);
    assert_eq!(cli.ok(&["count", "a.db"]), "2\n");
}

#[test]
fn a_document_beyond_the_limit_is_refused() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "1"]);
    let too_large = format!("\"{}\"", "x".repeat(64 << 20));
    cli.run_with(&["set", "a.db", "k", "-"], &too_large).fails_with(4, &["TooLarge"]);
    let line = format!("{{\"key\":\"k\",\"value\":{too_large}}}\n");
    cli.run_with(&["load", "a.db"], &line).fails_with(4, &["TooLarge", "line 1"]);
    let endless = format!("{{\"key\":\"k\",\"value\":\"{}", "x".repeat(66 << 20));
    cli.run_with(&["load", "a.db"], endless).fails_with(4, &["TooLarge", "line 1"]);
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "1\n");
}

#[test]
fn deep_nesting_is_no_limit() {
    let cli = Cli::new();
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    cli.ok(&["index", "a.db", "create", "a.b"]);
    cli.run_with(&["set", "a.db", "k", "-"], &deep).ok();
    assert_eq!(cli.ok(&["get", "a.db", "k"]).trim(), deep);
    let line = cli.ok(&["dump", "a.db"]);
    cli.run_with(&["load", "a.db"], &line).ok();
}
