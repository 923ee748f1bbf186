//! What a failure leaves behind must not come back later, and what was acknowledged before it must not go.

use crate::support::{Clock, START_MS, assert_sound, ms, open};
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated, SimulatedFile};
use ferrolite::{Database, Durability, Options, PageLimits, Range, Result};

fn small(fs: &Simulated, clock: &Clock) -> Database<SimulatedFile> {
    open(fs, clock, Options { memtable_size: 16 << 10, ..Options::default() }).unwrap()
}

#[test]
fn a_group_that_failed_leaves_no_gap_behind_the_next_flush() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = small(&fs, &clock);
    db.create_index("x").unwrap();
    db.set("a", &1).unwrap();
    fs.fail_call(Some(Operation::Write), 1, Fault::StorageFull, false);
    let failed = db.group(|db| (0..10).for_each(|n| drop(db.set(&format!("lost{n}"), &1))));
    assert!(failed.is_err());
    // This writes the memtable as tables, and says in the superblock up to which commit they go.
    db.drop_index("x").unwrap();
    db.set("b", &2).unwrap();
    drop(db);
    fs.restart(Recovery::KeepAll);
    assert_eq!(small(&fs, &clock).keys(&Range::all()).unwrap(), ["a", "b"]);
}

#[test]
fn a_commit_that_was_taken_back_does_not_follow_one_that_is_repeated() {
    for seed in 0..200 {
        let (fs, clock) = (Simulated::new(seed), Clock::new());
        let mut db = small(&fs, &clock);
        db.set("a", &1).unwrap();
        fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
        let value = "x".repeat(600);
        let failed = db.group(|db| ["b", "c", "d", "e", "f", "g"].map(|key| drop(db.set(key, &value))));
        assert!(failed.is_err());
        // The same commit under the same number: what follows it on the disk fits it to the letter.
        db.set("b", &value).unwrap();
        drop(db);
        fs.restart(Recovery::KeepAll);
        assert_eq!(small(&fs, &clock).keys(&Range::all()).unwrap(), ["a", "b"], "seed {seed}");
    }
}

#[test]
fn a_flush_covers_what_was_found_at_opening() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let options = || Options { durability: Durability::Never, ..Options::default() };
    let mut db = open(&fs, &clock, options()).unwrap();
    db.set("a", &1).unwrap();
    db.flush().unwrap();
    db.set("b", &1).unwrap();
    // The process ends, and what the host has in its cache is still there for the next one.
    drop(db);
    let mut db = open(&fs, &clock, options()).unwrap();
    assert!(db.has("b").unwrap());
    db.flush().unwrap();
    drop(db);
    fs.restart(Recovery::LoseAll);
    assert!(open(&fs, &clock, options()).unwrap().has("b").unwrap());
}

#[test]
fn a_snapshot_keeps_what_expires_after_it_was_taken() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = small(&fs, &clock);
    db.set_ex("a", &START_MS, ms(500)).unwrap();
    let snapshot = db.snapshot().unwrap();
    clock.advance_ms(5000);
    assert!(!db.has("a").unwrap());
    db.compact().unwrap();
    let page = db.scan_page(&Range::all(), snapshot, None, PageLimits::default()).unwrap();
    assert_eq!(page.documents.len(), 1);
    db.release(snapshot);
    db.compact().unwrap();
    assert_eq!(db.stats().engine.levels.iter().map(|level| level.entries).sum::<u64>(), 0);
}

#[test]
fn many_short_sessions_do_not_add_up() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    let value = "x".repeat(100);
    db.group(|db| (0..20_000).for_each(|n| drop(db.set(&format!("key{:06}", n * 7919 % 20_000), &value)))).unwrap();
    db.close().unwrap();
    let before = fs.content("db").unwrap().len();
    for session in 0..100 {
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        db.set(&format!("key{:06}", session * 6007 % 20_000), &session).unwrap();
        db.close().unwrap();
    }
    let db = open(&fs, &clock, Options::default()).unwrap();
    let tables: u64 = db.stats().engine.levels.iter().map(|level| level.tables).sum();
    let after = fs.content("db").unwrap().len();
    assert!(tables < 16, "{tables} tables");
    assert!(after < before + (1 << 20), "{before} bytes before, {after} after");
    assert_eq!(db.get::<u32>("key006007").unwrap(), Some(1));
}

