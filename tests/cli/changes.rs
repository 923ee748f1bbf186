//! `changes`, and `--change-history`.

use crate::harness::Cli;

#[test]
fn changes_are_printed_as_far_as_they_were_noted() {
    let cli = Cli::new();
    let kept = ["--change-history", "3600"];
    let with_history = |words: &[&str]| cli.ok(&[words, &kept].concat());
    with_history(&["set", "a.db", "a", "1"]);
    with_history(&["set", "a.db", "a", "2"]);
    with_history(&["delete", "a.db", "a"]);
    let lines = [
        r#"{"kind":"set","key":"a","version":1,"oldVersion":0}"#,
        r#"{"kind":"set","key":"a","version":2,"oldVersion":1}"#,
        r#"{"kind":"delete","key":"a","version":3,"oldVersion":2}"#,
    ]
    .map(|line| format!("{line}\n"));
    assert_eq!(cli.ok(&["changes", "a.db"]), lines.concat());
    assert_eq!(cli.ok(&["changes", "a.db", "--json", "--since", "1"]), lines[1..].concat());
    assert_eq!(cli.ok(&["changes", "a.db", "--since", "1", "--limit", "1"]), lines[1]);
    assert_eq!(cli.ok(&["changes", "a.db", "--since", "3"]), "");
    cli.run(&["changes", "a.db", "--since", "4"]).fails_with(3, &["ChangesLost", "version 0"]);

    // A commit that notes nothing breaks it, and then it begins again.
    cli.ok(&["set", "a.db", "b", "1"]);
    assert_eq!(cli.ok(&["changes", "a.db"]), "");
    cli.run(&["changes", "a.db", "--since", "0"]).fails_with(3, &["ChangesLost", "version 4"]);
    with_history(&["set", "a.db", "c", "1", "--ttl", "60"]);
    let line = cli.ok(&["changes", "a.db"]);
    assert!(line.starts_with(r#"{"kind":"set","key":"c","version":5,"oldVersion":0,"expiresAt":"#), "{line}");
    assert_eq!(cli.ok(&["check", "a.db", "--json"]).matches("\"problems\":[]").count(), 1);
    cli.run(&["changes", "none.db"]).fails_with(3, &["NotFound"]);
    cli.run(&["set", "a.db", "a", "1", "--change-history", "0"]).fails_with(2, &["changeHistory"]);
    cli.run(&["get", "a.db", "a", "--since", "1"]).fails_with(2, &["--since"]);
}
