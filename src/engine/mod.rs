//! An ordered, versioned key-value engine in one file: a log-structured merge tree.
//!
//! ```text
//!   append ──▶ log (preallocated segments)        recovery replays it
//!      └─────▶ memtable ──freeze──▶ frozen ──flush──▶ level 0 ──merge──▶ ... ──merge──▶ level 6
//! ```
//!
//! Invariants:
//! - what a reader sees is decided by sequence numbers alone: the newest version not newer than its own; and newer
//!   versions are always found before older ones: memtable, frozen memtable, runs of level 0, levels downwards;
//! - a commit is acknowledged only after its frame was written and, when it is to be durable, synced;
//! - a superblock is written only after all it refers to is durable, and what it no longer refers to is reused only
//!   after it is durable itself;
//! - after a flush that failed, the engine closes itself to writes: the host may have dropped what it could not
//!   write, and a later flush that succeeds proves nothing about it.

mod batch;
mod compare;
pub(super) mod counters;
mod covered;
mod current;
mod damage;
#[expect(clippy::module_inception, reason = "the engine is what the module is named for")]
mod engine;
mod entry;
mod error;
mod estimate;
mod export;
mod export_covered;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod hot_rows;
mod levels;
mod log;
mod manifest;
mod memtable;
mod merge;
mod numbering;
mod opening;
mod options;
mod read;
pub(super) mod retention;
pub(super) mod room;
mod state;
mod statistics;
pub(crate) mod stored_state;
mod table;
mod unwinding;
mod upkeep;
pub(super) mod work;
mod write;

pub use batch::Batch;
pub use damage::salvage::Salvager;
pub use damage::salvage::report::{Losses, LostPiece};
pub use engine::Engine;
pub use entry::{Entry, Seq};
pub use error::Error;
pub use export::Export;
pub use numbering::SKIPPED;
pub use options::{Compression, Durability, Options};
pub use read::{Cursor, KeyRange, KeyReader, Snapshot};
pub use statistics::{EncryptionStatistics, SpaceStatistics, Statistics};
pub use upkeep::rotation::RotateProgress;
pub use upkeep::space::CompactProgress;

#[cfg(test)]
mod tests;
