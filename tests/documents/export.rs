//! An export is one file with all commits up to its beginning, whatever goes on meanwhile, or an error.

use crate::support::damaged::pages;
use crate::support::{Clock, assert_sound, code, encryption_of, encryptions, exported, find, import, ms, open};
use ferrolite::fs::{File, Simulated, SimulatedFile};
use ferrolite::{Database, Encryption, ErrorCode, Export, Options, Range, Ttl};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// A disk whose files can be looked at while they are open.
struct Bench {
    fs: Simulated,
    clock: Clock,
}

impl Bench {
    fn new() -> Self {
        Self { fs: Simulated::new(1), clock: Clock::new() }
    }

    fn open_with(&self, options: Options) -> Database<SimulatedFile> {
        open(&self.fs, &self.clock, options).unwrap()
    }
}

fn content(fs: &Simulated, name: &str) -> Vec<u8> {
    fs.content(name).unwrap()
}

fn put(fs: &Simulated, name: &str, bytes: &[u8]) {
    fs.set_content(name, bytes.to_vec());
}

type Documents = BTreeMap<String, String>;

fn options(encryption: &Option<Encryption>) -> Options {
    Options { memtable_size: 16 << 10, page_size: 512, encryption: encryption.clone(), ..Options::default() }
}

fn documents<F: File>(db: &Database<F>) -> Documents {
    db.entries_json(&Range::all()).unwrap().into_iter().collect()
}

