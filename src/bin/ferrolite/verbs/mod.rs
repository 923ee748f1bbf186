//! What a verb is. The parser, the help texts, the command line and the REPL share one table of them.

mod bytes;
mod changes;
mod collections;
mod documents;
mod file;
pub mod import;
mod indexes;
pub mod keys;
mod lists;
mod queries;
mod ranges;
pub mod salvage;
mod table;
pub mod transfer;
mod updates;

use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Db;
use serde_json::json;
use std::ops::RangeInclusive;

pub use table::VERBS;

/// Whether what was asked for is there. `No` is not an error, but an exit code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is there, or it is done.
    Yes,
    /// It is not there.
    No,
}

/// What a verb needs of the database file.
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
    /// What it works on, for the help text.
    pub arguments: &'static str,
    /// How many words that may be.
    pub words: RangeInclusive<usize>,
    /// The options it takes.
    pub options: &'static [&'static str],
    /// What it does, in half a line.
    pub summary: &'static str,
    /// What it needs of the file.
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

/// The verb that the command line calls `name`.
pub fn in_shell(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.place != Place::Repl && verb.name == name)
}

/// The verb that the REPL calls `name`, in lower case.
pub fn in_repl(name: &str) -> Option<&'static Verb> {
    let called = |verb: &&Verb| verb.name == name || (!verb.alias.is_empty() && verb.alias == name);
    VERBS.iter().filter(|verb| verb.place != Place::Shell).find(called)
}

/// Confirms what was done, or says that there is no `what` to do it to; for programs, whether it was is at `name`.
fn done(is_done: bool, name: &str, what: &str, output: &mut Output) -> Result<Answer, Failure> {
    let value = json!({ name: is_done });
    if is_done {
        output.confirm(&value, "OK")?;
        return Ok(Answer::Yes);
    }
    output.missing(what, &value)?;
    Ok(Answer::No)
}
