//! Ferrolite is an embedded document database for WebAssembly: JSON documents by key, in one file, on every host.
//!
//! ```
//! use ferrolite::{Condition, Database, FindOptions, Options, Range, Transaction, fs::Memory};
//! use serde_json::{Value, json};
//! use std::time::Duration;
//!
//! # pollster::block_on(async {
//! // `fs::Std` keeps files natively and on WASI, `fs::AccessHandle` in browsers and JavaScript runtimes.
//! let fs = Memory::new();
//! let mut db = Database::open(&fs, "notes.ferrolite", Options::default()).await?;
//!
//! // Any `Serialize` value is a document; JSON text is stored as it is.
//! db.set("user:1", &json!({"name": "alice", "role": "admin", "address": {"city": "Oslo"}}))?;
//! db.set_json("user:2", r#"{"name": "bob", "role": "guest"}"#)?;
//! assert_eq!(db.get::<Value>("user:1")?.unwrap()["name"], "alice");
//!
//! // Keys are ordered by their bytes.
//! assert_eq!(db.keys(&Range::prefix("user:").reverse())?, ["user:2", "user:1"]);
//!
//! // Indexes lead from a value to keys.
//! db.create_index("address.city")?;
//! assert_eq!(db.find("address.city", &Condition::equals("Oslo")?, &FindOptions::default())?, ["user:1"]);
//!
//! // All of a transaction or nothing; documents may expire.
//! db.commit(
//!     Transaction::new()
//!         .set("visits", &1)?
//!         .set_ex("session:1", &json!({"user": 1}), Duration::from_secs(3600))?
//!         .delete("user:2")?,
//! )?;
//! assert_eq!(db.count(&Range::all())?, 3);
//!
//! db.close()?;
//! # Ok::<(), ferrolite::Error>(()) }).unwrap();
//! ```
//!
//! # What holds
//!
//! - Each write is one atomic commit. Under [`Durability::Always`], the default, it is durable before the call returns.
//!   After a crash a database opens to a prefix of its commits that has every durable one in it.
//! - Corrupted data is never returned: it is an [`Error`] of code [`ErrorCode::Corrupt`] that names the thing and
//!   where. Every error has a stable [code](Error::code).
//! - Memory is bounded by [`Options::cache_size`] and [`Options::memtable_size`], and by what a call returns.
//!
//! # Where things are
//!
//! [`Database`] has all verbs; [`Transaction`], [`Range`], [`Condition`] and [`Options`] are what they take. Hosts are
//! abstracted by [`fs::FileSystem`], which keeps files, and [`Environment`], which has the clock and randomness. Only
//! [`Database::open`] is asynchronous.

#[cfg(any(test, js))]
mod bindings;
mod crypto;
mod documents;
mod engine;
mod environment;
pub mod fs;
#[cfg(any(test, fuzzing))]
mod fuzz_input;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
#[cfg(feature = "cli")]
pub mod import;
mod page;
#[cfg(any(test, boundary))]
mod service;
mod sorting;
// The command-line program has the same texts.
#[doc(hidden)]
pub mod wording;

pub use crypto::{Argon2, Cipher, Encryption};
pub use documents::{
    ActiveTransaction, Blob, BlobReader, BlobWriter, Change, ChangeHistory, ChangeKind, CheckReport, Collection,
    Compression, Condition, Database, Document, Durability, End, Error, ErrorCode, Explanation, Filter, FindOptions,
    FindPage, Import, IndexInfo, IndexProgress, IndexSpec, Latency, LostPart, MAX_COLLECTION_NAME_LENGTH,
    MAX_DOCUMENT_LENGTH, MAX_INDEX_PATHS, MAX_KEY_LENGTH, MAX_PATH_LENGTH, OpenTransaction, Options, OrderBy, Page,
    PageLimits, Query, QueryChanges, QueryPage, QueryRow, QueryWatcher, Range, Result, Rows, Salvage, SalvageReport,
    Scan, SetOptions, Snapshot, Space, SpaceKind, Stats, Transaction, Ttl, WatchOptions, Watcher, import_from, salvage,
    salvage_with, ttl_from_seconds,
};
pub use engine::{
    CompactProgress, EncryptionStatistics, Export, RotateProgress, SpaceStatistics, Statistics as EngineStatistics,
};
pub use environment::{Environment, HostEnvironment};
