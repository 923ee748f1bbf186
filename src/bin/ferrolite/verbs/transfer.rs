//! `export` and `import`: a database as the bytes of one file, to be copied or piped.

use super::Answer;
use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::{Output, size};
use crate::session::{Db, Session};
use ferrolite::{Error, ErrorCode};
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

/// What stands for standard input and output.
pub const STREAM: &str = "-";
/// Bytes of a chunk.
const CHUNK_BYTES: usize = 256 << 10;

/// Writes the database as one new file, or to standard output.
pub fn export(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let out = request.words.first().map(String::as_str).unwrap_or_default();
    if out == STREAM {
        if io::stdout().is_terminal() {
            return Err(Failure::usage(
                "the bytes of a database are nothing for a terminal; name a file, or pipe them",
            ));
        }
        write_all(db, |chunk| output.bytes(chunk))?;
        output.flush()?;
        return Ok(Answer::Yes);
    }
    let path = Path::new(out);
    let mut file = File::create_new(path).map_err(|error| not_made(path, &error))?;
    let failed = |error: io::Error| Failure::from(failure_of(&error)).at(path.display());
    let written = write_all(db, |chunk| file.write_all(chunk).map_err(failed));
    match written.and_then(|bytes| file.sync_all().map(|()| bytes).map_err(failed)) {
        Ok(bytes) => {
            output.confirm(&json!({ "bytes": bytes }), &format!("exported {}", size(bytes)))?;
            Ok(Answer::Yes)
        }
        Err(failure) => {
            // The failure itself is what has to be told.
            fs::remove_file(path).ok();
            Err(failure)
        }
    }
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

fn failure_of(error: &io::Error) -> Error {
    let message = error.to_string();
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::StorageFull { message },
        _ => Error::Io { operation: "writing the export".to_owned(), message },
    }
}

fn not_made(path: &Path, error: &io::Error) -> Failure {
    let failure = match error.kind() {
        ErrorKind::AlreadyExists => {
            let reason = "it is there already; an export makes a new file, so name another".to_owned();
            Failure::from(Error::InvalidOptions { reason })
        }
        ErrorKind::NotFound => {
            Failure::from(Error::NotFound { name: path.display().to_string() }).saying(crate::session::NO_DIRECTORY)
        }
        _ => Failure::from(Error::Io { operation: "creating the file".to_owned(), message: error.to_string() }),
    };
    failure.at(path.display())
}

/// Makes a new database of the bytes of one, from a file or from standard input.
pub fn import(session: &Session, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let new = request.words.first().map(String::as_str).unwrap_or_default();
    let bytes = session.import(new)?;
    output.confirm(&json!({ "bytes": bytes }), &format!("imported {}", size(bytes)))?;
    Ok(Answer::Yes)
}

/// Whether an import failed because of the new file, and not of what it was made of.
pub fn is_of_new_file(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidOptions
            | ErrorCode::NotFound
            | ErrorCode::Locked
            | ErrorCode::ReadOnly
            | ErrorCode::StorageFull
            | ErrorCode::Io
    )
}
