//! A disk that is full: what was acknowledged stays, reads go on, deleting and compacting work in what space is left,
//! and then writing goes on.

use crate::support::{Clock, assert_sound, code, find, open};
use ferrolite::fs::simulated::{Fault, Operation, Simulated, SimulatedFile};
use ferrolite::{Cipher, CompactProgress, Compression, Database, Durability, Encryption, ErrorCode, Options, Range};
use std::collections::BTreeMap;

const DURABILITIES: [Durability; 2] = [Durability::Always, Durability::Never];

/// A disk of `capacity` bytes, and what was acknowledged.
struct Bench {
    fs: Simulated,
    clock: Clock,
    options: Options,
    db: Option<Database<SimulatedFile>>,
    documents: BTreeMap<String, String>,
    next: u64,
}

impl Bench {
    fn new(capacity: u64, options: Options) -> Self {
        let (fs, clock) = (Simulated::new(capacity), Clock::new());
        fs.set_capacity(Some(capacity));
        let db = Some(open(&fs, &clock, options.clone()).unwrap());
        Self { fs, clock, options, db, documents: BTreeMap::new(), next: 0 }
    }

    fn db(&mut self) -> &mut Database<SimulatedFile> {
        self.db.as_mut().unwrap()
    }

    /// Text that does not compress much, different each time.
    fn document(&mut self, len: usize) -> (String, String) {
        self.next += 1;
        let mut state = self.next;
        let letters = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'0' + (state >> 58) as u8)
        });
        let text: String = letters.filter(|letter| letter.is_ascii_alphanumeric()).take(len).collect();
        let number = self.next.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
        (format!("{number:08}"), format!(r#"{{"x":{},"text":"{text}"}}"#, self.next % 10))
    }

    /// Writes documents until one is refused. Gives how many were not.
    fn fill(&mut self, len: usize) -> usize {
        for written in 0.. {
            let (key, json) = self.document(len);
            match self.db().set_json(&key, &json) {
                Ok(_) => drop(self.documents.insert(key, json)),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::StorageFull, "{error}");
                    return written;
                }
            }
        }
        unreachable!()
    }

    fn verify(&mut self) {
        let found: BTreeMap<String, String> = self.db().entries_json(&Range::all()).unwrap().into_iter().collect();
        assert!(found == self.documents, "{} documents were found, of {}", found.len(), self.documents.len());
        assert_sound(self.db());
        let threes: Vec<_> =
            self.documents.iter().filter(|(_, json)| json.contains(r#""x":3,"#)).map(|(key, _)| key.clone()).collect();
        if self.db().indexes().iter().any(|index| index.path == "x") {
            assert_eq!(find(self.db(), "x", "3"), threes);
        }
    }

    /// Deletes one document of each `every`, one by one.
    fn thin_out(&mut self, every: usize) {
        let keys: Vec<_> = self.documents.keys().step_by(every).cloned().collect();
        for key in keys {
            let outcome = self.db().delete(&key);
            let e = self.db().stats().engine;
            assert!(outcome.unwrap_or_else(|error| panic!(
                "deleting on a full disk: {error} docs {} {e:?}",
                self.documents.len()
            )));
            self.documents.remove(&key);
        }
    }

    fn reopen(&mut self, close: bool) {
        let db = self.db.take().unwrap();
        if close {
            db.close().unwrap();
        } else {
            drop(db);
        }
        self.db = Some(open(&self.fs, &self.clock, self.options.clone()).unwrap());
    }
}

fn options(memtable_size: usize) -> Options {
    Options { memtable_size, compression: Compression::None, ..Options::default() }
}

#[test]
fn deleting_and_compacting_make_room_again() {
    for (capacity, memtable_size) in
        [(2 << 20, 64 << 10), (3 << 20, 4 << 20), (5 << 20, 256 << 10), (8 << 20, 1 << 20), (16 << 20, 4 << 20)]
    {
        let mut bench = Bench::new(capacity, options(memtable_size));
        bench.db().create_index("x").unwrap();
        let first = bench.fill(300);
        for round in 0..6 {
            bench.verify();
            if round % 3 > 0 {
                bench.reopen(round % 3 == 1);
                bench.verify();
            }
            bench.thin_out(2 + round % 2);
            bench.verify();
            bench.db().compact().unwrap_or_else(|error| panic!("{capacity} {memtable_size} {round}: {error}"));
            bench.fill(300);
            let now = bench.documents.len();
            assert!(now * 2 > first, "{capacity} {memtable_size} {round}: {now} documents, and {first} at first");
        }
        bench.verify();
    }
}

#[test]
fn everything_can_be_deleted() {
    let mut bench = Bench::new(4 << 20, options(512 << 10));
    let first = bench.fill(300);
    let count = bench.documents.len() as u64;
    assert_eq!(bench.db().delete_range(&Range::all()).unwrap(), count);
    bench.documents.clear();
    bench.db().compact().unwrap();
    bench.verify();
    assert!(bench.fill(300) * 10 > first * 8);
}

#[test]
fn what_is_refused_was_not_written() {
    let mut bench = Bench::new(4 << 20, options(512 << 10));
    bench.fill(2000);
    let (key, json) = bench.document(2_000_000);
    assert_eq!(code(bench.db().set_json(&key, &json)), ErrorCode::StorageFull);
    bench.verify();
    bench.reopen(false);
    bench.verify();
    bench.fs.set_capacity(None);
    bench.db().set_json(&key, &json).unwrap();
    bench.documents.insert(key, json);
    bench.verify();
}

#[test]
fn maintenance_goes_on_and_writing_with_it() {
    let mut bench = Bench::new(6 << 20, options(256 << 10));
    bench.fill(300);
    bench.thin_out(2);
    while bench.db().maintain(256 << 10).unwrap() {}
    bench.verify();
    assert!(bench.fill(300) > 500);
    bench.verify();
}

#[test]
fn a_disk_without_any_room_is_told_and_leaves_nothing_in_the_way() {
    for capacity in [0, 100, 5000, 20_000, 70_000] {
        let (fs, clock) = (Simulated::new(1), Clock::new());
        fs.set_capacity(Some(capacity));
        let outcome = open(&fs, &clock, Options::default()).and_then(|mut db| db.set("k", &1));
        assert_eq!(code(outcome), ErrorCode::StorageFull, "{capacity} bytes");
        fs.set_capacity(None);
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        assert_eq!(db.count(&Range::all()).unwrap(), 0);
        db.set("k", &1).unwrap();
    }
}

#[test]
fn with_a_small_memtable_after_everything_was_tidied_up() {
    for (capacity, memtable_size) in
        [(4 << 20, 64 << 10), (8 << 20, 64 << 10), (16 << 20, 64 << 10), (9 << 20, 1 << 20)]
    {
        let mut bench = Bench::new(capacity, options(memtable_size));
        bench.db().create_index("x").unwrap();
        bench.fill(1800);
        for round in 0..4 {
            while bench.db().maintain(256 << 10).unwrap() {}
            bench.reopen(round % 2 == 0);
            bench.db().compact().unwrap();
            bench.thin_out(2);
            bench.verify();
            bench.db().compact().unwrap();
            assert!(bench.fill(1800) > 100, "{capacity} {memtable_size} {round}");
        }
        bench.verify();
    }
}

#[test]
fn everything_can_be_deleted_one_by_one() {
    for (capacity, memtable_size) in [(6 << 20, 64 << 10), (12 << 20, 64 << 10), (12 << 20, 256 << 10)] {
        let mut bench = Bench::new(capacity, options(memtable_size));
        bench.db().create_index("x").unwrap();
        for round in 0..4 {
            bench.fill(1200);
            if round % 2 == 1 {
                bench.thin_out(3);
                bench.fill(400);
            }
            bench.thin_out(1);
            bench.verify();
        }
    }
}

/// A full disk refuses the write of a commit. The engine writes older commits as tables, and writes the commit again: what
/// was sealed for the first attempt must not be sealed twice.
#[test]
fn a_commit_that_is_written_again_is_whole() {
    let ciphers = [None, Some(Cipher::Aes256Gcm), Some(Cipher::ChaCha20Poly1305)];
    for (cipher, durability) in ciphers.iter().flat_map(|cipher| DURABILITIES.map(|durability| (*cipher, durability))) {
        let encryption = cipher.map(|cipher| Encryption::key([7; 32]).with_cipher(cipher));
        let options = Options { memtable_size: 16 << 10, durability, encryption, ..Options::default() };
        let (fs, clock) = (Simulated::new(1), Clock::new());
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        db.set("a", &0).unwrap();
        // The log of the first commit can be given up for tables.
        db.compact_step(&mut CompactProgress::default(), 1).unwrap();
        db.set("a", &1).unwrap();
        let writes = fs.counts().writes;
        fs.fail_call(Some(Operation::Write), 1, Fault::StorageFull, false);
        db.group(|db| ["a", "b"].map(|key| db.set(key, &2).unwrap())).unwrap();
        fs.clear_faults();
        assert!(fs.counts().writes > writes + 2, "the commit was refused and written again");
        let assert_whole = |db: &Database<SimulatedFile>| {
            assert_sound(db);
            assert_eq!(["a", "b"].map(|key| db.get(key).unwrap()), [Some(2), Some(2)], "{cipher:?}, {durability:?}");
        };
        assert_whole(&db);
        drop(db);
        assert_whole(&open(&fs, &clock, options).unwrap());
    }
}
