//! A standard error that cannot be written changes no answer and no exit code.

use crate::harness::Cli;
use std::fs::OpenOptions;
use std::io;
use std::process::Stdio;

/// A standard error that fails: its reader is gone, or its device is full.
fn broken(kind: &str) -> Stdio {
    match kind {
        "closed pipe" => io::pipe().unwrap().1.into(),
        _ => OpenOptions::new().write(true).open("/dev/full").unwrap().into(),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_broken_standard_error_changes_nothing() {
    let cli = Cli::new();
    let lines: String = (0..10).map(|n| format!("{{\"key\":\"{n}\",\"value\":{n}}}\n")).collect();
    cli.run_with(&["load", "a.db"], lines).ok();
    cli.write("script", "SET first 1\nNONSENSE\nSET second 2\n");
    let damaged = {
        let mut bytes = cli.read("a.db");
        let end = bytes.len() - 1;
        bytes.truncate(end / 2);
        bytes
    };
    cli.write("cut.db", damaged);
    for kind in ["closed pipe", "full device"] {
        for (arguments, code) in [
            (["get", "a.db", "no"].as_slice(), 1),
            (&["nonsense"], 2),
            (&["set", "a.db", "k", "x"], 4),
            (&["get", "none.db", "k"], 3),
            (&["query", "a.db", r#"{"limit":1,"where":{}}"#], 0),
            (&["delete", "a.db", "no"], 1),
            (&["swap", "a.db", "0", "5", "6"], 1),
            (&["load", "a.db", "none"], 4),
            (&["get", "a.db", "k", "--json", "--limit", "x"], 2),
            (&["check", "cut.db", "--allow-damage"], 5),
        ] {
            let mut command = cli.command(arguments, &[]);
            let output = command.stdin(Stdio::null()).stderr(broken(kind)).output().unwrap();
            assert_eq!(output.status.code(), Some(code), "{kind}: {arguments:?}");
        }
        let script = std::fs::File::open(cli.path("script")).unwrap();
        let mut command = cli.command(&["repl", "a.db"], &[]);
        let status = command.stdin(script).stdout(Stdio::null()).stderr(broken(kind)).status().unwrap();
        assert_eq!(status.code(), Some(2), "{kind}");
        assert_eq!(cli.ok(&["get", "a.db", "second"]), "2\n");
        cli.ok(&["delete", "a.db", "second"]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_standard_output_is_an_error() {
    let cli = Cli::new();
    cli.write("bytes", "bytes");
    cli.ok(&["set-file", "a.db", "b", "bytes"]);
    for verb in
        [["keys", "a.db"].as_slice(), &["dump", "a.db"], &["get-file", "a.db", "b", "-"], &["export", "a.db", "-"]]
    {
        let mut command = cli.command(verb, &[]);
        let output = command.stdin(Stdio::null()).stdout(broken("full device")).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{verb:?}: {output:?}");
    }
}
