//! `push`, `pop`, `elements`, `length` and `trim`: the verbs of lists.

use super::documents::not_stored;
use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::failure::Failure;
use crate::output::{Output, to_json};
use ferrolite::wording::json_text;
use ferrolite::{End, ErrorCode};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

/// Adds elements at an end of a list, and prints its length.
pub fn push(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, end, elements @ ..] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let end = end_of(end)?;
    let texts: Vec<&str> = elements.iter().map(String::as_str).collect();
    let length = request.documents(db)?.push_json(key, end, elements).map_err(|error| not_stored(error, &texts))?;
    output.answer(&json!({ "length": length }), &length.to_string())?;
    Ok(Answer::Yes)
}

/// Takes the element at an end of a list, and prints it. `No` when there is none.
pub fn pop(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, end] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    match request.documents(db)?.pop_json(key, end_of(end)?)? {
        Some(element) => {
            element_out(&element, output)?;
            Ok(Answer::Yes)
        }
        None => {
            output.missing(&format!("list {}", to_json(key)), &json!({}))?;
            Ok(Answer::No)
        }
    }
}

/// Prints the elements of a list, a line each.
pub fn elements(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let (key, start, stop) = match request.words.as_slice() {
        [key] => (key, 0, -1),
        [key, start, stop] => (key, index(start)?, index(stop)?),
        _ => return Err(request.verb.misused(request.in_repl)),
    };
    request
        .documents(db)?
        .list_range_json(key, start, stop)?
        .iter()
        .try_for_each(|element| element_out(element, output))?;
    Ok(Answer::Yes)
}

/// Prints how many elements a list has.
pub fn length(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let length = request.documents(db)?.list_length(key)?;
    output.answer(&json!({ "length": length }), &length.to_string())?;
    Ok(Answer::Yes)
}

/// Removes what is not between two elements, and prints how many are left.
pub fn trim(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, start, stop] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let length = request.documents(db)?.trim(key, index(start)?, index(stop)?)?;
    output.answer(&json!({ "length": length }), &length.to_string())?;
    Ok(Answer::Yes)
}

/// An element as its JSON text has it.
#[derive(Serialize)]
struct Element<'a> {
    value: &'a RawValue,
}

fn element_out(element: &str, output: &mut Output) -> Result<(), Failure> {
    let raw: &RawValue = serde_json::from_str(element).map_err(|error| {
        // Elements were checked when they were pushed.
        Failure::input(ErrorCode::Internal, format!("an element is not JSON: {}", json_text(element, &error)))
    })?;
    output.answer(&Element { value: raw }, &element.replace(['\n', '\r'], " "))
}

fn end_of(word: &str) -> Result<End, Failure> {
    match word {
        "left" => Ok(End::Left),
        "right" => Ok(End::Right),
        _ => Err(Failure::usage(format!("an end of a list is `left` or `right`, not {word:?}"))),
    }
}

fn index(word: &str) -> Result<i64, Failure> {
    word.parse().map_err(|_| Failure::usage(format!("{word:?} is no index: a whole number, below 0 from the end")))
}
