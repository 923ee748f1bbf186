//! `index` and `find`.

use super::queries;
use crate::command::Db;
use crate::command::Request;
use crate::command::{Access, Answer};
use crate::failure::Failure;
use crate::output::Output;
use ferrolite::wording::json_text;
use ferrolite::{Condition, ErrorCode, Filter, FindOptions, IndexSpec, Query};
use serde_json::json;
use serde_json::value::RawValue;

/// Returns the access that `index` needs, by its first argument.
pub fn access(request: &Request) -> Access {
    match request.words.first().map(String::as_str) {
        Some("create") => Access::Create,
        Some("drop") => Access::Write,
        _ => Access::Read,
    }
}

/// Lists, creates or drops indexes. `No` when the one to drop is not there.
pub fn index(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let words: Vec<&str> = request.words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] | ["list"] => {
            for index in request.documents(db)?.indexes() {
                let state = if index.ready { "" } else { "\t(half built; create it again to complete it)" };
                let kind = match (index.unique, index.multi) {
                    (false, false) => "",
                    (true, false) => "\t(unique)",
                    (false, true) => "\t(multi)",
                    (true, true) => "\t(unique, multi)",
                };
                output.answer(&index, &format!("{}{kind}{state}", index.path))?;
            }
            Ok(Answer::Yes)
        }
        ["create", paths @ ..] if !paths.is_empty() => {
            let index = IndexSpec { unique: request.unique, multi: request.multi, ..IndexSpec::from(paths) };
            let (path, created) = (paths.join(", "), request.documents(db)?.create_index(index)?);
            output.confirm(&json!({ "path": path, "created": created }), "OK")?;
            Ok(Answer::Yes)
        }
        ["drop", paths @ ..] if !paths.is_empty() && !request.unique && !request.multi => {
            let (path, dropped) = (paths.join(", "), request.documents(db)?.drop_index(paths)?);
            if dropped {
                output.confirm(&json!({ "path": path, "dropped": true }), "OK")?;
            } else {
                output.missing(&format!("index on {path}"), &json!({ "path": path, "dropped": false }))?;
            }
            Ok(if dropped { Answer::Yes } else { Answer::No })
        }
        _ => Err(request.verb.misused(request.in_repl)),
    }
}

/// Prints the keys of the documents whose value at a path meets a condition.
pub fn find(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let range = &request.range;
    let bounds = [("gt", &range.gt), ("gte", &range.gte), ("lt", &range.lt), ("lte", &range.lte)];
    let bounds: Vec<_> = bounds.into_iter().filter_map(|(name, bound)| Some((name, bound.as_deref()?))).collect();
    let (path, condition) = match (request.words.as_slice(), bounds.is_empty()) {
        ([path, json], true) => (path, Condition::equals(json_of(json)?)?),
        ([path], false) => (path, range_condition(&bounds)?),
        ([_], true) => return Err(Failure::usage("find takes a value, or bounds as --gte")),
        _ => return Err(Failure::usage("find takes a value or bounds, not both")),
    };
    let options = FindOptions { reverse: range.reverse, limit: range.limit, ..FindOptions::default() };
    let keys = request.documents(db)?.find(path, &condition, &options)?;
    if keys.is_empty() {
        queries::note_why(db, request, &Query::new().filter(Filter::on(path, &condition)?), output)?;
    }
    for key in keys {
        output.key(&key)?;
    }
    Ok(Answer::Yes)
}

/// The condition that a value lies within bounds, each as JSON text.
fn range_condition(bounds: &[(&str, &str)]) -> Result<Condition, Failure> {
    let bound = |(name, json): &(&str, &str)| Ok(format!("{name:?}:{}", json_of(json)?.get()));
    let fields = bounds.iter().map(bound).collect::<Result<Vec<_>, Failure>>()?;
    Ok(Condition::parse(&format!("{{{}}}", fields.join(",")))?)
}

fn json_of(text: &str) -> Result<&RawValue, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let reason = json_text(text, &error);
        let message = format!("{text:?} is not JSON: {reason} (a string needs quotes of its own: '\"text\"')");
        Failure::input(ErrorCode::InvalidCondition, message)
    })
}
