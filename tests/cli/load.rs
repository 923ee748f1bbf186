//! `load` and `dump`.

use crate::harness::Cli;

#[test]
fn a_dump_loads_into_the_same_documents() {
    let cli = Cli::new();
    cli.write(
        "in.ndjson",
        concat!(
            "\u{feff}{\"key\":\"b\",\"value\":{\"x\":[1,2.50,\"\\u00fc\"]}}\r\n",
            "\n",
            "{\"expires\":99999999999999,\"value\":null,\"key\":\"c \\\"quoted\\\"\"}\n",
            "  {\"key\":\"a\",\"value\":\"first\"}\n",
            "{\"key\":\"a\",\"value\":\"second\"}",
        ),
    );
    assert_eq!(cli.ok(&["load", "a.db", "in.ndjson"]), "4 documents loaded\n");
    let dump = cli.ok(&["dump", "a.db", "--plain"]);
    let expected = concat!(
        "{\"key\":\"a\",\"value\":\"second\"}\n",
        "{\"key\":\"b\",\"value\":{\"x\":[1,2.50,\"\\u00fc\"]}}\n",
        "{\"key\":\"c \\\"quoted\\\"\",\"value\":null,\"expires\":99999999999999}\n",
    );
    assert_eq!(dump, expected);
    assert_eq!(cli.run_with(&["load", "b.db", "-", "--json"], &dump).ok(), "{\"loaded\":3}\n");
    assert_eq!(cli.ok(&["dump", "b.db", "--plain"]), dump);
    assert_eq!(
        cli.ok(&["dump", "b.db", "--plain", "--reverse", "--lt", "b"]),
        "{\"key\":\"a\",\"value\":\"second\"}\n"
    );
}

#[test]
fn many_documents_load_in_several_commits() {
    let cli = Cli::new();
    let lines: String = (0..2500).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{n}}}\n")).collect();
    assert_eq!(cli.run_with(&["load", "a.db"], &lines).ok(), "2500 documents loaded\n");
    assert_eq!(cli.ok(&["dump", "a.db", "--plain"]), lines);
    assert_eq!(cli.ok(&["get", "a.db", "2499", "--json"]), "{\"key\":\"2499\",\"value\":2499,\"version\":3}\n");
}

#[test]
fn a_large_document_loads() {
    let cli = Cli::new();
    let line = format!("{{\"key\":\"large\",\"value\":\"{}\"}}\n", "x".repeat(5 << 20));
    let lines = format!("{{\"key\":\"a\",\"value\":1}}\n{line}{{\"key\":\"z\",\"value\":1}}\n");
    cli.run_with(&["load", "a.db"], &lines).ok();
    assert_eq!(cli.ok(&["dump", "a.db", "--plain", "--prefix", "large"]), line);
    assert_eq!(cli.ok(&["count", "a.db"]), "3\n");
}

#[test]
fn what_is_before_a_bad_line_is_kept() {
    let good: String = (0..1200).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{n}}}\n")).collect();
    let long_key = format!("{{\"key\":\"{}\",\"value\":1}}", "k".repeat(5000));
    let bad: [(&[u8], &str); 12] = [
        (b"nonsense", "InvalidValue"),
        (b"[1]", "InvalidValue"),
        (b"{\"key\":\"a\"}", "value"),
        (b"{\"value\":1}", "key"),
        (b"{\"key\":7,\"value\":1}", "InvalidValue"),
        (b"{\"key\":\"a\",\"value\":1,\"ttl\":5}", "ttl"),
        (b"{\"key\":\"a\",\"value\":1,\"value\":2}", "value"),
        (b"{\"key\":\"a\",\"value\":1} x", "InvalidValue"),
        (b"{\"key\":\"\",\"value\":1}", "InvalidKey"),
        (long_key.as_bytes(), "InvalidKey"),
        (b"{\"key\":\"a\",\"value\":1,\"expires\":-5}", "InvalidValue"),
        (b"{\"key\":\"\xff\",\"value\":1}", "UTF-8"),
    ];
    for (line, word) in bad {
        let cli = Cli::new();
        let input = [good.as_bytes(), line, b"\n{\"key\":\"behind\",\"value\":1}\n"].concat();
        let run = cli.run_with(&["load", "a.db"], &input);
        run.fails_with(4, &["line 1201", "1200 documents", word]);
        assert_eq!(cli.ok(&["dump", "a.db", "--plain"]), good);
    }
}

#[test]
fn a_bad_line_is_told_as_json() {
    let cli = Cli::new();
    let run = cli.run_with(&["load", "a.db", "--json"], "{\"key\":\"a\",\"value\":1}\nx\n");
    let error: serde_json::Value = serde_json::from_str(&run.fails(4)).unwrap();
    assert_eq!(error["error"]["code"], "InvalidValue");
    assert_eq!((&error["error"]["line"], &error["error"]["loaded"]), (&2.into(), &1.into()));
}

#[test]
fn input_that_is_not_there_creates_nothing() {
    let cli = Cli::new();
    cli.run(&["load", "a.db", "nope.ndjson"]).fails_with(4, &["NotFound", "nope.ndjson"]);
    assert!(!cli.path("a.db").exists());
    cli.run(&["load", "a.db"]).fails_with(4, &["InvalidValue", "standard input", "empty"]);
    assert!(!cli.path("a.db").exists());
    assert_eq!(cli.ok(&["load", "a.db", "--allow-incomplete"]), "0 documents loaded\n");
    assert_eq!(cli.ok(&["dump", "a.db", "--plain"]), "");
    cli.run_with(&["load", "b.db"], "\u{feff}\n \n").fails_with(4, &["empty"]);
}

#[test]
fn a_document_that_has_expired_is_not_there() {
    let cli = Cli::new();
    cli.run_with(&["load", "a.db"], "{\"key\":\"a\",\"value\":1}\n{\"key\":\"a\",\"value\":2,\"expires\":1000}\n").ok();
    assert_eq!(cli.ok(&["count", "a.db"]), "0\n");
}

#[test]
fn a_time_that_cannot_be_is_a_fault_of_the_line() {
    let cli = Cli::new();
    for expires in ["0", "253402300800000", "-1", "1.5", "\"soon\""] {
        let line = format!("{{\"key\":\"a\",\"value\":1,\"expires\":{expires}}}\n");
        cli.run_with(&["load", "a.db"], line).fails_with(4, &["line 1"]);
    }
    cli.run_with(&["load", "a.db"], "{\"index\":7}\n").fails_with(4, &["line 1"]);
}
