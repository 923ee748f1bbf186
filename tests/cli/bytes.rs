//! `set-file` and `get-file`, and bytes in the other verbs.

use crate::harness::Cli;
use std::io::Write;
use std::process::Stdio;

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
    assert_eq!(cli.ok(&["get-file", "a.db", "small", "out", "--force", "--json"]), "{\"bytes\":7,\"key\":\"small\"}\n");
    assert_eq!(std::fs::read(cli.path("out")).unwrap(), b"\x00foobar");
    assert_eq!(cli.ok(&["get-file", "a.db", "small", "-"]), "\u{0}foobar");
    cli.run(&["get-file", "a.db", "none", "other"]).fails_with(1, &["none"]);
    cli.run(&["get-file", "a.db", "text", "other"]).fails_with(4, &["InvalidValue", "JSON"]);
    assert!(!cli.path("other").exists());
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

/// Bytes that compression does not make smaller.
fn noise(seed: u32, length: u32) -> Vec<u8> {
    let mut state = u64::from(seed) * 2 + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn file_len(cli: &Cli) -> u64 {
    std::fs::metadata(cli.path("a.db")).unwrap().len()
}

const MIB: u32 = 1 << 20;

#[test]
fn files_that_are_replaced_and_deleted_give_their_space_back() {
    let cli = Cli::new();
    for round in 0..5 {
        std::fs::write(cli.path("in"), noise(round, 5 * MIB)).unwrap();
        cli.ok(&["set-file", "a.db", "film", "in"]);
    }
    assert!(file_len(&cli) < 14 << 20, "{} bytes for 5 MiB", file_len(&cli));
    cli.ok(&["delete", "a.db", "film"]);
    cli.ok(&["set", "a.db", "k", "1"]);
    assert!(file_len(&cli) < 1 << 20, "{} bytes for nothing", file_len(&cli));
    assert!(cli.ok(&["check", "a.db"]).contains("no damage found"));
}

#[test]
fn what_a_killed_upload_has_left_is_told_and_goes_with_the_next_write() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "k", "1"]);
    let mut command = cli.command(&["set-file", "a.db", "film", "-"], &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.as_mut().unwrap().write_all(&noise(1, 6 * MIB)).unwrap();
    while file_len(&cli) < 5 << 20 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(cli.ok(&["info", "a.db"]).contains("unfinished"), "it is told");
    let checked = cli.ok(&["check", "a.db"]);
    assert!(checked.contains("large values: 1, of ") && checked.contains("no damage found"), "{checked}");
    cli.ok(&["set", "a.db", "k", "2"]);
    assert!(file_len(&cli) < 1 << 20, "{}", file_len(&cli));
    let checked = cli.ok(&["check", "a.db"]);
    assert!(!checked.contains("large values"), "{checked}");
    assert!(!cli.ok(&["info", "a.db"]).contains("unfinished"));
}
