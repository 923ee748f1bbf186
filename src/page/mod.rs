//! One file as sealed pages.
//!
//! ```text
//! 0        superblock slot 0 ┐ two copies of one superblock,
//! 4 KiB    superblock slot 1 ┘ written when its sequence number is even
//! 8 KiB    superblock slot 2 ┐ two copies of the next one,
//! 12 KiB   superblock slot 3 ┘ written when it is odd
//! 16 KiB   key slots, two copies (zero in a plain file)
//! 24 KiB   owner record
//! 28 KiB   reserved, zero
//! 64 KiB   the grid: blocks of 64 KiB, allocated as extents, lowest address first
//! ```
//!
//! Invariants:
//! - a page is found through a reference held by its parent, which carries the page's 128-bit tag, so that a
//!   stale or misdirected page is found out and not read;
//! - nothing that the newest durable superblock reaches is ever overwritten;
//! - the free set is derived, never stored: it is the grid less what the superblock reaches.

mod aead_seal;
mod cache;
pub mod codec;
mod error;
mod extents;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod header;
mod header_writer;
mod key_slots;
mod layout;
mod owner;
mod probe;
mod seal;
mod slots;
mod superblock;
mod volume;

pub use cache::{Cache, CacheStatistics};
pub use error::{Error, KeyError, Result};
pub use extents::{Extent, FreeSet};
pub use header::{Compression, PageHeader, PageRef, manifest_raw_max};
pub use header_writer::HeaderWriter;
pub use key_slots::Keyring;
pub use layout::{BLOCK_LEN, FORMAT_VERSION, HEADER_LEN, PAGE_HEADER_LEN, align_up};
pub use probe::{Claim, prove};
#[cfg(any(test, fuzzing))]
pub use seal::ChecksumSeal;
pub use seal::{Place, PlaceKind, Seal, TAG_OFFSET, Tag};
pub use slots::Slots;
pub use superblock::{ExpiryHorizon, LogStart, MISSING_VALUES, ManifestHead, Superblock};
pub use volume::{Access, GuideTo, IoStatistics, TablePage, Volume};
