//! `collections` and `drop-collection`.

use crate::command::Db;
use crate::command::Request;
use crate::command::{Answer, done};
use crate::failure::Failure;
use crate::output::{Output, to_json};
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
    done(db.drop_collection(name)?, "dropped", &format!("collection {}", to_json(name)), output)
}
