//! Writing documents. Each operation is one commit: the document and its index entries together.

use super::document::key_of;
use super::error::{Error, Result};
use super::index_entry;
use super::key::{check_key, document_key};
use super::latencies::Verb;
use super::read::View;
use super::scan::Scan;
use super::transaction::{Expiry, Transaction, Write};
use super::{Database, Range, json, serialize};
use crate::engine::{Batch, Entry};
use crate::fs::File;
use serde::Serialize;
use std::borrow::Borrow;
use std::time::Duration;

/// The largest transaction, in bytes of what is written, index entries included.
const MAX_TRANSACTION_SIZE: usize = 1 << 30;

/// Clock reading that sees documents whatever their expiry: what is overwritten or deleted may have expired, and
/// its index entries must go too.
const IGNORE_EXPIRY_MS: u64 = 0;

/// A document to be written: its text and its expiry.
type NewDocument<'a> = (&'a str, Option<u64>);

impl<F: File> Database<F> {
    /// Stores `value` at `key`, and returns the document's version. A time to live that the key had is cleared.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the value is not JSON (NaN, infinity, integers beyond 64 bits, map keys
    /// that are not strings); `TooLarge`; `ReadOnly`, `StorageFull`, `Failed`, `Io`.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<u64> {
        check_key(key)?;
        self.measured_mut(Verb::Set, |db| db.put(key, &serialize::to_json(key, value)?, Expiry::Never))
    }

    /// Stores JSON text at `key`, and returns the document's version. The text is kept as it is.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn set_json(&mut self, key: &str, json: &str) -> Result<u64> {
        check_key(key)?;
        self.measured_mut(Verb::Set, |db| {
            json::check_document(key, json)?;
            db.put(key, json, Expiry::Never)
        })
    }

    /// Stores `value` at `key` until `ttl` has passed, to the millisecond.
    ///
    /// # Errors
    /// As [`Database::set`], and `InvalidOptions` when the time is zero or ends beyond the year 9999.
    pub fn set_ex<T: Serialize + ?Sized>(&mut self, key: &str, value: &T, ttl: Duration) -> Result<u64> {
        check_key(key)?;
        self.measured_mut(Verb::Set, |db| db.put(key, &serialize::to_json(key, value)?, Expiry::After(ttl)))
    }

    /// Stores JSON text at `key` until `ttl` has passed.
    ///
    /// # Errors
    /// As [`Database::set_ex`].
    pub fn set_ex_json(&mut self, key: &str, json: &str, ttl: Duration) -> Result<u64> {
        check_key(key)?;
        self.measured_mut(Verb::Set, |db| {
            json::check_document(key, json)?;
            db.put(key, json, Expiry::After(ttl))
        })
    }

    /// Stores many documents in one atomic commit, and returns their version. Of several for one key the last
    /// one counts.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn set_many<K: AsRef<str>, T: Serialize>(
        &mut self,
        documents: impl IntoIterator<Item = (K, T)>,
    ) -> Result<u64> {
        let add = |transaction: Transaction, (key, value): (K, T)| transaction.set(key.as_ref(), &value);
        let transaction = documents.into_iter().try_fold(Transaction::new(), add)?;
        self.commit(transaction)
    }

    /// Stores many JSON texts in one atomic commit, and returns their version.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn set_many_json<K: AsRef<str>, J: AsRef<str>>(
        &mut self,
        documents: impl IntoIterator<Item = (K, J)>,
    ) -> Result<u64> {
        let add = |transaction: Transaction, (key, json): (K, J)| transaction.set_json(key.as_ref(), json.as_ref());
        let transaction = documents.into_iter().try_fold(Transaction::new(), add)?;
        self.commit(transaction)
    }

    /// Commits a transaction, and returns the version of what it wrote. One without writes changes nothing.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn commit(&mut self, transaction: Transaction) -> Result<u64> {
        self.measured_mut(Verb::Commit, |db| db.commit_writes(transaction.writes))
    }

    /// Commits writes by key. Those that are given away are dropped one by one, so that large ones are not held twice.
    pub(super) fn commit_writes<K: AsRef<str>, W: Borrow<Write>>(
        &mut self,
        writes: impl IntoIterator<Item = (K, W)>,
    ) -> Result<u64> {
        self.writable()?;
        let now_ms = self.engine.now_ms();
        let mut batch = Batch::new();
        for (key, write) in writes {
            let new = match write.borrow() {
                Write::Put { json, expiry } => Some((json.as_str(), expiry.resolve(now_ms)?)),
                Write::Delete => None,
            };
            self.stage(&mut batch, key.as_ref(), new)?;
        }
        self.apply_unless_empty(batch)
    }

    /// Deletes the document at `key`. False when there was none.
    ///
    /// # Errors
    /// `InvalidKey`, `ReadOnly`, `StorageFull`, `Failed`, `Corrupt`, `Io`.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.measured_mut(Verb::Delete, |db| db.delete_one(key))
    }

    fn delete_one(&mut self, key: &str) -> Result<bool> {
        check_key(key)?;
        self.writable()?;
        let now_ms = self.engine.now_ms();
        // An expired document is deleted too, so that a clock set back cannot bring it up again.
        let Some(old) = self.stored(key)? else {
            return Ok(false);
        };
        let mut batch = Batch::new();
        self.stage_over(&mut batch, key, Some(&old), None)?;
        self.apply(batch)?;
        Ok(is_live(&old, now_ms))
    }

    /// Deletes all documents in `range` in one atomic commit, and returns how many there were.
    ///
    /// # Errors
    /// `InvalidRange`, and as [`Database::delete`]; `TooLarge` when their keys do not fit into one commit.
    pub fn delete_range(&mut self, range: &Range) -> Result<u64> {
        self.measured_mut(Verb::DeleteRange, |db| db.delete_all(range))
    }

    fn delete_all(&mut self, range: &Range) -> Result<u64> {
        self.writable()?;
        let keys = range.document_keys()?;
        let now_ms = self.engine.now_ms();
        let view = View { at: self.engine.last_seq(), now_ms: IGNORE_EXPIRY_MS };
        let mut scan = Scan::new(&self.engine, &Range { limit: None, ..range.clone() }, keys, view)?;
        let (mut batch, mut deleted) = (Batch::new(), 0);
        while deleted < range.limit.unwrap_or(u64::MAX) {
            let Some((key, old)) = scan.next_entry()? else {
                break;
            };
            self.stage_over(&mut batch, key_of(&key)?, Some(&old), None)?;
            check_size(&batch)?;
            deleted += u64::from(is_live(&old, now_ms));
        }
        self.apply_unless_empty(batch)?;
        Ok(deleted)
    }

    /// Gives the document at `key` a time to live, from now on. False when there is no such document.
    ///
    /// # Errors
    /// As [`Database::set_ex`].
    pub fn expire(&mut self, key: &str, ttl: Duration) -> Result<bool> {
        self.measured_mut(Verb::Expire, |db| db.change_expiry(key, Expiry::After(ttl)))
    }

    /// Lets the document at `key` live for ever. False when there is no such document, or it had no time to live.
    ///
    /// # Errors
    /// As [`Database::delete`].
    pub fn persist(&mut self, key: &str) -> Result<bool> {
        self.measured_mut(Verb::Persist, |db| db.change_expiry(key, Expiry::Never))
    }

    /// Writes the live document at `key` again with another expiry; false when there is nothing to change.
    fn change_expiry(&mut self, key: &str, expiry: Expiry) -> Result<bool> {
        check_key(key)?;
        self.writable()?;
        let now_ms = self.engine.now_ms();
        let expires_at = expiry.resolve(now_ms)?;
        let Some(old) = self.stored(key)?.filter(|old| is_live(old, now_ms)) else {
            return Ok(false);
        };
        if expires_at.is_none() && old.expires_at.is_none() {
            return Ok(false);
        }
        let mut batch = Batch::new();
        let text = json::text_of(key, &old.value)?;
        self.stage_over(&mut batch, key, Some(&old), Some((text, expires_at)))?;
        self.apply(batch)?;
        Ok(true)
    }

    pub(super) fn put(&mut self, key: &str, json: &str, expiry: Expiry) -> Result<u64> {
        self.writable()?;
        let mut batch = Batch::new();
        self.stage(&mut batch, key, Some((json, expiry.resolve(self.engine.now_ms())?)))?;
        self.apply(batch)
    }

    /// Adds to `batch` what makes `new` the document at `key`. Each key is staged once a batch: what it
    /// replaces is read from the engine.
    pub(super) fn stage(&self, batch: &mut Batch, key: &str, new: Option<NewDocument<'_>>) -> Result<()> {
        let old = if self.catalog.has_indexes() { self.stored(key)? } else { None };
        self.stage_over(batch, key, old.as_ref(), new)?;
        check_size(batch)
    }

    /// The same when the old version has been read.
    fn stage_over(
        &self,
        batch: &mut Batch,
        key: &str,
        old: Option<&Entry>,
        new: Option<NewDocument<'_>>,
    ) -> Result<()> {
        index_entry::stage(&self.catalog, batch, key, old, new)?;
        match new {
            Some((json, expires_at)) => batch.put(document_key(key), json::stored(json), expires_at),
            None => batch.delete(document_key(key)),
        }
        Ok(())
    }

    /// What the engine holds at `key`, expired or not.
    pub(super) fn stored(&self, key: &str) -> Result<Option<Entry>> {
        self.entry(key, View { at: self.engine.last_seq(), now_ms: IGNORE_EXPIRY_MS })
    }

    fn apply_unless_empty(&mut self, batch: Batch) -> Result<u64> {
        if batch.is_empty() {
            return Ok(self.version());
        }
        self.apply(batch)
    }
}

pub(super) fn is_live(entry: &Entry, now_ms: u64) -> bool {
    entry.expires_at.is_none_or(|expires_at| expires_at > now_ms)
}

fn check_size(batch: &Batch) -> Result<()> {
    if batch.size() > MAX_TRANSACTION_SIZE {
        let (size, limit) = (batch.size() as u64, MAX_TRANSACTION_SIZE as u64);
        return Err(Error::TooLarge { what: "the transaction".to_owned(), size, limit });
    }
    Ok(())
}
