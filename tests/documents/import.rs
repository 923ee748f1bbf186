//! An import makes a whole database of the bytes of one, or leaves nothing.

use crate::support::damaged::{content, frames, put};
use crate::support::{Bench, Clock, assert_sound, code, encryption_of, encryptions, exported, import, open};
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated};
use ferrolite::fs::{self, FileSystem, Memory, MemoryFile, OpenMode};
use ferrolite::{Database, Encryption, ErrorCode, Import, Options, import_from};
use std::io::{self, Read};
use std::sync::Arc;

const DOCUMENTS: usize = 150;

fn options(encryption: &Option<Encryption>) -> Options {
    Options { memtable_size: 16 << 10, page_size: 512, encryption: encryption.clone(), ..Options::default() }
}

/// An exported database, and the file that it came from, which was not closed.
fn sample(encryption: &Option<Encryption>) -> (Vec<u8>, Vec<u8>) {
    let bench = Bench::new();
    let mut db = bench.open_with(options(encryption));
    db.create_index("n").unwrap();
    for n in 0..DOCUMENTS {
        db.set_json(&format!("key{n:03}"), &format!(r#"{{"n": {n}, "text": "{}"}}"#, "abc".repeat(n % 40))).unwrap();
    }
    let export = exported(&mut db);
    drop(db);
    (export, content(&bench.fs, "db"))
}

/// Files whose newest superblock lies in the first slots, and in the others.
fn either_slots(encryption: &Option<Encryption>) -> [Vec<u8>; 2] {
    let (export, file) = sample(encryption);
    let fs = Memory::new();
    put(&fs, "db", &file);
    let mut db = open(&fs, &Clock::new(), options(encryption)).unwrap();
    db.set_json("key000", r#"{"n": 0, "text": ""}"#).unwrap();
    drop(db);
    let number = |bytes: &[u8], slot: usize| u64::from_le_bytes(bytes[slot + 48..slot + 56].try_into().unwrap());
    let is_first = |bytes: &Vec<u8>| number(bytes, 0) > number(bytes, 8192);
    let mut files = [content(&fs, "db"), export];
    files.sort_by_key(|bytes| !is_first(bytes));
    assert_eq!(files.each_ref().map(is_first), [true, false]);
    files
}

#[track_caller]
fn assert_whole<F: ferrolite::fs::File>(db: &Database<F>) {
    assert_eq!(db.count(&ferrolite::Range::all()).unwrap(), DOCUMENTS as u64);
    assert_sound(db);
}

fn names<S: FileSystem>(fs: &S) -> Vec<String> {
    pollster::block_on(fs.list()).unwrap()
}

#[test]
fn it_takes_exports_and_files_as_they_are() {
    for encryption in encryptions() {
        let (export, file) = sample(&encryption);
        for (name, bytes) in [("export", &export), ("file", &file)] {
            let fs = Memory::new();
            assert_whole(&import(&fs, &Clock::new(), name, bytes, options(&encryption)).unwrap());
            let read_only = Options { read_only: true, ..options(&encryption) };
            let from = bytes.as_slice();
            assert_whole(&pollster::block_on(import_from(from, &fs, "db", read_only)).unwrap());
            assert_eq!(content(&fs, "db"), *bytes, "it is the same file");
        }
    }
}

#[test]
fn what_is_cut_short_anywhere_leaves_nothing() {
    for encryption in encryptions() {
        let (export, _) = sample(&encryption);
        let fs = Memory::new();
        let cuts =
            (0..export.len()).step_by(4999).chain([1, 4096, 16384, 24576, 65535, 65536, 65537, export.len() - 1]);
        for cut in cuts {
            let error = import(&fs, &Clock::new(), "db", &export[..cut], options(&encryption)).unwrap_err();
            let expected = if cut < 4096 { ErrorCode::NotADatabase } else { ErrorCode::Corrupt };
            assert!(error.code() == expected || (cut < 16384 && error.code() == ErrorCode::Corrupt), "{cut}: {error}");
            assert!(names(&fs).is_empty(), "{cut}");
        }
    }
}

#[test]
fn what_is_no_database_is_refused_early_and_leaves_nothing() {
    let fs = Memory::new();
    let attempt = |bytes: &[u8], encryption| {
        let outcome = code(import(&fs, &Clock::new(), "db", bytes, options(&encryption)));
        assert!(names(&fs).is_empty());
        outcome
    };
    assert_eq!(attempt(b"", None), ErrorCode::NotADatabase);
    assert_eq!(attempt(b"SQLite format 3\0", None), ErrorCode::NotADatabase);
    assert_eq!(attempt(&[0; 200_000], None), ErrorCode::NotADatabase);
    let (mut plain, _) = sample(&None);
    assert_eq!(attempt(&plain, Some(Encryption::key([7; 32]))), ErrorCode::NotEncrypted);
    let (secret, _) = sample(&encryptions()[1]);
    assert_eq!(attempt(&secret, None), ErrorCode::KeyRequired);
    assert_eq!(attempt(&secret, Some(Encryption::key([8; 32]))), ErrorCode::WrongKey);
    plain[..16 << 10].chunks_mut(4096).for_each(|slot| slot[100] ^= 1);
    assert_eq!(attempt(&plain, None), ErrorCode::Corrupt);

    // A long stream of something else is not taken in to its end.
    let mut import = pollster::block_on(Import::begin(&fs, "db")).unwrap();
    assert_eq!(code(import.write(&[b'x'; 70_000])), ErrorCode::NotADatabase);
    pollster::block_on(import.give_up(&fs));
    assert!(names(&fs).is_empty());
}

#[test]
fn a_source_that_fails_leaves_nothing() {
    struct Failing<'a>(&'a [u8]);
    impl Read for Failing<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0.read(buffer)? {
                0 => Err(io::ErrorKind::ConnectionReset.into()),
                count => Ok(count),
            }
        }
    }
    let (fs, (export, _)) = (Memory::new(), sample(&None));
    let outcome = pollster::block_on(import_from(Failing(&export[..90_000]), &fs, "db", Options::default()));
    assert_eq!(code(outcome), ErrorCode::Io);
    assert!(names(&fs).is_empty());
}

