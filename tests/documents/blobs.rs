//! Documents that are bytes: whole, and in pieces.

use crate::support::damaged::{content, put};
use crate::support::{Bench, Clock, assert_sound, code, encryptions, open};
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::fs::{File, Memory};
use ferrolite::{
    Condition, Database, Error, ErrorCode, FindOptions, Options, Range, SetOptions, Transaction, Ttl, salvage_with,
};
use std::sync::Arc;
use std::time::Duration;

/// Bytes that compression does not make smaller.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..length).map(|_| next()).collect()
}

fn parts<F: File>(db: &Database<F>) -> u64 {
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{report:?}");
    report.parts
}

/// Writes bytes in pieces of this length.
fn write<F: File>(db: &mut Database<F>, key: &str, bytes: &[u8], piece: usize) {
    let mut blob = db.begin_blob(key, None).unwrap();
    bytes.chunks(piece).for_each(|piece| db.write_blob(&mut blob, piece).unwrap());
    db.finish_blob(blob).unwrap();
}

/// Reads bytes in pieces, none of which is long.
fn read<F: File>(db: &mut Database<F>, key: &str) -> Option<Vec<u8>> {
    let mut blob = db.open_blob(key).unwrap()?;
    let (mut bytes, length) = (Vec::new(), blob.length());
    while let Some(piece) = db.read_blob(&mut blob).unwrap() {
        assert!(!piece.is_empty() && piece.len() <= 2 << 20);
        bytes.extend(piece);
    }
    db.close_blob(blob);
    assert_eq!(bytes.len() as u64, length);
    Some(bytes)
}

const KIB: usize = 1 << 10;

#[test]
fn bytes_come_back_however_they_were_written() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let options = Options { encryption, memtable_size: 256 << 10, ..Options::default() };
        let mut db = bench.open_with(options.clone());
        let sizes = [0, 1, 16 * KIB, 16 * KIB + 1, 60 * KIB, 17 * 60 * KIB, 17 * 60 * KIB + 1, 3000 * KIB];
        let all: Vec<(String, Vec<u8>)> = (0..).zip(sizes).map(|(n, size)| (format!("b{n}"), noise(n, size))).collect();
        for (key, bytes) in &all {
            db.set_bytes(key, bytes).unwrap();
            write(&mut db, &format!("s{key}"), bytes, 70_001);
        }
        for _ in 0..2 {
            for (key, bytes) in &all {
                let streamed = format!("s{key}");
                assert_eq!(db.get_bytes(key).unwrap().as_ref(), Some(bytes));
                assert_eq!(db.get_bytes(&streamed).unwrap().as_ref(), Some(bytes));
                assert_eq!(
                    (read(&mut db, key).as_ref(), read(&mut db, &streamed).as_ref()),
                    (Some(bytes), Some(bytes))
                );
            }
            let scanned = db.scan(&Range::prefix("b")).unwrap().map(|document| document.unwrap());
            let scanned: Vec<_> =
                scanned.map(|document| (document.key.clone(), document.into_bytes().unwrap())).collect();
            assert_eq!(scanned, all);
            assert_eq!(read(&mut db, "none"), None);
            assert_sound(&db);
            db.compact().unwrap();
            db.close().unwrap();
            db = bench.open_with(options.clone());
        }
        db.delete_range(&Range::all()).unwrap();
        assert_eq!(parts(&db), 0);
    }
}

