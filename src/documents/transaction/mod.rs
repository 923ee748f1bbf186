//! TODO

pub(super) mod active;
pub(super) mod commit;
pub(super) mod open;
pub(super) mod writes;
