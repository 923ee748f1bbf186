//! Documents whose text is kept in parts: they are documents like others.

use crate::support::damaged::{DATA, content, pages, put};
use crate::support::{Bench, Clock, assert_sound, encryption_of, encryptions, open};
use ferrolite::fs::File;
use ferrolite::{Condition, Database, FindOptions, Options, PageLimits, Range, Transaction, salvage_with};
use std::sync::Arc;
use std::time::Duration;

/// A document of this many bytes of text.
fn text_of(n: u32, bytes: usize) -> String {
    let head = format!(r#"{{"n": {n}, "text": ""#);
    let letters: String = (0..)
        .map(|at: u32| char::from(b'a' + (at.wrapping_mul(n * 2 + 7) >> 3) as u8 % 26))
        .take(bytes - head.len() - 2)
        .collect();
    format!("{head}{letters}\"}}")
}

fn parts<F: File>(db: &Database<F>) -> u64 {
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{report:?}");
    report.parts
}

fn at(db: &Database<impl File>, key: &str) -> Option<String> {
    db.get_json(key).unwrap()
}

const KIB: usize = 1 << 10;
/// Around the sizes at which something changes: parts from 16 KiB on, of 60 KiB each.
const SIZES: [usize; 9] =
    [100, 16 * KIB - 1, 16 * KIB, 16 * KIB + 1, 60 * KIB - 1, 60 * KIB, 60 * KIB + 1, 120 * KIB, 300 * KIB];

#[test]
fn every_way_to_read_tells_the_whole_text() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let options = Options { encryption, memtable_size: 64 << 10, ..Options::default() };
        let mut db = bench.open_with(options.clone());
        let expected: Vec<(String, String)> =
            (0..).zip(SIZES).map(|(n, size)| (format!("k{n}"), text_of(n, size))).collect();
        for (key, text) in &expected[..5] {
            db.set_json(key, text).unwrap();
        }
        db.create_index("n").unwrap();
        db.create_index("text").unwrap();
        db.set_many_json(expected[5..].iter().map(|(key, text)| (key, text))).unwrap();
        for round in 0..3 {
            assert_eq!(parts(&db), 1 + 1 + 1 + 2 + 2 + 5, "round {round}");
            assert_eq!(db.entries_json(&Range::all()).unwrap(), expected);
            let mut backwards = db.entries_json(&Range::all().reverse()).unwrap();
            backwards.reverse();
            assert_eq!(backwards, expected);
            assert_eq!(db.count(&Range::all()).unwrap(), SIZES.len() as u64);
            let keys: Vec<_> = expected.iter().map(|(key, _)| key.as_str()).collect();
            let texts: Vec<_> = expected.iter().map(|(_, text)| Some(text.clone())).collect();
            assert_eq!(db.get_many_json(&keys).unwrap(), texts);
            let any = FindOptions::default();
            for (n, (key, text)) in expected.iter().enumerate() {
                assert_eq!(at(&db, key).as_ref(), Some(text));
                let document: serde_json::Value = db.get(key).unwrap().unwrap();
                assert_eq!(db.find("n", &Condition::equals(&n).unwrap(), &any).unwrap(), std::slice::from_ref(key));
                // The index entries of these are cut: the documents decide.
                let condition = Condition::equals(&document["text"]).unwrap();
                assert_eq!(db.find("text", &condition, &any).unwrap(), std::slice::from_ref(key));
                let read = db.transaction(|tx| tx.get_json(key)).unwrap();
                assert_eq!(read.as_ref(), Some(text));
            }
            let snapshot = db.snapshot().unwrap();
            let page = db.scan_page(&Range::all(), snapshot, Some("k7"), PageLimits::default()).unwrap();
            assert_eq!((page.documents[0].json.len(), page.documents.len()), (300 * KIB, 1));
            db.release(snapshot);
            match round {
                0 => db.compact().unwrap(),
                _ => {
                    db.close().unwrap();
                    db = bench.open_with(options.clone());
                }
            }
        }
    }
}

