//! Verbs that read a document and write it in one commit. They keep a time to live that the document has.

use super::error::{Error, Result, abbreviate};
use super::key::check_key;
use super::ordering::{Unencodable, encode};
use super::patch::{self, Patch};
use super::transaction::Expiry;
use super::write::{NewDocument, NewValue, is_live};
use super::{Collection, Database, index_entry, json};
use crate::engine::{Batch, Entry};
use crate::fs::File;
use std::borrow::Cow;
use std::ops::DerefMut;
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

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// As [`Database::set_json_with`].
    pub fn set_json_with(&mut self, key: &str, json: &str, options: SetOptions) -> Result<u64> {
        check_key(key)?;
        json::check_document(key, json)?;
        self.check_conditions(key, options)?;
        self.put(key, NewValue::Json(json), options.ttl.map_or(Expiry::Never, Expiry::After))
    }

    /// Fails when a condition of `options` does not hold.
    pub(super) fn check_conditions(&self, key: &str, options: SetOptions) -> Result<()> {
        if !options.if_absent && options.if_version.is_none() {
            return Ok(());
        }
        let old = self.live(key)?;
        let version = old.as_ref().map_or(0, |old| old.seq);
        if options.if_absent && old.is_some() {
            return Err(conflict(key, format!("there is a document already, of version {version}")));
        }
        if let Some(expected) = options.if_version.filter(|&expected| expected != version) {
            return Err(conflict(key, format!("its version is {version}, not {expected}")));
        }
        Ok(())
    }

    /// As [`Database::increment`].
    pub fn increment(&mut self, key: &str, by: i64) -> Result<i64> {
        check_key(key)?;
        let old = self.live(key)?;
        let count = match &old {
            Some(old) => {
                let text = self.database.text_of(self.id, key, old)?;
                text.trim().parse().map_err(|_| Error::invalid_document(key, "it is not an integer of 64 bits"))?
            }
            None => 0_i64,
        };
        let sum = count.checked_add(by);
        let sum = sum.ok_or_else(|| Error::invalid_document(key, format!("{count} + {by} is not within 64 bits")))?;
        self.write_over(key, old.as_ref(), &sum.to_string())?;
        Ok(sum)
    }

    /// As [`Database::compare_and_swap_json`].
    pub fn compare_and_swap_json(&mut self, key: &str, expected: Option<&str>, next: Option<&str>) -> Result<bool> {
        check_key(key)?;
        for text in expected.iter().chain(&next) {
            json::check_document(key, text)?;
        }
        let old = self.live(key)?;
        let found = old.as_ref().map(|old| self.database.text_of(self.id, key, old)).transpose()?;
        let is_expected = match (found, expected) {
            (None, None) => true,
            (Some(found), Some(expected)) => is_equal(key, &found, expected)?,
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

    /// As [`Database::get_and_set_json`].
    pub fn get_and_set_json(&mut self, key: &str, json: &str) -> Result<Option<String>> {
        check_key(key)?;
        let old = self.live(key)?;
        let text = old.map(|old| self.database.text_of(self.id, key, &old).map(Cow::into_owned)).transpose()?;
        self.set_json(key, json)?;
        Ok(text)
    }

    /// As [`Database::rename`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<bool> {
        check_key(from)?;
        check_key(to)?;
        let Some(old) = self.live(from)? else { return Ok(false) };
        if from == to {
            return Ok(true);
        }
        let text = self.database.indexed_text_of(self.id, from, &old)?;
        let mut batch = Batch::new();
        // Its parts stay: they are those of the new key.
        let indexed = text.as_deref().map(|text| (text, old.expires_at));
        index_entry::stage(&self.database.catalog, self.id, &mut batch, from, indexed, None)?;
        batch.delete(self.id.document_key(from));
        let new = NewDocument { value: NewValue::Moved(&old, text.as_deref()), expires_at: old.expires_at };
        self.database.stage(&mut batch, self.id, to, Some(new))?;
        self.database.apply(batch)?;
        Ok(true)
    }

    /// As [`Database::patch`].
    pub fn patch(&mut self, key: &str, operations: &str) -> Result<bool> {
        let patch = Patch::parse(operations)?;
        self.update(key, |text| patch.apply(text))
    }

    /// As [`Database::merge_patch`].
    pub fn merge_patch(&mut self, key: &str, patch: &str) -> Result<bool> {
        json::check_text(patch).map_err(|error| Error::InvalidPatch { reason: error.to_string() })?;
        self.update(key, |text| patch::merge(text, patch))
    }

    fn update(&mut self, key: &str, change: impl FnOnce(&str) -> Result<String>) -> Result<bool> {
        check_key(key)?;
        let Some(old) = self.live(key)? else { return Ok(false) };
        let next = change(&self.database.text_of(self.id, key, &old)?)?;
        json::check_length(next.len())?;
        self.write_over(key, Some(&old), &next)?;
        Ok(true)
    }

    /// What a verb that writes finds at `key`.
    fn live(&self, key: &str) -> Result<Option<Entry>> {
        self.database.writable()?;
        let now_ms = self.database.engine.now_ms();
        Ok(self.database.stored(self.id, key)?.filter(|old| is_live(old, now_ms)))
    }

    /// Writes over `old`, which keeps its expiry.
    fn write_over(&mut self, key: &str, old: Option<&Entry>, json: &str) -> Result<u64> {
        let expires_at = old.and_then(|old| old.expires_at);
        let collection = self.create()?;
        let mut batch = Batch::new();
        self.database.stage(&mut batch, collection, key, Some(NewDocument::json(json, expires_at)))?;
        self.database.apply(batch)
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
