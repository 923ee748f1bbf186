//! What `salvage` recovers of a damaged database, and what it says of the rest.

use crate::support::damaged::{DATA, FILTER, INDEX, MANIFEST, Page, content, pages, put, slots};
use crate::support::{Bench, Clock, assert_sound, code, encryption_of, encryptions, ms, open};
use ferrolite::fs::Memory;
use ferrolite::{
    Compression, Database, Encryption, ErrorCode, IndexSpec, Options, Range, Salvage, SalvageReport, salvage_with,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Documents = BTreeMap<String, String>;

fn options() -> Options {
    Options { memtable_size: 16 << 10, page_size: 1024, ..Options::default() }
}

fn options_with(encryption: &Option<Encryption>) -> Options {
    Options { encryption: encryption.clone(), ..options() }
}

fn documents<F: ferrolite::fs::File>(db: &Database<F>) -> Documents {
    let all = db.scan(&Range::all()).unwrap();
    all.map(|document| document.unwrap()).map(|document| (document.key, document.json)).collect()
}

/// Salvages the bytes of a database; gives the report, the documents and the indexes of the new one.
#[track_caller]
fn salvaged(bytes: &[u8], clock: &Clock) -> (SalvageReport, Documents, Vec<String>) {
    let fs = Memory::new();
    put(&fs, "damaged", bytes);
    let options = Options { encryption: encryption_of(bytes), ..Options::default() };
    let salvage = salvage_with(&fs, "damaged", &fs, "db", options.clone(), Arc::new(clock.clone()));
    let report = pollster::block_on(salvage).unwrap();
    assert_eq!(content(&fs, "damaged"), bytes, "the damaged file is left as it was");
    if options.encryption.is_some() {
        assert_eq!(
            code(open(&fs, clock, Options::default()).map(drop)),
            ErrorCode::KeyRequired,
            "so is what comes out"
        );
    }
    let db = open(&fs, clock, options).unwrap();
    assert_sound(&db);
    let found = documents(&db);
    assert_eq!(report.documents, found.len() as u64);
    (report, found, db.indexes().into_iter().map(|index| index.path).collect())
}

/// A database of several tables and an index, closed unless `is_open`.
fn sample(options: Options, is_open: bool) -> (Vec<u8>, Documents, Clock) {
    let bench = Bench::new();
    let mut db = bench.open_with(options);
    db.create_index("n").unwrap();
    for round in 0..3 {
        for n in 0..300 {
            let text = format!(r#"{{"n": {}, "text": "{}"}}"#, n * 7 % 50, "abc".repeat(n % 40));
            db.set_json(&format!("key{:03}", (n * 37 + round) % 400), &text).unwrap();
        }
        for n in 0..20 {
            db.delete(&format!("key{:03}", n * 19 + round)).unwrap();
        }
    }
    db.set_json("large", &format!("\"{}\"", "x".repeat(100_000))).unwrap();
    let expected = documents(&db);
    if is_open {
        drop(db)
    } else {
        db.close().unwrap()
    }
    (content(&bench.fs, "db"), expected, bench.clock)
}

fn flipped(bytes: &[u8], at: u64) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at as usize] ^= 0x10;
    bytes
}

/// What was found is what was there, but for keys in the parts that the report names.
#[track_caller]
fn assert_only_named_parts_are_lost(report: &SalvageReport, found: &Documents, expected: &Documents) {
    let is_named = |key: &String| {
        report.lost.iter().filter(|part| part.has_documents).any(|part| {
            part.from.as_ref().is_none_or(|from| from <= key) && part.to.as_ref().is_none_or(|to| key <= to)
        })
    };
    for (key, text) in expected {
        if found.get(key) != Some(text) {
            assert!(is_named(key), "{key} is lost or old, and no part says so: {report:#?}");
        }
    }
    let strange = found.keys().find(|key| !expected.contains_key(*key) && !is_named(key));
    assert_eq!(strange, None, "{report:#?}");
}

#[test]
fn what_is_not_damaged_comes_out_whole() {
    for encryption in encryptions() {
        for (compression, is_open) in
            [(Compression::None, false), (Compression::Lz4, false), (Compression::None, true), (Compression::Lz4, true)]
        {
            let (bytes, expected, clock) = sample(Options { compression, ..options_with(&encryption) }, is_open);
            let (report, found, indexes) = salvaged(&bytes, &clock);
            assert!(report.complete && !report.scanned, "{report:#?}");
            assert_eq!((report.lost.len(), report.uncertain, report.unreadable), (0, 0, 0));
            assert!(found == expected);
            assert_eq!((&indexes, &report.indexes), (&vec!["n".to_owned()], &vec!["n".to_owned()]));
        }
    }
}

