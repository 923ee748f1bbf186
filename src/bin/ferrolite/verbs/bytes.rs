//! `set-file` and `get-file`: documents that are bytes, from files and into files, a piece at a time.

use super::Answer;
use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Db;
use serde_json::json;
use std::fs::File;
use std::io::{self, Read, Write};

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// Stores what a file holds as bytes; `-` is standard input.
pub fn set_file(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, name] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let failed = |error: io::Error| Failure::reading(name, &error);
    let mut source: Box<dyn Read> = match name.as_str() {
        "-" if !request.in_repl => Box::new(io::stdin().lock()),
        name => Box::new(File::open(name).map_err(failed)?),
    };
    let mut blob = request.documents(db)?.begin_blob(key, request.ttl)?;
    let mut piece = vec![0; PIECE_BYTES];
    let outcome = loop {
        match source.read(&mut piece) {
            Ok(0) => break Ok(()),
            Ok(length) => match db.write_blob(&mut blob, piece.get(..length).unwrap_or_default()) {
                Ok(()) => {}
                Err(error) => break Err(error.into()),
            },
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Err(failed(error)),
        }
    };
    if let Err(failure) = outcome {
        db.abort_blob(blob);
        // Nobody else will soon, for a program that ends.
        db.maintain(usize::MAX)?;
        return Err(failure);
    }
    let version = db.finish_blob(blob)?;
    output.confirm(&json!({ "version": version }), "OK")?;
    Ok(Answer::Yes)
}

/// Writes the bytes at a key into a file; `-` is standard output. `No` when there is no document.
pub fn get_file(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, name] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let Some(mut blob) = request.documents(db)?.open_blob(key)? else {
        output.no_document(key)?;
        return Ok(Answer::No);
    };
    let length = blob.length();
    let to_standard_output = name == "-";
    let failed = |error: io::Error| Failure::reading(name, &error);
    let mut target: Box<dyn Write> =
        if to_standard_output { Box::new(io::stdout().lock()) } else { Box::new(File::create(name).map_err(failed)?) };
    let outcome = loop {
        match db.read_blob(&mut blob) {
            Ok(None) => break target.flush().map_err(failed),
            Ok(Some(piece)) => {
                if let Err(error) = target.write_all(&piece) {
                    break Err(failed(error));
                }
            }
            Err(error) => break Err(error.into()),
        }
    };
    db.close_blob(blob);
    outcome?;
    if !to_standard_output {
        output.confirm(&json!({ "key": key, "bytes": length }), "OK")?;
    }
    Ok(Answer::Yes)
}
