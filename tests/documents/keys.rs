//! Keys of encrypted databases: which opens what, changing and rotating them, and what damage and forgery of the key slots
//! and of the superblocks come to.

use crate::support::damaged::{content, put};
use crate::support::{Clock, assert_sound, code, open, open_by_any};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{Argon2, Cipher, Database, Encryption, Error, ErrorCode, Options, Range, salvage_with};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

const CIPHERS: [Cipher; 2] = [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305];
/// Where the two copies of the key slots are, and how long a copy is.
const SLOTS: [usize; 2] = [16 << 10, 20 << 10];
const SLOT_LEN: usize = 4096;
/// Where a key slot's checksum is, and a superblock slot's.
const SLOT_SUM: usize = 168;
const SUPERBLOCK_SUM: usize = 4080;
/// Fields of a key slot.
const CIPHER: usize = 32;
const KIND: usize = 33;
const COUNT: usize = 34;
const MEMORY: usize = 36;
/// The cipher in a superblock.
const SUPERBLOCK_CIPHER: usize = 28;
const CHEAP: Argon2 = Argon2 { memory_kib: 8, iterations: 1, lanes: 1 };

fn key(number: u8) -> Encryption {
    Encryption::key([number; 32])
}

fn passphrase(text: &str) -> Encryption {
    Encryption::passphrase(text).with_argon2(CHEAP)
}

fn by(encryption: &Encryption) -> Options {
    Options { memtable_size: 16 << 10, page_size: 512, encryption: Some(encryption.clone()), ..Options::default() }
}

/// A database in memory with some tables, an index and a log.
struct Sample {
    clock: Clock,
    bytes: Vec<u8>,
}

impl Sample {
    fn new(encryption: &Encryption) -> Self {
        Self::with_randomness(encryption, 0)
    }

    fn with_randomness(encryption: &Encryption, seed: u64) -> Self {
        let (fs, clock) = (Memory::new(), Clock::with_randomness(seed));
        let mut db = open(&fs, &clock, by(encryption)).unwrap();
        db.create_index("n").unwrap();
        for n in 0..120 {
            db.set_json(&name(n), &text(n)).unwrap();
        }
        db.close().unwrap();
        let mut db = open(&fs, &clock, by(encryption)).unwrap();
        db.set_json("last", "1").unwrap();
        drop(db);
        Self { bytes: content(&fs, "db"), clock }
    }

    fn fs(&self) -> Memory {
        let fs = Memory::new();
        put(&fs, "db", &self.bytes);
        fs
    }

    fn open(&self, options: Options) -> Result<Database<MemoryFile>, Error> {
        open(&self.fs(), &self.clock, options)
    }

    /// The code of the error when it is opened, which leaves the file as it was.
    #[track_caller]
    fn refusal(&self, options: Options) -> ErrorCode {
        let fs = self.fs();
        let refusal = code(open(&fs, &self.clock, options).map(drop));
        assert_eq!(content(&fs, "db"), self.bytes, "who is refused changes nothing");
        refusal
    }

    /// The same file with changes.
    fn changed(&self, change: impl FnOnce(&mut Vec<u8>)) -> Self {
        let mut bytes = self.bytes.clone();
        change(&mut bytes);
        Self { bytes, clock: self.clock.clone() }
    }

    /// With changes of both key slots, and checksums that hold.
    fn forged(&self, change: impl Fn(&mut [u8])) -> Self {
        self.changed(|bytes| {
            for at in SLOTS {
                let slot = &mut bytes[at..at + SLOT_LEN];
                change(slot);
                let sum = xxh3_128(&slot[..SLOT_SUM]).to_le_bytes();
                slot[SLOT_SUM..SLOT_SUM + 16].copy_from_slice(&sum);
            }
        })
    }

    /// With changes of all superblocks, and checksums that hold.
    fn forged_superblocks(&self, change: impl Fn(&mut [u8])) -> Self {
        self.changed(|bytes| {
            for slot in bytes[..4 * SLOT_LEN].chunks_mut(SLOT_LEN) {
                change(slot);
                let sum = xxh3_128(&slot[..SUPERBLOCK_SUM]).to_le_bytes();
                slot[SUPERBLOCK_SUM..].copy_from_slice(&sum);
            }
        })
    }
}

fn name(n: usize) -> String {
    format!("key{n:03}")
}

