//! What operations cost in calls of the file system: the promises that the design makes in numbers.

use crate::support::{Clock, open};
use ferrolite::fs::File;
use ferrolite::fs::simulated::{Counts, Simulated};
use ferrolite::{Database, Durability, Options, Range, Transaction};

fn document(index: u32) -> String {
    format!(
        r#"{{"name":"user {index}","age":{},"city":"city {}","note":"{}"}}"#,
        index % 90,
        index % 7,
        "x".repeat(200)
    )
}

fn set<F: File>(db: &mut Database<F>, index: u32) {
    db.set_json(&format!("user:{index}"), &document(index)).unwrap();
}

/// Runs `work` and gives what it cost.
fn cost(fs: &Simulated, work: impl FnOnce()) -> Counts {
    fs.reset_counts();
    work();
    fs.counts()
}

#[test]
fn a_commit_costs_one_write_and_one_flush() {
    for indexes in [&[][..], &["age", "city"]] {
        let fs = Simulated::new(1);
        let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
        for path in indexes {
            db.create_index(path).unwrap();
        }
        db.set("warm", &1).unwrap();
        let (mut plain, mut rolls, mut reserves) = (0, 0, 0);
        for index in 0..2000 {
            let counts = cost(&fs, || set(&mut db, index));
            assert_eq!(counts.syncs, 1, "commit {index}");
            assert_eq!(counts.reads, 0, "commit {index}");
            match (counts.writes, counts.growths) {
                (1, 0) => plain += 1,
                // The first commit of a log segment: two copies of the link to it, and the commit. Before them the
                // segment, unless it lies where something else was.
                (4, 1) | (3, 0) => rolls += 1,
                // What is kept back for a full disk grows with the data.
                (writes, growths) if writes == growths + 1 => reserves += 1,
                other => panic!("commit {index} made {other:?} writes and growths"),
            }
        }
        // Two thousand commits of about 400 bytes fill four segments of 256 KiB after the three smaller first ones.
        assert!(plain >= 1985 && (1..=10).contains(&rolls), "{plain} plain commits, {rolls} new segments");
        assert!((1..=5).contains(&reserves), "the reserve grew {reserves} times");
    }
}

#[test]
fn the_size_of_a_commit_does_not_matter() {
    let fs = Simulated::new(1);
    // All of it stays in memory, so that no table is written meanwhile.
    let options = Options { memtable_size: 64 << 20, ..Options::default() };
    let mut db = open(&fs, &Clock::new(), options).unwrap();
    db.create_index("age").unwrap();
    db.set("warm", &1).unwrap();
    let small = (0..40).fold(Transaction::new(), |tx, n| tx.set_json(&format!("{n}"), &document(n)).unwrap());
    let counts = cost(&fs, || assert!(db.commit(small).is_ok()));
    assert_eq!((counts.writes, counts.syncs, counts.growths), (1, 1, 0));
    // One that does not fit what is left of the segment gets a segment of its own, however large it is.
    let large = (0..20_000).fold(Transaction::new(), |tx, n| tx.set_json(&format!("{n}"), &document(n)).unwrap());
    let counts = cost(&fs, || assert!(db.commit(large).is_ok()));
    // Beside it there are the links to it. The file grows for it and for what is kept back, by a MiB a call.
    assert_eq!(counts.syncs, 1);
    assert!((4..=20).contains(&counts.writes), "{counts:?}");
}

#[test]
fn without_durability_a_commit_flushes_nothing() {
    let fs = Simulated::new(1);
    let options = Options { durability: Durability::Never, ..Options::default() };
    let mut db = open(&fs, &Clock::new(), options).unwrap();
    db.set("warm", &1).unwrap();
    let counts = cost(&fs, || assert!(db.set("key", &2).is_ok()));
    assert_eq!((counts.writes, counts.syncs), (1, 0));
}

#[test]
fn opening_and_reading_write_nothing() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    (0..500).for_each(|index| set(&mut db, index));
    drop(db);
    // After a crash as after a close: what the log holds is replayed into memory, and stays where it is.
    for _ in 0..2 {
        let before = fs.content("db");
        let counts = cost(&fs, || {
            let db = open(&fs, &clock, Options::default()).unwrap();
            assert_eq!(db.count(&Range::all()).unwrap(), 500);
            db.close().unwrap();
        });
        assert_eq!((counts.writes, counts.truncates, counts.syncs), (0, 0, 0));
        assert_eq!(fs.content("db"), before);
    }
}

#[test]
fn opening_costs_the_same_at_any_size() {
    let reads = |documents: u32| {
        let fs = Simulated::new(1);
        let clock = Clock::new();
        let options = || Options { memtable_size: 64 << 10, ..Options::default() };
        let mut db = open(&fs, &clock, options()).unwrap();
        db.group(|db| (0..documents).for_each(|index| set(db, index))).unwrap();
        db.compact().unwrap();
        db.close().unwrap();
        let mut opened: Option<Database<_>> = None;
        let counts = cost(&fs, || opened = Some(open(&fs, &clock, options()).unwrap()));
        assert_eq!(opened.unwrap().count(&Range::all()).unwrap(), u64::from(documents));
        (counts.reads, counts.bytes_read)
    };
    let (few, few_bytes) = reads(1);
    let (many, many_bytes) = reads(20_000);
    assert!(many <= few + 10, "{few} calls for one document, {many} for 20,000");
    assert!(many_bytes < few_bytes + (64 << 10), "{few_bytes} bytes for one document, {many_bytes} for 20,000");
}

#[test]
fn what_is_in_the_cache_is_not_read_again() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), Options::default()).unwrap();
    db.group(|db| (0..5000).for_each(|index| set(db, index))).unwrap();
    db.compact().unwrap();
    assert!(db.has("user:77").unwrap());
    let counts = cost(&fs, || assert!(db.get_json("user:77").unwrap().is_some()));
    assert_eq!((counts.reads, counts.lens), (0, 0));
}

#[test]
fn an_empty_database_is_small() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("first", &1).unwrap();
    assert!(fs.content("db").unwrap().len() < 128 << 10);
    db.delete("first").unwrap();
    db.compact().unwrap();
    db.close().unwrap();
    assert!(fs.content("db").unwrap().len() < 128 << 10);
}

/// Bytes of tables, and of the file.
fn sizes<F: File>(db: &Database<F>) -> (u64, u64) {
    let stats = db.stats().engine;
    (stats.levels.iter().map(|level| level.bytes).sum(), stats.file_bytes)
}

#[test]
fn what_is_free_is_given_back_by_closing_and_by_compaction() {
    let fs = Simulated::new(1);
    let clock = Clock::new();
    let options = Options::default;
    let fill = || {
        let mut db = open(&fs, &clock, options()).unwrap();
        db.group(|db| (0..30_000).for_each(|index| set(db, index))).unwrap();
        db
    };
    let db = fill();
    let (tables, file) = sizes(&db);
    assert!(file > 2 * tables + (4 << 20), "{file} bytes for {tables} in tables, with the log and the reserve");
    db.close().unwrap();
    let (tables, file) = sizes(&open(&fs, &clock, options()).unwrap());
    assert!(file < tables + (2 << 20), "{file} bytes for {tables} in tables, after closing");

    let mut db = fill();
    db.compact().unwrap();
    let (tables, file) = sizes(&db);
    assert!(file < tables + (1 << 20), "{file} bytes for {tables} in tables, after compaction");
}
