//! Builds a table in memory; it is written with one call when it is whole.

use bytes::Bytes;

use super::block::builder::{BlockBuilder, RestartInterval};
use super::filter;
use super::id::TableId;
use super::meta::{Table, TableStatistics};
use crate::engine::entry::{Seq, Version};
use crate::fs::File;
use crate::page::{PageHeader, PageRef, PlaceKind, Volume};

/// Bytes of references in an index page, before compression. Smaller than a data page: an index page is read for
/// every cold lookup.
const INDEX_PAGE_SIZE: usize = 4096;

/// A table that is being built.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    id: TableId,
    page_size: usize,
    extent: Vec<u8>,
    data: BlockBuilder,
    /// The finished page that has no separator yet, since that depends on the next page's first key.
    unindexed: Option<(Vec<u8>, PageRef)>,
    index: BlockBuilder,
    root: BlockBuilder,
    /// True if an index page was finished, so that the root refers to index pages.
    is_deep: bool,
    hashes: Vec<u64>,
    page_max_seq: Seq,
    smallest: Bytes,
    statistics: TableStatistics,
    /// The epoch of the first page: later ones are not lower.
    key_epoch: u32,
}

impl TableBuilder {
    pub(crate) fn new(id: TableId, page_size: usize) -> Self {
        Self {
            id,
            page_size,
            extent: Vec::new(),
            data: BlockBuilder::new(RestartInterval::DATA),
            unindexed: None,
            index: BlockBuilder::new(RestartInterval::INDEX),
            root: BlockBuilder::new(RestartInterval::INDEX),
            is_deep: false,
            hashes: Vec::new(),
            page_max_seq: 0,
            smallest: Bytes::new(),
            statistics: TableStatistics { min_seq: Seq::MAX, ..TableStatistics::default() },
            key_epoch: 0,
        }
    }

    /// Bytes of finished pages so far.
    pub(crate) fn len(&self) -> usize {
        self.extent.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.statistics.entries == 0
    }

    /// True if there are entries, and all of them are tombstones.
    pub(crate) fn has_only_tombstones(&self) -> bool {
        !self.is_empty() && self.statistics.tombstones == self.statistics.entries
    }

    /// The last key that was added.
    pub(crate) fn last_key(&self) -> &[u8] {
        if self.data.is_empty() { self.unindexed.as_ref().map_or(&[], |(key, _)| key) } else { self.data.last_key() }
    }

    /// Adds an entry. REQUIRES: keys ascend, and the versions of one key go from newest to oldest.
    pub(crate) fn push<F: File>(&mut self, volume: &Volume<F>, key: &[u8], version: &Version) {
        if self.is_empty() {
            self.smallest = Bytes::copy_from_slice(key);
            self.key_epoch = volume.key_epoch();
        }
        // Before a large value the page is closed, so that the value has a page of its own.
        let size = key.len() + version.size();
        if !self.data.is_empty() && self.data.len() + size > self.page_size + self.page_size / 2 {
            self.finish_data_page(volume);
        }
        if self.data.is_empty() {
            self.index_last_page(volume, Some(key));
        }
        if self.last_key() != key {
            self.hashes.push(filter::hash(key));
        }
        self.data.push(key, version);
        self.page_max_seq = self.page_max_seq.max(version.seq);
        self.count(key, version);
        if self.data.len() >= self.page_size {
            self.finish_data_page(volume);
        }
    }

    fn count(&mut self, key: &[u8], version: &Version) {
        let statistics = &mut self.statistics;
        statistics.entries += 1;
        statistics.tombstones += u64::from(version.value.is_none());
        statistics.raw_bytes += (key.len() + version.size()) as u64;
        statistics.min_seq = statistics.min_seq.min(version.seq);
        statistics.max_seq = statistics.max_seq.max(version.seq);
        if let Some(at) = version.expires_at {
            statistics.expiring += 1;
            statistics.max_expires_at = statistics.max_expires_at.max(at);
        }
    }

