//! The forms of a document in the engine: inline, in parts, as a list, as bytes.

pub(super) mod content;
pub(super) mod document;
pub(super) mod list;
pub(super) mod parts;
