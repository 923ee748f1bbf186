//! What a fuzzer calls of this layer.

use super::codec::Reader;
use super::header::{PageHeader, append_page, open_page};
use super::layout::{MAGIC, PAGE_HEADER_LEN, SLOT_LEN};
use super::owner::{OWNER_LEN, Owner};
use super::seal::{ChecksumSeal, Place, PlaceKind, Seal, TAG_LEN};
use super::superblock::Superblock;
use super::{Access, Compression, Error, PageRef, Volume};
use crate::fs::{FileSystem, Memory, OpenMode};
use crate::fuzzing::Input;
use xxhash_rust::xxh3::xxh3_128;

/// Bytes of a slot that have a meaning.
const FIELDS: usize = 224;

/// Four superblock slots, with checksums that hold where the input says so.
pub fn superblock(data: &[u8]) {
    let mut input = Input::new(data);
    let (sealed, shapes) = (input.byte(), input.byte());
    let mut file = Vec::new();
    for index in 0..4 {
        let mut slot = vec![0; SLOT_LEN];
        let fields = input.bytes(FIELDS);
        slot[..fields.len()].copy_from_slice(fields);
        if sealed >> index & 1 == 1 {
            slot[..MAGIC.len()].copy_from_slice(&MAGIC);
            let checksum = xxh3_128(&slot[..SLOT_LEN - TAG_LEN]).to_le_bytes();
            slot[SLOT_LEN - TAG_LEN..].copy_from_slice(&checksum);
        }
        if let Ok(Some(found)) = Superblock::decode(&slot) {
            let again = found.encode(None);
            assert_eq!(Superblock::decode(&again), Ok(Some(found)), "a superblock is what it is written as");
        }
        file.extend_from_slice(&slot);
    }
    if shapes & 1 == 1 {
        file.resize(usize::from(shapes) << 9, 0);
    }
    let decoded: Vec<_> = file.chunks(SLOT_LEN).take(4).map(Superblock::decode).collect();
    let fs = Memory::new();
    fs.set_bytes("db", file);
    let opened = pollster::block_on(fs.open("db", OpenMode::ReadOnly)).expect("the file is there");
    match Volume::open(opened, &Access::plain()) {
        Ok((_, Some(newest))) => {
            let highest = decoded.iter().flatten().flatten().map(|found| found.sequence).max();
            assert_eq!(highest, Some(newest.sequence), "the newest superblock counts");
        }
        Ok((_, None)) => assert!(decoded.iter().all(|slot| *slot == Ok(None)), "a superblock was passed over"),
        Err(error) => assert!(!matches!(error, Error::Fs(_) | Error::Locked), "{error}"),
    }
}

const KINDS: [PlaceKind; 4] = [PlaceKind::Data, PlaceKind::Index, PlaceKind::Filter, PlaceKind::Manifest];

/// A page: as it is written, and with any header and any payload, LZ4 or not, under a seal that holds.
pub fn page(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = KINDS[input.below(KINDS.len())];
    let compression = if input.flag() { Compression::Lz4 } else { Compression::None };
    let seal = ChecksumSeal::new([7; 16]);
    let is_forged = input.flag();
    let place = Place::new(kind, 5, 0);
    if !is_forged {
        let mut extent = Vec::new();
        let header = PageHeader { kind, owner: 5, max_seq: 9 };
        let reference = append_page(&mut extent, header, |offset| offset, input.rest(), compression, &seal);
        assert_eq!(open_page(extent, place, &reference, &seal).as_deref(), Ok(input.rest()));
        return;
    }
    let mut page = vec![0; PAGE_HEADER_LEN];
    let header = input.bytes(16);
    page[..header.len()].copy_from_slice(header);
    let payload = input.rest();
    page.extend_from_slice(payload);
    page[0] = kind as u8;
    page[8..12].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    let tag = seal.seal(place, &mut page);
    let reference = PageRef { offset: 0, len: page.len() as u32, tag };
    match open_page(page.clone(), place, &reference, &seal) {
        Ok(found) => {
            let claimed = Reader::new(&page[12..16]).u32().map(|len| len as usize);
            assert_eq!(Some(found.len()), claimed, "a page has the length that it claims");
            assert!(page[2] == 1 || *found == *payload);
        }
        Err(error) => assert!(matches!(error, Error::Corrupt { .. }), "{error}"),
    }
}

/// An owner record.
pub fn owner(data: &[u8]) {
    if let Some(owner) = Owner::decode(data) {
        assert_eq!(owner.encode(), data[..OWNER_LEN], "a record is written in one way");
    }
    let mut record = data.get(..OWNER_LEN - TAG_LEN).unwrap_or_default().to_vec();
    let checksum = xxh3_128(&record).to_le_bytes();
    record.extend_from_slice(&checksum);
    if let Some(owner) = Owner::decode(&record) {
        assert_eq!(owner.encode(), record, "a record is written in one way");
    }
}
