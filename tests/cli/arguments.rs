//! The command line itself.

use crate::harness::Cli;

#[test]
fn options_may_stand_anywhere() {
    let cli = Cli::new();
    for arguments in [
        ["--durability", "never", "set", "a.db", "k", "1", "--json"],
        ["--json", "set", "--durability=never", "a.db", "--ttl=9", "k", "1"],
        ["set", "a.db", "k", "--json", "--durability", "always", "1"],
    ] {
        assert!(cli.ok(&arguments).contains("version"), "{arguments:?}");
    }
    assert_eq!(cli.ok(&["--prefix", "k", "count", "a.db"]), "1\n");
}

#[test]
fn keys_may_start_with_a_dash() {
    let cli = Cli::new();
    cli.ok(&["set", "a.db", "--", "--key", "-1"]);
    cli.ok(&["set", "a.db", "-7", "-2.5"]);
    cli.run(&["set", "a.db", "--key", "1"]).fails_with(2, &["--key"]);
    cli.run(&["get", "a.db", "-k"]).fails_with(2, &["`--`"]);
    assert_eq!(cli.ok(&["scan", "a.db"]), "--key\t-1\n-7\t-2.5\n");
    assert_eq!(cli.ok(&["get", "a.db", "--", "--key"]), "-1\n");
    assert_eq!(cli.ok(&["keys", "a.db", "--prefix", "--k"]), "--key\n");
}

#[test]
fn what_is_not_understood_is_told() {
    let cli = Cli::new();
    let wrong: [(&[&str], &str); 12] = [
        (&[], "--help"),
        (&["frobnicate", "a.db"], "frobnicate"),
        (&["get"], "ferrolite get FILE KEY..."),
        (&["get", "a.db"], "KEY"),
        (&["set", "a.db", "k"], "JSON"),
        (&["set", "a.db", "k", "1", "2"], "usage"),
        (&["keys", "a.db", "k"], "usage"),
        (&["keys", "a.db", "--ttl", "5"], "--ttl"),
        (&["keys", "a.db", "--what"], "--what"),
        (&["keys", "a.db", "--prefix"], "--prefix"),
        (&["keys", "a.db", "--prefix", "a", "--prefix", "b"], "twice"),
        (&["exit", "a.db"], "exit"),
    ];
    for (arguments, word) in wrong {
        cli.run(arguments).fails_with(2, &["ferrolite: ", word]);
    }
    let error = cli.run(&["get", "--json"]).fails(2);
    assert!(error.starts_with("{\"error\":{\"code\":\"Usage\""), "{error}");
    assert!(!cli.path("a.db").exists());
}

#[test]
fn help_and_version_need_no_file() {
    let cli = Cli::new();
    let help = cli.ok(&["--help"]);
    for verb in ["repl", "get", "set", "delete", "keys", "scan", "count", "index", "find"] {
        assert!(help.contains(&format!("\n  {verb} ")), "{verb}");
    }
    for word in ["load", "dump", "info", "check", "compact", "FERROLITE_DURABILITY", "exit codes", "expires"] {
        assert!(help.contains(word), "{word}");
    }
    assert_eq!(cli.ok(&["help"]), help);
    assert!(cli.ok(&["scan", "--help"]).contains("--prefix"));
    assert_eq!(cli.ok(&["help", "scan"]), cli.ok(&["scan", "-h"]));
    assert_eq!(cli.ok(&["--version"]), concat!("ferrolite ", env!("CARGO_PKG_VERSION"), "\n"));
}

/// What the help lists stands on the program's page, too.
#[test]
fn the_documentation_has_every_verb_and_option() {
    let help = Cli::new().ok(&["--help"]);
    let page = include_str!("../../docs/cli.md");
    let verbs: Vec<_> = help
        .lines()
        .skip_while(|line| *line != "verbs:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split([' ', '\t']).next().filter(|word| !word.is_empty()))
        .collect();
    assert!(verbs.len() > 25, "{verbs:?}");
    for verb in verbs {
        assert!(page.contains(&format!("`{verb} ")) || page.contains(&format!("`{verb}`")), "{verb}");
    }
    let options: Vec<_> = help.split([' ', '[', ']', '\n', ',', ':']).filter(|word| word.starts_with("--")).collect();
    assert!(options.len() > 25, "{options:?}");
    for option in options {
        assert!(page.contains(option), "{option}");
    }
}

#[test]
fn durability_comes_from_the_flag_or_the_environment() {
    let cli = Cli::new();
    let with =
        |value: &str, arguments: &[&str]| cli.finish(cli.command(arguments, &[("FERROLITE_DURABILITY", value)]), b"");
    with("periodic:50", &["set", "a.db", "a", "1"]).ok();
    with("", &["set", "a.db", "b", "1"]).ok();
    with("sometimes", &["set", "a.db", "c", "1"]).fails_with(2, &["FERROLITE_DURABILITY", "sometimes"]);
    with("sometimes", &["set", "a.db", "c", "1", "--durability", "never"]).ok();
    cli.run(&["set", "a.db", "d", "1", "--durability", "periodic:0"]).fails_with(2, &["InvalidOptions"]);
    assert_eq!(cli.ok(&["keys", "a.db"]), "a\nb\nc\n");
}
