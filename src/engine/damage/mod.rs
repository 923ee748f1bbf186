//! Reading of damaged files: the check, and salvage.

pub(super) mod check;
pub(super) mod salvage;
