//! Sorted, immutable tables.
//!
//! ```text
//! extent of a table, all pages at multiples of 64 bytes
//!   data pages     sorted entries                                          (block.rs)
//!   index pages    last key -> reference of a data page                    (block.rs)
//!   root page      last key -> reference of an index page; or, when one page holds all references, of a data page
//!   filter page    of all keys                                             (filter.rs)
//! ```
//!
//! The manifest holds the references of root and filter, so that every page's tag is held by its parent. Keys in
//! index pages are shortened: not below the last key of their page, and below the first key of the next one unless
//! both pages hold versions of one key.

pub(super) mod audit;
mod block;
pub(super) mod builder;
pub(super) mod copying;
pub(super) mod cursor;
pub(super) mod damaged_lookup;
pub(super) mod filter;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(super) mod id;
pub(super) mod last_pages;
pub(super) mod lookup;
pub(super) mod meta;
pub(super) mod walker;
