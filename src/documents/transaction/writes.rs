//! Transactions: several writes that become one atomic commit.

use crate::documents::catalog::entries::check_collection_name;
use crate::documents::error::Result;
use crate::documents::json::{serialize, text};
use crate::documents::keyspace::key::check_key;
use crate::documents::keyspace::ttl;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Writes that are committed together, by [`Database::commit`](crate::Database::commit): all of them or none.
///
/// They are checked as they are added. Of several writes to one key the last one counts.
///
/// ```
/// # use ferrolite::{Database, Options, Transaction, fs::Memory};
/// # use std::time::Duration;
/// # pollster::block_on(async {
/// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
/// db.commit(
///     Transaction::new()
///         .set("account:1", &70)?
///         .set("account:2", &30)?
///         .set_ex("session:1", "alice", Duration::from_secs(60))?
///         .delete("draft:1")?,
/// )?;
/// # Ok::<(), ferrolite::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "a transaction does nothing until it is committed"]
pub struct Transaction {
    /// By the names of collections, empty for the default one, and by keys: sorted, so that a large commit reaches the
    /// engine in the order of its keys.
    pub(crate) writes: BTreeMap<String, BTreeMap<String, Write>>,
    /// The collection that writes are added to.
    collection: String,
}

/// The new state of one key.
#[derive(Debug, Clone)]
pub(crate) enum Write {
    Put { json: String, expiry: Expiry },
    PutBytes { bytes: Vec<u8>, expiry: Expiry },
    Delete,
}

/// When a written document expires.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expiry {
    Never,
    /// This long after the commit.
    After(Duration),
    /// At this time, in milliseconds since 1970.
    At(u64),
}

impl Expiry {
    /// The expiry, for a commit at `now_ms`.
    pub(crate) fn resolve(self, now_ms: u64) -> Result<Option<u64>> {
        match self {
            Self::Never => Ok(None),
            Self::After(ttl) => ttl::expiry(now_ms, ttl).map(Some),
            Self::At(at_ms) => ttl::check_expiry(at_ms).map(Some),
        }
    }
}

impl Transaction {
    /// A transaction without writes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores `value` at `key`.
    ///
    /// # Errors
    /// `InvalidKey`, `InvalidValue`, `TooLarge`.
    pub fn set<T: Serialize + ?Sized>(self, key: &str, value: &T) -> Result<Self> {
        self.put(key, serialize::to_json(key, value)?, Expiry::Never)
    }

    /// Stores JSON text at `key`.
    ///
    /// # Errors
    /// As [`Transaction::set`].
    pub fn set_json(self, key: &str, json: &str) -> Result<Self> {
        text::check_document(key, json)?;
        self.put(key, json.to_owned(), Expiry::Never)
    }

    /// Stores `value` at `key`; it expires `ttl` after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set`], and `InvalidOptions` when the time is zero or ends beyond the year 9999.
    pub fn set_ex<T: Serialize + ?Sized>(self, key: &str, value: &T, ttl: Duration) -> Result<Self> {
        ttl::expiry(0, ttl)?;
        self.put(key, serialize::to_json(key, value)?, Expiry::After(ttl))
    }

    /// Stores JSON text at `key`; it expires `ttl` after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set_ex`].
    pub fn set_ex_json(self, key: &str, json: &str, ttl: Duration) -> Result<Self> {
        ttl::expiry(0, ttl)?;
        text::check_document(key, json)?;
        self.put(key, json.to_owned(), Expiry::After(ttl))
    }

    /// Stores JSON that was parsed before; it expires `ttl` after the commit, if that is given.
    #[cfg(any(test, boundary))]
    pub(crate) fn set_raw(self, key: &str, json: &serde_json::value::RawValue, ttl: Option<Duration>) -> Result<Self> {
        ttl.map_or(Ok(0), |ttl| ttl::expiry(0, ttl))?;
        text::check_length(json.get().len())?;
        self.put(key, json.get().to_owned(), ttl.map_or(Expiry::Never, Expiry::After))
    }

