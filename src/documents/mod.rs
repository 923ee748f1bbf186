//! Documents: keys, JSON values, indexes, times to live and transactions, on top of the engine.

mod catalog;
mod condition;
mod database;
mod document;
mod error;
mod find;
mod index;
mod index_entry;
mod json;
mod key;
mod options;
mod range;
mod read;
mod scan;
mod serialize;
mod statistics;
mod transaction;
mod ttl;
mod write;

pub use condition::Condition;
pub use database::Database;
pub use document::Document;
pub use error::{Error, ErrorCode, Result};
pub use find::FindOptions;
pub use index::{IndexInfo, IndexProgress};
pub use json::MAX_DOCUMENT_LENGTH;
pub use key::MAX_KEY_LENGTH;
pub use options::{Compression, Durability, Options};
pub use range::Range;
pub use scan::{Page, PageLimits, Scan, Snapshot};
pub use statistics::{CheckReport, Stats};
pub use transaction::Transaction;
pub use ttl::{Ttl, ttl_from_seconds};
