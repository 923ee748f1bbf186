//! A workload out of any bytes, compared with a map in memory: documents, indexes, times to live, compaction, reopening,
//! and crashes of a simulated disk.

use crate::engine::SKIPPED;
use crate::fs::simulated::{Recovery, Simulated, SimulatedFile};
use crate::fuzz_input::Input;
use crate::{
    Compression, Condition, Database, Document, Durability, Environment, FindOptions, Options, Range, Transaction,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const START_MS: u64 = 1_700_000_000_000;
/// Operations of one workload, at most.
const OPERATIONS_MAX: usize = 200;

/// A clock that is moved by hand, and randomness that counts.
#[derive(Debug, Clone)]
struct Host(Arc<AtomicU64>, Arc<AtomicU64>);

impl Environment for Host {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        let count = self.1.fetch_add(1, Ordering::Relaxed);
        buffer.fill(count as u8);
        if let Some(first) = buffer.first_mut() {
            *first = (count >> 8) as u8;
        }
    }
}

/// A document that is there until it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stored {
    json: String,
    expires_at: Option<u64>,
}

type State = BTreeMap<String, Stored>;

struct World {
    fs: Simulated,
    host: Host,
    options: Options,
    db: Option<Database<SimulatedFile>>,
    state: State,
    /// The states after each commit since the last one that is sure to be durable.
    history: BTreeMap<u64, State>,
    /// The last commit that was acknowledged as durable.
    durable: u64,
}

fn key(input: &mut Input<'_>) -> String {
    format!("k{:02}", input.byte() % 24)
}

