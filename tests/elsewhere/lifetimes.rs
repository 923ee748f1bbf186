//! Times to live.

use crate::support::{Bench, assert_sound, find, ms};
use ferrolite::{Range, Transaction, Ttl};

/// An expiry that outlives its document deletes the next one under the same key.
#[test]
fn setting_anew_clears_the_time_to_live() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("n").unwrap();
    for key in ["a", "b", "c"] {
        db.set_ex_json(key, r#"{"n":1}"#, ms(50)).unwrap();
    }
    db.close().unwrap();
    let mut db = bench.open();
    db.set_json("a", r#"{"n":2}"#).unwrap();
    db.set_many_json([("b", r#"{"n":2}"#)]).unwrap();
    db.commit(Transaction::new().set_json("c", r#"{"n":2}"#).unwrap()).unwrap();
    bench.clock.advance_ms(1000);
    for _ in 0..2 {
        db.compact().unwrap();
        assert_eq!(db.keys(&Range::all()).unwrap(), ["a", "b", "c"]);
        assert_eq!(find(&db, "n", "2"), ["a", "b", "c"]);
        assert_eq!(db.ttl("b").unwrap(), Ttl::Forever);
        assert_sound(&db);
        db.close().unwrap();
        db = bench.open();
    }
}

/// A store that removes what has expired now and then must not show it until then.
#[test]
fn what_has_expired_is_gone_for_every_verb_at_once() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("n").unwrap();
    db.set_ex_json("gone", r#"{"n":1}"#, ms(10)).unwrap();
    db.set_json("here", r#"{"n":1}"#).unwrap();
    bench.clock.advance_ms(10);
    assert_eq!(db.count(&Range::all()).unwrap(), 1);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["here"]);
    assert_eq!(db.scan(&Range::all().reverse()).unwrap().count(), 1);
    assert_eq!(find(&db, "n", "1"), ["here"]);
    assert!(!db.has("gone").unwrap());
    assert!(!db.expire("gone", ms(1000)).unwrap());
    assert!(!db.persist("gone").unwrap());
    assert!(!db.delete("gone").unwrap(), "there was nothing to delete");
    assert_eq!(db.delete_range(&Range::prefix("g")).unwrap(), 0);
    assert_sound(&db);
}

/// Where expiries are kept in whole seconds, a short one is over at once or lasts too long.
#[test]
fn a_time_to_live_below_a_second_holds() {
    for ttl in [1, 2, 10, 499, 500, 999, 1000, 1001, 1500] {
        let bench = Bench::new();
        let mut db = bench.open();
        db.set_ex("k", &1, ms(ttl)).unwrap();
        bench.clock.advance_ms(ttl - 1);
        db.close().unwrap();
        let db = bench.open();
        assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(1)), "{ttl} ms");
        bench.clock.advance_ms(1);
        assert!(!db.has("k").unwrap(), "{ttl} ms");
    }
}

/// Clocks are set, and machines wake up in another year; that must cost no document and no order of commits.
#[test]
fn a_clock_that_goes_backwards_harms_nothing() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("n").unwrap();
    db.set_json("stays", r#"{"n":1}"#).unwrap();
    db.set_ex_json("expires", r#"{"n":1}"#, ms(1000)).unwrap();
    let mut version = db.version();
    for back in [1, 500, 400_000_000_000, 1_000_000] {
        bench.clock.set_back_ms(back);
        assert!(db.set_json("new", r#"{"n":2}"#).unwrap() > version);
        version = db.version();
        assert_eq!(find(&db, "n", "1"), ["expires", "stays"]);
        db.compact().unwrap();
        db.close().unwrap();
        db = bench.open();
        assert_eq!(db.keys(&Range::all()).unwrap(), ["expires", "new", "stays"]);
        assert_sound(&db);
    }
    bench.clock.advance_ms(500_000_000_000);
    assert_eq!(find(&db, "n", r#"{"gte":1}"#), ["stays", "new"]);
    db.compact().unwrap();
    bench.clock.set_back_ms(500_000_000_000);
    // What was dropped for good does not half come back.
    assert_eq!(db.keys(&Range::all()).unwrap(), ["new", "stays"]);
    assert_eq!(find(&db, "n", "1"), ["stays"]);
    assert_sound(&db);
}
