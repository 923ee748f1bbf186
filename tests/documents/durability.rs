//! When commits are flushed, counted on the simulated file system.

use crate::support::{Clock, ms, open};
use ferrolite::fs::simulated::{Simulated, SimulatedFile};
use ferrolite::{Database, Durability, Options};

fn opened(durability: Durability) -> (Simulated, Clock, Database<SimulatedFile>) {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options { durability, ..Options::default() }).unwrap();
    db.set("warm", &1).unwrap();
    db.flush().unwrap();
    fs.reset_counts();
    (fs, clock, db)
}

#[test]
fn always_flushes_each_commit_once() {
    let (fs, _, mut db) = opened(Durability::Always);
    db.create_index("x").unwrap();
    fs.reset_counts();
    for n in 1..=5 {
        db.set_json("k", &format!("{{\"x\":{n}}}")).unwrap();
        assert_eq!((fs.counts().writes, fs.counts().syncs), (n, n));
    }
    assert_eq!(db.next_tick(), None);
}

#[test]
fn never_flushes_when_asked_only() {
    let (fs, clock, mut db) = opened(Durability::Never);
    for n in 0..5 {
        db.set("k", &n).unwrap();
        clock.advance_ms(1_000_000);
        db.tick().unwrap();
    }
    assert_eq!(fs.counts().syncs, 0);
    assert_eq!(db.next_tick(), None);
    db.flush().unwrap();
    assert_eq!(fs.counts().syncs, 1);
    db.set("k", &9).unwrap();
    db.close().unwrap();
    assert!(fs.counts().syncs > 1);
}

#[test]
fn periodic_flushes_with_the_first_write_that_is_due() {
    let (fs, clock, mut db) = opened(Durability::Periodic { interval_ms: 100 });
    db.set("k", &1).unwrap();
    clock.advance_ms(99);
    db.set("k", &2).unwrap();
    assert_eq!(fs.counts().syncs, 0);
    clock.advance_ms(1);
    db.set("k", &3).unwrap();
    assert_eq!(fs.counts().syncs, 1);
    db.set("k", &4).unwrap();
    assert_eq!(fs.counts().syncs, 1);
}

#[test]
fn periodic_flushes_by_ticks_when_nothing_is_written() {
    let (fs, clock, mut db) = opened(Durability::Periodic { interval_ms: 100 });
    db.group(|_| ()).unwrap();
    assert_eq!(db.next_tick(), None);
    db.set("k", &1).unwrap();
    assert_eq!(db.next_tick(), Some(ms(100)));
    clock.advance_ms(40);
    db.tick().unwrap();
    assert_eq!((db.next_tick(), fs.counts().syncs), (Some(ms(60)), 0));
    clock.advance_ms(60);
    assert_eq!(db.next_tick(), Some(ms(0)));
    db.tick().unwrap();
    assert_eq!((db.next_tick(), fs.counts().syncs), (None, 1));
    clock.advance_ms(1000);
    db.tick().unwrap();
    assert_eq!(fs.counts().syncs, 1);
    db.set("k", &2).unwrap();
    assert_eq!(fs.counts().syncs, 2);
}

#[test]
fn a_clock_set_back_does_not_put_a_flush_off() {
    let (fs, clock, mut db) = opened(Durability::Periodic { interval_ms: 100 });
    clock.set_back_ms(1_000_000);
    db.set("k", &1).unwrap();
    assert_eq!(fs.counts().syncs, 1);
}
