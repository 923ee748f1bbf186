//! The manifest's knowledge of a table.

use super::id::TableId;
use bytes::Bytes;

use super::block::Block;
use super::block::cursor::BlockCursor;
use super::block::guide::guide_to;
use crate::engine::entry::{Prefix, Seq, prefix_of};
use crate::engine::error::Result;
use crate::fs::File;
use crate::page::codec::{Reader, put_prefixed, put_varint};
use crate::page::{BLOCK_LEN, Extent, GuideTo, PageRef, Place, PlaceKind, TablePage, Volume};

/// Figures about a table's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TableStatistics {
    /// Entries, all versions and tombstones.
    pub entries: u64,
    /// Tombstones among them.
    pub tombstones: u64,
    /// Bytes of keys and values.
    pub raw_bytes: u64,
    /// Oldest sequence number.
    pub min_seq: Seq,
    /// Newest sequence number.
    pub max_seq: Seq,
    /// Entries with an expiry.
    pub expiring: u64,
    /// The last of their expiries, milliseconds since 1970-01-01 UTC.
    pub max_expires_at: u64,
}

/// More entries than fit a table, whose pages lie in 4 GiB, however well they are compressed. Few enough that those of all
/// tables can be added up.
const ENTRIES_MAX: u64 = 1 << 40;

impl TableStatistics {
    /// True if the numbers of entries agree. A tombstone has no expiry.
    fn adds_up(&self) -> bool {
        let special = self.tombstones.checked_add(self.expiring);
        self.entries < ENTRIES_MAX && special.is_some_and(|special| special <= self.entries)
    }
}

/// A table: where it is and what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub id: TableId,
    /// Where its extent begins.
    pub address: u64,
    /// Bytes in use in the extent.
    pub len: u64,
    /// 1 when the root refers to data pages, 2 when to index pages.
    pub depth: u8,
    /// The root page.
    pub root: PageRef,
    /// The filter page; length 0 when there is none.
    pub filter: PageRef,
    /// Smallest key.
    pub smallest: Bytes,
    /// Largest key.
    pub largest: Bytes,
    /// Figures about its content.
    pub statistics: TableStatistics,
    /// The lowest epoch in which pages of it were sealed; 0 in a plain file.
    pub key_epoch: u32,
}

/// Added to the depth when a key epoch follows.
const HAS_KEY_EPOCH: u8 = 128;

impl Table {
    /// The blocks it occupies.
    pub fn extent(&self) -> Extent {
        Extent::for_len(self.address, self.len)
    }

    /// Its key space.
    pub fn prefix(&self) -> Prefix {
        prefix_of(&self.smallest).unwrap_or_default()
    }

    /// True if it may hold keys in the closed range.
    pub fn overlaps(&self, smallest: &[u8], largest: &[u8]) -> bool {
        self.smallest.as_ref() <= largest && self.largest.as_ref() >= smallest
    }

    /// Reads a page, which is kept when it is made a guide.
    fn read_page<F: File>(
        &self,
        volume: &Volume<F>,
        kind: PlaceKind,
        reference: &PageRef,
        guide_to: Option<GuideTo>,
    ) -> Result<TablePage> {
        let place = Place::new(kind, self.id, u64::from(reference.offset));
        Ok(volume.read_table_page(place, self.address, reference, guide_to)?)
    }

    /// Reads the root page.
    pub(crate) fn read_root<F: File>(&self, volume: &Volume<F>) -> Result<Bytes> {
        Ok(self.read_page(volume, PlaceKind::Index, &self.root, None)?.payload)
    }

    /// Reads the filter page; `keep` as in [`Table::read_block`].
    pub(crate) fn read_filter<F: File>(&self, volume: &Volume<F>, keep: bool) -> Result<Bytes> {
        let no_guide: GuideTo = |_| Bytes::new();
        Ok(self.read_page(volume, PlaceKind::Filter, &self.filter, keep.then_some(no_guide))?.payload)
    }

    /// A cursor on a page. `keep` is false for reads that will not be repeated.
    pub(crate) fn read_block<F: File>(
        &self,
        volume: &Volume<F>,
        kind: PlaceKind,
        reference: &PageRef,
        keep: bool,
    ) -> Result<BlockCursor> {
        let guide_to: GuideTo = guide_to;
        Ok(BlockCursor::new(Block::of(self.read_page(volume, kind, reference, keep.then_some(guide_to))?)?))
    }

