//! The verbs that write, for the default collection.

use super::blobs::{BlobReader, BlobWriter};
use super::set_options::SetOptions;
use crate::documents::catalog::index_spec::IndexSpec;
use crate::documents::database::Database;
use crate::documents::error::Result;
use crate::documents::index::build::IndexProgress;
use crate::documents::keyspace::range::Range;
use crate::documents::stored::list::End;
use crate::fs::File;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

impl<F: File> Database<F> {
    /// Stores `value` at `key`, and returns the document's version. A time to live that the key had is cleared.
    ///
    /// # Errors
    /// `InvalidKey`; `InvalidValue` when the value is not JSON (NaN, infinity, integers beyond 64 bits, map keys
    /// that are not strings); `TooLarge`; `ReadOnly`, `StorageFull`, `Failed`, `Io`.
    pub fn set<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<u64> {
        self.default_collection_mut().set(key, value)
    }

    /// Stores JSON text at `key`, and returns the document's version. The text is kept as it is.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn set_json(&mut self, key: &str, json: &str) -> Result<u64> {
        self.default_collection_mut().set_json(key, json)
    }

    /// Stores `value` at `key` until `ttl` has passed, to the millisecond.
    ///
    /// # Errors
    /// As [`Database::set`], and `InvalidOptions` when the time is zero or ends beyond the year 9999.
    pub fn set_ex<T: Serialize + ?Sized>(&mut self, key: &str, value: &T, ttl: Duration) -> Result<u64> {
        self.default_collection_mut().set_ex(key, value, ttl)
    }

    /// Stores JSON text at `key` until `ttl` has passed.
    ///
    /// # Errors
    /// As [`Database::set_ex`].
    pub fn set_ex_json(&mut self, key: &str, json: &str, ttl: Duration) -> Result<u64> {
        self.default_collection_mut().set_ex_json(key, json, ttl)
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
        self.default_collection_mut().set_many(documents)
    }

    /// Stores many JSON texts in one atomic commit, and returns their version.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn set_many_json<K: AsRef<str>, J: AsRef<str>>(
        &mut self,
        documents: impl IntoIterator<Item = (K, J)>,
    ) -> Result<u64> {
        self.default_collection_mut().set_many_json(documents)
    }

    /// Deletes the document at `key`. False when there was none.
    ///
    /// # Errors
    /// `InvalidKey`, `ReadOnly`, `StorageFull`, `Failed`, `Corrupt`, `Io`.
    pub fn delete(&mut self, key: &str) -> Result<bool> {
        self.default_collection_mut().delete(key)
    }

    /// Deletes all documents in `range` in one atomic commit, and returns how many there were.
    ///
    /// # Errors
    /// `InvalidRange`, and as [`Database::delete`]; `TooLarge` when their keys do not fit into one commit.
    pub fn delete_range(&mut self, range: &Range) -> Result<u64> {
        self.default_collection_mut().delete_range(range)
    }

    /// Gives the document at `key` a time to live, from now on. False when there is no such document.
    ///
    /// # Errors
    /// As [`Database::set_ex`].
    pub fn expire(&mut self, key: &str, ttl: Duration) -> Result<bool> {
        self.default_collection_mut().expire(key, ttl)
    }

    /// Lets the document at `key` live for ever. False when there is no such document, or it had no time to live.
    ///
    /// # Errors
    /// As [`Database::delete`].
    pub fn persist(&mut self, key: &str) -> Result<bool> {
        self.default_collection_mut().persist(key)
    }

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
        self.default_collection_mut().set_json_with(key, json, options)
    }

    /// Adds `by` to the integer at `key`, and returns the sum. Where there is no document it counts from 0. Exact over
    /// all of -2^63 to 2^63 - 1.
    ///
    /// # Errors
    /// `InvalidValue` when the document is no integer in this range or the sum is not; else as [`Database::set`].
    pub fn increment(&mut self, key: &str, by: i64) -> Result<i64> {
        self.default_collection_mut().increment(key, by)
    }

    /// Stores `next` at `key` if the document there is `expected`, both JSON text; `None` stands for no document. Values
    /// are compared, not texts: 1 is 1.0, and the order of fields does not matter. Whether it was stored.
    ///
    /// # Errors
    /// `InvalidValue`; as [`Database::set`].
    pub fn compare_and_swap_json(&mut self, key: &str, expected: Option<&str>, next: Option<&str>) -> Result<bool> {
        self.default_collection_mut().compare_and_swap_json(key, expected, next)
    }

    /// Stores JSON text at `key`, as [`Database::set_json`], and returns the text that was there.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn get_and_set_json(&mut self, key: &str, json: &str) -> Result<Option<String>> {
        self.default_collection_mut().get_and_set_json(key, json)
    }

    /// Moves the document at `from`, with its time to live, to `to`, over one that may be there. False when there is none.
    ///
    /// # Errors
    /// As [`Database::set`].
    pub fn rename(&mut self, from: &str, to: &str) -> Result<bool> {
        self.default_collection_mut().rename(from, to)
    }

    /// Changes the document at `key` by a JSON Patch (RFC 6902): JSON text of an array of operations. All are done, or
    /// none. What they do not touch keeps its text. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; `Conflict` when an operation cannot be done, a test fails, or moves nest the document more than 512 deep;
    /// `TooLarge` when it copies more than 64 times the bytes of the document and the patch, and more than 1 MiB; as
    /// [`Database::set`].
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
        self.default_collection_mut().patch(key, operations)
    }

    /// Changes the document at `key` by a JSON Merge Patch (RFC 7396): fields of `patch` take the place of those in the
    /// document, and those that are null go. False when there is no document.
    ///
    /// # Errors
    /// `InvalidPatch`; as [`Database::set`].
    pub fn merge_patch(&mut self, key: &str, patch: &str) -> Result<bool> {
        self.default_collection_mut().merge_patch(key, patch)
    }

    /// Stores bytes at `key`, and returns the document's version. Verbs for JSON fail on them with `InvalidValue`, and no
    /// index has them.
    ///
    /// # Errors
    /// `TooLarge` when there are more than 64 MiB: write them by [`Database::begin_blob`]; as [`Database::set`].
    pub fn set_bytes(&mut self, key: &str, bytes: &[u8]) -> Result<u64> {
        self.default_collection_mut().set_bytes(key, bytes)
    }

    /// Stores bytes at `key` under conditions, and for a time, as [`Database::set_json_with`].
    ///
    /// # Errors
    /// As [`Database::set_bytes`] and [`Database::set_json_with`].
    pub fn set_bytes_with(&mut self, key: &str, bytes: &[u8], options: SetOptions) -> Result<u64> {
        self.default_collection_mut().set_bytes_with(key, bytes, options)
    }

    /// Begins to write bytes to `key`, in pieces and as many as there is room for. What is at the key stays until they are
    /// finished. A time to live counts from now.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let mut blob = db.begin_blob("film", None)?;
    /// for piece in [b"never held ", b"as a whole "] {
    ///     db.write_blob(&mut blob, piece)?;
    /// }
    /// db.finish_blob(blob)?;
    /// let mut film = db.open_blob("film")?.expect("it is there");
    /// assert_eq!(film.length(), 22);
    /// while let Some(piece) = db.read_blob(&mut film)? {
    ///     println!("{} bytes", piece.len());
    /// }
    /// db.close_blob(film);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidKey`, `InvalidOptions`, `ReadOnly`.
    pub fn begin_blob(&mut self, key: &str, ttl: Option<Duration>) -> Result<BlobWriter> {
        self.default_collection_mut().begin_blob(key, ttl)
    }

    /// Begins to read the bytes at `key`, in pieces; `None` when there is no document. What is read is of one version: it
    /// is kept, as by a snapshot, until [`Database::close_blob`].
    ///
    /// # Errors
    /// `InvalidValue` when it is JSON; as [`Database::get`] and [`Database::snapshot`].
    pub fn open_blob(&mut self, key: &str) -> Result<Option<BlobReader>> {
        self.default_collection_mut().open_blob(key)
    }

    /// Adds elements at an end of the list at `key`, one after the other, and returns its length. A list is a document
    /// that is an array; where there is none it begins. At both ends this costs the same however long the list is, but for
    /// the first time with an array that was stored by other verbs. A time to live stays.
    ///
    /// ```
    /// # use ferrolite::{Database, End, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// assert_eq!(db.push("jobs", End::Right, ["a", "b", "c"])?, 3);
    /// assert_eq!(db.pop("jobs", End::Left)?, Some("a".to_owned()));
    /// assert_eq!(db.list_range::<String>("jobs", 0, -1)?, ["b", "c"]);
    /// assert_eq!(db.get_json("jobs")?.unwrap(), r#"["b","c"]"#);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidValue` when the document is no array; `TooLarge` when its text would be longer than a document may be; as
    /// [`Database::set`].
    pub fn push<T: Serialize>(&mut self, key: &str, end: End, elements: impl IntoIterator<Item = T>) -> Result<u64> {
        self.default_collection_mut().push(key, end, elements)
    }

    /// Adds elements that are JSON text, as [`Database::push`].
    ///
    /// # Errors
    /// As [`Database::push`].
    pub fn push_json<J: AsRef<str>>(
        &mut self,
        key: &str,
        end: End,
        elements: impl IntoIterator<Item = J>,
    ) -> Result<u64> {
        self.default_collection_mut().push_json(key, end, elements)
    }

    /// Takes the element at an end of the list at `key`; `None` where there is none. A list that becomes empty is deleted.
    ///
    /// # Errors
    /// As [`Database::push`]. An element that does not fit `T` stays.
    pub fn pop<T: DeserializeOwned>(&mut self, key: &str, end: End) -> Result<Option<T>> {
        self.default_collection_mut().pop(key, end)
    }

    /// Takes the JSON text of the element at an end, as [`Database::pop`].
    ///
    /// # Errors
    /// As [`Database::push`].
    pub fn pop_json(&mut self, key: &str, end: End) -> Result<Option<String>> {
        self.default_collection_mut().pop_json(key, end)
    }

    /// Removes what is not between `start` and `stop`, both included, from the list at `key`, and returns how many
    /// elements are left; without any the list is deleted. Negative indexes count from the end. Costs what is removed.
    ///
    /// # Errors
    /// As [`Database::push`].
    pub fn trim(&mut self, key: &str, start: i64, stop: i64) -> Result<u64> {
        self.default_collection_mut().trim(key, start, stop)
    }

    /// Writes over the element at `index` of the list at `key`; negative indexes count from the end. False when there is
    /// no such element.
    ///
    /// # Errors
    /// As [`Database::push`].
    pub fn list_set<T: Serialize + ?Sized>(&mut self, key: &str, index: i64, element: &T) -> Result<bool> {
        self.default_collection_mut().list_set(key, index, element)
    }

    /// Writes over an element with JSON text, as [`Database::list_set`].
    ///
    /// # Errors
    /// As [`Database::push`].
    pub fn list_set_json(&mut self, key: &str, index: i64, json: &str) -> Result<bool> {
        self.default_collection_mut().list_set_json(key, index, json)
    }

    /// Creates an index on the value at `path`, as `role` or `address.city`, so that [`Database::find`] need not look
    /// at all documents. False when there is one.
    ///
    /// Existing documents are indexed before this returns, in many commits; inside a group each is written out by
    /// itself. When it fails or the program ends half way, the next call for the same path goes on from there.
    ///
    /// ```
    /// # use ferrolite::{Condition, Database, FindOptions, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_json("user:1", r#"{"name": "alice", "address": {"city": "Oslo"}}"#)?;
    /// db.create_index("address.city")?;
    /// let found = db.find("address.city", &Condition::equals("Oslo")?, &FindOptions::default())?;
    /// assert_eq!(found, ["user:1"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// An [`IndexSpec`] says more: several paths, a unique index, or entries for the elements of arrays.
    /// [`Database::query`] chooses among all indexes.
    ///
    /// # Errors
    /// `InvalidPath`; `InvalidOptions` when there is an index on the same paths that is not the same otherwise;
    /// `UniqueViolation` when two documents have equal values: then there is no index; `ReadOnly`, `StorageFull`, `Failed`,
    /// `Corrupt`, `Io`.
    pub fn create_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.default_collection_mut().create_index(index)
    }

    /// One step of [`Database::create_index`], for callers that have other things to do in between: looks at up to
    /// `budget_documents` documents. Repeat it until it is done.
    ///
    /// # Errors
    /// As [`Database::create_index`].
    pub fn create_index_step(&mut self, index: impl Into<IndexSpec>, budget_documents: usize) -> Result<IndexProgress> {
        self.default_collection_mut().create_index_step(index, budget_documents)
    }

    /// Removes the index on a path or several, whatever else it is. False when there was none. Documents stay.
    ///
    /// # Errors
    /// As [`Database::create_index`].
    pub fn drop_index(&mut self, index: impl Into<IndexSpec>) -> Result<bool> {
        self.default_collection_mut().drop_index(index)
    }
}