fn text(n: usize, round: usize) -> String {
    format!(r#"{{"n": {}, "round": {round}, "text": "{}"}}"#, n % 7, "abc".repeat(n * 13 % 50))
}

fn fill(db: &mut Database<SimulatedFile>, round: usize) {
    for n in 0..400 {
        db.set_json(&format!("key{:03}", n * 37 % 500), &text(n, round)).unwrap();
    }
    for n in 0..40 {
        db.delete(&format!("key{:03}", n * 11 + round)).unwrap();
    }
}

fn delete_some(db: &mut Database<SimulatedFile>, count: usize) {
    db.delete_range(&Range::prefix(format!("key{}", count % 5))).unwrap();
}

/// A database of many tables, with an index, documents that expire, and a large one.
fn sample(bench: &Bench, encryption: &Option<Encryption>) -> Database<SimulatedFile> {
    let mut db = bench.open_with(options(encryption));
    db.create_index("n").unwrap();
    fill(&mut db, 0);
    db.set_ex_json("soon", r#"{"n": 3}"#, ms(1000)).unwrap();
    db.set_ex_json("late", r#"{"n": 3}"#, ms(100_000)).unwrap();
    db.set_json("large", &format!("\"{}\"", "x".repeat(300_000))).unwrap();
    fill(&mut db, 1);
    db
}

/// All of an export, with `between` after each chunk.
fn drain(
    db: &mut Database<SimulatedFile>,
    mut export: Export,
    mut between: impl FnMut(&mut Database<SimulatedFile>, usize),
) -> Vec<u8> {
    let mut bytes = Vec::new();
    for count in 0.. {
        let Some(chunk) = db.export_chunk(&mut export, 20_000).unwrap() else { break };
        assert!(!chunk.is_empty() && chunk.len() < 400_000);
        bytes.extend(chunk);
        assert_eq!(export.done_bytes(), bytes.len() as u64);
        between(db, count);
    }
    assert_eq!(export.total_bytes(), bytes.len() as u64);
    assert_eq!(db.export_chunk(&mut export, 1).unwrap(), None);
    db.end_export(export);
    bytes
}

/// Numbers that are left out after an unclean end. The copy of a file that was not closed does not use them either.
const LEFT_OUT: u64 = 1 << 20;

/// Imports the bytes under another name and compares; reads them as they are, too.
#[track_caller]
fn assert_holds(bench: &Bench, bytes: &[u8], expected: &Documents, version: u64) {
    let fs = Simulated::new(1);
    put(&fs, "db", bytes);
    let with = options(&encryption_of(bytes));
    let read_only = open(&fs, &bench.clock, Options { read_only: true, ..with.clone() }).unwrap();
    assert_eq!(documents(&read_only), *expected);
    let report = read_only.check(true).unwrap();
    assert!(report.is_ok() && report.notes.is_empty(), "{report:#?}");
    drop(read_only);
    assert_eq!(content(&fs, "db"), bytes, "what was only read has not changed");

    let mut db = import(&fs, &bench.clock, "copy", bytes, with.clone()).unwrap();
    assert_eq!((documents(&db), db.version()), (expected.clone(), version));
    assert_sound(&db);
    assert_eq!(find(&db, "n", "3"), find_by_hand(expected));
    // It can be written like any other.
    db.set("new", &1).unwrap();
    fill(&mut db, 2);
    db.compact().unwrap();
    assert_sound(&db);
    let after = documents(&db);
    db.close().unwrap();
    let again = import(&fs, &bench.clock, "again", &content(&fs, "copy"), with).unwrap();
    assert_eq!(documents(&again), after);
}

fn find_by_hand(documents: &Documents) -> Vec<String> {
    let has_three = |text: &str| text.contains(r#""n": 3"#);
    documents.iter().filter(|(_, text)| has_three(text)).map(|(key, _)| key.clone()).collect()
}

#[test]
fn it_has_every_commit_before_it_and_none_after() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let mut db = sample(&bench, &encryption);
        let (expected, version) = (documents(&db), db.version());
        let export = db.begin_export().unwrap();
        let bytes = drain(&mut db, export, |db, count| match count % 4 {
            0 => fill(db, count),
            1 => db.compact().unwrap(),
            2 => {
                delete_some(db, count);
                while db.maintain(64 << 10).unwrap() {}
            }
            _ => assert_sound(db),
        });
        assert_holds(&bench, &bytes, &expected, version);
        assert_ne!(documents(&db), expected);
        assert_sound(&db);
        db.close().unwrap();
        assert_sound(&bench.open_with(options(&encryption)));
    }
}

#[test]
fn it_is_of_one_state_under_groups_and_snapshots() {
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    let snapshot = db.snapshot().unwrap();
    let old = documents(&db);
    fill(&mut db, 5);
    db.begin_group();
    db.set("in the group", &1).unwrap();
    let (expected, version) = (documents(&db), db.version());
    let export = db.begin_export().unwrap();
    db.set("after", &1).unwrap();
    db.finish_group().unwrap();
    let bytes = drain(&mut db, export, |db, count| {
        if count == 1 {
            db.drop_index("n").unwrap();
        }
    });
    assert_holds(&bench, &bytes, &expected, version);
    let seen = db.scan_page(&Range::all(), snapshot, None, ferrolite::PageLimits { documents: 1000, bytes: 1 << 30 });
    assert_eq!(seen.unwrap().documents.len(), old.len());
    db.release(snapshot);
}

#[test]
fn several_go_on_at_once_and_one_may_be_given_up() {
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    let first = documents(&db);
    let one = db.begin_export().unwrap();
    let mut given_up = db.begin_export().unwrap();
    db.export_chunk(&mut given_up, 100_000).unwrap();
    fill(&mut db, 7);
    db.compact().unwrap();
    let (second, version) = (documents(&db), db.version());
    let two = db.begin_export().unwrap();
    db.end_export(given_up);
    delete_some(&mut db, 1);
    db.compact().unwrap();
    let bytes = drain(&mut db, one, |_, _| {});
    fill(&mut db, 8);
    db.compact().unwrap();
    assert_eq!(documents(&import(&bench.fs, &bench.clock, "one", &bytes, options(&None)).unwrap()), first);
    let bytes = drain(&mut db, two, |_, _| {});
    assert_holds(&bench, &bytes, &second, version);
}

/// A megabyte that cannot be compressed.
fn fill_with_noise(db: &mut Database<SimulatedFile>) {
    let mut noise = 1_u64;
    for n in 0..20 {
        let words = (0..3200).map(|_| {
            noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            format!("{noise:016x}")
        });
        db.set(&format!("noise{n}"), &words.collect::<String>()).unwrap();
    }
}

/// The length of the file of a database after everything in it was deleted.
fn emptied_len(bench: &Bench, db: &mut Database<SimulatedFile>) -> usize {
    db.delete_range(&Range::all()).unwrap();
    db.compact().unwrap();
    content(&bench.fs, "db").len()
}

#[test]
fn what_it_keeps_is_given_back() {
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    fill_with_noise(&mut db);
    db.compact().unwrap();
    let export = db.begin_export().unwrap();
    let in_use = export.total_bytes() as usize;
    assert!(emptied_len(&bench, &mut db) >= in_use, "its tables are still there");
    db.end_export(export);
    db.compact().unwrap();
    let without = content(&bench.fs, "db").len();
    assert!(without < in_use / 2, "and now they are gone: {without} of {in_use}");

    // Closing ends it, too.
    fill_with_noise(&mut db);
    db.compact().unwrap();
    let _export = db.begin_export().unwrap();
    assert!(emptied_len(&bench, &mut db) > without);
    db.close().unwrap();
    let mut db = bench.open_with(options(&None));
    assert_sound(&db);
    assert!(emptied_len(&bench, &mut db) < in_use / 2);
}

#[test]
fn it_writes_nothing_and_reads_what_is_read_only() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let mut db = sample(&bench, &encryption);
        let (expected, version) = (documents(&db), db.version());
        let export = db.begin_export().unwrap();
        let before = content(&bench.fs, "db");
        let bytes = drain(&mut db, export, |_, _| {});
        assert_holds(&bench, &bytes, &expected, version);
        // The log has the last commits.
        drop(db);
        let mut db = bench.open_with(Options { read_only: true, ..options(&encryption) });
        for _ in 0..2 {
            assert_holds(&bench, &exported(&mut db), &expected, version + LEFT_OUT);
        }
        drop(db);
        assert_eq!(content(&bench.fs, "db"), before);
        // What is sealed by an export and then by the opening that writes is sealed in one epoch, and for two files.
        let mut db = bench.open_with(options(&encryption));
        assert_holds(&bench, &exported(&mut db), &expected, version + LEFT_OUT);
        fill(&mut db, 3);
        assert_sound(&db);
    }
}

