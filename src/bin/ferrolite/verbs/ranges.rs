//! `keys`, `scan` and `count`.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::Output;
use serde_json::json;

/// Prints the keys in a range.
pub fn keys(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    // Keys alone: what the documents hold is not read.
    for key in request.documents(db)?.keys(&request.range)? {
        output.key(&key)?;
    }
    Ok(Answer::Yes)
}

/// Prints the keys and documents in a range.
pub fn scan(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    for document in request.documents(db)?.scan(&request.range)? {
        output.document(&document?)?;
    }
    Ok(Answer::Yes)
}

/// Prints how many documents are in a range.
pub fn count(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let count = request.documents(db)?.count(&request.range)?;
    output.answer(&json!({ "count": count }), &count.to_string())?;
    Ok(Answer::Yes)
}
