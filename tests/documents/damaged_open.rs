//! A damaged database can be opened read-only, and says what is damaged.

use crate::support::damaged::{DATA, FILTER, INDEX, MANIFEST, content, frames, pages, put, slots};
use crate::support::{Bench, code, open};
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{Database, ErrorCode, Options, Range};

fn damaged_options() -> Options {
    Options { read_only: true, allow_damage: true, ..Options::default() }
}

/// 300 documents in tables of small pages, with an index.
fn sample() -> (Bench, Vec<u8>) {
    sample_left(|db| db.close().unwrap())
}

fn sample_left(leave: impl FnOnce(Database<MemoryFile>)) -> (Bench, Vec<u8>) {
    let bench = Bench::new();
    let mut db = bench.open_with(Options { memtable_size: 16 << 10, page_size: 1024, ..Options::default() });
    db.create_index("n").unwrap();
    for n in 0..300 {
        db.set_json(&format!("key{n:03}"), &format!(r#"{{"n": {n}, "text": "{}"}}"#, "y".repeat(100))).unwrap();
    }
    leave(db);
    let bytes = content(&bench.fs, "db");
    (bench, bytes)
}

fn reopen(bench: &Bench, bytes: &[u8], options: Options) -> Result<Database<MemoryFile>, ferrolite::Error> {
    let fs = Memory::new();
    put(&fs, "db", bytes);
    open(&fs, &bench.clock, options)
}

#[test]
fn the_option_is_for_reading_only() {
    let options = Options { allow_damage: true, ..Options::default() };
    assert_eq!(code(Bench::new().fs_open(options)), ErrorCode::InvalidOptions);
}

impl Bench {
    fn fs_open(&self, options: Options) -> Result<(), ferrolite::Error> {
        open(&self.fs, &self.clock, options).map(drop)
    }
}

#[test]
fn what_is_whole_opens_without_damage() {
    let (bench, bytes) = sample();
    let mut db = reopen(&bench, &bytes, damaged_options()).unwrap();
    assert!(db.damage().is_empty(), "{:?}", db.damage());
    assert_eq!(db.count(&Range::all()).unwrap(), 300);
    assert_eq!(code(db.set("a", &1)), ErrorCode::ReadOnly);
}

#[test]
fn the_superblock_before_is_used_when_the_newest_manifest_is_damaged() {
    let (bench, bytes) = sample_left(drop);
    let newest = pages(&bytes).into_iter().filter(|page| page.kind == MANIFEST).max_by_key(|page| page.owner).unwrap();
    let mut damaged = bytes;
    damaged[newest.address as usize + 66] ^= 1;
    let error = reopen(&bench, &damaged, Options::default()).err().unwrap();
    assert_eq!(error.code(), ErrorCode::Corrupt);
    assert!(error.to_string().contains("salvage") && error.to_string().contains("allowDamage"), "{error}");
    let db = reopen(&bench, &damaged, damaged_options()).unwrap();
    assert!(db.damage().iter().any(|told| told.contains("page") && told.contains(&newest.address.to_string())));
    assert!(db.count(&Range::all()).is_ok());
}

#[test]
fn a_bad_reserved_area_of_one_slot_leaves_the_others() {
    let (bench, mut bytes) = sample();
    // A slot whose checksum holds although it says what no writer says.
    let slot = slots()[3] as usize;
    bytes[slot + 300] = 1;
    let sum = xxhash_rust::xxh3::xxh3_128(&bytes[slot..slot + 4080]).to_le_bytes();
    bytes[slot + 4080..slot + 4096].copy_from_slice(&sum);
    assert_eq!(reopen(&bench, &bytes, Options::default()).err().unwrap().code(), ErrorCode::Corrupt);
    let db = reopen(&bench, &bytes, damaged_options()).unwrap();
    assert_eq!((db.count(&Range::all()).unwrap(), db.damage().len()), (300, 1));
}

#[test]
fn numbers_that_leave_no_room_to_count_on_are_damage() {
    for leave in [drop, |db: Database<MemoryFile>| db.close().unwrap()] {
        let (bench, bytes) = sample_left(leave);
        // Superblock, next table, generation, first segment, first frame, manifest.
        for field in [48, 80, 88, 128, 136, 176] {
            let mut forged = bytes.clone();
            for slot in slots().map(|slot| slot as usize) {
                forged[slot + field..slot + field + 8].copy_from_slice(&u64::MAX.to_le_bytes());
                let sum = xxhash_rust::xxh3::xxh3_128(&forged[slot..slot + 4080]).to_le_bytes();
                forged[slot + 4080..slot + 4096].copy_from_slice(&sum);
            }
            let written = reopen(&bench, &forged, Options::default()).and_then(|mut db| db.set("key", &1).map(drop));
            assert_eq!(code(written), ErrorCode::Corrupt, "{field}");
        }
    }
}

#[test]
fn the_log_is_read_up_to_the_damage() {
    let bench = Bench::new();
    let mut db = bench.open();
    for n in 0..20 {
        db.set(&format!("key{n:02}"), &n).unwrap();
    }
    drop(db);
    let mut bytes = content(&bench.fs, "db");
    let at = frames(&bytes)[7] as usize + 66;
    bytes[at] ^= 1;
    assert_eq!(reopen(&bench, &bytes, Options::default()).err().unwrap().code(), ErrorCode::Corrupt);
    let db = reopen(&bench, &bytes, damaged_options()).unwrap();
    assert_eq!(db.count(&Range::all()).unwrap(), 7);
    assert!(db.damage().iter().any(|told| told.contains("commit 8")), "{:?}", db.damage());
}

#[test]
fn what_is_cut_off_fails_when_it_is_read() {
    let (bench, bytes) = sample();
    let data: Vec<_> = pages(&bytes).into_iter().filter(|page| page.kind == DATA).collect();
    let cut = &bytes[..data[data.len() / 2].address as usize];
    assert_eq!(reopen(&bench, cut, Options::default()).err().unwrap().code(), ErrorCode::Corrupt);
    // The manifest may be in what is gone: then there is nothing to go by.
    match reopen(&bench, cut, damaged_options()) {
        Ok(db) => {
            assert!(!db.damage().is_empty());
            let keys = (0..300).map(|n| format!("key{n:03}"));
            let read: Vec<_> = keys.map(|key| db.get_json(&key)).collect();
            assert!(read.iter().all(|found| {
                found.as_ref().map_or_else(|error| error.code() == ErrorCode::Corrupt, |found| found.is_some())
            }));
        }
        Err(error) => assert_eq!(error.code(), ErrorCode::Corrupt),
    }
}

#[test]
fn documents_beside_a_damaged_page_are_read() {
    let (bench, bytes) = sample();
    let mut hit = 0;
    for page in pages(&bytes).into_iter().filter(|page| page.kind == DATA) {
        let mut damaged = bytes.clone();
        damaged[page.address as usize + 70] ^= 1;
        let db = reopen(&bench, &damaged, damaged_options()).unwrap();
        let keys = (0..300).map(|n| format!("key{n:03}"));
        let lost = keys.filter(|key| match db.get_json(key) {
            Ok(found) => found.is_none(),
            Err(error) => error.code() == ErrorCode::Corrupt,
        });
        let lost = lost.count();
        assert!(lost < 60, "{lost}");
        hit += u32::from(lost > 0);
        if !db.damage().is_empty() {
            assert!(db.indexes().is_empty(), "the catalog is what was hit");
        }
    }
    assert!(hit > 5);
}

#[test]
fn damage_in_what_leads_to_documents_hides_none() {
    let (bench, bytes) = sample();
    let mut hit = 0;
    for page in pages(&bytes).into_iter().filter(|page| [INDEX, FILTER].contains(&page.kind)) {
        let mut damaged = bytes.clone();
        damaged[page.address as usize + 70] ^= 1;
        let db = reopen(&bench, &damaged, damaged_options()).unwrap();
        let without = Options { read_only: true, ..Options::default() };
        let whole = reopen(&bench, &damaged, without);
        for n in 0..300 {
            let key = format!("key{n:03}");
            assert!(db.get_json(&key).unwrap().is_some(), "{key}, {page:?}");
            hit += u32::from(whole.as_ref().is_ok_and(|db| db.get_json(&key).is_err()));
        }
    }
    assert!(hit > 100, "{hit}");
}
