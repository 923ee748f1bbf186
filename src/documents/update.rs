//! Verbs that read a document and write it in one commit. They keep a time to live that the document has.

use super::error::{Error, Result, abbreviate};
use super::key::{check_key, document_key};
use super::latencies::Verb;
use super::ordering::{Unencodable, encode};
use super::patch::{self, Patch};
use super::transaction::Expiry;
use super::write::is_live;
use super::{Database, index_entry, json};
use crate::engine::{Batch, Entry};
use crate::fs::File;
use std::time::Duration;

/// Under which conditions a document is written, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetOptions {
    /// Time to live. `None` clears the one that the key had.
    pub ttl: Option<Duration>,
    /// Only if the document at the key has this version; 0 stands for no document.
    pub if_version: Option<u64>,
    /// Only if there is no document at the key.
    pub if_absent: bool,
}

impl<F: File> Database<F> {
    /// Stores JSON text at `key` if the conditions of `options` hold, and returns the document's version.
    ///
    /// # Errors
    /// `Conflict` when a condition does not hold; as [`Database::set_ex`].
    ///
    /// ```
    /// # use ferrolite::{Database, ErrorCode, Options, SetOptions, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let absent = SetOptions { if_absent: true, ..SetOptions::default() };
    /// let version = db.set_json_with("draft", r#"{"text": ""}"#, absent)?;
    /// let unchanged = SetOptions { if_version: Some(version), ..SetOptions::default() };
    /// db.set_json_with("draft", r#"{"text": "Dear"}"#, unchanged)?;
    /// let error = db.set_json_with("draft", r#"{"text": "Hello"}"#, unchanged).unwrap_err();
    /// assert_eq!(error.code(), ErrorCode::Conflict);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn set_json_with(&mut self, key: &str, json: &str, options: SetOptions) -> Result<u64> {
        self.measured_mut(Verb::Set, |db| db.set_if(key, json, options))
    }

    fn set_if(&mut self, key: &str, json: &str, options: SetOptions) -> Result<u64> {
        check_key(key)?;
        json::check_document(key, json)?;
        let old = self.live(key)?;
        let version = old.as_ref().map_or(0, |old| old.seq);
        if options.if_absent && old.is_some() {
            return Err(conflict(key, format!("there is a document already, of version {version}")));
        }
        if let Some(expected) = options.if_version.filter(|&expected| expected != version) {
            return Err(conflict(key, format!("its version is {version}, not {expected}")));
        }
        self.put(key, json, options.ttl.map_or(Expiry::Never, Expiry::After))
    }

    /// Adds `by` to the integer at `key`, and returns the sum. Where there is no document it counts from 0. Exact over
    /// all of -2^63 to 2^63 - 1.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no integer in this range or the sum is not; else as [`Database::set`].
    pub fn increment(&mut self, key: &str, by: i64) -> Result<i64> {
        self.measured_mut(Verb::Increment, |db| db.add(key, by))
    }

    fn add(&mut self, key: &str, by: i64) -> Result<i64> {
        check_key(key)?;
        let old = self.live(key)?;
        let count = match &old {
            Some(old) => {
                let text = json::text_of(key, &old.value)?.trim();
                text.parse().map_err(|_| Error::invalid_document(key, "it is not an integer of 64 bits"))?
            }
            None => 0_i64,
        };
        let sum = count.checked_add(by);
        let sum = sum.ok_or_else(|| Error::invalid_document(key, format!("{count} + {by} is not within 64 bits")))?;
        self.write_over(key, old.as_ref(), &sum.to_string())?;
        Ok(sum)
    }

    /// Stores `next` at `key` if the document there is `expected`, both JSON text; `None` stands for no document. Values
    /// are compared, not texts: 1 is 1.0, and the order of fields does not matter. Whether it was stored.
    ///
    /// # Errors
    /// `InvalidValue`; as [`Database::set`].
    pub fn compare_and_swap_json(&mut self, key: &str, expected: Option<&str>, next: Option<&str>) -> Result<bool> {
        self.measured_mut(Verb::CompareAndSwap, |db| db.swap(key, expected, next))
    }

    fn swap(&mut self, key: &str, expected: Option<&str>, next: Option<&str>) -> Result<bool> {
        check_key(key)?;
        for text in expected.iter().chain(&next) {
            json::check_document(key, text)?;
        }
        let old = self.live(key)?;
        let found = old.as_ref().map(|old| json::text_of(key, &old.value)).transpose()?;
        let is_expected = match (found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => is_equal(key, found, expected)?,
            _ => false,
        };
        if is_expected {
            match next {
                Some(next) => drop(self.write_over(key, old.as_ref(), next)?),
                None => drop(self.delete(key)?),
            }
        }
        Ok(is_expected)
    }

    /// Stores JSON text at `key`, as [`Database::set_json`], and returns the text that was there.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn get_and_set_json(&mut self, key: &str, json: &str) -> Result<Option<String>> {
        self.measured_mut(Verb::GetAndSet, |db| db.replace(key, json))
    }

    fn replace(&mut self, key: &str, json: &str) -> Result<Option<String>> {
        check_key(key)?;
        let old = self.live(key)?;
        let text = old.map(|old| json::text_of(key, &old.value).map(str::to_owned)).transpose()?;
        self.set_json(key, json)?;
        Ok(text)
    }

    /// Moves the document at `from`, with its time to live, to `to`, over one that may be there. False when there is none.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<bool> {
        self.measured_mut(Verb::Rename, |db| db.move_document(from, to))
    }

    fn move_document(&mut self, from: &str, to: &str) -> Result<bool> {
        check_key(from)?;
        check_key(to)?;
        let Some(old) = self.live(from)? else { return Ok(false) };
        if from == to {
            return Ok(true);
        }
        let text = json::text_of(from, &old.value)?;
        let mut batch = Batch::new();
        index_entry::stage(&self.catalog, &mut batch, from, Some(&old), None)?;
        batch.delete(document_key(from));
        self.stage(&mut batch, to, Some((text, old.expires_at)))?;
        self.apply(batch)?;
        Ok(true)
    }

    /// Changes the document at `key` by a JSON Patch (RFC 6902): JSON text of an array of operations. All are done, or
    /// none. What they do not touch keeps its text. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; `Conflict` when an operation cannot be done or a test fails; as [`Database::set`].
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_json("user:1", r#"{"name":"alice","age":30}"#)?;
    /// db.patch("user:1", r#"[{"op":"replace","path":"/age","value":31}]"#)?;
    /// db.merge_patch("user:1", r#"{"name":null,"nick":"al"}"#)?;
    /// assert_eq!(db.get_json("user:1")?.unwrap(), r#"{"age":31,"nick":"al"}"#);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn patch(&mut self, key: &str, operations: &str) -> Result<bool> {
        self.measured_mut(Verb::Patch, |db| {
            let patch = Patch::parse(operations)?;
            db.update(key, |text| patch.apply(text))
        })
    }

    /// Changes the document at `key` by a JSON Merge Patch (RFC 7396): fields of `patch` take the place of those in the
    /// document, and those that are null go. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; as [`Database::set`].
    pub fn merge_patch(&mut self, key: &str, patch: &str) -> Result<bool> {
        self.measured_mut(Verb::Patch, |db| {
            json::check_text(patch).map_err(|error| Error::InvalidPatch { reason: error.to_string() })?;
            db.update(key, |text| patch::merge(text, patch))
        })
    }

    fn update(&mut self, key: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<bool> {
        check_key(key)?;
        let Some(old) = self.live(key)? else { return Ok(false) };
        let next = change(json::text_of(key, &old.value)?)?;
        json::check_length(next.len())?;
        self.write_over(key, Some(&old), &next)?;
        Ok(true)
    }

    /// What a verb that writes finds at `key`.
    fn live(&self, key: &str) -> Result<Option<Entry>> {
        self.writable()?;
        let now_ms = self.engine.now_ms();
        Ok(self.stored(key)?.filter(|old| is_live(old, now_ms)))
    }

    /// Writes over `old`, which keeps its expiry.
    fn write_over(&mut self, key: &str, old: Option<&Entry>, json: &str) -> Result<u64> {
        let expires_at = old.and_then(|old| old.expires_at);
        let mut batch = Batch::new();
        self.stage(&mut batch, key, Some((json, expires_at)))?;
        self.apply(batch)
    }
}

/// Whether two JSON texts are the same value.
fn is_equal(key: &str, found: &str, expected: &str) -> Result<bool> {
    if found == expected {
        return Ok(true);
    }
    match (encode(found), encode(expected)) {
        (Ok(found), Ok(expected)) => Ok(found == expected),
        (Err(Unencodable::NotJson), _) => Err(json::damaged(key, "it is not JSON")),
        _ => Err(Error::invalid_document(key, "what is compared is nested too deep")),
    }
}

fn conflict(key: &str, reason: String) -> Error {
    Error::Conflict { reason: format!("the document {}: {reason}", abbreviate(key)) }
}
