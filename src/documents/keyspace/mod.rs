//! Keys, ranges of keys, and times to live.

pub(super) mod key;
pub(super) mod range;
pub(super) mod ttl;