#[test]
fn an_empty_database_comes_out_whole() {
    let bench = Bench::new();
    bench.open().close().unwrap();
    let (report, found, _) = salvaged(&content(&bench.fs, "db"), &bench.clock);
    assert!(report.complete && found.is_empty(), "{report:#?}");
}

#[test]
fn expiries_are_kept_and_what_has_expired_is_left_out() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex("short", &1, ms(10)).unwrap();
    db.set_ex("long", &2, ms(1000)).unwrap();
    db.close().unwrap();
    bench.clock.advance_ms(10);
    let (report, found, _) = salvaged(&content(&bench.fs, "db"), &bench.clock);
    assert!(report.complete);
    assert_eq!((report.expired, found.into_keys().collect::<Vec<_>>()), (1, vec!["long".to_owned()]));
    let fs = Memory::new();
    put(&fs, "damaged", &content(&bench.fs, "db"));
    let salvage = salvage_with(&fs, "damaged", &fs, "db", Options::default(), Arc::new(bench.clock.clone()));
    pollster::block_on(salvage).unwrap();
    bench.clock.advance_ms(990);
    assert!(!open(&fs, &bench.clock, Options::default()).unwrap().has("long").unwrap());
}

#[test]
fn a_damaged_data_page_costs_its_own_entries() {
    for encryption in encryptions() {
        let (bytes, expected, clock) = sample(options_with(&encryption), false);
        let data: Vec<Page> = pages(&bytes).into_iter().filter(|page| page.kind == DATA).collect();
        assert!(data.len() > 20);
        let mut lost = 0;
        for page in data {
            let (report, found, _) = salvaged(&flipped(&bytes, page.address + 70), &clock);
            assert_only_named_parts_are_lost(&report, &found, &expected);
            assert!(found.len() + 80 > expected.len(), "{} of {}", found.len(), expected.len());
            lost += u32::from(!report.complete);
        }
        assert!(lost > 10, "{lost}");
    }
}

#[test]
fn damage_in_what_leads_to_documents_costs_nothing() {
    for encryption in encryptions() {
        let (bytes, expected, clock) = sample(options_with(&encryption), false);
        let others: Vec<Page> = pages(&bytes).into_iter().filter(|page| [INDEX, FILTER].contains(&page.kind)).collect();
        assert!(others.len() > 4);
        for page in others {
            let (report, found, _) = salvaged(&flipped(&bytes, page.address + 70), &clock);
            assert!(report.complete && found == expected, "{report:#?}");
        }
    }
}

#[test]
fn a_damaged_manifest_costs_nothing_that_is_in_tables() {
    for encryption in encryptions() {
        let (bytes, expected, clock) = sample(options_with(&encryption), false);
        let manifest: Vec<Page> = pages(&bytes).into_iter().filter(|page| page.kind == MANIFEST).collect();
        let mut damaged = bytes.clone();
        manifest.iter().for_each(|page| damaged[page.address as usize + 65] ^= 1);
        let (report, found, indexes) = salvaged(&damaged, &clock);
        assert!(report.scanned && !report.complete);
        let missing = expected.iter().find(|(key, text)| found.get(*key) != Some(text));
        assert_eq!(missing, None, "what was deleted may come back, but nothing is missing: {report:#?}");
        assert_eq!(indexes, ["n"]);
    }
}

#[test]
fn the_last_manifest_page_alone_is_made_up_for() {
    for encryption in encryptions() {
        for is_open in [false, true] {
            let (bytes, expected, clock) = sample(options_with(&encryption), is_open);
            let newest = pages(&bytes).into_iter().filter(|page| page.kind == MANIFEST).max_by_key(|page| page.owner);
            let (report, found, _) = salvaged(&flipped(&bytes, newest.unwrap().address + 65), &clock);
            let missing = expected.iter().find(|(key, text)| found.get(*key) != Some(text));
            assert_eq!(missing, None, "{report:#?}");
            assert!(!report.complete);
        }
    }
}

