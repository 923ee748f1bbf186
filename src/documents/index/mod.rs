//! Indexes: building, entries, and unique values.

pub(super) mod build;
pub(super) mod entry;
pub(super) mod unique;
