//! JSON text in and out: scanning, editing, patching, paths, and an encoding that keeps the order of values.

pub(super) mod decimal;
pub(super) mod edit;
pub(super) mod elements;
pub(super) mod ordering;
pub(super) mod ordering_text;
pub(super) mod patch;
pub(super) mod path;
pub(super) mod scanner;
pub(super) mod serialize;
pub(super) mod text;