#[test]
fn an_empty_database_is_a_header() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let mut db = bench.open_with(options(&encryption));
        let bytes = exported(&mut db);
        assert_eq!(bytes.len(), 64 << 10);
        assert_holds(&bench, &bytes, &Documents::new(), 0);
        db.set("a", &1).unwrap();
        db.delete("a").unwrap();
        let version = db.version();
        assert_holds(&bench, &exported(&mut db), &Documents::new(), version);
    }
}

#[test]
fn times_to_live_go_on() {
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    let bytes = exported(&mut db);
    bench.clock.advance_ms(600);
    let db = import(&bench.fs, &bench.clock, "copy", &bytes, options(&None)).unwrap();
    assert_eq!(db.ttl("soon").unwrap(), Ttl::Left(ms(400)));
    bench.clock.advance_ms(400);
    assert_eq!((db.has("soon").unwrap(), db.has("late").unwrap()), (false, true));
    assert_sound(&db);
}

#[test]
fn it_is_no_larger_than_what_is_in_use() {
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    let loose = exported(&mut db).len();
    db.compact().unwrap();
    let tight = exported(&mut db).len();
    assert!(tight < loose && tight <= content(&bench.fs, "db").len(), "{tight}, {loose}");
}

#[test]
fn it_keeps_the_key_that_it_began_with() {
    let (old, new) = (Encryption::key([7; 32]), Encryption::key([8; 32]));
    let bench = Bench::new();
    let mut db = sample(&bench, &Some(old.clone()));
    let (expected, version) = (documents(&db), db.version());
    let export = db.begin_export().unwrap();
    let bytes = drain(&mut db, export, |db, count| match count {
        0 => db.change_key(&new).unwrap(),
        1 => db.rotate_key().unwrap(),
        _ => {}
    });
    assert_holds(&bench, &bytes, &expected, version);
    let wrong = import(&bench.fs, &bench.clock, "copy", &bytes, options(&Some(new.clone())));
    assert_eq!(code(wrong), ErrorCode::WrongKey);
    let bytes = exported(&mut db);
    let copy = import(&bench.fs, &bench.clock, "copy", &bytes, options(&Some(new))).unwrap();
    assert_eq!(documents(&copy), expected);
    assert_sound(&copy);
}