/// Without power loss an earlier process may leave a superblock with the host that is not durable: the flush failed, or
/// it was killed before the flush. What that superblock no longer reaches is still what the durable one needs.
fn assert_not_built_upon(plan: impl Fn(&Simulated, u64), recoveries: &[Recovery]) {
    let value = "x".repeat(900);
    for number in 1.. {
        let (fs, clock) = (Simulated::new(number), Clock::new());
        let mut db = small(&fs, &clock);
        plan(&fs, number);
        let written = (0..60).take_while(|n| db.set(&format!("a{n:02}"), &value).is_ok()).count();
        if written == 60 {
            assert!(number > 40, "there were {number} calls");
            break;
        }
        drop(db);
        fs.restart_process();
        fs.clear_faults();
        for (call, &recovery) in (1..12).flat_map(|call| recoveries.iter().map(move |recovery| (call, recovery))) {
            let fs = fs.fork();
            fs.crash_after(call);
            if let Ok(mut db) = open(&fs, &clock, Options { memtable_size: 16 << 10, ..Options::default() }) {
                let _ = db.set("b", &value);
            }
            fs.restart(recovery);
            let found = small(&fs, &clock).keys(&Range::prefix("a")).unwrap().len();
            assert!(found == written || found == written + 1, "{found} of {written}");
        }
    }
}

#[test]
fn a_superblock_whose_flush_failed_is_not_built_upon() {
    let plan = |fs: &Simulated, number| fs.fail_call(Some(Operation::Sync), number, Fault::Io, false);
    assert_not_built_upon(plan, &[Recovery::LoseAll, Recovery::Random]);
}

#[test]
fn a_superblock_that_was_not_flushed_before_a_kill_is_not_built_upon() {
    assert_not_built_upon(Simulated::crash_after, &[Recovery::Random]);
}

/// The crash loses the growth of the file for a second segment of the log, and keeps the first commit in it. The commit must
/// be found at once: it must not come up later, when the file has grown again.
#[test]
fn a_commit_in_a_segment_beyond_the_end_of_the_file() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let options = || Options { durability: Durability::Never, ..Options::default() };
    let mut db = open(&fs, &clock, options()).unwrap();
    db.set("a", &1).unwrap();
    db.flush().unwrap();
    db.set("b", &"x".repeat(31_000)).unwrap();
    let growth = fs.unsynced();
    db.set("c", &"x".repeat(2_000)).unwrap();
    drop(db);
    // The second segment: the file grows, two links are written, and then its header and the commit.
    assert_eq!(fs.unsynced(), growth + 4);
    fs.restart(Recovery::Keep(u64::MAX ^ 1 << growth));
    let db = open(&fs, &clock, options()).unwrap();
    assert_eq!(db.keys(&Range::all()).unwrap(), ["a", "b", "c"]);
    assert_sound(&db);
}

/// Maintenance writes into what is free. To a connection that has lost the file, what the other one has written is free.
#[test]
fn maintenance_of_a_connection_that_has_lost_the_file_writes_nothing() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    fs.set_exclusive(false);
    type Work = fn(&mut Database<SimulatedFile>) -> Result<()>;
    let works: [Work; 3] = [Database::compact, |db| db.maintain(1 << 20).map(drop), |db| db.drop_index("x").map(drop)];
    for work in works {
        let mut first = small(&fs, &clock);
        first.create_index("x").unwrap();
        first.set_many((0..30).map(|n| (format!("{n}"), "x".repeat(900)))).unwrap();
        let mut second = small(&fs, &clock);
        second.set("second", &"y".repeat(3000)).unwrap();
        let content = fs.content("db");
        let _ = work(&mut first);
        assert!(fs.content("db") == content, "the file was changed");
    }
}

#[test]
fn a_creation_that_was_never_durable_can_be_repeated() {
    for call in 1..12 {
        let (fs, clock) = (Simulated::new(call), Clock::new());
        fs.fail_call(Some(Operation::Sync), 1, Fault::Io, false);
        assert!(open(&fs, &clock, Options::default()).is_err());
        // The host still has the superblock, and may never write it. On it the next connection claims the file.
        fs.restart_process();
        fs.crash_after(call);
        let written = open(&fs, &clock, Options::default()).and_then(|mut db| db.set("k", &1));
        if written.is_ok() {
            fs.crash_now();
        }
        let unsynced = fs.unsynced().min(8);
        for kept in 0..1 << unsynced {
            let fs = fs.fork();
            fs.restart(Recovery::Keep(kept));
            let mut db =
                open(&fs, &clock, Options::default()).unwrap_or_else(|error| panic!("{call}, {kept:b}: {error}"));
            assert!(written.is_err() || db.get::<u8>("k").unwrap() == Some(1), "{call}, {kept:b}");
            db.set("k", &2).unwrap();
        }
    }
}
