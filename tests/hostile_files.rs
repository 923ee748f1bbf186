//! Small files that unpack to something huge cost no more than in proportion to their length.
//!
//! A separate test binary with one test: the allocator counts for the whole process.

use std::time::Instant;

use ferrolite::fs::{File, FileSystem, Memory, OpenMode};
use ferrolite::{Database, ErrorCode, Options};
use peak_alloc::PeakAlloc;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const HEADER_LEN: u64 = 64 << 10;
const FILE_ID: [u8; 16] = [7; 16];
const MANIFEST: u8 = 4;
const MIB: usize = 1 << 20;

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 128 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A table as a manifest tells of it, with one key.
fn table(out: &mut Vec<u8>, id: u64, block: u64, key: &[u8]) {
    out.push(6);
    for field in [0, id, block, 100] {
        varint(out, field);
    }
    out.push(1);
    out.extend([0; 48]);
    for _ in 0..2 {
        varint(out, key.len() as u64);
        out.extend(key);
    }
    out.extend([1, 0, 9, 1, 1, 0, 0]);
}

/// A key of the default collection's documents.
fn key(number: u32) -> Vec<u8> {
    [&[0, 0, 0, 1, 0, 0, 0, 0], &number.to_be_bytes()[..]].concat()
}

/// A page of a plain file, number 1 of the manifest, that lies behind the header; and its tag.
fn page(payload: &[u8]) -> (Vec<u8>, [u8; 16]) {
    let mut packed = vec![0; lz4_flex::block::get_maximum_output_size(payload.len())];
    let len = lz4_flex::block::compress_into(payload, &mut packed).unwrap();
    packed.truncate(len);
    let mut header = [0; 64];
    header[0] = MANIFEST;
    header[2] = 1;
    header[8..12].copy_from_slice(&(packed.len() as u32).to_le_bytes());
    header[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    header[16..24].copy_from_slice(&1_u64.to_le_bytes());
    let place = [&FILE_ID[..], &[0; 16], &1_u64.to_le_bytes(), &HEADER_LEN.to_le_bytes(), &[MANIFEST]].concat();
    let sealed = [&header[..48], &packed].concat();
    let tag = xxh3_128_with_seed(&sealed, xxh3_64(&place)).to_le_bytes();
    header[48..].copy_from_slice(&tag);
    ([&header[..], &packed].concat(), tag)
}

/// A file whose manifest is one page.
fn file(payload: &[u8]) -> Vec<u8> {
    let (page, tag) = page(payload);
    let mut slot = vec![0; 4080];
    slot[..8].copy_from_slice(b"FERROLT\n");
    slot[8] = 1;
    slot[12..16].copy_from_slice(&65536_u32.to_le_bytes());
    slot[32..48].copy_from_slice(&FILE_ID);
    let len = HEADER_LEN + page.len() as u64;
    let fields = [(48, 1), (64, 9), (80, 1 << 40), (160, HEADER_LEN), (168, page.len() as u64), (176, 1), (216, len)];
    for (at, field) in fields {
        slot[at..at + 8].copy_from_slice(&u64::to_le_bytes(field));
    }
    slot[184..200].copy_from_slice(&tag);
    let checksum = xxh3_128(&slot).to_le_bytes();
    slot.extend(checksum);
    let mut file = vec![0; HEADER_LEN as usize];
    file[8192..12288].copy_from_slice(&slot);
    file[12288..16384].copy_from_slice(&slot);
    file.extend(page);
    file
}

/// A page with everything: no removals, and this many tables.
fn whole(count: u64, mut each: impl FnMut(&mut Vec<u8>, u64)) -> Vec<u8> {
    let mut payload = vec![0, 0];
    varint(&mut payload, count);
    (0..count).for_each(|number| each(&mut payload, number));
    payload
}

/// Opens a file in each way that reads its manifest; gives the bytes that were allocated at one time beside the file.
fn open(bytes: &[u8]) -> usize {
    let fs = Memory::new();
    let file = pollster::block_on(fs.open("db", OpenMode::Create)).unwrap();
    let mut at = 0;
    while at < bytes.len() {
        at += file.write_at(&bytes[at..], at as u64).unwrap();
    }
    drop(file);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let options = Options { read_only: true, ..Options::default() };
    let error =
        pollster::block_on(Database::open(&fs, "db", options.clone())).map(drop).expect_err("it is no database");
    assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
    // It opens by an older state, or not at all.
    let _ = pollster::block_on(Database::open(&fs, "db", Options { allow_damage: true, ..options }));
    let _ = pollster::block_on(ferrolite::salvage(&fs, "db", &Memory::new(), "new", Options::default()));
    MEMORY.peak_usage() - before
}

#[test]
fn a_manifest_that_unpacks_costs_in_proportion_to_its_file() {
    let begun = Instant::now();
    let mut files = Vec::new();
    for mib in [16, 64, 250] {
        // The same table over and over.
        let count = (mib * MIB / 93) as u64;
        files.push(file(&whole(count, |out, _| table(out, 1, 100, &key(0)))));
    }
    for count in [60_000, 200_000] {
        // Each one before the one that came before it.
        files.push(file(&whole(count, |out, n| table(out, n + 1, 100_000 + n, &key((count - n) as u32)))));
    }
    // Removals of tables that never were, and keys as long as can be.
    let mut removals = vec![0];
    varint(&mut removals, 30 << 20);
    (0..30 << 20).for_each(|n| varint(&mut removals, n));
    removals.push(0);
    files.push(file(&removals));
    files.push(file(&whole(2000, |out, n| table(out, n + 1, 100 + n, &[key(n as u32), vec![b'k'; 60_000]].concat()))));
    for bytes in files {
        let peak = open(&bytes);
        println!("{} KiB: {} MiB at one time, {:?}", bytes.len() >> 10, peak / MIB, begun.elapsed());
        assert!(peak < 8 * bytes.len() + 96 * MIB, "{peak} bytes for a file of {}", bytes.len());
    }
}
