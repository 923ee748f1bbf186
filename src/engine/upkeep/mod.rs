//! The work between commits: flushes, compaction, purges, space, and the change of the data key.

pub(super) mod compaction;
pub(super) mod covered_tables;
pub(super) mod flush;
pub(super) mod maintain;
pub(super) mod output;
pub(super) mod purge;
pub(super) mod reclaim;
pub(super) mod reserve;
pub(super) mod retention;
pub(super) mod rotation;
pub(super) mod space;
