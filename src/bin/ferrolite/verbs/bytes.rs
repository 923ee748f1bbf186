//! `set-file` and `get-file`: documents that are bytes, from files and into files, a piece at a time.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::target::{STREAM, Target};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are read at once.
const PIECE_BYTES: usize = 256 << 10;

/// Stores what a file holds as bytes; `-` is standard input.
pub fn set_file(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, name] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let failed = |error: io::Error| Failure::reading(name, &error);
    let mut source: Box<dyn Read> = match name.as_str() {
        STREAM if !request.in_repl => {
            request.own_files.check_standard_input()?;
            Box::new(io::stdin().lock())
        }
        name => {
            request.own_files.check_source(Path::new(name))?;
            Box::new(File::open(name).map_err(failed)?)
        }
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
    let target = Target::of(request, name)?;
    let Some(mut blob) = request.documents(db)?.open_blob(key)? else {
        output.no_document(key)?;
        return Ok(Answer::No);
    };
    let length = blob.length();
    let written = target.create().and_then(|mut sink| {
        while let Some(piece) = db.read_blob(&mut blob)? {
            sink.write(&piece, output)?;
        }
        let is_output = sink.is_output();
        sink.finish(output)?;
        Ok(is_output)
    });
    db.close_blob(blob);
    if !written? {
        output.confirm(&json!({ "key": key, "bytes": length }), "OK")?;
    }
    Ok(Answer::Yes)
}
