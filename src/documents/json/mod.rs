//! TODO

pub(super) mod decimal;
pub(super) mod edit;
pub(super) mod ordering;
pub(super) mod ordering_text;
pub(super) mod patch;
pub(super) mod path;
pub(super) mod scanner;
pub(super) mod serialize;
pub(super) mod text;
