//! Histories of transactions that are under way together: each that commits must have seen what it would have seen had
//! it run all at once at the moment of its commit.

use super::*;
use crate::documents::keyspace::range::Range;
use crate::documents::options::{Durability, Options};
use crate::documents::query::condition::Condition;
use crate::documents::query::find::FindOptions;
use crate::fs::Memory;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Db = Database<<Memory as crate::fs::FileSystem>::File>;
/// By collection and key.
type State = BTreeMap<(String, String), Value>;

/// What a transaction did, and what it was answered.
#[derive(Debug)]
enum Step {
    Get(String, String, Option<Value>),
    Scan(String, Range, Vec<(String, Value)>),
    Find(String, &'static str, u64, FindOptions, Vec<String>),
    Set(String, String, Value),
    Delete(String, String),
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn key(&mut self) -> String {
        format!("k{}", self.below(8))
    }

    fn collection(&mut self) -> String {
        if self.below(4) == 0 { "c".to_owned() } else { String::new() }
    }

    fn range(&mut self) -> Range {
        let (low, high) = (self.below(8), self.below(10));
        let all = match self.below(4) {
            0 => Range::all(),
            1 => Range::all().gte(format!("k{low}")),
            2 => Range::all().gt(format!("k{low}")).lt(format!("k{high}")),
            _ => Range::prefix("k").lte(format!("k{high}")),
        };
        let all = if self.below(3) == 0 { all.reverse() } else { all };
        if self.below(3) == 0 { all.limit(self.below(4)) } else { all }
    }
}

struct Running {
    open: OpenTransaction,
    steps: Vec<Step>,
}

#[derive(Default)]
struct Outcome {
    commits: u64,
    conflicts: u64,
    anomalies: u64,
}

/// What `steps` come to on `state`; `None` when they would have been answered otherwise.
fn replay(steps: &[Step], state: &State) -> Option<State> {
    let mut state = state.clone();
    for step in steps {
        let is_same = match step {
            Step::Get(collection, key, found) => state.get(&(collection.clone(), key.clone())) == found.as_ref(),
            Step::Scan(collection, range, found) => *found == scan(&state, collection, range),
            Step::Find(collection, field, value, options, found) => {
                *found == find(&state, collection, field, *value, options)
            }
            Step::Set(collection, key, value) => {
                state.insert((collection.clone(), key.clone()), value.clone());
                true
            }
            Step::Delete(collection, key) => {
                state.remove(&(collection.clone(), key.clone()));
                true
            }
        };
        if !is_same {
            return None;
        }
    }
    Some(state)
}

/// The documents of a collection.
fn within<'a>(state: &'a State, collection: &'a str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    state.iter().filter(move |((name, _), _)| name == collection).map(|((_, key), document)| (key, document))
}

