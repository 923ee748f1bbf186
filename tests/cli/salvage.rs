//! `salvage`, and reading what is damaged.

use crate::harness::Cli;
use std::fs;

/// A database of 3000 documents and an index.
fn with_documents() -> Cli {
    let cli = Cli::new();
    let value = |n: u32| format!("{{\"n\":{},\"text\":\"{}\"}}", n % 10, "t".repeat(50));
    let lines: String = (0..3000).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{}}}\n", value(n))).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    cli.ok(&["index", "a.db", "create", "n"]);
    cli
}

/// Damages a page: the first one that keeps documents from being read, and the catalog too or not.
fn damage(cli: &Cli, catalog: bool) -> Vec<u8> {
    let whole = cli.read("a.db");
    let is_page = |at: &usize| whole[*at..*at + 8] == [1, 0, whole[*at + 2] & 1, 0, 0, 0, 0, 0];
    for at in (64 << 10..whole.len() - 128).step_by(64).filter(is_page) {
        let mut bytes = whole.clone();
        bytes[at + 100] ^= 1;
        cli.write("a.db", &bytes);
        if cli.run(&["scan", "a.db"]).code == 5 && (cli.run(&["index", "a.db"]).code == 5) == catalog {
            return bytes;
        }
    }
    panic!("no page is in use");
}

#[test]
fn what_is_whole_is_copied_whole() {
    let cli = with_documents();
    let told = cli.ok(&["salvage", "a.db", "b.db"]);
    assert!(told.contains("3,000") && told.contains("nothing was lost"), "{told}");
    assert_eq!(cli.ok(&["dump", "a.db"]), cli.ok(&["dump", "b.db"]));
    assert_eq!(cli.ok(&["index", "b.db"]), cli.ok(&["index", "a.db"]));
    cli.ok(&["check", "b.db"]);
}

#[test]
fn what_is_lost_is_told() {
    let cli = with_documents();
    let damaged = damage(&cli, false);
    cli.run(&["check", "a.db"]).fails_with(5, &["salvage"]);
    let run = cli.run(&["salvage", "a.db", "b.db"]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("damaged: pages of entries") && run.stdout.contains("keys from"), "{run:?}");
    assert_eq!(cli.read("a.db"), damaged);
    let count: u32 = cli.ok(&["count", "b.db"]).trim().parse().unwrap();
    assert!((2500..3000).contains(&count), "{count}");
    let run = cli.run(&["--json", "salvage", "a.db", "c.db"]);
    for part in [r#""complete":false"#, r#""lost":[{"#, r#""hasDocuments":true"#] {
        assert!(run.stdout.contains(part), "{run:?}");
    }
}

#[test]
fn the_new_file_must_not_be_there() {
    let cli = with_documents();
    let before = cli.read("a.db");
    cli.run(&["salvage", "a.db", "a.db"]).fails_with(2, &["the database itself"]);
    cli.run(&["salvage", "a.db", "./a.db"]).fails_with(2, &["the database itself"]);
    assert_eq!(cli.read("a.db"), before);
    cli.run(&["salvage", "nope.db", "b.db"]).fails_with(3, &["NotFound", "nope.db"]);
    cli.run(&["salvage", "a.db", "dir/b.db"]).fails_with(3, &["NotFound", "dir/b.db"]);
    cli.run(&["salvage", "a.db"]).fails(2);
    cli.write("foreign", "SQLite format 3");
    cli.run(&["salvage", "foreign", "b.db"]).fails_with(3, &["NotADatabase", "foreign"]);
    assert!(!fs::exists(cli.path("b.db")).unwrap());
}

#[test]
fn a_damaged_file_is_read_when_that_is_asked_for() {
    let cli = with_documents();
    let bytes = damage(&cli, true);
    cli.run(&["count", "a.db"]).fails_with(5, &["Corrupt", "salvage"]);
    let run = cli.run(&["--allow-damage", "get", "a.db", "0001"]);
    assert!(run.code == 0 && run.stderr.contains("damaged"), "{run:?}");
    cli.run(&["--allow-damage", "set", "a.db", "k", "1"]).fails_with(3, &["ReadOnly"]);
    assert_eq!(cli.read("a.db"), bytes);
}
