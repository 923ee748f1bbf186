//! Reads and writes of a transaction: it sees one state and its own writes, and notes all that it reads.

use super::open::OpenTransaction;
use super::writes::{Transaction, Write};
use crate::documents::catalog::entries::check_collection_name;
use crate::documents::database::Database;
use crate::documents::database::latencies::Metric;
use crate::documents::database::scan::Scan;
use crate::documents::error::Result;
use crate::documents::json::text;
use crate::documents::keyspace::key::{CollectionId, check_key};
use crate::documents::keyspace::range::Range;
use crate::documents::query::condition::Condition;
use crate::documents::query::find::{FindOptions, FindPage, find_query};
use crate::documents::query::query::Query;
use crate::documents::query::run::InTransaction;
use crate::documents::query::run::QueryPage;
use crate::documents::stored::document::Document;
use crate::fs::File;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The argument of the work of [`Database::transaction`]. It reads and writes one collection: the default one, or another.
pub struct ActiveTransaction<'a, F: File> {
    database: &'a Database<F>,
    open: &'a mut OpenTransaction,
    /// Empty for the default collection.
    collection: String,
}

impl OpenTransaction {
    /// The reads and writes of this transaction. `database` must be the one that it was begun on.
    pub fn on<'a, F: File>(&'a mut self, database: &'a Database<F>) -> ActiveTransaction<'a, F> {
        ActiveTransaction { database, open: self, collection: String::new() }
    }
}

