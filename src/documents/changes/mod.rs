//! TODO

pub(super) mod change;
pub(super) mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(super) mod journal;
