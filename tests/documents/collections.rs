//! Collections: keys and indexes of their own, in one database.

use crate::support::{Bench, Clock, assert_sound, fresh, ms, open};
use ferrolite::fs::simulated::{Fault, Recovery, Simulated};
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{
    Condition, Database, Durability, Error, ErrorCode, FindOptions, Options, Range, SetOptions, Snapshot, Transaction,
    Ttl, salvage,
};

fn keys(db: &Database<MemoryFile>, collection: &str) -> Vec<String> {
    db.collection(collection).unwrap().keys(&Range::all()).unwrap()
}

fn find(db: &Database<MemoryFile>, collection: &str, value: u32) -> Vec<String> {
    let condition = Condition::equals(&value).unwrap();
    db.collection(collection).unwrap().find("x", &condition, &FindOptions::default()).unwrap()
}

#[test]
fn each_has_keys_of_its_own() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("k", &"default").unwrap();
    db.collection_mut("a").unwrap().set("k", &"a").unwrap();
    db.collection_mut("b").unwrap().set_many([("k", "b"), ("l", "b")]).unwrap();
    let check = |db: &Database<MemoryFile>| {
        let of = |name| db.collection(name).unwrap().get::<String>("k").unwrap();
        assert_eq!(db.get::<String>("k").unwrap().as_deref(), Some("default"));
        assert_eq!((of("a").as_deref(), of("b").as_deref(), of("c")), (Some("a"), Some("b"), None));
        assert_eq!(db.collections(), ["a", "b"]);
        assert_eq!((db.count(&Range::all()).unwrap(), keys(db, "b")), (1, vec!["k".to_owned(), "l".to_owned()]));
    };
    check(&db);
    assert_sound(&db);
    db.compact().unwrap();
    check(&db);
    db.close().unwrap();
    check(&bench.open());
}

