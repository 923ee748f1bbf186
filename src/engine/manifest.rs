//! The manifest: a log of table insertions and removals, each page holding the reference of the one before it, so
//! that the superblock's reference to the newest covers all. Rewritten when it has grown to twice its live size.
//!
//! ```text
//! page payload:  u8      0: everything, nothing before it counts; 1: a change to the page before
//!                for 1:  u64 address, u32 length, 16-byte tag of the page before
//!                varint  number of removals, then the ids (varint)
//!                varint  number of insertions; each: u8 level, varint run, the table (table/meta.rs)
//! ```

use std::sync::Arc;

use rustc_hash::FxHashSet;

use super::error::{Error, Result};
use super::levels::{Edit, Levels, Placement};
use super::room::{Room, allocate_with, is_full};
use super::table::meta::Table;
use crate::fs::File;
use crate::page::codec::{Reader, put_varint};
use crate::page::{
    BLOCK_LEN, Extent, FreeSet, ManifestHead, PageHeader, PageRef, Place, PlaceKind, Volume, align_up, manifest_raw_max,
};

const WHOLE: u8 = 0;
const CHANGE: u8 = 1;
/// Below this the manifest is not rewritten: it is read with a few calls.
const REWRITE_MIN: u64 = 16 << 10;

/// The manifest's place in the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    pub(super) head: ManifestHead,
    /// The blocks its pages lie in, ascending.
    extents: Vec<Extent>,
    /// Where the next page may be written.
    position: u64,
    /// Bytes of all pages, and of the one that holds everything.
    bytes: u64,
    whole_bytes: u64,
}

/// Bytes of a table in a page of the manifest, at least: seven fields of a byte, two references, two keys of a prefix, and
/// seven figures.
const TABLE_LEN_MIN: u64 = 79;
/// Tables that any manifest may have, beside those that the file has room for: one that was cut off still tells of what it
/// had.
const TABLES_MIN: u64 = 1 << 16;

/// The numbers of tables and bytes that a manifest may hold, by the length of its file. They count down while it is read, so
/// a forged manifest costs no more than that, however it unpacks.
struct Limits {
    raw_bytes: u64,
    tables: u64,
    removals: u64,
}

impl Limits {
    fn of(file_len: u64) -> Self {
        let raw_bytes = manifest_raw_max(file_len);
        let tables = TABLES_MIN.saturating_add(4 * (file_len / BLOCK_LEN));
        // Each table that is removed was added by an older page.
        Self { raw_bytes, tables, removals: raw_bytes / TABLE_LEN_MIN }
    }
}

/// Takes `count` off what is left; `None` when that is less.
fn count_down(left: &mut u64, count: u64) -> Option<()> {
    *left = left.checked_sub(count)?;
    Some(())
}

/// A manifest page that was written but is not yet reached from a durable superblock.
#[derive(Debug)]
pub(super) struct Written {
    next: Manifest,
    allocated: Option<Extent>,
    released: Vec<Extent>,
}

impl Written {
    /// The reference that the superblock must hold.
    pub(super) fn head(&self) -> ManifestHead {
        self.next.head
    }
}

