//! The write-ahead log: a chain of preallocated segments.
//!
//! ```text
//! segment:  0    segment header (a frame of kind 16, without payload)
//!           64   link slot: zero, or a frame of kind 18 that names the next segment
//!           128  commit frames (kind 17), each at a multiple of 16 bytes
//!           ...  behind the last one, a second copy of the link
//! ```
//!
//! Each frame holds part of the tag of the frame before it, so that only a whole chain is believed. Each also holds
//! `synced_seq`, the newest commit that was durable when it was written: a bad frame whose commit is proven durable
//! by a later one is damage, not a torn tail. The link lies in two places, so that one damaged sector cannot hide
//! the segments behind it.

mod frame;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(super) mod recovery;
pub(super) mod salvage;
pub(super) mod writer;