fn scan(state: &State, collection: &str, range: &Range) -> Vec<(String, Value)> {
    let mut found: Vec<_> = within(state, collection).filter(|(key, _)| range.contains(key)).collect();
    if range.reverse {
        found.reverse();
    }
    let limit = range.limit.unwrap_or(u64::MAX) as usize;
    found.into_iter().take(limit).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Keys by the value of `field`, at least `value`.
fn find(state: &State, collection: &str, field: &str, value: u64, options: &FindOptions) -> Vec<String> {
    let at = |document: &Value| document.get(field).and_then(Value::as_u64).filter(|found| *found >= value);
    let mut found: Vec<_> =
        within(state, collection).filter_map(|(key, document)| Some((at(document)?, key.clone()))).collect();
    found.sort();
    if options.reverse {
        found.reverse();
    }
    found.into_iter().take(options.limit.unwrap_or(u64::MAX) as usize).map(|(_, key)| key).collect()
}

/// What was read; `None` where the collection was dropped since the transaction began.
fn unless_dropped<T>(found: Result<T>) -> Option<T> {
    match found {
        Err(Error::SnapshotTooOld { .. }) => None,
        found => Some(found.unwrap()),
    }
}

impl Running {
    fn step(&mut self, db: &Db, random: &mut Random, unique: &mut u64) {
        let collection = random.collection();
        let step = match random.below(10) {
            0..3 => {
                let key = random.key();
                let Some(found) = unless_dropped(self.open.on(db).named(&collection).get_json(&key)) else { return };
                Step::Get(collection, key, found.map(|text| serde_json::from_str(&text).unwrap()))
            }
            3 => {
                let range = random.range();
                let Some(found) = unless_dropped(self.open.on(db).named(&collection).documents(&range)) else { return };
                Step::Scan(
                    collection,
                    range,
                    found.into_iter().map(|document| (document.key.clone(), document.parse().unwrap())).collect(),
                )
            }
            4 => {
                let (field, value) = (["a", "b"][random.below(2) as usize], random.below(5));
                let limit = (random.below(2) == 0).then(|| random.below(4));
                let options = FindOptions { reverse: random.below(2) == 0, limit, ..FindOptions::default() };
                let condition = Condition::parse(&format!(r#"{{"gte": {value}}}"#)).unwrap();
                let found = self.open.on(db).named(&collection).find(field, &condition, &options);
                let Some(found) = unless_dropped(found) else { return };
                Step::Find(collection, field, value, options, found)
            }
            5..9 => {
                *unique += 1;
                let (key, value) = (random.key(), json!({"a": random.below(6), "b": random.below(6), "n": *unique}));
                self.open.on(db).named(&collection).set_json(&key, &value.to_string()).unwrap();
                Step::Set(collection, key, value)
            }
            _ => {
                let key = random.key();
                self.open.on(db).named(&collection).delete(&key).unwrap();
                Step::Delete(collection, key)
            }
        };
        self.steps.push(step);
    }
}

fn history(seed: u64, is_unchecked: bool, outcome: &mut Outcome) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let options = Options { durability: Durability::Never, memtable_size: 16 << 10, ..Options::default() };
    let mut db: Db = pollster::block_on(Database::open(&Memory::new(), "db", options)).unwrap();
    if random.below(2) == 0 {
        db.create_index("a").unwrap();
    }
    let (mut state, mut unique) = (State::new(), 0);
    let mut running: Vec<Running> = Vec::new();
    for _ in 0..60 {
        match random.below(12) {
            0..2 if running.len() < 4 => {
                let mut open = db.begin().unwrap();
                open.is_unchecked = is_unchecked;
                running.push(Running { open, steps: Vec::new() });
            }
            2 if !running.is_empty() => {
                let at = random.below(running.len() as u64) as usize;
                let Running { open, steps } = running.swap_remove(at);
                if random.below(8) == 0 {
                    db.roll_back(open);
                    continue;
                }
                let is_reader = steps.iter().all(|step| !matches!(step, Step::Set(..) | Step::Delete(..)));
                match db.commit_open(open) {
                    Err(error) => {
                        assert!(matches!(error, Error::Conflict { .. }), "{error}");
                        outcome.conflicts += 1;
                    }
                    // One that only reads has seen the state of its beginning.
                    Ok(_) if is_reader => {}
                    Ok(_) => match replay(&steps, &state) {
                        Some(after) => {
                            state = after;
                            outcome.commits += 1;
                        }
                        None => {
                            outcome.anomalies += 1;
                            return;
                        }
                    },
                }
            }
            3 => {
                unique += 1;
                let (key, value) = (random.key(), json!({"a": random.below(6), "n": unique}));
                let collection = random.collection();
                db.named_mut(&collection).set_json(&key, &value.to_string()).unwrap();
                state.insert((collection, key), value);
            }
            4 => drop(db.maintain(4096)),
            5 if random.below(6) == 0 => drop(db.create_index("b").unwrap()),
            6 if random.below(8) == 0 => {
                db.drop_collection("c").unwrap();
                state.retain(|(collection, _), _| collection.is_empty());
            }
            _ if !running.is_empty() => {
                let at = random.below(running.len() as u64) as usize;
                running[at].step(&db, &mut random, &mut unique);
            }
            _ => {}
        }
    }
    for collection in ["", "c"] {
        let found: Vec<(String, Value)> = db.named(collection).entries(&Range::all()).unwrap();
        let expected = within(&state, collection).map(|(key, document)| (key.clone(), document.clone()));
        assert!(found.into_iter().eq(expected), "seed {seed}: the state is not what the commits come to");
    }
}

#[test]
fn transactions_are_serializable() {
    let mut outcome = Outcome::default();
    let seeds = if cfg!(target_os = "wasi") { 500 } else { 3000 };
    for seed in 1..=seeds {
        history(seed, false, &mut outcome);
        assert_eq!(outcome.anomalies, 0, "seed {seed}: a transaction has seen what it could not have seen");
    }
    assert!(outcome.commits > seeds && outcome.conflicts > seeds / 2, "{} {}", outcome.commits, outcome.conflicts);
}

/// The test of the test above.
#[test]
fn without_validation_there_are_anomalies() {
    let mut outcome = Outcome::default();
    (1..=300).for_each(|seed| history(seed, true, &mut outcome));
    assert!(outcome.anomalies > 100, "{}", outcome.anomalies);
}

fn open() -> Db {
    pollster::block_on(Database::open(&Memory::new(), "db", Options::default())).unwrap()
}

#[test]
fn write_skew_is_refused() {
    let mut db = open();
    db.set_many([("on call: alice", true), ("on call: bob", true)]).unwrap();
    let range = Range::prefix("on call: ");
    let leave = |db: &mut Db, who: &str| {
        let mut open = db.begin().unwrap();
        let on_call =
            open.on(db).documents(&range).unwrap().into_iter().filter(|document| document.json == "true").count();
        assert_eq!(on_call, 2);
        open.on(db).set_json(&format!("on call: {who}"), "false").unwrap();
        open
    };
    let (alice, bob) = (leave(&mut db, "alice"), leave(&mut db, "bob"));
    db.commit_open(alice).unwrap();
    assert_eq!(db.commit_open(bob).unwrap_err().code(), crate::documents::error_code::ErrorCode::Conflict);
}

#[test]
fn phantoms_are_refused() {
    for has_index in [false, true] {
        let mut db = open();
        if has_index {
            db.create_index("role").unwrap();
        }
        let admins = Condition::equals("admin").unwrap();
        let mut open = db.begin().unwrap();
        assert!(open.on(&db).find("role", &admins, &FindOptions::default()).unwrap().is_empty());
        open.on(&db).set_json("count", "0").unwrap();
        db.set_json("user:1", r#"{"role":"admin"}"#).unwrap();
        assert_eq!(
            db.commit_open(open).unwrap_err().code(),
            crate::documents::error_code::ErrorCode::Conflict,
            "{has_index}"
        );
    }
}

#[test]
fn what_fails_writes_nothing_and_passes_its_error_on() {
    let mut db = open();
    let error = db.transaction(|tx| {
        tx.set("a", &1)?;
        assert_eq!(tx.get("a")?, Some(1));
        Err::<(), _>(Error::Aborted)
    });
    assert_eq!(error.unwrap_err().code(), crate::documents::error_code::ErrorCode::Aborted);
    assert!(!db.has("a").unwrap());
    assert_eq!(db.stats().engine.snapshots, 0);
}
