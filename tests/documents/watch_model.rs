//! Replicas that are kept by what watches tell: whatever is written, dropped and expires, and wherever they go on from, they
//! hold what the database holds.

use crate::support::{Bench, assert_sound, ms};
use ferrolite::{
    Change, ChangeHistory, ChangeKind, Database, ErrorCode, Options, PageLimits, Range, Transaction, WatchOptions,
    Watcher, fs::MemoryFile,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

const COLLECTIONS: [&str; 3] = ["", "users", "log"];

#[derive(Debug, Clone)]
enum Step {
    Set(usize, u8, Option<u64>),
    Delete(usize, u8),
    DeleteRange(usize, u8),
    Expire(usize, u8, u64),
    Persist(usize, u8),
    Rename(usize, u8, u8),
    Commit(Vec<(usize, u8, Option<Option<u64>>)>),
    Group(Vec<(usize, u8)>),
    DropCollection(usize),
    Index(usize),
    Wait(u64),
    Maintain,
    Compact,
    /// Closes and opens it; without a history when that is said.
    Reopen(bool),
    /// The replica is told of what has changed.
    Look,
    /// The watcher is gone; another goes on where it was.
    Resume,
}

fn steps() -> impl Strategy<Value = Step> {
    let (collection, key) = (0..COLLECTIONS.len(), 0u8..5);
    let place = (collection.clone(), key.clone());
    let ttl = || prop::option::of(1u64..60);
    prop_oneof![
        8 => (place.clone(), ttl()).prop_map(|((of, key), ttl)| Step::Set(of, key, ttl)),
        3 => place.clone().prop_map(|(of, key)| Step::Delete(of, key)),
        1 => place.clone().prop_map(|(of, key)| Step::DeleteRange(of, key)),
        2 => (place.clone(), 1u64..60).prop_map(|((of, key), ttl)| Step::Expire(of, key, ttl)),
        1 => place.clone().prop_map(|(of, key)| Step::Persist(of, key)),
        1 => (place.clone(), key.clone()).prop_map(|((of, from), to)| Step::Rename(of, from, to)),
        2 => prop::collection::vec((collection.clone(), key.clone(), prop::option::of(ttl())), 1..6).prop_map(Step::Commit),
        2 => prop::collection::vec(place, 1..6).prop_map(Step::Group),
        1 => collection.clone().prop_map(Step::DropCollection),
        1 => collection.prop_map(Step::Index),
        4 => (1u64..40).prop_map(Step::Wait),
        1 => Just(Step::Maintain),
        1 => Just(Step::Compact),
        2 => prop::bool::weighted(0.8).prop_map(Step::Reopen),
        4 => Just(Step::Look),
        3 => Just(Step::Resume),
    ]
}

/// What a replica knows of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    version: u64,
    expires_at: Option<u64>,
}

/// A copy of the keys, versions and expiries of a database.
#[derive(Default)]
struct Replica {
    documents: BTreeMap<(String, String), Known>,
    version: u64,
    is_told_of_expiries: bool,
}

impl Replica {
    fn take(&mut self, change: &Change) {
        assert!(change.version >= self.version, "{change:?} comes too late");
        let place = (change.collection.clone(), change.key.clone());
        let old = match change.kind {
            ChangeKind::Set => {
                let known = Known { version: change.version, expires_at: change.expires_at };
                self.documents.insert(place, known)
            }
            ChangeKind::Drop => {
                self.documents.retain(|(collection, _), _| *collection != change.collection);
                None
            }
            _ => {
                let old = self.documents.remove(&place);
                assert!(old.is_some(), "{change:?}: there is no such document");
                old
            }
        };
        // An expiry from before this watch began is not told.
        let old = old.filter(|_| change.old_version != 0 || self.is_told_of_expiries);
        assert_eq!(old.map_or(0, |old| old.version), change.old_version, "{change:?}");
        self.version = change.version;
    }

    /// Drops what has expired while nobody watched.
    fn drop_expired(&mut self, now_ms: u64) {
        self.documents.retain(|_, known| known.expires_at.is_none_or(|at| at > now_ms));
    }
}

struct World {
    bench: Bench,
    db: Database<MemoryFile>,
    watcher: Option<Watcher>,
    replica: Replica,
}

fn options(keeps_history: bool) -> Options {
    let change_history = keeps_history.then_some(ChangeHistory { seconds: 1 });
    // Small, so that some fall behind.
    Options { change_history, watch_buffer: 4000, ..Options::default() }
}

impl World {
    fn new() -> Self {
        let bench = Bench::new();
        let mut db = bench.open_with(options(true));
        let watcher = Some(db.watch_all(&WatchOptions::default()).unwrap());
        Self { bench, db, watcher, replica: Replica { is_told_of_expiries: true, ..Replica::default() } }
    }

    fn now_ms(&self) -> u64 {
        ferrolite::Environment::now_ms(&self.bench.clock)
    }

