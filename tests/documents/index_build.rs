//! An index on existing documents is built in slices, while documents change, and across crashes.

use crate::support::{Bench, Clock, assert_sound, find, fresh, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{IndexInfo, IndexProgress, Options};

fn text(x: u32) -> String {
    format!("{{\"x\":{x}}}")
}

fn keyed(n: u32) -> String {
    format!("{n:05}")
}

#[test]
fn steps_add_up() {
    let mut db = fresh();
    db.set_many_json((0..250).map(|n| (keyed(n), text(n % 5)))).unwrap();
    let mut steps = Vec::new();
    loop {
        let progress = db.create_index_step("x", 100).unwrap();
        steps.push(progress.indexed);
        assert_eq!(db.indexes(), [IndexInfo { path: "x".to_owned(), ready: progress.done, ..IndexInfo::default() }]);
        assert_eq!(find(&db, "x", "3").len(), 50, "ready or not");
        if progress.done {
            break;
        }
    }
    assert_eq!(steps, [100, 100, 50]);
    assert_eq!(db.create_index_step("x", 100).unwrap(), IndexProgress { done: true, indexed: 0 });
    assert!(!db.create_index("x").unwrap());
    assert_sound(&db);
}

#[test]
fn a_budget_of_nothing_still_gets_on() {
    let mut db = fresh();
    db.set_json("a", &text(1)).unwrap();
    let mut steps = 0;
    while !db.create_index_step("x", 0).unwrap().done {
        steps += 1;
        assert!(steps < 5);
    }
}

#[test]
fn documents_may_change_meanwhile() {
    let mut db = fresh();
    db.set_many_json((0..30).map(|n| (keyed(n), text(1)))).unwrap();
    assert!(!db.create_index_step("x", 10).unwrap().done);
    // Before, behind and at the place where it stands.
    for n in [3, 9, 10, 25] {
        db.set_json(&keyed(n), &text(2)).unwrap();
    }
    for n in [4, 11, 26] {
        db.delete(&keyed(n)).unwrap();
    }
    db.set_json("00003a", &text(2)).unwrap();
    db.set_json("00025a", &text(2)).unwrap();
    assert!(db.create_index("x").unwrap());
    let expected = ["00003", "00003a", "00009", "00010", "00025", "00025a"];
    assert_eq!(find(&db, "x", "2"), expected);
    assert_eq!(find(&db, "x", "1").len(), 23);
    assert_sound(&db);
}

#[test]
fn it_goes_on_after_reopening() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_many_json((0..30).map(|n| (keyed(n), text(1)))).unwrap();
    db.create_index_step("x", 10).unwrap();
    db.close().unwrap();
    let mut db = bench.open();
    assert_eq!(db.indexes(), [IndexInfo { path: "x".to_owned(), ready: false, ..IndexInfo::default() }]);
    db.delete(&keyed(2)).unwrap();
    db.set_json(&keyed(40), &text(1)).unwrap();
    assert_eq!(db.create_index_step("x", 100).unwrap(), IndexProgress { done: true, indexed: 21 });
    assert_eq!(find(&db, "x", "1").len(), 30);
    assert_sound(&db);
}

#[test]
fn it_survives_a_crash_at_any_point() {
    let mut finished = false;
    for crash in 1.. {
        let (fs, clock) = (Simulated::new(crash), Clock::new());
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        db.set_many_json((0..2500).map(|n| (keyed(n), text(n % 2)))).unwrap();
        fs.crash_after(crash);
        let created = db.create_index("x");
        finished = created.is_ok();
        drop(db);
        fs.restart(Recovery::LoseAll);
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        assert_eq!(find(&db, "x", "1").len(), 1250, "crash at call {crash}");
        assert_eq!(db.create_index("x").unwrap(), !finished);
        assert_eq!(find(&db, "x", "1").len(), 1250);
        assert_sound(&db);
        if finished {
            break;
        }
    }
    assert!(finished);
}

#[test]
fn documents_that_have_expired_are_covered() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex_json("k", &text(1), crate::support::ms(10)).unwrap();
    bench.clock.advance_ms(20);
    db.create_index("x").unwrap();
    assert!(find(&db, "x", "1").is_empty());
    bench.clock.set_back_ms(20);
    assert_eq!(find(&db, "x", "1"), ["k"]);
    assert_sound(&db);
}