#[test]
fn bytes_are_no_json_and_json_is_no_bytes() {
    let mut db = Bench::new().open();
    db.create_index("n").unwrap();
    let large = noise(1, 100 * KIB);
    db.set_json("json", r#"{"n": 1}"#).unwrap();
    for bytes in [&b"{\"n\": 1}"[..], &large] {
        db.set_bytes("k", bytes).unwrap();
        let failed = [
            db.get_json("k").map(drop),
            db.get::<i32>("k").map(drop),
            db.get_many_json(&["json", "k"]).map(drop),
            db.entries_json(&Range::all()).map(drop),
            db.values::<i32>(&Range::prefix("k")).map(drop),
            db.increment("k", 1).map(drop),
            db.merge_patch("k", "{}").map(drop),
            db.compare_and_swap_json("k", Some("1"), Some("2")).map(drop),
            db.get_and_set_json("k", "1").map(drop),
            db.push_json("k", ferrolite::End::Left, ["1"]).map(drop),
            db.list_length("k").map(drop),
            db.transaction(|tx| tx.get_json("k")).map(drop),
        ];
        for outcome in failed {
            let error = outcome.unwrap_err();
            assert!(error.code() == ErrorCode::InvalidValue && error.to_string().contains("bytes"), "{error}");
        }
        assert_eq!(db.find("n", &Condition::equals(&1).unwrap(), &FindOptions::default()).unwrap(), ["json"]);
        assert_eq!((db.count(&Range::all()).unwrap(), db.has("k").unwrap()), (2, true));
        // Over bytes comes JSON, and over JSON come bytes; an index knows.
        db.set_json("k", r#"{"n": 1}"#).unwrap();
        assert_eq!(db.find("n", &Condition::equals(&1).unwrap(), &FindOptions::default()).unwrap(), ["json", "k"]);
        assert_eq!(code(db.get_bytes("k")), ErrorCode::InvalidValue);
        assert_eq!(code(db.open_blob("k")), ErrorCode::InvalidValue);
        db.set_bytes("k", bytes).unwrap();
        db.drop_index("n").unwrap();
        db.create_index("n").unwrap();
        assert_eq!(db.find("n", &Condition::equals(&1).unwrap(), &FindOptions::default()).unwrap(), ["json"]);
        assert_sound(&db);
    }
    let absent = SetOptions { if_absent: true, ..SetOptions::default() };
    assert_eq!(code(db.set_bytes_with("k", b"1", absent)), ErrorCode::Conflict);
    assert!(db.rename("k", "moved").unwrap());
    assert_eq!(db.get_bytes("moved").unwrap(), Some(large.clone()));
    assert_eq!(code(db.set_bytes("k", &vec![0; 64 << 20])), ErrorCode::TooLarge);
    db.commit(Transaction::new().set_bytes("a", &large, None).unwrap().set_json("b", "1").unwrap()).unwrap();
    let both = db.transaction::<_, ferrolite::Error>(|tx| {
        tx.set_bytes("c", b"own", None)?;
        Ok((tx.get_bytes("a")?, tx.get_bytes("c")?, tx.find("n", &Condition::equals(&1)?, &FindOptions::default())?))
    });
    assert_eq!(both.unwrap(), (Some(large), Some(b"own".to_vec()), vec!["json".to_owned()]));
    db.drop_collection("none").unwrap();
    assert_sound(&db);
}

#[test]
fn a_blob_is_there_when_it_is_finished_and_not_before() {
    let bench = Bench::new();
    let options = Options { memtable_size: 256 << 10, ..Options::default() };
    let mut db = bench.open_with(options.clone());
    let (old, new) = (noise(1, 2 << 20), noise(2, 5 << 20));
    write(&mut db, "k", &old, 1 << 20);
    let mut reader = db.open_blob("k").unwrap().unwrap();
    let mut seen = db.read_blob(&mut reader).unwrap().unwrap();
    let mut blob = db.begin_blob("k", None).unwrap();
    for piece in new.chunks(300_000) {
        db.write_blob(&mut blob, piece).unwrap();
        db.maintain(64 << 10).unwrap();
        assert_eq!(db.get_bytes("k").unwrap().as_ref(), Some(&old));
    }
    assert_sound(&db);
    db.compact().unwrap();
    db.finish_blob(blob).unwrap();
    db.compact().unwrap();
    assert_eq!((read(&mut db, "k"), parts(&db)), (Some(new.clone()), 86));
    // Who began to read before goes on with what was there.
    while let Some(piece) = db.read_blob(&mut reader).unwrap() {
        seen.extend(piece);
    }
    assert!(seen == old);
    db.close_blob(reader);

    // One that is given up, and one that a crash cuts short, are removed by maintenance.
    for is_aborted in [true, false] {
        let mut blob = db.begin_blob("k", None).unwrap();
        db.write_blob(&mut blob, &old).unwrap();
        assert!(parts(&db) > 86);
        if is_aborted {
            db.abort_blob(blob);
        } else {
            drop(db);
            db = bench.open_with(options.clone());
        }
        while db.maintain(1 << 20).unwrap() {}
        assert_eq!(parts(&db), 86, "{is_aborted}");
    }
    assert_eq!(read(&mut db, "k"), Some(new));
    let mut files = db.collection_mut("files").unwrap();
    let mut blob = files.begin_blob("k", None).unwrap();
    db.write_blob(&mut blob, &old).unwrap();
    db.drop_collection("files").unwrap();
    assert_eq!(code(db.finish_blob(blob)), ErrorCode::Conflict);
    db.delete("k").unwrap();
    assert_eq!(parts(&db), 0);
    db.compact().unwrap();
    db.close().unwrap();
    assert!(content(&bench.fs, "db").len() < 512 * KIB);
}

#[test]
fn a_blob_that_fails_leaves_nothing() {
    let (fs, clock) = (Simulated::new(3), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("other", &1).unwrap();
    let bytes = noise(1, 8 << 20);
    let mut blob = db.begin_blob("k", None).unwrap();
    db.write_blob(&mut blob, &bytes[..3 << 20]).unwrap();
    fs.set_capacity(Some(4 << 20));
    assert!(db.write_blob(&mut blob, &bytes).is_err());
    fs.set_capacity(None);
    assert_eq!(code(db.finish_blob(blob)), ErrorCode::Conflict);
    while db.maintain(1 << 20).unwrap() {}
    assert_eq!((parts(&db), db.count(&Range::all()).unwrap()), (0, 1));
}

#[test]
fn bytes_can_keep_their_time_to_live() {
    let bench = Bench::new();
    let mut db = bench.open();
    let keep = SetOptions { keep_ttl: true, ..SetOptions::default() };
    for length in [10, 100_000] {
        db.set_ex_json("k", "1", Duration::from_secs(9)).unwrap();
        db.set_bytes_with("k", &noise(1, length), keep).unwrap();
        assert_eq!(db.ttl("k").unwrap(), Ttl::Left(Duration::from_secs(9)));
        db.set_bytes("k", &noise(2, length)).unwrap();
        assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
        db.set_bytes_with("k", &noise(3, length), keep).unwrap();
        assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
    }
}

#[test]
fn a_reader_whose_snapshot_has_ended_is_told_so() {
    let bench = Bench::new();
    let mut db = bench.open_with(Options { snapshot_max_age: 60, ..Options::default() });
    db.set_bytes("k", &noise(1, 3000 * KIB)).unwrap();
    let mut blob = db.open_blob("k").unwrap().unwrap();
    assert!(db.read_blob(&mut blob).unwrap().is_some());
    bench.clock.advance_ms(61_000);
    db.delete("k").unwrap();
    db.compact().unwrap();
    assert_eq!(code(db.read_blob(&mut blob)), ErrorCode::SnapshotTooOld);
    db.close_blob(blob);
}

#[test]
fn bytes_expire_whole() {
    let bench = Bench::new();
    let mut db = bench.open();
    let bytes = noise(1, 5 << 20);
    for key in ["a", "b"] {
        let mut blob = db.begin_blob(key, Some(Duration::from_secs(10))).unwrap();
        db.write_blob(&mut blob, &bytes).unwrap();
        db.finish_blob(blob).unwrap();
    }
    db.set_bytes_with("c", b"small", SetOptions { ttl: Some(Duration::from_secs(10)), ..SetOptions::default() })
        .unwrap();
    assert!(db.persist("b").unwrap() && db.expire("c", Duration::from_secs(20)).unwrap());
    assert_eq!((db.ttl("b").unwrap(), parts(&db)), (Ttl::Forever, 2 * 86));
    assert_eq!(read(&mut db, "b").as_ref(), Some(&bytes));
    bench.clock.advance_ms(11_000);
    assert_eq!((read(&mut db, "a"), db.get_bytes("c").unwrap().unwrap()), (None, b"small".to_vec()));
    let mut late = db.begin_blob("a", Some(Duration::from_secs(1))).unwrap();
    db.write_blob(&mut late, &bytes).unwrap();
    bench.clock.advance_ms(2000);
    db.compact().unwrap();
    assert_eq!(parts(&db), 86);
    bench.clock.set_back_ms(2000);
    assert_eq!(code(db.finish_blob(late)), ErrorCode::Conflict);
    while db.maintain(1 << 20).unwrap() {}
    assert_eq!((parts(&db), read(&mut db, "b").unwrap() == bytes), (86, true));
}

#[test]
fn blobs_are_written_once_and_held_in_pieces() {
    let bench = Bench::new();
    let mut db = bench.open();
    let piece = noise(1, 1 << 20);
    let mut blob = db.begin_blob("film", None).unwrap();
    for _ in 0..100 {
        db.write_blob(&mut blob, &piece).unwrap();
        assert!(db.stats().engine.memtable_bytes < 12 << 20);
    }
    db.finish_blob(blob).unwrap();
    db.compact().unwrap();
    let written = db.stats().engine.counters.table_bytes_written;
    assert!(written < 115 << 20, "{written}");
    for n in 0..2000 {
        db.set(&format!("k{}", n % 100), &n).unwrap();
    }
    db.compact().unwrap();
    assert!(db.stats().engine.counters.table_bytes_written - written < 4 << 20);
    // More than may be held at once is told, not read.
    let document = db.get_document("film").unwrap().unwrap();
    assert_eq!(document.bytes.unwrap().length, 100 << 20);
    assert_eq!(code(db.get_bytes("film")), ErrorCode::TooLarge);
    assert_eq!(parts(&db), 1707);
    let fs = Memory::new();
    db.close().unwrap();
    put(&fs, "old", &content(&bench.fs, "db"));
    let salvage = salvage_with(&fs, "old", &fs, "db", Options::default(), Arc::new(bench.clock.clone()));
    assert!(pollster::block_on(salvage).unwrap().complete);
    let mut db = open(&fs, &bench.clock, Options::default()).unwrap();
    assert_eq!(parts(&db), 1707);
    assert!(db.delete("film").unwrap());
    assert_eq!(parts(&db), 0);
}

/// Bytes that are written, copied and deleted until the power fails.
fn until_power_fails(db: &mut Database<SimulatedFile>, versions: &[Vec<u8>; 2]) -> Result<(), Error> {
    for round in 0.. {
        let mut blob = db.begin_blob("k", None)?;
        for piece in versions[round % 2].chunks(900_000) {
            db.write_blob(&mut blob, piece)?;
        }
        db.finish_blob(blob)?;
        db.expire("k", Duration::from_secs(1000))?;
        db.maintain(64 << 10)?;
        db.push("list", ferrolite::End::Right, [round])?;
        if round % 3 == 2 {
            db.rename("k", "moved")?;
            db.pop_json("list", ferrolite::End::Left)?;
        }
    }
    Ok(())
}

#[test]
fn a_crash_leaves_whole_blobs_and_nothing_else() {
    let versions = [noise(1, 1_300_000), noise(2, 1_100_000)];
    let mut outcomes = [0; 3];
    for seed in 0..40 {
        let (fs, clock) = (Simulated::new(seed), Clock::new());
        let options = Options { memtable_size: 512 << 10, ..Options::default() };
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        fs.crash_after(3 + seed * 10);
        assert!(until_power_fails(&mut db, &versions).is_err());
        drop(db);
        fs.restart(Recovery::Random);
        let mut db = open(&fs, &clock, options).unwrap();
        let before = parts(&db);
        while db.maintain(1 << 20).unwrap() {}
        let mut expected = db.list_length("list").unwrap();
        for key in ["k", "moved"] {
            let found = db.get_bytes(key).unwrap();
            let which = found.as_ref().map_or(2, |found| usize::from(*found == versions[1]));
            assert!(found.is_none_or(|found| found == versions[which]), "seed {seed}: {key} is not whole");
            expected += [22, 18, 0][which];
            outcomes[which] += 1;
        }
        assert_eq!(parts(&db), expected, "seed {seed}: of {before} parts");
    }
    assert!(outcomes.iter().all(|count| *count > 5), "{outcomes:?}");
}
