//! `load`: documents and indexes from lines of JSON, as `{"collection": ..., "key": ..., "value": ..., "expires": ...}` and
//! `{"collection": ..., "index": ...}`.
//!
//! Lines between the first line of a [dump](crate::dump) and its last are counted and compared with the last one. Input that
//! ends before it, and input without any line, is incomplete: the program that wrote it has failed. Other lines need no
//! enclosing ones.

use crate::command::Answer;
use crate::command::Db;
use crate::command::Request;
use crate::dump;
use crate::failure::Failure;
use crate::lines::Lines;
use crate::output::Output;
use crate::tally::Tally;
use crate::target::STREAM;
use base64ct::{Base64, Encoding};
use ferrolite::wording::json_text;
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
    /// The version of a dump that begins.
    dump: Option<u64>,
    end: Option<End>,
}

/// The last line of a dump.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    documents: u64,
    indexes: u64,
    checksum: String,
}

/// The request of a line.
enum Wanted {
    Document(Loaded),
    Index { collection: Option<String>, spec: IndexSpec },
    BeginDump,
    EndDump(End),
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

/// The content of a document.
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
    /// The content of the dump that is being read.
    dump: Option<Tally>,
    /// True if lines may be missing, by `--allow-incomplete`.
    allow_incomplete: bool,
    progress: Option<Progress>,
}

/// A line on the terminal that shows the progress.
struct Progress {
    started: Instant,
    shown: Instant,
}

impl Source {
    /// The file that `request` names, or standard input for `-` and for none.
    pub fn open(request: &Request) -> Result<Self, Failure> {
        let name = request.words.first().map_or(STREAM, String::as_str);
        let (name, mut reader): (_, Box<dyn BufRead>) = if name == STREAM {
            ("standard input", Box::new(io::stdin().lock()))
        } else {
            let file = File::open(name).map_err(|error| Failure::reading(name, &error))?;
            (name, Box::new(BufReader::with_capacity(64 << 10, file)))
        };
        // Waits for the first bytes, so that a program that fails before it writes any leads to no database.
        let is_empty = reader.fill_buf().map_err(|error| Failure::reading(name, &error))?.is_empty();
        if is_empty && !request.allow_incomplete {
            return Err(without_lines().at(name));
        }
        Ok(Self(Lines::new(reader, name)))
    }
}

fn without_lines() -> Failure {
    let message = "the input is empty: the program that writes it may have failed; --allow-incomplete loads nothing";
    Failure::input(ErrorCode::InvalidValue, message)
}