#[test]
fn one_superblock_makes_up_for_the_others() {
    for encryption in encryptions() {
        for is_open in [false, true] {
            let (bytes, expected, clock) = sample(options_with(&encryption), is_open);
            for slot in slots() {
                let (report, found, _) = salvaged(&flipped(&bytes, slot + 4000), &clock);
                assert!(found == expected, "{slot}: {report:#?}");
            }
            // Both copies of the newest one: what the log or a search still shows is there.
            for pair in [0, 2] {
                let mut damaged = bytes.clone();
                slots()[pair..pair + 2].iter().for_each(|&slot| damaged[slot as usize + 4000] ^= 1);
                let (report, found, _) = salvaged(&damaged, &clock);
                let missing = expected.iter().find(|(key, text)| found.get(*key) != Some(text));
                assert_eq!(missing, None, "{is_open} {pair}: {report:#?}");
            }
        }
    }
}

#[test]
fn fields_of_damaged_superblocks_are_enough() {
    for encryption in encryptions() {
        for is_open in [false, true] {
            let (bytes, expected, clock) = sample(options_with(&encryption), is_open);
            for field in [48, 64, 88, 100, 112, 160, 190, 4090] {
                let mut damaged = bytes.clone();
                slots().into_iter().for_each(|slot| damaged[slot as usize + field] ^= 1);
                let (report, found, _) = salvaged(&damaged, &clock);
                assert!(!report.complete);
                // Without the salt or the place of the log, what it holds alone is lost.
                let missing = expected.iter().find(|(key, text)| found.get(*key) != Some(text));
                assert!(
                    missing.is_none() || (is_open && [88, 100].contains(&field)),
                    "{field}: {missing:?} {report:#?}"
                );
            }
        }
    }
}

#[test]
fn without_a_superblock_nothing_can_be_proven() {
    let (bytes, _, clock) = sample(options(), false);
    let mut damaged = bytes;
    damaged[..16 << 10].fill(0);
    let fs = Memory::new();
    put(&fs, "damaged", &damaged);
    let salvage = salvage_with(&fs, "damaged", &fs, "out", Options::default(), Arc::new(clock));
    assert_eq!(code(pollster::block_on(salvage)), ErrorCode::NotADatabase);
    assert!(pollster::block_on(ferrolite::fs::FileSystem::list(&fs)).unwrap().iter().all(|name| name != "out"));
}

#[test]
fn commits_behind_a_damaged_one_are_recovered() {
    let bench = Bench::new();
    let mut db = bench.open();
    for n in 0..30 {
        db.set(&format!("key{n:02}"), &n).unwrap();
    }
    let expected = documents(&db);
    drop(db);
    let bytes = content(&bench.fs, "db");
    let frames = crate::support::damaged::frames(&bytes);
    assert_eq!(frames.len(), 30);
    for (index, frame) in frames.iter().enumerate().take(29) {
        for at in [frame + 60, frame + 70] {
            let (report, found, _) = salvaged(&flipped(&bytes, at), &bench.clock);
            let mut left = expected.clone();
            left.remove(&format!("key{index:02}"));
            assert!(found == left, "{index}: {report:#?}");
            assert_eq!((report.commits_lost, report.complete), (1, false));
            assert_eq!(report.uncertain, index as u64, "any of those before may have been overwritten");
        }
    }
    // Nothing proves that the last one was durable, but it is seen.
    let (report, found, _) = salvaged(&flipped(&bytes, frames[29] + 70), &bench.clock);
    assert_eq!((found.len(), report.commits_lost, report.complete), (29, 0, false));
}

