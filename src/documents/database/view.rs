//! The version that a read sees.

use crate::engine::Seq;

/// The state that a read sees: the database as of one commit and one time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    pub at: Seq,
    pub now_ms: u64,
}
