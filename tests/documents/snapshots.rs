//! Pages of a scan come from one snapshot, whatever is written between them.

use crate::support::{Bench, fresh, ms};
use ferrolite::fs::MemoryFile;
use ferrolite::{Condition, Database, ErrorCode, FindOptions, Options, PageLimits, Range, Snapshot, Ttl};

fn pages(
    db: &Database<MemoryFile>,
    range: &Range,
    snapshot: Snapshot,
    limits: PageLimits,
    mut between: impl FnMut(),
) -> Vec<Vec<String>> {
    let (mut pages, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = db.scan_page(range, snapshot, after.as_deref(), limits).unwrap();
        let keys: Vec<_> = page.documents.into_iter().map(|document| document.key).collect();
        after = keys.last().cloned().or(after);
        pages.push(keys);
        between();
        if !page.more {
            return pages;
        }
    }
}

fn numbered(count: u32) -> Database<MemoryFile> {
    let mut db = fresh();
    db.set_many((0..count).map(|n| (format!("{n:03}"), n))).unwrap();
    db
}

fn documents(documents: usize) -> PageLimits {
    PageLimits { documents, ..PageLimits::default() }
}

#[test]
fn pages_make_up_the_range() {
    let mut db = numbered(100);
    let snapshot = db.snapshot().unwrap();
    for range in
        [Range::all(), Range::all().reverse(), Range::prefix("01"), Range::all().gt("005").lte("077").reverse()]
    {
        let all = db.keys(&range).unwrap();
        for size in [1, 7, 100, 1000] {
            assert_eq!(pages(&db, &range, snapshot, documents(size), || ()).concat(), all, "{range:?} {size}");
        }
    }
    db.release(snapshot);
}

#[test]
fn pages_end_after_their_bytes() {
    let mut db = fresh();
    db.set_many_json((0..10).map(|n| (format!("{n}"), format!("{:?}", "x".repeat(1000))))).unwrap();
    let snapshot = db.snapshot().unwrap();
    let limits = PageLimits { documents: 100, bytes: 2500 };
    let sizes: Vec<_> = pages(&db, &Range::all(), snapshot, limits, || ()).iter().map(Vec::len).collect();
    assert_eq!(sizes, [3, 3, 3, 1]);
    let limits = PageLimits { documents: 0, bytes: 0 };
    assert_eq!(pages(&db, &Range::all(), snapshot, limits, || ()).concat().len(), 10);
    db.release(snapshot);
}

#[test]
fn a_snapshot_does_not_see_later_writes() {
    let mut db = numbered(10);
    let snapshot = db.snapshot().unwrap();
    db.delete_range(&Range::all().lt("005")).unwrap();
    db.set("new", &1).unwrap();
    db.set("009", &"changed").unwrap();
    db.compact().unwrap();
    let page = db.scan_page(&Range::all(), snapshot, None, PageLimits::default()).unwrap();
    let texts: Vec<_> = page.documents.into_iter().map(|document| document.json).collect();
    assert_eq!(texts, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    assert!(!page.more);
    db.release(snapshot);
    assert_eq!(db.count(&Range::all()).unwrap(), 6);
}

#[test]
fn time_stands_still_in_a_snapshot() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex("a", &1, ms(10)).unwrap();
    db.set_ex("b", &1, ms(10)).unwrap();
    let snapshot = db.snapshot().unwrap();
    let keys = pages(&db, &Range::all(), snapshot, documents(1), || bench.clock.advance_ms(100)).concat();
    assert_eq!(keys, ["a", "b"]);
    db.release(snapshot);
    assert_eq!(db.count(&Range::all()).unwrap(), 0);
}

#[test]
fn an_empty_range_is_one_empty_page() {
    let mut db = numbered(3);
    let snapshot = db.snapshot().unwrap();
    for range in [Range::prefix("x"), Range::all().gt("2").lt("1"), Range::all().limit(0)] {
        assert_eq!(pages(&db, &range, snapshot, PageLimits::default(), || ()), [Vec::<String>::new()]);
    }
    assert_eq!(pages(&db, &Range::all().limit(2), snapshot, documents(2), || ()).len(), 1, "the limit is reached");
    db.release(snapshot);
}

