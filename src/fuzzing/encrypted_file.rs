//! Whole encrypted files that are changed in any way: whatever is read of them was once written.

use super::file::{accept, read, write};
use crate::fs::Memory;
use crate::fuzz_input::Input;
use crate::{Cipher, Compression, Database, Encryption, Environment, Error, ErrorCode, Options, Range, RotateProgress};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use xxhash_rust::xxh3::xxh3_128;

const NOW_MS: u64 = 1_700_000_000_000;
const SLOT_LEN: usize = 4096;
/// Where the checksum of a superblock slot is, and of a key slot.
const SUMS: [usize; 6] = [4080, 4080, 4080, 4080, 168, 168];

/// Randomness that does not repeat itself: keys and nonces are made of it.
struct Counting(AtomicU64);

impl Environment for Counting {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(8) {
            let word = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            chunk.copy_from_slice(&word.to_be_bytes()[..chunk.len()]);
        }
    }
}

/// A sound file, and all that was ever written to it.
struct Base {
    bytes: Vec<u8>,
    written: BTreeSet<(String, String)>,
}

fn options(compression: Compression) -> Options {
    let encryption = Some(Encryption::key([7; 32]));
    Options {
        page_size: 512,
        memtable_size: 16 << 10,
        cache_size: 8 << 10,
        compression,
        encryption,
        ..Options::default()
    }
}

fn build(cipher: Cipher, closed: bool) -> Result<Base, Error> {
    let fs = Memory::new();
    // Files that draw alike would have the same keys.
    let first = (u64::from(closed) + 2 * u64::from(cipher == Cipher::Aes256Gcm)) << 32;
    let environment = Arc::new(Counting(AtomicU64::new(first + 1)));
    let encryption = Some(Encryption::key([7; 32]).with_cipher(cipher));
    let options = Options { encryption, ..options(if closed { Compression::Lz4 } else { Compression::None }) };
    let open = || pollster::block_on(Database::open_with(&fs, "db", options.clone(), environment.clone()));
    let mut written = BTreeSet::new();
    let mut set = |db: &mut Database<_>, index: usize, turn: usize| {
        let (key, json) = (format!("k{index:03}"), format!(r#"{{"n":{},"i":{turn}}}"#, index % 5));
        written.insert((key.clone(), json.clone()));
        db.set_json(&key, &json).map(drop)
    };
    let mut db = open()?;
    (0..60).try_for_each(|index| set(&mut db, index, 0))?;
    db.create_index("n")?;
    db.close()?;
    let mut db = open()?;
    // The tables keep the old data key, and the log has the new one.
    db.rotate_key_step(&mut RotateProgress::default(), 1)?;
    (0..60).step_by(5).try_for_each(|index| set(&mut db, index, 1))?;
    if closed {
        db.close()?;
    } else {
        drop(db);
    }
    Ok(Base { bytes: fs.bytes("db").unwrap_or_default(), written })
}

fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| {
        let kinds = [
            (Cipher::Aes256Gcm, true),
            (Cipher::Aes256Gcm, false),
            (Cipher::ChaCha20Poly1305, true),
            (Cipher::ChaCha20Poly1305, false),
        ];
        kinds.into_iter().map(|(cipher, closed)| build(cipher, closed).expect("memory does not fail")).collect()
    })
}

/// A file that is changed: bytes of it, parts that are copied elsewhere, fields of superblocks and key slots, whose
/// checksums are anyone's to make. It is read by every way, and, if the input says so, written.
pub fn encrypted_file(data: &[u8]) {
    // Each input draws the same again.
    #[cfg(test)]
    crate::crypto::nonces::forget();
    let mut input = Input::new(data);
    let base = &bases()[input.below(bases().len())];
    let (has_sums, is_written) = (input.flag(), input.flag());
    let mut bytes = base.bytes.clone();
    for _ in 0..16 {
        if !input.is_empty() {
            edit(&mut bytes, &mut input);
        }
    }
    for (slot, sum) in SUMS.iter().enumerate().filter(|_| has_sums) {
        let Some(slot) = bytes.get_mut(slot * SLOT_LEN..(slot + 1) * SLOT_LEN) else { continue };
        let checksum = xxh3_128(&slot[..*sum]).to_le_bytes();
        slot[*sum..sum + 16].copy_from_slice(&checksum);
    }
    let fs = Memory::new();
    fs.set_bytes("db", bytes);
    let environment = Arc::new(Counting(AtomicU64::new(1 << 40)));
    let open = |options| pollster::block_on(Database::open_with(&fs, "db", options, environment.clone()));
    match open(Options { read_only: true, create: false, ..options(Compression::Lz4) }) {
        Ok(db) => {
            for document in db.scan(&Range::all()).into_iter().flatten().map_while(Result::ok) {
                let document = (document.key, document.json);
                assert!(base.written.contains(&document), "this was never written: {document:?}");
            }
            read(&db);
        }
        Err(error) => refuse(&error),
    }
    if is_written {
        match open(options(Compression::Lz4)) {
            Ok(db) => write(db),
            Err(error) => refuse(&error),
        }
    }
    if let Err(error) = open(Options { encryption: None, ..options(Compression::Lz4) }) {
        refuse(&error);
    }
}

fn refuse(error: &Error) {
    let of_keys = [ErrorCode::WrongKey, ErrorCode::KeySlotDamaged, ErrorCode::NotEncrypted, ErrorCode::KeyRequired];
    if !of_keys.contains(&error.code()) {
        accept(error);
    }
}

/// One change: in the header, or anywhere.
fn edit(bytes: &mut Vec<u8>, input: &mut Input<'_>) {
    let operation = input.byte();
    let at = if operation & 1 == 0 {
        let slot = input.below(SUMS.len());
        slot * SLOT_LEN + input.below(232)
    } else {
        (input.long() % bytes.len().max(1) as u64) as usize
    };
    let Some(byte) = bytes.get_mut(at) else { return };
    match operation >> 1 & 7 {
        0..=3 => *byte ^= input.byte(),
        4 => *byte = input.byte(),
        5 => {
            let (from, len) = (input.below(1024) * 64, 64 << input.below(8));
            if bytes.len() >= at.max(from) + len {
                bytes.copy_within(from..from + len, at);
            }
        }
        6 => {
            let with = input.some_bytes(32);
            if let Some(target) = bytes.get_mut(at..at + with.len()) {
                target.copy_from_slice(with);
            }
        }
        _ => bytes.truncate(at.max(16 << 10)),
    }
}
