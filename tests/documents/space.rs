//! Space of large values: what is replaced, deleted or expired comes back without a compaction of everything.

use crate::support::{Bench, assert_sound, encryptions};
use ferrolite::fs::{File, FileSystem, Memory, OpenMode};
use ferrolite::{Compression, Database, End, Options, Range, SetOptions};
use std::time::Duration;

const MIB: usize = 1 << 20;

/// Bytes that compression does not make smaller.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(|_| next()).collect()
}

/// JSON text that compression does not make much smaller.
fn text(seed: u64, length: usize) -> String {
    let letters: String = noise(seed, length).iter().map(|byte| char::from(b' ' + 3 + byte % 56)).collect();
    format!("\"{}\"", letters.replace('\\', "/"))
}

fn upload<F: File>(db: &mut Database<F>, key: &str, bytes: &[u8]) {
    let mut blob = db.begin_blob(key, None).unwrap();
    bytes.chunks(MIB).for_each(|piece| db.write_blob(&mut blob, piece).unwrap());
    db.finish_blob(blob).unwrap();
}

fn idle<F: File>(db: &mut Database<F>) {
    while db.maintain(MIB).unwrap() {}
}

/// Bytes of the file. Up to a quarter of it is left free while there is work.
fn file_bytes<F: File>(db: &Database<F>) -> usize {
    db.stats().engine.file_bytes as usize
}

/// Bytes that a file may have for so many live ones: with a quarter of garbage, a quarter free, and what is kept back.
fn allowed(live: usize) -> usize {
    live * 16 / 9 + 10 * MIB
}

#[test]
fn a_value_that_is_replaced_over_and_over_keeps_its_file_small() {
    for encryption in encryptions() {
        for compression in [Compression::None, Compression::Lz4] {
            let bench = Bench::new();
            let options = Options { encryption: encryption.clone(), compression, ..Options::default() };
            let mut db = bench.open_with(options);
            let mut longest = 0;
            for round in 0..10 {
                upload(&mut db, "film", &noise(round, 8 * MIB));
                longest = longest.max(file_bytes(&db));
            }
            // Nobody was idle: the commits have paid.
            assert!(longest < 52 * MIB, "{longest} bytes for two versions of 8 MiB");
            idle(&mut db);
            assert!(file_bytes(&db) < allowed(8 * MIB), "{}", file_bytes(&db));
            assert_eq!(db.get_bytes("film").unwrap(), Some(noise(9, 8 * MIB)));
            db.delete("film").unwrap();
            idle(&mut db);
            assert!(file_bytes(&db) < allowed(0), "{}", file_bytes(&db));
            assert_sound(&db);
        }
    }
}

#[test]
fn every_way_to_lose_a_large_value_gives_its_space_back() {
    type Lose = fn(&Bench, &mut Database<ferrolite::fs::MemoryFile>);
    let ways: [(&str, Lose); 7] = [
        ("delete", |_, db| assert!(db.delete("v").unwrap())),
        ("replace", |_, db| assert!(db.set("v", &1).unwrap() > 0)),
        ("replace by few bytes", |_, db| assert!(db.set_bytes_with("v", b"x", SetOptions::default()).unwrap() > 0)),
        ("delete a range", |_, db| assert_eq!(db.delete_range(&Range::prefix("v")).unwrap(), 1)),
        ("expire", |bench, db| {
            assert!(db.expire("v", Duration::from_secs(1)).unwrap());
            idle(db);
            bench.clock.advance_ms(2000);
        }),
        ("expire and persist", |_, db| {
            for _ in 0..3 {
                assert!(db.expire("v", Duration::from_secs(1000)).unwrap());
                assert!(db.persist("v").unwrap());
            }
            db.delete("v").unwrap();
        }),
        ("drop the collection", |_, _| {}),
    ];
    for (name, lose) in ways {
        for kind in ["bytes", "text", "list"] {
            let bench = Bench::new();
            let mut db = bench.open();
            // Something beside it that stays.
            upload(&mut db, "other", &noise(99, 2 * MIB));
            if name == "drop the collection" {
                let mut films = db.collection_mut("films").unwrap();
                films.set_json("v", &text(1, 12 * MIB)).unwrap();
                db.drop_collection("films").unwrap();
            } else {
                match kind {
                    "bytes" => upload(&mut db, "v", &noise(1, 12 * MIB)),
                    "text" => assert!(db.set_json("v", &text(1, 12 * MIB)).unwrap() > 0),
                    _ => {
                        for round in 0..12 {
                            let elements: Vec<_> = (0..64).map(|n| text(round * 64 + n, 16 << 10)).collect();
                            db.push_json("v", End::Right, &elements).unwrap();
                        }
                    }
                }
                idle(&mut db);
                lose(&bench, &mut db);
            }
            idle(&mut db);
            let bytes = file_bytes(&db);
            assert!(bytes < allowed(2 * MIB), "{name} of {kind}: {bytes} bytes are left");
            assert_eq!(db.get_bytes("other").unwrap(), Some(noise(99, 2 * MIB)));
            assert_sound(&db);
        }
    }
}

