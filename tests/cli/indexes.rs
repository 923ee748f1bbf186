//! `index` and `find`.

use crate::harness::Cli;

fn with_people() -> Cli {
    let cli = Cli::new();
    let people = [
        (1, r#"{"role":"admin","age":31,"address":{"city":"Ulm"}}"#),
        (2, r#"{"role":"user","age":17,"address":{"city":"Ulm"}}"#),
        (3, r#"{"role":"user","age":65.5,"address":{"city":"Bonn"}}"#),
        (4, r#"{"role":null,"age":"old"}"#),
    ];
    let lines = people.map(|(n, json)| format!("{{\"key\":\"user:{n}\",\"value\":{json}}}\n"));
    cli.run_with(&["load", "a.db"], lines.concat()).ok();
    cli
}

#[test]
fn indexes_are_created_listed_and_dropped() {
    let cli = with_people();
    assert_eq!(cli.ok(&["index", "a.db"]), "");
    assert_eq!(cli.ok(&["index", "a.db", "create", "address.city"]), "");
    assert_eq!(cli.ok(&["index", "a.db", "create", "role", "--json"]), "{\"created\":true,\"path\":\"role\"}\n");
    assert_eq!(cli.ok(&["index", "a.db", "create", "role", "--json"]), "{\"created\":false,\"path\":\"role\"}\n");
    assert_eq!(cli.ok(&["index", "a.db", "list"]), "address.city\nrole\n");
    assert_eq!(cli.ok(&["index", "a.db", "drop", "role"]), "");
    cli.run(&["index", "a.db", "drop", "role"]).fails_with(1, &["role"]);
    assert_eq!(cli.ok(&["index", "--json", "a.db"]), "{\"path\":\"address.city\",\"ready\":true}\n");
    cli.run(&["index", "a.db", "create", "a..b"]).fails_with(4, &["InvalidPath"]);
    cli.run(&["index", "a.db", "role"]).fails(2);
    cli.run(&["index", "a.db", "create"]).fails(2);
}

#[test]
fn find_gives_the_same_with_and_without_an_index() {
    let cli = with_people();
    let check = || {
        let find = |arguments: &[&str]| cli.ok(&[&["find", "a.db"], arguments].concat()).replace('\n', " ");
        assert_eq!(find(&["role", r#""user""#]), "user:2 user:3 ");
        assert_eq!(find(&["role", "null"]), "user:4 ");
        assert_eq!(find(&["address.city", r#""Ulm""#]), "user:1 user:2 ");
        assert_eq!(find(&["age", "--gte", "18", "--lt", "65.5"]), "user:1 ");
        assert_eq!(find(&["age", "--gt", "-5", "--reverse"]), "user:3 user:1 user:2 ");
        assert_eq!(find(&["age", "--gt", "-5", "--limit", "1"]), "user:2 ");
        assert_eq!(find(&["age", "-5"]), "");
        assert_eq!(find(&["age", "31.0"]), "user:1 ");
        // Standard error says why.
        assert_eq!(cli.run(&["find", "a.db", "nope", "1"]).stdout, "");
    };
    check();
    for path in ["role", "age", "address.city"] {
        cli.ok(&["index", "a.db", "create", path]);
    }
    check();
    assert_eq!(cli.ok(&["find", "a.db", "role", r#""admin""#, "--json"]), "\"user:1\"\n");
}

#[test]
fn conditions_must_make_sense() {
    let cli = with_people();
    cli.run(&["find", "a.db", "age", "--gte", "1", "--lt", r#""x""#]).fails_with(4, &["InvalidCondition"]);
    cli.run(&["find", "a.db", "role", "admin"]).fails_with(4, &["InvalidCondition", "quotes"]);
    cli.run(&["find", "a.db", "role"]).fails(2);
    cli.run(&["find", "a.db", "role", "1", "--gt", "1"]).fails(2);
    cli.run(&["find", "a.db", "", "1"]).fails_with(4, &["InvalidPath"]);
}

#[test]
fn indexes_are_on_several_paths_unique_or_multi() {
    let cli = with_people();
    cli.ok(&["index", "a.db", "create", "role", "age", "--unique"]);
    cli.ok(&["index", "a.db", "create", "--multi", "tags"]);
    assert_eq!(cli.ok(&["index", "a.db"]), "role, age\t(unique)\ntags\t(multi)\n");
    let refused = cli.run(&["set", "a.db", "user:5", r#"{"role":"user","age":17}"#]);
    refused.fails_with(4, &["UniqueViolation", "user:2", "user:5"]);
    cli.run(&["index", "a.db", "create", "address.city", "--unique"]).fails_with(4, &["user:1", "user:2"]);
    cli.run(&["index", "a.db", "create", "role", "age"]).fails_with(2, &["unique"]);
    cli.ok(&["index", "a.db", "drop", "role", "age"]);
    assert_eq!(cli.ok(&["index", "a.db", "--json"]), "{\"path\":\"tags\",\"multi\":true,\"ready\":true}\n");
}

#[test]
fn queries_are_json() {
    let cli = with_people();
    let adults = r#"{"where": {"age": {"gte": 18}}, "orderBy": "age", "select": ["role"]}"#;
    assert_eq!(cli.ok(&["query", "a.db", adults]), "user:1\t{\"role\":\"admin\"}\nuser:3\t{\"role\":\"user\"}\n");
    cli.ok(&["index", "a.db", "create", "age"]);
    let explained = cli.ok(&["explain", "a.db", r#"{"where": {"age": 17}}"#]);
    assert!(explained.starts_with("index on age: 1 ranges (= 17), order by index, 1 entries"), "{explained}");
    let explained = cli.ok(&["explain", "a.db", r#"{"where": {"role": "user"}}"#, "--json"]);
    assert!(explained.contains(r#""index":null"#) && explained.contains(r#""rowsReturned":2"#), "{explained}");
    cli.run(&["query", "a.db", r#"{"where": {"age": {"gte": 18, "x": 1}}}"#])
        .fails_with(4, &["InvalidCondition", "age"]);
    cli.run(&["query", "a.db", "{"]).fails_with(2, &["not understood"]);
    let out = cli.run_with(&["repl", "a.db"], "QUERY {\"where\": {\"role\": \"admin\"}}\n");
    out.ok();
}

#[test]
fn help_explains_the_query_language() {
    let cli = with_people();
    let help = cli.ok(&["help", "query"]);
    for word in ["where", "orderBy", "startsWith", "between", "exists", "\".or\": 1", "{\"eq\": {\"city\": \"Oslo\"}}"]
    {
        assert!(help.contains(word), "{word}: {help}");
    }
    assert!(cli.ok(&["help", "explain"]).contains("startsWith"));
}

#[test]
fn a_query_that_finds_nothing_says_why() {
    let cli = with_people();
    let notes = |args: &[&str]| {
        let run = cli.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""));
        run.stderr
    };
    assert!(
        notes(&["query", "a.db", r#"{"where": {"role": {"gt": 3}}}"#]).contains("note: the filter asks for a number")
    );
    assert!(notes(&["find", "a.db", "role", "--gt", "3"]).contains("note: the filter asks for a number at \"role\""));
    assert!(notes(&["query", "a.db", r#"{"where": {"aeg": 3}}"#]).contains("note: no document has a value at \"aeg\""));
    let explained = cli.ok(&["explain", "a.db", r#"{"orderBy": "aeg"}"#]);
    assert!(explained.ends_with("rows\nnote: no document has a value at \"aeg\"\n"), "{explained}");
    cli.run(&["query", "a.db", r#"{"where": {"age": {"$gt": 3}}}"#]).fails_with(4, &["$gt", "write `gt`"]);
}
