//! The id of a table.

/// Names a table for ever; never used again.
pub type TableId = u64;
