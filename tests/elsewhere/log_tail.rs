//! What lies at the end of the log, or of the file, is no reason to lose what comes after it or not to open.

use crate::support::{Clock, assert_sound, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Options, Range};

/// A store that appends behind a torn record loses at the next opening all that it has acknowledged since.
#[test]
fn writes_after_a_torn_tail_are_kept() {
    let mut torn = 0;
    for seed in 0..60 {
        let (fs, clock) = (Simulated::new(seed), Clock::new());
        let mut acknowledged = Vec::new();
        for session in 0..4 {
            let mut db = open(&fs, &clock, Options::default()).unwrap();
            // The record that is torn covers several sectors.
            for number in 0..5 {
                let key = format!("{session}/{number}");
                db.set(&key, &"x".repeat(2000)).unwrap();
                acknowledged.push(key);
            }
            fs.crash_after(1);
            let cut_short = format!("torn {session}");
            assert!(db.set(&cut_short, &"y".repeat(5000)).is_err());
            drop(db);
            fs.restart(Recovery::Random);
            let db = open(&fs, &clock, Options::default()).unwrap();
            torn += u32::from(!db.has(&cut_short).unwrap());
            let found = db.keys(&Range::all()).unwrap();
            assert!(acknowledged.iter().all(|key| found.contains(key)), "seed {seed}: {found:?}");
            assert_sound(&db);
        }
    }
    assert!(torn > 60, "the tail was torn {torn} times only");
}

/// File systems leave zeros where a file had grown and its bytes had not arrived; that is no damage.
#[test]
fn zero_bytes_at_the_tail_do_not_stop_an_open() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.create_index("n").unwrap();
    for number in 0..50 {
        db.set_json(&format!("{number:02}"), &format!("{{\"n\":{number}}}")).unwrap();
    }
    drop(db);
    let with_log = fs.content("db").unwrap();
    open(&fs, &clock, Options::default()).unwrap().close().unwrap();
    let closed = fs.content("db").unwrap();
    for content in [with_log, closed] {
        for zeros in [1, 15, 511, 512, 4096, 65_535, 65_536, 1 << 20] {
            let mut longer = content.clone();
            longer.resize(content.len() + zeros, 0);
            fs.set_content("db", longer);
            let mut db = open(&fs, &clock, Options::default()).unwrap();
            assert_eq!(db.count(&Range::all()).unwrap(), 50);
            db.set("after", &1).unwrap();
            assert_sound(&db);
            db.close().unwrap();
            assert_eq!(open(&fs, &clock, Options::default()).unwrap().count(&Range::all()).unwrap(), 51);
        }
    }
}