#[test]
fn a_snapshot_in_a_group_is_of_what_was_written() {
    let mut db = crate::support::fresh();
    db.begin_group();
    db.set("a", &1).unwrap();
    let snapshot = db.snapshot().unwrap();
    db.set("a", &2).unwrap();
    db.finish_group().unwrap();
    let page = db.scan_page(&Range::all(), snapshot, None, PageLimits::default()).unwrap();
    let values: Vec<_> = page.documents.iter().map(|document| document.json.as_str()).collect();
    assert_eq!(values, ["1"]);
    db.release(snapshot);
}

#[test]
fn every_reading_verb_reads_from_a_snapshot() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index("x").unwrap();
    db.set_many_json([("a", r#"{"x":1}"#), ("b", r#"{"x":2}"#)]).unwrap();
    db.expire("b", ms(100)).unwrap();
    let snapshot = db.snapshot().unwrap();
    db.set_many_json([("a", r#"{"x":2}"#), ("c", r#"{"x":1}"#)]).unwrap();
    bench.clock.advance_ms(200);
    let at = db.at(&snapshot).unwrap();
    assert_eq!(
        at.get_many_json(&["a", "b", "c"]).unwrap(),
        [Some(r#"{"x":1}"#.into()), Some(r#"{"x":2}"#.into()), None]
    );
    assert_eq!((at.count(&Range::all()).unwrap(), at.keys(&Range::all()).unwrap().len()), (2, 2));
    assert_eq!((at.has("c").unwrap(), at.ttl("b").unwrap()), (false, Ttl::Left(ms(100))));
    let find = |value: u32| at.find("x", &Condition::equals(&value).unwrap(), &FindOptions::default()).unwrap();
    assert_eq!((find(1), find(2)), (vec!["a".to_owned()], vec!["b".to_owned()]));
    db.release(snapshot);
    assert_eq!(db.at(&snapshot).unwrap_err().code(), ErrorCode::SnapshotTooOld);
}

#[test]
fn an_old_snapshot_ends_by_itself() {
    let bench = Bench::new();
    let mut db = bench.open_with(Options { snapshot_max_age: 60, ..Options::default() });
    db.set("a", &1).unwrap();
    let old = db.snapshot().unwrap();
    bench.clock.advance_ms(30_000);
    let young = db.snapshot().unwrap();
    let mut open = db.begin().unwrap();
    bench.clock.advance_ms(30_001);
    // Nothing has looked at the clock yet.
    assert!(db.at(&old).is_ok());
    db.maintain(1).unwrap();
    assert_eq!(db.at(&old).unwrap_err().code(), ErrorCode::SnapshotTooOld);
    assert_eq!(db.scan_page(&Range::all(), old, None, documents(1)).unwrap_err().code(), ErrorCode::SnapshotTooOld);
    assert!(db.at(&young).unwrap().has("a").unwrap());
    assert_eq!(open.on(&db).get::<u32>("a").unwrap(), Some(1));
    bench.clock.advance_ms(30_000);
    db.set("a", &2).unwrap();
    assert_eq!(db.at(&young).unwrap_err().code(), ErrorCode::SnapshotTooOld);
    assert_eq!(open.on(&db).get::<u32>("a").unwrap_err().code(), ErrorCode::SnapshotTooOld);
    db.roll_back(open);
    assert_eq!(db.stats().engine.snapshots, 0);
    // Releasing one that has ended lets go of no other.
    let held = db.snapshot().unwrap();
    db.release(old);
    db.release(young);
    assert!(db.at(&held).unwrap().has("a").unwrap());
    db.release(held);
}

#[test]
fn a_snapshot_ends_when_too_much_is_written() {
    let mut db = Bench::new().open_with(Options { snapshot_max_bytes: 10_000, ..Options::default() });
    let text = format!("{:?}", "x".repeat(1000));
    db.set_json("a", &text).unwrap();
    let snapshot = db.snapshot().unwrap();
    let written = (0..20).take_while(|_| db.set_json("a", &text).is_ok() && db.at(&snapshot).is_ok()).count();
    assert!((8..10).contains(&written), "{written}");
    assert_eq!(db.stats().engine.snapshots, 0);
}
