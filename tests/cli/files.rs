//! Files that cannot be opened, are not ours, or are damaged.

use crate::harness::{Cli, Run};
use std::fs;
use std::process::Command;

const READING: [&[&str]; 9] = [
    &["get", "FILE", "k"],
    &["keys", "FILE"],
    &["scan", "FILE"],
    &["count", "FILE"],
    &["dump", "FILE"],
    &["info", "FILE"],
    &["check", "FILE"],
    &["find", "FILE", "a", "1"],
    &["ttl", "FILE", "k"],
];

/// Runs each verb that reads on the file `name`.
fn read_all(cli: &Cli, name: &str) -> Vec<Run> {
    let of = |verb: &&[&str]| {
        let arguments: Vec<_> = verb.iter().map(|word| if *word == "FILE" { name } else { word }).collect();
        cli.run(&arguments)
    };
    READING.iter().map(of).collect()
}

fn with_documents() -> Cli {
    let cli = Cli::new();
    let lines: String = (0..3000).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":\"{}\"}}\n", n * 7919)).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    cli
}

#[test]
fn reading_creates_no_database() {
    let cli = Cli::new();
    for run in read_all(&cli, "nope.db") {
        run.fails_with(3, &["NotFound", "nope.db"]);
    }
    cli.run(&["delete", "nope.db", "k"]).fails_with(3, &["NotFound"]);
    cli.run(&["compact", "nope.db"]).fails_with(3, &["NotFound"]);
    cli.run(&["index", "nope.db", "drop", "a"]).fails_with(3, &["NotFound"]);
    assert_eq!(fs::read_dir(cli.path("")).unwrap().count(), 0);
}

#[test]
fn a_missing_directory_is_told() {
    let cli = Cli::new();
    cli.run(&["get", "dir/a.db", "k"]).fails_with(3, &["NotFound", "dir/a.db"]);
    cli.run(&["set", "dir/a.db", "k", "1"]).fails_with(3, &["NotFound", "dir/a.db", "directory"]);
    fs::create_dir(cli.path("dir")).unwrap();
    cli.ok(&["set", "dir/a.db", "k", "1"]);
    assert_eq!(cli.ok(&["get", "./dir/a.db", "k"]), "1\n");
}

#[test]
fn a_directory_is_no_file() {
    let cli = Cli::new();
    fs::create_dir(cli.path("dir")).unwrap();
    cli.run(&["set", "dir", "k", "1"]).fails_with(3, &["directory"]);
    for name in [".", "dir/", "dir/..", ""] {
        cli.run(&["set", name, "k", "1"]).fails(2);
    }
}

#[test]
fn a_foreign_file_is_left_as_it_is() {
    let cli = Cli::new();
    for content in ["#!/bin/sh\necho hello\n".to_owned(), "SQLite format 3\0".repeat(10_000), "x".to_owned()] {
        cli.write("foreign", &content);
        for run in read_all(&cli, "foreign") {
            run.fails_with(3, &["NotADatabase", "foreign"]);
        }
        cli.run(&["set", "foreign", "k", "1"]).fails_with(3, &["NotADatabase"]);
        cli.run_with(&["load", "foreign"], "{\"key\":\"a\",\"value\":1}\n").fails(3);
        assert_eq!(cli.read("foreign"), content.as_bytes());
    }
}

#[test]
fn a_truncated_file_is_damaged_or_none_of_ours() {
    let cli = with_documents();
    let whole = cli.read("a.db");
    for length in [1, 100, 4096, 16 << 10, 64 << 10, (64 << 10) + 1, whole.len() / 2, whole.len() - (64 << 10)] {
        let length = length.min(whole.len());
        cli.write("cut.db", &whole[..length]);
        let mut damaged = false;
        for run in read_all(&cli, "cut.db") {
            damaged |= run.code != 0 && run.code != 1;
            assert!([0, 1, 3, 5].contains(&run.code), "{length}: {run:?}");
            assert!(run.code != 3 || run.stderr.contains("NotADatabase"), "{length}: {run:?}");
            assert!(run.code != 5 || run.stderr.contains("Corrupt"), "{length}: {run:?}");
        }
        assert!(damaged, "{length} of {} bytes look whole", whole.len());
        assert_eq!(cli.read("cut.db"), &whole[..length], "reading has changed the file");
    }
}

