//! The handlers of operations: each takes the arguments out of a call, and writes the result.
//!
//! A handler is not inlined: the build of the npm package puts handlers that few programs need into the part of the engine
//! that is loaded later (`tools/split-wasm`), function by function.

pub(super) mod barriers;
pub(super) mod blobs;
pub(super) mod lists;
pub(super) mod opened;
pub(super) mod queries;
pub(super) mod reads;
pub(super) mod transaction_reads;
pub(super) mod updates;
pub(super) mod writes;
