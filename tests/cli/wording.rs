//! Messages have the program's own words, not those of the libraries below it.

use crate::harness::Cli;

/// Words of serde_json, serde and std.
const FOREIGN: [&str; 14] = [
    "line 1 column",
    "invalid type",
    "invalid value:",
    "invalid digit",
    "float literal",
    "expected",
    "EOF",
    "os error",
    "trailing",
    "struct ",
    "u64",
    "sequence",
    "missing field",
    "duplicate field",
];

/// Each list has a verb and what the message must hold.
const COMMANDS: [(&[&str], &str); 41] = [
    (&["query", "a.db", r#"{"limit":"x"}"#], "`limit` must be a whole number, 0 or above, not \"x\""),
    (&["query", "a.db", r#"{"limit":-1}"#], "`limit` must be a whole number, 0 or above, not -1"),
    (&["query", "a.db", r#"{"limit":1,"limit":2}"#], "the field `limit` appears twice"),
    (&["query", "a.db", r#"{"foo":1}"#], "unknown field `foo`; use `keys`, `where`"),
    (&["query", "a.db", r#"{"keys":{"prefix":5}}"#], "`prefix` must be a string, not 5"),
    (&["query", "a.db", r#"{"select":5}"#], "`select` must be an array, not 5"),
    (&["query", "a.db", r#"{"reverse":1}"#], "`reverse` must be true or false, not 1"),
    (&["query", "a.db", r#"{"where":{"a":1}"#], "it ends before the value is complete"),
    (&["query", "a.db", r#"{"orderBy":{"path":5}}"#], "must be a string, not 5"),
    (&["explain", "a.db", "{]"], "not in double quotes at line 1, column 2"),
    (&["patch", "a.db", "k", "5"], "the value must be an array, not 5"),
    (&["patch", "a.db", "k", "[5]"], "the value must be an object, not 5 at line 1, column 2"),
    (&["patch", "a.db", "k", r#"[{"op":"add"}]"#], "the field `path` is missing"),
    (&["patch", "a.db", "k", r#"[{"op":"add","path":5,"value":1}]"#], "`path` must be a string, not 5"),
    (&["patch", "a.db", "k", "["], "it ends before the value is complete"),
    (&["merge-patch", "a.db", "k", "x"], "no value begins at line 1, column 1"),
    (&["set", "a.db", "k", r#"{"a":}"#], "no value begins at line 1, column 6"),
    (&["set", "a.db", "k", "1 2"], "more text follows the value at line 1, column 3"),
    (&["push", "a.db", "l", "left", "x"], "no value begins"),
    (&["swap", "a.db", "k", "x", "y"], "no value begins"),
    (&["find", "a.db", "a", "x"], "no value begins"),
    (&["find", "a.db", "a", "--gte", "[1"], "it ends before the value is complete"),
    (&["keys", "a.db", "--limit", "x"], "--limit must be a whole number, 0 or above, not \"x\""),
    (&["set", "a.db", "k", "1", "--ttl", "x"], "--ttl must be a number of seconds, not \"x\""),
    (&["set", "a.db", "k", "1", "--if-version", "1.5"], "--if-version must be"),
    (&["changes", "a.db", "--since", "-"], "--since must be"),
    (&["keys", "a.db", "--change-history", "x"], "--change-history must be"),
    (&["keys", "a.db", "--limit"], "--limit needs a value"),
    (&["keys", "a.db", "--json=5"], "--json takes no value"),
    (&["set-file", "a.db", "k", "none"], "none: there is no such file or directory"),
    (&["set-file", "a.db", "k", "."], ".: it is "),
    (&["set-file", "a.db", "k", "a.db/x"], "a.db/x: a part of its path is not a directory"),
    (&["get", "a.db", "k", "--key-file", "none"], "none: there is no such file or directory"),
    (&["load", "a.db", "none"], "none: there is no such file or directory"),
    (&["load", "a.db", "."], ".: it is "),
    (&["import", "none", "b.db"], "none: there is no such file or directory"),
    (&["import", ".", "b.db"], "does not name a file"),
    (&["import-ferrumdb", "none", "b.db"], "none: there is no such file or directory"),
    (&["export", "a.db", "a.db/x"], "a.db/x: a part of its path is not a directory"),
    (&["get-file", "a.db", "k", "a.db/x"], "a.db/x: a part of its path is not a directory"),
    (&["get", "a.db/x", "k"], "a.db/x"),
];

const LINES: [(&str, &str); 10] = [
    ("5", "the value must be an object, not 5"),
    (r#"{"key":5,"value":1}"#, "`key` must be a string, not 5"),
    (r#"{"key":"a"}"#, "the field `value` is missing"),
    (r#"{"foo":1}"#, "unknown field `foo`"),
    (r#"{"key":"a","value":1,"expires":"x"}"#, "`expires` must be a whole number, 0 or above, not \"x\""),
    (r#"{"key":"a","value":}"#, "no value begins at line 1, column 20"),
    (r#"{"index":{"paths":["a"],"unique":5}}"#, "`unique` must be true or false, not 5"),
    (r#"{"index":{"paths":["a"],"foo":5}}"#, "unknown field `foo`"),
    (r#"{"key":"a","key":"b"}"#, "the field `key` appears twice"),
    (r#"{"end":{"documents":"x"}}"#, "`documents` must be a whole number"),
];

#[track_caller]
fn check(message: &str, expected: &str) {
    assert!(message.contains(expected), "no {expected:?} in {message}");
    let foreign = FOREIGN.iter().find(|word| message.contains(**word));
    assert_eq!(foreign, None, "{message}");
}

#[test]
fn messages_have_words_of_their_own() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "{\"a\":1}"]);
    for (command, expected) in COMMANDS {
        check(&cli.run(command).stderr, expected);
    }
    for (line, expected) in LINES {
        check(&cli.run_with(&["load", "a.db"], line).fails(4), expected);
    }
    for (line, expected) in
        [("SET k {", "it ends before"), ("SET k [1,]", "no value begins"), ("GET \"a", "it ends before")]
    {
        check(&cli.run_with(&["repl", "a.db"], line).fails(4), expected);
    }
}

/// A document that is there, but of another type, is not one that "cannot be stored".
#[test]
fn a_document_of_another_type_is_named() {
    let cli = Cli::new();
    cli.write("bytes", "bytes");
    cli.ok(&["set-file", "a.db", "b", "bytes"]);
    cli.ok(&["set", "a.db", "k", "{}"]);
    for verb in [
        ["get", "a.db", "b"].as_slice(),
        &["get-file", "a.db", "k", "-"],
        &["increment", "a.db", "k"],
        &["push", "a.db", "k", "left", "1"],
        &["pop", "a.db", "k", "left"],
        &["patch", "a.db", "b", "[]"],
    ] {
        let message = cli.run(verb).fails(4);
        assert!(message.contains("cannot be used") && !message.contains("stored"), "{verb:?}: {message}");
    }
}

#[test]
fn a_document_from_standard_input_is_read_as_a_line_is() {
    let cli = Cli::new();
    cli.run_with(&["set", "a.db", "k", "-"], b"\"\xff\"").fails_with(4, &["InvalidValue", "UTF-8"]);
    cli.run_with(&["set", "a.db", "k", "-"], b"\xef\xbb\xbf{\"a\":1}\n").ok();
    assert_eq!(cli.ok(&["get", "a.db", "k"]), "{\"a\":1}\n");
}

#[test]
#[cfg(unix)]
fn a_file_that_may_not_be_read_is_not_one_that_may_not_be_written() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let cli = Cli::native();
    cli.ok(&["set", "a.db", "k", "1"]);
    fs::set_permissions(cli.path("a.db"), Permissions::from_mode(0o000)).unwrap();
    // A file that root may read anyway is read by another user.
    let mut command = cli.command(&["get", "a.db", "k"], &[]);
    if fs::read(cli.path("a.db")).is_ok() {
        command.uid(65_534).gid(65_534);
    }
    let run = cli.finish(command, b"");
    run.fails_with(3, &["Io", "does not allow to read"]);
}