#[test]
fn a_flipped_byte_is_found_by_check_or_changes_nothing() {
    let cli = with_documents();
    let whole = cli.read("a.db");
    let dump = cli.ok(&["dump", "a.db", "--plain"]);
    let mut found = 0;
    for place in (0..whole.len()).step_by(whole.len() / 40) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        cli.write("flipped.db", &bytes);
        let check = cli.run(&["check", "flipped.db"]);
        match check.code {
            0 => assert_eq!(cli.ok(&["dump", "flipped.db", "--plain"]), dump, "byte {place}"),
            code => {
                assert!(code == 5 || code == 3, "byte {place}: {check:?}");
                found += 1;
                assert!(!check.stderr.is_empty());
            }
        }
    }
    assert!(found > 0);
}

#[test]
fn a_read_only_file_can_be_read() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let cli = Cli::native();
    cli.ok(&["set", "a.db", "k", "1"]);
    fs::set_permissions(cli.path("a.db"), fs::Permissions::from_mode(0o444)).unwrap();
    // By a process of its own: a descriptor for writing, which children of other threads inherit, makes a program "busy".
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_ferrolite")).arg(cli.path("ferrolite")).status().unwrap();
    assert!(copied.success());
    // The superuser may write anything; then the program is run by nobody.
    let superuser = fs::OpenOptions::new().write(true).open(cli.path("a.db")).is_ok();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(cli.path("ferrolite"));
        command.args(arguments).current_dir(cli.path(""));
        if superuser {
            command.uid(65534).gid(65534);
        }
        cli.finish(command, b"")
    };
    assert_eq!(run(&["get", "a.db", "k"]).ok(), "1\n");
    run(&["set", "a.db", "k", "2"]).fails_with(3, &["ReadOnly", "a.db"]);
    run(&["compact", "a.db"]).fails_with(3, &["ReadOnly"]);
    assert_eq!(run(&["get", "a.db", "k"]).ok(), "1\n");
}

#[test]
fn a_full_disk_loses_nothing() {
    let cli = with_documents();
    let dump = cli.ok(&["dump", "a.db", "--plain"]);
    // The limit stands for the disk: no file may grow beyond it, in blocks of 1 KiB.
    let limit = cli.read("a.db").len() / 1024 + 256;
    let line = format!("\"value\":\"{}\"}}\n", "0123456789abcdef".repeat(4000));
    let lines: String =
        (0..200).map(|n| format!("{{\"key\":\"new:{n:04}\",{}", line.replace("0123", &format!("{n:04}")))).collect();
    cli.write("in.ndjson", &lines);
    let load = cli.command(&["load", "a.db", "in.ndjson", "--json"], &[]);
    let mut limited = Command::new("bash");
    limited.arg("-c").arg(format!("trap '' XFSZ; ulimit -f {limit}; exec \"$@\"")).arg("bash");
    limited.arg(load.get_program()).args(load.get_args()).current_dir(cli.path(""));
    let failure: serde_json::Value = serde_json::from_str(&cli.finish(limited, b"").fails(3)).unwrap();
    assert_eq!(failure["error"]["code"], "StorageFull", "{failure}");
    let kept = failure["error"]["loaded"].as_u64().unwrap() as usize;
    let expected = dump + &lines.lines().take(kept).map(|line| format!("{line}\n")).collect::<String>();
    assert_eq!(cli.ok(&["dump", "a.db", "--plain"]).len(), expected.len());
    assert_eq!(cli.ok(&["dump", "a.db", "--plain"]), expected);
    assert!(cli.ok(&["check", "a.db"]).contains("no damage found"));
    assert_eq!(cli.ok(&["load", "a.db", "in.ndjson"]), "200 documents loaded\n");
}
