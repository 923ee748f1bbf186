//! A position in a table. It owns what it points at and is given the table and the volume with every call, so that
//! a compaction can keep it from one slice to the next.

use super::block::cursor::BlockCursor;
use super::meta::Table;
use crate::engine::entry::{Seq, Version};
use crate::engine::error::{Error, Result};
use crate::fs::File;
use crate::page::codec::Reader;
use crate::page::{PageRef, PlaceKind, Volume};

/// A position in a table.
#[derive(Debug, Clone)]
pub(crate) struct TableCursor {
    /// The root and, in deep tables, an index page.
    index: Vec<BlockCursor>,
    data: Option<BlockCursor>,
    /// Where the data page that was entered last lies in the table: offset and end.
    place: (u64, u64),
    /// True if pages go into the cache.
    keep: bool,
}

/// The end of a page to begin at.
#[derive(Clone, Copy)]
enum Side {
    First,
    Last,
}

impl TableCursor {
    /// A cursor that is nowhere yet.
    pub(crate) fn new(keep: bool) -> Self {
        Self { index: Vec::new(), data: None, place: (0, 0), keep }
    }

    /// The entry it stands at.
    pub(crate) fn entry(&self) -> Option<(&[u8], Seq)> {
        self.data.as_ref().filter(|data| data.valid()).map(|data| (data.key(), data.seq()))
    }

    /// The version it stands at. REQUIRES: [`TableCursor::entry`] is some.
    pub(crate) fn version(&self) -> Version {
        self.data.as_ref().expect("the cursor stands at an entry").version()
    }

    /// Where in the table it stands, from 0 to 1, by the bytes of its pages.
    pub(crate) fn fraction(&self) -> f64 {
        let (mut start, mut width) = (0.0, 1.0);
        for page in self.index.iter().chain(&self.data) {
            let (from, to) = if page.valid() { page.span() } else { (1.0, 1.0) };
            start += width * from;
            width *= to - from;
        }
        start
    }

    /// To the first entry that is not before (`key`, `seq`).
    pub(crate) fn seek<F: File>(&mut self, table: &Table, volume: &Volume<F>, key: &[u8], seq: Seq) -> Result<()> {
        self.open_root(table, volume)?;
        // Index keys have sequence number 0: to find a key's first page, all its versions must be behind.
        self.descend(table, volume, |page, is_data| page.seek(key, if is_data { seq } else { Seq::MAX }))?;
        self.skip_empty_forward(table, volume)?;
        // The versions of a key may continue in the next pages.
        while self.entry().is_some_and(|(found, found_seq)| found == key && found_seq > seq) {
            self.advance(table, volume)?;
        }
        Ok(())
    }

    /// To the last entry that is before (`key`, `seq`).
    pub(crate) fn seek_before<F: File>(
        &mut self,
        table: &Table,
        volume: &Volume<F>,
        key: &[u8],
        seq: Seq,
    ) -> Result<()> {
        self.seek(table, volume, key, seq)?;
        if self.entry().is_some() { self.retreat(table, volume) } else { self.last(table, volume) }
    }