/// Stores what `source` holds. At a line that cannot be used it stops; what stood before it is kept.
pub fn run(db: &mut Db, request: &Request, source: Source, output: &mut Output) -> Result<Answer, Failure> {
    let Source(mut lines) = source;
    let progress = io::stderr().is_terminal().then(Progress::new);
    let (name, collection) = (lines.name().to_owned(), request.collection.as_deref());
    let allow_incomplete = request.allow_incomplete;
    let (batch, dump) = (Vec::new(), None);
    let mut load = Load { db, collection, name, batch, batch_bytes: 0, kept: 0, dump, allow_incomplete, progress };
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
        let mut is_empty = true;
        loop {
            let next = lines.next().and_then(|text| text.map(|text| self.wanted(text)).transpose());
            let number = lines.number;
            match next.map_err(|failure| self.at_line(number, failure))? {
                None => return self.check_end(is_empty),
                Some(Wanted::BeginDump | Wanted::EndDump(_)) => {}
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
            is_empty = false;
            if self.batch.len() >= BATCH_DOCUMENTS || self.batch_bytes >= BATCH_BYTES {
                self.commit()?;
            }
        }
    }

    /// Returns the step that a line asks for, after counting it as a part of its dump.
    fn wanted(&mut self, text: &str) -> Result<Wanted, Failure> {
        let wanted = parse(text)?;
        match (&wanted, self.dump.as_mut()) {
            (Wanted::BeginDump, before) => {
                if before.is_some() && !self.allow_incomplete {
                    return Err(incomplete("another dump begins before the last line of this one"));
                }
                self.dump.insert(Tally::default()).add(text);
            }
            (Wanted::EndDump(_), None) if !self.allow_incomplete => {
                return Err(incomplete("its first line is missing"));
            }
            (Wanted::EndDump(end), Some(tally)) => {
                if !self.allow_incomplete {
                    end.check(tally)?;
                }
                self.dump = None;
            }
            (Wanted::Document(_), Some(tally)) => {
                tally.add(text);
                tally.documents += 1;
            }
            (Wanted::Index { .. }, Some(tally)) => {
                tally.add(text);
                tally.indexes += 1;
            }
            (_, None) => {}
        }
        Ok(wanted)
    }

    /// Fails at the end of the input if lines are missing.
    fn check_end(&self, is_empty: bool) -> Result<(), Failure> {
        match &self.dump {
            _ if self.allow_incomplete => Ok(()),
            Some(_) => Err(incomplete("it ends before its last line").at(&self.name)),
            None if is_empty => Err(without_lines().at(&self.name)),
            None => Ok(()),
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
        failure.blaming_input().at(format!("{}, line {number}", self.name)).detail("line", number)
    }
}

impl End {
    /// Compares the last line of a dump with the lines before it.
    fn check(&self, found: &Tally) -> Result<(), Failure> {
        let Self { documents, indexes, checksum } = self;
        if (*documents, *indexes) != (found.documents, found.indexes) {
            return Err(incomplete(&format!(
                "it has {} of {documents} documents and {} of {indexes} indexes",
                found.documents, found.indexes
            )));
        }
        match *checksum == found.checksum() {
            true => Ok(()),
            false => Err(incomplete("its lines are not those that `dump` has written")),
        }
    }
}

fn incomplete(reason: &str) -> Failure {
    let message =
        format!("the dump is not complete: {reason}; dump again, or load what is here with --allow-incomplete");
    Failure::input(ErrorCode::InvalidValue, message)
}

/// Parses the request of a line. The caller adds the number of the line.
fn parse(text: &str) -> Result<Wanted, Failure> {
    let invalid = |reason: &str| {
        let message = format!("not a document as {{\"key\": \"a\", \"value\": 1}}: {reason}");
        Failure::input(ErrorCode::InvalidValue, message)
    };
    let Line { collection, key, value, bytes, expires, index, dump, end } =
        serde_json::from_str(text).map_err(|error| invalid(&json_text(text, &error)))?;
    let is_content = collection.is_some() || key.is_some() || value.is_some() || bytes.is_some() || index.is_some();
    match (dump, end) {
        (None, None) => {}
        (Some(dump::VERSION), None) if !is_content => return Ok(Wanted::BeginDump),
        (None, Some(end)) if !is_content => return Ok(Wanted::EndDump(end)),
        (Some(version), None) if !is_content => {
            let message = format!("a dump of version {version} cannot be read; use a newer version of ferrolite");
            return Err(Failure::input(ErrorCode::InvalidValue, message));
        }
        _ => return Err(invalid("it is a document and the first or last line of a dump")),
    }
    let collection = collection.map(Cow::into_owned);
    if let Some(spec) = index {
        if key.is_some() || value.is_some() || bytes.is_some() || expires.is_some() {
            return Err(invalid("it is an index and a document"));
        }
        return Ok(Wanted::Index { collection, spec: IndexSpec::parse(spec.get())? });
    }
    let key = key.ok_or_else(|| invalid("the field `key` is missing"))?.into_owned();
    let value = match (value, bytes) {
        (Some(json), None) => Value::Json(json.get().to_owned()),
        (None, Some(text)) => {
            Value::Bytes(Base64::decode_vec(&text).map_err(|_| invalid("its bytes are not in base64"))?)
        }
        _ => return Err(invalid("the field `value` is missing, or `bytes` in base64")),
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
        show(&format!("\r{documents} documents, {:.0} a second\x1b[K", documents as f64 / seconds));
    }
}

/// Prints a part of a line on standard error, where it can be written.
fn show(text: &str) {
    io::stderr().write_all(text.as_bytes()).ok();
}

impl Drop for Progress {
    /// Leaves the line to what comes next.
    fn drop(&mut self) {
        show("\r\x1b[K");
    }
}
