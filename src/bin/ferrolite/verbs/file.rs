//! `info`, `check` and `compact`: the verbs about the file as a whole.

use super::Answer;
use crate::arguments::Request;
use crate::failure::Failure;
use crate::output::{Output, size, to_json};
use crate::session::Db;
use serde::Serialize;
use serde_json::{Value, json};

/// Prints figures about the database.
pub fn info(db: &mut Db, _request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    figures(&db.stats(), output)
}

/// Looks for damage. What is found is an error with its own exit code.
pub fn check(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let report = db.check(!request.quick)?;
    if !output.is_json() {
        output.line("no damage found")?;
    }
    figures(&report, output)
}

/// Rewrites the file without what is no longer needed.
pub fn compact(db: &mut Db, _request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let before = file_size(db);
    db.compact()?;
    let after = file_size(db);
    let text = format!("{} before, {} after", size(before), size(after));
    output.answer(&json!({ "before": before, "after": after }), &text)?;
    Ok(Answer::Yes)
}

fn file_size(db: &Db) -> u64 {
    db.stats().engine.file_bytes
}

/// Prints each field as a line: `file size: 1.5 MiB`.
fn figures(fields: &impl Serialize, output: &mut Output) -> Result<Answer, Failure> {
    if output.is_json() {
        output.line(&to_json(fields))?;
        return Ok(Answer::Yes);
    }
    if let Ok(Value::Object(fields)) = serde_json::to_value(fields) {
        for (name, value) in fields {
            output.line(&format!("{:<24}{}", label(&name), figure(&name, &value)))?;
        }
    }
    Ok(Answer::Yes)
}

/// `fileSize` as `file size`.
fn label(name: &str) -> String {
    let mut label = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            label.push(' ');
        }
        label.extend(letter.to_lowercase());
    }
    label
}

/// A figure for people.
fn figure(name: &str, value: &Value) -> String {
    let bytes = name.to_lowercase().ends_with("size") || name.to_lowercase().ends_with("bytes");
    match value {
        Value::Number(number) if bytes => number.as_u64().map_or_else(|| number.to_string(), size),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(|item| figure(name, item)).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{} {}", label(name), figure(name, value)));
            fields.collect::<Vec<_>>().join(" ")
        }
        value => value.to_string(),
    }
}
