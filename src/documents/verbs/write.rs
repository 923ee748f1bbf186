//! Writing documents. Each operation is one commit: the document and its index entries together.

use crate::documents::catalog::entries::check_collection_name;
use crate::documents::catalog::entries::parts_key;
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::scan::Scan;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::documents::index::entry;
use crate::documents::json::{serialize, text};
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::key::{CollectionId, check_key};
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::ttl::IGNORE_EXPIRY_MS;
use crate::documents::stored::content::is_live;
use crate::documents::stored::content::{self, Content};
use crate::documents::stored::list::List;
use crate::documents::stored::parts::{Chunks, PartId, part_key};
use crate::documents::transaction::writes::{Expiry, Transaction, Write};
use crate::engine::{Batch, Entry};
use crate::fs::File;
use serde::Serialize;
use std::borrow::{Borrow, Cow};
use std::ops::DerefMut;
use std::time::Duration;

/// The largest transaction, in bytes of what is written, index entries included.
const MAX_TRANSACTION_SIZE: usize = 1 << 30;

/// A document to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDocument<'a> {
    pub value: NewValue<'a>,
    pub expires_at: Option<u64>,
}

/// The value of a document to be written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum NewValue<'a> {
    Json(&'a str),
    Bytes(&'a [u8]),
    /// Bytes whose parts are staged.
    BytesInParts(Chunks),
    /// A list whose elements are staged.
    List(List),
    /// What another key has held, parts and all, and its text where indexes look into that.
    Moved(&'a Entry, Option<&'a str>),
}

impl<'a> NewDocument<'a> {
    pub fn json(json: &'a str, expires_at: Option<u64>) -> Self {
        Self { value: NewValue::Json(json), expires_at }
    }

    /// The text that indexes read.
    fn indexed(&self) -> Option<(&'a str, Option<u64>)> {
        let text = match self.value {
            NewValue::Json(text) => Some(text),
            NewValue::List(_) => Some(content::ANY_ARRAY),
            NewValue::Bytes(_) | NewValue::BytesInParts(_) => None,
            NewValue::Moved(_, text) => text,
        };
        text.map(|text| (text, self.expires_at))
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Stores `value` at `key`, and returns the document's version. A time to live that the key had is cleared.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the value is not JSON (NaN, infinity, integers beyond 64 bits, map keys
    /// that are not strings); `TooLarge`; `ReadOnly`, `StorageFull`, `Failed`, `Io`.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            documents.put(key, NewValue::Json(&serialize::to_json(key, value)?), Expiry::Never)
        })
    }

    /// Stores JSON text at `key`, and returns the document's version. The text is kept as it is.
    ///
    /// # Errors
    /// As [`Collection::set`].
    pub fn set_json(&mut self, key: &str, json: &str) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            text::check_document(key, json)?;
            documents.put(key, NewValue::Json(json), Expiry::Never)
        })
    }

    /// Stores JSON that was parsed before.
    #[cfg(any(test, boundary))]
    pub(crate) fn set_raw(&mut self, key: &str, json: &serde_json::value::RawValue) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            text::check_length(json.get().len())?;
            documents.put(key, NewValue::Json(json.get()), Expiry::Never)
        })
    }

    /// Stores `value` at `key` until `ttl` has passed, to the millisecond.
    ///
    /// # Errors
    /// As [`Collection::set`], and `InvalidOptions` when the time is zero or ends beyond the year 9999.
    pub fn set_ex<T: Serialize + ?Sized>(&mut self, key: &str, value: &T, ttl: Duration) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            documents.put(key, NewValue::Json(&serialize::to_json(key, value)?), Expiry::After(ttl))
        })
    }

    /// Stores JSON text at `key` until `ttl` has passed.
    ///
    /// # Errors
    /// As [`Collection::set_ex`].
    pub fn set_ex_json(&mut self, key: &str, json: &str, ttl: Duration) -> Result<u64> {
        self.measured_mut(Metric::Set, |documents| {
            check_key(key)?;
            text::check_document(key, json)?;
            documents.put(key, NewValue::Json(json), Expiry::After(ttl))
        })
    }

    /// Stores many documents in one atomic commit, and returns their version. Of several for one key the last
    /// one counts.
    ///
    /// # Errors
    /// As [`Collection::set`].
    pub fn set_many<K: AsRef<str>, T: Serialize>(
        &mut self,
        documents: impl IntoIterator<Item = (K, T)>,
    ) -> Result<u64> {
        let add = |transaction: Transaction, (key, value): (K, T)| transaction.set(key.as_ref(), &value);
        let transaction = documents.into_iter().try_fold(Transaction::new().named(&self.name), add)?;
        self.commit_own(transaction)
    }

    /// Stores many JSON texts in one atomic commit, and returns their version.
    ///
    /// # Errors
    /// As [`Collection::set`].
    pub fn set_many_json<K: AsRef<str>, J: AsRef<str>>(
        &mut self,
        documents: impl IntoIterator<Item = (K, J)>,
    ) -> Result<u64> {
        let add = |transaction: Transaction, (key, json): (K, J)| transaction.set_json(key.as_ref(), json.as_ref());
        let transaction = documents.into_iter().try_fold(Transaction::new().named(&self.name), add)?;
        self.commit_own(transaction)
    }

    /// Deletes the document at `key`. False when there was none.
    ///
    /// # Errors
    /// `InvalidKey`, `ReadOnly`, `StorageFull`, `Failed`, `Corrupt`, `Io`.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.measured_mut(Metric::Delete, |documents| {
            check_key(key)?;
            documents.database.writable()?;
            let now_ms = documents.database.engine.now_ms();
            // An expired document is deleted too, so that a clock set back cannot bring it up again.
            let Some(old) = documents.database.stored(documents.id, key)? else {
                return Ok(false);
            };
            let mut batch = Batch::new();
            documents.database.stage_over(&mut batch, documents.id, key, Some(&old), None)?;
            documents.database.apply(batch)?;
            Ok(is_live(&old, now_ms))
        })
    }

    /// Deletes all documents in `range` in one atomic commit, and returns how many there were.
    ///
    /// # Errors
    /// `InvalidRange`, and as [`Collection::delete`]; `TooLarge` when their keys do not fit into one commit.
    pub fn delete_range(&mut self, range: &Range) -> Result<u64> {
        self.measured_mut(Metric::DeleteRange, |documents| {
            documents.database.writable()?;
            let keys = range.document_keys(documents.id)?;
            let now_ms = documents.database.engine.now_ms();
            let view = View { at: documents.database.engine.last_seq(), now_ms: IGNORE_EXPIRY_MS };
            let mut scan =
                Scan::new(&documents.database, documents.id, &Range { limit: None, ..range.clone() }, keys, view)?;
            let (mut batch, mut deleted) = (Batch::new(), 0);
            while deleted < range.limit.unwrap_or(u64::MAX) {
                let Some((key, old)) = scan.next_entry()? else {
                    break;
                };
                documents.database.stage_over(&mut batch, documents.id, key_of(&key)?, Some(&old), None)?;
                check_size(&batch)?;
                deleted += u64::from(is_live(&old, now_ms));
            }
            documents.database.apply_unless_empty(batch)?;
            Ok(deleted)
        })
    }

    /// Gives the document at `key` a time to live, from now on. False when there is no such document.
    ///
    /// # Errors
    /// As [`Collection::set_ex`].
    pub fn expire(&mut self, key: &str, ttl: Duration) -> Result<bool> {
        self.measured_mut(Metric::Expire, |documents| documents.change_expiry(key, Expiry::After(ttl)))
    }

    /// Lets the document at `key` live for ever. False when there is no such document, or it had no time to live.
    ///
    /// # Errors
    /// As [`Collection::delete`].
    pub fn persist(&mut self, key: &str) -> Result<bool> {
        self.measured_mut(Metric::Persist, |documents| documents.change_expiry(key, Expiry::Never))
    }

    /// Writes the live document at `key` again with another expiry; false when there is nothing to change.
    fn change_expiry(&mut self, key: &str, expiry: Expiry) -> Result<bool> {
        check_key(key)?;
        self.database.writable()?;
        let now_ms = self.database.engine.now_ms();
        let expires_at = expiry.resolve(now_ms)?;
        let Some(old) = self.database.stored(self.id, key)?.filter(|old| is_live(old, now_ms)) else {
            return Ok(false);
        };
        if expires_at.is_none() && old.expires_at.is_none() {
            return Ok(false);
        }
        let content = Content::of(key, &old.value)?;
        if !content.is_json() {
            self.copy_bytes(key, &old, expires_at)?;
            return Ok(true);
        }
        let mut batch = Batch::new();
        if let Content::List(list) = content {
            let (engine, at) = (&self.database.engine, self.database.engine.last_seq());
            list.read(engine, at, self.id, list.positions(), key, |position, element| {
                let part_key = part_key(self.id.elements(), list.id, position);
                batch.put(part_key, element.as_bytes().to_vec(), expires_at);
            })?;
            batch.put(self.id.document_key(key), Content::List(list).encode(), expires_at);
        } else {
            let text = self.database.text_of(self.id, key, &old)?;
            let new = NewDocument::json(&text, expires_at);
            self.database.stage_over(&mut batch, self.id, key, Some(&old), Some(new))?;
        }
        check_size(&batch)?;
        self.database.apply(batch)?;
        Ok(true)
    }

    /// Commits writes to this collection, which may be created by them.
    fn commit_own(&mut self, transaction: Transaction) -> Result<u64> {
        let outcome = self.database.commit(transaction);
        self.id = self.database.catalog.collection(&self.name).unwrap_or(self.id);
        outcome
    }

    pub(crate) fn put(&mut self, key: &str, value: NewValue<'_>, expiry: Expiry) -> Result<u64> {
        self.database.writable()?;
        let expires_at = expiry.resolve(self.database.engine.now_ms())?;
        let mut batch = Batch::new();
        let collection = self.created_by(&mut batch)?;
        self.database.stage(&mut batch, collection, key, Some(NewDocument { value, expires_at }))?;
        self.apply_to(collection, batch)
    }
}