#[test]
fn what_is_there_is_left_alone() {
    let (fs, clock, (export, _)) = (Memory::new(), Clock::new(), sample(&None));
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("mine", &1).unwrap();
    assert_eq!(code(import(&fs, &clock, "db", &export, options(&None))), ErrorCode::InvalidOptions);
    drop(db);
    let before = content(&fs, "db").len();
    assert_eq!(code(import(&fs, &clock, "db", &export, options(&None))), ErrorCode::InvalidOptions);
    assert_eq!(content(&fs, "db").len(), before);
    put(&fs, "notes.txt", b"unfinished business");
    assert_eq!(code(import(&fs, &clock, "notes.txt", &export, options(&None))), ErrorCode::InvalidOptions);
    assert_eq!(content(&fs, "notes.txt"), b"unfinished business");
    assert_eq!(code(import(&fs, &clock, "../db", &export, options(&None))), ErrorCode::InvalidOptions);
}

#[test]
fn what_comes_to_be_there_meanwhile_is_left_alone() {
    /// Another makes a file under the name as soon as it was seen that there is none.
    struct Contested(Memory);
    impl FileSystem for Contested {
        type File = MemoryFile;
        async fn open(&self, name: &str, mode: OpenMode) -> fs::Result<MemoryFile> {
            let outcome = self.0.open(name, mode).await;
            if matches!(outcome, Err(fs::Error::NotFound { .. })) {
                put(&self.0, name, b"theirs");
            }
            outcome
        }
        async fn remove(&self, name: &str) -> fs::Result<()> {
            self.0.remove(name).await
        }
        async fn list(&self) -> fs::Result<Vec<String>> {
            self.0.list().await
        }
    }
    let fs = Contested(Memory::new());
    assert_eq!(code(pollster::block_on(Import::begin(&fs, "db")).map(drop)), ErrorCode::InvalidOptions);
    assert_eq!(content(&fs.0, "db"), b"theirs");
}

#[test]
fn one_that_was_cut_short_anywhere_can_be_repeated() {
    for bytes in either_slots(&None) {
        let begin = |fs: &Simulated| import(fs, &Clock::new(), "db", &bytes, options(&None)).map(drop);
        let whole = Simulated::new(0);
        begin(&whole).unwrap();
        let calls = whole.mutations();
        // Between them the grid is written, and the mark stays as it is.
        for (calls, seed) in (1..=4).chain(calls - 8..=calls).flat_map(|calls| (0..50).map(move |seed| (calls, seed))) {
            let fs = Simulated::new(seed);
            fs.crash_after(calls);
            begin(&fs).unwrap_err();
            fs.restart(Recovery::Random);
            let is_whole = open(&fs, &Clock::new(), Options { create: false, ..options(&None) }).is_ok();
            let again = begin(&fs).map_err(|error| error.code());
            let expected = if is_whole { Err(ErrorCode::InvalidOptions) } else { Ok(()) };
            assert_eq!(again, expected, "{calls}, {seed}");
        }
    }
}

