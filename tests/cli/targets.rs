//! Files that verbs write: a verb never writes over its own files, and replaces others only with `--force`.

use crate::harness::{Cli, Host};
use std::fs;
use std::path::Path;
#[cfg(unix)]
use std::{
    io::Read,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    process::Stdio,
    thread,
};

const KEY: [u8; 32] = *b"0123456789abcdefghijklmnopqrstuv";
const FERRUMDB_KEY: &[u8] = b"my_super_secret_key_32_bytes_!!?";
const BYTES: &[u8] = b"bytes of a note";

/// An encrypted database with a document and with bytes, its key, and its other names.
fn with_database() -> Cli {
    let cli = Cli::new();
    cli.write("key", KEY);
    cli.write("note", BYTES);
    cli.ok(&["set", "a.db", "keep", "{\"n\":1}", "--key-file", "key"]);
    cli.ok(&["set-file", "a.db", "note", "note", "--key-file", "key"]);
    fs::create_dir(cli.path("sub")).unwrap();
    fs::hard_link(cli.path("a.db"), cli.path("hard")).unwrap();
    fs::hard_link(cli.path("key"), cli.path("hard key")).unwrap();
    #[cfg(unix)]
    symlink("../a.db", cli.path("sub/link")).unwrap();
    cli
}