#[test]
fn what_is_written_over_takes_its_parts_with_it() {
    let bench = Bench::new();
    let mut db = bench.open();
    let (large, larger) = (text_of(1, 100 * KIB), text_of(2, 200 * KIB));
    db.set_json("a", &large).unwrap();
    assert_eq!(parts(&db), 2);
    db.set_json("a", &larger).unwrap();
    assert_eq!(parts(&db), 4);
    assert_eq!(db.get_and_set_json("a", &large).unwrap().as_ref(), Some(&larger));
    assert!(db.compare_and_swap_json("a", Some(&large), Some(&larger)).unwrap());
    assert!(!db.compare_and_swap_json("a", Some(&large), Some("1")).unwrap());
    assert!(db.merge_patch("a", r#"{"n": 3}"#).unwrap());
    assert_eq!((parts(&db), at(&db, "a").unwrap().len()), (4, 200 * KIB - 3));
    assert!(db.patch("a", r#"[{"op": "replace", "path": "/text", "value": "short"}]"#).unwrap());
    assert_eq!((parts(&db), at(&db, "a").as_deref()), (0, Some(r#"{"n":3,"text":"short"}"#)));

    db.set_json("a", &large).unwrap();
    db.set_json("b", &larger).unwrap();
    assert!(db.rename("a", "b").unwrap());
    assert_eq!((parts(&db), at(&db, "a"), at(&db, "b")), (2, None, Some(large.clone())));
    assert!(db.increment("b", 1).is_err());
    db.set("b", &1).unwrap();
    assert_eq!(parts(&db), 0);

    let both = |tx: Transaction| tx.set_json("a", &large)?.set_json("b", &larger);
    db.commit(both(Transaction::new()).unwrap()).unwrap();
    assert_eq!(parts(&db), 6);
    db.transaction::<_, ferrolite::Error>(|tx| {
        let text = tx.get_json("b")?.unwrap();
        tx.set_json("c", &text)?;
        tx.delete("b")?;
        tx.set("a", "small")
    })
    .unwrap();
    assert_eq!((parts(&db), at(&db, "c")), (4, Some(larger.clone())));
    db.set_json("d", &large).unwrap();
    assert_eq!(db.delete_range(&Range::prefix("d")).unwrap(), 1);
    assert!(db.delete("c").unwrap());
    assert_eq!(parts(&db), 0);
    db.compact().unwrap();
    db.close().unwrap();
    let mut db = bench.open();
    assert_eq!(parts(&db), 0);
    // The mark that there may be parts is read again: a blind write looks for them.
    db.set_json("e", &large).unwrap();
    db.close().unwrap();
    let mut db = bench.open();
    db.set("e", &1).unwrap();
    assert_eq!(parts(&db), 0);
}

#[test]
fn a_group_that_fails_leaves_nothing_behind() {
    use ferrolite::fs::simulated::Simulated;
    let (fs, clock, large) = (Simulated::new(1), Clock::new(), text_of(1, 100 * KIB));
    let mut db = open(&fs, &clock, Options::default()).unwrap();
    db.set("a", &1).unwrap();
    fs.set_capacity(Some(64 << 10));
    assert!(db.set_json("a", &large).is_err());
    fs.set_capacity(None);
    assert_eq!((parts(&db), at(&db, "a").as_deref()), (0, Some("1")));
    db.set_json("a", &large).unwrap();
    db.set("a", &2).unwrap();
    assert_eq!(parts(&db), 0);
}

#[test]
fn snapshots_see_what_is_deleted_since() {
    let bench = Bench::new();
    let options = Options { memtable_size: 32 << 10, ..Options::default() };
    let mut db = bench.open_with(options);
    let texts: Vec<String> = (0..20).map(|n| text_of(n, 20 * KIB + 5000 * n as usize)).collect();
    let fill = |db: &mut Database<_>, texts: &[String]| {
        for (n, text) in texts.iter().enumerate() {
            db.set_json(&format!("k{n:02}"), text).unwrap();
        }
    };
    fill(&mut db, &texts);
    let old = db.snapshot().unwrap();
    let newer: Vec<String> = texts.iter().map(|text| text.replace('a', "ä")).collect();
    fill(&mut db, &newer);
    let new = db.snapshot().unwrap();
    db.delete_range(&Range::all()).unwrap();
    db.compact().unwrap();
    let in_pages = |db: &Database<_>, snapshot| {
        let (mut found, mut after) = (Vec::new(), None::<String>);
        loop {
            let limits = PageLimits { documents: 3, bytes: 60 * KIB };
            let page = db.scan_page(&Range::all(), snapshot, after.as_deref(), limits).unwrap();
            after = page.documents.last().map(|document| document.key.clone());
            found.extend(page.documents.into_iter().map(|document| document.json));
            if !page.more {
                return found;
            }
        }
    };
    for _ in 0..2 {
        assert_eq!(in_pages(&db, old), texts);
        assert_eq!(in_pages(&db, new), newer);
        fill(&mut db, &newer[..3]);
        db.compact().unwrap();
    }
    db.release(old);
    db.release(new);
    db.delete_range(&Range::all()).unwrap();
    db.compact().unwrap();
    db.close().unwrap();
    assert!(content(&bench.fs, "db").len() < 512 * KIB, "all of it is given back");
}

#[test]
fn parts_expire_with_their_document() {
    let bench = Bench::new();
    let mut db = bench.open();
    let large = text_of(1, 200 * KIB);
    db.create_index("n").unwrap();
    for (key, seconds) in [("a", 10), ("b", 20), ("c", 30)] {
        db.set_ex_json(key, &large, Duration::from_secs(seconds)).unwrap();
    }
    assert!(db.persist("b").unwrap());
    assert!(db.expire("c", Duration::from_secs(5)).unwrap());
    assert_eq!((parts(&db), at(&db, "b"), at(&db, "c")), (12, Some(large.clone()), Some(large.clone())));
    bench.clock.advance_ms(7000);
    assert_eq!((at(&db, "a").is_some(), at(&db, "c")), (true, None));
    bench.clock.advance_ms(60_000);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["b"]);
    db.compact().unwrap();
    assert_eq!(parts(&db), 4);
    bench.clock.set_back_ms(66_000);
    assert_eq!(db.keys(&Range::all()).unwrap(), ["b"]);
    assert_eq!(parts(&db), 4);
    // What has expired and is still there goes with what takes its place.
    db.set_ex_json("a", &large, Duration::from_secs(1)).unwrap();
    bench.clock.advance_ms(1500);
    db.set("a", &1).unwrap();
    assert_eq!((parts(&db), at(&db, "b")), (4, Some(large)));
}

#[test]
fn what_is_large_is_not_rewritten_with_what_is_small() {
    let bench = Bench::new();
    let mut db = bench.open();
    // Random enough that compression does not help.
    let mut state = 1_u64;
    let mut noise = |bytes: usize| -> String {
        let mut letters = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(b'!' + ((state >> 33) % 90) as u8).to_string().replace(['"', '\\'], "~")
        };
        format!("\"{}\"", (0..bytes).map(|_| letters()).collect::<String>())
    };
    for n in 0..200 {
        db.set_json(&format!("large{n:03}"), &noise(100 * KIB)).unwrap();
    }
    db.compact().unwrap();
    let large = db.stats().engine.levels.iter().map(|level| level.bytes).sum::<u64>();
    assert!(large > 15 << 20, "{large}");
    let before = db.stats().engine.counters.table_bytes_written;
    assert!(before < large + large / 4, "each part was written once, or little more: {before} of {large}");
    for round in 0..10 {
        for n in 0..200 {
            db.set(&format!("small{n:03}"), &(n * round)).unwrap();
            db.set_json(&format!("middle{n:03}"), &noise(1000)).unwrap();
        }
        // More that is large comes behind what is there.
        db.set_json(&format!("more{round:03}"), &noise(100 * KIB)).unwrap();
        while db.maintain(1 << 20).unwrap() {}
        db.compact().unwrap();
    }
    let written = db.stats().engine.counters.table_bytes_written - before;
    assert!(written < 8 << 20, "{written} bytes of tables for 3 MiB of changes beside {large}");
}

#[test]
fn a_dropped_collection_leaves_no_parts() {
    let bench = Bench::new();
    let mut db = bench.open();
    let large = text_of(1, 3 << 20);
    db.collection_mut("files").unwrap().set_json("a", &large).unwrap();
    db.set_json("a", &large).unwrap();
    assert_eq!(parts(&db), 2 * 52);
    db.drop_collection("files").unwrap();
    assert_eq!((parts(&db), at(&db, "a")), (52, Some(large.clone())));
    db.collection_mut("files").unwrap().set_json("b", &large).unwrap();
    assert_eq!(db.collection("files").unwrap().entries_json(&Range::all()).unwrap(), [("b".to_owned(), large)]);
    db.drop_collection("files").unwrap();
    db.delete("a").unwrap();
    db.compact().unwrap();
    db.close().unwrap();
    assert!(content(&bench.fs, "db").len() < 512 * KIB);
}

#[test]
fn a_salvage_keeps_whole_documents_only() {
    for encryption in encryptions() {
        let bench = Bench::new();
        let options = Options { encryption, memtable_size: 128 << 10, page_size: 1024, ..Options::default() };
        let mut db = bench.open_with(options.clone());
        let expected: Vec<(String, String)> =
            (0..40).map(|n| (format!("k{n:02}"), text_of(n, if n % 3 == 0 { 300 } else { 70 * KIB }))).collect();
        for (key, text) in &expected {
            db.set_json(key, text).unwrap();
            db.collection_mut("other").unwrap().set_json(key, text).unwrap();
        }
        db.create_index("n").unwrap();
        db.close().unwrap();
        let bytes = content(&bench.fs, "db");
        let whole = salvaged(&bytes, &bench.clock, &expected);
        assert_eq!(whole, (80, 0, true));
        let (mut short, mut seen) = (0, 0);
        for page in pages(&bytes).into_iter().filter(|page| page.kind == DATA).step_by(13) {
            let mut damaged = bytes.clone();
            damaged[page.address as usize + 70] ^= 1;
            let (documents, unreadable, complete) = salvaged(&damaged, &bench.clock, &expected);
            // A page that is not in use any more costs nothing.
            assert!(documents + unreadable <= 80 && complete == (documents == 80), "{documents} {unreadable}");
            short += unreadable;
            seen += 1;
        }
        assert!(seen > 5 && short > 2, "{seen} pages, {short} documents short of parts");
    }
}

/// What the report tells: documents, what is not readable, and whether it is complete.
fn salvaged(bytes: &[u8], clock: &Clock, expected: &[(String, String)]) -> (u64, u64, bool) {
    let fs = ferrolite::fs::Memory::new();
    put(&fs, "damaged", bytes);
    let options = Options { encryption: encryption_of(bytes), ..Options::default() };
    let salvage = salvage_with(&fs, "damaged", &fs, "db", options.clone(), Arc::new(clock.clone()));
    let report = pollster::block_on(salvage).unwrap();
    let mut db = open(&fs, clock, options).unwrap();
    assert_sound(&db);
    let mut found = db.entries_json(&Range::all()).unwrap();
    found.extend(db.collection("other").unwrap().entries_json(&Range::all()).unwrap());
    assert_eq!(found.len() as u64, report.documents);
    assert!(found.iter().all(|document| expected.contains(document)), "nothing is returned short");
    // New parts do not meet those that were recovered.
    for n in 0..5 {
        db.set_json(&format!("new{n}"), &text_of(n, 70 * KIB)).unwrap();
    }
    assert_sound(&db);
    (report.documents, report.unreadable, report.complete)
}