    /// Stores JSON text at `key` that expires at `expires_at`, in milliseconds since 1970: to restore what
    /// [`Document::expires_at`](crate::Document::expires_at) has told. When that time is past, the key is empty
    /// after the commit.
    ///
    /// # Errors
    /// As [`Transaction::set_ex`].
    pub fn set_until_json(self, key: &str, json: &str, expires_at: u64) -> Result<Self> {
        ttl::check_expiry(expires_at)?;
        text::check_document(key, json)?;
        self.put(key, json.to_owned(), Expiry::At(expires_at))
    }

    /// Stores bytes at `key`; with a time to live they expire so long after the commit.
    ///
    /// # Errors
    /// `InvalidKey`, `InvalidOptions`; `TooLarge` when there are more than a document of JSON may have.
    pub fn set_bytes(mut self, key: &str, bytes: &[u8], ttl: Option<Duration>) -> Result<Self> {
        check_key(key)?;
        text::check_length(bytes.len())?;
        ttl.map_or(Ok(0), |ttl| ttl::expiry(0, ttl))?;
        let expiry = ttl.map_or(Expiry::Never, Expiry::After);
        self.add(key, Write::PutBytes { bytes: bytes.to_vec(), expiry });
        Ok(self)
    }

    /// Stores bytes at `key` that expire at `expires_at`, as [`Transaction::set_until_json`].
    ///
    /// # Errors
    /// As [`Transaction::set_bytes`].
    pub fn set_until_bytes(mut self, key: &str, bytes: &[u8], expires_at: u64) -> Result<Self> {
        check_key(key)?;
        text::check_length(bytes.len())?;
        ttl::check_expiry(expires_at)?;
        self.add(key, Write::PutBytes { bytes: bytes.to_vec(), expiry: Expiry::At(expires_at) });
        Ok(self)
    }

    /// Deletes the document at `key`, if there is one.
    ///
    /// # Errors
    /// `InvalidKey`.
    pub fn delete(mut self, key: &str) -> Result<Self> {
        check_key(key)?;
        self.add(key, Write::Delete);
        Ok(self)
    }

    /// Lets the writes that follow go to the collection `name`, which is created with them if need be.
    ///
    /// # Errors
    /// `InvalidCollection`.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Transaction, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let transaction = Transaction::new().collection("users")?.set("alice", &1)?.collection("log")?.set("1", "alice")?;
    /// db.commit(transaction)?;
    /// assert_eq!(db.collections(), ["log", "users"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn collection(self, name: &str) -> Result<Self> {
        check_collection_name(name)?;
        Ok(self.named(name))
    }

    /// Lets the writes that follow go to the default collection, as they do in the beginning.
    pub fn default_collection(self) -> Self {
        self.named("")
    }

    /// Sets the collection of the following writes. REQUIRES: the name was checked, or is empty for the default collection.
    pub(crate) fn named(self, name: &str) -> Self {
        Self { collection: name.to_owned(), ..self }
    }

    /// Adds the writes of another transaction; where both write a key, those count.
    pub fn extend(&mut self, later: Self) {
        for (collection, writes) in later.writes {
            self.writes.entry(collection).or_default().extend(writes);
        }
    }

    /// How many documents it writes.
    pub fn len(&self) -> usize {
        self.writes.values().map(BTreeMap::len).sum()
    }

    /// True if it writes nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Adds a checked document.
    fn put(mut self, key: &str, json: String, expiry: Expiry) -> Result<Self> {
        check_key(key)?;
        self.add(key, Write::Put { json, expiry });
        Ok(self)
    }

    fn add(&mut self, key: &str, write: Write) {
        match self.writes.get_mut(&self.collection) {
            Some(writes) => drop(writes.insert(key.to_owned(), write)),
            None => drop(self.writes.insert(self.collection.clone(), BTreeMap::from([(key.to_owned(), write)]))),
        }
    }

    /// Returns the write at a key.
    pub(crate) fn write_at(&self, collection: &str, key: &str) -> Option<&Write> {
        self.writes.get(collection)?.get(key)
    }

    /// Returns the writes to a collection.
    pub(crate) fn writes_to(&self, collection: &str) -> impl DoubleEndedIterator<Item = (&String, &Write)> {
        self.writes.get(collection).into_iter().flatten()
    }
}
