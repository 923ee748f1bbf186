//! `set-file` and `get-file`, and bytes in the other verbs.

use crate::harness::Cli;

#[test]
fn files_go_in_and_out() {
    let cli = Cli::new();
    let bytes: Vec<u8> = (0..3_000_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    std::fs::write(cli.path("in"), &bytes).unwrap();
    std::fs::write(cli.path("small"), b"\x00foobar").unwrap();
    assert_eq!(cli.ok(&["set-file", "a.db", "large", "in", "--json"]), "{\"version\":3}\n");
    cli.ok(&["set-file", "a.db", "small", "small", "--ttl", "60"]);
    cli.ok(&["set", "a.db", "text", "1"]);
    assert_eq!(cli.ok(&["get-file", "a.db", "large", "out"]), "");
    assert!(std::fs::read(cli.path("out")).unwrap() == bytes);
    assert_eq!(cli.ok(&["get-file", "a.db", "small", "out", "--json"]), "{\"bytes\":7,\"key\":\"small\"}\n");
    assert_eq!(std::fs::read(cli.path("out")).unwrap(), b"\x00foobar");
    assert_eq!(cli.ok(&["get-file", "a.db", "small", "-"]), "\u{0}foobar");
    cli.run(&["get-file", "a.db", "none", "out"]).fails_with(1, &["none"]);
    cli.run(&["get-file", "a.db", "text", "out"]).fails_with(4, &["InvalidValue", "JSON"]);
    cli.run(&["set-file", "a.db", "x", "nowhere"]).fails_with(4, &["nowhere"]);
    cli.run(&["get", "a.db", "small"]).fails_with(4, &["InvalidValue", "get-file"]);
    assert_eq!(cli.ok(&["scan", "a.db"]), "large\t(3000000 bytes)\nsmall\t(7 bytes)\ntext\t1\n");
    assert_eq!(cli.ok(&["keys", "a.db"]), "large\nsmall\ntext\n");

    // What is dumped is loaded again.
    let dumped = cli.ok(&["dump", "a.db"]);
    assert!(dumped.contains(r#"{"key":"small","bytes":"AGZvb2Jhcg==","expires":"#));
    std::fs::write(cli.path("lines"), &dumped).unwrap();
    cli.ok(&["load", "b.db", "lines"]);
    assert_eq!(cli.ok(&["dump", "b.db"]), dumped);
    assert!(cli.ok(&["check", "b.db"]).contains("no damage found"));
    for line in [r#"{"key":"a","bytes":"Zg="}"#, r#"{"key":"a","bytes":"Zg==","value":1}"#, r#"{"key":"a"}"#] {
        std::fs::write(cli.path("lines"), line).unwrap();
        cli.run(&["load", "b.db", "lines"]).fails_with(4, &["InvalidValue", "line 1"]);
    }
}
