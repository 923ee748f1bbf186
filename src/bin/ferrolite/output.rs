//! Answers on standard output, as text for people or one JSON value a line for programs.

use crate::failure::{Failure, tell};
use crate::tally::Tally;
use base64ct::{Base64, Encoding};
use ferrolite::{Blob, Document, ErrorCode, IndexInfo};
use serde::Serialize;
use serde_json::json;
use std::io::{self, BufWriter, StdoutLock, Write};
use std::slice;

/// Where answers go.
pub struct Output {
    out: BufWriter<StdoutLock<'static>>,
    json: bool,
    /// True if every question gets an answer, as in the REPL, or the exit code is enough of one.
    answers: bool,
}

impl Output {
    /// Standard output; with `json`, for programs.
    pub fn new(json: bool) -> Self {
        Self { out: BufWriter::with_capacity(64 << 10, io::stdout().lock()), json, answers: false }
    }

    /// From now on, every question gets an answer.
    pub fn answer_always(&mut self) {
        self.answers = true;
    }

    /// True if answers are JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&[text.as_bytes(), b"\n"])
    }

    /// Prints text without ending the line.
    pub fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&[text.as_bytes()])
    }

    /// Prints `value` as a line of JSON, or `text` for people.
    pub fn answer(&mut self, value: &impl Serialize, text: &str) -> Result<(), Failure> {
        if !self.json {
            return self.line(text);
        }
        let json = to_json(value);
        self.line(&json)
    }

    /// Confirms a success. People get `text` only in the REPL: on the command line no news is good news.
    pub fn confirm(&mut self, value: &impl Serialize, text: &str) -> Result<(), Failure> {
        if self.json || self.answers { self.answer(value, text) } else { Ok(()) }
    }

    /// Says that there is no `what`.
    pub fn missing(&mut self, what: &str, value: &impl Serialize) -> Result<(), Failure> {
        self.refuse(&format!("there is no {what}"), value, "(none)")
    }

    /// Prints that the answer is no: for people, `why` on the command line and `text` in the REPL.
    pub fn refuse(&mut self, why: &str, value: &impl Serialize, text: &str) -> Result<(), Failure> {
        if self.json || self.answers {
            return self.answer(value, text);
        }
        self.flush()?;
        tell(format_args!("ferrolite: {why}"));
        Ok(())
    }

    /// Says that there is no document at `key`.
    pub fn no_document(&mut self, key: &str) -> Result<(), Failure> {
        self.missing(&format!("document {}", to_json(key)), &json!({ "key": key }))
    }

    /// Prints a key.
    pub fn key(&mut self, key: &str) -> Result<(), Failure> {
        if self.json { self.line(&to_json(key)) } else { self.line(&plain(key)) }
    }

    /// Prints a document with its key: a tab between them for people.
    pub fn document(&mut self, document: &Document) -> Result<(), Failure> {
        if self.json {
            return self.line(&document_line("", document, true)?);
        }
        let value = match &document.bytes {
            Some(blob) => format!("({} bytes)", blob.length),
            None => one_line(&document.json),
        };
        self.write(&[plain(&document.key).as_bytes(), b"\t", value.as_bytes(), b"\n"])
    }

    /// Prints a line of a dump.
    pub fn dump_line(&mut self, line: &str, tally: &mut Tally) -> Result<(), Failure> {
        tally.add(line);
        self.line(line)
    }

    /// Writes bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.write(&[bytes])
    }

    /// Hands everything to the host.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(|error| Failure::printing(&error))
    }

    fn write(&mut self, parts: &[&[u8]]) -> Result<(), Failure> {
        parts.iter().try_for_each(|part| self.out.write_all(part)).map_err(|error| Failure::printing(&error))
    }
}

/// `value` as JSON. Only maps with keys that are not strings could fail, and there are none here.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|error| format!("{{\"error\":{:?}}}", error.to_string()))
}

/// A document as a line that `load` reads, and with its version if wanted. The default collection is not named.
pub fn document_line(collection: &str, document: &Document, with_version: bool) -> Result<String, Failure> {
    let mut line = begin_line(collection);
    line += &format!(r#""key":{}"#, to_json(&document.key));
    match &document.bytes {
        None => {
            line += r#","value":"#;
            line += &one_line(&document.json);
        }
        Some(Blob { bytes: Some(bytes), .. }) => {
            line += r#","bytes":""#;
            line += &Base64::encode_string(bytes);
            line.push('"');
        }
        Some(Blob { length, bytes: None }) => {
            let message = format!("{length} bytes at {} are too many for a line; use get-file", to_json(&document.key));
            return Err(Failure::input(ErrorCode::TooLarge, message));
        }
    }
    if let Some(expires_at) = document.expires_at {
        line += &format!(r#","expires":{expires_at}"#);
    }
    if with_version {
        line += &format!(r#","version":{}"#, document.version);
    }
    line.push('}');
    Ok(line)
}

/// An index as a line that `load` reads.
pub fn index_line(collection: &str, index: &IndexInfo) -> String {
    let spec = match index {
        IndexInfo { unique: false, multi: false, paths, path, .. } if paths.is_empty() => json!(path),
        IndexInfo { unique, multi, paths, path, .. } => {
            let paths = if paths.is_empty() { slice::from_ref(path) } else { paths };
            json!({ "paths": paths, "unique": unique, "multi": multi })
        }
    };
    format!(r#"{}"index":{spec}}}"#, begin_line(collection))
}

fn begin_line(collection: &str) -> String {
    match collection {
        "" => "{".to_owned(),
        name => format!(r#"{{"collection":{},"#, to_json(name)),
    }
}

/// JSON text without line breaks. They can only stand between its tokens: in strings they are escaped.
fn one_line(json: &str) -> String {
    json.trim().replace(['\n', '\r'], " ")
}

/// A key for people: as it is, or as a JSON string where it could be mistaken for something else.
fn plain(key: &str) -> String {
    let odd = key.starts_with('"') || key.contains(char::is_control);
    if odd { to_json(key) } else { key.to_owned() }
}

/// A size for people: `1.5 MiB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < UNITS.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS.get(unit).copied().unwrap_or_default())
}
