//! `export` and `import`: by files and by pipes, plain and encrypted.

use crate::harness::Cli;
use std::process::Stdio;

const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
const KEY_FILE: [&str; 2] = ["--key-file", "key"];

/// A database of 3000 documents and an index, and keys.
fn with_documents(secret: &[&str]) -> Cli {
    let cli = Cli::new();
    cli.write("key", KEY);
    cli.write("other.key", [7; 32]);
    let value = |n: u32| format!("{{\"n\":{},\"text\":\"{}\"}}", n % 10, "t".repeat(50));
    let lines: String = (0..3000).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{}}}\n", value(n))).collect();
    cli.run_with(&with(&["load", "a.db"], secret), lines).ok();
    cli.ok(&with(&["index", "a.db", "create", "n"], secret));
    cli
}

fn with<'a>(arguments: &[&'a str], secret: &[&'a str]) -> Vec<&'a str> {
    [arguments, secret].concat()
}

#[test]
fn what_is_exported_is_a_database_and_can_be_imported() {
    for secret in [&[][..], &KEY_FILE] {
        let cli = with_documents(secret);
        let before = cli.read("a.db");
        assert_eq!(cli.ok(&with(&["export", "a.db", "copy.db"], secret)), "");
        assert_eq!(cli.read("a.db"), before, "it was only read");
        assert!(cli.read("copy.db").len() <= before.len());
        assert_eq!(cli.ok(&with(&["import", "copy.db", "b.db"], secret)), "");
        assert_eq!(cli.read("b.db"), cli.read("copy.db"));
        for name in ["copy.db", "b.db"] {
            assert_eq!(cli.ok(&with(&["dump", name], secret)), cli.ok(&with(&["dump", "a.db"], secret)));
            assert_eq!(cli.ok(&with(&["find", name, "n", "3"], secret)).lines().count(), 300);
            cli.ok(&with(&["check", name], secret));
        }
        cli.ok(&with(&["set", "b.db", "new", "1"], secret));
        let bytes = cli.read("copy.db").len();
        let told = cli.ok(&with(&["--json", "export", "a.db", "again.db"], secret));
        assert_eq!(told, format!("{{\"bytes\":{bytes}}}\n"));
        let told = cli.ok(&with(&["--json", "import", "again.db", "c.db"], secret));
        assert_eq!(told, format!("{{\"bytes\":{bytes}}}\n"));
    }
}

#[test]
fn both_work_in_pipes() {
    for secret in [&[][..], &KEY_FILE] {
        let cli = with_documents(secret);
        let output = cli.command(&with(&["export", "a.db", "-"], secret), &[]).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(&output.stdout[..7], b"FERROLT");
        assert_eq!(cli.run_with(&with(&["import", "-", "b.db"], secret), &output.stdout).ok(), "");
        assert_eq!(cli.ok(&with(&["dump", "b.db"], secret)), cli.ok(&with(&["dump", "a.db"], secret)));
        cli.run_with(&with(&["import", "-", "c.db"], secret), &output.stdout[..100_000])
            .fails_with(5, &["Corrupt", "standard input"]);
        cli.run_with(&with(&["import", "-", "c.db"], secret), "no database").fails_with(3, &["NotADatabase"]);
        assert!(!cli.path("c.db").exists());
    }
}

#[test]
fn neither_replaces_a_file() {
    let cli = with_documents(&[]);
    cli.write("notes.txt", "mine");
    cli.run(&["export", "a.db", "notes.txt"]).fails_with(2, &["InvalidOptions", "notes.txt", "exists already"]);
    cli.run(&["import", "a.db", "notes.txt"]).fails_with(2, &["InvalidOptions", "notes.txt", "exists already"]);
    assert_eq!(cli.read("notes.txt"), b"mine");
    cli.run(&["export", "a.db", "none/b.db"]).fails_with(3, &["NotFound", "directory"]);
    cli.run(&["import", "a.db", "none/b.db"]).fails_with(3, &["NotFound", "directory"]);
    cli.run(&["import", "none.db", "b.db"]).fails_with(4, &["NotFound", "none.db"]);
    cli.run(&["export", "none.db", "b.db"]).fails_with(3, &["NotFound", "none.db"]);
    cli.run(&["export", "a.db"]).fails_with(2, &["ferrolite export FILE OUT"]);
    assert!(!cli.path("b.db").exists());
}

#[test]
fn the_wrong_key_imports_nothing() {
    let cli = with_documents(&KEY_FILE);
    cli.run(&["import", "a.db", "b.db"]).fails_with(3, &["KeyRequired"]);
    cli.run(&["import", "a.db", "b.db", "--key-file", "other.key"]).fails_with(3, &["WrongKey"]);
    assert!(!cli.path("b.db").exists());
    let plain = with_documents(&[]);
    plain.run(&["import", "a.db", "b.db", "--key-file", "key"]).fails_with(3, &["NotEncrypted"]);
    assert!(!plain.path("b.db").exists());
}

#[test]
fn damage_leaves_no_export() {
    let cli = with_documents(&[]);
    let whole = cli.read("a.db");
    let is_page = |at: &usize| whole[*at..*at + 8] == [1, 0, whole[*at + 2] & 1, 0, 0, 0, 0, 0];
    let mut hit = 0;
    for at in (64 << 10..whole.len() - 128).step_by(64).filter(is_page).take(12) {
        let mut bytes = whole.clone();
        bytes[at + 100] ^= 1;
        cli.write("a.db", &bytes);
        // It may be a page that nothing leads to any more.
        if cli.run(&["check", "a.db"]).code == 0 {
            continue;
        }
        cli.run(&["export", "a.db", "b.db"]).fails_with(5, &["Corrupt"]);
        assert!(!cli.path("b.db").exists());
        hit += 1;
    }
    assert!(hit > 0);
}
