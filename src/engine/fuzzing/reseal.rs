//! Makes the tags of a changed file hold again, so that what lies behind them is reached.

use crate::engine::manifest::decode;
use crate::engine::table::fuzzing::references;
use crate::engine::table::meta::Table;
use crate::page::{ChecksumSeal, PAGE_HEADER_LEN, PageRef, Place, PlaceKind, Seal, TAG_OFFSET, Tag};
use xxhash_rust::xxh3::xxh3_128;

const SLOT_LEN: usize = 4096;

/// Something of a file that has a tag.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// Where it begins, and how long it is.
    pub at: usize,
    /// Bytes with header.
    pub len: usize,
    place: Place,
    /// Where else its tag stands, and how much of it.
    copies: Vec<(usize, usize)>,
}

fn u32_at(file: &[u8], at: usize) -> usize {
    file.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes) as usize)
}

fn u64_at(file: &[u8], at: usize) -> u64 {
    file.get(at..).and_then(|bytes| bytes.first_chunk()).map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The slots of the newest superblock. REQUIRES: the file is sound.
fn newest_slots(file: &[u8]) -> [usize; 2] {
    let first = if u64_at(file, 48) > u64_at(file, 2 * SLOT_LEN + 48) { 0 } else { 2 * SLOT_LEN };
    [first, first + SLOT_LEN]
}

/// All that has a tag in a sound file, in an order in which the tags can be set again: what holds the tag of something
/// comes behind it. Pages of which a compressed page holds the tag are left out.
pub fn sealed(file: &[u8]) -> Vec<Sealed> {
    let mut found = Vec::new();
    let [slot, other] = newest_slots(file);
    manifest_pages(file, slot, other, &mut found);
    log_pieces(file, slot, &mut found);
    found
}

fn manifest_pages(file: &[u8], slot: usize, other: usize, found: &mut Vec<Sealed>) {
    let (mut at, mut len) = (u64_at(file, slot + 160) as usize, u32_at(file, slot + 168));
    let (mut number, mut copies) = (u64_at(file, slot + 176), vec![(slot + 184, 16), (other + 184, 16)]);
    let mut chain = Vec::new();
    while at != 0 {
        chain.push(Sealed { at, len, place: Place::new(PlaceKind::Manifest, number, at as u64), copies });
        let page = file.get(at..at + len).unwrap_or_default();
        let Some((edit, previous)) = page.get(PAGE_HEADER_LEN..).and_then(decode) else { break };
        edit.added.iter().for_each(|placement| table_pages(file, &placement.table, at, page, found));
        let Some((address, previous_len, _)) = previous else { break };
        copies = vec![(at + PAGE_HEADER_LEN + 13, 16)];
        (at, len, number) = (address as usize, previous_len as usize, number - 1);
    }
    found.extend(chain.into_iter().rev());
}

fn table_pages(file: &[u8], table: &Table, manifest_at: usize, manifest: &[u8], found: &mut Vec<Sealed>) {
    for (reference, kind) in [(&table.root, PlaceKind::Index), (&table.filter, PlaceKind::Filter)] {
        page(file, table, kind, reference, (manifest_at, manifest), 1, found);
    }
}

/// Takes in a page, behind those that it leads to.
fn page(
    file: &[u8],
    table: &Table,
    kind: PlaceKind,
    reference: &PageRef,
    (parent_at, parent): (usize, &[u8]),
    depth: u8,
    found: &mut Vec<Sealed>,
) {
    let Some(copy) = parent.windows(reference.tag.len()).position(|bytes| bytes == reference.tag) else { return };
    let (at, len) = (table.address as usize + reference.offset as usize, reference.len as usize);
    let Some(bytes) = file.get(at..at + len).filter(|_| len > 0) else { return };
    let is_plain = bytes.get(2) == Some(&0);
    if kind == PlaceKind::Index && is_plain {
        let below = if depth == table.depth { PlaceKind::Data } else { PlaceKind::Index };
        for child in references(bytes.get(PAGE_HEADER_LEN..).unwrap_or_default()) {
            page(file, table, below, &child, (at, bytes), depth + 1, found);
        }
    }
    let place = Place::new(kind, table.id, u64::from(reference.offset));
    found.push(Sealed { at, len, place, copies: vec![(parent_at + copy, 16)] });
}

fn log_pieces(file: &[u8], slot: usize, found: &mut Vec<Sealed>) {
    let generation = u64_at(file, slot + 88);
    let salt = file.get(slot + 96..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
    let (mut segment, mut index) = (u64_at(file, slot + 112) as usize, u64_at(file, slot + 128));
    let piece = |at: usize, len: usize, kind, offset| Sealed {
        at,
        len,
        place: Place { kind, owner: generation, offset, salt, epoch: 0 },
        copies: Vec::new(),
    };
    // The frame whose tag the next pieces repeat.
    let mut last: Option<usize> = None;
    let repeat = |found: &mut Vec<Sealed>, last: Option<usize>, at: usize| {
        if let Some(frame) = last.and_then(|last| found.get_mut(last)) {
            frame.copies.push((at + 40, 8));
        }
    };
    while segment != 0 {
        repeat(found, last, segment);
        found.push(piece(segment, PAGE_HEADER_LEN, PlaceKind::LogSegment, index));
        let mut at = segment + 2 * PAGE_HEADER_LEN;
        while file.get(at) == Some(&(PlaceKind::LogFrame as u8)) && u64_at(file, at + 8) == generation {
            let len = PAGE_HEADER_LEN + u32_at(file, at + 4);
            repeat(found, last, at);
            last = Some(found.len());
            found.push(piece(at, len, PlaceKind::LogFrame, u64_at(file, at + 16)));
            at += len.next_multiple_of(16);
        }
        let has_link = file.get(at) == Some(&(PlaceKind::LogLink as u8)) && u64_at(file, at + 8) == generation;
        for link in [at, segment + PAGE_HEADER_LEN].into_iter().filter(|_| has_link) {
            repeat(found, last, link);
            found.push(piece(link, PAGE_HEADER_LEN, PlaceKind::LogLink, index));
        }
        segment = if has_link { u64_at(file, at + 24) as usize } else { 0 };
        index += 1;
    }
}

/// Sets all tags and checksums of a changed file anew. `sealed` is that of the file before.
pub fn reseal(file: &mut [u8], sealed: &[Sealed]) {
    let file_id = file.get(32..).and_then(|bytes| bytes.first_chunk()).copied().unwrap_or_default();
    let seal = ChecksumSeal::new(file_id);
    for piece in sealed {
        let Some(bytes) = file.get_mut(piece.at..piece.at + piece.len) else { continue };
        let tag: Tag = seal.seal(piece.place, bytes);
        debug_assert_eq!(bytes.get(TAG_OFFSET..PAGE_HEADER_LEN), Some(&tag[..]));
        for &(at, len) in &piece.copies {
            if let (Some(copy), Some(tag)) = (file.get_mut(at..at + len), tag.get(..len)) {
                copy.copy_from_slice(tag);
            }
        }
    }
    for slot in file.chunks_mut(SLOT_LEN).take(4) {
        let (covered, checksum) = slot.split_at_mut(SLOT_LEN - 16);
        checksum.copy_from_slice(&xxh3_128(covered).to_le_bytes());
    }
}
