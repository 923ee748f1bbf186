//! TODO

pub(super) mod check;
pub(super) mod salvage;