impl Manifest {
    pub(super) fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Reads the manifest that a superblock refers to.
    pub(super) fn load<F: File>(volume: &Volume<F>, head: ManifestHead) -> Result<(Self, Levels)> {
        let mut manifest = Self { head, ..Self::default() };
        // From the newest page to the oldest: what a newer page removed is not there any more.
        let mut removed = FxHashSet::default();
        let mut placements = Vec::new();
        let Limits { mut raw_bytes, mut tables, mut removals } = Limits::of(volume.file_len());
        let mut next = head;
        while next.address != 0 {
            let at = next.address;
            let damaged = || Error::corrupt("manifest page", format_args!("offset {at}"));
            let reference = PageRef { offset: 0, len: next.len, tag: next.tag };
            let payload = volume.read_page(place(next.number, at), at, &reference)?;
            count_down(&mut raw_bytes, payload.len() as u64).ok_or_else(damaged)?;
            let mut removed_here = Vec::new();
            let previous = read_edit(
                &payload,
                |id| {
                    removed_here.push(id);
                    count_down(&mut removals, 1)
                },
                |placement| {
                    if removed.contains(&placement.table.id) {
                        return Some(());
                    }
                    placements.push(placement);
                    count_down(&mut tables, 1)
                },
            );
            let previous = previous.ok_or_else(damaged)?;
            removed.extend(removed_here);
            manifest.add_blocks(at, u64::from(next.len));
            manifest.bytes += u64::from(next.len);
            next = match previous {
                Some((address, len, tag)) => {
                    ManifestHead { address, len, number: next.number.checked_sub(1).ok_or_else(damaged)?, tag }
                }
                None => {
                    manifest.whole_bytes = u64::from(next.len);
                    ManifestHead::default()
                }
            };
        }
        let levels = Levels::new(&placements)
            .ok_or_else(|| Error::corrupt("manifest: its tables overlap", format_args!("offset {}", head.address)))?;
        manifest.position = align_up(head.address + u64::from(head.len), 64);
        Ok((manifest, levels))
    }

    /// Adds the blocks that a page lies in; pages share blocks.
    fn add_blocks(&mut self, address: u64, len: u64) {
        let first = address - address % crate::page::BLOCK_LEN;
        let mut block = first;
        while block < address.saturating_add(len) {
            let extent = Extent::new(block, 1);
            if let Err(index) = self.extents.binary_search(&extent) {
                self.extents.insert(index, extent);
            }
            block = extent.end();
        }
    }

    /// Writes a change behind the manifest, or everything when that is due. `levels` is the state after the change.
    /// Nothing refers to what was written until the superblock does.
    pub(super) fn write<F: File>(
        &self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        levels: &Levels,
        edit: &Edit,
        force_whole: bool,
    ) -> Result<Written> {
        let number = self.head.number + 1;
        if levels.tables().next().is_none() {
            // Nothing needs no page.
            let next = Self { head: ManifestHead { number, ..ManifestHead::default() }, ..Self::default() };
            return Ok(Written { next, allocated: None, released: self.extents.clone() });
        }
        let is_due = self.bytes > REWRITE_MIN && self.bytes > 2 * self.whole_bytes.max(1);
        let whole = force_whole || is_due || self.head.address == 0;
        let payload = if whole { encode_whole(levels) } else { encode_change(edit, &self.head) };
        // The page's seal is bound to its address, which depends on its length: build it once to learn the length.
        let len = build(volume, number, 0, &payload).0.len() as u64;
        let fits = |block: &Extent| block.address <= self.position && self.position + len <= block.end();
        let write = |address: u64| {
            let (page, reference) = build(volume, number, address, &payload);
            volume.write(&page, address).map(|()| reference).map_err(Error::from)
        };
        let appended = (!whole && self.extents.iter().any(fits)).then(|| write(self.position));
        let (address, allocated, reference) = match appended {
            Some(Ok(reference)) => (self.position, None, reference),
            Some(Err(error)) if !is_full(&error) => return Err(error),
            _ => {
                let written = allocate_with(free, len, Room::All, |extent| write(extent.address));
                let (extent, reference) = written?;
                (extent.address, Some(extent), reference)
            }
        };
        let head = ManifestHead { address, len: reference.len, number, tag: reference.tag };
        let mut next = if whole { Self::default() } else { self.clone() };
        next.head = head;
        next.position = align_up(address + len, 64);
        next.bytes += len;
        if whole {
            next.whole_bytes = len;
        }
        next.add_blocks(address, len);
        let released = if whole { self.extents.clone() } else { Vec::new() };
        Ok(Written { next, allocated, released })
    }

    /// The superblock that refers to the page is durable: what the page replaced is free.
    pub(super) fn install(&mut self, written: Written, free: &mut FreeSet) {
        written.released.into_iter().for_each(|extent| free.release(extent));
        *self = written.next;
    }

