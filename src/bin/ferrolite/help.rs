//! The help texts, made from the table of verbs.

use crate::command::{Place, Verb};
use crate::failure::Failure;
use crate::verbs::VERBS;

const INTRODUCTION: &str = "\
ferrolite: an embedded document database in one file

usage: ferrolite VERB FILE [ARGUMENTS] [OPTIONS]

Options may stand before or after the verb. `--` ends them, for keys that start with a dash.

verbs:
";

const RANGE: &str = "
a RANGE is any of:
  --prefix TEXT            keys that start with TEXT
  --gt KEY, --gte KEY      keys above KEY; at or above it
  --lt KEY, --lte KEY      keys below KEY; at or below it
  --limit COUNT            at most COUNT documents
  --reverse                from the highest key down
";

/// The query language.
const QUERY: &str = include_str!("query_help.txt");

const OPTIONS: &str = "
options:
  --collection NAME        of verbs on documents and indexes: those of this collection, and not of the default one
  --durability WHEN        when a commit is flushed: always (the default), periodic:MS or never
                           (then on closing); also the environment variable FERROLITE_DURABILITY
  --lock-timeout MS        how long to wait for another program that has the file open; 0 is the default
  --change-history SECONDS note what each commit changes, for as long; a session without it breaks the history
  --allow-damage           read a damaged file too, by what can be proven of it; what is damaged is told
                           on standard error, and nothing can be written
  --key-file FILE          open an encrypted file, or encrypt a new one, by the key in FILE: 32 bytes, or 64
                           hexadecimal digits
  --passphrase-file FILE   the same by the passphrase in FILE, but for a newline at its end; without either,
                           a terminal is asked for the passphrase of a file that is encrypted
  --cipher NAME            of a new encrypted file: aes-256-gcm (the default) or chacha20-poly1305
  --argon2 KIB,PASSES,LANES
                           what a new passphrase costs: 32768,3,1 is the default
  --force                  of verbs that write a file: replace an existing file
  --json                   print one JSON value a line, and errors as JSON
  -h, --help               print this; behind a verb, how to use it
  -V, --version            print the version

exit codes:
  0  done                                    3  the database cannot be opened, read or written
  1  the answer is no: nothing at that key   4  a key, value, condition or input file cannot be used
  2  the command line is not understood      5  the database is damaged

lines for load, and of dump:
  {\"key\": \"user:1\", \"value\": {\"name\": \"alice\"}, \"expires\": 1767225600000}
  `expires` may be missing; it is a whole number of milliseconds since 1970-01-01 UTC
";

impl Verb {
    /// How the verb is used.
    fn usage(&self, in_repl: bool) -> String {
        let Self { name, arguments, .. } = self;
        let usage = match in_repl {
            true => format!("{} {arguments}", name.to_uppercase()),
            false if *name == "help" => format!("ferrolite help {arguments}"),
            false => format!("ferrolite {name} FILE {arguments}"),
        };
        usage.trim_end().to_owned()
    }

    /// The failure of a verb that was given too few words or too many.
    pub fn misused(&self, in_repl: bool) -> Failure {
        Failure::usage(format!("the usage is: {}", self.usage(in_repl)))
    }

    fn takes_range(&self) -> bool {
        self.arguments.contains("RANGE")
    }
}

/// The help text of a verb, or that of the program.
pub fn text(verb: Option<&Verb>) -> String {
    match verb {
        None => {
            let verbs = VERBS.iter().filter(|verb| verb.place != Place::Repl);
            let lines: String = verbs.map(|verb| line(verb.name, verb)).collect();
            format!("{INTRODUCTION}{lines}{RANGE}{OPTIONS}")
        }
        Some(verb) => {
            let more = match verb.name {
                "query" | "explain" => QUERY,
                _ if verb.takes_range() => RANGE,
                _ => "",
            };
            format!("{}\n\n  {}\n{more}", verb.usage(false), verb.summary)
        }
    }
}

/// The help text of the REPL.
pub fn of_repl() -> String {
    let verbs = VERBS.iter().filter(|verb| verb.place != Place::Shell);
    let name = |verb: &Verb| if verb.alias.is_empty() { verb.name } else { verb.alias }.to_uppercase();
    let lines: String = verbs.map(|verb| line(&name(verb), verb)).collect();
    format!("{lines}{RANGE}\nA key with spaces is written as a JSON string: GET \"my key\"\n")
}

fn line(name: &str, verb: &Verb) -> String {
    let call = format!("{name} {}", verb.arguments);
    if call.len() > 24 {
        format!("  {call}\n{:27}{}\n", "", verb.summary)
    } else {
        format!("  {call:<25}{}\n", verb.summary)
    }
}
