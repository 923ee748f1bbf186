//! Random operations on a database and on a map that does the same: every answer must agree, at once and after reopening,
//! whatever the sizes of pages and memtables, with indexes and without.

use crate::support::oracle::find_in;
use crate::support::{Bench, assert_sound, ms};
use ferrolite::fs::MemoryFile;
use ferrolite::{
    Compression, Condition, Database, Durability, Environment, FindOptions, Options, PageLimits, Range, Transaction,
    Ttl,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PATHS: [&str; 3] = ["x", "y.z", "y"];
const KEYS: [&str; 8] = ["a", "a:1", "a:2", "ab", "b", "b\u{0}", "ü", "z"];

#[derive(Debug, Clone)]
enum Step {
    Write(Write),
    Commit(Vec<Write>),
    Group(Vec<Write>),
    DeleteRange(Range),
    Expire(usize, u64),
    Persist(usize),
    CreateIndex(usize),
    BuildIndex(usize, usize),
    DropIndex(usize),
    Find(usize, String, FindOptions),
    Scan(Range),
    Pages(Range, usize),
    Wait(u64),
    Maintain,
    Compact,
    Reopen,
}

#[derive(Debug, Clone)]
enum Write {
    Set(usize, String),
    SetEx(usize, String, u64),
    Delete(usize),
}

/// What the database should hold: texts and expiries.
#[derive(Default)]
struct Model {
    documents: BTreeMap<String, (String, Option<u64>)>,
    indexes: BTreeSet<&'static str>,
}

struct World {
    bench: Bench,
    options: Options,
    db: Option<Database<MemoryFile>>,
    model: Model,
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (-3i32..4).prop_map(|number| number.to_string()),
        2 => (-3i32..4).prop_map(|number| format!("{number}.0")),
        2 => prop_oneof![Just("null"), Just("true"), Just("false"), Just("[]"), Just("[1]"), Just("{}"), Just(r#"{"z":1}"#)]
            .prop_map(str::to_owned),
        4 => "[ab]{0,2}".prop_map(|text| format!("{text:?}")),
        1 => "[ab]".prop_map(|end| format!("\"{}{end}\"", "long".repeat(400))),
    ]
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => values().prop_map(|x| format!("{{\"x\":{x}}}")),
        4 => (values(), values()).prop_map(|(x, z)| format!("{{ \"x\" : {x}, \"y\" : {{\"z\":{z}}} }}")),
        2 => values().prop_map(|y| format!("{{\"y\":{y}}}")),
        1 => values(),
    ]
}

fn writes() -> impl Strategy<Value = Write> {
    let key = 0..KEYS.len();
    prop_oneof![
        5 => (key.clone(), texts()).prop_map(|(key, text)| Write::Set(key, text)),
        2 => (key.clone(), texts(), 1u64..60).prop_map(|(key, text, ttl)| Write::SetEx(key, text, ttl)),
        2 => key.prop_map(Write::Delete),
    ]
}

fn ranges() -> impl Strategy<Value = Range> {
    let bound = || prop::option::of(prop::sample::select(&KEYS[..]).prop_map(str::to_owned));
    let prefix =
        prop::option::weighted(0.3, prop::sample::select(&["", "a", "a:", "b", "q"][..]).prop_map(str::to_owned));
    let limit = prop::option::weighted(0.3, 0u64..5);
    (bound(), bound(), any::<[bool; 3]>(), prefix, limit).prop_map(
        |(low, high, [above, below, reverse], prefix, limit)| {
            let (gt, gte) = if above { (low, None) } else { (None, low) };
            let (lt, lte) = if below { (high, None) } else { (None, high) };
            Range { gt, gte, lt, lte, prefix, limit, reverse }
        },
    )
}

fn conditions() -> impl Strategy<Value = String> {
    let equality = values().prop_filter("an object is a range", |value| !value.starts_with('{'));
    let numbers = (-3i32..4, -3i32..4, any::<bool>());
    prop_oneof![
        4 => equality,
        3 => (values(), prop::sample::select(&["gt", "gte", "lt", "lte"][..])).prop_map(|(value, operator)| format!("{{\"{operator}\":{value}}}")),
        2 => numbers.prop_map(|(low, high, open)| match open {
            true => format!("{{\"gt\":{low},\"lt\":{high}}}"),
            false => format!("{{\"gte\":{low},\"lte\":{high}}}"),
        }),
    ]
}

fn steps() -> impl Strategy<Value = Step> {
    let path = 0..PATHS.len();
    let key = 0..KEYS.len();
    let options =
        (any::<bool>(), prop::option::of(0u64..5)).prop_map(|(reverse, limit)| FindOptions { reverse, limit });
    prop_oneof![
        20 => writes().prop_map(Step::Write),
        4 => prop::collection::vec(writes(), 0..6).prop_map(Step::Commit),
        3 => prop::collection::vec(writes(), 0..6).prop_map(Step::Group),
        1 => ranges().prop_map(Step::DeleteRange),
        2 => (key.clone(), 1u64..60).prop_map(|(key, ttl)| Step::Expire(key, ttl)),
        1 => key.prop_map(Step::Persist),
        2 => path.clone().prop_map(Step::CreateIndex),
        2 => (path.clone(), 1usize..4).prop_map(|(path, budget)| Step::BuildIndex(path, budget)),
        1 => path.clone().prop_map(Step::DropIndex),
        10 => (path, conditions(), options).prop_map(|(path, condition, options)| Step::Find(path, condition, options)),
        3 => ranges().prop_map(Step::Scan),
        2 => (ranges(), 1usize..4).prop_map(|(range, size)| Step::Pages(range, size)),
        3 => (1u64..30).prop_map(Step::Wait),
        2 => Just(Step::Maintain),
        1 => Just(Step::Compact),
        2 => Just(Step::Reopen),
    ]
}

fn options() -> impl Strategy<Value = Options> {
    let durability =
        prop_oneof![Just(Durability::Always), Just(Durability::Never), Just(Durability::Periodic { interval_ms: 20 })];
    (durability, any::<[bool; 3]>()).prop_map(|(durability, [small_pages, small_memtable, compressed])| Options {
        durability,
        page_size: if small_pages { 512 } else { 8 << 10 },
        memtable_size: if small_memtable { 16 << 10 } else { 4 << 20 },
        compression: if compressed { Compression::Lz4 } else { Compression::None },
        ..Options::default()
    })
}

impl Model {
    fn write(&mut self, write: &Write, now_ms: u64) {
        match write {
            Write::Set(key, text) => self.documents.insert(KEYS[*key].to_owned(), (text.clone(), None)),
            Write::SetEx(key, text, ttl) => {
                self.documents.insert(KEYS[*key].to_owned(), (text.clone(), Some(now_ms + ttl)))
            }
            Write::Delete(key) => self.documents.remove(KEYS[*key]),
        };
    }

    fn forget_expired(&mut self, now_ms: u64) {
        self.documents.retain(|_, (_, expires_at)| expires_at.is_none_or(|at| at > now_ms));
    }

    fn in_range(&self, range: &Range) -> Vec<(String, String)> {
        let above = |key: &String| {
            range.gt.as_ref().is_none_or(|gt| key > gt) && range.gte.as_ref().is_none_or(|gte| key >= gte)
        };
        let below = |key: &String| {
            range.lt.as_ref().is_none_or(|lt| key < lt) && range.lte.as_ref().is_none_or(|lte| key <= lte)
        };
        let prefixed = |key: &String| range.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix));
        let inside = self.documents.iter().filter(|(key, _)| above(key) && below(key) && prefixed(key));
        let mut entries: Vec<_> = inside.map(|(key, (text, _))| (key.clone(), text.clone())).collect();
        if range.reverse {
            entries.reverse();
        }
        entries.truncate(range.limit.unwrap_or(u64::MAX) as usize);
        entries
    }
}

