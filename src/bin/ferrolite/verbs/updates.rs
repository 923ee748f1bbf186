//! `increment`, `swap`, `rename`, `patch` and `merge-patch`: the verbs that read a document and write it in one commit.

use super::documents::{given, not_stored};
use crate::command::Db;
use crate::command::Request;
use crate::command::{Access, Answer, done};
use crate::failure::Failure;
use crate::output::{Output, to_json};
use ferrolite::ErrorCode;
use serde_json::json;

/// The word for a missing document.
const NONE: &str = "none";

/// Adds to the integer at a key.
pub fn increment(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let (key, by) = match request.words.as_slice() {
        [key] => (key, 1),
        [key, by] => (key, integer(by)?),
        _ => return Err(request.verb.misused(request.in_repl)),
    };
    let sum = request.documents(db)?.increment(key, by)?;
    output.answer(&json!({ "value": sum }), &sum.to_string())?;
    Ok(Answer::Yes)
}

fn integer(text: &str) -> Result<i64, Failure> {
    let message = || format!("{text:?} is not an integer of 64 bits");
    text.parse().map_err(|_| Failure::input(ErrorCode::InvalidValue, message()))
}

/// `swap` creates a database for a document that is the first.
pub fn swap_access(request: &Request) -> Access {
    match request.words.get(1) {
        Some(expected) if expected == NONE => Access::Create,
        _ => Access::Write,
    }
}

/// Stores a document if the one that is there is as expected. `No` when it is not.
pub fn swap(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, expected, next] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let document = |word: &'static str, text| if text == word { None } else { Some(text) };
    let (expected, next) = (document(NONE, expected.as_str()), document(NONE, next.as_str()));
    let texts: Vec<&str> = expected.into_iter().chain(next).collect();
    let swapped =
        request.documents(db)?.compare_and_swap_json(key, expected, next).map_err(|error| not_stored(error, &texts))?;
    let value = json!({ "swapped": swapped });
    if swapped {
        output.confirm(&value, "OK")?;
        return Ok(Answer::Yes);
    }
    let why = format!("the document {} is not the one that is expected", to_json(key));
    output.refuse(&why, &value, "(not swapped)")?;
    Ok(Answer::No)
}

/// Moves a document to another key. `No` when there is none.
pub fn rename(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [from, to] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let renamed = request.documents(db)?.rename(from, to)?;
    changed("renamed", from, renamed, output)
}

/// Changes a document by a JSON Patch. `No` when there is none.
pub fn patch(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, operations] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let patched = request.documents(db)?.patch(key, &given(request, operations)?)?;
    changed("patched", key, patched, output)
}

/// Changes a document by a JSON Merge Patch. `No` when there is none.
pub fn merge_patch(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, patch] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let patched = request.documents(db)?.merge_patch(key, &given(request, patch)?)?;
    changed("patched", key, patched, output)
}

/// Reports whether a document existed.
fn changed(name: &str, key: &str, was_there: bool, output: &mut Output) -> Result<Answer, Failure> {
    done(was_there, name, &format!("document {}", to_json(key)), output)
}