#[test]
fn one_damaged_key_slot_is_not_passed_on() {
    let encryption = Some(Encryption::key([7; 32]));
    for damaged in [&[16 << 10][..], &[20 << 10], &[16 << 10, 20 << 10]] {
        let bench = Bench::new();
        let mut db = sample(&bench, &encryption);
        let (expected, version) = (documents(&db), db.version());
        db.flush().unwrap();
        let mut bytes = content(&bench.fs, "db");
        drop(db);
        let mut db = open(&bench.fs, &bench.clock, Options { read_only: true, ..options(&encryption) }).unwrap();
        damaged.iter().for_each(|&at: &usize| bytes[at + 100] ^= 1);
        put(&bench.fs, "db", &bytes);
        // Both may even be lost while the database is open: the keys are in memory.
        assert_holds(&bench, &exported(&mut db), &expected, version + LEFT_OUT);
    }
}

#[test]
fn damage_is_not_handed_on() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let mut db = sample(&bench, &encryption);
        let with = Options { read_only: true, ..options(&encryption) };
        // An export has no pages but those in use.
        let whole = exported(&mut db);
        drop(db);
        let mut hit = 0;
        for page in pages(&whole) {
            for at in [page.address, page.address + 50, page.address + 70] {
                let mut bytes = whole.clone();
                bytes[at as usize] ^= 0x40;
                put(&bench.fs, "db", &bytes);
                let Ok(mut db) = open(&bench.fs, &bench.clock, with.clone()) else { continue };
                let mut export = db.begin_export().unwrap();
                let error = loop {
                    match db.export_chunk(&mut export, 50_000) {
                        Ok(Some(_)) => {}
                        Ok(None) => panic!("damage at {at} was exported"),
                        Err(error) => break error,
                    }
                };
                assert_eq!(error.code(), ErrorCode::Corrupt);
                assert_eq!(code(db.export_chunk(&mut export, 1)), ErrorCode::Corrupt, "nothing comes behind it");
                db.end_export(export);
                hit += 1;
            }
        }
        assert!(hit > 100, "{hit}");
    }
}

#[test]
fn pages_that_verify_and_that_nothing_refers_to_are_damage() {
    // Two versions of one table, as if a write had been lost: the pages of the older one verify by themselves.
    let make = |tail: &str| {
        let bench = Bench::new();
        let mut db = bench.open_with(options(&None));
        for n in 0..60 {
            db.set_json(&format!("key{n:02}"), &format!("\"{n}{tail}\"")).unwrap();
        }
        db.close().unwrap();
        (content(&bench.fs, "db"), bench)
    };
    let ((mine, bench), (other, _)) = (make("a"), make("b"));
    let (pages_mine, pages_other) = (pages(&mine), pages(&other));
    assert_eq!(pages_mine.len(), pages_other.len());
    let mut bytes = mine.clone();
    let page = pages_mine.iter().position(|page| page.kind == 1).unwrap();
    let (start, end) = (pages_mine[page].address as usize, pages_mine[page + 1].address as usize);
    assert_eq!(pages_other[page].address as usize, start);
    bytes[start..end].copy_from_slice(&other[start..end]);
    assert_ne!(bytes, mine);
    put(&bench.fs, "db", &bytes);
    let mut db = bench.open_with(Options { read_only: true, ..options(&None) });
    assert_eq!(code(db.export_to(io::sink())), ErrorCode::Corrupt);
}

#[test]
fn a_database_that_was_opened_in_spite_of_damage_is_not_exported() {
    let bench = Bench::new();
    sample(&bench, &None).close().unwrap();
    let mut bytes = content(&bench.fs, "db");
    let manifest = pages(&bytes).into_iter().rfind(|page| page.kind == 4).unwrap();
    for page in pages(&bytes).into_iter().filter(|page| page.kind == 4 && page.owner == manifest.owner) {
        bytes[page.address as usize + 70] ^= 1;
    }
    put(&bench.fs, "db", &bytes);
    let with = Options { read_only: true, allow_damage: true, ..options(&None) };
    if let Ok(mut db) = open(&bench.fs, &bench.clock, with) {
        assert!(!db.damage().is_empty());
        assert_eq!(code(db.begin_export()), ErrorCode::Corrupt);
    }
}

#[test]
fn a_writer_that_fails_ends_it() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len().min(1000))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let bench = Bench::new();
    let mut db = sample(&bench, &None);
    fill_with_noise(&mut db);
    db.compact().unwrap();
    assert_eq!(code(db.export_to(Full(3))), ErrorCode::Io);
    let in_use = exported(&mut db).len();
    let without = emptied_len(&bench, &mut db);
    assert!(without < in_use / 2, "it has let go of its tables: {without} of {in_use}");
}