#[test]
fn damage_is_not_put_up_with() {
    let (_, file) = sample(&None);
    let tolerant = Options { read_only: true, allow_damage: true, ..options(&None) };
    let import = |fs: &Memory, bytes: &[u8]| pollster::block_on(import_from(bytes, fs, "db", tolerant.clone()));
    assert_whole(&import(&Memory::new(), &file).unwrap());
    let mut tolerated = 0;
    for frame in frames(&file) {
        let mut damaged = file.clone();
        damaged[frame as usize + 66] ^= 1;
        let fs = Memory::new();
        put(&fs, "db", &damaged);
        let Ok(db) = open(&fs, &Clock::new(), tolerant.clone()) else { continue };
        if db.damage().is_empty() {
            continue;
        }
        tolerated += 1;
        let fs = Memory::new();
        assert_eq!(import(&fs, &damaged).err().map(|error| error.code()), Some(ErrorCode::Corrupt));
        assert!(names(&fs).is_empty());
    }
    assert!(tolerated > 0);
}

#[test]
fn one_that_was_dropped_does_not_open_and_can_be_repeated() {
    let (fs, clock, (export, _)) = (Memory::new(), Clock::new(), sample(&None));
    for end in [0, 10_000, 100_000, export.len()] {
        let mut import = pollster::block_on(Import::begin(&fs, "db")).unwrap();
        import.write(&export[..end]).unwrap();
        drop(import);
        assert_eq!(code(open(&fs, &clock, Options::default())), ErrorCode::NotADatabase);
    }
    assert_whole(&import(&fs, &clock, "db", &export, options(&None)).unwrap());
}

#[test]
fn after_a_crash_it_is_whole_or_does_not_open() {
    for encryption in encryptions() {
        for bytes in either_slots(&encryption) {
            let (mut whole, mut refused) = (0, 0);
            for calls in 1.. {
                let seed = calls * 7919;
                let (fs, clock) = (Simulated::new(seed), Clock::new());
                fs.crash_after(calls);
                let outcome = import(&fs, &clock, "db", &bytes, options(&encryption));
                let is_through = outcome.is_ok();
                drop(outcome);
                let recovery = [Recovery::Random, Recovery::KeepAll, Recovery::LoseAll][calls as usize % 3];
                fs.restart(recovery);
                let with = Options { create: false, ..options(&encryption_of(&bytes)) };
                match open(&fs, &clock, with.clone()) {
                    Ok(db) => {
                        assert_whole(&db);
                        whole += 1;
                    }
                    Err(error) => {
                        assert!(!is_through, "{calls}: {error}");
                        refused += 1;
                    }
                }
                if is_through {
                    break;
                }
                if open(&fs, &clock, with).is_err() {
                    pollster::block_on(fs.remove("db")).ok();
                    assert_whole(&import(&fs, &clock, "db", &bytes, options(&encryption)).unwrap());
                }
            }
            assert!(whole > 1 && refused > 10, "{whole}, {refused}");
        }
    }
}

#[test]
fn whatever_call_of_the_host_fails_nothing_partial_is_left() {
    let (export, _) = sample(&None);
    for operation in [Operation::Write, Operation::Sync, Operation::Truncate] {
        for calls in 1.. {
            let (fs, clock) = (Simulated::new(1), Clock::new());
            fs.fail_call(Some(operation), calls, Fault::Io, false);
            let outcome = import(&fs, &clock, "db", &export, options(&None));
            let has_failed = outcome.is_err();
            assert_eq!(has_failed, fs.faults_fired() > 0);
            drop(outcome);
            assert_eq!(names(&fs).is_empty(), has_failed, "{operation:?} {calls}");
            if !has_failed {
                assert_whole(&open(&fs, &clock, options(&None)).unwrap());
                break;
            }
        }
    }
}

#[test]
fn a_full_disk_is_told() {
    let (export, _) = sample(&None);
    let (fs, clock) = (Simulated::new(1), Clock::new());
    for capacity in [1000, 100_000, export.len() as u64 - 1] {
        fs.set_capacity(Some(capacity));
        assert_eq!(code(import(&fs, &clock, "db", &export, options(&None))), ErrorCode::StorageFull);
        assert!(names(&fs).is_empty());
    }
    fs.set_capacity(None);
    let imported = pollster::block_on(async {
        let mut import = Import::begin(&fs, "db").await.unwrap();
        import.write(&export).unwrap();
        import.finish_with(&fs, options(&None), Arc::new(clock.clone())).await
    });
    assert_whole(&imported.unwrap());
}
