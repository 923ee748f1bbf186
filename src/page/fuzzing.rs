//! What a fuzzer calls of this layer.

use super::codec::Reader;
use super::error::{Error, KeyError};
use super::header::{Compression, PageRef};
use super::header::{PageHeader, RAW_LEN_MAX, append_page, open_page};
use super::key_slots::{KEY_MAGIC, Keyring, Record};
use super::layout::{KEY_SLOT_LEN, KEY_SLOTS_ADDRESS, MAGIC, PAGE_HEADER_LEN, SLOT_LEN};
use super::owner::{OWNER_LEN, Owner};
use super::seal::{ChecksumSeal, Place, PlaceKind, Seal, TAG_LEN};
use super::superblock::Superblock;
use super::volume::{Access, Volume};
use crate::crypto::{Cipher, Encryption};
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

/// Bytes of a key slot that its checksum covers.
const KEY_FIELDS: usize = 168;

/// Two key slots: made by the database, or of any fields, with checksums that hold where the input says so, and changed.
/// No bytes but its own give it keys.
pub fn key_slots(data: &[u8]) {
    let mut input = Input::new(data);
    let (shapes, sealed) = (input.byte(), input.byte());
    let cipher = if shapes & 1 == 0 { Cipher::Aes256Gcm } else { Cipher::ChaCha20Poly1305 };
    let encryption = Encryption::key([7; 32]).with_cipher(cipher);
    let environment = crate::environment::HostEnvironment;
    let fs = Memory::new();
    fs.set_bytes("db", vec![0; 24 << 10]);
    let opened = |mode| pollster::block_on(fs.open("db", mode)).expect("the file is there");
    let file = opened(OpenMode::Create);
    let mut keyring = Keyring::create([9; 16], &encryption, &environment).expect("a key needs no memory");
    if shapes & 2 != 0 {
        keyring = keyring.with_new_key(7, &environment);
    }
    keyring.write(&file, &environment).expect("memory does not fail");
    drop(file);
    let mut bytes = fs.bytes("db").unwrap_or_default();
    let sound = bytes.clone();
    for copy in 0..2 {
        let at = KEY_SLOTS_ADDRESS as usize + copy * KEY_SLOT_LEN;
        let slot = &mut bytes[at..at + KEY_SLOT_LEN];
        if shapes >> (2 + copy) & 1 == 1 {
            let fields = input.bytes(KEY_FIELDS);
            slot[..fields.len()].copy_from_slice(fields);
            slot[..KEY_MAGIC.len()].copy_from_slice(&KEY_MAGIC);
        }
        for _ in 0..input.below(4) {
            let field = input.below(KEY_FIELDS + 40);
            slot[field] = input.byte();
        }
        if sealed >> copy & 1 == 1 {
            let checksum = xxh3_128(&slot[..KEY_FIELDS]).to_le_bytes();
            slot[KEY_FIELDS..KEY_FIELDS + TAG_LEN].copy_from_slice(&checksum);
        }
        if let Some(found) = Record::decode(slot) {
            assert!(found.encode() == slot, "a record is written in one way");
        }
    }
    fs.set_bytes("db", bytes.clone());
    let slots =
        |bytes: &[u8]| bytes[KEY_SLOTS_ADDRESS as usize..].chunks(KEY_SLOT_LEN).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let is_left = slots(&bytes).iter().any(|slot| *slot == slots(&sound)[0]);
    match Keyring::unlock(&opened(OpenMode::ReadOnly), &encryption) {
        Ok(found) => {
            assert!(is_left, "forged slots are unlocked");
            assert_eq!(found.data_key(7), keyring.data_key(7), "other keys than were written");
        }
        Err(Error::Key(KeyError::Wrong | KeyError::SlotsDamaged)) => assert!(!is_left, "a whole slot is passed over"),
        Err(error) => panic!("{error}"),
    }
    assert!(Keyring::unlock(&opened(OpenMode::ReadOnly), &Encryption::key([8; 32])).is_err(), "any key opens it");
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
        assert_eq!(open_page(extent, place, &reference, &seal, RAW_LEN_MAX).as_deref(), Ok(input.rest()));
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
    match open_page(page.clone(), place, &reference, &seal, RAW_LEN_MAX) {
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