impl World {
    fn new(options: Options) -> Self {
        let bench = Bench::new();
        let db = Some(bench.open_with(options.clone()));
        Self { bench, options, db, model: Model::default() }
    }

    fn run(&mut self, step: &Step) {
        let now_ms = self.bench.clock.now_ms();
        self.model.forget_expired(now_ms);
        let (db, model) = (self.db.as_mut().unwrap(), &mut self.model);
        match step {
            Step::Write(write) => apply(db, model, write, now_ms),
            Step::Group(writes) => {
                db.group(|db| writes.iter().for_each(|write| apply(db, model, write, now_ms))).unwrap();
            }
            Step::Commit(writes) => {
                let transaction = writes.iter().try_fold(Transaction::new(), |transaction, write| match write {
                    Write::Set(key, text) => transaction.set_json(KEYS[*key], text),
                    Write::SetEx(key, text, ttl) => transaction.set_ex_json(KEYS[*key], text, ms(*ttl)),
                    Write::Delete(key) => transaction.delete(KEYS[*key]),
                });
                db.commit(transaction.unwrap()).unwrap();
                writes.iter().for_each(|write| model.write(write, now_ms));
            }
            Step::DeleteRange(range) => {
                let expected = model.in_range(range);
                assert_eq!(db.delete_range(range).unwrap(), expected.len() as u64);
                expected.iter().for_each(|(key, _)| drop(model.documents.remove(key)));
            }
            Step::Expire(key, ttl) => {
                let document = model.documents.get_mut(KEYS[*key]);
                assert_eq!(db.expire(KEYS[*key], ms(*ttl)).unwrap(), document.is_some());
                document.into_iter().for_each(|document| document.1 = Some(now_ms + ttl));
            }
            Step::Persist(key) => {
                let expiry = model.documents.get_mut(KEYS[*key]).and_then(|document| document.1.take());
                assert_eq!(db.persist(KEYS[*key]).unwrap(), expiry.is_some());
            }
            Step::CreateIndex(path) => {
                let ready = db.indexes().iter().any(|index| index.path == PATHS[*path] && index.ready);
                assert_eq!(db.create_index(PATHS[*path]).unwrap(), !ready);
                model.indexes.insert(PATHS[*path]);
            }
            Step::BuildIndex(path, budget) => {
                db.create_index_step(PATHS[*path], *budget).unwrap();
                model.indexes.insert(PATHS[*path]);
            }
            Step::DropIndex(path) => {
                assert_eq!(db.drop_index(PATHS[*path]).unwrap(), model.indexes.remove(PATHS[*path]));
            }
            Step::Find(path, condition, options) => {
                let found = db.find(PATHS[*path], &Condition::parse(condition).unwrap(), options).unwrap();
                assert_eq!(found, find_in(&model.in_range(&Range::all()), PATHS[*path], condition, *options));
            }
            Step::Scan(range) => assert_eq!(db.entries_json(range).unwrap(), model.in_range(range)),
            Step::Pages(range, size) => check_pages(db, model, range, *size),
            Step::Wait(time_ms) => self.bench.clock.advance_ms(*time_ms),
            Step::Maintain => drop(db.maintain(64 << 10).unwrap()),
            Step::Compact => db.compact().unwrap(),
            Step::Reopen => {
                self.db.take().unwrap().close().unwrap();
                self.db = Some(self.bench.open_with(self.options.clone()));
            }
        }
    }

