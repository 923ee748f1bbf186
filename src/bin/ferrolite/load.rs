//! `load`: documents and indexes from lines of JSON, as `{"collection": ..., "key": ..., "value": ..., "expires": ...}` and
//! `{"collection": ..., "index": ...}`.

use crate::arguments::Request;
use crate::failure::Failure;
use crate::lines::Lines;
use crate::output::Output;
use crate::session::Db;
use crate::verbs::Answer;
use base64ct::{Base64, Encoding};
use ferrolite::{Error, ErrorCode, IndexSpec, Transaction};
use serde::{Deserialize, Deserializer};
use serde_json::json;
use serde_json::value::RawValue;
use std::borrow::Cow;
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
    collection: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    /// In base64.
    #[serde(borrow)]
    bytes: Option<Cow<'a, str>>,
    /// Milliseconds since 1970.
    expires: Option<u64>,
    #[serde(borrow)]
    index: Option<&'a RawValue>,
}

/// What a line asks for.
enum Wanted {
    Document(Loaded),
    Index { collection: Option<String>, spec: IndexSpec },
}

/// A value that is there, also when it is null.
fn present<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// A document from line `number`.
struct Loaded {
    number: u64,
    collection: Option<String>,
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
    /// The collection of lines that name none.
    collection: Option<&'a str>,
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
pub fn run(db: &mut Db, request: &Request, source: Source, output: &mut Output) -> Result<Answer, Failure> {
    let Source(mut lines) = source;
    let progress = io::stderr().is_terminal().then(Progress::new);
    let (name, collection) = (lines.name().to_owned(), request.collection.as_deref());
    let mut load = Load { db, collection, name, batch: Vec::new(), batch_bytes: 0, kept: 0, progress };
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
            match next.map_err(|failure| self.at_line(number, failure))? {
                None => return Ok(()),
                Some(Wanted::Document(mut document)) => {
                    document.number = number;
                    self.batch_bytes += document.key.len() + document.value.len();
                    self.batch.push(document);
                }
                Some(Wanted::Index { collection, spec }) => {
                    self.commit()?;
                    let created = self.create_index(collection.as_deref(), spec);
                    created.map_err(|error| self.at_line(number, error.into()))?;
                }
            }
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
        let transaction = match transaction_of(good, self.collection) {
            Ok(transaction) => transaction,
            Err((index, failure)) => {
                refused = batch.get(index).map(|document| self.at_line(document.number, failure));
                good = batch.get(..index).unwrap_or_default();
                transaction_of(good, self.collection).map_err(|(_, failure)| failure)?
            }
        };
        self.db.commit(transaction)?;
        self.kept += good.len() as u64;
        if let Some(progress) = &mut self.progress {
            progress.show(self.kept);
        }
        refused.map_or(Ok(()), Err)
    }

    fn create_index(&mut self, collection: Option<&str>, spec: IndexSpec) -> Result<bool, Error> {
        match collection.or(self.collection) {
            Some(name) => self.db.collection_mut(name)?.create_index(spec),
            None => self.db.create_index(spec),
        }
    }

    fn at_line(&self, number: u64, failure: Failure) -> Failure {
        failure.at(format!("{}, line {number}", self.name)).detail("line", number)
    }
}

/// What a line asks for; which line it is has to be added.
fn parse(text: &str) -> Result<Wanted, Failure> {
    let invalid = |reason: &str| {
        let message = format!("not a document as {{\"key\": \"a\", \"value\": 1}}: {reason}");
        Failure::input(ErrorCode::InvalidValue, message)
    };
    let Line { collection, key, value, bytes, expires, index } =
        serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    let collection = collection.map(Cow::into_owned);
    if let Some(spec) = index {
        if key.is_some() || value.is_some() || bytes.is_some() || expires.is_some() {
            return Err(invalid("it is an index and a document"));
        }
        return Ok(Wanted::Index { collection, spec: IndexSpec::parse(spec.get())? });
    }
    let key = key.ok_or_else(|| invalid("missing field `key`"))?.into_owned();
    let value = match (value, bytes) {
        (Some(json), None) => Value::Json(json.get().to_owned()),
        (None, Some(text)) => {
            Value::Bytes(Base64::decode_vec(&text).map_err(|_| invalid("its bytes are not in base64"))?)
        }
        _ => return Err(invalid("missing field `value`, or `bytes` in base64")),
    };
    Ok(Wanted::Document(Loaded { number: 0, collection, key, value, expires }))
}

/// The transaction that stores `documents`, those without a collection in `collection`; or the first that cannot be
/// stored, by its place among them.
fn transaction_of(documents: &[Loaded], collection: Option<&str>) -> Result<Transaction, (usize, Failure)> {
    let mut transaction = Transaction::new();
    for (index, document) in documents.iter().enumerate() {
        let Loaded { key, value, .. } = document;
        let placed = match document.collection.as_deref().or(collection) {
            Some(name) => transaction.collection(name),
            None => Ok(transaction.default_collection()),
        };
        let more = placed.and_then(|transaction| match (value, document.expires) {
            (Value::Json(json), None) => transaction.set_json(key, json),
            (Value::Json(json), Some(expires_at)) => transaction.set_until_json(key, json, expires_at),
            (Value::Bytes(bytes), None) => transaction.set_bytes(key, bytes, None),
            (Value::Bytes(bytes), Some(expires_at)) => transaction.set_until_bytes(key, bytes, expires_at),
        });
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
