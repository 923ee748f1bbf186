//! The changes of a commit: a queue in memory for watchers, and the change history in the file.

pub(super) mod change;
pub(super) mod feed;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub(super) mod journal;
