//! `keys`, `scan` and `count`.

use crate::harness::{Cli, Host};

fn with_documents() -> Cli {
    let cli = Cli::new();
    let lines = ["a", "b", "b:1", "b:2", "c"].map(|key| format!("{{\"key\":\"{key}\",\"value\":\"{key}!\"}}\n"));
    assert_eq!(cli.run_with(&["load", "a.db"], lines.concat()).ok(), "5 documents loaded\n");
    cli
}

#[test]
fn ranges_choose_keys() {
    let cli = with_documents();
    let keys = |options: &[&str]| {
        let printed = cli.ok(&[&["keys", "a.db"], options].concat());
        let count: usize = cli.ok(&[&["count", "a.db"], options].concat()).trim().parse().unwrap();
        assert_eq!(count, printed.lines().count());
        printed.replace('\n', " ")
    };
    assert_eq!(keys(&[]), "a b b:1 b:2 c ");
    assert_eq!(keys(&["--prefix", "b:"]), "b:1 b:2 ");
    assert_eq!(keys(&["--prefix="]), "a b b:1 b:2 c ");
    assert_eq!(keys(&["--gt", "a", "--lt", "c"]), "b b:1 b:2 ");
    assert_eq!(keys(&["--gte=a", "--lte=b"]), "a b ");
    assert_eq!(keys(&["--reverse", "--limit", "2"]), "c b:2 ");
    assert_eq!(keys(&["--prefix", "b", "--gt", "b", "--limit", "1"]), "b:1 ");
    assert_eq!(keys(&["--limit", "0"]), "");
    assert_eq!(keys(&["--gt", "c"]), "");
}

#[test]
fn scan_prints_keys_and_documents() {
    let cli = with_documents();
    assert_eq!(cli.ok(&["scan", "a.db", "--prefix", "b:"]), "b:1\t\"b:1!\"\nb:2\t\"b:2!\"\n");
    let json = cli.ok(&["scan", "a.db", "--limit", "1", "--json"]);
    assert_eq!(json, "{\"key\":\"a\",\"value\":\"a!\",\"version\":1}\n");
    assert_eq!(cli.ok(&["keys", "--json", "a.db", "--limit", "1"]), "\"a\"\n");
    assert_eq!(cli.ok(&["count", "--json", "a.db"]), "{\"count\":5}\n");
}

#[test]
fn ranges_that_contradict_themselves_are_refused() {
    let cli = with_documents();
    cli.run(&["keys", "a.db", "--gt", "a", "--gte", "a"]).fails_with(4, &["InvalidRange"]);
    cli.run(&["keys", "a.db", "--limit", "-1"]).fails(2);
    cli.run(&["keys", "a.db", "--limit", "many"]).fails(2);
    cli.run(&["keys", "a.db", "--prefix", &"k".repeat(5000)]).fails_with(4, &["InvalidRange"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let cli = Cli::new();
    // wasmtime does not say why nothing more can be written, so that the exit code has to be on the safe side.
    let code = if Host::of_environment() == Host::Native { 0 } else { 3 };
    let lines: String = (0..20_000).map(|n| format!("{{\"key\":\"{n:05}\",\"value\":\"{n:050}\"}}\n")).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    let file: String = (0..200_000).map(|n| format!("{n:05}\n")).collect();
    cli.write("file", file);
    cli.ok(&["set-file", "a.db", "file", "file"]);
    for verb in [["dump", "a.db"].as_slice(), &["scan", "a.db"], &["keys", "a.db"], &["get-file", "a.db", "file", "-"]]
    {
        let mut talk = cli.talk(verb);
        if verb[0] == "dump" {
            assert_eq!(talk.line(), "{\"dump\":1}\n");
        }
        assert!(talk.line().contains("00000"));
        let run = talk.stop_reading();
        assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{verb:?}");
    }
}
