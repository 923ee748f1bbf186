//! `--collection`, `collections`, `drop-collection`, and collections in `dump` and `load`.

use crate::harness::Cli;

#[test]
fn verbs_work_on_the_collection_that_is_named() {
    let cli = Cli::new();
    let users = |arguments: &[&str]| cli.ok(&[arguments, &["--collection", "users"]].concat());
    cli.ok(&["set", "a.db", "k", "0"]);
    users(&["set", "a.db", "k", r#"{"n":1}"#]);
    users(&["set", "a.db", "l", r#"{"n":2}"#, "--ttl", "60"]);
    assert_eq!((cli.ok(&["get", "a.db", "k"]), users(&["get", "a.db", "k"])), ("0\n".into(), "{\"n\":1}\n".into()));
    users(&["set", "a.db", "l", r#"{"n":3}"#, "--keep-ttl"]);
    assert_ne!(users(&["ttl", "a.db", "l"]), "forever\n");
    cli.run(&["set", "a.db", "l", "1", "--keep-ttl", "--ttl", "1"]).fails_with(2, &["InvalidOptions"]);
    users(&["index", "a.db", "create", "n"]);
    assert_eq!((users(&["index", "a.db"]), cli.ok(&["index", "a.db"])), ("n\n".into(), String::new()));
    assert_eq!(users(&["find", "a.db", "n", "--gte", "2"]), "l\n");
    assert_eq!((users(&["count", "a.db"]), cli.ok(&["count", "a.db"])), ("2\n".into(), "1\n".into()));
    assert_eq!(users(&["merge-patch", "a.db", "k", r#"{"m":1}"#]), "");
    assert_eq!(users(&["scan", "a.db", "--limit", "1"]), "k\t{\"n\":1,\"m\":1}\n");
    assert_eq!(users(&["delete", "a.db", "k"]), "");
    assert_eq!(cli.ok(&["collections", "a.db"]), "users\n");
    assert_eq!(cli.ok(&["collections", "a.db", "--json"]), "{\"collection\":\"users\"}\n");
    cli.run(&["get", "a.db", "k", "--collection", ""]).fails_with(4, &["InvalidCollection"]);
    cli.run(&["get", "a.db", "k", "--collection", "none"]).fails(1);
    cli.run(&["info", "a.db", "--collection", "users"]).fails_with(2, &["--collection"]);
}

#[test]
fn a_collection_is_dropped() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "0"]);
    cli.ok(&["set", "a.db", "k", "1", "--collection", "a"]);
    assert_eq!(cli.ok(&["drop-collection", "a.db", "a", "--json"]), "{\"dropped\":true}\n");
    cli.run(&["drop-collection", "a.db", "a"]).fails_with(1, &["\"a\""]);
    assert_eq!(cli.ok(&["collections", "a.db"]), "");
    assert_eq!(cli.ok(&["scan", "a.db"]), "k\t0\n");
}

#[test]
fn a_dump_is_the_whole_database() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "0"]);
    cli.ok(&["set", "a.db", "k", r#"{"n":1}"#, "--collection", "a"]);
    cli.ok(&["set", "a.db", "l", r#"{"n":2}"#, "--collection", "a", "--ttl", "1000"]);
    cli.ok(&["index", "a.db", "create", "n", "--collection", "a"]);
    cli.ok(&["index", "a.db", "create", "x"]);
    cli.ok(&["index", "a.db", "create", "y", "z", "--unique"]);
    let dump = cli.ok(&["dump", "a.db", "--plain"]);
    let lines: Vec<&str> = dump.lines().collect();
    let expected = [
        r#"{"key":"k","value":0}"#,
        r#"{"index":"x"}"#,
        r#"{"index":{"multi":false,"paths":["y","z"],"unique":true}}"#,
        r#"{"collection":"a","key":"k","value":{"n":1}}"#,
    ];
    assert_eq!(lines[..4], expected);
    assert!(lines[4].starts_with(r#"{"collection":"a","key":"l","value":{"n":2},"expires":"#), "{dump}");
    assert_eq!(lines[5..], [r#"{"collection":"a","index":"n"}"#]);
    assert_eq!(cli.run_with(&["load", "b.db"], &dump).stdout, "3 documents loaded\n");
    assert_eq!(cli.ok(&["dump", "b.db", "--plain"]), dump);
    assert_eq!(cli.ok(&["find", "b.db", "n", "2", "--collection", "a"]), "l\n");
    // Of one collection, lines name none, and go to whichever load is told.
    let part = cli.ok(&["dump", "a.db", "--plain", "--collection", "a", "--limit", "1"]);
    assert_eq!(part, "{\"key\":\"k\",\"value\":{\"n\":1}}\n");
    assert_eq!(cli.run_with(&["load", "b.db", "--collection", "c"], &part).stdout, "1 documents loaded\n");
    assert_eq!(cli.ok(&["scan", "b.db", "--collection", "c"]), "k\t{\"n\":1}\n");
    for line in [
        r#"{"index":"x","key":"a","value":1}"#,
        r#"{"index":"x","expires":1}"#,
        r#"{"collection":"a"}"#,
        r#"{"collection":"","key":"a","value":1}"#,
        r#"{"index":""}"#,
    ] {
        assert_eq!(cli.run_with(&["load", "b.db"], line).code, 4, "{line}");
    }
}
