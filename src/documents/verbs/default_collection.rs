//! The operations of the default collection, which a [`Database`] has as its own.

use super::blobs::{BlobReader, BlobWriter};
use super::set_options::SetOptions;
use crate::documents::catalog::index_spec::IndexSpec;
use crate::documents::database::Database;
use crate::documents::database::scan::{Page, PageLimits, Scan};
use crate::documents::database::snapshots::Snapshot;
use crate::documents::error::Result;
use crate::documents::index::build::IndexInfo;
use crate::documents::index::build::IndexProgress;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::range::Range;
use crate::documents::keyspace::ttl::Ttl;
use crate::documents::query::condition::Condition;
use crate::documents::query::find::{FindOptions, FindPage};
use crate::documents::query::query::Query;
use crate::documents::query::rows::Rows;
use crate::documents::query::run::{Explanation, QueryPage};
use crate::documents::stored::document::Document;
use crate::documents::stored::list::End;
use crate::fs::File;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// Forwards operations to the default collection, a line each. [`Collection`](crate::Collection) implements and documents them.
macro_rules! forward {
    (reads { $($read:ident $([$($r:tt)*])? ($($a:ident: $t:ty),*) -> $out:ty;)* }
     writes { $($write:ident $([$($w:tt)*])? ($($b:ident: $u:ty),*) -> $result:ty;)* }) => {
        impl<F: File> Database<F> {
            $(
                #[doc = concat!("Calls [`Collection::", stringify!($read), "`](crate::Collection::", stringify!($read), ")")]
                /// on the default collection.
                ///
                /// # Errors
                /// As the method of the collection.
                pub fn $read $(<$($r)*>)? (&self, $($a: $t),*) -> Result<$out> {
                    self.default_collection().$read($($a),*)
                }
            )*
            $(
                #[doc = concat!("Calls [`Collection::", stringify!($write), "`](crate::Collection::", stringify!($write), ")")]
                /// on the default collection.
                ///
                /// # Errors
                /// As the method of the collection.
                pub fn $write $(<$($w)*>)? (&mut self, $($b: $u),*) -> Result<$result> {
                    self.default_collection_mut().$write($($b),*)
                }
            )*
        }
    };
}

forward! {
    reads {
        get[T: DeserializeOwned](key: &str) -> Option<T>;
        get_json(key: &str) -> Option<String>;
        get_document(key: &str) -> Option<Document>;
        get_many[T: DeserializeOwned](keys: &[impl AsRef<str>]) -> Vec<Option<T>>;
        get_many_json(keys: &[impl AsRef<str>]) -> Vec<Option<String>>;
        get_documents(keys: &[impl AsRef<str>]) -> Vec<Option<Document>>;
        get_bytes(key: &str) -> Option<Vec<u8>>;
        has(key: &str) -> bool;
        ttl(key: &str) -> Ttl;
        count(range: &Range) -> u64;
        keys(range: &Range) -> Vec<String>;
        values[T: DeserializeOwned](range: &Range) -> Vec<T>;
        entries[T: DeserializeOwned](range: &Range) -> Vec<(String, T)>;
        entries_json(range: &Range) -> Vec<(String, String)>;
        find(path: &str, condition: &Condition, options: &FindOptions) -> Vec<String>;
        scan_page(range: &Range, snapshot: Snapshot, after: Option<&str>, limits: PageLimits) -> Page;
        find_page(path: &str, condition: &Condition, options: &FindOptions) -> FindPage;
        query(query: &Query) -> Vec<Document>;
        query_page(query: &Query) -> QueryPage;
        count_rows(query: &Query) -> u64;
        find_one(query: &Query) -> Option<Document>;
        explain(query: &Query) -> Explanation;
        list_length(key: &str) -> u64;
        list_range[T: DeserializeOwned](key: &str, start: i64, stop: i64) -> Vec<T>;
        list_range_json(key: &str, start: i64, stop: i64) -> Vec<String>;
        list_get[T: DeserializeOwned](key: &str, index: i64) -> Option<T>;
        list_get_json(key: &str, index: i64) -> Option<String>;
        patched(key: &str, operations: &str) -> Option<Document>;
        merge_patched(key: &str, patch: &str) -> Option<Document>;
    }
    writes {
        set[T: Serialize + ?Sized](key: &str, value: &T) -> u64;
        set_json(key: &str, json: &str) -> u64;
        set_ex[T: Serialize + ?Sized](key: &str, value: &T, ttl: Duration) -> u64;
        set_ex_json(key: &str, json: &str, ttl: Duration) -> u64;
        set_many[K: AsRef<str>, T: Serialize](documents: impl IntoIterator<Item = (K, T)>) -> u64;
        set_many_json[K: AsRef<str>, J: AsRef<str>](documents: impl IntoIterator<Item = (K, J)>) -> u64;
        delete(key: &str) -> bool;
        delete_range(range: &Range) -> u64;
        expire(key: &str, ttl: Duration) -> bool;
        persist(key: &str) -> bool;
        set_json_with(key: &str, json: &str, options: SetOptions) -> u64;
        increment(key: &str, by: i64) -> i64;
        compare_and_swap_json(key: &str, expected: Option<&str>, next: Option<&str>) -> bool;
        get_and_set_json(key: &str, json: &str) -> Option<String>;
        rename(from: &str, to: &str) -> bool;
        patch(key: &str, operations: &str) -> bool;
        merge_patch(key: &str, patch: &str) -> bool;
        set_bytes(key: &str, bytes: &[u8]) -> u64;
        set_bytes_with(key: &str, bytes: &[u8], options: SetOptions) -> u64;
        begin_blob(key: &str, ttl: Option<Duration>) -> BlobWriter;
        open_blob(key: &str) -> Option<BlobReader>;
        push[T: Serialize](key: &str, end: End, elements: impl IntoIterator<Item = T>) -> u64;
        push_json[J: AsRef<str>](key: &str, end: End, elements: impl IntoIterator<Item = J>) -> u64;
        pop[T: DeserializeOwned](key: &str, end: End) -> Option<T>;
        pop_json(key: &str, end: End) -> Option<String>;
        trim(key: &str, start: i64, stop: i64) -> u64;
        list_set[T: Serialize + ?Sized](key: &str, index: i64, element: &T) -> bool;
        list_set_json(key: &str, index: i64, json: &str) -> bool;
        create_index(index: impl Into<IndexSpec>) -> bool;
        create_index_step(index: impl Into<IndexSpec>, budget_documents: usize) -> IndexProgress;
        drop_index(index: impl Into<IndexSpec>) -> bool;
    }
}

impl<F: File> Database<F> {
    /// Calls [`indexes`](crate::Collection::indexes) on the default collection.
    pub fn indexes(&self) -> Vec<IndexInfo> {
        self.default_collection().indexes()
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

    /// The documents that a query finds, one after the other.
    ///
    /// # Errors
    /// As [`Database::query_page`].
    pub fn rows(&self, query: &Query) -> Result<Rows<'_, F>> {
        Rows::of(self, CollectionId::DEFAULT, self.view(), query)
    }
}