    fn check(&mut self) {
        let now_ms = self.bench.clock.now_ms();
        self.model.forget_expired(now_ms);
        let (db, model) = (self.db.as_ref().unwrap(), &self.model);
        assert_eq!(db.entries_json(&Range::all()).unwrap(), model.in_range(&Range::all()));
        assert_eq!(db.count(&Range::all()).unwrap(), model.documents.len() as u64);
        assert_eq!(
            db.indexes().into_iter().map(|index| index.path).collect::<BTreeSet<_>>(),
            model.indexes.iter().map(|path| (*path).to_owned()).collect()
        );
        for key in KEYS {
            let document = model.documents.get(key);
            assert_eq!(db.get_json(key).unwrap().as_ref(), document.map(|(text, _)| text));
            let ttl = match document {
                None => Ttl::Missing,
                Some((_, None)) => Ttl::Forever,
                Some((_, Some(at))) => Ttl::Left(ms(at - now_ms)),
            };
            assert_eq!(db.ttl(key).unwrap(), ttl);
        }
        assert_sound(db);
    }
}

fn apply(db: &mut Database<MemoryFile>, model: &mut Model, write: &Write, now_ms: u64) {
    match write {
        Write::Set(key, text) => drop(db.set_json(KEYS[*key], text).unwrap()),
        Write::SetEx(key, text, ttl) => drop(db.set_ex_json(KEYS[*key], text, ms(*ttl)).unwrap()),
        Write::Delete(key) => assert_eq!(db.delete(KEYS[*key]).unwrap(), model.documents.contains_key(KEYS[*key])),
    }
    model.write(write, now_ms);
}

fn check_pages(db: &mut Database<MemoryFile>, model: &mut Model, range: &Range, size: usize) {
    let expected = model.in_range(&Range { limit: None, ..range.clone() });
    let range = Range { limit: None, ..range.clone() };
    let snapshot = db.snapshot().unwrap();
    let limits = PageLimits { documents: size, ..PageLimits::default() };
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = db.scan_page(&range, snapshot, after.as_deref(), limits).unwrap();
        seen.extend(page.documents.into_iter().map(|document| (document.key, document.json)));
        after = seen.last().map(|(key, _)| key.clone());
        if !page.more {
            break;
        }
        // What happens between the pages is not seen.
        db.set_json("q", "{\"x\":0}").unwrap();
        model.documents.insert("q".to_owned(), ("{\"x\":0}".to_owned(), None));
    }
    db.release(snapshot);
    assert_eq!(seen, expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_database_agrees_with_a_map(options in options(), steps in prop::collection::vec(steps(), 1..80)) {
        let mut world = World::new(options);
        for step in &steps {
            world.run(step);
        }
        world.check();
        world.run(&Step::Reopen);
        world.check();
    }
}
