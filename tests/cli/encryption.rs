//! Encrypted files: keys and passphrases from files and from the terminal.

use crate::harness::{Cli, Host};
use std::fs;

/// Costs that a test can pay.
const CHEAP: [&str; 2] = ["--argon2", "64,1"];
const MARKER: &str = "a marker that is easily found";
const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
const KEY_AGAIN: &str = "303132333435363738396162636465666768696A6B6c6d6e6f70717273747576\n";

/// A directory with keys and passphrases in it.
fn with_secrets() -> Cli {
    let cli = Cli::new();
    cli.write("key", KEY);
    cli.write("key.hex", KEY_AGAIN);
    cli.write("other.key", [7; 32]);
    cli.write("pass", "correct horse\n");
    cli.write("other.pass", "battery staple");
    cli
}

fn load(cli: &Cli, arguments: &[&str]) {
    let line = |n| format!("{{\"key\":\"{n:04}\",\"value\":{{\"n\":{},\"text\":\"{MARKER}\"}}}}\n", n % 10);
    cli.run_with(&[&["load", "a.db"], arguments].concat(), (0..2000).map(line).collect::<String>()).ok();
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[test]
fn a_file_by_a_key_is_sealed_and_works() {
    let cli = with_secrets();
    for cipher in ["aes-256-gcm", "chacha20-poly1305"] {
        let _ = fs::remove_file(cli.path("a.db"));
        load(&cli, &["--key-file", "key", "--cipher", cipher]);
        cli.ok(&["index", "a.db", "create", "n", "--key-file", "key"]);
        assert!(!holds(&cli.read("a.db"), MARKER) && !holds(&cli.read("a.db"), "0123456789"), "{cipher}");
        assert_eq!(cli.ok(&["--key-file", "key.hex", "count", "a.db"]), "2000\n");
        let found = cli.ok(&["find", "a.db", "n", "3", "--limit", "2", "--key-file", "key"]);
        assert_eq!(found, "0003\n0013\n");
        assert!(cli.ok(&["check", "a.db", "--key-file", "key"]).contains("no damage found"));
        let info = cli.ok(&["info", "a.db", "--key-file", "key"]);
        assert!(info.contains(&format!("{cipher}, by a key; key epoch ")), "{info}");
        let dump = cli.ok(&["dump", "a.db", "--key-file", "key"]);
        assert!(dump.lines().count() == 2003 && dump.contains(MARKER));
        cli.ok(&["compact", "a.db", "--key-file", "key"]);
        assert_eq!(cli.ok(&["dump", "a.db", "--key-file", "key"]), dump);
        let told =
            cli.run_with(&["repl", "a.db", "--key-file", "key"], "COUNT\nSET x 1\nROTATE-KEY\nGET x\nINFO\n").ok();
        assert!(told.starts_with("2000\nOK\nsealed anew") && told.contains("by a key"), "{told}");
        assert_eq!(cli.ok(&["get", "a.db", "x", "--key-file", "key"]), "1\n");
    }
}

#[test]
fn a_plain_file_has_the_marker_in_it() {
    let cli = with_secrets();
    load(&cli, &[]);
    assert!(holds(&cli.read("a.db"), MARKER), "the search finds what is there");
    assert!(cli.ok(&["info", "a.db"]).contains("encryption        none"));
    for arguments in [["--key-file", "key"], ["--passphrase-file", "pass"]] {
        let run = cli.run(&[&["get", "a.db", "0000"], &arguments[..]].concat());
        run.fails_with(3, &["NotEncrypted", "a.db", "without a key"]);
    }
    cli.run(&["change-key", "a.db", "--new-key-file", "key"]).fails_with(3, &["NotEncrypted"]);
    cli.run(&["rotate-key", "a.db"]).fails_with(3, &["NotEncrypted"]);
}

#[test]
fn without_the_key_a_file_stays_shut() {
    let cli = with_secrets();
    load(&cli, &["--key-file", "key"]);
    let before = cli.read("a.db");
    let verbs: [&[&str]; 8] = [
        &["get", "a.db", "0000"],
        &["set", "a.db", "0000", "1"],
        &["dump", "a.db"],
        &["info", "a.db"],
        &["check", "a.db"],
        &["salvage", "a.db", "b.db"],
        &["rotate-key", "a.db"],
        &["change-key", "a.db", "--new-key-file", "other.key"],
    ];
    for verb in verbs {
        cli.run(verb).fails_with(3, &["KeyRequired", "a.db: ", "--key-file", "--passphrase-file"]);
        cli.run(&[verb, &["--key-file", "other.key"]].concat()).fails_with(3, &["WrongKey", "a.db"]);
        cli.run(&[verb, &["--passphrase-file", "pass"]].concat()).fails_with(3, &["WrongKey", "a.db"]);
    }
    let run = cli.run(&["get", "a.db", "0000", "--allow-damage", "--key-file", "other.key"]);
    run.fails_with(3, &["WrongKey"]);
    let told = cli.run(&["--json", "get", "a.db", "0000"]).fails(3);
    assert!(told.starts_with(r#"{"error":{"code":"KeyRequired","#), "{told}");
    assert_eq!(told.contains("WASI"), Host::of_environment() != Host::Native, "{told}");
    assert_eq!(cli.read("a.db"), before);
    assert!(!cli.path("b.db").exists());
}

#[test]
fn a_changed_key_opens_and_the_old_one_does_not() {
    let cli = with_secrets();
    load(&cli, &["--key-file", "key"]);
    let changing = ["change-key", "a.db", "--key-file", "key", "--new-passphrase-file", "pass"];
    assert!(cli.ok(&[&changing[..], &CHEAP].concat()).contains("changed"));
    cli.run(&["count", "a.db", "--key-file", "key"]).fails_with(3, &["WrongKey"]);
    assert_eq!(cli.ok(&["count", "a.db", "--passphrase-file", "pass"]), "2000\n");
    let info = cli.ok(&["info", "a.db", "--passphrase-file", "pass"]);
    assert!(info.contains("by a passphrase (Argon2id: 64.0 KiB, passes: 1, lanes: 1)"), "{info}");
    let json = cli.ok(&["--json", "info", "a.db", "--passphrase-file", "pass"]);
    assert!(json.contains(r#""argon2":{"memoryKib":64,"iterations":1,"lanes":1}"#), "{json}");
    // A passphrase is its bytes but for one newline.
    cli.write("pass.more", "correct horse\n\n");
    cli.run(&["count", "a.db", "--passphrase-file", "pass.more"]).fails_with(3, &["WrongKey"]);
    cli.write("pass.crlf", "correct horse\r\n");
    assert_eq!(cli.ok(&["count", "a.db", "--passphrase-file", "pass.crlf"]), "2000\n");
    let changing = ["change-key", "a.db", "--passphrase-file", "pass", "--new-key-file", "other.key", "--json"];
    assert_eq!(cli.ok(&changing), "{\"changed\":true}\n");
    assert_eq!(cli.ok(&["count", "a.db", "--key-file", "other.key"]), "2000\n");
    cli.run(&["change-key", "a.db", "--key-file", "other.key"])
        .fails_with(2, &["--new-key-file", "--new-passphrase-file"]);
}

#[test]
fn a_rotation_keeps_what_opens_the_file_and_what_is_in_it() {
    let cli = with_secrets();
    load(&cli, &[&["--passphrase-file", "pass", "--cipher", "chacha20-poly1305"], &CHEAP[..]].concat());
    let with = |verb: &[&str]| cli.ok(&[verb, &["--passphrase-file", "pass"]].concat());
    let dump = with(&["dump", "a.db"]);
    let slots = |cli: &Cli| cli.read("a.db")[..64 << 10].to_vec();
    let before = slots(&cli);
    let told = with(&["rotate-key", "a.db", "--json"]);
    assert!(told.starts_with(r#"{"keyEpoch":"#), "{told}");
    assert_ne!(slots(&cli), before);
    assert_eq!(with(&["dump", "a.db"]), dump);
    let info = with(&["info", "a.db"]);
    assert!(info.contains("chacha20-poly1305, by a passphrase") && !info.contains("rotation"), "{info}");
    with(&["check", "a.db"]);
}

#[test]
fn a_salvage_opens_and_seals() {
    let cli = with_secrets();
    load(&cli, &["--key-file", "key"]);
    assert!(cli.ok(&["salvage", "a.db", "b.db", "--key-file", "key"]).contains("nothing was lost"));
    cli.run(&["count", "b.db"]).fails_with(3, &["KeyRequired"]);
    assert_eq!(cli.ok(&["count", "b.db", "--key-file", "key"]), "2000\n");
    assert!(!holds(&cli.read("b.db"), MARKER));
    // Both copies of the keys.
    let mut bytes = cli.read("a.db");
    let slots: Vec<_> = (0..64 << 10).step_by(512).filter(|at| bytes[*at..].starts_with(b"FERROKEY")).collect();
    assert_eq!(slots.len(), 2);
    slots.iter().for_each(|at| bytes[at + 100] ^= 1);
    cli.write("a.db", bytes);
    cli.run(&["count", "a.db", "--key-file", "key"]).fails_with(5, &["KeySlotDamaged", "a.db"]);
}

#[test]
fn secrets_that_cannot_be_used_are_told_and_not_shown() {
    let cli = with_secrets();
    cli.write("short", "not a key 5ca1ab1e");
    cli.write("digits", "5ca1ab1e".repeat(8).replace('b', "g"));
    cli.write("long", "5ca1ab1e".repeat(10_000));
    cli.write("empty", "\n");
    for name in ["short", "digits", "empty"] {
        cli.run(&["set", "a.db", "k", "1", "--key-file", name]).fails_with(4, &["InvalidOptions", name, "32 bytes"]);
    }
    for option in ["--key-file", "--passphrase-file"] {
        cli.run(&["set", "a.db", "k", "1", option, "long"]).fails_with(4, &["long: ", "too long"]);
        cli.run(&["set", "a.db", "k", "1", option, "missing"]).fails_with(4, &["NotFound", "missing"]);
        let told = cli.run(&["set", "a.db", "k", "1", option, "long"]).fails(4);
        assert!(!told.contains("5ca1ab1e"), "{told}");
    }
    cli.run(&["set", "a.db", "k", "1", "--passphrase-file", "empty"]).fails_with(4, &["must not be empty"]);
    cli.write("zeros", [0; 32]);
    cli.run(&["set", "a.db", "k", "1", "--key-file", "zeros"]).fails_with(2, &["InvalidOptions", "zeros"]);
    let misused: [&[&str]; 9] = [
        &["set", "a.db", "k", "1", "--key-file", "key", "--passphrase-file", "pass"],
        &["set", "a.db", "k", "1", "--key-file", "key", "--cipher", "rot13"],
        &["set", "a.db", "k", "1", "--cipher", "aes-256-gcm"],
        &["set", "a.db", "k", "1", "--key-file", "key", "--argon2", "64,1"],
        &["set", "a.db", "k", "1", "--passphrase-file", "pass", "--argon2", "64"],
        &["set", "a.db", "k", "1", "--passphrase-file", "pass", "--argon2", "1,1"],
        &["set", "a.db", "k", "1", "--new-key-file", "key"],
        &["change-key", "a.db", "--new-key-file", "key", "--new-passphrase-file", "pass"],
        &["change-key", "a.db", "--key-file", "key", "--new-key-file", "other.key", "--cipher", "aes-256-gcm"],
    ];
    for arguments in misused {
        cli.run(arguments).fails(2);
    }
    assert!(!cli.path("a.db").exists());
    cli.ok(&["set", "b.db", "k", "1"]);
    let told = cli.run_with(&["repl", "b.db"], "GET k --key-file key\n").fails(2);
    assert!(told.contains("given to the program"), "{told}");
}

/// `script` (of util-linux) gives the program a terminal.
#[cfg(target_os = "linux")]
mod on_a_terminal {
    use super::*;
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    /// Runs the native program on a terminal; each answer is typed when its question is there. What the terminal shows,
    /// and the exit code.
    fn run(cli: &Cli, arguments: &str, answers: &[(&str, &str)]) -> (String, i32) {
        let program = format!("{} {arguments}", env!("CARGO_BIN_EXE_ferrolite"));
        let mut child = Command::new("script")
            .args(["--quiet", "--return", "--command", &program, "/dev/null"])
            .current_dir(cli.path(""))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("util-linux is installed");
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut shown = Vec::new();
        let mut seen = 0;
        for (question, answer) in answers {
            while !holds(&shown[seen..], question) {
                let mut byte = [0];
                assert_eq!(stdout.read(&mut byte).unwrap(), 1, "no {question:?}: {}", String::from_utf8_lossy(&shown));
                shown.push(byte[0]);
            }
            seen = shown.len();
            // The echo is switched off a moment after the question is there.
            std::thread::sleep(Duration::from_millis(300));
            writeln!(stdin, "{answer}").unwrap();
        }
        stdout.read_to_end(&mut shown).unwrap();
        let code = child.wait().unwrap().code().unwrap();
        (String::from_utf8(shown).unwrap(), code)
    }

    #[test]
    fn a_passphrase_is_asked_for_and_not_shown() {
        let cli = Cli::native();
        cli.write("pass", "correct horse\n");
        let creating = ["set", "a.db", "k", "1", "--passphrase-file", "pass"];
        cli.ok(&[&creating[..], &CHEAP].concat());
        let question = "Passphrase of a.db: ";
        let (shown, code) = run(&cli, "get a.db k", &[(question, "correct horse")]);
        assert!(code == 0 && shown.trim_end().ends_with('1') && !shown.contains("horse"), "{code} {shown}");
        let (shown, code) = run(&cli, "get a.db k", &[(question, "battery staple")]);
        assert!(code == 3 && shown.contains("WrongKey") && !shown.contains("staple"), "{code} {shown}");
        let (shown, code) = run(&cli, "salvage a.db b.db", &[(question, "correct horse")]);
        assert!(code == 0 && shown.contains("nothing was lost"), "{code} {shown}");
        let (shown, code) = run(&cli, "repl a.db", &[(question, "correct horse"), ("> ", "get k"), ("> ", "exit")]);
        assert!(code == 0 && !shown.contains("horse"), "{code} {shown}");
    }

    #[test]
    fn a_new_passphrase_is_asked_for_twice() {
        let cli = Cli::native();
        cli.write("key", KEY);
        cli.ok(&["set", "a.db", "k", "1", "--key-file", "key"]);
        let (first, again) = ("New passphrase: ", "New passphrase again: ");
        let changing = "change-key a.db --key-file key --argon2 64,1";
        let (shown, code) = run(&cli, changing, &[(first, "correct horse"), (again, "correct hose")]);
        assert!(code == 4 && shown.contains("differ") && !shown.contains("correct"), "{code} {shown}");
        let (shown, code) = run(&cli, changing, &[(first, "")]);
        assert!(code == 4 && shown.contains("empty"), "{code} {shown}");
        assert_eq!(cli.ok(&["get", "a.db", "k", "--key-file", "key"]), "1\n");
        let (shown, code) = run(&cli, changing, &[(first, "correct horse"), (again, "correct horse")]);
        assert!(code == 0 && !shown.contains("correct"), "{code} {shown}");
        cli.write("pass", "correct horse");
        assert_eq!(cli.ok(&["get", "a.db", "k", "--passphrase-file", "pass"]), "1\n");
        cli.run(&["get", "a.db", "k", "--key-file", "key"]).fails(3);
    }
}
