//! Versions of commits that a crash has lost are never used again: whoever has seen one gets an error.

use crate::support::{Clock, assert_sound, code, open};
use ferrolite::fs::simulated::{Recovery, Simulated, SimulatedFile};
use ferrolite::{
    ChangeHistory, Database, Durability, Error, ErrorCode, Options, PageLimits, Range, SetOptions, WatchOptions,
};

struct Bench {
    fs: Simulated,
    clock: Clock,
    options: Options,
}

impl Bench {
    fn new(durability: Durability, has_history: bool) -> Self {
        let change_history = has_history.then_some(ChangeHistory { seconds: 86_400 });
        let options = Options { durability, change_history, ..Options::default() };
        Self { fs: Simulated::new(7), clock: Clock::new(), options }
    }

    fn open(&self) -> Database<SimulatedFile> {
        open(&self.fs, &self.clock, self.options.clone()).unwrap()
    }

    /// The power fails, and nothing is left of what was not flushed.
    fn lose_power(&self, db: Database<SimulatedFile>) -> Database<SimulatedFile> {
        self.fs.crash_now();
        drop(db);
        self.fs.restart(Recovery::LoseAll);
        self.open()
    }
}

const DURABILITIES: [Durability; 2] = [Durability::Never, Durability::Periodic { interval_ms: 60_000 }];

fn if_version(version: u64) -> SetOptions {
    SetOptions { if_version: Some(version), ..SetOptions::default() }
}

/// The keys that have changed behind a version.
fn changed(db: &mut Database<SimulatedFile>, since: u64) -> Result<Vec<String>, Error> {
    let mut watcher = db.watch(&Range::all(), &WatchOptions { since: Some(since), ..WatchOptions::default() })?;
    let mut keys = Vec::new();
    loop {
        let changes = db.changes(&mut watcher, PageLimits { documents: 2, ..PageLimits::default() })?;
        if changes.is_empty() {
            return Ok(keys);
        }
        keys.extend(changes.into_iter().map(|change| change.key));
    }
}

#[test]
fn a_version_that_a_crash_has_lost_is_a_conflict() {
    for durability in DURABILITIES {
        let bench = Bench::new(durability, false);
        let mut db = bench.open();
        db.set("kept", &1).unwrap();
        db.flush().unwrap();
        let kept = db.version();
        let seen: Vec<_> = (0..5).map(|n| db.set("doc", &n).unwrap()).collect();
        let mut db = bench.lose_power(db);
        assert_eq!(db.version(), kept);
        let written: Vec<_> = (0..5).map(|n| db.set("doc", &format!("another's {n}")).unwrap()).collect();
        assert!(written.iter().all(|version| !seen.contains(version) && *version > seen[4]), "{seen:?} {written:?}");
        for lost in seen {
            assert_eq!(code(db.set_json_with("doc", "0", if_version(lost))), ErrorCode::Conflict);
        }
        db.set_json_with("doc", "0", if_version(written[4])).unwrap();
        db.set_json_with("kept", "0", if_version(kept)).unwrap();
        assert_sound(&db);
    }
}

#[test]
fn changes_since_a_lost_version_are_lost() {
    for durability in DURABILITIES {
        let bench = Bench::new(durability, true);
        let mut db = bench.open();
        let first = db.set("first", &1).unwrap();
        // A commit that has changed no document.
        db.create_index("x").unwrap();
        db.flush().unwrap();
        let kept = db.version();
        let lost: Vec<_> = (0..5).map(|n| db.set("doc", &n).unwrap()).collect();
        let mut db = bench.lose_power(db);
        let check = |db: &mut Database<SimulatedFile>, behind: &[&str]| {
            for since in lost.iter().copied().chain([lost[4] + 1, lost[4] + 1000]) {
                let Err(Error::ChangesLost { oldest, .. }) = changed(db, since) else { panic!("{since} was lost") };
                assert!(oldest <= kept, "{oldest}");
                changed(db, oldest).unwrap();
            }
            assert_eq!(changed(db, kept).unwrap(), behind);
            assert_eq!(changed(db, first).unwrap(), behind);
            assert_eq!(changed(db, 0).unwrap(), [&["first"], behind].concat());
        };
        check(&mut db, &[]);
        let mut watcher = db.watch_all(&WatchOptions::default()).unwrap();
        let new = db.set("new", &1).unwrap();
        check(&mut db, &["new"]);
        assert_eq!(db.changes(&mut watcher, PageLimits::default()).unwrap().len(), 1);
        drop(watcher);
        assert!(changed(&mut db, new).unwrap().is_empty());
        // The file says where the gap is.
        db.close().unwrap();
        let mut db = bench.open();
        check(&mut db, &["new"]);
        db.set("newer", &1).unwrap();
        check(&mut db, &["new", "newer"]);
        db.flush().unwrap();
        // And a second time.
        let lost_again = db.set("doc", &9).unwrap();
        let mut db = bench.lose_power(db);
        check(&mut db, &["new", "newer"]);
        db.set("newest", &1).unwrap();
        check(&mut db, &["new", "newer", "newest"]);
        assert_eq!(code(changed(&mut db, lost_again)), ErrorCode::ChangesLost);
        assert_sound(&db);
    }
}

#[test]
fn the_history_goes_on_over_a_session_that_commits_nothing() {
    let bench = Bench::new(Durability::Never, true);
    let mut db = bench.open();
    let first = db.set("first", &1).unwrap();
    drop(db);
    // It was killed; the next one flushes what it finds, and closes.
    let mut db = bench.open();
    db.flush().unwrap();
    db.close().unwrap();
    let mut db = bench.open();
    db.set("second", &1).unwrap();
    assert_eq!(changed(&mut db, first).unwrap(), ["second"]);
    assert_eq!(changed(&mut db, 0).unwrap(), ["first", "second"]);
}

#[test]
fn closing_leaves_no_numbers_out() {
    let bench = Bench::new(Durability::Always, false);
    for n in 1..5 {
        let mut db = bench.open();
        assert_eq!(db.set("k", &n).unwrap(), n);
        db.close().unwrap();
    }
    // Reading does not either, nor opening again and again.
    let mut db = bench.open();
    db.set("k", &5).unwrap();
    drop(db);
    let version = (0..3).map(|_| bench.open().version()).collect::<Vec<_>>();
    assert_eq!(version, [5, 5, 5]);
    assert_eq!(bench.open().set("k", &6).unwrap(), 6 + (1 << 20));
}

#[test]
fn what_was_begun_with_a_lost_version_does_not_go_on() {
    let bench = Bench::new(Durability::Never, true);
    let mut db = bench.open();
    db.set("k", &0).unwrap();
    db.flush().unwrap();
    db.group(|db| (0..2000).try_for_each(|n| db.set("k", &n).map(drop))).unwrap().unwrap();
    let lost = db.version();
    let mut db = bench.lose_power(db);
    let open = db.begin().unwrap();
    db.set("k", &1).unwrap();
    let mut open = open;
    open.on(&db).set("k", &2).unwrap();
    let committed = db.commit_open(open).unwrap();
    assert!(committed > lost);
    assert_eq!(code(db.set_json_with("k", "0", if_version(lost))), ErrorCode::Conflict);
}
