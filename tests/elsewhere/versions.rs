//! Commits are numbered once and for all.

use crate::support::{Clock, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Options, Range};

/// A counter that begins again, or goes back to that of the last table, lets an old version win over a new one.
#[test]
fn sequence_numbers_go_on_after_reopening() {
    let (fs, clock) = (Simulated::new(1), Clock::new());
    let options = Options { memtable_size: 16 << 10, ..Options::default() };
    let mut version = 0;
    for session in 0..40 {
        let mut db = open(&fs, &clock, options.clone()).unwrap();
        assert!(db.version() >= version, "session {session} begins with {}", db.version());
        for number in 0..3 {
            let written = db.set("k", &(session * 10 + number)).unwrap();
            assert!(written > version);
            version = written;
        }
        assert_eq!(db.get::<u32>("k").unwrap(), Some(session * 10 + 2));
        assert_eq!(db.get_document("k").unwrap().unwrap().version, version);
        match session % 5 {
            0 => db.close().unwrap(),
            1 => {
                drop(db);
                fs.restart(Recovery::LoseAll);
            }
            // Not even when there is nothing left that bears a number.
            2 => {
                db.delete_range(&Range::all()).unwrap();
                version = db.version();
                db.compact().unwrap();
                db.close().unwrap();
            }
            3 => {
                db.compact().unwrap();
                drop(db);
            }
            _ => drop(db),
        }
    }
}
