//! The verbs that read, for the default collection.

use crate::documents::database::Database;
use crate::documents::database::scan::{Page, PageLimits, Scan};
use crate::documents::database::snapshots::Snapshot;
use crate::documents::error::Result;
use crate::documents::index::build::IndexInfo;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::ttl::Ttl;
use crate::documents::query::condition::Condition;
use crate::documents::query::find::{FindOptions, FindPage};
use crate::documents::query::query::Query;
use crate::documents::query::rows::Rows;
use crate::documents::query::run::{Explanation, QueryPage};
use crate::documents::stored::document::Document;
use crate::fs::File;
use serde::de::DeserializeOwned;

impl<F: File> Database<F> {
    /// The document at `key`, or `None`.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the document does not fit `T`; `Corrupt` or `Io` when it cannot be read.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.default_collection().get(key)
    }

    /// The JSON text of the document at `key`, as it was stored, or `None`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_json(&self, key: &str) -> Result<Option<String>> {
        self.default_collection().get_json(key)
    }

    /// The document at `key` with its version and expiry, or `None`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_document(&self, key: &str) -> Result<Option<Document>> {
        self.default_collection().get_document(key)
    }

    /// The documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_many<T: DeserializeOwned>(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<T>>> {
        self.default_collection().get_many(keys)
    }

    /// The JSON texts of the documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_many_json(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<String>>> {
        self.default_collection().get_many_json(keys)
    }

    /// The documents at `keys`, in their order, all from one moment.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn get_documents(&self, keys: &[impl AsRef<str>]) -> Result<Vec<Option<Document>>> {
        self.default_collection().get_documents(keys)
    }

    /// The bytes of the document at `key`, or `None`.
    ///
    /// # Errors
    /// `InvalidValue` when it is JSON; `TooLarge` when there are more than 64 MiB: read them by [`Database::open_blob`]; as
    /// [`Database::get`].
    pub fn get_bytes(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.default_collection().get_bytes(key)
    }

    /// Whether there is a document at `key`.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn has(&self, key: &str) -> Result<bool> {
        self.default_collection().has(key)
    }

    /// How long the document at `key` will live.
    ///
    /// # Errors
    /// As [`Database::get`].
    pub fn ttl(&self, key: &str) -> Result<Ttl> {
        self.default_collection().ttl(key)
    }

    /// How many documents are in `range`. Reads all of them, but parses none.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn count(&self, range: &Range) -> Result<u64> {
        self.default_collection().count(range)
    }

    /// The keys in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn keys(&self, range: &Range) -> Result<Vec<String>> {
        self.default_collection().keys(range)
    }

    /// The documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`; `InvalidValue` when one does not fit `T`; `Corrupt`, `Io`.
    pub fn values<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<T>> {
        self.default_collection().values(range)
    }

    /// The keys and documents in `range`.
    ///
    /// # Errors
    /// As [`Database::values`].
    pub fn entries<T: DeserializeOwned>(&self, range: &Range) -> Result<Vec<(String, T)>> {
        self.default_collection().entries(range)
    }

    /// The keys and JSON texts of the documents in `range`.
    ///
    /// # Errors
    /// `InvalidRange`, `Corrupt`, `Io`.
    pub fn entries_json(&self, range: &Range) -> Result<Vec<(String, String)>> {
        self.default_collection().entries_json(range)
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
        Scan::of(self, CollectionId::DEFAULT, range, self.view())
    }

    /// The keys of the documents whose value at `path` meets `condition`: ordered by that value, and by key where
    /// values are equal.
    ///
    /// An index on the path makes this fast; the result is the same without one. Values nested more than 128 deep are
    /// not found.
    ///
    /// ```
    /// # use ferrolite::{Condition, Database, FindOptions, Options, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([
    ///     ("user:1", json!({"role": "admin", "age": 41})),
    ///     ("user:2", json!({"role": "guest", "age": 17})),
    ///     ("user:3", json!({"role": "admin", "age": 23})),
    /// ])?;
    /// db.create_index("age")?;
    /// let any = FindOptions::default();
    /// assert_eq!(db.find("role", &Condition::equals("admin")?, &any)?, ["user:1", "user:3"]);
    /// assert_eq!(db.find("age", &Condition::range(18..)?, &any)?, ["user:3", "user:1"]);
    /// let oldest = FindOptions { reverse: true, limit: Some(1), ..any };
    /// assert_eq!(db.find("age", &Condition::range(18..)?, &oldest)?, ["user:1"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidPath`; `Corrupt`, `Io`.
    pub fn find(&self, path: &str, condition: &Condition, options: &FindOptions) -> Result<Vec<String>> {
        self.default_collection().find(path, condition, options)
    }

    /// One page of `range`, as of `snapshot`. `after` is the last key of the page before, `None` for the first
    /// page. `range.limit` counts for this call alone.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, PageLimits, Range, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// # db.set_many([("a", 1), ("b", 2), ("c", 3)])?;
    /// let snapshot = db.snapshot()?;
    /// let mut after = None;
    /// loop {
    ///     let page = db.scan_page(&Range::all(), snapshot, after.as_deref(), PageLimits::default())?;
    ///     after = page.documents.last().map(|document| document.key.clone());
    ///     if !page.more { break }
    /// }
    /// db.release(snapshot);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Database::scan`].
    pub fn scan_page(
        &self,
        range: &Range,
        snapshot: Snapshot,
        after: Option<&str>,
        limits: PageLimits,
    ) -> Result<Page> {
        self.default_collection().scan_page(range, snapshot, after, limits)
    }

    /// A page of what [`Database::find`] finds, and where the next one begins.
    ///
    /// # Errors
    /// As [`Database::find`]; `InvalidOptions` when the cursor is not one of the same path and direction.
    pub fn find_page(&self, path: &str, condition: &Condition, options: &FindOptions) -> Result<FindPage> {
        self.default_collection().find_page(path, condition, options)
    }

    /// The documents that a query finds, or what it selects of them, in its order. For more than fits in memory there is
    /// [`Database::rows`].
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Query, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set("user:1", &json!({"name": "alice", "role": "admin", "age": 41}))?;
    /// db.set("user:2", &json!({"name": "bob", "role": "admin", "age": 17}))?;
    /// let adults = db.query(&Query::parse(r#"{"where": {"role": "admin", "age": {"gte": 18}}}"#)?)?;
    /// assert_eq!(adults[0].key, "user:1");
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn query(&self, query: &Query) -> Result<Vec<Document>> {
        self.default_collection().query(query)
    }

    /// The documents that a query finds: all of them, or one page when it has a limit.
    ///
    /// What can be read through an index is, where that is estimated to cost less; the result is the same without one.
    /// [`Database::explain`] tells how.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Query, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([
    ///     ("user:1", json!({"name": "alice", "role": "admin", "age": 41})),
    ///     ("user:2", json!({"name": "bob", "role": "guest", "age": 17})),
    ///     ("user:3", json!({"name": "carol", "role": "admin", "age": 23})),
    /// ])?;
    /// db.create_index(["role", "age"])?;
    /// let query = Query::parse(r#"{"where": {"role": "admin"}, "orderBy": "age", "limit": 1, "select": ["name"]}"#)?;
    /// let page = db.query_page(&query)?;
    /// assert_eq!((page.rows[0].key.as_str(), page.rows[0].json.as_str()), ("user:3", r#"{"name":"carol"}"#));
    /// let page = db.query_page(&query.after(page.cursor.expect("there is one more")))?;
    /// assert_eq!((page.rows[0].key.as_str(), page.cursor), ("user:1", None));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidPath`, `InvalidRange`, `InvalidOptions`; `Corrupt`, `Io`.
    pub fn query_page(&self, query: &Query) -> Result<QueryPage> {
        self.default_collection().query_page(query)
    }

    /// The documents that a query finds, one after the other.
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn rows(&self, query: &Query) -> Result<Rows<'_, F>> {
        Rows::of(self, CollectionId::DEFAULT, self.view(), query)
    }

    /// How many rows a query has, its limit and offset counted. Documents are only read where an index does not tell.
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn count_rows(&self, query: &Query) -> Result<u64> {
        self.default_collection().count_rows(query)
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn find_one(&self, query: &Query) -> Result<Option<Document>> {
        self.default_collection().find_one(query)
    }

    /// Runs a query, and tells how it was answered and what was read.
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn explain(&self, query: &Query) -> Result<Explanation> {
        self.default_collection().explain(query)
    }

    /// How many elements the list at `key` has; 0 where there is none. Any document that is an array is a list.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array; as [`Database::get`].
    pub fn list_length(&self, key: &str) -> Result<u64> {
        self.default_collection().list_length(key)
    }

    /// The elements of the list at `key` from `start` to `stop`, both included. Negative indexes count from the end, -1
    /// is the last element. What lies outside is left out.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array, or an element does not fit `T`; as [`Database::get`].
    pub fn list_range<T: DeserializeOwned>(&self, key: &str, start: i64, stop: i64) -> Result<Vec<T>> {
        self.default_collection().list_range(key, start, stop)
    }

    /// The JSON texts of elements, as [`Database::list_range`].
    ///
    /// # Errors
    /// As [`Database::list_range`].
    pub fn list_range_json(&self, key: &str, start: i64, stop: i64) -> Result<Vec<String>> {
        self.default_collection().list_range_json(key, start, stop)
    }

    /// The element at `index` of the list at `key`; negative indexes count from the end.
    ///
    /// # Errors
    /// As [`Database::list_range`].
    pub fn list_get<T: DeserializeOwned>(&self, key: &str, index: i64) -> Result<Option<T>> {
        self.default_collection().list_get(key, index)
    }

    /// The JSON text of an element, as [`Database::list_get`].
    ///
    /// # Errors
    /// As [`Database::list_range`].
    pub fn list_get_json(&self, key: &str, index: i64) -> Result<Option<String>> {
        self.default_collection().list_get_json(key, index)
    }

    /// The indexes, by path.
    pub fn indexes(&self) -> Vec<IndexInfo> {
        self.default_collection().indexes()
    }

    /// What [`Database::patch`] would make of the document at `key`, with the version and expiry that it has now; `None` when
    /// there is none. To be looked at, and stored under [`SetOptions::if_version`](crate::SetOptions::if_version).
    ///
    /// # Errors
    /// As [`Database::patch`].
    pub fn patched(&self, key: &str, operations: &str) -> Result<Option<Document>> {
        self.default_collection().patched(key, operations)
    }

    /// What [`Database::merge_patch`] would make of the document at `key`.
    ///
    /// # Errors
    /// As [`Database::merge_patch`].
    pub fn merge_patched(&self, key: &str, patch: &str) -> Result<Option<Document>> {
        self.default_collection().merge_patched(key, patch)
    }
}
