//! The options of one write: time to live, and the version that the document must have.

use std::time::Duration;

/// Under which conditions a document is written, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SetOptions {
    /// Time to live. `None` clears the one that the key had, unless it is kept.
    pub ttl: Option<Duration>,
    /// Keeps the time to live that the key had; not together with `ttl`.
    pub keep_ttl: bool,
    /// Only if the document at the key has this version; 0 stands for no document.
    pub if_version: Option<u64>,
    /// Only if there is no document at the key.
    pub if_absent: bool,
}