#[test]
fn every_verb_keeps_to_its_collection() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_many([("n", 5), ("a", 1), ("b", 2)]).unwrap();
    let mut c = db.collection_mut("c").unwrap();
    assert_eq!(c.increment("n", 3).unwrap(), 3);
    assert!(c.compare_and_swap_json("n", Some("3"), Some("4")).unwrap());
    assert_eq!(c.get_and_set_json("n", "6").unwrap().as_deref(), Some("4"));
    assert!(c.rename("n", "m").unwrap() && !c.rename("n", "m").unwrap());
    c.set_json("doc", r#"{"a":1}"#).unwrap();
    assert!(c.patch("doc", r#"[{"op":"add","path":"/b","value":2}]"#).unwrap());
    assert!(c.merge_patch("doc", r#"{"a":null}"#).unwrap());
    assert_eq!(c.get_json("doc").unwrap().as_deref(), Some(r#"{"b":2}"#));
    c.set_ex("t", &1, ms(1000)).unwrap();
    assert!(c.expire("m", ms(500)).unwrap() && c.persist("t").unwrap());
    let kept = SetOptions { keep_ttl: true, ..SetOptions::default() };
    c.set_json_with("m", "7", kept).unwrap();
    assert_eq!((c.ttl("m").unwrap(), c.ttl("n").unwrap()), (Ttl::Left(ms(500)), Ttl::Missing));
    bench.clock.advance_ms(600);
    assert!(!c.has("m").unwrap());
    assert!(c.delete("t").unwrap());
    assert_eq!(c.delete_range(&Range::all()).unwrap(), 1);
    assert_eq!(c.count(&Range::all()).unwrap(), 0);
    assert_eq!(db.entries::<i32>(&Range::all()).unwrap(), [("a".into(), 1), ("b".into(), 2), ("n".into(), 5)]);
    assert_sound(&db);
}

#[test]
fn a_time_to_live_is_given_or_kept() {
    let mut db = fresh();
    db.set_ex("k", &1, ms(1000)).unwrap();
    let both = SetOptions { ttl: Some(ms(1)), keep_ttl: true, ..SetOptions::default() };
    assert_eq!(db.set_json_with("k", "2", both).unwrap_err().code(), ErrorCode::InvalidOptions);
    db.set_json_with("k", "2", SetOptions { keep_ttl: true, ..SetOptions::default() }).unwrap();
    assert_eq!(db.ttl("k").unwrap(), Ttl::Left(ms(1000)));
    db.set_json_with("k", "3", SetOptions::default()).unwrap();
    assert_eq!(db.ttl("k").unwrap(), Ttl::Forever);
}

#[test]
fn each_has_indexes_of_its_own() {
    let bench = Bench::new();
    let mut db = bench.open();
    for name in ["a", "b"] {
        db.collection_mut(name).unwrap().set_many_json([("1", r#"{"x":1}"#), ("2", r#"{"x":2}"#)]).unwrap();
    }
    assert!(db.collection_mut("a").unwrap().create_index("x").unwrap());
    assert!(db.create_index("x").unwrap());
    db.set_json("3", r#"{"x":1}"#).unwrap();
    db.collection_mut("a").unwrap().set_json("4", r#"{"x":1}"#).unwrap();
    assert_eq!((find(&db, "a", 1), find(&db, "b", 1)), (vec!["1".to_owned(), "4".to_owned()], vec!["1".to_owned()]));
    let indexes = |db: &Database<MemoryFile>, name| db.collection(name).unwrap().indexes().len();
    assert_eq!((db.indexes().len(), indexes(&db, "a"), indexes(&db, "b")), (1, 1, 0));
    assert!(db.collection_mut("a").unwrap().drop_index("x").unwrap());
    assert_eq!((db.indexes().len(), indexes(&db, "a")), (1, 0));
    db.collection_mut("empty").unwrap().create_index("y").unwrap();
    assert_sound(&db);
    db.close().unwrap();
    let db = bench.open();
    assert_eq!((db.indexes().len(), indexes(&db, "empty")), (1, 1));
    assert_sound(&db);
}

#[test]
fn reading_creates_none() {
    let mut db = fresh();
    assert!(keys(&db, "a").is_empty());
    let mut a = db.collection_mut("a").unwrap();
    assert!(!a.delete("k").unwrap() && !a.rename("k", "l").unwrap() && !a.drop_index("x").unwrap());
    assert_eq!(a.delete_range(&Range::all()).unwrap(), 0);
    assert!(a.set_json("k", "nope").is_err());
    db.commit(Transaction::new().collection("b").unwrap().delete("k").unwrap()).unwrap();
    assert_eq!((db.collections().len(), db.version()), (0, 0));
}

#[test]
fn one_handle_creates_and_reads() {
    let mut db = fresh();
    let mut made = db.collection_mut("a").unwrap();
    made.set_many([("k", 1), ("l", 2)]).unwrap();
    assert_eq!((made.get("l").unwrap(), made.count(&Range::all()).unwrap()), (Some(2), 2));
    assert_eq!(made.increment("l", 1).unwrap(), 3);
    let mut made = db.collection_mut("b").unwrap();
    made.set_many_json([("k", "1")]).unwrap();
    assert_eq!(made.keys(&Range::all()).unwrap(), ["k"]);
}

#[test]
fn names_have_limits() {
    let mut db = fresh();
    for name in [String::new(), "x".repeat(256)] {
        assert_eq!(db.collection(&name).unwrap_err().code(), ErrorCode::InvalidCollection);
        assert_eq!(db.collection_mut(&name).unwrap_err().code(), ErrorCode::InvalidCollection);
        assert_eq!(db.drop_collection(&name).unwrap_err().code(), ErrorCode::InvalidCollection);
        assert_eq!(Transaction::new().collection(&name).unwrap_err().code(), ErrorCode::InvalidCollection);
    }
    let long = "ü".repeat(127);
    db.collection_mut(&long).unwrap().set("k", &1).unwrap();
    assert_eq!(db.collections(), [long]);
}

#[test]
fn a_transaction_writes_to_several() {
    let mut db = fresh();
    let transaction = Transaction::new().set("k", &1).unwrap();
    let transaction = transaction.collection("a").unwrap().set("k", &2).unwrap();
    let transaction = transaction.collection("b").unwrap().set("k", &3).unwrap().default_collection();
    let version = db.commit(transaction.set("l", &4).unwrap()).unwrap();
    let of = |name: &str| db.collection(name).unwrap().get_document("k").unwrap().unwrap().version;
    assert_eq!((of("a"), of("b"), db.get_document("l").unwrap().unwrap().version), (version, version, version));
    let total = db.transaction(|tx| {
        let own = tx.get::<i32>("k")?.unwrap_or(0);
        let mut a = tx.collection("a")?;
        let sum = own + a.get::<i32>("k")?.unwrap_or(0);
        a.set("sum", &sum)?;
        assert_eq!(a.get::<i32>("sum")?, Some(sum));
        assert_eq!(tx.collection("c")?.documents(&Range::all())?.len(), 0);
        Ok::<_, Error>(sum)
    });
    assert_eq!(total.unwrap(), 3);
    assert_eq!(keys(&db, "a"), ["k", "sum"]);
    assert_eq!(db.count(&Range::all()).unwrap(), 2);
}

#[test]
fn that_there_is_none_is_something_read() {
    let mut db = fresh();
    let mut open = db.begin().unwrap();
    assert!(!open.on(&db).collection("a").unwrap().has("k").unwrap());
    open.on(&db).set("k", &1).unwrap();
    db.collection_mut("a").unwrap().set("k", &1).unwrap();
    assert_eq!(db.commit_open(open).unwrap_err().code(), ErrorCode::Conflict);
    // One that creates the collection itself has no conflict with that.
    let mut open = db.begin().unwrap();
    assert!(!open.on(&db).collection("b").unwrap().has("k").unwrap());
    open.on(&db).collection("b").unwrap().set("k", &1).unwrap();
    db.commit_open(open).unwrap();
    assert_eq!(db.collections(), ["a", "b"]);
}

#[test]
fn a_dropped_collection_is_gone_and_its_name_free() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("k", &1).unwrap();
    let mut a = db.collection_mut("a").unwrap();
    a.set_many_json((0..100).map(|n| (format!("{n:03}"), r#"{"x":1}"#))).unwrap();
    a.create_index("x").unwrap();
    assert!(db.drop_collection("a").unwrap() && !db.drop_collection("a").unwrap());
    assert_eq!((keys(&db, "a").len(), db.collections().len()), (0, 0));
    db.collection_mut("a").unwrap().set("new", &1).unwrap();
    assert_eq!(keys(&db, "a"), ["new"]);
    assert!(db.collection("a").unwrap().indexes().is_empty());
    assert!(find(&db, "a", 1).is_empty());
    assert_sound(&db);
    db.close().unwrap();
    let db = bench.open();
    assert_eq!((keys(&db, "a"), db.count(&Range::all()).unwrap()), (vec!["new".to_owned()], 1));
    assert_sound(&db);
}

/// However much is in it, dropping reads nothing of it and gives the room back.
#[test]
fn dropping_costs_the_same_however_much_there_is() {
    let cost = |documents: u32| {
        let bench = Bench::new();
        let mut db = bench.open_with(Options { memtable_size: 64 << 10, ..Options::default() });
        let mut a = db.collection_mut("a").unwrap();
        for n in 0..documents {
            a.set(&format!("{n:06}"), &format!("{:x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c)))
                .unwrap();
        }
        db.compact().unwrap();
        let full = db.stats().engine;
        let tables: u64 = full.levels.iter().map(|level| level.bytes).sum();
        db.drop_collection("a").unwrap();
        let empty = db.stats().engine;
        assert!(empty.levels.iter().map(|level| level.bytes).sum::<u64>() < 4096);
        while db.maintain(1 << 20).unwrap() {}
        let given_back = (full.file_bytes - db.stats().engine.file_bytes) as f64 / tables as f64;
        (empty.io.bytes_read - full.io.bytes_read, empty.io.bytes_written - full.io.bytes_written, given_back)
    };
    let (read_few, written_few, _) = cost(2000);
    let (read, written, given_back) = cost(40_000);
    assert!(read <= read_few + 4096 && written <= written_few + 4096, "{read} {read_few} {written} {written_few}");
    assert!(given_back > 0.9, "{given_back}");
}

#[test]
fn a_crash_at_any_point_leaves_all_of_it_or_nothing() {
    for durability in [Durability::Always, Durability::Never] {
        let options = Options { durability, ..Options::default() };
        for crash in 1.. {
            let (fs, clock) = (Simulated::new(crash), Clock::new());
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            let mut a = db.collection_mut("a").unwrap();
            a.create_index("x").unwrap();
            a.set_many_json((0..20).map(|n| (format!("{n}"), r#"{"x":1}"#))).unwrap();
            db.flush().unwrap();
            let calls = fs.mutations();
            fs.crash_after(crash);
            let dropped = db.drop_collection("a");
            let is_over = fs.mutations() - calls < crash;
            drop(db);
            fs.restart(Recovery::LoseAll);
            let mut db = open(&fs, &clock, options.clone()).unwrap();
            let left = db.collection("a").unwrap().keys(&Range::all()).unwrap().len();
            assert!(left == 0 || left == 20, "crash {crash}: {left} left");
            assert_eq!(left == 20, db.collections() == ["a"], "crash {crash}");
            assert!(left == 0 || dropped.is_err(), "crash {crash}: what was acknowledged has come back");
            while db.maintain(1 << 20).unwrap() {}
            assert_sound(&db);
            db.collection_mut("a").unwrap().set_json("new", r#"{"x":1}"#).unwrap();
            assert_eq!(db.collection("a").unwrap().count(&Range::all()).unwrap(), left as u64 + 1, "crash {crash}");
            if is_over {
                break;
            }
        }
    }
}

#[test]
fn a_drop_that_fails_takes_nothing_from_snapshots() {
    for durability in [Durability::Always, Durability::Never] {
        for nth in 1..4 {
            let (fs, clock) = (Simulated::new(3), Clock::new());
            let mut db = open(&fs, &clock, Options { durability, ..Options::default() }).unwrap();
            db.collection_mut("a").unwrap().set("k", &1).unwrap();
            db.flush().unwrap();
            let snapshot = db.snapshot().unwrap();
            fs.fail_call(None, nth, Fault::Io, false);
            let _ = db.drop_collection("a");
            let at_snapshot = db.collection("a").unwrap().at(&snapshot).and_then(|documents| documents.has("k"));
            match db.collections().is_empty() {
                true => assert_eq!(at_snapshot.unwrap_err().code(), ErrorCode::SnapshotTooOld, "call {nth}"),
                false => assert!(at_snapshot.unwrap(), "call {nth}"),
            }
            db.release(snapshot);
        }
    }
}

#[test]
fn a_snapshot_is_of_all_collections() {
    let mut db = fresh();
    db.collection_mut("a").unwrap().set_json("k", r#"{"x":1}"#).unwrap();
    let snapshot = db.snapshot().unwrap();
    let mut a = db.collection_mut("a").unwrap();
    a.set_json("k", r#"{"x":2}"#).unwrap();
    // An index that is built later does not know what the snapshot sees.
    a.create_index("x").unwrap();
    a.set_json("l", r#"{"x":1}"#).unwrap();
    db.collection_mut("b").unwrap().set("k", &1).unwrap();
    let at = |db: &Database<MemoryFile>, name: &str, snapshot: &Snapshot| -> Result<Vec<String>, Error> {
        db.collection(name)?.at(snapshot)?.keys(&Range::all())
    };
    assert_eq!((at(&db, "a", &snapshot).unwrap(), at(&db, "b", &snapshot).unwrap()), (vec!["k".to_owned()], vec![]));
    let condition = Condition::equals(&1).unwrap();
    let found = db.collection("a").unwrap().at(&snapshot).unwrap().find("x", &condition, &FindOptions::default());
    assert_eq!(found.unwrap(), ["k"]);
    db.drop_collection("a").unwrap();
    assert_eq!(at(&db, "a", &snapshot).unwrap_err().code(), ErrorCode::SnapshotTooOld);
    db.release(snapshot);
    assert_eq!(at(&db, "b", &snapshot).unwrap_err().code(), ErrorCode::SnapshotTooOld);
    let later = db.snapshot().unwrap();
    assert!(at(&db, "a", &later).unwrap().is_empty());
    db.release(later);
}

#[test]
fn salvage_recovers_collections_by_their_names() {
    let fs = Memory::new();
    let mut db = pollster::block_on(Database::open(&fs, "db", Options::default())).unwrap();
    db.set("k", &0).unwrap();
    for name in ["a", "dropped", "b"] {
        let mut collection = db.collection_mut(name).unwrap();
        collection.set_many_json([("1", r#"{"x":1}"#), ("2", r#"{"x":2}"#)]).unwrap();
        collection.create_index("x").unwrap();
    }
    db.drop_collection("dropped").unwrap();
    db.close().unwrap();
    let report = pollster::block_on(salvage(&fs, "db", &fs, "out", Options::default())).unwrap();
    assert!(report.complete, "{report:?}");
    assert_eq!((report.documents, report.collections), (5, vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(report.indexes, ["a/x", "b/x"]);
    let mut db = pollster::block_on(Database::open(&fs, "out", Options::default())).unwrap();
    assert_eq!((keys(&db, "a"), find(&db, "b", 2)), (vec!["1".to_owned(), "2".to_owned()], vec!["2".to_owned()]));
    db.collection_mut("c").unwrap().set("k", &1).unwrap();
    assert_eq!(keys(&db, "b").len(), 2, "a new collection is told from those recovered");
    assert_sound(&db);
}