    /// The page will never be referred to.
    pub(super) fn discard(written: Written, free: &mut FreeSet) {
        written.allocated.into_iter().for_each(|extent| free.release(extent));
    }
}

fn place(number: u64, address: u64) -> Place {
    Place::new(PlaceKind::Manifest, number, address)
}

fn build<F: File>(volume: &Volume<F>, number: u64, address: u64, payload: &[u8]) -> (Vec<u8>, PageRef) {
    let mut page = Vec::new();
    let header = PageHeader { kind: PlaceKind::Manifest, owner: number, max_seq: 0 };
    let reference = volume.append_page(&mut page, header, |_| address, payload);
    (page, reference)
}

pub(super) fn encode_edit(out: &mut Vec<u8>, removed: &[u64], added: impl ExactSizeIterator<Item = Placement>) {
    put_varint(out, removed.len() as u64);
    removed.iter().for_each(|&id| put_varint(out, id));
    put_varint(out, added.len() as u64);
    for placement in added {
        out.push(placement.level as u8);
        put_varint(out, placement.run);
        placement.table.encode(out);
    }
}

/// The page that holds everything, for a file in which it lies at `address`, and how its superblock refers to it. Nothing
/// needs no page.
pub(super) fn page_of_everything<F: File>(
    volume: &Volume<F>,
    number: u64,
    address: u64,
    levels: &Levels,
) -> (Vec<u8>, ManifestHead) {
    if levels.tables().next().is_none() {
        return (Vec::new(), ManifestHead { number, ..ManifestHead::default() });
    }
    let (page, reference) = build(volume, number, address, &encode_whole(levels));
    (page, ManifestHead { address, len: reference.len, number, tag: reference.tag })
}

fn encode_whole(levels: &Levels) -> Vec<u8> {
    let mut out = vec![WHOLE];
    let placements: Vec<_> = levels.placements().collect();
    encode_edit(&mut out, &[], placements.into_iter());
    out
}

pub(super) fn encode_change(edit: &Edit, previous: &ManifestHead) -> Vec<u8> {
    let mut out = vec![CHANGE];
    out.extend_from_slice(&previous.address.to_le_bytes());
    out.extend_from_slice(&previous.len.to_le_bytes());
    out.extend_from_slice(&previous.tag);
    encode_edit(&mut out, &edit.removed, edit.added.iter().cloned());
    out
}

pub(super) type Previous = Option<(u64, u32, [u8; 16])>;

/// The edit of a page, and the page before.
#[cfg(any(test, fuzzing))]
pub(super) fn decode(payload: &[u8]) -> Option<(Edit, Previous)> {
    let mut edit = Edit::default();
    let (removed, added) = (&mut edit.removed, &mut edit.added);
    let keep_id = |id| {
        removed.push(id);
        Some(())
    };
    let keep = |placement| {
        added.push(placement);
        Some(())
    };
    let previous = read_edit(payload, keep_id, keep)?;
    Some((edit, previous))
}

/// Reads the edit of a page and gives the page before. One after the other, removals and insertions go to functions that may
/// refuse them: nothing is held here.
fn read_edit(
    payload: &[u8],
    mut removed: impl FnMut(u64) -> Option<()>,
    mut added: impl FnMut(Placement) -> Option<()>,
) -> Option<Previous> {
    let mut reader = Reader::new(payload);
    let previous = match reader.u8()? {
        WHOLE => None,
        CHANGE => Some((reader.u64()?, reader.u32()?, reader.tag()?)),
        _ => return None,
    };
    for _ in 0..reader.length()? {
        removed(reader.varint()?)?;
    }
    for _ in 0..reader.length()? {
        let level = usize::from(reader.u8()?);
        let run = reader.varint()?;
        added(Placement { level, run, table: Arc::new(Table::decode(&mut reader)?) })?;
    }
    (reader.is_empty() && previous.is_none_or(|(address, ..)| address != 0)).then_some(previous)
}
