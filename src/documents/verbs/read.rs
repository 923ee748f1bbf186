//! Reading documents. Each operation sees one version of the database and reads the clock once.

use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::database::scan::Scan;
use crate::documents::database::view::View;
use crate::documents::error::Result;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::key::{CollectionId, check_key};
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::ttl::Ttl;
use crate::documents::stored::content::Source;
use crate::documents::stored::document::Document;
use crate::engine::{Entry, KeyReader, Seq};
use crate::fs::File;
use crate::sorting::sorted_places;
use serde::de::DeserializeOwned;
use std::ops::Deref;

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// The document at `key`, or `None`.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the document does not fit `T`; `Corrupt` or `Io` when it cannot be read.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.measured(Metric::Get, || self.get_document(key)?.map(|document| document.parse()).transpose())
    }

    /// The JSON text of the document at `key`, as it was stored, or `None`.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn get_json(&self, key: &str) -> Result<Option<String>> {
        self.get_document(key)?.map(Document::into_json).transpose()
    }

    /// The document at `key` with its version and expiry, or `None`.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn get_document(&self, key: &str) -> Result<Option<Document>> {
        self.measured(Metric::Get, || self.document(key, self.view()))
    }

    /// The documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn get_many<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<T>>> {
        self.measured(Metric::GetMany, || {
            let parse = |document: Option<Document>| document.map(|document| document.parse()).transpose();
            self.documents(keys)?.into_iter().map(parse).collect()
        })
    }

    /// The JSON texts of the documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn get_many_json(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<String>>> {
        self.measured(Metric::GetMany, || {
            let json = |document: Option<Document>| document.map(Document::into_json).transpose();
            self.documents(keys)?.into_iter().map(json).collect()
        })
    }

    /// The documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn get_documents(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<Document>>> {
        self.measured(Metric::GetMany, || self.documents(keys))
    }

    /// True if there is a document at `key`.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn has(&self, key: &str) -> Result<bool> {
        self.measured(Metric::Has, || {
            check_key(key)?;
            Ok(self.database.entry(self.id, key, self.view())?.is_some())
        })
    }

    /// How long the document at `key` will live.
    ///
    /// # Errors
    /// As [`Collection::get`].
    pub fn ttl(&self, key: &str) -> Result<Ttl> {
        self.measured(Metric::Ttl, || {
            check_key(key)?;
            let view = self.view();
            Ok(self
                .database
                .entry(self.id, key, view)?
                .map_or(Ttl::Missing, |entry| Ttl::of(entry.expires_at, view.now_ms)))
        })
    }

    /// How many documents are in `range`. Reads all of them, but parses none.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn count(&self, range: &Range) -> Result<u64> {
        self.measured(Metric::Count, || {
            let Some(keys) = range.document_keys(self.id)? else {
                return Ok(0);
            };
            let view = self.view();
            let mut cursor = self.database.engine.scan(keys, range.reverse, view.at, view.now_ms)?;
            let Some(limit) = range.limit else {
                return Ok(cursor.count_rest()?);
            };
            let mut count = 0;
            while count < limit && cursor.next()?.is_some() {
                count += 1;
            }
            Ok(count)
        })
    }

    /// The keys in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn keys(&self, range: &Range) -> Result<Vec<String>> {
        self.measured(Metric::Keys, || {
            let mut scan = self.scan(range)?;
            let mut keys = Vec::new();
            while let Some((key, _)) = scan.next_entry()? {
                keys.push(key_of(&key)?.to_owned());
            }
            Ok(keys)
        })
    }

    /// The documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`; `InvalidValue` when one does not fit `T`; `Corrupt`, `Io`.
    pub fn values<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<T>> {
        self.measured(Metric::Values, || self.scan(range)?.map(|document| document?.parse()).collect())
    }

    /// The keys and documents in `range`.
    ///
    /// # Errors
    /// As [`Collection::values`].
    pub fn entries<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<(String, T)>> {
        self.measured(Metric::Entries, || {
            let read = |document: Document| Ok((document.parse()?, document.key));
            self.scan(range)?.map(|document| read(document?).map(|(value, key)| (key, value))).collect()
        })
    }

    /// The keys and JSON texts of the documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn entries_json(&self, range: &Range) -> Result<Vec<(String, String)>> {
        self.measured(Metric::Entries, || {
            let read = |document: Document| Ok((document.key.clone(), document.into_json()?));
            self.scan(range)?.map(|document| read(document?)).collect()
        })
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
        Scan::of(&self.database, self.id, range, self.view())
    }

    /// What the collection is read at: the snapshot that it was asked for, or the newest commit and the one clock reading
    /// of an operation.
    pub(crate) fn view(&self) -> View {
        self.view.unwrap_or_else(|| self.database.view())
    }

    fn document(&self, key: &str, view: View) -> Result<Option<Document>> {
        check_key(key)?;
        let Some(entry) = self.database.entry(self.id, key, view)? else {
            return Ok(None);
        };
        Document::new(self.database.source(self.id, view.at), key.to_owned(), &entry).map(Some)
    }

    /// Several documents, read in the order of their keys: those that lie on one page are read together.
    fn documents(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<Document>>> {
        keys.iter().try_for_each(|key| check_key(key.as_ref()))?;
        let view = self.view();
        let (source, mut reader) = (self.database.source(self.id, view.at), self.database.reader(view));
        let order = sorted_places(keys.len(), &|a, b| keys[a].as_ref().cmp(keys[b].as_ref()));
        let mut documents = vec![None; keys.len()];
        for index in order {
            let key = keys[index].as_ref();
            if let Some(entry) = reader.get(&self.id.document_key(key))? {
                documents[index] = Some(Document::new(source, key.to_owned(), &entry)?);
            }
        }
        Ok(documents)
    }
}

impl<F: File> Database<F> {
    /// The newest commit, and the one clock reading of an operation.
    pub(crate) fn view(&self) -> View {
        View { at: self.engine.last_seq(), now_ms: self.engine.now_ms() }
    }

    /// Reads many keys.
    pub(crate) fn reader(&self, view: View) -> KeyReader<'_, F> {
        self.engine.reader(view.at, view.now_ms)
    }

    /// Where the texts of documents are read as of a commit.
    pub(crate) fn source(&self, collection: CollectionId, at: Seq) -> Source<'_, F> {
        Source { engine: &self.engine, collection, at }
    }

    /// The stored entry at `key`.
    pub(crate) fn entry(&self, collection: CollectionId, key: &str, view: View) -> Result<Option<Entry>> {
        Ok(self.engine.get(&collection.document_key(key), view.at, view.now_ms)?)
    }
}
