//! `import-ferrumdb`.

use crate::harness::Cli;
use std::fs;
use std::path::Path;

const KEY: &str = "my_super_secret_key_32_bytes_!!?";

/// The program beside a file that FerrumDB has written, as `old.db`.
fn with_file(name: &str) -> (Cli, Vec<u8>) {
    let cli = Cli::new();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ferrumdb").join(name);
    let bytes = fs::read(path).unwrap();
    cli.write("old.db", &bytes);
    (cli, bytes)
}

#[test]
fn all_its_documents_are_taken_over() {
    for name in ["ferrumdb-0.1.4-plain.db", "ferrumdb-0.2.1-plain.db"] {
        let (cli, before) = with_file(name);
        let told = cli.ok(&["import-ferrumdb", "old.db", "new.db"]);
        let count = cli.ok(&["count", "new.db"]);
        assert!(told.contains(&format!("documents         {count}")) && count != "0\n", "{told}");
        assert_eq!(
            cli.ok(&["get", "new.db", "user:1"]),
            "{\"name\":\"alice\",\"nested\":{\"a\":[1,2.5,null,true]},\"role\":\"admin\",\"score\":99}\n"
        );
        cli.ok(&["check", "new.db"]);
        assert_eq!(cli.read("old.db"), before);
        let json = cli.ok(&["--json", "import-ferrumdb", "old.db", "other.db"]);
        assert!(json.contains(r#""skipped":[],"tornBytes":0}"#), "{json}");
    }
}

#[test]
fn encrypted_files_are_read_and_written() {
    let (cli, before) = with_file("ferrumdb-0.2.1-enc.db");
    cli.write("old.key", KEY);
    cli.write("wrong.key", [7; 32]);
    cli.write("short.key", "short");
    cli.write("hex.key", KEY.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    cli.run(&["import-ferrumdb", "old.db", "new.db"]).fails_with(3, &["NotADatabase", "old.db", "key"]);
    let wrong = ["import-ferrumdb", "old.db", "new.db", "--source-key-file", "wrong.key"];
    cli.run(&wrong).fails_with(3, &["WrongKey", "old.db"]);
    let short = ["import-ferrumdb", "old.db", "new.db", "--source-key-file", "short.key"];
    cli.run(&short).fails_with(4, &["short.key"]);
    assert!(!cli.path("new.db").exists(), "what fails leaves nothing");
    cli.ok(&["import-ferrumdb", "old.db", "new.db", "--source-key-file", "hex.key"]);
    let scan = cli.ok(&["scan", "new.db"]);
    assert!(scan.contains("user:1"), "{scan}");
    cli.ok(&["import-ferrumdb", "old.db", "sealed.db", "--source-key-file", "old.key", "--key-file", "wrong.key"]);
    cli.run(&["scan", "sealed.db"]).fails_with(3, &["KeyRequired"]);
    assert_eq!(cli.ok(&["scan", "sealed.db", "--key-file", "wrong.key"]), scan);
    assert_eq!(cli.read("old.db"), before);
}

#[test]
fn the_new_file_must_not_be_there() {
    let (cli, before) = with_file("ferrumdb-0.2.1-plain.db");
    cli.ok(&["set", "new.db", "k", "1"]);
    let there = cli.read("new.db");
    for new in ["new.db", "old.db", "./old.db"] {
        cli.run(&["import-ferrumdb", "old.db", new]).fails_with(2, &["InvalidOptions", new, "another"]);
    }
    assert_eq!((cli.read("old.db"), cli.read("new.db")), (before, there));
    cli.run(&["import-ferrumdb", "old.db", "dir/new.db"]).fails_with(3, &["NotFound", "dir/new.db"]);
    cli.run(&["import-ferrumdb", "nope.db", "other.db"]).fails_with(4, &["NotFound", "nope.db"]);
    cli.run(&["import-ferrumdb", "old.db"]).fails_with(2, &["FILE NEW"]);
    assert!(!cli.path("other.db").exists());
}

#[test]
fn a_torn_end_is_told_and_damage_is_an_error() {
    let (cli, before) = with_file("ferrumdb-0.2.1-plain.db");
    cli.write("old.db", &before[..before.len() - 3]);
    let told = cli.ok(&["import-ferrumdb", "old.db", "torn.db"]);
    assert!(told.contains("torn end"), "{told}");
    // A letter of the second document, so that the first record is whole.
    let mut damaged = before.clone();
    let letter = damaged.windows(3).position(|part| part == b"bob").unwrap();
    damaged[letter] ^= 0xff;
    cli.write("old.db", &damaged);
    cli.run(&["import-ferrumdb", "old.db", "new.db"]).fails_with(5, &["Corrupt", "old.db", "offset"]);
    cli.write("old.db", "something else, and long enough to be a record of it");
    cli.run(&["import-ferrumdb", "old.db", "new.db"]).fails_with(3, &["NotADatabase", "old.db"]);
    assert!(!cli.path("new.db").exists(), "what fails leaves nothing");
}

/// A record of version 1: its length, and the operation as JSON.
fn record(json: &str) -> Vec<u8> {
    [&(json.len() as u64).to_le_bytes()[..], json.as_bytes()].concat()
}

#[test]
fn what_is_left_out_is_told() {
    let cli = Cli::new();
    let set = |key: &str| record(&format!(r#"{{"Set":{{"key":"{key}","value":1,"expiry":null}}}}"#));
    cli.write("old.db", [set("a"), set("")].concat());
    let run = cli.run(&["import-ferrumdb", "old.db", "new.db"]);
    assert_eq!((run.code, run.stderr.as_str()), (4, ""), "{run:?}");
    assert!(run.stdout.contains("left out: ") && run.stdout.contains("left out          1"), "{run:?}");
    assert_eq!(cli.ok(&["scan", "new.db"]), "a\t1\n");
    let run = cli.run(&["--json", "import-ferrumdb", "old.db", "other.db"]);
    assert!(run.code == 4 && run.stdout.contains(r#""documents":1,"skipped":[""#), "{run:?}");
}
