//! `dump`: documents as lines of JSON, in key order.

use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::Output;
use crate::session::Db;
use crate::verbs::Answer;

/// Prints a line for each document, as `load` reads them. One document at a time is in memory.
pub fn run(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    for document in db.scan(&request.range)? {
        output.document_line(&document?, false)?;
    }
    Ok(Answer::Yes)
}
