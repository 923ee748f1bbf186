//! `get`, `set`, `delete`, `ttl`, `expire` and `persist`.

use crate::command::Db;
use crate::command::Request;
use crate::command::{Answer, done};
use crate::failure::Failure;
use crate::lines::BYTE_ORDER_MARK;
use crate::output::{Output, to_json};
use ferrolite::{Error, ErrorCode, MAX_DOCUMENT_LENGTH, Range, SetOptions, Ttl, ttl_from_seconds};
use serde_json::json;
use std::borrow::Cow;
use std::io::{self, Read};

/// Prints the documents at some keys: one as it is, several with their keys. `No` when one is missing.
pub fn get(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let mut answer = Answer::Yes;
    for key in &request.words {
        match request.documents(db)?.get_document(key)? {
            None => {
                answer = Answer::No;
                output.no_document(key)?;
            }
            Some(document) if request.words.len() > 1 || output.is_json() => output.document(&document)?,
            Some(document) => {
                let json = document.into_json().map_err(|error| Failure::from(error).with("(use get-file)"))?;
                output.line(&json)?;
            }
        }
    }
    Ok(answer)
}

/// Stores a document.
pub fn set(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, json] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let json = given(request, json)?;
    let options = SetOptions {
        ttl: request.ttl,
        keep_ttl: request.keep_ttl,
        if_version: request.if_version,
        if_absent: request.if_absent,
    };
    let version =
        request.documents(db)?.set_json_with(key, &json, options).map_err(|error| not_stored(error, &[&json]))?;
    output.confirm(&json!({ "version": version }), "OK")?;
    Ok(Answer::Yes)
}

/// Says what is amiss where a string has no quotes.
pub(super) fn not_stored(error: Error, texts: &[&str]) -> Failure {
    let is_bare = |text: &&str| !text.starts_with(['{', '[', '"']);
    let quotes = error.code() == ErrorCode::InvalidValue && texts.iter().any(is_bare);
    let failure = Failure::from(error);
    if quotes { failure.with(r#"(a string needs quotes of its own: '"text"')"#) } else { failure }
}

/// The JSON text that a word stands for: on the command line, `-` is what standard input has.
pub(super) fn given<'a>(request: &Request, word: &'a str) -> Result<Cow<'a, str>, Failure> {
    match word {
        "-" if !request.in_repl => read_document().map(Cow::Owned),
        json => Ok(Cow::Borrowed(json)),
    }
}

/// Deletes the documents at some keys, or in a range. `No` when a key has none.
pub fn delete(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let whole = Range { limit: None, reverse: false, ..request.range.clone() } == Range::all();
    if request.words.is_empty() {
        if whole {
            let message = "say which documents: keys or a range; `--prefix ''` is all of them";
            return Err(Failure::usage(message));
        }
        let deleted = request.documents(db)?.delete_range(&request.range)?;
        output.answer(&json!({ "deleted": deleted }), &format!("{deleted} deleted"))?;
        return Ok(Answer::Yes);
    }
    if request.range != Range::all() {
        return Err(Failure::usage("delete takes keys or a range, not both"));
    }
    let found = db.group(|db| {
        let mut documents = request.documents(db)?;
        request.words.iter().map(|key| Ok(documents.delete(key)?)).collect::<Result<Vec<_>, Failure>>()
    })??;
    let deleted = found.iter().filter(|found| **found).count();
    if output.is_json() {
        output.answer(&json!({ "deleted": deleted }), "")?;
    } else {
        for (key, found) in request.words.iter().zip(&found) {
            if *found { output.confirm(&(), "OK")? } else { output.no_document(key)? }
        }
    }
    Ok(if deleted == found.len() { Answer::Yes } else { Answer::No })
}

/// Prints how long a document will live, in seconds; `No` when there is none.
pub fn ttl(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let key = request.words.first().map_or("", String::as_str);
    match request.documents(db)?.ttl(key)? {
        Ttl::Missing => {
            output.no_document(key)?;
            return Ok(Answer::No);
        }
        Ttl::Forever => output.answer(&json!({ "key": key, "ttl": null }), "forever")?,
        Ttl::Left(left) => {
            let seconds = left.as_secs_f64();
            output.answer(&json!({ "key": key, "ttl": seconds }), &seconds.to_string())?;
        }
    }
    Ok(Answer::Yes)
}

/// Lets a document expire. `No` when there is none.
pub fn expire(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let [key, seconds] = request.words.as_slice() else {
        return Err(request.verb.misused(request.in_repl));
    };
    let seconds: f64 =
        seconds.parse().map_err(|_| Failure::usage(format!("{seconds:?} is not a number of seconds")))?;
    let expires = request.documents(db)?.expire(key, ttl_from_seconds(seconds)?)?;
    done(expires, "expires", &format!("document {}", to_json(key)), output)
}

/// Takes a document's time to live away. `No` when there is none.
pub fn persist(db: &mut Db, request: &Request, output: &mut Output) -> Result<Answer, Failure> {
    let key = request.words.first().map_or("", String::as_str);
    let persisted = request.documents(db)?.persist(key)?;
    done(persisted, "persisted", &format!("document {} with a time to live", to_json(key)), output)
}

/// A document from standard input.
fn read_document() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limit = (MAX_DOCUMENT_LENGTH + BYTE_ORDER_MARK.len() + 1) as u64;
    let read = io::stdin().lock().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Failure::reading("standard input", &error))?;
    let text = std::str::from_utf8(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes));
    let text = text.map_err(|_| Failure::input(ErrorCode::InvalidValue, "standard input: it is not UTF-8"))?;
    Ok(text.trim().to_owned())
}
