//! `export` and `import`: a database as the bytes of one file, to be copied or piped.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::{Output, size};
use crate::session::Session;
use crate::target::{Replacement, Target};
use serde_json::json;
use std::io::{self, IsTerminal};

/// Bytes of a chunk.
const CHUNK_BYTES: usize = 256 << 10;

/// Writes the database as one new file, or to standard output.
pub fn export(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let target = Target::of(request, request.words.first().map(String::as_str).unwrap_or_default())?;
    if matches!(target, Target::Output) && io::stdout().is_terminal() {
        return Err(Failure::usage("a terminal cannot show the bytes of a database; name a file, or pipe them"));
    }
    let mut sink = target.create()?;
    let bytes = write_all(db, |chunk| sink.write(chunk, output))?;
    let is_output = sink.is_output();
    sink.finish(output)?;
    if !is_output {
        output.confirm(&json!({ "bytes": bytes }), &format!("exported {}", size(bytes)))?;
    }
    Ok(Answer::Yes)
}

fn write_all(db: &mut Db, mut write: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<u64, Failure> {
    let mut export = db.begin_export()?;
    let outcome = loop {
        match db.export_chunk(&mut export, CHUNK_BYTES) {
            Ok(Some(chunk)) => {
                if let Err(failure) = write(&chunk) {
                    break Err(failure);
                }
            }
            Ok(None) => break Ok(export.done_bytes()),
            Err(error) => break Err(error.into()),
        }
    };
    db.end_export(export);
    outcome
}

/// Makes a new database of the bytes of one, from a file or from standard input.
pub fn import(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let bytes = session.import(new_file(request)?)?;
    output.confirm(&json!({ "bytes": bytes }), &format!("imported {}", size(bytes)))?;
    Ok(Answer::Yes)
}

/// The new database that a verb makes, as a file beside it that takes its name when it is complete.
pub fn new_file(request: &Request) -> Result<Replacement, Failure> {
    let name = request.words.first().map(String::as_str).unwrap_or_default();
    Target::of(request, name)?.for_database(name)
}
