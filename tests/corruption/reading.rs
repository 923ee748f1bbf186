//! Reading everything, by every way there is.

use crate::samples::{FINAL_MS, Host};
use ferrolite::fs::FileSystem;
use ferrolite::{Condition, Database, Document, Encryption, Error, FindOptions, Options, Range};
use std::sync::Arc;

/// What is asked of every index, and of the same path where there is none.
const QUESTIONS: [(&str, &str, bool); 6] = [
    ("n", "3", false),
    ("n", r#"{"gte":2,"lt":5}"#, true),
    ("n", r#"{"gte":0}"#, false),
    ("s", r#"{"gt":"a"}"#, false),
    ("s", r#""b""#, true),
    ("s", "null", false),
];

/// What one call answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Document(Option<Document>),
    /// As many as there were before the error, if there was one.
    Documents(Vec<Document>),
    Keys(Vec<String>),
    Count(u64),
    /// What `check` has found.
    Problems(Vec<String>),
}

/// All that was answered, in an order that depends on the keys alone.
#[derive(Debug, Clone)]
pub struct Reading {
    pub version: u64,
    pub answers: Vec<(Answer, Option<Error>)>,
}

pub fn options(encryption: Option<Encryption>) -> Options {
    Options { read_only: true, create: false, cache_size: 16 << 10, encryption, ..Options::default() }
}

/// Opens the database, which must not be written, and reads everything.
pub fn read<F: FileSystem>(files: &F, keys: &[String], encryption: Option<Encryption>) -> Result<Reading, Error> {
    let host = Arc::new(Host::at(FINAL_MS));
    let db = pollster::block_on(Database::open_with(files, "db", options(encryption), host))?;
    let mut answers = Vec::new();
    for key in keys {
        answers.push(either(db.get_document(key), Answer::Document, || Answer::Document(None)));
    }
    for range in [Range::all(), Range::all().reverse(), Range::prefix("b/").limit(7)] {
        answers.push(scan(&db, &range));
        answers.push(either(db.keys(&range), Answer::Keys, || Answer::Keys(Vec::new())));
        answers.push(either(db.count(&range), Answer::Count, || Answer::Count(0)));
    }
    let indexes = db.indexes().iter().map(|index| format!("{} {}", index.path, index.ready)).collect();
    answers.push((Answer::Keys(indexes), None));
    for (path, condition, reverse) in QUESTIONS {
        let condition = Condition::parse(condition).expect("it is a condition");
        let found = db.find(path, &condition, &FindOptions { reverse, limit: None, ..FindOptions::default() });
        answers.push(either(found, Answer::Keys, || Answer::Keys(Vec::new())));
    }
    let report = db.check(true).map(|report| report.problems);
    answers.push(either(report, Answer::Problems, || Answer::Problems(Vec::new())));
    Ok(Reading { version: db.version(), answers })
}

fn either<T>(
    result: Result<T, Error>,
    answer: impl FnOnce(T) -> Answer,
    nothing: impl FnOnce() -> Answer,
) -> (Answer, Option<Error>) {
    match result {
        Ok(value) => (answer(value), None),
        Err(error) => (nothing(), Some(error)),
    }
}

fn scan<F: ferrolite::fs::File>(db: &Database<F>, range: &Range) -> (Answer, Option<Error>) {
    let mut found = Vec::new();
    let failure = db.scan(range).and_then(|scan| {
        for document in scan {
            found.push(document?);
        }
        Ok(())
    });
    (Answer::Documents(found), failure.err())
}
