//! Tables that a merge has written are as good as those it has read.

use crate::support::{Clock, assert_sound, find, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Compression, Options, Range};

/// A compaction whose output cannot be read destroys a database that was sound, and is found out at the next opening.
#[test]
fn what_compaction_writes_opens_again() {
    for compression in [Compression::None, Compression::Lz4] {
        for page_size in [512, 8 << 10, 64 << 10] {
            let options = Options { memtable_size: 16 << 10, page_size, compression, ..Options::default() };
            let (fs, clock) = (Simulated::new(1), Clock::new());
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            db.create_index("n").unwrap();
            for round in 0..3 {
                for number in 0..300 {
                    let json = format!("{{\"n\":{},\"p\":\"{}\"}}", number % 7 + round, "x".repeat(number));
                    db.set_json(&format!("{number:03}"), &json).unwrap();
                }
                db.delete_range(&Range::all().gte("200").limit(30)).unwrap();
                db.compact().unwrap();
                let before = db.entries_json(&Range::all()).unwrap();
                let found = find(&db, "n", "3");
                // It need not be closed for that.
                drop(db);
                fs.restart(Recovery::LoseAll);
                db = open(&fs, &clock, options.clone()).unwrap();
                assert!(db.entries_json(&Range::all()).unwrap() == before);
                assert_eq!(find(&db, "n", "3"), found);
                assert_sound(&db);
            }
        }
    }
}
