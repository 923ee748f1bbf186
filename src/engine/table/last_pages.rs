//! The data pages that were read last, of several tables: keys that are read in their order are often on the same ones.

use super::block::Block;
use super::id::TableId;
use crate::engine::compare::compare;

/// As many as there are sorted sets of tables that a key may be in, in a tree that is not behind with its merges.
const PAGES_MAX: usize = 8;

/// A data page.
#[derive(Debug)]
pub(crate) struct LastPage {
    pub(crate) table: TableId,
    /// Keys from here on are first on this page,
    pub(crate) from: Vec<u8>,
    /// up to this one.
    pub(crate) to: Vec<u8>,
    pub(crate) page: Block,
}

/// Data pages, one for each of the tables that were read last.
#[derive(Debug, Default)]
pub(crate) struct LastPages {
    pages: Vec<LastPage>,
    /// Which one gives way when there are enough.
    next: usize,
}

impl LastPages {
    /// The page of a table where this key is first, if it is here.
    pub(crate) fn holding(&self, table: TableId, key: &[u8]) -> Option<&Block> {
        let page = self.pages.iter().find(|page| page.table == table)?;
        (compare(&page.from, key).is_le() && compare(key, &page.to).is_le()).then_some(&page.page)
    }

    pub(crate) fn keep(&mut self, page: LastPage) {
        if let Some(other) = self.pages.iter_mut().find(|other| other.table == page.table) {
            *other = page;
        } else if self.pages.len() < PAGES_MAX {
            self.pages.push(page);
        } else {
            self.pages[self.next] = page;
            self.next = (self.next + 1) % PAGES_MAX;
        }
    }
}