    /// To the first entry.
    pub(crate) fn first<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        self.open_root(table, volume)?;
        self.descend(table, volume, |page, _| page.first())
    }

    /// To the last entry.
    pub(crate) fn last<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        self.open_root(table, volume)?;
        self.descend(table, volume, |page, _| page.last())
    }

    /// To the next entry.
    pub(crate) fn advance<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        if let Some(data) = &mut self.data {
            data.advance()?;
        }
        self.skip_empty_forward(table, volume)
    }

    /// To the entry before.
    pub(crate) fn retreat<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        let Some(data) = &mut self.data else { return Ok(()) };
        data.retreat()?;
        if data.valid() { Ok(()) } else { self.step_page(table, volume, Side::Last) }
    }

    fn skip_empty_forward<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        while self.data.as_ref().is_some_and(|data| !data.valid()) {
            self.step_page(table, volume, Side::First)?;
        }
        Ok(())
    }

    fn open_root<F: File>(&mut self, table: &Table, volume: &Volume<F>) -> Result<()> {
        self.data = None;
        self.index.truncate(1);
        if self.index.is_empty() {
            self.index.push(table.read_block(volume, PlaceKind::Index, &table.root, self.keep)?);
        }
        Ok(())
    }

    /// Positions the lowest index page that is open, and everything below it.
    fn descend<F: File>(
        &mut self,
        table: &Table,
        volume: &Volume<F>,
        position: impl Fn(&mut BlockCursor, bool) -> Result<()>,
    ) -> Result<()> {
        loop {
            let depth = self.index.len();
            let Some(page) = self.index.last_mut() else { return Ok(()) };
            position(page, false)?;
            if !page.valid() {
                return Ok(());
            }
            let reference = child(page)?;
            if depth == usize::from(table.depth) {
                let mut data = table.read_block(volume, PlaceKind::Data, &reference, self.keep)?;
                position(&mut data, true)?;
                self.place = place_of(&reference);
                self.data = Some(data);
                return Ok(());
            }
            self.index.push(table.read_block(volume, PlaceKind::Index, &reference, self.keep)?);
        }
    }

    /// To the data page beside the current one, or nowhere.
    fn step_page<F: File>(&mut self, table: &Table, volume: &Volume<F>, side: Side) -> Result<()> {
        self.data = None;
        while let Some(page) = self.index.last_mut() {
            match side {
                Side::First => page.advance()?,
                Side::Last => page.retreat()?,
            }
            if page.valid() {
                let reference = child(page)?;
                return self.enter(table, volume, reference, side);
            }
            if self.index.len() == 1 {
                return Ok(());
            }
            self.index.pop();
        }
        Ok(())
    }

    fn enter<F: File>(&mut self, table: &Table, volume: &Volume<F>, reference: PageRef, side: Side) -> Result<()> {
        let position = |page: &mut BlockCursor| match side {
            Side::First => page.first(),
            Side::Last => page.last(),
        };
        if self.index.len() == usize::from(table.depth) {
            self.go_to(&reference, side)?;
            let mut data = table.read_block(volume, PlaceKind::Data, &reference, self.keep)?;
            position(&mut data)?;
            self.data = Some(data);
            return Ok(());
        }
        self.index.push(table.read_block(volume, PlaceKind::Index, &reference, self.keep)?);
        let before = self.place;
        self.descend(table, volume, |page, _| position(page))?;
        check_order(before, self.place, side)
    }

    /// Notes the data page that is entered. Data pages lie in the order of their keys, so a pass reads each byte once, whatever
    /// a forged index says.
    fn go_to(&mut self, reference: &PageRef, side: Side) -> Result<()> {
        let before = std::mem::replace(&mut self.place, place_of(reference));
        check_order(before, self.place, side)
    }
}

fn place_of(reference: &PageRef) -> (u64, u64) {
    let start = u64::from(reference.offset);
    (start, start + u64::from(reference.len))
}

fn check_order(before: (u64, u64), place: (u64, u64), side: Side) -> Result<()> {
    let is_beside = match side {
        Side::First => place.0 >= before.1,
        Side::Last => place.1 <= before.0,
    };
    if is_beside {
        Ok(())
    } else {
        Err(Error::corrupt("table index", "its data pages are out of order, although the checksum holds"))
    }
}

pub(crate) fn child(page: &BlockCursor) -> Result<PageRef> {
    page_reference(page.value())
}

/// The reference that is the value of an entry in an index page.
pub(crate) fn page_reference(value: &[u8]) -> Result<PageRef> {
    let mut reader = Reader::new(value);
    PageRef::decode(&mut reader)
        .filter(|_| reader.is_empty())
        .ok_or_else(|| Error::corrupt("table index", "a page reference, although the checksum holds"))
}