#[test]
fn a_long_queue_takes_the_space_of_what_is_in_it() {
    let bench = Bench::new();
    let mut db = bench.open();
    for round in 0..300 {
        db.push_json("queue", End::Right, &[text(round, 100_000)]).unwrap();
        if round >= 20 {
            db.pop_json("queue", End::Left).unwrap();
        }
    }
    db.close().unwrap();
    let db = bench.open();
    assert!(file_bytes(&db) < 6 * MIB, "{} bytes for two megabytes", file_bytes(&db));
    assert_eq!(db.list_length("queue").unwrap(), 20);
    assert_sound(&db);
}

#[test]
fn documents_below_the_size_of_parts_give_space_back_too() {
    let bench = Bench::new();
    let mut db = bench.open();
    for n in 0..2000 {
        db.set_json(&format!("k{n:04}"), &text(n, 10_000)).unwrap();
    }
    idle(&mut db);
    assert!(file_bytes(&db) > 15 * MIB);
    for n in 0..2000 {
        db.set(&format!("k{n:04}"), &n).unwrap();
    }
    db.close().unwrap();
    let db = bench.open();
    assert!(file_bytes(&db) < 3 * MIB, "{}", file_bytes(&db));
    assert_sound(&db);
}

#[test]
fn an_export_has_none_of_it() {
    for read_only in [false, true] {
        let bench = Bench::new();
        let mut db = bench.open();
        for n in 0..6 {
            upload(&mut db, &format!("film {n}"), &noise(n, 3 * MIB));
        }
        idle(&mut db);
        let snapshot = db.snapshot().unwrap();
        for n in 0..5 {
            db.delete(&format!("film {n}")).unwrap();
        }
        if read_only {
            // Killed, with the deletions in the log.
            let _ = snapshot;
            drop(db);
            db = bench.open_with(Options { read_only, ..Options::default() });
        } else {
            // The snapshot keeps everything in the file, and looks at no export.
            idle(&mut db);
            assert!(file_bytes(&db) > 15 * MIB);
        }
        let mut bytes = Vec::new();
        db.export_to(&mut bytes).unwrap();
        assert!(bytes.len() < 4 * MIB, "{} bytes", bytes.len());
        let fs = Memory::new();
        let copy = ferrolite::import_from(bytes.as_slice(), &fs, "copy", Options::default());
        let copy = pollster::block_on(copy).unwrap();
        assert_eq!(copy.get_bytes("film 5").unwrap(), Some(noise(5, 3 * MIB)));
        assert_eq!(copy.get_bytes("film 1").unwrap(), None);
        assert_sound(&copy);
    }
}

/// Begins values over and over with programs that end before they finish them.
fn killed_uploads(bench: &Bench, count: u64) {
    for n in 0..count {
        let mut db = bench.open();
        let mut blob = db.begin_blob("film", None).unwrap();
        noise(n, 5 * MIB).chunks(MIB).for_each(|piece| db.write_blob(&mut blob, piece).unwrap());
        drop(db);
    }
}

#[test]
fn what_killed_uploads_have_left_is_told_and_goes_with_the_next_program_that_writes() {
    let bench = Bench::new();
    killed_uploads(&bench, 3);
    let db = bench.open_with(Options { read_only: true, ..Options::default() });
    let report = db.check(true).unwrap();
    assert!(report.is_ok() && report.parts > 200, "{report:?}");
    let notes = report.notes.join(" ");
    assert!(notes.contains("large values: 3") && notes.contains(&format!("{} parts", report.parts)), "{notes}");
    assert!(db.check(false).unwrap().notes.join(" ").contains("large values: 3"));
    assert_eq!(db.stats().unfinished_uploads, 3);
    assert!(file_bytes(&db) > 12 * MIB);
    drop(db);
    // It writes once and closes.
    let mut db = bench.open();
    db.set("k", &1).unwrap();
    db.close().unwrap();
    let db = bench.open();
    assert_eq!((db.stats().unfinished_uploads, db.check(true).unwrap().parts), (0, 0));
    assert!(file_bytes(&db) < MIB, "{}", file_bytes(&db));
    assert_eq!(db.check(true).unwrap().notes, Vec::<String>::new());
}

#[test]
fn a_program_that_only_reads_leaves_them_as_they_are() {
    let bench = Bench::new();
    killed_uploads(&bench, 1);
    let length = |bench: &Bench| {
        let file = pollster::block_on(bench.fs.open("db", OpenMode::ReadOnly)).unwrap();
        file.len().unwrap()
    };
    let before = length(&bench);
    let db = bench.open();
    assert_eq!(db.get_json("k").unwrap(), None);
    db.close().unwrap();
    assert_eq!(length(&bench), before);
}
