//! Documents: keys, JSON values, indexes, times to live and transactions, on top of the engine.

mod catalog;
mod check;
mod condition;
mod database;
mod document;
mod error;
mod error_code;
mod find;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod index;
mod index_entry;
mod json;
mod json_scan;
mod key;
mod keys;
mod options;
mod ordering;
mod path;
mod range;
mod read;
mod salvage;
mod scan;
mod serialize;
mod statistics;
mod transaction;
mod ttl;
mod write;

pub use check::CheckReport;
pub use condition::Condition;
pub use database::Database;
pub use document::Document;
pub use error::{Error, Result};
pub use error_code::ErrorCode;
pub use find::FindOptions;
pub use index::{IndexInfo, IndexProgress};
pub use json::MAX_DOCUMENT_LENGTH;
pub use key::MAX_KEY_LENGTH;
pub use options::{Compression, Durability, Options};
pub use path::MAX_PATH_LENGTH;
pub use range::Range;
pub use salvage::{LostPart, Salvage, SalvageReport, salvage, salvage_with};
pub use scan::{Page, PageLimits, Scan, Snapshot};
pub use statistics::Stats;
pub use transaction::Transaction;
pub use ttl::{Ttl, ttl_from_seconds};
