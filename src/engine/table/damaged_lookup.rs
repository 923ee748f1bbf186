//! Finding one key in a table whose index or filter cannot be read.

use std::sync::Arc;

use crate::engine::entry::{Seq, Version};
use crate::engine::error::{Error, Result};
use crate::engine::table::meta::Table;
use crate::engine::table::walker::{Gap, WalkedTable, Walker};
use crate::fs::File;
use crate::page::Volume;

/// The newest version of `key` that is not newer than `at`, by walking the table. Where it may be on a page that is lost,
/// the answer is `error`.
pub(crate) fn find_in_damaged<F: File>(
    table: &Arc<Table>,
    volume: &Volume<F>,
    key: &[u8],
    at: Seq,
    error: Error,
) -> Result<Option<Version>> {
    let mut walker = Walker::new(WalkedTable::of(table), volume)?;
    loop {
        let gap = walker.advance(volume)?;
        if gap.is_some_and(|gap| may_hold(&gap, key)) {
            return Err(error);
        }
        match walker.entry() {
            Some((found, seq)) if found == key && seq <= at => return Ok(walker.version()),
            Some((found, _)) if found <= key => {}
            _ => return Ok(None),
        }
    }
}

fn may_hold(gap: &Gap, key: &[u8]) -> bool {
    gap.has_entries
        && gap.from.as_deref().is_none_or(|from| from <= key)
        && gap.to.as_deref().is_none_or(|to| key <= to)
}
