//! Several writes as one commit, and the reads that the commit depends on.

pub(super) mod active;
pub(super) mod commit;
pub(super) mod open;
pub(super) mod writes;
