//! Documents that are overwritten again and again: the log stays short, while the database is open, while it is idle, after
//! a kill, and on a full disk.

use crate::support::{Bench, Clock, assert_sound, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::fs::{File, Memory};
use ferrolite::{Compression, Database, Durability, Encryption, End, Options, Transaction};

/// Bytes of log that a database may have, for its memtables and what is not filled of segments.
fn log_max(options: &Options) -> u64 {
    4 * (options.memtable_size as u64).max(64 << 10) + (512 << 10)
}

fn options(memtable_size: usize, durability: Durability) -> Options {
    Options { memtable_size, durability, compression: Compression::None, ..Options::default() }
}

#[track_caller]
fn assert_short_log<F: File>(db: &Database<F>, options: &Options) {
    let (len, max) = (db.stats().engine.log_bytes, log_max(options));
    assert!(len <= max, "the log has {len} bytes, of at most {max}");
}

/// Overwrites by `write` until `bytes` were committed; the log stays short all the time.
fn rewrite<F: File>(db: &mut Database<F>, options: &Options, bytes: u64, mut write: impl FnMut(&mut Database<F>, u64)) {
    let begun = db.stats().engine.counters.commit_bytes;
    for n in 0.. {
        write(db, n);
        if n % 16 == 0 {
            assert_short_log(db, options);
            if db.stats().engine.counters.commit_bytes - begun > bytes {
                break;
            }
        }
    }
}

fn drain<F: File>(db: &mut Database<F>) {
    while db.maintain(1 << 20).unwrap() {}
}

#[test]
fn the_log_stays_short_under_each_durability() {
    let durabilities = [Durability::Always, Durability::Periodic { interval_ms: 50 }, Durability::Never];
    for durability in durabilities {
        for memtable_size in [16 << 10, 64 << 10, 256 << 10] {
            let bench = Bench::new();
            let options = options(memtable_size, durability);
            let mut db = bench.open_with(options.clone());
            rewrite(&mut db, &options, 6 * log_max(&options), |db, n| {
                db.increment("visits", 1).unwrap();
                db.set(&format!("hot:{}", n % 3), &"x".repeat(3000)).unwrap();
                bench.clock.advance_ms(1);
            });
            let visits = db.get::<u64>("visits").unwrap();
            let file_max = 3 * log_max(&options) + (4 << 20);
            assert!(db.stats().engine.file_bytes < file_max, "{memtable_size}: {}", db.stats().engine.file_bytes);
            // A kill, and then readers that write nothing.
            drop(db);
            for read_only in [true, false] {
                let db = bench.open_with(Options { read_only, ..options.clone() });
                assert_short_log(&db, &options);
                assert_eq!(db.get::<u64>("visits").unwrap(), visits);
            }
            let mut db = bench.open_with(options.clone());
            db.increment("visits", 1).unwrap();
            assert_sound(&db);
            db.close().unwrap();
        }
    }
}

#[test]
fn the_default_memtable_has_a_log_of_a_few_times_its_size() {
    let bench = Bench::new();
    let options = options(4 << 20, Durability::Never);
    let mut db = bench.open_with(options.clone());
    rewrite(&mut db, &options, 40 << 20, |db, n| {
        db.set(&format!("hot:{}", n % 7), &"x".repeat(15_000)).unwrap();
    });
    assert!(db.stats().engine.file_bytes < 24 << 20, "{}", db.stats().engine.file_bytes);
    assert_sound(&db);
}

#[test]
fn every_kind_of_write_is_bounded() {
    let key = Encryption::key([7; 32]);
    for encryption in [None, Some(key)] {
        let bench = Bench::new();
        let options = Options { encryption, ..options(64 << 10, Durability::Never) };
        let mut db = bench.open_with(options.clone());
        db.create_index("n").unwrap();
        rewrite(&mut db, &options, 6 << 20, |db, n| {
            let pad = "x".repeat(200);
            db.set_json("a", &format!(r#"{{"n":{n},"s":"{pad}"}}"#)).unwrap();
            let name = format!("c{}", n % 5);
            db.collection_mut(&name).unwrap().set("k", &n).unwrap();
            db.commit(Transaction::new().set("b", &n).unwrap().delete("a").unwrap()).unwrap();
            db.set_bytes("bytes", &vec![n as u8; 40_000]).unwrap();
            db.push("list", End::Right, [n]).unwrap();
            db.pop::<u64>("list", End::Left).unwrap();
            db.group(|db| (0..20).try_for_each(|m| db.set("grouped", &m).map(drop))).unwrap().unwrap();
            if n % 100 == 99 {
                db.set("large", &"y".repeat(3 << 20)).unwrap();
                db.delete("large").unwrap();
            }
            drain(db);
        });
        assert_sound(&db);
    }
}

#[test]
fn a_snapshot_keeps_what_it_sees_while_the_log_is_cut() {
    let bench = Bench::new();
    let options = options(64 << 10, Durability::Never);
    let mut db = bench.open_with(options.clone());
    db.set("visits", &"before").unwrap();
    let snapshot = db.snapshot().unwrap();
    rewrite(&mut db, &options, 2 << 20, |db, n| {
        db.set("visits", &n).unwrap();
    });
    assert_eq!(db.at(&snapshot).unwrap().get("visits").unwrap(), Some("before".to_owned()));
    assert!(db.stats().engine.counters.flushes > 4);
    db.release(snapshot);
}

#[test]
fn idle_maintenance_cuts_a_log_of_superseded_commits() {
    let bench = Bench::new();
    let options = options(4 << 20, Durability::Never);
    let mut db = bench.open_with(options.clone());
    for _ in 0..2000 {
        db.set("hot", &"x".repeat(3000)).unwrap();
    }
    assert!(db.stats().engine.log_bytes > 5 << 20);
    drain(&mut db);
    assert!(db.stats().engine.log_bytes < 1 << 20, "{}", db.stats().engine.log_bytes);
    // Documents that are not superseded stay where they are until they fill a memtable.
    let flushes = db.stats().engine.counters.flushes;
    for n in 0..600 {
        db.set(&format!("cold:{n}"), &"x".repeat(3000)).unwrap();
    }
    drain(&mut db);
    assert_eq!(db.stats().engine.counters.flushes, flushes);
}

fn bounded_disk(capacity: u64) -> Simulated {
    let fs = Simulated::new(capacity);
    fs.set_capacity(Some(capacity));
    fs
}

#[test]
fn a_counter_is_never_refused_by_a_small_disk() {
    for capacity in [768 << 10, 1 << 20, 3 << 20, 10 << 20] {
        // A group needs the space for all of its commits at once.
        for group in [1, 40].into_iter().filter(|group| *group == 1 || capacity > 1 << 20) {
            let (fs, clock) = (bounded_disk(capacity), Clock::new());
            let options = options(4 << 20, Durability::Never);
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            rewrite(&mut db, &options, 2 * capacity, |db, n| {
                let written = db.group(|db| {
                    for m in 0..group {
                        db.set("counter", &format!("{n}, {m}, {}", "x".repeat(1500)))?;
                    }
                    Ok(())
                });
                written.and_then(|inner| inner).unwrap_or_else(|error| panic!("{capacity}, {group}, {n}: {error}"));
            });
            assert_eq!(db.count(&ferrolite::Range::all()).unwrap(), 1);
            assert_sound(&db);
            drop(db);
            fs.restart(Recovery::KeepAll);
            let mut db = open(&fs, &clock, options).unwrap();
            db.increment("after", 1).unwrap();
            db.close().unwrap();
        }
    }
}

#[test]
fn a_group_that_does_not_fit_makes_room_and_stays_whole() {
    let (fs, clock) = (bounded_disk(6 << 20), Clock::new());
    let options = options(4 << 20, Durability::Always);
    let mut db = open(&fs, &clock, options.clone()).unwrap();
    db.create_index("n").unwrap();
    let text = "x".repeat(1000);
    for round in 0..40_u64 {
        let versions = db
            .group(|db| {
                let set = |m| db.set_json(&format!("k{}", m % 7), &format!(r#"{{"n":{round},"m":{m},"s":"{text}"}}"#));
                (0..200_u64).map(set).collect::<Result<Vec<_>, _>>()
            })
            .unwrap()
            .unwrap();
        let document = db.get_document("k3").unwrap().unwrap();
        assert!(versions.contains(&document.version) && document.json.contains(&format!(r#""n":{round},"m":199"#)));
    }
    drop(db);
    fs.restart(Recovery::KeepAll);
    let db = open(&fs, &clock, options).unwrap();
    assert_eq!(crate::support::find(&db, "n", "39").len(), 7);
    assert_sound(&db);
}

#[test]
fn a_full_disk_goes_on_with_a_hot_set_once_there_is_space() {
    let (fs, clock) = (bounded_disk(5 << 20), Clock::new());
    let options = options(1 << 20, Durability::Never);
    let mut db = open(&fs, &clock, options.clone()).unwrap();
    let mut written = 0;
    while db.set(&format!("cold:{written:06}"), &"x".repeat(3000)).is_ok() {
        written += 1;
    }
    for n in (0..written).step_by(2) {
        db.delete(&format!("cold:{n:06}")).unwrap();
    }
    db.compact().unwrap();
    rewrite(&mut db, &options, 10 << 20, |db, n| {
        db.set("hot", &format!("{n}{}", "x".repeat(3000))).unwrap();
    });
    assert_eq!(db.count(&ferrolite::Range::all()).unwrap(), 1 + written / 2);
    assert_sound(&db);
}

#[test]
fn deleting_in_a_loop_does_not_use_the_reserve_up() {
    let (fs, clock) = (bounded_disk(5 << 20), Clock::new());
    let mut db = open(&fs, &clock, options(4 << 20, Durability::Never)).unwrap();
    let mut written = 0_u64;
    while db.set(&format!("cold:{written:06}"), &"x".repeat(3000)).is_ok() {
        written += 1;
    }
    db.compact().unwrap();
    // Keys that are not there: each is a tombstone in the log, of the same few keys.
    for n in 0..5000 {
        let gone = Transaction::new().delete(&format!("none:{}{}", n % 3, "x".repeat(1000))).unwrap();
        db.commit(gone).unwrap_or_else(|error| panic!("{n}: {error}"));
    }
    assert_eq!(db.count(&ferrolite::Range::all()).unwrap(), written);
}

#[test]
fn the_same_writes_leave_the_same_bytes() {
    let run = || {
        let bench = Bench { fs: Memory::new(), clock: Clock::new() };
        let options = options(64 << 10, Durability::Never);
        let mut db = bench.open_with(options.clone());
        rewrite(&mut db, &options, 1 << 20, |db, n| {
            db.set("hot", &n).unwrap();
        });
        db.close().unwrap();
        crate::support::damaged::content(&bench.fs, "db")
    };
    // The differences are random: the file's id and the log's salt. The length is the same.
    assert_eq!(run().len(), run().len());
}