    fn append<F: File>(&mut self, volume: &Volume<F>, kind: PlaceKind, max_seq: Seq, payload: &[u8]) -> PageRef {
        let header = PageHeader { kind, owner: self.id, max_seq };
        volume.append_page(&mut self.extent, header, |offset| offset, payload)
    }

    fn finish_data_page<F: File>(&mut self, volume: &Volume<F>) {
        let last_key = self.data.last_key().to_vec();
        let payload = self.data.finish();
        let reference = self.append(volume, PlaceKind::Data, self.page_max_seq, &payload);
        self.page_max_seq = 0;
        self.unindexed = Some((last_key, reference));
    }

    /// Adds the finished page to the index, now that the key behind it is known.
    fn index_last_page<F: File>(&mut self, volume: &Volume<F>, next_key: Option<&[u8]>) {
        let Some((last_key, reference)) = self.unindexed.take() else { return };
        let separator = next_key.map_or_else(|| last_key.clone(), |next| separator(&last_key, next));
        self.index.push(&separator, &reference_version(&reference));
        if self.index.len() >= INDEX_PAGE_SIZE {
            self.finish_index_page(volume);
        }
    }

    fn finish_index_page<F: File>(&mut self, volume: &Volume<F>) {
        let last_key = self.index.last_key().to_vec();
        let payload = self.index.finish();
        let reference = self.append(volume, PlaceKind::Index, self.statistics.max_seq, &payload);
        self.root.push(&last_key, &reference_version(&reference));
        self.is_deep = true;
    }

    /// The extent's bytes and the table, whose address is still to be set. REQUIRES: not empty.
    pub(crate) fn finish<F: File>(mut self, volume: &Volume<F>) -> (Vec<u8>, Table) {
        assert!(!self.is_empty(), "a table has entries");
        let largest = Bytes::copy_from_slice(self.last_key());
        if !self.data.is_empty() {
            self.finish_data_page(volume);
        }
        self.index_last_page(volume, None);
        if self.is_deep && !self.index.is_empty() {
            self.finish_index_page(volume);
        }
        let payload = if self.is_deep { self.root.finish() } else { self.index.finish() };
        let max_seq = self.statistics.max_seq;
        let root = self.append(volume, PlaceKind::Index, max_seq, &payload);
        let payload = filter::build(&self.hashes);
        let filter = self.append(volume, PlaceKind::Filter, max_seq, &payload);
        let table = Table {
            id: self.id,
            address: 0,
            len: self.extent.len() as u64,
            depth: if self.is_deep { 2 } else { 1 },
            root,
            filter,
            smallest: self.smallest,
            largest,
            statistics: self.statistics,
            key_epoch: self.key_epoch,
        };
        (self.extent, table)
    }
}

fn reference_version(reference: &PageRef) -> Version {
    let mut value = Vec::with_capacity(PageRef::LEN);
    reference.encode(&mut value);
    Version { seq: 0, value: Some(value.into()), expires_at: None }
}

/// A short key that is not below `last` and, when `next` is larger, below `next`.
fn separator(last: &[u8], next: &[u8]) -> Vec<u8> {
    let shared = last.iter().zip(next).take_while(|(a, b)| a == b).count();
    if let (Some(&low), Some(&high)) = (last.get(shared), next.get(shared))
        && low + 1 < high
    {
        let mut short = last.get(..shared).unwrap_or_default().to_vec();
        short.push(low + 1);
        return short;
    }
    last.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_lie_between_pages() {
        for (last, next, expected) in
            [("abcdef", "abzz", "abd"), ("abc", "abd", "abc"), ("abc", "abcd", "abc"), ("same", "same", "same")]
        {
            let found = separator(last.as_bytes(), next.as_bytes());
            assert_eq!(found, expected.as_bytes());
            assert!(found.as_slice() >= last.as_bytes() && (found.as_slice() < next.as_bytes() || last == next));
        }
    }
}
