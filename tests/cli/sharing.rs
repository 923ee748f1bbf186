//! Two programs and one file.

use crate::harness::{Cli, Host};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_file_in_use_is_locked() {
    let cli = Cli::native();
    let mut writer = cli.talk(&["repl", "a.db"]);
    assert_eq!(writer.ask("SET a 1"), "OK");
    for arguments in
        [["get", "a.db", "a"].as_slice(), &["set", "a.db", "a", "2"], &["dump", "a.db"], &["check", "a.db"]]
    {
        cli.run(arguments).fails_with(3, &["Locked", "a.db", "close"]);
    }
    assert_eq!(writer.ask("GET a"), "1");
    assert_eq!(writer.end().code, 0);
    assert_eq!(cli.ok(&["get", "a.db", "a"]), "1\n");
}

#[test]
fn a_file_in_use_is_waited_for() {
    let cli = Cli::native();
    let mut writer = cli.talk(&["repl", "a.db"]);
    assert_eq!(writer.ask("SET a 1"), "OK");
    let start = Instant::now();
    cli.run(&["get", "a.db", "a", "--lock-timeout", "300"]).fails_with(3, &["Locked", "a.db"]);
    assert!(start.elapsed() >= Duration::from_millis(300));
    let value = thread::scope(|scope| {
        let waiting = scope.spawn(|| cli.ok(&["get", "a.db", "a", "--lock-timeout", "60000"]));
        thread::sleep(Duration::from_millis(200));
        assert_eq!(writer.end().code, 0);
        waiting.join().unwrap()
    });
    assert_eq!(value, "1\n");
    cli.run(&["get", "a.db", "a", "--lock-timeout", "soon"]).fails_with(2, &["soon"]);
}

#[test]
fn many_may_read() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "1"]);
    let mut reader = cli.talk(&["repl", "a.db", "--read-only"]);
    assert_eq!(reader.ask("GET a"), "1");
    assert_eq!(cli.ok(&["get", "a.db", "a"]), "1\n");
    assert_eq!(reader.end().code, 0);
}

#[test]
#[ignore = "needs FERROLITE_WASM and wasmtime; `make test` runs it"]
fn two_writers_without_locks_find_each_other() {
    let cli = Cli::new();
    assert_ne!(Host::of_environment(), Host::Native, "set FERROLITE_WASM");
    let mut first = cli.talk(&["repl", "a.db"]);
    assert_eq!(first.ask("SET first 1"), "OK");
    let mut second = cli.talk(&["repl", "a.db"]);
    assert_eq!(second.ask("GET first"), "1");
    assert_eq!(second.ask("SET second 2"), "OK");
    // The one that was there first is told before it writes, and takes no more writes.
    for n in 0..5 {
        first.send(&format!("SET lost:{n} {n}"));
    }
    for n in 0..50 {
        assert_eq!(second.ask(&format!("SET more:{n:02} {n}")), "OK");
    }
    let run = first.end();
    let refusals: Vec<_> = run.stderr.lines().collect();
    assert!(refusals.len() == 5 && refusals.iter().all(|refusal| refusal.contains("Locked")), "{run:?}");
    run.fails(3);
    assert_eq!(second.ask("COUNT"), "52");
    second.end().ok();
    assert!(cli.ok(&["check", "a.db"]).contains("no damage found"));
    assert_eq!(cli.ok(&["count", "a.db"]), "52\n");
    assert_eq!(cli.ok(&["keys", "a.db", "--prefix", "lost"]), "");
}

#[test]
#[ignore = "needs FERROLITE_WASM and wasmtime; `make test` runs it"]
fn a_file_moves_between_native_and_wasi() {
    let wasi = Cli::new();
    assert_ne!(Host::of_environment(), Host::Native, "set FERROLITE_WASM");
    let native = wasi.beside(Host::Native);
    let lines: String = (0..1000).map(|n| format!("{{\"key\":\"{n:04}\",\"value\":{{\"n\":{n}}}}}\n")).collect();
    native.run_with(&["load", "a.db"], &lines).ok();
    wasi.ok(&["index", "a.db", "create", "n"]);
    assert!(wasi.ok(&["dump", "a.db", "--plain"]) == lines + "{\"index\":\"n\"}\n");
    assert_eq!(native.ok(&["find", "a.db", "n", "--gte", "998"]), "0998\n0999\n");
    native.ok(&["delete", "a.db", "0999"]);
    assert_eq!(wasi.ok(&["find", "a.db", "n", "--gte", "998"]), "0998\n");
    for cli in [&native, &wasi] {
        assert!(cli.ok(&["check", "a.db"]).contains("no damage found"));
    }
}
