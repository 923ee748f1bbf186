//! Dropping an index: gone at once, never mistaken for a new one, and finished after a crash.

use crate::support::{Bench, Clock, assert_sound, find, fresh, open};
use ferrolite::fs::simulated::{Recovery, Simulated};
use ferrolite::{Durability, Options, Range};

const TEXT: &str = r#"{"x":1}"#;

#[test]
fn a_dropped_index_is_gone_and_documents_stay() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_many_json([("a", TEXT), ("b", TEXT)]).unwrap();
    db.create_index("x").unwrap();
    db.create_index("y").unwrap();
    assert!(db.drop_index("x").unwrap());
    assert!(!db.drop_index("x").unwrap());
    assert!(!db.drop_index("never").unwrap());
    assert_eq!(db.indexes().len(), 1);
    assert_eq!(find(&db, "x", "1"), ["a", "b"]);
    assert_sound(&db);
    db.close().unwrap();
    let db = bench.open();
    assert_eq!(db.indexes().len(), 1);
    assert_eq!(db.count(&Range::all()).unwrap(), 2);
}

#[test]
fn a_new_index_on_the_path_starts_empty() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.set_many_json([("a", TEXT), ("b", TEXT)]).unwrap();
    db.drop_index("x").unwrap();
    db.delete("a").unwrap();
    assert!(db.create_index("x").unwrap());
    assert_eq!(find(&db, "x", "1"), ["b"]);
    assert_sound(&db);
}

#[test]
fn one_that_is_half_built_can_be_dropped() {
    let mut db = fresh();
    db.set_many_json((0..20).map(|n| (format!("{n}"), TEXT))).unwrap();
    assert!(!db.create_index_step("x", 5).unwrap().done);
    assert!(db.drop_index("x").unwrap());
    assert!(db.indexes().is_empty());
    assert!(db.create_index("x").unwrap());
    assert_eq!(find(&db, "x", "1").len(), 20);
    assert_sound(&db);
}

#[test]
fn a_group_may_drop_an_index() {
    let mut db = fresh();
    db.create_index("x").unwrap();
    db.group(|db| {
        db.set_json("a", TEXT).unwrap();
        assert!(db.drop_index("x").unwrap());
        db.set_json("b", TEXT).unwrap();
        assert!(db.create_index("x").unwrap());
        db.set_json("c", TEXT).unwrap();
    })
    .unwrap();
    assert_eq!(find(&db, "x", "1"), ["a", "b", "c"]);
    assert_sound(&db);
}

/// With lazy durability the drop must still reach the disk before its entries go.
#[test]
fn a_crash_at_any_point_leaves_all_of_it_or_nothing() {
    for durability in [Durability::Always, Durability::Never] {
        let options = Options { durability, ..Options::default() };
        let mut finished = false;
        for crash in 1.. {
            let (fs, clock) = (Simulated::new(crash), Clock::new());
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            db.create_index("x").unwrap();
            db.set_many_json((0..20).map(|n| (format!("{n}"), TEXT))).unwrap();
            db.flush().unwrap();
            let calls = fs.mutations();
            fs.crash_after(crash);
            let dropped = db.drop_index("x");
            finished = fs.mutations() - calls < crash;
            drop(db);
            fs.restart(Recovery::LoseAll);
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            assert_eq!(find(&db, "x", "1").len(), 20, "crash at call {crash}");
            assert!(!dropped.is_ok_and(|dropped| dropped) || db.indexes().is_empty(), "an acknowledged drop is kept");
            assert_sound(&db);
            db.drop_index("x").unwrap();
            assert!(db.create_index("x").unwrap());
            assert_eq!(find(&db, "x", "1").len(), 20);
            assert_sound(&db);
            if finished {
                break;
            }
        }
        assert!(finished);
    }
}
