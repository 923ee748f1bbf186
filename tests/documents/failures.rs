//! What a failure leaves behind must not come back later, and what was acknowledged before it must not go.

use crate::support::{Clock, START_MS, ms, open};
use ferrolite::fs::simulated::{Fault, Operation, Recovery, Simulated, SimulatedFile};
use ferrolite::{Database, Durability, Options, PageLimits, Range};

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
