//! Lists: against a model, and what is special about them.

use crate::support::{Bench, START_MS, assert_sound, code, encryptions};
use ferrolite::fs::MemoryFile;
use ferrolite::{Database, End, ErrorCode, Options, PageLimits, Range, Snapshot, Ttl};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

fn text_of(elements: &VecDeque<String>) -> String {
    format!("[{}]", elements.iter().cloned().collect::<Vec<_>>().join(","))
}

/// Reads as many parts as the documents say they have.
fn parts(db: &Database<MemoryFile>) -> u64 {
    let report = db.check(true).unwrap();
    assert!(report.is_ok(), "{report:?}");
    report.parts
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn index(&mut self, count: usize) -> i64 {
        self.below(2 * count as u64 + 5) as i64 - count as i64 - 2
    }

    fn element(&mut self) -> String {
        match self.below(12) {
            0 => format!("{:?}", "x".repeat(self.below(3000) as usize)),
            1 => format!("{{\"n\": {}}}", self.below(100)),
            2 => "[1, [2]]".to_owned(),
            3 => "null".to_owned(),
            _ => self.below(1000).to_string(),
        }
    }
}

/// Lists by the names of their collections and their keys.
type Model = BTreeMap<(&'static str, String), (VecDeque<String>, Option<u64>)>;

const COLLECTIONS: [&str; 2] = ["", "queues"];

fn all(db: &Database<MemoryFile>, collection: &str) -> Vec<(String, String)> {
    match collection {
        "" => db.entries_json(&Range::all()).unwrap(),
        name => db.collection(name).unwrap().entries_json(&Range::all()).unwrap(),
    }
}

fn compare(db: &Database<MemoryFile>, model: &Model, now_ms: u64, what: &str) {
    for name in COLLECTIONS {
        let live = model.iter().filter(|((of, _), (_, expiry))| *of == name && expiry.is_none_or(|at| at > now_ms));
        let expected: Vec<_> = live.map(|((_, key), (elements, _))| (key.clone(), text_of(elements))).collect();
        assert!(all(db, name) == expected, "{what}: {:.2000}", format!("{:?}, not {expected:?}", all(db, name)));
    }
}

fn in_snapshot(db: &Database<MemoryFile>, snapshot: Snapshot) -> Vec<(String, String)> {
    let page = db.scan_page(&Range::all(), snapshot, None, PageLimits { documents: 100, bytes: 1 << 30 }).unwrap();
    page.documents.into_iter().map(|document| (document.key, document.json)).collect()
}

#[test]
fn lists_are_as_a_model_says() {
    for (seed, encryption) in (1..).zip(encryptions().into_iter().cycle().take(6)) {
        let options = Options { memtable_size: 16 << 10, page_size: 512, encryption, ..Options::default() };
        let (bench, mut random) = (Bench::new(), Random(seed));
        let mut db = bench.open_with(options.clone());
        db.create_index("a").unwrap();
        let (mut model, mut now_ms) = (Model::new(), START_MS);
        let mut held: Option<(Snapshot, Vec<(String, String)>)> = None;
        for step in 0..600 {
            let (name, key) = (COLLECTIONS[random.below(2) as usize], format!("list{}", random.below(4)));
            let at = (name, key.clone());
            if model.get(&at).is_some_and(|(_, expiry)| expiry.is_some_and(|expiry| expiry <= now_ms)) {
                model.remove(&at);
            }
            let count = model.get(&at).map_or(0, |(elements, _)| elements.len());
            let end = if random.below(2) == 0 { End::Left } else { End::Right };
            let roll = random.below(100);
            let mut default;
            let mut named;
            macro_rules! on {
                ($documents:ident => $work:expr) => {
                    if name.is_empty() {
                        default = &mut db;
                        let $documents = &mut default;
                        $work
                    } else {
                        named = db.collection_mut(name).unwrap();
                        let $documents = &mut named;
                        $work
                    }
                };
            }
            match roll {
                0..=34 => {
                    let elements: Vec<String> = (0..random.below(5)).map(|_| random.element()).collect();
                    let length = on!(documents => documents.push_json(&key, end, &elements)).unwrap();
                    if !elements.is_empty() {
                        let list = &mut model.entry(at).or_default().0;
                        for element in elements {
                            if end == End::Left { list.push_front(element) } else { list.push_back(element) }
                        }
                        assert_eq!(length, list.len() as u64);
                    }
                }
                35..=64 => {
                    let popped = on!(documents => documents.pop_json(&key, end)).unwrap();
                    let list = model.get_mut(&at).map(|(list, _)| list);
                    let expected =
                        list.and_then(|list| if end == End::Left { list.pop_front() } else { list.pop_back() });
                    assert_eq!(popped, expected);
                    if count == 1 {
                        model.remove(&at);
                    }
                }
                65..=69 => {
                    let (start, stop) = (random.index(count), random.index(count));
                    let left = on!(documents => documents.trim(&key, start, stop)).unwrap();
                    if let Some((list, _)) = model.get_mut(&at) {
                        let index = |at: i64| if at < 0 { at + count as i64 } else { at };
                        let kept = |at: i64| (index(start)..=index(stop)).contains(&at);
                        let mut at = -1;
                        list.retain(|_| {
                            at += 1;
                            kept(at)
                        });
                        assert_eq!(left, list.len() as u64);
                    }
                    if left == 0 && count > 0 {
                        model.remove(&at);
                    }
                }
                70..=74 => {
                    let (index, element) = (random.index(count), random.element());
                    let is_set = on!(documents => documents.list_set_json(&key, index, &element)).unwrap();
                    let place = if index < 0 { index + count as i64 } else { index };
                    assert_eq!(is_set, (0..count as i64).contains(&place));
                    if is_set {
                        model.get_mut(&at).unwrap().0[place as usize] = element;
                    }
                }
                75..=80 => {
                    let (start, stop) = (random.index(count), random.index(count));
                    let found = on!(documents => documents.list_range_json(&key, start, stop)).unwrap();
                    let index = |at: i64| if at < 0 { at + count as i64 } else { at };
                    let elements = model.get(&at).map(|(list, _)| list.clone()).unwrap_or_default();
                    let within = (0..).zip(elements).filter(|(at, _)| (index(start)..=index(stop)).contains(at));
                    assert_eq!(found, within.map(|(_, element)| element).collect::<Vec<_>>());
                    assert_eq!(on!(documents => documents.list_length(&key)).unwrap(), count as u64);
                }
                81 | 82 => {
                    let elements: VecDeque<String> = (0..random.below(30)).map(|_| random.element()).collect();
                    let long = Duration::from_millis(1 + random.below(4000));
                    if random.below(2) == 0 {
                        on!(documents => documents.set_json(&key, &text_of(&elements))).unwrap();
                        model.insert(at, (elements, None));
                    } else {
                        on!(documents => documents.set_ex_json(&key, &text_of(&elements), long)).unwrap();
                        model.insert(at, (elements, Some(now_ms + long.as_millis() as u64)));
                    }
                }
                83..=85 => {
                    let ttl = Duration::from_millis(1 + random.below(5000));
                    assert_eq!(on!(documents => documents.expire(&key, ttl)).unwrap(), model.contains_key(&at));
                    model.entry(at).and_modify(|(_, expiry)| *expiry = Some(now_ms + ttl.as_millis() as u64));
                }
                86 => {
                    on!(documents => documents.persist(&key)).unwrap();
                    model.entry(at).and_modify(|(_, expiry)| *expiry = None);
                }
                87 => {
                    let is_there = on!(documents => documents.rename(&key, "list9")).unwrap();
                    assert_eq!(is_there, model.contains_key(&at));
                    if let Some(list) = model.remove(&at) {
                        model.insert((name, "list9".to_owned()), list);
                    }
                }
                88 => {
                    on!(documents => documents.delete(&key)).unwrap();
                    model.remove(&at);
                }
                89..=92 => {
                    let ms = random.below(2000);
                    bench.clock.advance_ms(ms);
                    now_ms += ms;
                }
                93 => db.compact().unwrap(),
                94 => drop(db.maintain(64 << 10).unwrap()),
                95 => {
                    db.drop_collection("queues").unwrap();
                    model.retain(|(of, _), _| *of != "queues");
                }
                96 | 97 if held.is_none() => held = Some((db.snapshot().unwrap(), all(&db, ""))),
                98 if held.is_some() => {
                    let (snapshot, expected) = held.take().unwrap();
                    assert_eq!(in_snapshot(&db, snapshot), expected, "seed {seed}, step {step}");
                    db.release(snapshot);
                }
                99 if held.is_none() => {
                    db.close().unwrap();
                    db = bench.open_with(options.clone());
                }
                _ => {}
            }
            if step % 20 == 0 {
                compare(&db, &model, now_ms, &format!("seed {seed}, step {step}"));
                if let Some((snapshot, expected)) = &held {
                    assert_eq!(&in_snapshot(&db, *snapshot), expected, "seed {seed}, step {step}");
                }
            }
            if step % 150 == 0 {
                assert_sound(&db);
            }
        }
        held.into_iter().for_each(|(snapshot, _)| db.release(snapshot));
        compare(&db, &model, now_ms, "at the end");
        assert_sound(&db);
        db.delete_range(&Range::all()).unwrap();
        db.drop_collection("queues").unwrap();
        db.compact().unwrap();
        assert_eq!(parts(&db), 0, "seed {seed}");
    }
}

#[test]
fn a_list_is_an_array_to_every_verb() {
    let mut db = Bench::new().open();
    assert_eq!(db.push("l", End::Right, [1, 2]).unwrap(), 2);
    assert_eq!(db.push("l", End::Left, [3, 4]).unwrap(), 4);
    assert_eq!(db.get::<Vec<i64>>("l").unwrap().unwrap(), [4, 3, 1, 2]);
    assert_eq!((db.list_get("l", -1).unwrap(), db.list_get::<i64>("l", 4).unwrap()), (Some(2), None));
    assert!(db.list_set("l", 1, "x").unwrap());
    assert_eq!(parts(&db), 4);
    assert!(db.patch("l", r#"[{"op": "add", "path": "/-", "value": 9}]"#).unwrap());
    assert_eq!((db.get_json("l").unwrap().unwrap(), parts(&db)), (r#"[4,"x",1,2,9]"#.to_owned(), 0));
    assert_eq!(db.pop("l", End::Right).unwrap(), Some(9));
    assert_eq!(parts(&db), 4);
    // What does not fit the type that is asked for stays.
    assert_eq!(code(db.pop::<String>("l", End::Left)), ErrorCode::InvalidValue);
    assert_eq!(db.list_length("l").unwrap(), 4);
    let text = r#"[4,"x",1,2]"#;
    assert!(!db.compare_and_swap_json("l", Some("[]"), Some("1")).unwrap());
    assert!(db.compare_and_swap_json("l", Some(text), Some("[ ]")).unwrap());
    assert_eq!(parts(&db), 0);
    // An empty array that was stored as a document stays until there is something to take away.
    assert_eq!((db.pop_json("l", End::Left).unwrap(), db.trim("l", 5, 9).unwrap()), (None, 0));
    assert!(db.has("l").unwrap());
    assert_eq!(db.push_json("l", End::Left, [" [1, 2]\n"]).unwrap(), 1);
    assert_eq!(db.get_json("l").unwrap().unwrap(), "[[1, 2]]");
    assert_eq!(db.pop_json("l", End::Left).unwrap().unwrap(), "[1, 2]");
    assert!(!db.has("l").unwrap());
    let read = db.transaction::<_, ferrolite::Error>(|tx| {
        tx.set("l", &[1, 2, 3])?;
        tx.get_json("l")
    });
    assert_eq!(read.unwrap().unwrap(), "[1,2,3]");
    assert_eq!(db.trim("l", -2, -1).unwrap(), 2);
    assert_eq!(db.get_and_set_json("l", "1").unwrap().unwrap(), "[2,3]");
}

#[test]
fn what_is_no_list_is_refused() {
    let mut db = Bench::new().open();
    for text in ["1", "{}", "\"[]\"", "null"] {
        db.set_json("k", text).unwrap();
        assert_eq!(code(db.push("k", End::Left, [1])), ErrorCode::InvalidValue);
        assert_eq!(code(db.pop_json("k", End::Left)), ErrorCode::InvalidValue);
        assert_eq!(code(db.trim("k", 0, 1)), ErrorCode::InvalidValue);
        assert_eq!(code(db.list_set("k", 0, &1)), ErrorCode::InvalidValue);
        assert_eq!(code(db.list_range_json("k", 0, 1)), ErrorCode::InvalidValue);
        assert_eq!(code(db.list_length("k")), ErrorCode::InvalidValue);
        assert_eq!(db.get_json("k").unwrap().unwrap(), text);
    }
    assert_eq!(code(db.push_json("new", End::Left, ["1", "{"])), ErrorCode::InvalidValue);
    assert_eq!(code(db.push("", End::Left, [1])), ErrorCode::InvalidKey);
    let long = format!("{:?}", "x".repeat(33 << 20));
    assert_eq!(db.push_json("new", End::Left, [&long]).unwrap(), 1);
    let before = db.version();
    assert_eq!(code(db.push_json("new", End::Left, [&long])), ErrorCode::TooLarge);
    assert_eq!((db.version(), db.list_length("new").unwrap()), (before, 1));
    assert_sound(&db);
}

#[test]
fn a_snapshot_has_the_list_as_it_was() {
    let mut db = Bench::new().open();
    db.push("l", End::Right, [1, 2, 3]).unwrap();
    let snapshot = db.snapshot().unwrap();
    db.pop_json("l", End::Left).unwrap();
    db.push("l", End::Right, [4, 5]).unwrap();
    let then = db.at(&snapshot).unwrap();
    assert_eq!((then.list_length("l").unwrap(), db.list_length("l").unwrap()), (3, 4));
    assert_eq!(then.list_range_json("l", 0, -1).unwrap(), ["1", "2", "3"]);
    assert_eq!(then.list_get_json("l", 0).unwrap().as_deref(), Some("1"));
    db.release(snapshot);
}

#[test]
fn a_list_keeps_its_time_to_live_and_goes_with_it() {
    let bench = Bench::new();
    let mut db = bench.open();
    db.set_ex_json("l", "[1]", Duration::from_secs(10)).unwrap();
    db.push("l", End::Right, [2, 3]).unwrap();
    assert_eq!(db.ttl("l").unwrap(), Ttl::Left(Duration::from_secs(10)));
    db.pop_json("l", End::Left).unwrap();
    assert!(db.expire("l", Duration::from_secs(20)).unwrap());
    bench.clock.advance_ms(15_000);
    assert_eq!(db.get_json("l").unwrap().unwrap(), "[2,3]");
    bench.clock.advance_ms(5000);
    assert_eq!((db.list_length("l").unwrap(), db.pop_json("l", End::Left).unwrap()), (0, None));
    assert_eq!(db.push("l", End::Left, [7]).unwrap(), 1);
    assert_eq!((db.ttl("l").unwrap(), db.get_json("l").unwrap().unwrap()), (Ttl::Forever, "[7]".to_owned()));
    assert_eq!(parts(&db), 1);
    db.expire("l", Duration::from_secs(1)).unwrap();
    bench.clock.advance_ms(5000);
    db.compact().unwrap();
    assert_eq!(parts(&db), 0);
}

#[test]
fn ends_cost_the_same_however_long_a_list_is() {
    let bench = Bench::new();
    let mut db = bench.open();
    for round in 0..100 {
        db.push("l", End::Right, round * 1000..(round + 1) * 1000).unwrap();
    }
    db.compact().unwrap();
    let before = db.stats().engine.counters.commit_bytes;
    for n in 0..1000 {
        assert_eq!(db.pop("l", End::Left).unwrap(), Some(n));
        db.push("l", End::Right, [n]).unwrap();
    }
    let written = db.stats().engine.counters.commit_bytes - before;
    assert!(written < 1000 * 500, "{written} bytes of commits");
    assert_eq!((db.list_length("l").unwrap(), db.list_get("l", 0).unwrap()), (100_000, Some(1000)));
    assert_sound(&db);
}
