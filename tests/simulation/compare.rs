//! Comparing all that a database answers with the state it should be in.

use crate::model::{Readiness, State};
use crate::oracle::find_in;
use ferrolite::fs::File;
use ferrolite::{Condition, Database, Document, Error, FindOptions, Range, Ttl};
use std::fmt::Write;
use std::sync::Arc;

/// What may be found on each path: by equality, by a range, backwards.
pub const QUESTIONS: [(&str, &str, bool); 7] = [
    ("n", "1", false),
    ("n", r#"{"gte":1,"lt":4}"#, true),
    ("s", r#""b""#, false),
    ("s", r#"{"gt":"a"}"#, false),
    ("a.qZxMaRkPath", "null", false),
    ("a.qZxMaRkPath", "true", true),
    ("a.qZxMaRkPath", r#"{"gte":0}"#, false),
];

/// Reads everything by every way there is. What two ways tell differently is an error, as is what `state` denies.
///
/// Returns `state` without the documents that it leaves open and that are not there.
pub fn compare<F: File>(db: &Database<F>, state: &State, now_ms: u64) -> Result<State, String> {
    let found = all(db).map_err(|error| format!("scanning: {error}"))?;
    let settled = compare_documents(&found, state, now_ms)?;
    compare_indexes(db, state)?;
    compare_reads(db, &found, now_ms).map_err(|error| format!("reading: {error}"))??;
    compare_finds(db, &found).map_err(|error| format!("finding: {error}"))??;
    let report = db.check(true).map_err(|error| format!("checking: {error}"))?;
    if report.is_ok() { Ok(settled) } else { Err(format!("check: {:?}", report.problems)) }
}

/// All documents, in order.
pub fn all<F: File>(db: &Database<F>) -> Result<Vec<Document>, Error> {
    db.scan(&Range::all())?.collect()
}

/// Compares documents that were read at `now_ms` with those of `state`.
pub fn compare_documents(found: &[Document], state: &State, now_ms: u64) -> Result<State, String> {
    let mut settled = state.clone();
    let mut problems = String::new();
    let mut left = found.iter().peekable();
    for (key, stored) in &state.documents {
        while let Some(extra) = left.next_if(|document| *document.key < **key) {
            let _ = write!(problems, "{} should not be there; ", brief(extra));
        }
        let document = left.next_if(|document| *document.key == **key);
        let is_live = stored.is_live(now_ms);
        match document {
            Some(document) if !is_live => {
                let _ = write!(problems, "{} has expired, but is there; ", brief(document));
            }
            Some(document) => {
                let is_same = *document.json == *stored.json
                    && (document.version, document.expires_at) == (stored.version, stored.expires_at);
                if !is_same {
                    let (version, expires_at) = (stored.version, stored.expires_at);
                    let _ = write!(problems, "{} should be version {version} until {expires_at:?}; ", brief(document));
                }
            }
            None if is_live && stored.lapsed => drop(settled.documents.remove(key)),
            None if is_live => {
                let _ = write!(problems, "{key} version {} is missing; ", stored.version);
            }
            None => {}
        }
    }
    for extra in left {
        let _ = write!(problems, "{} should not be there; ", brief(extra));
    }
    if problems.is_empty() { Ok(settled) } else { Err(problems) }
}

fn brief(document: &Document) -> String {
    let Document { key, json, version, expires_at, .. } = document;
    format!("{key} version {version} until {expires_at:?} of {} bytes", json.len())
}

pub fn compare_indexes<F: File>(db: &Database<F>, state: &State) -> Result<(), String> {
    let found = db.indexes();
    let is_same = found.len() == state.indexes.len()
        && found.iter().all(|index| match state.indexes.get(index.path.as_str()) {
            None => false,
            Some(Readiness::Ready) => index.ready,
            Some(Readiness::Building) => !index.ready,
            Some(Readiness::Either) => true,
        });
    if is_same { Ok(()) } else { Err(format!("indexes: {found:?}, not {:?}", state.indexes)) }
}

/// Other ways to read what a scan has told.
fn compare_reads<F: File>(db: &Database<F>, found: &[Document], now_ms: u64) -> Result<Result<(), String>, Error> {
    let wrong = |what: &str| Ok(Err(format!("{what} tells something else than the scan")));
    let keys: Vec<&str> = found.iter().map(|document| document.key.as_str()).collect();
    if db.count(&Range::all())? != found.len() as u64 || db.keys(&Range::all())? != keys {
        return wrong("count or keys");
    }
    let reversed: Vec<Document> = db.scan(&Range::all().reverse())?.collect::<Result<_, _>>()?;
    if !reversed.iter().rev().eq(found) {
        return wrong("a scan backwards");
    }
    for document in found {
        if db.get_document(&document.key)?.as_ref() != Some(document) {
            return wrong("get");
        }
        if db.ttl(&document.key)? != document.ttl(now_ms) || db.ttl(&document.key)? == Ttl::Missing {
            return wrong("ttl");
        }
    }
    for index in 0..crate::operation::KEYS {
        let key = crate::operation::key(index);
        if keys.binary_search(&key.as_str()).is_err() && db.has(&key)? {
            return wrong("has");
        }
    }
    Ok(Ok(()))
}

fn compare_finds<F: File>(db: &Database<F>, found: &[Document]) -> Result<Result<(), String>, Error> {
    let entries: Vec<_> = found.iter().map(|document| (document.key.clone(), document.json.clone())).collect();
    for (path, condition, reverse) in QUESTIONS {
        let options = FindOptions { reverse, limit: None, ..FindOptions::default() };
        let expected = find_in(&entries, path, condition, options.clone());
        let answer = db.find(path, &Condition::parse(condition)?, &options)?;
        if answer != expected {
            return Ok(Err(format!("find {path} {condition}: {answer:?}, not {expected:?}")));
        }
    }
    Ok(Ok(()))
}

/// A state, for messages.
pub fn summary(state: &State) -> String {
    let newest = state.documents.values().map(|stored| stored.version).max().unwrap_or(0);
    let keys: Vec<&Arc<str>> = state.documents.keys().take(5).collect();
    format!("{} documents, the newest of version {newest}, first {keys:?}", state.documents.len())
}
