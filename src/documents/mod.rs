//! Documents: keys, JSON values, indexes, times to live and transactions, on top of the engine.

mod catalog;
mod changes;
mod database;
mod error;
mod error_code;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod json;
mod keyspace;
mod options;
mod query;
mod stored;
mod transaction;
pub(super) mod upkeep;
mod verbs;
mod watch;

pub use catalog::entries::MAX_COLLECTION_NAME_LENGTH;
pub use catalog::index_spec::{IndexSpec, MAX_INDEX_PATHS};
pub use changes::change::{Change, ChangeKind};
pub use database::Database;
pub use database::collection::Collection;
pub use database::latencies::Latency;
#[cfg(any(test, boundary))]
pub(crate) use database::latencies::Verb;
pub use database::scan::{Page, PageLimits, Scan};
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use index::build::{IndexInfo, IndexProgress};
pub use json::path::MAX_PATH_LENGTH;
pub use json::text::MAX_DOCUMENT_LENGTH;
pub use keyspace::key::MAX_KEY_LENGTH;
pub use keyspace::range::Range;
pub use keyspace::ttl::{Ttl, ttl_from_seconds};
pub use options::{ChangeHistory, Compression, Durability, Options};
pub use query::condition::Condition;
pub use query::filter::Filter;
pub use query::find::{FindOptions, FindPage};
pub use query::query::{OrderBy, Query};
pub use query::rows::Rows;
pub use query::run::{Explanation, QueryPage};
pub use stored::document::{Blob, Document};
pub use stored::list::End;
pub use transaction::active::ActiveTransaction;
pub use transaction::open::OpenTransaction;
pub use transaction::writes::Transaction;
pub use upkeep::check::CheckReport;
pub use upkeep::import::{Import, import_from};
pub use upkeep::salvage::{LostPart, Salvage, SalvageReport, salvage, salvage_with};
pub use upkeep::statistics::{Space, SpaceKind, Stats};
pub use verbs::blobs::{BlobReader, BlobWriter};
pub use verbs::snapshot::Snapshot;
pub use verbs::update::SetOptions;
pub use watch::query::{QueryChanges, QueryRow, QueryWatcher};
pub use watch::watcher::{WatchOptions, Watcher};
