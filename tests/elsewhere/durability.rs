//! What is acknowledged is kept, and what cannot be kept is not acknowledged.

use crate::support::{Clock, assert_sound, code, ms, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Durability, ErrorCode, Options, Range};

/// A write that was said to be done, and for which there is no room later, is lost without a word.
#[test]
fn a_full_disk_is_reported_before_a_write_is_acknowledged() {
    for memtable_size in [16 << 10, 4 << 20] {
        for room in [0, 4 << 10, 70 << 10, 300 << 10] {
            let options = Options { memtable_size, ..Options::default() };
            let (fs, clock) = (Simulated::new(1), Clock::new());
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            db.set("first", &1).unwrap();
            fs.set_capacity(Some(fs.content("db").unwrap().len() as u64 + room));
            let mut acknowledged = 1;
            let refused = loop {
                match db.set(&format!("{acknowledged:05}"), &format!("{acknowledged}{}", "x".repeat(2000))) {
                    Ok(_) => acknowledged += 1,
                    refused => break code(refused),
                }
            };
            assert_eq!(refused, ErrorCode::StorageFull);
            assert_eq!(db.count(&Range::all()).unwrap(), acknowledged, "reads go on, without what was refused");
            drop(db);
            fs.restart(Recovery::LoseAll);
            fs.set_capacity(None);
            let mut db = open(&fs, &clock, options).unwrap();
            assert_eq!(db.count(&Range::all()).unwrap(), acknowledged);
            db.set("after", &1).unwrap();
            assert_sound(&db);
        }
    }
}

fn periodic() -> Options {
    Options { durability: Durability::Periodic { interval_ms: 100 }, ..Options::default() }
}

/// The last writes before a pause are lost when only the next write flushes.
#[test]
fn periodic_durability_flushes_without_a_later_write() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, periodic()).unwrap();
    db.set("k", &1).unwrap();
    // What a host with a timer does; `maintain` does it too.
    for round in 2..6 {
        let wait = db.next_tick().expect("something is to be flushed");
        assert!(wait <= ms(100));
        clock.advance_ms(wait.as_millis() as u64);
        if round % 2 == 0 {
            db.tick().unwrap();
        } else {
            db.maintain(1).unwrap();
        }
        assert_eq!(db.next_tick(), None);
        drop(db);
        fs.restart(Recovery::LoseAll);
        db = open(&fs, &clock, periodic()).unwrap();
        assert_eq!(db.get::<u32>("k").unwrap(), Some(round - 1));
        db.set("k", &round).unwrap();
    }
}

/// Closing is a promise, whatever the durability.
#[test]
fn closing_flushes_under_every_durability() {
    for durability in [Durability::Never, Durability::Always, Durability::Periodic { interval_ms: 1 << 40 }] {
        let (fs, clock) = (Simulated::new(1), Clock::new());
        let options = Options { durability, ..Options::default() };
        for round in 0..5 {
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            assert_eq!(db.count(&Range::all()).unwrap(), round);
            db.set(&format!("{round}"), &"x".repeat(1000)).unwrap();
            db.close().unwrap();
            fs.restart(Recovery::LoseAll);
        }
    }
}