fn document(input: &mut Input<'_>) -> String {
    let (number, text) = (input.byte() % 6, input.byte());
    let padding = if text > 250 { 9000 } else { usize::from(text) };
    format!(r#"{{"n":{number},"t":"{}"}}"#, "x".repeat(padding))
}

/// Does what the input says, and compares everything with what it must be.
pub fn operations(data: &[u8]) {
    let mut input = Input::new(data);
    let options = Options {
        page_size: [512, 1024, 8192][input.below(3)],
        memtable_size: [16 << 10, 64 << 10][input.below(2)],
        cache_size: [0, 64 << 10][input.below(2)],
        compression: [Compression::None, Compression::Lz4][input.below(2)],
        durability: [Durability::Always, Durability::Never][input.below(2)],
        ..Options::default()
    };
    let host = Host(Arc::new(AtomicU64::new(START_MS)), Arc::default());
    let seed = u64::from(input.short());
    let mut world = World {
        fs: Simulated::new(seed),
        host,
        options,
        db: None,
        state: State::new(),
        history: BTreeMap::from([(0, State::new())]),
        durable: 0,
    };
    world.open();
    for _ in 0..OPERATIONS_MAX {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
    }
    world.compare();
    world.close();
    world.open();
    world.compare();
}

impl World {
    fn now_ms(&self) -> u64 {
        self.host.now_ms()
    }

    fn db(&mut self) -> &mut Database<SimulatedFile> {
        self.db.as_mut().expect("it is open")
    }

    fn open(&mut self) {
        let opened = Database::open_with(&self.fs, "db", self.options.clone(), Arc::new(self.host.clone()));
        self.db = Some(pollster::block_on(opened).expect("it opens"));
    }

    /// Takes the present state as that of the last commit.
    fn acknowledge(&mut self) {
        let version = self.db().version();
        let state = self.state.clone();
        // An operation may have made several commits, all but the last of which change no document. The state of a version
        // without an entry is that of the version before it.
        self.history.insert(version, state);
        if self.options.durability == Durability::Always {
            self.durable = version;
        }
    }

    /// Documents that have expired are gone for good, or not, when the clock goes back: it does not here.
    fn expire(&mut self) {
        let now_ms = self.now_ms();
        let is_live = |stored: &Stored| stored.expires_at.is_none_or(|at| at > now_ms);
        self.state.retain(|_, stored| is_live(stored));
        self.history.values_mut().for_each(|state| state.retain(|_, stored| is_live(stored)));
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 20 {
            0..=3 => {
                let (key, json) = (key(input), document(input));
                self.db().set_json(&key, &json).expect("nothing fails");
                self.state.insert(key, Stored { json, expires_at: None });
            }
            4 => {
                let (key, json, life_ms) = (key(input), document(input), u64::from(input.byte()) + 1);
                self.db().set_ex_json(&key, &json, Duration::from_millis(life_ms)).expect("nothing fails");
                let expires_at = Some(self.now_ms() + life_ms);
                self.state.insert(key, Stored { json, expires_at });
            }
            5 | 6 => {
                let key = key(input);
                let deleted = self.db().delete(&key).expect("nothing fails");
                assert_eq!(deleted, self.state.remove(&key).is_some(), "deleting {key}");
            }
            7 => self.batch(input),
            8 => {
                let prefix = format!("k{}", input.byte() % 3);
                let before = self.state.len();
                self.state.retain(|key, _| !key.starts_with(&prefix));
                let count = self.db().delete_range(&Range::prefix(prefix)).expect("nothing fails");
                assert_eq!(count as usize, before - self.state.len(), "deleted");
            }
            9 => {
                let key = key(input);
                let persisted = self.db().persist(&key).expect("nothing fails");
                let expires_at = self.state.get_mut(&key).and_then(|stored| stored.expires_at.take());
                assert_eq!(persisted, expires_at.is_some(), "persisting {key}");
            }
            10 => drop(self.db().create_index_step("n", 1 + input.below(30)).expect("nothing fails")),
            11 => drop(self.db().drop_index("n").expect("nothing fails")),
            12 => self.db().compact().expect("nothing fails"),
            13 => drop(self.db().maintain(usize::from(input.short())).expect("nothing fails")),
            14 => {
                self.host.0.fetch_add(u64::from(input.byte()), Ordering::Relaxed);
                self.expire();
            }
            15 => {
                self.db().flush().expect("nothing fails");
                self.durable = self.db().version();
            }
            16 => {
                self.close();
                self.open();
            }
            17 => self.crash(input),
            _ => self.compare(),
        }
        self.acknowledge();
    }

    fn batch(&mut self, input: &mut Input<'_>) {
        let mut transaction = Transaction::new();
        for _ in 0..input.below(6) {
            let key = key(input);
            if input.flag() {
                let json = document(input);
                transaction = transaction.set_json(&key, &json).expect("nothing fails");
                self.state.insert(key, Stored { json, expires_at: None });
            } else {
                transaction = transaction.delete(&key).expect("nothing fails");
                self.state.remove(&key);
            }
        }
        self.db().commit(transaction).expect("nothing fails");
    }

    fn close(&mut self) {
        self.db.take().expect("it is open").close().expect("nothing fails");
    }

    /// The power fails: what is found is a prefix of the commits, with all durable ones in it.
    fn crash(&mut self, input: &mut Input<'_>) {
        self.db = None;
        let recovery = match input.byte() % 3 {
            0 => Recovery::LoseAll,
            1 => Recovery::KeepAll,
            _ => Recovery::Random,
        };
        self.fs.restart(recovery);
        self.open();
        let version = self.db().version();
        assert!(version >= self.durable, "version {version} was found, but {} was durable", self.durable);
        // Dropping an index may have continued while opening, with a commit that changes no document. Its number is after those
        // that are left out for lost commits, so what was found is the version before all of these.
        let last = self.history.last_key_value().map_or(0, |(last, _)| *last);
        let before = if version > last { version.saturating_sub(SKIPPED + 1).max(self.durable) } else { version };
        let found = self.history.range(..=before).next_back().map(|(_, state)| state.clone());
        self.state = found.expect("there was such a version");
        self.history = BTreeMap::from([(version, self.state.clone())]);
        self.compare();
    }

    fn compare(&mut self) {
        let now_ms = self.now_ms();
        let expected: Vec<(String, Stored)> =
            self.state.iter().map(|(key, stored)| (key.clone(), stored.clone())).collect();
        let db = self.db();
        let read =
            |range: Range| -> Vec<Document> { db.scan(&range).and_then(Iterator::collect).expect("nothing fails") };
        let (forwards, mut backwards) = (read(Range::all()), read(Range::all().reverse()));
        backwards.reverse();
        assert_eq!(forwards, backwards, "forwards and backwards");
        let found: Vec<(String, Stored)> = forwards
            .iter()
            .map(|document| {
                let stored = Stored { json: document.json.clone(), expires_at: document.expires_at };
                (document.key.clone(), stored)
            })
            .collect();
        assert_eq!(found, expected, "at {now_ms}");
        assert_eq!(db.count(&Range::all()).expect("nothing fails"), expected.len() as u64);
        for (index, document) in forwards.iter().enumerate() {
            let got = db.get_document(&document.key).expect("nothing fails");
            assert_eq!(got.as_ref(), Some(document), "the document {index}");
        }
        for number in 0..6 {
            let condition = Condition::equals(&number).expect("it is a condition");
            let keys = db.find("n", &condition, &FindOptions::default()).expect("nothing fails");
            let begins = format!(r#"{{"n":{number},"#);
            let expected: Vec<&String> =
                expected.iter().filter(|(_, stored)| stored.json.starts_with(&begins)).map(|(key, _)| key).collect();
            assert_eq!(keys.iter().collect::<Vec<_>>(), expected, "n = {number}");
        }
        let report = db.check(true).expect("nothing fails");
        assert!(report.is_ok(), "{:?}", report.problems);
    }
}