/// The names of the directory's files, in order.
fn names(cli: &Cli) -> Vec<String> {
    let entries = fs::read_dir(cli.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = entries.collect();
    names.sort();
    names
}

/// The verbs that write a file, with the options that they need; the file's name comes last.
fn writers() -> [Vec<&'static str>; 4] {
    let key = ["--key-file", "key"].as_slice();
    let with = |words: &[&'static str]| [key, words].concat();
    [
        with(&["get-file", "a.db", "note"]),
        with(&["export", "a.db"]),
        with(&["salvage", "a.db"]),
        with(&["import", "a.db"]),
    ]
}

#[test]
fn a_verb_never_writes_over_its_own_files() {
    let cli = with_database();
    let own = if cfg!(unix) {
        ["a.db", "./a.db", "sub/../a.db", "hard", "sub/link", "a.db.lock", "key", "hard key"].as_slice()
    } else {
        &["a.db", "./a.db", "hard", "a.db.lock", "key", "hard key"]
    };
    let before = (cli.read("a.db"), names(&cli));
    for verb in writers() {
        for target in own {
            for force in [&[][..], &["--force"]] {
                let run = cli.run(&[&verb, &[*target][..], force].concat());
                run.fails_with(2, &["InvalidOptions", target]);
                assert!(cli.read("a.db") == before.0 && cli.read("key") == KEY, "{verb:?} {target}");
                assert_eq!(names(&cli), before.1, "{verb:?} {target}");
            }
        }
    }
    let script = "GET-FILE note a.db\nGET-FILE note hard --force\nGET-FILE note key --force\nSET later 2\n";
    cli.run_with(&["repl", "a.db", "--key-file", "key"], script).fails_with(2, &["line 1", "line 2", "line 3"]);
    assert_eq!(cli.ok(&["get", "a.db", "keep", "later", "--key-file", "key"]), "keep\t{\"n\":1}\nlater\t2\n");
    assert_eq!(cli.read("key"), KEY);
}

#[test]
fn an_import_of_another_store_spares_its_source_and_keys() {
    let cli = Cli::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ferrumdb/ferrumdb-0.2.1-enc.db");
    let source = fs::read(source).unwrap();
    cli.write("old.db", &source);
    cli.write("old.key", FERRUMDB_KEY);
    cli.write("key", KEY);
    for target in ["old.db", "old.key", "key"] {
        let keys = ["--source-key-file", "old.key", "--key-file", "key", "--force"];
        let run = cli.run(&[&["import-ferrumdb", "old.db", target], &keys[..]].concat());
        run.fails_with(2, &["InvalidOptions", target]);
    }
    assert!(cli.read("old.db") == source && cli.read("old.key") == FERRUMDB_KEY && cli.read("key") == KEY);
}

#[test]
fn another_file_is_replaced_only_with_force() {
    let cli = with_database();
    for verb in writers() {
        cli.write("mine", "mine");
        cli.run(&[&verb, &["mine"][..]].concat()).fails_with(2, &["InvalidOptions", "mine", "--force"]);
        assert_eq!(cli.read("mine"), b"mine");
        let before = names(&cli);
        assert_eq!(cli.run(&[&verb, &["mine", "--force"][..]].concat()).code, 0, "{verb:?}");
        assert_ne!(cli.read("mine"), b"mine");
        assert_eq!(names(&cli), before, "nothing is left beside it");
        cli.ok(&[&verb, &["new", "--force"][..]].concat());
        fs::remove_file(cli.path("new")).unwrap();
        cli.run(&[&verb, &["sub"][..]].concat()).fails_with(2, &["sub", "directory"]);
        cli.run(&[&verb, &["none/new"][..]].concat()).fails_with(3, &["NotFound", "none/new", "directory"]);
    }
}

/// A file keeps its content until the new content is complete.
#[test]
fn a_failure_leaves_the_file_as_it_was() {
    let cli = with_database();
    cli.write("mine", "mine");
    cli.write("foreign", "no database");
    let before = names(&cli);
    cli.run(&["import", "foreign", "mine", "--force"]).fails_with(3, &["NotADatabase"]);
    cli.run(&["salvage", "foreign", "mine", "--force"]).fails_with(3, &["NotADatabase"]);
    cli.run(&["import-ferrumdb", "foreign", "mine", "--force"]).fails_with(3, &["NotADatabase"]);
    cli.run(&["import", "a.db", "mine", "--force"]).fails_with(3, &["KeyRequired"]);
    cli.run(&["get-file", "a.db", "none", "mine", "--force", "--key-file", "key"]).fails_with(1, &["none"]);
    cli.run(&["get-file", "a.db", "keep", "mine", "--force", "--key-file", "key"]).fails_with(4, &["InvalidValue"]);
    assert_eq!(cli.read("mine"), b"mine");
    assert_eq!(names(&cli), before);
}

#[test]
fn bytes_are_not_stored_from_the_database_itself() {
    let cli = with_database();
    for source in ["a.db", "hard"] {
        cli.run(&["set-file", "a.db", "x", source, "--key-file", "key"]).fails_with(2, &["InvalidOptions", source]);
    }
}

#[test]
#[cfg(unix)]
fn a_link_is_replaced_and_its_file_is_not() {
    let cli = with_database();
    cli.write("mine", "mine");
    symlink("mine", cli.path("link")).unwrap();
    symlink("nowhere", cli.path("dangling")).unwrap();
    for link in ["link", "dangling"] {
        let verb = ["get-file", "a.db", "note", link, "--key-file", "key"];
        cli.run(&verb).fails_with(2, &["InvalidOptions", link]);
        cli.ok(&[&verb[..], &["--force"]].concat());
        assert_eq!(cli.read(link), BYTES);
        assert!(fs::symlink_metadata(cli.path(link)).unwrap().is_file());
    }
    assert_eq!(cli.read("mine"), b"mine");
    assert!(!cli.path("nowhere").exists());
}

#[test]
#[cfg(unix)]
fn pipes_and_devices_are_written_as_they_are() {
    let cli = with_database();
    let verb = |target| ["get-file", "a.db", "note", target, "--key-file", "key"];
    assert_eq!(cli.ok(&verb("-")).as_bytes(), BYTES);
    // wasmtime writes to no named pipe, and has no devices.
    if Host::of_environment() != Host::Native {
        return;
    }
    let pipe = cli.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn(move || {
        let mut bytes = Vec::new();
        fs::File::open(pipe).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    });
    cli.ok(&verb("pipe"));
    assert_eq!(reader.join().unwrap(), BYTES);
    cli.ok(&verb("/dev/null"));
    assert_eq!(cli.ok(&verb("/dev/stdout")).as_bytes(), BYTES);
    // Appended: what the file had before stays.
    cli.write("log", "before ");
    let log = fs::OpenOptions::new().append(true).open(cli.path("log")).unwrap();
    let status = cli.command(&verb("/dev/stdout"), &[]).stdout(log).status().unwrap();
    assert!(status.success());
    assert_eq!(cli.read("log"), [b"before ", BYTES].concat());
    cli.ok(&["export", "a.db", "/dev/null", "--key-file", "key"]);
    cli.run(&["export", "a.db", "/dev/full", "--key-file", "key"]).fails_with(3, &["StorageFull", "/dev/full"]);
    for verb in ["salvage", "import"] {
        cli.run(&[verb, "a.db", "/dev/null", "--key-file", "key"]).fails_with(2, &["/dev/null"]);
    }
}

/// Output that the shell redirects to the database is not written there.
#[test]
#[cfg(unix)]
fn output_does_not_go_into_the_database() {
    let cli = Cli::native();
    cli.ok(&["set", "a.db", "keep", "1"]);
    let before = cli.read("a.db");
    for verb in [["scan", "a.db"].as_slice(), &["dump", "a.db"], &["export", "a.db", "-"], &["repl", "a.db"]] {
        let file = fs::OpenOptions::new().append(true).open(cli.path("a.db")).unwrap();
        let output = cli.command(verb, &[]).stdin(Stdio::null()).stdout(file).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{verb:?} {output:?}");
        assert!(cli.read("a.db") == before, "{verb:?}");
    }
}

#[test]
#[cfg(unix)]
fn a_database_in_use_is_not_replaced() {
    let cli = Cli::native();
    cli.ok(&["set", "a.db", "k", "1"]);
    cli.ok(&["set", "b.db", "k", "2"]);
    let mut talk = cli.talk(&["repl", "b.db"]);
    assert_eq!(talk.ask("COUNT"), "1");
    cli.run(&["export", "a.db", "b.db", "--force"]).fails_with(3, &["Locked", "b.db"]);
    cli.run(&["import", "a.db", "b.db", "--force"]).fails_with(3, &["Locked", "b.db"]);
    assert_eq!(talk.ask("GET k"), "2");
    talk.end().ok();
    // As Node's lock says.
    cli.write("b.db.lock", "{}");
    cli.run(&["export", "a.db", "b.db", "--force"]).fails_with(3, &["Locked", "b.db.lock"]);
    fs::remove_file(cli.path("b.db.lock")).unwrap();
    cli.ok(&["export", "a.db", "b.db", "--force"]);
    assert_eq!(cli.ok(&["get", "b.db", "k"]), "1\n");
}

#[test]
#[cfg(unix)]
fn a_replaced_file_keeps_its_permissions() {
    let cli = with_database();
    cli.write("mine", "mine");
    fs::set_permissions(cli.path("mine"), fs::Permissions::from_mode(0o600)).unwrap();
    cli.ok(&["get-file", "a.db", "note", "mine", "--force", "--key-file", "key"]);
    if Host::of_environment() == Host::Native {
        assert_eq!(fs::metadata(cli.path("mine")).unwrap().mode() & 0o777, 0o600);
    }
}
