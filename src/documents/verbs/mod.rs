//! Operations on documents: read, write, update, lists, blobs, snapshots.

pub(super) mod blobs;
pub(super) mod default_collection;
pub(super) mod lists;
pub(super) mod read;
pub(super) mod set_options;
pub(super) mod snapshot;
pub(super) mod update;
pub(super) mod write;
