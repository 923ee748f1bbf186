//! The answer to a message, put together as JSON bytes.

use crate::documents::{Document, Error, Result};
use serde::Serialize;

/// The longest answer, in bytes. JavaScript engines end strings at 512 MiB, some earlier.
const MAX_ANSWER: usize = 256 << 20;

/// A JSON array of results. Each begins with [`Answer::open`] and ends with one of the others.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    bytes: Vec<u8>,
    /// Where each result begins.
    results: Vec<usize>,
    /// Bytes that follow the JSON.
    attachments: Vec<Vec<u8>>,
    attached_bytes: usize,
    /// Where in the value of the result that is open attachments belong: `[...path, number]` each, joined.
    places: String,
    /// The row of an array that is being written, if there is an array, and the path to the array.
    row: Option<usize>,
    rows_at: &'static str,
}

/// A place in an answer to which it can be taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    len: usize,
    results: usize,
    attachments: usize,
}

impl Answer {
    /// The place before the next result.
    pub fn mark(&self) -> Mark {
        Mark { len: self.bytes.len(), results: self.results.len(), attachments: self.attachments.len() }
    }

    /// Starts a result that is a success; its value follows, and then [`Answer::close`].
    pub fn open(&mut self) {
        self.separate();
        self.text("[0,");
    }

    /// Ends a result.
    pub fn close(&mut self) {
        let places = std::mem::take(&mut self.places);
        if !places.is_empty() {
            self.text(&format!(",[{places}]"));
        }
        (self.rows_at, self.row) = ("", None);
        self.text("]");
    }

    /// Bytes as a result.
    pub fn bytes(&mut self, bytes: Vec<u8>) {
        self.separate();
        self.text(&format!("[3,{}]", self.attachments.len()));
        self.attach(bytes);
    }

    /// A document within the row that is being written, at `place` in it.
    pub fn document(&mut self, document: Document, place: &str) -> Result<()> {
        if document.bytes.is_none() {
            self.text(&document.json);
            return Ok(());
        }
        let separator = if self.places.is_empty() { "" } else { "," };
        let row = self.row.map(|row| format!("{row},")).unwrap_or_default();
        let (at, number) = (self.rows_at, self.attachments.len());
        self.places.push_str(&format!("{separator}[{at}{row}{place}{number}]"));
        self.attach(document.into_bytes()?);
        self.text("null");
        Ok(())
    }

    /// The rows that follow are at this path of the value: names as JSON, with a comma behind each.
    pub fn rows_at(&mut self, path: &'static str) {
        self.rows_at = path;
    }

    /// What follows is the element at `index` of the value, which is an array.
    pub fn at(&mut self, index: usize) {
        self.row = Some(index);
    }

    fn attach(&mut self, bytes: Vec<u8>) {
        self.attached_bytes += bytes.len();
        self.attachments.push(bytes);
    }

    /// A success without a value.
    pub fn done(&mut self) {
        self.separate();
        self.text("[0]");
    }

    /// A result that was told before.
    pub fn again(&mut self, result: &str) {
        self.separate();
        self.text(result);
    }

    /// A result that is written and has no attachments.
    pub fn result(&self, at: usize) -> &[u8] {
        let end = self.results.get(at + 1).map_or(self.bytes.len(), |next| next - 1);
        self.results.get(at).and_then(|&start| self.bytes.get(start..end)).unwrap_or_default()
    }

    /// Answers a call that continues as a task.
    pub fn pending(&mut self, task: u64) {
        self.separate();
        self.text(&format!("[2,{task}]"));
    }

    /// A success with a value.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.open();
        self.json(value)?;
        self.close();
        Ok(())
    }

    /// Replaces everything that was written of a result by the error.
    pub fn fail(&mut self, mark: Mark, error: &Error) {
        self.restore(mark);
        self.failure(error);
    }

    /// Puts the error in place of every result since `mark`.
    pub fn fail_since(&mut self, mark: Mark, error: &Error) {
        let failed = self.results.len() - mark.results;
        self.restore(mark);
        for _ in 0..failed {
            self.failure(error);
        }
    }

    /// Discards everything that was written since `mark`.
    pub fn restore(&mut self, mark: Mark) {
        self.bytes.truncate(mark.len);
        self.results.truncate(mark.results);
        self.places.clear();
        (self.rows_at, self.row) = ("", None);
        let gone: usize = self.attachments.drain(mark.attachments..).map(|bytes| bytes.len()).sum();
        self.attached_bytes -= gone;
    }

    /// JSON text, as it is.
    pub fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A value as JSON.
    pub fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        serde_json::to_writer(&mut self.bytes, value)
            .map_err(|error| Error::Internal { message: format!("a result is not JSON: {error}") })
    }

    /// A value that is an object, with one more field, `name`, which is JSON text.
    pub fn object_with<T: Serialize + ?Sized>(&mut self, object: &T, name: &str, json: &str) -> Result<()> {
        self.json(object)?;
        self.bytes.pop();
        self.text(&format!(",\"{name}\":"));
        self.text(json);
        self.text("}");
        Ok(())
    }

    /// A JSON array of what `items` yields, each written by `write`.
    pub fn array<T>(
        &mut self,
        items: impl IntoIterator<Item = Result<T>>,
        mut write: impl FnMut(&mut Self, T) -> Result<()>,
    ) -> Result<()> {
        self.text("[");
        for (index, item) in items.into_iter().enumerate() {
            if index > 0 {
                self.text(",");
            }
            self.row = Some(index);
            write(self, item?)?;
            let size = self.bytes.len() + self.attached_bytes;
            if size > MAX_ANSWER {
                let (size, limit) = (size as u64, MAX_ANSWER as u64);
                return Err(Error::TooLarge { what: "the result (read it with scan)".to_owned(), size, limit });
            }
        }
        self.text("]");
        Ok(())
    }

    /// A document with its key, as an array of the two.
    pub fn entry(&mut self, document: Document) -> Result<()> {
        self.text("[");
        self.json(&document.key)?;
        self.text(",");
        self.document(document, "1,")?;
        self.text("]");
        Ok(())
    }

    /// The whole answer.
    pub fn finish(mut self) -> Vec<u8> {
        if self.bytes.is_empty() {
            self.text("[");
        }
        self.text("]");
        if !self.attachments.is_empty() {
            self.bytes.push(0);
        }
        for attachment in self.attachments {
            // An answer is shorter than 4 GiB.
            self.bytes.extend_from_slice(&(attachment.len() as u32).to_le_bytes());
            self.bytes.extend_from_slice(&attachment);
        }
        self.bytes
    }

    /// The answer to a call that was first answered as pending: `[task, result]`, of the one result.
    pub fn finish_task(self, task: u64) -> Vec<u8> {
        let result = self.finish();
        let mut numbered = format!("[{task},").into_bytes();
        numbered.extend_from_slice(result.get(1..).unwrap_or_default());
        numbered
    }

    fn failure(&mut self, error: &Error) {
        self.separate();
        self.text("[1,");
        // A code and a text are always JSON.
        let _ = self.json(&Report::of(error));
        self.text("]");
    }

    fn separate(&mut self) {
        self.text(if self.results.is_empty() { "[" } else { "," });
        self.results.push(self.bytes.len());
    }
}

/// An error as it crosses into JavaScript.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    code: &'static str,
    message: String,
}

impl Report {
    pub fn of(error: &Error) -> Self {
        Self { code: error.code().as_str(), message: error.to_string() }
    }
}
