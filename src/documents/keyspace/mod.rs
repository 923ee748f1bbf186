//! TODO

pub(super) mod key;
pub(super) mod range;
pub(super) mod ttl;