impl<F: File> Database<F> {
    /// Commits a transaction, and returns the version of what it wrote. One without writes changes nothing.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn commit(&mut self, transaction: Transaction) -> Result<u64> {
        self.measured_mut(Metric::Commit, |db| db.commit_writes(transaction.writes))
    }

    /// Commits writes, by collection. Those that are given away are dropped one by one, so that large ones are not held
    /// twice.
    pub(crate) fn commit_writes<N: AsRef<str>, K: AsRef<str>, W: Borrow<Write>>(
        &mut self,
        collections: impl IntoIterator<Item = (N, impl IntoIterator<Item = (K, W)>)>,
    ) -> Result<u64> {
        self.writable()?;
        let now_ms = self.engine.now_ms();
        let (mut batch, mut created) = (Batch::new(), 0);
        for (name, writes) in collections {
            let mut collection = self.catalog.collection(name.as_ref());
            for (key, write) in writes {
                let new = match write.borrow() {
                    Write::Put { json, expiry } => Some(NewDocument::json(json, expiry.resolve(now_ms)?)),
                    Write::PutBytes { bytes, expiry } => {
                        Some(NewDocument { value: NewValue::Bytes(bytes), expires_at: expiry.resolve(now_ms)? })
                    }
                    Write::Delete => None,
                };
                // One that was brought up again by a clock that is set back could have the value of another one by then.
                let is_over = new.is_some_and(|new| new.expires_at.is_some_and(|at| at <= now_ms));
                let new = new.filter(|_| !is_over || !collection.is_some_and(|id| self.catalog.has_unique(id)));
                let id = match collection {
                    Some(id) => id,
                    None if new.is_none() => continue,
                    None => {
                        check_collection_name(name.as_ref())?;
                        let added = self.catalog.add_collection(name.as_ref(), created, &mut batch)?;
                        created += 1;
                        *collection.insert(added.id)
                    }
                };
                self.stage(&mut batch, id, key.as_ref(), new)?;
            }
        }
        self.apply_unless_empty(batch)
    }

    /// Adds to `batch` what makes `new` the document at `key`. Each key is staged once a batch: what it
    /// replaces is read from the engine.
    pub(crate) fn stage(
        &self,
        batch: &mut Batch,
        collection: CollectionId,
        key: &str,
        new: Option<NewDocument<'_>>,
    ) -> Result<()> {
        let must_know = self.catalog.has_indexes(collection) || self.catalog.has_parts(collection);
        let old = if must_know { self.stored(collection, key)? } else { None };
        self.stage_over(batch, collection, key, old.as_ref(), new)?;
        check_size(batch)
    }

    /// Stages the write. REQUIRES: the old version has been read.
    pub(crate) fn stage_over(
        &self,
        batch: &mut Batch,
        collection: CollectionId,
        key: &str,
        old: Option<&Entry>,
        new: Option<NewDocument<'_>>,
    ) -> Result<()> {
        if self.catalog.has_indexes(collection) {
            let old_text = old.map(|old| self.indexed_text_of(collection, key, old)).transpose()?.flatten();
            let old = old.zip(old_text.as_deref()).map(|(old, text)| (text, old.expires_at));
            entry::stage(&self.catalog, collection, batch, key, old, new.and_then(|new| new.indexed()))?;
        }
        if let Some(old) = old {
            Content::of(key, &old.value)?.delete_parts(batch, collection);
        }
        let engine_key = collection.document_key(key);
        let Some(NewDocument { value, expires_at }) = new else {
            batch.delete(engine_key);
            return Ok(());
        };
        let value = match value {
            NewValue::Json(text) => {
                if content::needs_parts(text.len()) {
                    self.prepare_for_parts(batch, collection);
                }
                content::stage_json(batch, collection, text, expires_at, |batch| self.next_part_id(batch))
            }
            NewValue::Bytes(bytes) => {
                if content::needs_parts(bytes.len()) {
                    self.prepare_for_parts(batch, collection);
                }
                content::stage_bytes(batch, collection, bytes, expires_at, |batch| self.next_part_id(batch))
            }
            NewValue::BytesInParts(chunks) => Content::BytesInParts(chunks).encode(),
            NewValue::List(list) => {
                self.prepare_for_parts(batch, collection);
                Content::List(list).encode()
            }
            NewValue::Moved(entry, _) => entry.value.to_vec(),
        };
        batch.put(engine_key, value, expires_at);
        Ok(())
    }

    /// Adds to `batch` what lets everybody who writes over documents of the collection look for parts of theirs.
    pub(crate) fn prepare_for_parts(&self, batch: &mut Batch, collection: CollectionId) {
        if !self.catalog.has_parts(collection) {
            batch.put(parts_key(collection), Vec::new(), None);
        }
    }

    /// A new id for parts that are added to `batch`.
    pub(crate) fn next_part_id(&self, batch: &Batch) -> PartId {
        // The batch grows with each part, and is smaller than 2 GiB.
        let ordinal = u32::try_from(batch.size()).unwrap_or(u32::MAX);
        PartId::new(self.catalog.part_offset().saturating_add(self.engine.next_seq()), ordinal)
    }

    /// The text of what [`Database::stored`] has found.
    pub(crate) fn text_of<'e>(&self, collection: CollectionId, key: &str, stored: &'e Entry) -> Result<Cow<'e, str>> {
        self.source(collection, self.engine.last_seq()).text(key, stored)
    }

    /// The same where indexes look into it.
    pub(crate) fn indexed_text_of<'e>(
        &self,
        collection: CollectionId,
        key: &str,
        stored: &'e Entry,
    ) -> Result<Option<Cow<'e, str>>> {
        if !self.catalog.has_indexes(collection) {
            return Ok(None);
        }
        self.source(collection, self.engine.last_seq()).indexed_text(key, stored)
    }

    /// Returns the entry of the engine at `key`, expired or not.
    pub(crate) fn stored(&self, collection: CollectionId, key: &str) -> Result<Option<Entry>> {
        self.entry(collection, key, View { at: self.engine.last_seq(), now_ms: IGNORE_EXPIRY_MS })
    }

    pub(crate) fn apply_unless_empty(&mut self, batch: Batch) -> Result<u64> {
        if batch.is_empty() {
            return Ok(self.version());
        }
        self.apply(batch)
    }
}

pub(crate) fn check_size(batch: &Batch) -> Result<()> {
    if batch.size() > MAX_TRANSACTION_SIZE {
        let (size, limit) = (batch.size() as u64, MAX_TRANSACTION_SIZE as u64);
        return Err(Error::TooLarge { what: "the transaction".to_owned(), size, limit });
    }
    Ok(())
}
