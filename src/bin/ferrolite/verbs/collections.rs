//! `collections` and `drop-collection`.

use super::Answer;
use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::{Output, to_json};
use crate::session::Db;
use serde_json::json;

/// Prints the names of the collections.
pub fn list(db: &mut Db, _request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    for name in db.collections() {
        output.answer(&json!({ "collection": name }), &name)?;
    }
    Ok(Answer::Yes)
}

/// Drops a collection. `No` when there is none.
pub fn drop(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let name = request.words.first().map_or("", String::as_str);
    if db.drop_collection(name)? {
        output.confirm(&json!({ "dropped": true }), "OK")?;
        return Ok(Answer::Yes);
    }
    output.missing(&format!("collection {}", to_json(name)), &json!({ "dropped": false }))?;
    Ok(Answer::No)
}
