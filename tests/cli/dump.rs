//! `dump | load`: a copy is complete, or the exit code says that it is not.

use crate::harness::{Cli, Run};

const FIRST: &str = "{\"dump\":1}\n";

/// A database with documents in two collections and an index, and its dump.
fn with_dump() -> (Cli, String) {
    let cli = Cli::new();
    let lines: String = (0..1500).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{{\"n\":{n}}}}}\n")).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    cli.ok(&["set", "a.db", "b", "{\"n\": 1}", "--collection", "other"]);
    cli.ok(&["index", "a.db", "create", "n"]);
    let dump = cli.ok(&["dump", "a.db"]);
    (cli, dump)
}

/// Loads `input` into a new database.
fn load(cli: &Cli, input: &str, options: &[&str]) -> Run {
    let _ = std::fs::remove_file(cli.path("copy.db"));
    cli.run_with(&[&["load", "copy.db"], options].concat(), input)
}

#[test]
fn a_complete_dump_is_verified() {
    let (cli, dump) = with_dump();
    assert!(dump.starts_with(FIRST), "{dump}");
    let last: serde_json::Value = serde_json::from_str(dump.lines().last().unwrap()).unwrap();
    assert_eq!((&last["end"]["documents"], &last["end"]["indexes"]), (&1501.into(), &1.into()));
    assert_eq!(load(&cli, &dump, &[]).ok(), "1501 documents loaded\n");
    assert_eq!(cli.ok(&["dump", "copy.db"]), dump);
    // Other line ends, a byte order mark and blank lines change nothing.
    load(&cli, &format!("\u{feff}\n{}", dump.replace('\n', "\r\n")), &[]).ok();
    load(&cli, dump.trim_end(), &[]).ok();
    // Dumps may follow each other, and other lines may stand around them.
    let other = "{\"key\":\"x\",\"value\":1}\n";
    assert_eq!(load(&cli, &[other, &dump, &dump, other].concat(), &[]).ok(), "3004 documents loaded\n");
    let part = cli.ok(&["dump", "a.db", "--prefix", "000"]);
    assert_eq!(load(&cli, &part, &[]).ok(), "10 documents loaded\n");
    let empty = cli.ok(&["dump", "a.db", "--prefix", "x"]);
    assert_eq!(load(&cli, &empty, &["--collection", "c"]).ok(), "0 documents loaded\n");
}

#[test]
fn a_dump_that_fails_or_is_cut_short_is_no_copy() {
    let (cli, dump) = with_dump();
    let lines: Vec<&str> = dump.split_inclusive('\n').collect();
    // From nothing at all to all but the last line; in a line, too.
    for count in [0, 1, 2, 700, 1501, lines.len() - 1] {
        load(&cli, &lines[..count].concat(), &[]).fails_with(4, &["InvalidValue"]);
    }
    load(&cli, &dump[..dump.len() / 2], &[]).fails_with(4, &["InvalidValue"]);
    load(&cli, &lines[..701].concat(), &[]).fails_with(4, &["not complete", "--allow-incomplete", "700 documents"]);
    // Lines that are missing, come twice, or are others.
    let last = lines.len() - 1;
    for (changed, reason) in [
        ([&lines[..5], &lines[6..]].concat().concat(), "1500 of 1501 documents"),
        ([&lines[..5], &lines[4..]].concat().concat(), "1502 of 1501 documents"),
        ([&lines[..last - 2], &lines[last - 1..]].concat().concat(), "indexes"),
        (lines[1..].concat(), "first line"),
        (dump.replace("{\"n\":7}", "{\"n\":8}"), "not those that `dump` has written"),
        ([&lines[..5], &[lines[6], lines[5]], &lines[7..]].concat().concat(), "not those"),
        ([&lines[..5], &lines[..]].concat().concat(), "another dump begins"),
    ] {
        load(&cli, &changed, &[]).fails_with(4, &["not complete", reason]);
        load(&cli, &changed, &["--allow-incomplete"]).ok();
    }
    load(&cli, "", &["--allow-incomplete"]).ok();
    let newer = dump.replace(FIRST, "{\"dump\":2}\n");
    load(&cli, &newer, &[]).fails_with(4, &["line 1", "newer version"]);
}

#[test]
fn plain_lines_load_as_they_are() {
    let (cli, dump) = with_dump();
    let plain = cli.ok(&["dump", "a.db", "--plain"]);
    let lines: Vec<&str> = dump.split_inclusive('\n').collect();
    assert_eq!(plain, lines[1..lines.len() - 1].concat());
    load(&cli, &plain, &[]).ok();
    assert_eq!(cli.ok(&["dump", "copy.db"]), dump);
    // Lines of a dump without its first and its last one are plain, too.
    load(&cli, lines[3], &[]).ok();
    for line in [
        "{\"dump\":1,\"key\":\"a\",\"value\":1}",
        "{\"dump\":1,\"end\":null,\"index\":\"a\"}",
        "{\"dump\":\"1\"}",
        "{\"end\":{}}",
    ] {
        load(&cli, line, &[]).fails_with(4, &["line 1"]);
    }
}