impl<F: File> ActiveTransaction<'_, F> {
    /// Returns this transaction on the collection `name`.
    ///
    /// # Errors
    /// `InvalidCollection`.
    ///
    /// ```
    /// # use ferrolite::{Database, Error, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.transaction(|tx| {
    ///     let visits = tx.get("visits")?.unwrap_or(0);
    ///     tx.set("visits", &(visits + 1))?;
    ///     tx.collection("log")?.set("last", "now")
    /// })?;
    /// # Ok::<(), Error>(()) }).unwrap();
    /// ```
    pub fn collection(&mut self, name: &str) -> Result<ActiveTransaction<'_, F>> {
        check_collection_name(name)?;
        Ok(self.named(name))
    }

    /// Returns this transaction on a collection whose name was checked. The default collection's name is empty.
    pub(crate) fn named(&mut self, name: &str) -> ActiveTransaction<'_, F> {
        ActiveTransaction { database: self.database, open: self.open, collection: name.to_owned() }
    }

    /// The collection to read from. Its existence is one of the transaction's reads.
    fn id(&mut self) -> Result<CollectionId> {
        if !self.collection.is_empty() {
            self.open.reads.add_key(self.database.name_key(&self.collection));
        }
        let view = self.database.view_at(&self.open.snapshot)?;
        self.database.collection_at(&self.collection, view.at)
    }

    /// The document at `key`, or `None`.
    ///
    /// # Errors
    /// As [`Database::get`]; `SnapshotTooOld` when the transaction is older than a snapshot may be, or the
    /// collection was dropped since it began.
    pub fn get<T: DeserializeOwned>(&mut self, key: &str) -> Result<Option<T>> {
        self.get_json(key)?.map(|text| text::parse(key, &text)).transpose()
    }

    /// The JSON text of the document at `key`, or `None`.
    ///
    /// # Errors
    /// As [`ActiveTransaction::get`].
    pub fn get_json(&mut self, key: &str) -> Result<Option<String>> {
        self.get_document(key)?.map(Document::into_json).transpose()
    }

    /// The document at `key`, or `None`. Of one that this transaction has written the version is 0.
    ///
    /// # Errors
    /// As [`ActiveTransaction::get`].
    pub fn get_document(&mut self, key: &str) -> Result<Option<Document>> {
        let database = self.database;
        database.measured(Metric::Get, || self.document_at(key))
    }

    fn document_at(&mut self, key: &str) -> Result<Option<Document>> {
        check_key(key)?;
        if let Some(write) = self.open.writes.write_at(&self.collection, key) {
            return self.open.written(key, write);
        }
        let id = self.id()?;
        let engine_key = id.document_key(key);
        let view = self.open.snapshot.view;
        let entry = self.database.entry(id, key, view)?;
        let source = self.database.source(id, view.at);
        let document = entry.map(|entry| Document::new(source, key.to_owned(), &entry)).transpose();
        self.open.reads.add_key(engine_key);
        document
    }

    /// True if there is a document at `key`.
    ///
    /// # Errors
    /// As [`ActiveTransaction::get`].
    pub fn has(&mut self, key: &str) -> Result<bool> {
        let database = self.database;
        database.measured(Metric::Has, || Ok(self.get_document(key)?.is_some()))
    }

    /// The documents at `keys`, in the order of `keys`; `None` where there is none.
    ///
    /// # Errors
    /// As [`ActiveTransaction::get`].
    pub fn get_many<T: DeserializeOwned>(&mut self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<T>>> {
        let database = self.database;
        database.measured(Metric::GetMany, || keys.iter().map(|key| self.get(key.as_ref())).collect())
    }

    /// The number of documents in `range`.
    ///
    /// # Errors
    /// As [`ActiveTransaction::documents`].
    pub fn count(&mut self, range: &Range) -> Result<u64> {
        let database = self.database;
        database.measured(Metric::Count, || Ok(self.documents(range)?.len() as u64))
    }

    /// The keys in `range`, in its order.
    ///
    /// # Errors
    /// As [`ActiveTransaction::documents`].
    pub fn keys(&mut self, range: &Range) -> Result<Vec<String>> {
        let database = self.database;
        database
            .measured(Metric::Keys, || Ok(self.documents(range)?.into_iter().map(|document| document.key).collect()))
    }

    /// The documents in `range`, in the order of their keys.
    ///
    /// # Errors
    /// As [`ActiveTransaction::documents`]; `InvalidValue` when one does not fit `T`.
    pub fn values<T: DeserializeOwned>(&mut self, range: &Range) -> Result<Vec<T>> {
        let database = self.database;
        database.measured(Metric::Values, || self.documents(range)?.iter().map(Document::parse).collect())
    }

    /// Keys and documents in `range`.
    ///
    /// # Errors
    /// As [`ActiveTransaction::values`].
    pub fn entries<T: DeserializeOwned>(&mut self, range: &Range) -> Result<Vec<(String, T)>> {
        let database = self.database;
        database.measured(Metric::Entries, || {
            self.documents(range)?.into_iter().map(|document| Ok((document.key.clone(), document.parse()?))).collect()
        })
    }

    /// The documents in `range`, with those that this transaction has written.
    ///
    /// # Errors
    /// `InvalidRange`; as [`ActiveTransaction::get`].
    pub fn documents(&mut self, range: &Range) -> Result<Vec<Document>> {
        let database = self.database;
        database.measured(Metric::Entries, || self.merged(range))
    }

    fn merged(&mut self, range: &Range) -> Result<Vec<Document>> {
        let id = self.id()?;
        let Some(keys) = range.document_keys(id)? else { return Ok(Vec::new()) };
        self.open.reads.add_range(&keys);
        let all = Range { limit: None, ..range.clone() };
        let mut scan = Scan::new(self.database, id, &all, Some(keys), self.open.snapshot.view)?;
        // A document of each side, the next one in the order of the range.
        let written = self.open.writes.writes_to(&self.collection).filter(|(key, _)| range.contains(key));
        let mut written: Box<dyn Iterator<Item = (&String, &Write)>> =
            if range.reverse { Box::new(written.rev()) } else { Box::new(written) };
        let (mut stored, mut own) = (scan.next().transpose()?, written.next());
        let mut found = Vec::new();
        while (found.len() as u64) < range.limit.unwrap_or(u64::MAX) {
            let order = match (&stored, &own) {
                (None, None) => break,
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(stored), Some((key, _))) if range.reverse => key.as_str().cmp(&stored.key),
                (Some(stored), Some((key, _))) => stored.key.as_str().cmp(key),
            };
            if order.is_le()
                && let Some(document) = std::mem::replace(&mut stored, scan.next().transpose()?)
                && order.is_lt()
            {
                found.push(document);
            }
            if order.is_ge()
                && let Some((key, write)) = own
            {
                own = written.next();
                found.extend(self.open.written(key, write)?);
            }
        }
        Ok(found)
    }

    /// The keys of the documents whose value at `path` meets `condition`, as [`Database::find`] orders them, with those
    /// that this transaction has written.
    ///
    /// # Errors
    /// As [`Database::find`] and [`ActiveTransaction::get`].
    pub fn find(&mut self, path: &str, condition: &Condition, options: &FindOptions) -> Result<Vec<String>> {
        Ok(self.find_page(path, condition, options)?.keys)
    }

    /// A page of these keys, with a cursor, as [`Database::find_page`].
    ///
    /// # Errors
    /// As [`ActiveTransaction::find`].
    pub fn find_page(&mut self, path: &str, condition: &Condition, options: &FindOptions) -> Result<FindPage> {
        let database = self.database;
        database.measured(Metric::Find, || {
            let query = find_query(path, condition, options)?;
            self.asking()?.keys(&query)?.into_keys()
        })
    }

    /// The documents that a query finds, as [`Database::query`], with what this transaction has written.
    ///
    /// # Errors
    /// As [`Database::query`] and [`ActiveTransaction::get`].
    pub fn query(&mut self, query: &Query) -> Result<Vec<Document>> {
        Ok(self.query_page(query)?.rows)
    }

    /// A page of a query's rows, as [`Database::query_page`], with what this transaction has written.
    ///
    /// # Errors
    /// As [`Database::query_page`] and [`ActiveTransaction::get`].
    pub fn query_page(&mut self, query: &Query) -> Result<QueryPage> {
        let database = self.database;
        database.measured(Metric::Query, || self.asking()?.rows(query)?.into_page())
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// As [`ActiveTransaction::query_page`].
    pub fn find_one(&mut self, query: &Query) -> Result<Option<Document>> {
        let database = self.database;
        database.measured(Metric::FindOne, || Ok(self.query_page(&query.clone().limit(1))?.rows.pop()))
    }

    /// The number of rows of a query.
    ///
    /// # Errors
    /// As [`ActiveTransaction::query_page`].
    pub fn count_rows(&mut self, query: &Query) -> Result<u64> {
        let database = self.database;
        database.measured(Metric::Count, || self.asking()?.count(query))
    }

    fn asking(&mut self) -> Result<InTransaction<'_, F>> {
        let collection = self.id()?;
        let (database, name, open) = (self.database, &self.collection, &mut *self.open);
        let view = open.snapshot.view;
        let mut own = Vec::new();
        for (key, write) in open.writes.writes_to(name) {
            own.extend(open.written(key, write)?);
        }
        let OpenTransaction { reads, writes, .. } = open;
        let is_written = Box::new(|key: &str| writes.write_at(name, key).is_some());
        Ok(InTransaction { database, collection, view, own, is_written, reads })
    }

    /// Stores `value` at `key`.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<()> {
        self.write(|writes| writes.set(key, value))
    }

    /// Stores JSON text at `key`.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn set_json(&mut self, key: &str, json: &str) -> Result<()> {
        self.write(|writes| writes.set_json(key, json))
    }

    /// Stores `value` at `key`; it expires `ttl` after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set_ex`].
    pub fn set_ex<T: Serialize + ?Sized>(&mut self, key: &str, value: &T, ttl: Duration) -> Result<()> {
        self.write(|writes| writes.set_ex(key, value, ttl))
    }

    /// Stores JSON text at `key`; it expires `ttl` after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set_ex`].
    pub fn set_ex_json(&mut self, key: &str, json: &str, ttl: Duration) -> Result<()> {
        self.write(|writes| writes.set_ex_json(key, json, ttl))
    }

    /// The bytes of the document at `key`, or `None`.
    ///
    /// # Errors
    /// As [`Database::get_bytes`] and [`ActiveTransaction::get`].
    pub fn get_bytes(&mut self, key: &str) -> Result<Option<Vec<u8>>> {
        self.get_document(key)?.map(Document::into_bytes).transpose()
    }

    /// Stores bytes at `key`; with a time to live they expire so long after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set_bytes`].
    pub fn set_bytes(&mut self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<()> {
        self.write(|writes| writes.set_bytes(key, bytes, ttl))
    }

    /// Deletes the document at `key`, if there is one.
    ///
    /// # Errors
    /// `InvalidKey`.
    pub fn delete(&mut self, key: &str) -> Result<()> {
        self.write(|writes| writes.delete(key))
    }

    /// On error the writes before stay.
    fn write(&mut self, add: impl FnOnce(Transaction) -> Result<Transaction>) -> Result<()> {
        self.open.extend(add(Transaction::new().named(&self.collection))?);
        Ok(())
    }
}