#[test]
fn what_was_taken_back_does_not_come_back_behind_a_damaged_commit() {
    use ferrolite::fs::simulated::{Fault, Operation, Simulated};
    let mut tried = 0;
    for seed in 0..100 {
        let (fs, clock) = (Simulated::new(seed), Clock::new());
        let mut db = open(&fs, &clock, Options::default()).unwrap();
        db.set("a", &1).unwrap();
        fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
        let value = "x".repeat(600);
        let failed = db.group(|db| ["b", "c", "d", "e", "f", "g"].map(|key| drop(db.set(key, &value))));
        assert!(failed.is_err());
        db.set("b", &value).unwrap();
        drop(db);
        let bytes = fs.content("db").unwrap();
        for at in crate::support::damaged::frames(&bytes) {
            for damage in [at + 8, at + 50, at + 100] {
                let (report, found, _) = salvaged(&flipped(&bytes, damage), &clock);
                let strange = found.keys().find(|key| !["a", "b"].contains(&key.as_str()));
                assert_eq!(strange, None, "seed {seed}, {at}: {report:#?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 300);
}

#[test]
fn a_file_that_was_cut_off_gives_what_is_left() {
    for encryption in encryptions() {
        for is_open in [false, true] {
            let (bytes, expected, clock) = sample(options_with(&encryption), is_open);
            for eighth in 2..8 {
                let len = bytes.len() * eighth / 8;
                let (report, found, _) = salvaged(&bytes[..len], &clock);
                assert!(!report.complete || found == expected, "what was cut off was in use");
                if !is_open && !report.scanned {
                    assert_only_named_parts_are_lost(&report, &found, &expected);
                }
            }
        }
    }
}

#[test]
fn a_lost_catalog_costs_the_indexes() {
    for encryption in encryptions() {
        let (bytes, expected, clock) = sample(options_with(&encryption), false);
        let mut seen = 0;
        for page in pages(&bytes).into_iter().filter(|page| page.kind == DATA) {
            let (report, found, indexes) = salvaged(&flipped(&bytes, page.address + 66), &clock);
            if indexes.is_empty() {
                assert!(found == expected && !report.complete);
                seen += 1;
            }
        }
        assert!(seen > 0);
    }
}

#[test]
fn indexes_of_all_kinds_are_built_again() {
    let bench = Bench::new();
    let mut db = bench.open();
    for n in 0..50 {
        db.set_json(&format!("k{n:02}"), &format!("{{\"a\": {}, \"b\": {n}, \"t\": [{n}, 0]}}", n % 7)).unwrap();
    }
    db.create_index(["a", "b"]).unwrap();
    db.create_index(IndexSpec::from("b").unique()).unwrap();
    db.create_index(IndexSpec::from("t").multi()).unwrap();
    db.close().unwrap();
    let (report, found, indexes) = salvaged(&content(&bench.fs, "db"), &bench.clock);
    assert_eq!((report.complete, found.len()), (true, 50));
    assert_eq!(indexes, ["a, b", "b", "t"]);
    assert_eq!((report.indexes.len(), report.indexes_left_out.len()), (3, 0));
}

#[test]
fn a_unique_index_that_what_came_back_violates_is_left_out() {
    // With a lost part of the log an older version of a document comes back.
    let bench = Bench::new();
    let mut db = bench.open();
    db.create_index(IndexSpec::from("n").unique()).unwrap();
    db.set_json("a", r#"{"n": 1}"#).unwrap();
    db.compact().unwrap();
    db.set_json("a", r#"{"n": 2}"#).unwrap();
    db.set_json("b", r#"{"n": 1}"#).unwrap();
    drop(db);
    let bytes = content(&bench.fs, "db");
    let newer = bytes.windows(8).position(|text| text == br#"{"n": 2}"#).unwrap();
    let (report, found, indexes) = salvaged(&flipped(&bytes, newer as u64), &bench.clock);
    let both = [("a", r#"{"n": 1}"#), ("b", r#"{"n": 1}"#)].map(|(key, text)| (key.to_owned(), text.to_owned()));
    assert_eq!(found, Documents::from(both));
    assert_eq!((report.indexes_left_out, indexes), (vec!["n".to_owned()], Vec::new()));
}

#[test]
fn the_new_database_must_not_be_there() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set("a", &1).unwrap();
    db.close().unwrap();
    let salvage = |out: &'static str| {
        let (fs, clock) = (bench.fs.clone(), bench.clock.clone());
        pollster::block_on(async move { salvage_with(&fs, "db", &fs, out, Options::default(), Arc::new(clock)).await })
    };
    let before = content(&bench.fs, "db");
    assert_eq!(code(salvage("db")), ErrorCode::InvalidOptions);
    assert_eq!(content(&bench.fs, "db"), before);
    salvage("out").unwrap();
    assert_eq!(code(salvage("out")), ErrorCode::InvalidOptions);
}

/// Every state that each key ever had: what a salvage may bring back.
type History = BTreeMap<String, Vec<Option<String>>>;

/// A database with a long history, and that history.
fn historied(seed: u64) -> (Vec<u8>, History, Clock) {
    let bench = Bench::new();
    let compression = if seed.is_multiple_of(2) { Compression::None } else { Compression::Lz4 };
    let encryption = encryptions()[(seed / 4) as usize % 3].clone();
    let mut db = bench.open_with(Options { compression, ..options_with(&encryption) });
    let mut history = History::new();
    let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for step in 0..600_u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let key = format!("key{:02}", (random >> 33) % 60);
        let states = history.entry(key.clone()).or_default();
        if (random >> 20).is_multiple_of(5) {
            db.delete(&key).unwrap();
            states.push(None);
        } else {
            let text = format!("[{step}, \"{}\"]", "z".repeat((random >> 40) as usize % 300));
            db.set_json(&key, &text).unwrap();
            states.push(Some(text));
        }
        if step == 200 + seed % 100 {
            db.close().unwrap();
            db = bench.open_with(options_with(&encryption));
        }
        if step == 400 {
            db.compact().unwrap();
        }
    }
    // What lies at the end of a log cannot be told from a write that a crash cut short.
    if seed % 4 < 2 {
        db.close().unwrap()
    } else {
        drop(db)
    }
    (content(&bench.fs, "db"), history, bench.clock)
}

/// Damages a file here and there: single bytes, runs of zeros, and pieces of it in other places.
fn damage(bytes: &mut [u8], seed: u64) {
    let mut random = seed ^ 0x2545_f491_4f6c_dd1d;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % limit
    };
    for _ in 0..1 + next(6) {
        let at = if next(8) == 0 { next(16 << 10) } else { next(bytes.len()) };
        match next(4) {
            0 | 1 => bytes[at] ^= 1 << next(8),
            2 => {
                let end = (at + 4096).min(bytes.len());
                bytes[at..end].fill(0);
            }
            _ => {
                let from = next(bytes.len());
                let len = next(9000).min(bytes.len() - from).min(bytes.len() - at);
                bytes.copy_within(from..from + len, at);
            }
        }
    }
}

/// How long the long form of a test runs, where that is asked for.
fn torture() -> Option<Duration> {
    let minutes: u64 = std::env::var("FERROLITE_TORTURE").ok()?.parse().ok()?;
    Some(Duration::from_secs(60 * minutes))
}

#[test]
fn whatever_is_damaged_nothing_is_invented() {
    let (began, limit) = (Instant::now(), torture());
    let seeds = if cfg!(target_os = "wasi") { 20 } else { 250 };
    let mut kinds = [0; 4];
    let is_due = |seed: u64| limit.map_or(seed < seeds, |limit| began.elapsed() < limit);
    for seed in (0..).take_while(|&seed| is_due(seed)) {
        let (mut bytes, history, clock) = historied(seed % 12);
        let encryption = encryption_of(&bytes);
        let has_keys = encryption.is_some();
        damage(&mut bytes, seed);
        let fs = Memory::new();
        put(&fs, "damaged", &bytes);
        let options = Options { encryption, ..Options::default() };
        let salvage = salvage_with(&fs, "damaged", &fs, "db", options.clone(), Arc::new(clock.clone()));
        let report = match pollster::block_on(salvage) {
            Ok(report) => report,
            Err(error) => {
                let are_slots_lost = has_keys && error.code() == ErrorCode::KeySlotDamaged;
                assert!(are_slots_lost || error.code() == ErrorCode::NotADatabase, "seed {seed}: {error}");
                continue;
            }
        };
        let db = open(&fs, &clock, options).unwrap();
        assert_sound(&db);
        let mut old = 0;
        let found = documents(&db);
        for (key, text) in &found {
            let states = history.get(key).unwrap_or_else(|| panic!("seed {seed}: {key} was never there"));
            assert!(states.contains(&Some(text.clone())), "seed {seed}: {key} never was {text}");
            old += u64::from(states.last() != Some(&Some(text.clone())));
        }
        let missing =
            history.iter().filter(|(key, states)| states.last() != Some(&None) && !found.contains_key(*key)).count();
        if seed % 4 < 2 {
            assert!(!report.complete || (old == 0 && missing == 0), "seed {seed}: {old} {missing} {report:#?}");
            assert!(report.scanned || old <= report.uncertain, "seed {seed}: {old} old, {report:#?}");
        }
        kinds[0] += 1;
        kinds[1] += u64::from(report.complete);
        kinds[2] += u64::from(report.scanned);
        kinds[3] += u64::from(report.uncertain > 0);
    }
    assert!(kinds.iter().all(|&count| count > seeds / 50), "{kinds:?}");
    if limit.is_some() {
        println!("torture\tsalvage\tdamaged files salvaged\t{}", kinds[0]);
    }
}

#[test]
fn a_salvage_that_fails_leaves_no_database() {
    use ferrolite::fs::simulated::{Fault, Operation, Simulated};
    let (bytes, _, clock) = sample(options(), false);
    let from = Memory::new();
    put(&from, "damaged", &bytes);
    let to = Simulated::new(1);
    let salvage = || salvage_with(&from, "damaged", &to, "out", Options::default(), Arc::new(clock.clone()));
    let mut failures = 0;
    for call in [1, 2, 3, 5, 8, 13, 20] {
        for fault in [Fault::StorageFull, Fault::Io] {
            to.fail_call(Some(Operation::Write), call, fault, true);
            let outcome = pollster::block_on(salvage());
            to.clear_faults();
            let is_there = to.content("out").is_some();
            assert_eq!(outcome.is_ok(), is_there, "call {call}: {outcome:?}");
            if is_there {
                pollster::block_on(ferrolite::fs::FileSystem::remove(&to, "out")).unwrap();
            } else {
                failures += 1;
            }
        }
    }
    assert!(failures > 4, "{failures}");
}

#[test]
fn a_salvage_that_was_killed_leaves_nothing_that_opens() {
    let (bytes, _, clock) = sample(options(), false);
    let from = Memory::new();
    put(&from, "damaged", &bytes);
    for steps in 0..5 {
        let to = Memory::new();
        let environment = Arc::new(clock.clone());
        let salvage = Salvage::begin(&from, "damaged", &to, "db", Options::default(), environment);
        let mut salvage = pollster::block_on(salvage).unwrap();
        for _ in 0..steps {
            assert!(!salvage.step(20_000).unwrap());
        }
        assert!(!salvage.report().complete);
        drop(salvage);
        let error = open(&to, &clock, Options::default()).err().unwrap();
        assert_eq!(error.code(), ErrorCode::Corrupt);
        assert!(error.to_string().contains("did not finish"), "{error}");
    }
}

#[test]
fn any_bytes_are_gone_through_without_a_panic() {
    let (bytes, _, clock) = sample(options(), true);
    let mut files: Vec<Vec<u8>> = vec![Vec::new(), vec![0; 70_000], vec![17; 200_000], b"FERROLT\n".repeat(20_000)];
    // Headers of pages and of frames everywhere, with the lengths that their bytes happen to say.
    for step in [16, 48, 64, 80, 4096] {
        let mut shifted = bytes.clone();
        shifted.copy_within((64 << 10)..bytes.len() - step, (64 << 10) + step);
        files.push(shifted);
    }
    files.push([&bytes[..64 << 10], &bytes[64 << 10..].iter().rev().copied().collect::<Vec<u8>>()].concat());
    for len in [1, 100, 4096, 5000, 16 << 10, 20_000, 64 << 10, 70_000] {
        files.push(bytes[..len].to_vec());
    }
    for (index, file) in files.iter().enumerate() {
        let fs = Memory::new();
        put(&fs, "damaged", file);
        let salvage = salvage_with(&fs, "damaged", &fs, "db", Options::default(), Arc::new(clock.clone()));
        if let Err(error) = pollster::block_on(salvage) {
            assert_eq!(error.code(), ErrorCode::NotADatabase, "{index}: {error}");
        }
    }
}

#[test]
fn forged_superblocks_are_gone_through_without_a_panic() {
    let (bytes, _, clock) = sample(options(), true);
    let values = [0, 1, 65_536, 1 << 40, u64::MAX / 2, u64::MAX];
    for field in (48..224).step_by(if cfg!(target_os = "wasi") { 32 } else { 8 }) {
        for value in values {
            let mut forged = bytes.clone();
            for slot in slots().map(|slot| slot as usize) {
                forged[slot + field..slot + field + 8].copy_from_slice(&u64::to_le_bytes(value));
                let sum = xxhash_rust::xxh3::xxh3_128(&forged[slot..slot + 4080]).to_le_bytes();
                forged[slot + 4080..slot + 4096].copy_from_slice(&sum);
            }
            let fs = Memory::new();
            put(&fs, "damaged", &forged);
            let salvage = salvage_with(&fs, "damaged", &fs, "out", Options::default(), Arc::new(clock.clone()));
            pollster::block_on(salvage).unwrap();
            put(&fs, "db", &forged);
            let reading = Options { read_only: true, allow_damage: true, ..Options::default() };
            if let Ok(db) = open(&fs, &clock, reading) {
                db.check(true).unwrap();
            }
        }
    }
}
