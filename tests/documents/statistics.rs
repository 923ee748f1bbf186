//! What `stats` tells of verbs and of what documents and indexes take.

use crate::support::{Bench, Clock, ms};
use ferrolite::fs::{Memory, MemoryFile};
use ferrolite::{
    Condition, Database, Encryption, End, Environment, FindOptions, Options, PageLimits, Query, Range, SpaceKind,
    Transaction,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Each reading of the clock is a microsecond after the one before.
struct Ticking(Clock, AtomicU64);

impl Environment for Ticking {
    fn now_ms(&self) -> u64 {
        self.0.now_ms()
    }

    fn monotonic_ns(&self) -> u64 {
        self.1.fetch_add(1000, Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        self.0.fill_random(buffer);
    }
}

fn ticking(latencies: bool) -> (Database<MemoryFile>, Arc<Ticking>) {
    let environment = Arc::new(Ticking(Clock::new(), AtomicU64::new(0)));
    let options = Options { latencies, ..Options::default() };
    let files = Memory::new();
    let opened = Database::open_with(&files, "db", options, Arc::clone(&environment) as Arc<dyn Environment>);
    (pollster::block_on(opened).unwrap(), environment)
}

/// Verbs and how often they were called.
fn counts(db: &Database<MemoryFile>) -> Vec<(&'static str, u64)> {
    db.stats().latencies.unwrap().iter().map(|latency| (latency.verb, latency.count)).collect()
}

#[test]
fn each_call_is_counted_once_for_what_was_called() {
    let (mut db, _) = ticking(true);
    assert_eq!(counts(&db), []);
    db.set("a", &1).unwrap();
    db.set_json("b", "2").unwrap();
    db.set_many([("c", 3), ("d", 4)]).unwrap();
    db.commit(Transaction::new().delete("d").unwrap()).unwrap();
    db.get::<u8>("a").unwrap();
    db.get_json("nope").unwrap();
    db.get::<u8>("").unwrap_err();
    db.get_many_json(&["a", "b"]).unwrap();
    db.keys(&Range::all()).unwrap();
    db.entries_json(&Range::all()).unwrap();
    db.get_and_set_json("a", "5").unwrap();
    db.compare_and_swap_json("b", Some("2"), None).unwrap();
    db.increment("n", 1).unwrap();
    db.find("x", &Condition::parse("1").unwrap(), &FindOptions::default()).unwrap();
    db.create_index("x").unwrap();
    let snapshot = db.snapshot().unwrap();
    db.scan_page(&Range::all(), snapshot, None, PageLimits::default()).unwrap();
    db.release(snapshot);
    db.group(|db| db.set("e", &1).and_then(|_| db.set("f", &1))).unwrap().unwrap();
    db.maintain(1 << 20).unwrap();
    db.compact().unwrap();
    db.flush().unwrap();
    let expected = [
        ("get", 3),
        ("getMany", 1),
        ("keys", 1),
        ("entries", 1),
        ("scanPage", 1),
        ("find", 1),
        ("set", 4),
        ("commit", 2),
        ("increment", 1),
        ("compareAndSwap", 1),
        ("getAndSet", 1),
        ("group", 1),
        ("flush", 1),
        ("createIndex", 1),
        ("maintain", 1),
        ("compact", 1),
        ("snapshot", 1),
    ];
    assert_eq!(counts(&db), expected);
}

#[test]
fn durations_are_those_of_the_environment() {
    let (mut db, environment) = ticking(true);
    db.set("a", &1).unwrap();
    let before = environment.1.load(Ordering::Relaxed);
    (0..100).for_each(|_| drop(db.get_json("a").unwrap()));
    let readings = environment.1.load(Ordering::Relaxed) - before;
    let stats = db.stats().latencies.unwrap();
    let get = stats.iter().find(|latency| latency.verb == "get").unwrap();
    assert_eq!((get.count, get.total, get.max), (100, 100.0, 1.0));
    for quantile in [get.p50, get.p90, get.p99, get.p999] {
        assert!((0.97..=1.0).contains(&quantile), "{quantile}");
    }
    assert_eq!(readings, 2 * 100 * 1000, "two readings a call");
}

#[test]
fn operations_of_every_kind_are_measured() {
    let (mut db, _) = ticking(true);
    db.push("list", End::Right, [1, 2, 3]).unwrap();
    db.list_length("list").unwrap();
    db.list_range_json("list", 0, -1).unwrap();
    db.list_set("list", 0, &5).unwrap();
    db.pop_json("list", End::Left).unwrap();
    db.trim("list", 0, 0).unwrap();
    db.set_bytes("bytes", &[1, 2]).unwrap();
    let mut writer = db.begin_blob("blob", None).unwrap();
    db.write_blob(&mut writer, &[1; 100]).unwrap();
    db.finish_blob(writer).unwrap();
    let mut reader = db.open_blob("blob").unwrap().unwrap();
    db.read_blob(&mut reader).unwrap();
    db.close_blob(reader);
    db.merge_patched("a", "{}").unwrap();
    let query = Query::parse("{}").unwrap();
    db.find_one(&query).unwrap();
    db.count_rows(&query).unwrap();
    db.explain(&query).unwrap();
    db.collections();
    db.indexes();
    db.drop_collection("none").unwrap();
    db.transaction(|tx| tx.has("a").and_then(|_| tx.count_rows(&query))).unwrap();
    let mut export = db.begin_export().unwrap();
    while db.export_chunk(&mut export, 1 << 20).unwrap().is_some() {}
    db.end_export(export);
    db.check(true).unwrap();
    db.change_key(&Encryption::key([1; 32])).unwrap_err();
    let snapshot = db.snapshot().unwrap();
    db.release(snapshot);
    let counted = counts(&db);
    for verb in [
        "push",
        "length",
        "range",
        "setElement",
        "pop",
        "trim",
        "set",
        "setStream",
        "getStream",
        "patch",
        "findOne",
        "count",
        "explain",
        "collections",
        "indexes",
        "dropCollection",
        "transaction",
        "has",
        "commit",
        "export",
        "check",
        "changeKey",
        "snapshot",
    ] {
        assert!(counted.iter().any(|(name, count)| *name == verb && *count > 0), "{verb}");
    }
}

#[test]
fn what_nobody_asked_for_is_not_measured() {
    let (mut db, environment) = ticking(false);
    db.set("a", &1).unwrap();
    db.get::<u8>("a").unwrap();
    assert_eq!(db.stats().latencies, None);
    let before = environment.1.load(Ordering::Relaxed);
    (0..100).for_each(|_| _ = db.get::<u8>("a").unwrap());
    assert_eq!(environment.1.load(Ordering::Relaxed), before, "no read reads the clock");
    (0..100).for_each(|n| _ = db.set("a", &n).unwrap());
    let after = environment.1.load(Ordering::Relaxed);
    assert!(after - before <= 100 * 1000, "a commit reads it once at most, to check the file once a second");
    assert!(serde_json::from_str::<Options>(r#"{"latencies": true}"#).unwrap().latencies);
}

#[test]
fn spaces_are_told_by_name() {
    let bench = Bench::new();
    let mut db = bench.open();
    assert!(db.stats().spaces.is_empty());
    db.create_index("x.y").unwrap();
    for n in 0..10 {
        db.set_json(&format!("k{n}"), &format!(r#"{{"x":{{"y":{n}}}}}"#)).unwrap();
    }
    db.set_ex_json("brief", "1", ms(1000)).unwrap();
    db.compact().unwrap();
    let spaces = db.stats().spaces;
    let told: Vec<_> = spaces.iter().map(|space| (space.kind, space.path.as_deref(), space.tables.entries)).collect();
    // A document without a value has an entry, too.
    assert_eq!(told[1..], [(SpaceKind::Documents, None, 11), (SpaceKind::Index, Some("x.y"), 11)]);
    assert_eq!(told[0].0, SpaceKind::Catalog);
    assert_eq!(spaces.iter().map(|space| space.tables.expiring).collect::<Vec<_>>(), [0, 1, 1]);
    let levels = db.stats().engine.levels;
    let bytes: u64 = levels.iter().map(|level| level.bytes).sum();
    assert_eq!(spaces.iter().map(|space| space.tables.bytes).sum::<u64>(), bytes, "they are all there is");
    let json = serde_json::to_value(&spaces[2]).unwrap();
    assert_eq!((&json["kind"], &json["path"], &json["entries"]), (&"index".into(), &"x.y".into(), &11.into()));
}
