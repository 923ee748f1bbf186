//! Index entries.

use super::catalog::Catalog;
use super::error::Result;
use crate::engine::{Batch, Entry};

/// Adds the changes of all index entries.
pub(super) fn stage(
    _catalog: &Catalog,
    _batch: &mut Batch,
    _key: &str,
    _old: Option<&Entry>,
    _new: Option<(&str, Option<u64>)>,
) -> Result<()> {
    Ok(())
}
