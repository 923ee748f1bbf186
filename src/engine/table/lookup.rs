//! Lookups of one key in a table.

use super::block::Block;
use super::cursor::TableCursor;
use super::cursor::page_reference;
use super::filter;
use super::last_pages::{LastPage, LastPages};
use super::meta::Table;
use crate::engine::entry::{Seq, Version};
use crate::engine::error::Result;
use crate::fs::File;
use crate::page::{PlaceKind, Volume};

impl Table {
    /// True if the filter rules out a key with this [`hash`](filter::hash).
    pub(crate) fn rules_out<F: File>(&self, volume: &Volume<F>, hash: u64) -> Result<bool> {
        if self.filter.len == 0 {
            return Ok(false);
        }
        let filter = self.read_filter(volume, true)?;
        Ok(!filter::may_contain(&filter, hash))
    }

    /// The newest version of `key` that is not newer than `at`. `hash` is its [`hash`](filter::hash). `last` is what was read
    /// before.
    pub(crate) fn get<F: File>(
        &self,
        volume: &Volume<F>,
        key: &[u8],
        hash: u64,
        at: Seq,
        last: Option<&mut LastPages>,
    ) -> Result<Option<Version>> {
        if self.rules_out(volume, hash)? {
            return Ok(None);
        }
        if let Some(page) = last.as_ref().and_then(|last| last.holding(self.id, key)) {
            return self.get_in(page, volume, key, at);
        }
        let mut reference = self.root;
        let mut separator = None;
        for _ in 0..self.depth {
            let index = self.block(volume, PlaceKind::Index, &reference)?;
            // Index keys have sequence number 0: to find a key's first page, all its versions must be behind.
            let Some(found) = index.search(key, Seq::MAX)? else { return Ok(None) };
            reference = page_reference(index.value(found.parts.content))?;
            separator = last.as_ref().and_then(|_| found.key(key));
        }
        let data = self.block(volume, PlaceKind::Data, &reference)?;
        let version = self.get_in(&data, volume, key, at)?;
        if let (Some(last), Some(to)) = (last, separator) {
            last.keep(LastPage { table: self.id, from: key.to_vec(), to, page: data });
        }
        Ok(version)
    }

    /// Looks the key up in the first page that may have it.
    fn get_in<F: File>(&self, page: &Block, volume: &Volume<F>, key: &[u8], at: Seq) -> Result<Option<Version>> {
        match page.search(key, at)? {
            Some(found) => Ok(found.is_key.then(|| page.version(found.parts.content))),
            None => self.get_behind(volume, key, at),
        }
    }

    /// The same where the page that has the key's first version ends before: its versions may go on in the next pages.
    #[cold]
    fn get_behind<F: File>(&self, volume: &Volume<F>, key: &[u8], at: Seq) -> Result<Option<Version>> {
        let mut cursor = TableCursor::new(true);
        cursor.seek(self, volume, key, at)?;
        Ok(cursor.entry().filter(|(found, _)| *found == key).map(|_| cursor.version()))
    }
}
