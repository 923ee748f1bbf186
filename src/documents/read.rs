//! Reading documents. Each operation sees one version of the database and reads the clock once.

use super::document::{Document, key_of};
use super::error::Result;
use super::key::{check_key, document_key};
use super::latencies::Verb;
use super::scan::Scan;
use super::{Database, Range, Ttl, json};
use crate::engine::{Entry, Seq};
use crate::fs::File;
use serde::de::DeserializeOwned;

/// What a read sees: the database as of one commit and one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct View {
    pub at: Seq,
    pub now_ms: u64,
}

impl<F: File> Database<F> {
    /// The document at `key`, or `None`.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the document does not fit `T`; `Corrupt` or `Io` when it cannot be read.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.measured(Verb::Get, || self.get_document(key)?.map(|document| document.parse()).transpose())
    }

    /// The JSON text of the document at `key`, as it was stored, or `None`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_json(&self, key: &str) -> Result<Option<String>> {
        Ok(self.get_document(key)?.map(|document| document.json))
    }

    /// The document at `key` with its version and expiry, or `None`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_document(&self, key: &str) -> Result<Option<Document>> {
        self.measured(Verb::Get, || self.document(key, self.view()))
    }

    /// The documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_many<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<T>>> {
        let view = self.view();
        let read = |key: &str| self.document(key, view)?.map(|document| document.parse()).transpose();
        self.measured(Verb::GetMany, || keys.iter().map(|key| read(key.as_ref())).collect())
    }

    /// The JSON texts of the documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_many_json(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<String>>> {
        let view = self.view();
        let read = |key: &str| Ok(self.document(key, view)?.map(|document| document.json));
        self.measured(Verb::GetMany, || keys.iter().map(|key| read(key.as_ref())).collect())
    }

    /// Whether there is a document at `key`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn has(&self, key: &str) -> Result<bool> {
        check_key(key)?;
        self.measured(Verb::Has, || Ok(self.entry(key, self.view())?.is_some()))
    }

    /// How long the document at `key` will live.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn ttl(&self, key: &str) -> Result<Ttl> {
        check_key(key)?;
        let view = self.view();
        let entry = self.measured(Verb::Ttl, || self.entry(key, view))?;
        Ok(entry.map_or(Ttl::Missing, |entry| Ttl::of(entry.expires_at, view.now_ms)))
    }

    /// How many documents are in `range`. Reads all of them, but parses none.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn count(&self, range: &Range) -> Result<u64> {
        self.measured(Verb::Count, || self.count_in(range))
    }

    fn count_in(&self, range: &Range) -> Result<u64> {
        let Some(keys) = range.document_keys()? else {
            return Ok(0);
        };
        let view = self.view();
        let mut cursor = self.engine.scan(keys, range.reverse, view.at, view.now_ms)?;
        let Some(limit) = range.limit else {
            return Ok(cursor.count_rest()?);
        };
        let mut count = 0;
        while count < limit && cursor.next()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// The keys in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn keys(&self, range: &Range) -> Result<Vec<String>> {
        self.measured(Verb::Keys, || self.keys_in(range))
    }

    fn keys_in(&self, range: &Range) -> Result<Vec<String>> {
        let mut scan = self.scan(range)?;
        let mut keys = Vec::new();
        while let Some((key, _)) = scan.next_entry()? {
            keys.push(key_of(&key)?.to_owned());
        }
        Ok(keys)
    }

    /// The documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`; `InvalidValue` when one does not fit `T`; `Corrupt`, `Io`.
    pub fn values<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<T>> {
        self.measured(Verb::Values, || self.scan(range)?.map(|document| document?.parse()).collect())
    }

    /// The keys and documents in `range`.
    ///
    /// # Errors
    /// As [`Database::values`].
    pub fn entries<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<(String, T)>> {
        let read = |document: Document| Ok((document.parse()?, document.key));
        self.measured(Verb::Entries, || {
            self.scan(range)?.map(|document| read(document?).map(|(value, key)| (key, value))).collect()
        })
    }

    /// The keys and JSON texts of the documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn entries_json(&self, range: &Range) -> Result<Vec<(String, String)>> {
        let read = |document: Document| (document.key, document.json);
        self.measured(Verb::Entries, || self.scan(range)?.map(|document| document.map(read)).collect())
    }

    /// The documents in `range`, one after the other, without holding them all in memory.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Range, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([("user:1", "alice"), ("user:2", "bob"), ("visits", "3")])?;
    /// for document in db.scan(&Range::prefix("user:").reverse())? {
    ///     let document = document?;
    ///     println!("{} {} (version {})", document.key, document.json, document.version);
    /// }
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidRange`; each step `Corrupt` or `Io`.
    pub fn scan(&self, range: &Range) -> Result<Scan<'_, F>> {
        Scan::new(&self.engine, range, range.document_keys()?, self.view())
    }

    /// The newest commit, and the one clock reading of an operation.
    pub(super) fn view(&self) -> View {
        View { at: self.engine.last_seq(), now_ms: self.engine.now_ms() }
    }

    /// The stored entry at `key`.
    pub(super) fn entry(&self, key: &str, view: View) -> Result<Option<Entry>> {
        Ok(self.engine.get(&document_key(key), view.at, view.now_ms)?)
    }

    fn document(&self, key: &str, view: View) -> Result<Option<Document>> {
        check_key(key)?;
        let Some(entry) = self.entry(key, view)? else {
            return Ok(None);
        };
        let json = json::text_of(key, &entry.value)?.to_owned();
        Ok(Some(Document { key: key.to_owned(), json, version: entry.seq, expires_at: entry.expires_at }))
    }
}
