//! TODO

pub(super) mod content;
pub(super) mod document;
pub(super) mod list;
pub(super) mod parts;
