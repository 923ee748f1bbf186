//! Commands as values: a verb of the table, and what it was given.

use crate::failure::Failure;
use crate::output::Output;
use crate::own_files::OwnFiles;
use crate::secrets::Sealing;
use ferrolite::Database;
use ferrolite::Range;
use ferrolite::fs::StdFile;
use serde_json::json;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

/// A verb with what it was given.
pub struct Request {
    /// The verb.
    pub verb: &'static Verb,
    /// The words after the command and the file.
    pub words: Vec<String>,
    /// `--prefix`, `--gt`, `--gte`, `--lt`, `--lte`, `--limit` and `--reverse`. For `find` the bounds are JSON.
    pub range: Range,
    /// `--collection`.
    pub collection: Option<String>,
    /// `--ttl`.
    pub ttl: Option<Duration>,
    /// `--keep-ttl`.
    pub keep_ttl: bool,
    /// `--if-version`.
    pub if_version: Option<u64>,
    /// `--if-absent`.
    pub if_absent: bool,
    /// `--unique`.
    pub unique: bool,
    /// `--multi`.
    pub multi: bool,
    /// `--since`.
    pub since: Option<u64>,
    /// `--quick`.
    pub quick: bool,
    /// `--read-only`.
    pub read_only: bool,
    /// `--allow-damage`.
    pub allow_damage: bool,
    /// `--new-key-file` or `--new-passphrase-file`, and `--argon2`.
    pub new_sealing: Sealing,
    /// `--source-key-file`.
    pub source_key_file: Option<PathBuf>,
    /// `--force`.
    pub force: bool,
    /// `--plain`.
    pub plain: bool,
    /// `--allow-incomplete`.
    pub allow_incomplete: bool,
    /// The files that no verb may write over.
    pub own_files: Rc<OwnFiles>,
    /// True if it is a line of the REPL.
    pub in_repl: bool,
}

/// True if what was asked for is there. `No` is not an error, but an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is there, or it is done.
    Yes,
    /// It is not there.
    No,
}

/// The access to the database file that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It must exist, and may be read-only.
    Read,
    /// It must exist.
    Write,
    /// It is created when it does not exist.
    Create,
}

/// How a verb is carried out.
pub enum Run {
    /// On an open database.
    Verb(fn(&mut Db, &Request, &mut Output) -> Result<Answer, Failure>),
    /// By reading lines of verbs.
    Repl,
    /// By reading lines of documents.
    Load,
    /// On a database that may be opened by something else afterwards.
    ChangeKey,
    /// On a database that may be damaged, into a new one.
    Salvage,
    /// From the bytes of a database, into a new one.
    Import,
    /// From a file of another store, into a new database.
    ImportFerrumdb,
    /// By printing a help text.
    Help,
    /// By ending the REPL.
    Exit,
}

/// A verb.
pub struct Verb {
    /// Its name, in lower case.
    pub name: &'static str,
    /// Another name, for the REPL.
    pub alias: &'static str,
    /// Its arguments, for the help text.
    pub arguments: &'static str,
    /// How many words that may be.
    pub words: RangeInclusive<usize>,
    /// The options it takes.
    pub options: &'static [&'static str],
    /// Its purpose, in half a line.
    pub summary: &'static str,
    /// The access to the file that it needs.
    pub access: fn(&Request) -> Access,
    /// How it is carried out.
    pub run: Run,
    /// Where it can be said.
    pub place: Place,
}

/// Where a verb can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the command line and in the REPL.
    Anywhere,
    /// On the command line.
    Shell,
    /// In the REPL.
    Repl,
}

/// Confirms what was done, or says that there is no `what` to do it to; for programs, whether it was is at `name`.
pub fn done(is_done: bool, name: &str, what: &str, output: &mut Output) -> Result<Answer, Failure> {
    let value = json!({ name: is_done });
    if is_done {
        output.confirm(&value, "OK")?;
        return Ok(Answer::Yes);
    }
    output.missing(what, &value)?;
    Ok(Answer::No)
}

/// A database in a file of the host.
pub type Db = Database<StdFile>;
