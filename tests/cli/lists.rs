//! `push`, `pop`, `elements`, `length` and `trim`.

use crate::harness::Cli;

#[test]
fn lists_are_changed_at_their_ends() {
    let cli = Cli::new();
    assert_eq!(cli.ok(&["push", "a.db", "l", "right", "1", r#"{"a": 2}"#]), "2\n");
    assert_eq!(cli.ok(&["push", "a.db", "l", "left", r#""x""#, "null", "--json"]), "{\"length\":4}\n");
    assert_eq!(cli.ok(&["get", "a.db", "l"]), "[null,\"x\",1,{\"a\": 2}]\n");
    assert_eq!(cli.ok(&["elements", "a.db", "l"]), "null\n\"x\"\n1\n{\"a\": 2}\n");
    assert_eq!(cli.ok(&["elements", "a.db", "l", "-2", "-1", "--json"]), "{\"value\":1}\n{\"value\":{\"a\": 2}}\n");
    assert_eq!(cli.ok(&["pop", "a.db", "l", "right"]), "{\"a\": 2}\n");
    assert_eq!(cli.ok(&["pop", "a.db", "l", "left", "--json"]), "{\"value\":null}\n");
    assert_eq!(cli.ok(&["length", "a.db", "l"]), "2\n");
    assert_eq!(cli.ok(&["dump", "a.db", "--plain"]), "{\"key\":\"l\",\"value\":[\"x\",1]}\n");
    assert_eq!(cli.ok(&["trim", "a.db", "l", "1", "-1"]), "1\n");
    assert_eq!(cli.ok(&["trim", "a.db", "l", "5", "9"]), "0\n");
    cli.run(&["get", "a.db", "l"]).fails(1);
    cli.run(&["pop", "a.db", "l", "left"]).fails_with(1, &[r#""l""#]);
    assert_eq!(cli.ok(&["elements", "a.db", "l"]), "");
    assert!(cli.ok(&["check", "a.db"]).contains("no damage found"));
}

#[test]
fn what_is_no_list_is_refused() {
    let cli = Cli::new();
    cli.run(&["pop", "a.db", "l", "left"]).fails_with(3, &["NotFound"]);
    cli.ok(&["set", "a.db", "k", "1"]);
    for verb in
        [&["push", "a.db", "k", "left", "1"][..], &["pop", "a.db", "k", "left"], &["trim", "a.db", "k", "0", "1"]]
    {
        cli.run(verb).fails_with(4, &["InvalidValue", "array"]);
    }
    cli.run(&["push", "a.db", "l", "left", "text"]).fails_with(4, &["InvalidValue", "quotes"]);
    cli.run(&["push", "a.db", "l", "middle", "1"]).fails_with(2, &["left", "middle"]);
    cli.run(&["trim", "a.db", "l", "x", "1"]).fails_with(2, &["x"]);
    cli.run(&["push", "a.db", "l", "left"]).fails_with(2, &["KEY"]);
    assert_eq!(cli.ok(&["count", "a.db"]), "1\n");
}
