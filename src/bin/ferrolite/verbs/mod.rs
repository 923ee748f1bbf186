//! Commands. The parser, the help texts, the command line and the REPL share one table of commands.

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

use crate::command::Place;
use crate::command::Verb;

pub use table::VERBS;

/// The verb that the command line calls `name`.
pub fn in_shell(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.place != Place::Repl && verb.name == name)
}

/// The verb that the REPL calls `name`, in lower case.
pub fn in_repl(name: &str) -> Option<&'static Verb> {
    let called = |verb: &&Verb| verb.name == name || (!verb.alias.is_empty() && verb.alias == name);
    VERBS.iter().filter(|verb| verb.place != Place::Shell).find(called)
}