    pub(crate) fn block<F: File>(&self, volume: &Volume<F>, kind: PlaceKind, reference: &PageRef) -> Result<Block> {
        Block::of(self.read_page(volume, kind, reference, Some(guide_to))?)
    }

    /// Appends the table to a manifest edit.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for field in [self.id, self.address / BLOCK_LEN, self.len] {
            put_varint(out, field);
        }
        let has_key_epoch = if self.key_epoch > 0 { HAS_KEY_EPOCH } else { 0 };
        out.push(self.depth | has_key_epoch);
        self.root.encode(out);
        self.filter.encode(out);
        put_prefixed(out, &self.smallest);
        put_prefixed(out, &self.largest);
        let TableStatistics { entries, tombstones, raw_bytes, min_seq, max_seq, expiring, max_expires_at } =
            self.statistics;
        for field in [entries, tombstones, raw_bytes, min_seq, max_seq, expiring, max_expires_at] {
            put_varint(out, field);
        }
        if self.key_epoch > 0 {
            put_varint(out, u64::from(self.key_epoch));
        }
    }

    /// Reads a table from a manifest edit; `None` when it makes no sense.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut table = Self {
            id: reader.varint()?,
            address: reader.varint()?.checked_mul(BLOCK_LEN)?,
            len: reader.varint()?,
            depth: reader.u8()?,
            root: PageRef::decode(reader)?,
            filter: PageRef::decode(reader)?,
            smallest: Bytes::copy_from_slice(reader.prefixed()?),
            largest: Bytes::copy_from_slice(reader.prefixed()?),
            statistics: TableStatistics {
                entries: reader.varint()?,
                tombstones: reader.varint()?,
                raw_bytes: reader.varint()?,
                min_seq: reader.varint()?,
                max_seq: reader.varint()?,
                expiring: reader.varint()?,
                max_expires_at: reader.varint()?,
            },
            key_epoch: 0,
        };
        if table.depth & HAS_KEY_EPOCH != 0 {
            table.depth &= !HAS_KEY_EPOCH;
            table.key_epoch = u32::try_from(reader.varint()?).ok().filter(|&epoch| epoch > 0)?;
        }
        let whole = matches!(table.depth, 1 | 2)
            && table.len > 0
            && table.extent().is_valid()
            && table.statistics.adds_up()
            && table.smallest <= table.largest
            && prefix_of(&table.smallest)? == prefix_of(&table.largest)?;
        whole.then_some(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(statistics: TableStatistics) -> Option<Table> {
        let page = PageRef { offset: 0, len: 100, tag: [1; 16] };
        let key = Bytes::from_static(&[0; 9]);
        let table = Table {
            id: 1,
            address: BLOCK_LEN,
            len: 100,
            depth: 1,
            root: page,
            filter: page,
            smallest: key.clone(),
            largest: key,
            statistics,
            key_epoch: 0,
        };
        let mut bytes = Vec::new();
        table.encode(&mut bytes);
        Table::decode(&mut Reader::new(&bytes)).inspect(|decoded| assert_eq!(*decoded, table))
    }

    #[test]
    fn what_is_said_of_entries_must_add_up() {
        let statistics = |entries, tombstones, expiring| TableStatistics {
            entries,
            tombstones,
            expiring,
            ..TableStatistics::default()
        };
        for sound in [statistics(3, 0, 0), statistics(3, 3, 0), statistics(3, 1, 2), statistics((1 << 40) - 1, 0, 0)] {
            assert!(decode(sound).is_some(), "{sound:?}");
        }
        let forged =
            [(3, 4, 0), (3, 0, 4), (3, 2, 2), (3, u64::MAX, 4), (3, 2, u64::MAX), (1 << 40, 0, 0), (u64::MAX, 0, 0)];
        for (entries, tombstones, expiring) in forged {
            let forged = statistics(entries, tombstones, expiring);
            assert_eq!(decode(forged), None, "{forged:?}");
        }
    }
}