fn text(n: usize) -> String {
    format!(r#"{{"n":{},"text":"{}"}}"#, n % 7, "words ".repeat(n % 30))
}

#[track_caller]
fn assert_whole<F: ferrolite::fs::File>(db: &Database<F>) {
    for n in 0..120 {
        assert_eq!(db.get_json(&name(n)).unwrap(), Some(text(n)));
    }
    assert_eq!(db.count(&Range::all()).unwrap(), 121);
    assert_sound(db);
}

#[test]
fn a_key_is_asked_for_and_must_be_right() {
    for cipher in CIPHERS {
        let by_key = Sample::new(&key(1).with_cipher(cipher));
        let by_passphrase = Sample::new(&passphrase("right").with_cipher(cipher));
        for sample in [&by_key, &by_passphrase] {
            for (read_only, allow_damage) in [(false, false), (true, false), (true, true)] {
                let options = |encryption| Options { read_only, allow_damage, encryption, ..Options::default() };
                assert_eq!(sample.refusal(options(None)), ErrorCode::KeyRequired);
                assert_eq!(sample.refusal(options(Some(key(2)))), ErrorCode::WrongKey);
                assert_eq!(sample.refusal(options(Some(passphrase("wrong")))), ErrorCode::WrongKey);
            }
        }
        assert_eq!(by_passphrase.refusal(by(&key(1))), ErrorCode::WrongKey, "a key where a passphrase is wanted");
        let as_passphrase = Encryption::passphrase(vec![1; 32]).with_argon2(CHEAP);
        assert_eq!(by_key.refusal(by(&as_passphrase)), ErrorCode::WrongKey, "a passphrase where a key is wanted");
        // The file says itself which cipher it has, and what a passphrase costs.
        let other = CIPHERS[usize::from(cipher == CIPHERS[0])];
        assert_whole(&by_key.open(by(&key(1).with_cipher(other))).unwrap());
        assert_whole(&by_passphrase.open(by(&Encryption::passphrase("right"))).unwrap());
    }
}

#[test]
fn a_plain_file_is_refused_to_who_has_a_key() {
    let (fs, clock) = (Memory::new(), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("a", &1).unwrap();
    assert_eq!(code(db.change_key(&key(1))), ErrorCode::NotEncrypted);
    assert_eq!(code(db.rotate_key()), ErrorCode::NotEncrypted);
    db.close().unwrap();
    let sample = Sample { bytes: content(&fs, "db"), clock };
    assert_eq!(sample.refusal(by(&key(1))), ErrorCode::NotEncrypted);
    let options = Options { read_only: true, allow_damage: true, ..by(&key(1)) };
    assert_eq!(sample.refusal(options), ErrorCode::NotEncrypted);
}

#[test]
fn bad_keys_make_no_database() {
    let (fs, clock) = (Memory::new(), Clock::new());
    let absurd = Argon2 { memory_kib: u32::MAX, iterations: 3, lanes: 1 };
    for bad in [key(0), passphrase(""), passphrase("p").with_argon2(absurd)] {
        assert_eq!(code(open(&fs, &clock, by(&bad)).map(drop)), ErrorCode::InvalidOptions);
        assert!(fs.bytes("db").is_none());
    }
    let mut db = open(&fs, &clock, by(&key(1))).unwrap();
    assert_eq!(code(db.change_key(&key(0))), ErrorCode::InvalidOptions);
    db.set("a", &1).unwrap();
}

#[test]
fn who_only_reads_changes_nothing() {
    let sample = Sample::new(&key(1));
    // Also where a slot is damaged, and where a crash came between the two.
    for sample in [sample.changed(|_| ()), sample.changed(|bytes| bytes[SLOTS[1] + 100] ^= 1)] {
        for options in [Options { read_only: true, ..by(&key(1)) }, by(&key(1))] {
            let is_read_only = options.read_only;
            let fs = sample.fs();
            let mut db = open(&fs, &sample.clock, options).unwrap();
            assert_whole(&db);
            if is_read_only {
                assert_eq!(code(db.change_key(&key(2))), ErrorCode::ReadOnly);
                assert_eq!(code(db.rotate_key()), ErrorCode::ReadOnly);
            }
            drop(db);
            assert!(content(&fs, "db") == sample.bytes);
        }
    }
}

#[test]
fn one_damaged_slot_is_enough_and_is_repaired_by_the_next_writer() {
    for cipher in CIPHERS {
        let sample = Sample::new(&key(1).with_cipher(cipher));
        for (slot, other) in [(SLOTS[0], SLOTS[1]), (SLOTS[1], SLOTS[0])] {
            for at in [0, 8, 16, CIPHER, KIND, COUNT, MEMORY, 48, 64, 80, 96, 140, SLOT_SUM, 200, 4095] {
                let damaged = sample.changed(|bytes| bytes[slot + at] ^= 0x20);
                let fs = damaged.fs();
                let mut db = open(&fs, &damaged.clock, by(&key(1))).unwrap();
                assert_whole(&db);
                let notes = db.check(false).unwrap().notes;
                assert!(notes.iter().any(|note| note.contains(&format!("offset {slot}"))), "{at}: {notes:?}");
                db.set("last", &2).unwrap();
                db.close().unwrap();
                let bytes = content(&fs, "db");
                assert!(bytes[slot..slot + SLOT_LEN] == bytes[other..other + SLOT_LEN], "{at}");
                assert!(bytes[slot..slot + SLOT_LEN] == sample.bytes[slot..slot + SLOT_LEN], "{at}");
            }
        }
    }
}

#[test]
fn two_damaged_slots_are_told_apart_from_a_wrong_key() {
    let sample = Sample::new(&key(1)).changed(|bytes| SLOTS.iter().for_each(|slot| bytes[slot + 100] ^= 1));
    assert_eq!(sample.refusal(by(&key(1))), ErrorCode::KeySlotDamaged);
    assert_eq!(sample.refusal(by(&key(2))), ErrorCode::KeySlotDamaged);
    assert_eq!(sample.refusal(by(&passphrase("p"))), ErrorCode::KeySlotDamaged);
    assert_eq!(
        sample.refusal(Options { read_only: true, allow_damage: true, ..by(&key(1)) }),
        ErrorCode::KeySlotDamaged
    );
    let fs = sample.fs();
    let salvage = salvage_with(&fs, "db", &fs, "out", by(&key(1)), Arc::new(sample.clock.clone()));
    assert_eq!(code(pollster::block_on(salvage)), ErrorCode::KeySlotDamaged);
}

/// A slot that says what no writer says is no slot, whatever its checksum: nothing is computed or allocated for it.
#[test]
fn forged_slots_are_no_slots() {
    let by_key = Sample::new(&key(1));
    let by_passphrase = Sample::new(&passphrase("p"));
    let absurd: [(usize, u32); 6] = [
        (MEMORY, u32::MAX),
        (MEMORY, 0),
        (MEMORY + 4, u32::MAX),
        (MEMORY + 4, 0),
        (MEMORY + 8, u32::MAX),
        (MEMORY + 8, 0),
    ];
    for (field, value) in absurd {
        let forged = by_passphrase.forged(|slot| slot[field..field + 4].copy_from_slice(&value.to_le_bytes()));
        assert_eq!(forged.refusal(by(&passphrase("p"))), ErrorCode::KeySlotDamaged, "{field}: {value}");
    }
    for (field, value) in
        [(CIPHER, 0), (CIPHER, 3), (KIND, 0), (KIND, 3), (COUNT, 0), (COUNT, 3), (35, 1), (MEMORY, 1), (76, 1)]
    {
        let forged = by_key.forged(|slot| slot[field] = value);
        assert_eq!(forged.refusal(by(&key(1))), ErrorCode::KeySlotDamaged, "{field}: {value}");
    }
    // What could be is covered by the tag of the wrapped keys.
    for (field, value) in [(CIPHER, 2), (COUNT, 2), (8, 200), (16, 200), (48, 200), (64, 200), (80, 200), (96, 200)] {
        let forged = by_key.forged(|slot| slot[field] = value);
        assert_eq!(forged.refusal(by(&key(1))), ErrorCode::WrongKey, "{field}: {value}");
    }
    let forged = by_key.forged(|slot| {
        slot[KIND] = 2;
        slot[MEMORY..MEMORY + 12].copy_from_slice(&[8, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0]);
    });
    assert_eq!(forged.refusal(by(&key(1))), ErrorCode::WrongKey);
    assert_eq!(forged.refusal(by(&passphrase("p"))), ErrorCode::WrongKey);
}

#[test]
fn the_slots_of_another_file_open_nothing() {
    for cipher in CIPHERS {
        let sample = Sample::with_randomness(&key(1).with_cipher(cipher), 1);
        for other_key in [1, 2] {
            let other = Sample::with_randomness(&key(other_key).with_cipher(cipher), 2);
            let copied = sample.changed(|bytes| {
                let slots = SLOTS[0]..SLOTS[1] + SLOT_LEN;
                bytes[slots.clone()].copy_from_slice(&other.bytes[slots]);
            });
            let expected = if other_key == 1 { ErrorCode::Corrupt } else { ErrorCode::WrongKey };
            assert_eq!(copied.refusal(by(&key(1))), expected);
            assert_eq!(copied.refusal(by(&key(other_key))), ErrorCode::Corrupt);
            // With the superblocks, and the file's id in them: what they lead to is not theirs.
            let copied = sample.changed(|bytes| bytes[..64 << 10].copy_from_slice(&other.bytes[..64 << 10]));
            assert_eq!(copied.refusal(by(&key(other_key))), ErrorCode::Corrupt);
        }
    }
}

/// The checksum of a superblock is anyone's to make; its code is not.
#[test]
fn forged_superblocks_are_refused() {
    for cipher in CIPHERS {
        let sample = Sample::new(&key(1).with_cipher(cipher));
        // The file's id, its number, the epoch, what is in tables, the log, the manifest, the expiry, the length.
        for field in [32, 48, 56, 60, 64, 72, 80, 88, 96, 112, 144, 160, 168, 192, 200, 208] {
            let forged = sample.forged_superblocks(|slot| slot[field] ^= 1);
            assert_eq!(forged.refusal(by(&key(1))), ErrorCode::Corrupt, "{field}");
            let error = forged.open(by(&key(1))).err().unwrap().to_string();
            assert!(error.contains("superblock") || error.contains("cut off"), "{field}: {error}");
        }
        let id = if cipher == Cipher::Aes256Gcm { 2 } else { 1 };
        let other_cipher = sample.forged_superblocks(|slot| slot[SUPERBLOCK_CIPHER] = id);
        assert_eq!(other_cipher.refusal(by(&key(1))), ErrorCode::Corrupt);
        // Made plain: whoever has the key is not shown what somebody else has put there.
        let plain = sample.forged_superblocks(|slot| {
            slot[SUPERBLOCK_CIPHER] = 0;
            slot[SUPERBLOCK_SUM - 32..SUPERBLOCK_SUM].fill(0);
        });
        assert_eq!(plain.refusal(by(&key(1))), ErrorCode::NotEncrypted);
        assert_eq!(plain.refusal(Options::default()), ErrorCode::Corrupt);
    }
}

#[test]
fn after_a_change_the_new_key_alone_opens() {
    let changes =
        [(key(1), key(2)), (key(1), passphrase("p")), (passphrase("p"), passphrase("q")), (passphrase("p"), key(1))];
    for (old, new) in changes {
        for cipher in CIPHERS {
            let sample = Sample::new(&old.clone().with_cipher(cipher));
            let fs = sample.fs();
            let mut db = open(&fs, &sample.clock, by(&old)).unwrap();
            // The cipher of the new key is not asked for.
            db.change_key(&new).unwrap();
            assert_whole(&db);
            db.set("last", &2).unwrap();
            db.close().unwrap();
            assert_eq!(code(open(&fs, &sample.clock, by(&old)).map(drop)), ErrorCode::WrongKey);
            let db = open(&fs, &sample.clock, by(&new)).unwrap();
            assert_eq!(db.stats().engine.encryption.unwrap().cipher, cipher);
            assert_whole(&db);
            // A copy of before is opened by what opened it then.
            assert_whole(&sample.open(by(&old)).unwrap());
        }
    }
}

#[test]
fn after_a_rotation_the_old_data_key_opens_nothing_that_was_written_since() {
    for cipher in CIPHERS {
        let sample = Sample::new(&key(1).with_cipher(cipher));
        let fs = sample.fs();
        let mut db = open(&fs, &sample.clock, by(&key(1))).unwrap();
        db.rotate_key().unwrap();
        assert_whole(&db);
        let encryption = db.stats().engine.encryption.unwrap();
        assert!(!encryption.is_rotating && encryption.old_key_bytes == 0);
        for n in 0..60 {
            db.set_json(&format!("new{n}"), &text(n)).unwrap();
        }
        db.close().unwrap();
        let mut db = open(&fs, &sample.clock, by(&key(1))).unwrap();
        db.set_json("new in the log", "1").unwrap();
        drop(db);
        let rotated = Sample { bytes: content(&fs, "db"), clock: sample.clock.clone() };
        assert!(SLOTS.iter().all(|slot| rotated.bytes[slot + COUNT] == 1), "one data key is left in the slots");
        // Whoever kept the slots of before has the old data key.
        let with_old_key = rotated.changed(|bytes| {
            let slots = SLOTS[0]..SLOTS[1] + SLOT_LEN;
            bytes[slots.clone()].copy_from_slice(&sample.bytes[slots]);
        });
        assert_eq!(with_old_key.refusal(by(&key(1))), ErrorCode::Corrupt);
        let fs = with_old_key.fs();
        let salvage = salvage_with(&fs, "db", &fs, "out", by(&key(1)), Arc::new(sample.clock.clone()));
        // Pages of before may be left in places that are free.
        if pollster::block_on(salvage).is_ok() {
            let environment = Arc::new(sample.clock.clone());
            let out = pollster::block_on(Database::open_with(&fs, "out", by(&key(1)), environment)).unwrap();
            let keys = out.keys(&Range::all()).unwrap();
            assert!(keys.iter().all(|key| !key.starts_with("new")), "{keys:?}");
        }
        // With its own slots all of it is there.
        let db = rotated.open(by(&key(1))).unwrap();
        assert_eq!(db.count(&Range::all()).unwrap(), 182);
        assert_sound(&db);
    }
}

/// Neither of the two superblocks leads to anything that the old key sealed: the one before is what is left when both
/// copies of the newest one are damaged.
#[test]
fn after_a_rotation_the_superblock_before_is_whole_too() {
    for cipher in CIPHERS {
        let sample = Sample::new(&key(1).with_cipher(cipher));
        let fs = sample.fs();
        let mut db = open(&fs, &sample.clock, by(&key(1))).unwrap();
        db.rotate_key().unwrap();
        drop(db);
        let bytes = content(&fs, "db");
        for newest in [0, 2 * SLOT_LEN] {
            let rotated = Sample { bytes: bytes.clone(), clock: sample.clock.clone() };
            let damaged = rotated.changed(|bytes| bytes[newest..newest + 2 * SLOT_LEN].fill(0xff));
            assert_whole(&damaged.open(by(&key(1))).unwrap());
        }
    }
}

#[test]
fn writes_come_between_the_steps_of_a_rotation() {
    let sample = Sample::new(&key(1));
    let mut db = sample.open(by(&key(1))).unwrap();
    let snapshot = db.snapshot().unwrap();
    let mut progress = ferrolite::RotateProgress::default();
    let mut steps = 0;
    while !progress.is_done() {
        db.rotate_key_step(&mut progress, 1).unwrap();
        db.set_json("last", &steps.to_string()).unwrap();
        steps += 1;
        let encryption = db.stats().engine.encryption.unwrap();
        assert_eq!(encryption.is_rotating, !progress.is_done());
        assert_eq!(progress.bytes().1 - progress.bytes().0, encryption.old_key_bytes);
    }
    assert!(steps > 10, "{steps}");
    assert_whole(&db);
    db.release(snapshot);
}

/// At every call, with three outcomes of what was not synced: it goes on, with the same new key, and ends.
#[test]
fn a_rotation_that_was_cut_short_goes_on() {
    let every = if cfg!(target_os = "wasi") { 11 } else { 2 };
    for (cipher, recovery) in CIPHERS.into_iter().zip([Recovery::Random, Recovery::LoseAll]) {
        let sample = Sample::new(&key(1).with_cipher(cipher));
        let mut cut_short = 0;
        for call in (1..).step_by(every) {
            let (fs, clock) = (Simulated::new(call), sample.clock.clone());
            fs.set_content("db", sample.bytes.clone());
            let mut db = open(&fs, &clock, by(&key(1))).unwrap();
            fs.crash_after(call);
            let outcome = db.rotate_key();
            drop(db);
            if outcome.is_ok() {
                break;
            }
            cut_short += 1;
            fs.restart(recovery);
            let mut db = open(&fs, &clock, by(&key(1))).unwrap_or_else(|error| panic!("call {call}: {error}"));
            assert_whole(&db);
            db.rotate_key().unwrap();
            assert_whole(&db);
            let encryption = db.stats().engine.encryption.unwrap();
            assert!(!encryption.is_rotating && encryption.old_key_bytes == 0, "call {call}");
            db.close().unwrap();
            let bytes = fs.content("db").unwrap();
            assert!(SLOTS.iter().all(|slot| bytes[slot + COUNT] == 1), "call {call}");
        }
        assert!(cut_short > if cfg!(target_os = "wasi") { 3 } else { 20 }, "{cut_short}");
    }
}

/// At every call of a change, one of the two keys opens the file, and the next writer settles which.
#[test]
fn a_change_that_was_cut_short_leaves_one_key_or_the_other() {
    let sample = Sample::new(&key(1));
    let mut winners = [0; 2];
    for (call, recovery) in
        (1..30).flat_map(|call| [Recovery::LoseAll, Recovery::KeepAll, Recovery::Random].map(|r| (call, r)))
    {
        let (fs, clock) = (Simulated::new(call), sample.clock.clone());
        fs.set_content("db", sample.bytes.clone());
        let mut db = open(&fs, &clock, by(&key(1))).unwrap();
        // The first write of a session claims the file; the change itself is what follows.
        db.set("last", &1).unwrap();
        fs.crash_after(call);
        let outcome = db.change_key(&key(2));
        drop(db);
        if outcome.is_ok() {
            break;
        }
        // One slot is durable before the other is touched: whatever tears a write tears one of them.
        assert!(fs.unsynced() <= 1, "call {call}: {} writes are on their way", fs.unsynced());
        fs.restart(recovery);
        let opens = [1, 2].map(|number| open(&fs, &clock, Options { read_only: true, ..by(&key(number)) }).is_ok());
        assert_ne!(opens, [false, false], "call {call}");
        // Where both open it, either may go on, and the other one does not open it any more.
        let winner = if call % 2 == 0 && opens[1] || !opens[0] { 2 } else { 1 };
        let mut db = open(&fs, &clock, by(&key(winner))).unwrap();
        assert_whole(&db);
        db.set("last", &3).unwrap();
        drop(db);
        fs.crash_now();
        fs.restart(Recovery::LoseAll);
        assert_eq!(code(open(&fs, &clock, by(&key(3 - winner))).map(drop)), ErrorCode::WrongKey, "call {call}");
        assert_whole(&open_by_any(&fs, &clock, &Options::default(), &[key(winner)]).unwrap());
        winners[usize::from(winner) - 1] += 1;
    }
    assert!(winners[0] > 1 && winners[1] > 1, "{winners:?}");
}

#[test]
fn nothing_that_was_written_can_be_read_in_the_file() {
    const MARKS: [&str; 4] = ["MarkOfAKey", "MarkOfAValue", "MarkOfAField", "MarkOfAPath"];
    let is_there = |bytes: &[u8], mark: &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
    for encryption in [None, Some(key(1)), Some(key(1).with_cipher(Cipher::ChaCha20Poly1305))] {
        let (fs, clock) = (Memory::new(), Clock::new());
        let options = Options { compression: ferrolite::Compression::None, ..by(&key(1)) };
        let options = Options { encryption: encryption.clone(), ..options };
        let mut seen = [false; MARKS.len()];
        let mut look = || {
            let bytes = fs.bytes("db").unwrap();
            for (seen, mark) in seen.iter_mut().zip(MARKS) {
                *seen |= is_there(&bytes, mark);
            }
        };
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        for n in 0..200 {
            let json = format!(r#"{{"MarkOfAPath":"MarkOfAField{n}","v":"MarkOfAValue {}"}}"#, "x".repeat(n));
            db.set_json(&format!("MarkOfAKey{n}"), &json).unwrap();
        }
        look();
        db.create_index("MarkOfAPath").unwrap();
        look();
        db.delete_range(&Range::prefix("MarkOfAKey1")).unwrap();
        db.compact().unwrap();
        look();
        drop(db);
        let mut db = open(&fs, &clock, options).unwrap();
        if encryption.is_some() {
            db.rotate_key().unwrap();
        }
        db.close().unwrap();
        look();
        // In a plain file all of them are seen: the marks are where they should be looked for.
        assert_eq!(seen, [encryption.is_none(); MARKS.len()]);
    }
}