    /// What is in the database.
    fn documents(&self) -> BTreeMap<(String, String), Known> {
        let mut found = BTreeMap::new();
        for name in COLLECTIONS {
            let scan = |scan: ferrolite::Scan<'_, MemoryFile>| {
                scan.map(|document| {
                    let document = document.unwrap();
                    let known = Known { version: document.version, expires_at: document.expires_at };
                    ((name.to_owned(), document.key), known)
                })
                .collect::<Vec<_>>()
            };
            match name {
                "" => found.extend(scan(self.db.scan(&Range::all()).unwrap())),
                name => found.extend(scan(self.db.collection(name).unwrap().scan(&Range::all()).unwrap())),
            }
        }
        found
    }

    /// Begins the replica and its watch anew.
    fn begin(&mut self) {
        self.watcher = Some(self.db.watch_all(&WatchOptions::default()).unwrap());
        let (documents, version) = (self.documents(), self.db.version());
        self.replica = Replica { documents, version, is_told_of_expiries: true };
    }

    fn look(&mut self) {
        if self.watcher.is_none() {
            self.resume();
        }
        loop {
            let watcher = self.watcher.as_mut().unwrap();
            match self.db.changes(watcher, PageLimits { documents: 3, ..PageLimits::default() }) {
                Ok(changes) if changes.is_empty() => break,
                Ok(changes) => changes.iter().for_each(|change| self.replica.take(change)),
                Err(error) => {
                    assert_eq!(error.code(), ErrorCode::ChangesLost);
                    self.begin();
                }
            }
        }
        // From now on all that expires was told by this watch.
        if !self.replica.is_told_of_expiries {
            self.replica.drop_expired(self.now_ms());
            self.replica.is_told_of_expiries = true;
        }
        self.replica.version = self.watcher.as_ref().unwrap().version();
        assert_eq!(self.replica.documents, self.documents());
    }

    fn resume(&mut self) {
        self.watcher = None;
        let since = WatchOptions { since: Some(self.replica.version), ..WatchOptions::default() };
        match self.db.watch_all(&since) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.replica.is_told_of_expiries = false;
            }
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::ChangesLost);
                self.begin();
            }
        }
    }

    fn run(&mut self, step: Step) {
        let db = &mut self.db;
        match step {
            Step::Set(of, key, ttl) => set(db, of, key, ttl),
            Step::Delete(of, key) => match COLLECTIONS[of] {
                "" => drop(db.delete(&format!("{key}")).unwrap()),
                name => drop(db.collection_mut(name).unwrap().delete(&format!("{key}")).unwrap()),
            },
            Step::DeleteRange(of, key) => {
                let range = Range::all().gte(format!("{key}"));
                match COLLECTIONS[of] {
                    "" => drop(db.delete_range(&range).unwrap()),
                    name => drop(db.collection_mut(name).unwrap().delete_range(&range).unwrap()),
                }
            }
            Step::Expire(of, key, ttl) => match COLLECTIONS[of] {
                "" => drop(db.expire(&format!("{key}"), ms(ttl)).unwrap()),
                name => drop(db.collection_mut(name).unwrap().expire(&format!("{key}"), ms(ttl)).unwrap()),
            },
            Step::Persist(of, key) => match COLLECTIONS[of] {
                "" => drop(db.persist(&format!("{key}")).unwrap()),
                name => drop(db.collection_mut(name).unwrap().persist(&format!("{key}")).unwrap()),
            },
            Step::Rename(of, from, to) => match COLLECTIONS[of] {
                "" => drop(db.rename(&format!("{from}"), &format!("{to}")).unwrap()),
                name => {
                    let mut collection = db.collection_mut(name).unwrap();
                    collection.rename(&format!("{from}"), &format!("{to}")).unwrap();
                }
            },
            Step::Commit(writes) => {
                let transaction = writes.into_iter().fold(Transaction::new(), |transaction, (of, key, write)| {
                    let transaction = match COLLECTIONS[of] {
                        "" => transaction.default_collection(),
                        name => transaction.collection(name).unwrap(),
                    };
                    let key = format!("{key}");
                    match write {
                        None => transaction.delete(&key).unwrap(),
                        Some(None) => transaction.set(&key, &1).unwrap(),
                        Some(Some(ttl)) => transaction.set_ex(&key, &1, ms(ttl)).unwrap(),
                    }
                });
                db.commit(transaction).unwrap();
            }
            Step::Group(writes) => {
                db.group(|db| writes.into_iter().for_each(|(of, key)| set(db, of, key, None))).unwrap();
            }
            Step::DropCollection(of) => {
                if of > 0 {
                    db.drop_collection(COLLECTIONS[of]).unwrap();
                }
            }
            Step::Index(of) => match COLLECTIONS[of] {
                "" => drop(db.create_index("x").unwrap()),
                name => drop(db.collection_mut(name).unwrap().create_index("x").unwrap()),
            },
            Step::Wait(time_ms) => self.bench.clock.advance_ms(time_ms),
            Step::Maintain => while db.maintain(1 << 20).unwrap() {},
            Step::Compact => db.compact().unwrap(),
            Step::Reopen(keeps_history) => {
                self.watcher = None;
                let db = std::mem::replace(db, Bench::new().open());
                db.close().unwrap();
                self.db = self.bench.open_with(options(keeps_history));
            }
            Step::Look => self.look(),
            Step::Resume => self.resume(),
        }
    }
}

fn set(db: &mut Database<MemoryFile>, of: usize, key: u8, ttl: Option<u64>) {
    let key = format!("{key}");
    let transaction = match COLLECTIONS[of] {
        "" => Transaction::new(),
        name => Transaction::new().collection(name).unwrap(),
    };
    let transaction = match ttl {
        Some(ttl) => transaction.set_ex(&key, &1, ms(ttl)).unwrap(),
        None => transaction.set(&key, &1).unwrap(),
    };
    db.commit(transaction).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_replica_holds_what_the_database_holds(steps in prop::collection::vec(steps(), 1..80)) {
        let mut world = World::new();
        for step in steps {
            world.run(step);
        }
        world.look();
        assert_sound(&world.db);
    }
}
