//! `repl`, as a script and in conversation.

use crate::harness::Cli;

#[test]
fn a_script_has_answers_but_no_prompts() {
    let cli = Cli::new();
    let script = r#"
# people
SET user:1 {"name": "alice", "age": 31}
set "user 2" {"name": "bob", "age": 17} --ttl 3600
Get user:1
GET "user 2"
GET nope
COUNT
KEYS --prefix user:
SCAN --gt user
INDEX age
INDEX LIST
FIND age 31
FIND age --lt 18
FIND name "bob"
TTL user:1
DELETE nope
DELETE user:1
COUNT
"#;
    let answers = concat!(
        "OK\nOK\n",
        "{\"name\": \"alice\", \"age\": 31}\n",
        "{\"name\": \"bob\", \"age\": 17}\n",
        "(none)\n",
        "2\n",
        "user:1\n",
        "user 2\t{\"name\": \"bob\", \"age\": 17}\n",
        "user:1\t{\"name\": \"alice\", \"age\": 31}\n",
        "OK\nage\n",
        "user:1\n",
        "user 2\n",
        "user 2\n",
        "forever\n",
        "(none)\nOK\n1\n",
    );
    assert_eq!(cli.run_with(&["repl", "a.db"], script).ok(), answers);
    assert_eq!(cli.ok(&["keys", "a.db"]), "user 2\n");
}

#[test]
fn a_script_goes_on_after_an_error_and_tells_at_the_end() {
    let cli = Cli::new();
    let script = "SET a 1\nSET b hello\nNONSENSE\nSET c {\"x\": \nGET\nSET d 2\nEXIT\nSET e 3\n";
    let run = cli.run_with(&["repl", "a.db"], script);
    assert_eq!(run.stdout, "OK\nOK\n");
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    for (line, part) in lines.iter().zip(["line 2", "line 3", "line 4", "line 5"]) {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(run.code, 4);
    assert_eq!(cli.ok(&["keys", "a.db"]), "a\nd\n");
}

#[test]
fn json_answers_every_line() {
    let cli = Cli::new();
    let script = "SET a 1\nGET a\nGET b\nDELETE b\nINDEX x\nINDEX DROP y\nCOUNT\nTTL a\n";
    let answers = concat!(
        "{\"version\":1}\n",
        "{\"key\":\"a\",\"value\":1,\"version\":1}\n",
        "{\"key\":\"b\"}\n",
        "{\"deleted\":0}\n",
        "{\"created\":true,\"path\":\"x\"}\n",
        "{\"dropped\":false,\"path\":\"y\"}\n",
        "{\"count\":1}\n",
        "{\"key\":\"a\",\"ttl\":null}\n",
    );
    assert_eq!(cli.run_with(&["repl", "a.db", "--json"], script).ok(), answers);
}

#[test]
fn answers_come_while_the_conversation_goes_on() {
    let cli = Cli::new();
    let mut talk = cli.talk(&["repl", "a.db"]);
    assert_eq!(talk.ask("SET a 1"), "OK");
    assert_eq!(talk.ask("GET a"), "1");
    assert_eq!(talk.ask("COUNT"), "1");
    assert_eq!(talk.end().ok(), "");
}

#[test]
fn options_of_the_program_are_not_options_of_a_line() {
    let cli = Cli::new();
    let run = cli.run_with(&["repl", "a.db"], "SET a 1 --durability never\nGET a --json\nLOAD x\nSET a -\n");
    assert_eq!(run.stderr.lines().count(), 4);
    run.fails(2);
    assert_eq!(cli.ok(&["count", "a.db"]), "0\n");
}

#[test]
fn a_read_only_repl_refuses_writes() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "a", "1"]);
    let run = cli.run_with(&["repl", "--read-only", "a.db"], "GET a\nSET a 2\n");
    assert_eq!(run.stdout, "1\n");
    run.fails_with(3, &["ReadOnly", "line 2"]);
    assert_eq!(cli.ok(&["get", "a.db", "a"]), "1\n");
    cli.run(&["repl", "--read-only", "b.db"]).fails_with(3, &["NotFound"]);
}

#[test]
fn help_and_figures_are_there() {
    let cli = Cli::new();
    let printed = cli.run_with(&["repl", "a.db"], "HELP\nSTATS\nCHECK\nCOMPACT\nQUIT\n").ok();
    for word in ["SET KEY JSON", "STATS", "FIND", "flushes to disk", "no damage found"] {
        assert!(printed.contains(word), "no {word} in {printed}");
    }
}
