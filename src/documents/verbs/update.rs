//! Verbs that read a document and write it in one commit. They keep a time to live that the document has.

use super::set_options::SetOptions;
use super::write::{NewDocument, NewValue};
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::index::entry;
use crate::documents::json::ordering::{Unencodable, encode_exact};
use crate::documents::json::patch::{self, Patch};
use crate::documents::json::text;
use crate::documents::keyspace::key::check_key;
use crate::documents::stored::content::is_live;
use crate::documents::stored::document::Document;
use crate::documents::transaction::writes::Expiry;
use crate::engine::{Batch, Entry};
use crate::fs::File;
use std::borrow::Cow;
use std::ops::{Deref, DerefMut};

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// Returns the document that [`Collection::patch`] would store at `key`, with the version and expiry that it has now; `None` when
    /// there is none. To be looked at, and stored under [`SetOptions::if_version`](crate::SetOptions::if_version).
    ///
    /// # Errors
    /// As [`Collection::patch`].
    pub fn patched(&self, key: &str, operations: &str) -> Result<Option<Document>> {
        self.measured(Metric::Patch, || {
            let patch = Patch::parse(operations)?;
            self.changed(key, |text| patch.apply(text))
        })
    }

    /// Returns the document that [`Collection::merge_patch`] would store at `key`.
    ///
    /// # Errors
    /// As [`Collection::merge_patch`].
    pub fn merge_patched(&self, key: &str, patch: &str) -> Result<Option<Document>> {
        self.measured(Metric::Patch, || {
            text::check_text(patch).map_err(|reason| Error::InvalidPatch { reason })?;
            self.changed(key, |text| patch::merge(text, patch))
        })
    }

    fn changed(&self, key: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<Option<Document>> {
        let Some(document) = self.get_document(key)? else { return Ok(None) };
        Ok(Some(Document { json: change(&document.clone().into_json()?)?, ..document }))
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Stores JSON text at `key` if the conditions of `options` hold, and returns the document's version.
    ///
    /// # Errors
    /// `Conflict` when a condition does not hold; as [`Collection::set_ex`].
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
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            text::check_document(key, json)?;
            let expiry = documents.expiry_under(key, options)?;
            documents.put(key, NewValue::Json(json), expiry)
        })
    }

    /// When a document expires that is written under these options. Fails when a condition of theirs does not hold.
    pub(crate) fn expiry_under(&self, key: &str, options: SetOptions) -> Result<Expiry> {
        let must_know = options.if_absent || options.if_version.is_some() || options.keep_ttl;
        let old = if must_know { self.live(key)? } else { None };
        let version = old.as_ref().map_or(0, |old| old.seq);
        if options.if_absent && old.is_some() {
            return Err(conflict(key, format!("there is a document already, of version {version}")));
        }
        if let Some(expected) = options.if_version.filter(|&expected| expected != version) {
            return Err(conflict(key, format!("its version is {version}, not {expected}")));
        }
        match (options.ttl, old.and_then(|old| old.expires_at)) {
            (Some(_), _) if options.keep_ttl => {
                Err(Error::invalid_options("a time to live is given or kept, not both"))
            }
            (Some(ttl), _) => Ok(Expiry::After(ttl)),
            (None, Some(at)) if options.keep_ttl => Ok(Expiry::At(at)),
            (None, _) => Ok(Expiry::Never),
        }
    }

    /// Adds `by` to the integer at `key`, and returns the sum. Where there is no document it counts from 0. Exact over
    /// all of -2^63 to 2^63 - 1.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no integer in this range or the sum is not; else as [`Collection::set`].
    pub fn increment(&mut self, key: &str, by: i64) -> Result<i64> {
        self.measured_mut(Metric::Increment, |documents| {
            check_key(key)?;
            let old = documents.live(key)?;
            let count = match &old {
                Some(old) => {
                    let text = documents.database.text_of(documents.id, key, old)?;
                    text.trim()
                        .parse()
                        .map_err(|_| Error::unsuitable_document(key, "it is not an integer of 64 bits"))?
                }
                None => 0_i64,
            };
            let sum = count.checked_add(by);
            let sum =
                sum.ok_or_else(|| Error::invalid_document(key, format!("{count} + {by} is not within 64 bits")))?;
            documents.write_over(key, old.as_ref(), &sum.to_string())?;
            Ok(sum)
        })
    }

    /// Stores `next` at `key` if the document there is `expected`, both JSON text; `None` stands for no document. Values
    /// are compared, not texts: 1 is 1.0, and the order of fields does not matter. Whether it was stored.
    ///
    /// # Errors
    /// `InvalidValue`; as [`Collection::set`].
    pub fn compare_and_swap_json(&mut self, key: &str, expected: Option<&str>, next: Option<&str>) -> Result<bool> {
        self.measured_mut(Metric::CompareAndSwap, |documents| {
            check_key(key)?;
            for text in expected.iter().chain(&next) {
                text::check_document(key, text)?;
            }
            let old = documents.live(key)?;
            let found = old.as_ref().map(|old| documents.database.text_of(documents.id, key, old)).transpose()?;
            let is_expected = match (found, expected) {
                (None, None) => true,
                (Some(found), Some(expected)) => is_equal(key, &found, expected)?,
                _ => false,
            };
            if is_expected {
                match next {
                    Some(next) => drop(documents.write_over(key, old.as_ref(), next)?),
                    None => drop(documents.delete(key)?),
                }
            }
            Ok(is_expected)
        })
    }

    /// Stores JSON text at `key`, as [`Collection::set_json`], and returns the text that was there.
    ///
    /// # Errors
    /// As [`Collection::set`].
    pub fn get_and_set_json(&mut self, key: &str, json: &str) -> Result<Option<String>> {
        self.measured_mut(Metric::GetAndSet, |documents| {
            check_key(key)?;
            let old = documents.live(key)?;
            let text =
                old.map(|old| documents.database.text_of(documents.id, key, &old).map(Cow::into_owned)).transpose()?;
            documents.set_json(key, json)?;
            Ok(text)
        })
    }

    /// Moves the document at `from`, with its time to live, to `to`, over one that may be there. False when there is none.
    ///
    /// # Errors
    /// As [`Collection::set`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<bool> {
        self.measured_mut(Metric::Rename, |documents| {
            check_key(from)?;
            check_key(to)?;
            let Some(old) = documents.live(from)? else { return Ok(false) };
            if from == to {
                return Ok(true);
            }
            let text = documents.database.indexed_text_of(documents.id, from, &old)?;
            let mut batch = Batch::new();
            // Its parts stay: they are those of the new key.
            let indexed = text.as_deref().map(|text| (text, old.expires_at));
            entry::stage(&documents.database.catalog, documents.id, &mut batch, from, indexed, None)?;
            batch.delete(documents.id.document_key(from));
            let new = NewDocument { value: NewValue::Moved(&old, text.as_deref()), expires_at: old.expires_at };
            documents.database.stage(&mut batch, documents.id, to, Some(new))?;
            documents.database.apply(batch)?;
            Ok(true)
        })
    }

    /// Changes the document at `key` by a JSON Patch (RFC 6902): JSON text of an array of operations. All are done, or
    /// none. What they do not touch keeps its text. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; `Conflict` when an operation cannot be done, a test fails, or moves nest the document more than 512 deep;
    /// `TooLarge` when it copies more than 64 times the bytes of the document and the patch, and more than 1 MiB; as
    /// [`Collection::set`].
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
        self.measured_mut(Metric::Patch, |documents| {
            let patch = Patch::parse(operations)?;
            documents.update(key, |text| patch.apply(text))
        })
    }

    /// Changes the document at `key` by a JSON Merge Patch (RFC 7396): fields of `patch` take the place of those in the
    /// document, and those that are null go. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; as [`Collection::set`].
    pub fn merge_patch(&mut self, key: &str, patch: &str) -> Result<bool> {
        self.measured_mut(Metric::Patch, |documents| {
            text::check_text(patch).map_err(|reason| Error::InvalidPatch { reason })?;
            documents.update(key, |text| patch::merge(text, patch))
        })
    }

    fn update(&mut self, key: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<bool> {
        check_key(key)?;
        let Some(old) = self.live(key)? else { return Ok(false) };
        let next = change(&self.database.text_of(self.id, key, &old)?)?;
        text::check_length(next.len())?;
        self.write_over(key, Some(&old), &next)?;
        Ok(true)
    }

    /// Returns the stored entry that a write finds at `key`.
    fn live(&self, key: &str) -> Result<Option<Entry>> {
        self.database.writable()?;
        let now_ms = self.database.engine.now_ms();
        Ok(self.database.stored(self.id, key)?.filter(|old| is_live(old, now_ms)))
    }

    /// Writes over `old`, which keeps its expiry.
    fn write_over(&mut self, key: &str, old: Option<&Entry>, json: &str) -> Result<u64> {
        let expires_at = old.and_then(|old| old.expires_at);
        let mut batch = Batch::new();
        let collection = self.created_by(&mut batch)?;
        self.database.stage(&mut batch, collection, key, Some(NewDocument::json(json, expires_at)))?;
        self.apply_to(collection, batch)
    }
}

/// True if two JSON texts are the same value.
fn is_equal(key: &str, found: &str, expected: &str) -> Result<bool> {
    if found == expected {
        return Ok(true);
    }
    match (encode_exact(found), encode_exact(expected)) {
        (Ok(found), Ok(expected)) => Ok(found == expected),
        (Err(Unencodable::NotJson), _) => Err(text::damaged(key, "it is not JSON")),
        _ => Err(Error::invalid_document(key, "what is compared is nested too deep")),
    }
}

fn conflict(key: &str, reason: String) -> Error {
    Error::Conflict { reason: format!("the document {}: {reason}", abbreviate(key)) }
}
