//! `info`: figures about the file.

use crate::harness::Cli;
use serde_json::Value;

fn with_documents() -> Cli {
    let cli = Cli::new();
    let lines: String = (0..3000).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{{\"n\":{n}}}}}\n")).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    cli.ok(&["index", "a.db", "create", "n"]);
    cli.ok(&["set", "a.db", "brief", "1", "--ttl", "3600"]);
    cli.ok(&["delete", "a.db", "0000"]);
    cli
}

/// The words of the line that begins so.
fn line<'a>(text: &'a str, start: &str) -> Vec<&'a str> {
    let found = text.lines().find(|line| line.starts_with(start));
    found.unwrap_or_else(|| panic!("no line begins with {start:?}: {text}")).split_whitespace().collect()
}

#[test]
fn it_tells_what_documents_and_each_index_take() {
    let cli = with_documents();
    let text = cli.ok(&["info", "a.db"]);
    // 3,001 documents were set, and one deleted: its deletion is an entry as well.
    assert_eq!(line(&text, "documents")[3..], ["3,002", "1", "1"]);
    // A document without a value has an entry, too.
    assert_eq!(line(&text, "index n")[4..], ["3,002", "1", "1"]);
    assert!(!text.contains("microseconds"), "{text}");
    cli.ok(&["compact", "a.db"]);
    let json: Value = serde_json::from_str(&cli.ok(&["info", "a.db", "--json"])).unwrap();
    let spaces = json["spaces"].as_array().unwrap();
    let told: Vec<_> = spaces.iter().map(|space| [&space["kind"], &space["path"], &space["entries"]]).collect();
    let documents = spaces.iter().find(|space| space["kind"] == "documents").unwrap();
    assert_eq!((&documents["entries"], &documents["expiring"]), (&3000.into(), &1.into()), "{told:?}");
    let index = spaces.iter().find(|space| space["path"] == "n").unwrap();
    assert_eq!((&index["kind"], &index["entries"]), (&"index".into(), &3000.into()), "{told:?}");
    assert!(spaces.iter().all(|space| space["bytes"].as_u64() > Some(0) && space["tombstones"] == 0), "{spaces:?}");
    assert_eq!(json["latencies"], Value::Null);
}

#[test]
fn in_the_repl_it_tells_what_was_done_and_how_long_it_took() {
    let cli = with_documents();
    let script = "GET 0001\nGET 0002\nCOUNT\nSET a 1\nSTATS\n";
    let text = cli.run_with(&["repl", "a.db"], script).ok();
    for name in ["read ", "written ", "flushed", "merged", "expired tables", "page cache"] {
        line(&text, name);
    }
    for (verb, count) in [("get ", "2"), ("count ", "1"), ("set ", "1")] {
        let told = line(&text, verb);
        assert_eq!((told.len(), told[1]), (7, count), "{told:?}");
        let times: Vec<f64> = told[2..].iter().map(|us| us.parse().unwrap()).collect();
        assert!(times.is_sorted() && times[4] > 0.0, "{told:?}");
    }
}

#[test]
fn indexes_of_all_collections_are_named() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "1", "--collection", "users"]);
    assert!(cli.ok(&["info", "a.db"]).contains("indexes           none\n"));
    cli.ok(&["index", "a.db", "create", "role", "--collection", "users"]);
    assert!(cli.ok(&["info", "a.db"]).contains("indexes           users: role\n"));
    cli.ok(&["index", "a.db", "create", "n"]);
    assert!(cli.ok(&["info", "a.db"]).contains("indexes           n, users: role\n"));
}

#[test]
fn names_and_figures_stand_apart() {
    let cli = with_documents();
    for verb in ["check", "info"] {
        let text = cli.ok(&[verb, "a.db"]);
        let lines = text.lines().take_while(|line| !line.is_empty() && !line.starts_with("no damage"));
        for line in lines {
            assert!(line.contains("  "), "{line:?} in {text}");
        }
    }
}
