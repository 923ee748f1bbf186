//! `load`: documents from lines of JSON, `{"key": ..., "value": ..., "expires": ...}`.

use crate::arguments::Request;
use crate::base64;
use crate::failure::Failure;
use crate::lines::Lines;
use crate::output::Output;
use crate::session::Db;
use crate::verbs::Answer;
use ferrolite::{ErrorCode, Transaction};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};
use std::time::{Duration, Instant};

/// A commit takes this many documents at most: enough that its flush hardly counts.
const BATCH_DOCUMENTS: usize = 1000;
/// A commit is written when it has this many bytes, so that memory stays bounded.
const BATCH_BYTES: usize = 1 << 20;
/// How often the progress line changes.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// Where lines come from.
pub struct Source(Lines<Box<dyn BufRead>>);

/// One line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    /// In base64.
    #[serde(borrow)]
    bytes: Option<Cow<'a, str>>,
    /// Milliseconds since 1970.
    expires: Option<u64>,
}

/// A value that is there, also when it is null.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A document from line `number`.
struct Loaded {
    number: u64,
    key: String,
    value: Value,
    expires: Option<u64>,
}

/// What a document holds.
enum Value {
    Json(String),
    Bytes(Vec<u8>),
}

impl Value {
    fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.len(),
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// Documents on their way into the database.
struct Load<'a> {
    db: &'a mut Db,
    name: String,
    batch: Vec<Loaded>,
    batch_bytes: usize,
    /// How many documents were committed.
    kept: u64,
    progress: Option<Progress>,
}

/// A line on the terminal that tells how far the work has come.
struct Progress {
    started: Instant,
    shown: Instant,
}

impl Source {
    /// The file that `request` names, or standard input for `-` and for none.
    pub fn open(request: &Request) -> Result<Self, Failure> {
        let name = request.words.first().map_or("-", String::as_str);
        if name == "-" {
            let reader: Box<dyn BufRead> = Box::new(io::stdin().lock());
            return Ok(Self(Lines::new(reader, "standard input")));
        }
        let file = File::open(name).map_err(|error| Failure::reading(name, &error))?;
        Ok(Self(Lines::new(Box::new(BufReader::with_capacity(64 << 10, file)), name)))
    }
}

/// Stores what `source` holds. At a line that cannot be used it stops; what stood before it is kept.
pub fn run(db: &mut Db, source: Source, output: &mut Output) -> Result<Answer, Failure> {
    let Source(mut lines) = source;
    let progress = io::stderr().is_terminal().then(Progress::new);
    let mut load = Load { db, name: lines.name().to_owned(), batch: Vec::new(), batch_bytes: 0, kept: 0, progress };
    let read = load.all(&mut lines);
    // The good lines before a bad one are kept, those of the last batch too.
    let committed = load.commit();
    let kept = load.kept;
    drop(load.progress);
    if let Err(failure) = committed.and(read) {
        let remark = format!("({kept} documents before it were kept)");
        return Err(failure.with(remark).detail("loaded", kept));
    }
    output.answer(&json!({ "loaded": kept }), &format!("{kept} documents loaded"))?;
    Ok(Answer::Yes)
}

impl Load<'_> {
    fn all(&mut self, lines: &mut Lines<Box<dyn BufRead>>) -> Result<(), Failure> {
        loop {
            let next = match lines.next() {
                Ok(text) => text.map(parse).transpose(),
                Err(failure) => Err(failure),
            };
            let number = lines.number;
            let Some((key, value, expires)) = next.map_err(|failure| self.at_line(number, failure))? else {
                return Ok(());
            };
            self.batch_bytes += key.len() + value.len();
            self.batch.push(Loaded { number, key, value, expires });
            if self.batch.len() >= BATCH_DOCUMENTS || self.batch_bytes >= BATCH_BYTES {
                self.commit()?;
            }
        }
    }

    /// Commits the batch; of one with a document that cannot be stored, what stands before it.
    fn commit(&mut self) -> Result<(), Failure> {
        let batch = std::mem::take(&mut self.batch);
        self.batch_bytes = 0;
        let mut good = batch.as_slice();
        let mut refused = None;
        let transaction = match transaction_of(good) {
            Ok(transaction) => transaction,
            Err((index, failure)) => {
                refused = batch.get(index).map(|document| self.at_line(document.number, failure));
                good = batch.get(..index).unwrap_or_default();
                transaction_of(good).map_err(|(_, failure)| failure)?
            }
        };
        self.db.commit(transaction)?;
        self.kept += good.len() as u64;
        if let Some(progress) = &mut self.progress {
            progress.show(self.kept);
        }
        refused.map_or(Ok(()), Err)
    }

    fn at_line(&self, number: u64, failure: Failure) -> Failure {
        failure.at(format!("{}, line {number}", self.name)).detail("line", number)
    }
}

/// The key, value and expiry in a line.
fn parse(text: &str) -> Result<(String, Value, Option<u64>), Failure> {
    let invalid = |error: &dyn Display| {
        let message = format!("not a document as {{\"key\": \"a\", \"value\": 1}}: {error}");
        Failure::input(ErrorCode::InvalidValue, message)
    };
    let line: Line<'_> = serde_json::from_str(text).map_err(|error| invalid(&error))?;
    let value = match (line.value, line.bytes) {
        (Some(json), None) => Value::Json(json.get().to_owned()),
        (None, Some(text)) => {
            Value::Bytes(base64::decode(&text).ok_or_else(|| invalid(&"its bytes are not in base64"))?)
        }
        _ => return Err(invalid(&"missing field `value`, or `bytes` in base64")),
    };
    Ok((line.key.into_owned(), value, line.expires))
}

/// The transaction that stores `documents`; or the first that cannot be stored, by its place among them.
fn transaction_of(documents: &[Loaded]) -> Result<Transaction, (usize, Failure)> {
    let mut transaction = Transaction::new();
    for (index, Loaded { key, value, expires, .. }) in documents.iter().enumerate() {
        let more = match (value, *expires) {
            (Value::Json(json), None) => transaction.set_json(key, json),
            (Value::Json(json), Some(expires_at)) => transaction.set_until_json(key, json, expires_at),
            (Value::Bytes(bytes), None) => transaction.set_bytes(key, bytes, None),
            (Value::Bytes(bytes), Some(expires_at)) => transaction.set_until_bytes(key, bytes, expires_at),
        };
        transaction = more.map_err(|error| (index, error.into()))?;
    }
    Ok(transaction)
}

impl Progress {
    fn new() -> Self {
        let now = Instant::now();
        Self { started: now, shown: now }
    }

    fn show(&mut self, documents: u64) {
        let now = Instant::now();
        if now.duration_since(self.shown) < PROGRESS_INTERVAL {
            return;
        }
        self.shown = now;
        let seconds = now.duration_since(self.started).as_secs_f64();
        eprint!("\r{documents} documents, {:.0} a second\x1b[K", documents as f64 / seconds);
        let _ = io::stderr().flush();
    }
}

impl Drop for Progress {
    /// Leaves the line to what comes next.
    fn drop(&mut self) {
        eprint!("\r\x1b[K");
    }
}
