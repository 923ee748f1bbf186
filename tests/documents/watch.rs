//! Watches tell every committed change once, in the order of the commits; and never what was not committed.

use crate::support::{Bench, Clock, assert_sound, code, ms, open};
use ferrolite::fs::simulated::{Fault, Operation, Simulated};
use ferrolite::{
    Change, ChangeHistory, ChangeKind, Database, Error, ErrorCode, Options, PageLimits, Range, Transaction,
    WatchOptions, Watcher, fs::File,
};

/// Changes in short: `+key` set, `~key` set over another version, `-key` deleted, `!key` expired, `x` dropped; in a named
/// collection behind its name and a slash.
fn short(changes: &[Change]) -> Vec<String> {
    let in_short = |change: &Change| {
        let sign = match change.kind {
            ChangeKind::Set if change.old_version == 0 => "+",
            ChangeKind::Set => "~",
            ChangeKind::Delete => "-",
            ChangeKind::Expire => "!",
            _ => "x",
        };
        let slash = if change.collection.is_empty() { "" } else { "/" };
        format!("{}{slash}{sign}{}", change.collection, change.key)
    };
    changes.iter().map(in_short).collect()
}

fn all<F: File>(db: &Database<F>, watcher: &mut Watcher) -> Vec<Change> {
    let mut found = Vec::new();
    loop {
        let more = db.changes(watcher, PageLimits { documents: 2, ..PageLimits::default() }).unwrap();
        if more.is_empty() {
            assert!(!db.may_have_changes(watcher));
            return found;
        }
        assert!(more.len() <= 2);
        found.extend(more);
    }
}

fn since(version: u64) -> WatchOptions {
    WatchOptions { since: Some(version), ..WatchOptions::default() }
}

fn with_history(seconds: u64) -> Options {
    Options { change_history: Some(ChangeHistory { seconds }), ..Options::default() }
}

#[test]
fn each_change_is_told_once_and_in_order() {
    let mut db = Bench::new().open();
    db.set("before", &1).unwrap();
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    let first = db.set("a", &1).unwrap();
    let second = db.set("a", &2).unwrap();
    db.delete("before").unwrap();
    assert!(!db.delete("before").unwrap(), "what changes nothing is not told");
    db.commit(Transaction::new().set("c", &1).unwrap().set("b", &1).unwrap().delete("none").unwrap()).unwrap();
    db.rename("b", "d").unwrap();
    db.increment("c", 1).unwrap();
    let last = db.delete_range(&Range::all().gte("c")).map(|_| db.version()).unwrap();
    let changes = all(&db, &mut watcher);
    assert_eq!(short(&changes), ["+a", "~a", "-before", "+b", "+c", "-b", "+d", "~c", "-c", "-d"]);
    assert_eq!((changes[0].version, changes[0].old_version), (first, 0));
    assert_eq!((changes[1].version, changes[1].old_version), (second, first));
    assert!(changes.iter().zip(&changes[1..]).all(|(one, next)| one.version <= next.version));
    assert_eq!((changes.last().unwrap().version, watcher.version()), (last, last));
    // Of a version that is not the newest there is no document any more.
    let documents: Vec<_> = changes.iter().map(|change| change.json.as_deref()).collect();
    assert_eq!(documents[..3], [None, Some("2"), None]);
    assert!(all(&db, &mut watcher).is_empty());
    db.set("e", &7).unwrap();
    assert_eq!(all(&db, &mut watcher)[0].json.as_deref(), Some("7"));
}

#[test]
fn only_what_lies_in_the_range_is_told() {
    let mut db = Bench::new().open();
    let mut key = db.watch(&Range::all().gte("b").lte("b"), &WatchOptions::default()).unwrap();
    let mut prefix = db.watch(&Range::prefix("a"), &WatchOptions::default()).unwrap();
    let mut users = db.collection_mut("users").unwrap().watch(&Range::all(), &WatchOptions::default()).unwrap();
    let mut everything = db.watch_all(&WatchOptions { without_values: true, ..WatchOptions::default() }).unwrap();
    for name in ["a", "ab", "b", "c"] {
        db.set(name, &1).unwrap();
    }
    db.collection_mut("users").unwrap().set("b", &2).unwrap();
    db.create_index("x").unwrap();
    assert_eq!(short(&all(&db, &mut key)), ["+b"]);
    assert_eq!(short(&all(&db, &mut prefix)), ["+a", "+ab"]);
    let changes = all(&db, &mut users);
    assert_eq!((short(&changes), changes[0].json.as_deref()), (vec!["users/+b".to_owned()], Some("2")));
    let changes = all(&db, &mut everything);
    assert_eq!(short(&changes), ["+a", "+ab", "+b", "+c", "users/+b"]);
    assert!(changes.iter().all(|change| change.json.is_none()));
    for range in [Range::all().limit(1), Range::all().reverse(), Range::all().gt("a").gte("a")] {
        assert_eq!(code(db.watch(&range, &WatchOptions::default())), ErrorCode::InvalidRange);
    }
    // Perhaps it was committed, and a crash has lost it.
    assert_eq!(code(db.watch(&Range::all(), &since(1000))), ErrorCode::ChangesLost);
}

#[test]
fn a_dropped_collection_is_one_change() {
    let bench = Bench::new();
    let mut db = bench.open();
    let mut users = db.collection_mut("users").unwrap();
    users.set("a", &1).unwrap();
    users.set_ex("b", &1, ms(10)).unwrap();
    let mut watcher = users.watch(&Range::prefix("a"), &WatchOptions::default()).unwrap();
    let mut everything = db.watch_all(&WatchOptions::default()).unwrap();
    db.drop_collection("users").unwrap();
    db.collection_mut("users").unwrap().set("a", &2).unwrap();
    bench.clock.advance_ms(20);
    assert_eq!(short(&all(&db, &mut watcher)), ["users/x", "users/+a"]);
    assert_eq!(short(&all(&db, &mut everything)), ["users/x", "users/+a"]);
}

#[test]
fn a_group_that_fails_is_not_told() {
    let fs = Simulated::new(1);
    let mut db = open(&fs, &Clock::new(), with_history(60)).unwrap();
    db.set("a", &1).unwrap();
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    db.begin_group();
    db.set("b", &1).unwrap();
    assert!(all(&db, &mut watcher).is_empty(), "it is not acknowledged yet");
    db.finish_group().unwrap();
    fs.fail_call(Some(Operation::Write), 1, Fault::Io, false);
    let failed = db.group(|db| {
        db.set("a", &2).unwrap();
        db.delete("b").unwrap();
        db.collection_mut("new").unwrap().set("b", &2).unwrap();
    });
    assert_eq!(code(failed), ErrorCode::Io);
    db.set("c", &3).unwrap();
    assert_eq!(short(&all(&db, &mut watcher)), ["+b", "+c"]);
    assert_eq!(short(&behind(&mut db, 0)), ["+a", "+b", "+c"], "nor does the history know of it");
    assert_sound(&db);
}

/// All changes behind a version.
fn behind<F: File>(db: &mut Database<F>, version: u64) -> Vec<Change> {
    let mut watcher = db_since(db, version);
    all(db, &mut watcher)
}

fn db_since<F: File>(db: &mut Database<F>, version: u64) -> Watcher {
    db.watch_all(&since(version)).unwrap()
}

#[test]
fn every_fault_is_told_as_it_ends() {
    // Whatever call of the host fails: the changes say what the documents say, in memory and in the history.
    for call in 1..60 {
        for fault in [Fault::Io, Fault::StorageFull] {
            let fs = Simulated::new(call);
            let mut db = open(&fs, &Clock::new(), with_history(60)).unwrap();
            let mut watcher = db.watch_all(&WatchOptions::default()).unwrap();
            fs.fail_call(None, call, fault, false);
            for n in 0..8_u64 {
                db.begin_group();
                let _ = db.set(&format!("{}", n % 3), &n);
                let _ = db.delete(&format!("{}", (n + 1) % 3));
                let _ = db.finish_group();
            }
            let Ok(entries) = db.entries::<u64>(&Range::all()) else { continue };
            let keys: Vec<_> = entries.into_iter().map(|(key, _)| key).collect();
            assert_eq!(replayed(&all(&db, &mut watcher)), keys, "call {call} {fault:?}");
            if let Ok(mut watcher) = db.watch_all(&since(0)) {
                assert_eq!(replayed(&all(&db, &mut watcher)), keys, "call {call} {fault:?}");
            }
        }
    }
}

fn replayed(changes: &[Change]) -> Vec<String> {
    let mut keys = std::collections::BTreeMap::new();
    for change in changes {
        let old = match change.kind {
            ChangeKind::Set => keys.insert(change.key.clone(), change.version),
            _ => keys.remove(&change.key),
        };
        assert_eq!(old.unwrap_or(0), change.old_version, "{change:?}");
    }
    keys.into_keys().collect()
}

#[test]
fn what_expires_is_told_when_reads_see_it_no_more() {
    let bench = Bench::new();
    let mut db = bench.open();
    let version = db.set_ex("old", &1, ms(50)).unwrap();
    db.set_ex("gone", &1, ms(5)).unwrap();
    db.set("stays", &1).unwrap();
    db.compact().unwrap();
    bench.clock.advance_ms(10);
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    assert_eq!(db.next_expiry(&watcher), Some(ms(40)));
    db.set_ex("new", &1, ms(30)).unwrap();
    db.set_ex("persists", &1, ms(30)).unwrap();
    db.set_ex("goes", &1, ms(30)).unwrap();
    db.set_ex("is put off", &1, ms(30)).unwrap();
    db.persist("persists").unwrap();
    db.delete("goes").unwrap();
    db.expire("is put off", ms(60)).unwrap();
    assert_eq!(all(&db, &mut watcher).len(), 7);
    bench.clock.advance_ms(29);
    assert!(all(&db, &mut watcher).is_empty() && db.has("new").unwrap());
    bench.clock.advance_ms(1);
    assert!(db.may_have_changes(&watcher) && !db.has("new").unwrap());
    assert_eq!(short(&all(&db, &mut watcher)), ["!new"]);
    bench.clock.advance_ms(10);
    let changes = all(&db, &mut watcher);
    assert_eq!((short(&changes), changes[0].old_version), (vec!["!old".to_owned()], version));
    assert!(!db.delete("old").unwrap());
    db.set("new", &2).unwrap();
    bench.clock.advance_ms(1000);
    assert_eq!(short(&all(&db, &mut watcher)), ["+new", "!is put off"]);
    assert_eq!(db.next_expiry(&watcher), None);
}

#[test]
fn expiries_come_between_the_commits_where_they_belong() {
    let bench = Bench::new();
    let mut db = bench.open();
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    db.set_ex("a", &1, ms(10)).unwrap();
    bench.clock.advance_ms(10);
    let version = db.set("b", &1).unwrap();
    db.set_ex("a", &2, ms(10)).unwrap();
    bench.clock.advance_ms(10);
    db.delete("a").unwrap();
    // What is written with an expiry in the past is deleted by that.
    db.commit(Transaction::new().set_until_json("b", "1", 5).unwrap().set_until_json("c", "1", 5).unwrap()).unwrap();
    let changes = all(&db, &mut watcher);
    assert_eq!(short(&changes), ["+a", "!a", "+b", "+a", "!a", "-b"]);
    assert_eq!((changes[2].version, changes[5].old_version), (version, version));
}

#[test]
fn a_clock_that_is_set_back_leaves_no_document_behind() {
    let bench = Bench::new();
    let mut db = bench.open();
    let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    db.set_ex("a", &1, ms(10)).unwrap();
    all(&db, &mut watcher);
    bench.clock.advance_ms(10);
    db.compact().unwrap();
    bench.clock.set_back_ms(5);
    db.set("a", &2).unwrap();
    assert_eq!(short(&all(&db, &mut watcher)), ["!a", "+a"]);
}

#[test]
fn who_falls_too_far_behind_is_told_so() {
    let mut db = Bench::new().open_with(Options { watch_buffer: 2000, ..Options::default() });
    let mut slow = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    let mut quick = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    let first = db.version();
    for n in 0..100 {
        db.set("a", &n).unwrap();
        assert_eq!(all(&db, &mut quick).len(), 1);
    }
    let Err(Error::ChangesLost { since: lost, oldest }) = db.changes(&mut slow, PageLimits::default()) else {
        panic!("changes are missing");
    };
    assert!(lost == first && oldest > first);
    assert_eq!(code(db.changes(&mut slow, PageLimits::default())), ErrorCode::ChangesLost, "it is so for good");
    assert_eq!(code(db.watch(&Range::all(), &since(oldest - 1))), ErrorCode::ChangesLost);
    let mut again = db.watch(&Range::all(), &since(oldest)).unwrap();
    assert_eq!(all(&db, &mut again).len() as u64, db.version() - oldest);
}

#[test]
fn the_history_serves_who_falls_behind() {
    let mut db = Bench::new().open_with(Options { watch_buffer: 2000, ..with_history(60) });
    let mut slow = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    for n in 0..3000 {
        db.set(&format!("{}-{n}", "key".repeat(50)), &n).unwrap();
    }
    let changes = all(&db, &mut slow);
    let versions: Vec<_> = changes.iter().map(|change| change.version).collect();
    assert_eq!(versions, (1..=3000).collect::<Vec<_>>());
}

#[test]
fn a_watch_goes_on_from_a_version() {
    let bench = Bench::new();
    let mut db = bench.open_with(with_history(60));
    let first = db.set("a", &1).unwrap();
    db.collection_mut("users").unwrap().set("b", &1).unwrap();
    db.create_index("x").unwrap();
    assert!(db.delete("a").unwrap());
    db.close().unwrap();
    let mut db = bench.open_with(with_history(60));
    let reopened = db.version();
    assert!(behind(&mut db, reopened).is_empty());
    db.drop_collection("users").unwrap();
    db.set_many((0..5).map(|n| (format!("{n}"), n))).unwrap();
    let rest = ["-a", "users/x", "+0", "+1", "+2", "+3", "+4"];
    assert_eq!(short(&behind(&mut db, first))[1..], rest);
    assert_eq!(short(&behind(&mut db, 0))[..2], ["+a", "users/+b"]);
    let mut from_both = db_since(&mut db, reopened);
    db.set("late", &1).unwrap();
    assert_eq!(short(&all(&db, &mut from_both)).last().unwrap(), "+late");
    // Who only reads can look at it, too.
    let last = db.version();
    db.close().unwrap();
    let mut db = bench.open_with(Options { read_only: true, ..Options::default() });
    let changes = behind(&mut db, reopened);
    assert_eq!((changes.len(), changes.last().unwrap().version), (7, last));
    assert_sound(&db);
}

#[test]
fn commits_without_a_history_break_it() {
    let bench = Bench::new();
    let mut db = bench.open_with(with_history(60));
    db.set("a", &1).unwrap();
    let noted = db.version();
    db.close().unwrap();
    // Opened and closed, it goes on.
    bench.open().close().unwrap();
    let mut db = bench.open();
    assert_eq!(short(&behind(&mut db, 0)), ["+a"]);
    // In between: what was noted before and what is seen by a watch follow on each other.
    let mut watcher = db_since(&mut db, 0);
    db.set("b", &1).unwrap();
    assert_eq!(short(&all(&db, &mut watcher)), ["+a", "+b"]);
    drop(watcher);
    db.set("c", &1).unwrap();
    assert_eq!(code(db.watch_all(&since(noted))), ErrorCode::ChangesLost);
    db.close().unwrap();
    for _ in 0..2 {
        let mut db = bench.open_with(with_history(60));
        let begun = db.version();
        db.set("d", &1).unwrap();
        let Err(Error::ChangesLost { since: 1, oldest }) = db.watch_all(&since(1)) else { panic!("there is a gap") };
        assert!(oldest <= begun && !behind(&mut db, oldest).is_empty());
        assert_eq!(code(db.watch_all(&since(oldest - 1))), ErrorCode::ChangesLost);
        db.close().unwrap();
    }
}

#[test]
fn the_history_goes_after_its_time() {
    let bench = Bench::new();
    let mut db = bench.open_with(with_history(10));
    db.set("a", &1).unwrap();
    bench.clock.advance_ms(6000);
    let second = db.set("b", &1).unwrap();
    assert_eq!(behind(&mut db, 0).len(), 2);
    bench.clock.advance_ms(4000);
    let Err(Error::ChangesLost { oldest, .. }) = db.watch_all(&since(0)) else { panic!("the first one has expired") };
    assert_eq!(oldest, second - 1);
    assert_eq!(short(&behind(&mut db, oldest)), ["+b"]);
    bench.clock.advance_ms(6000);
    db.compact().unwrap();
    let Err(Error::ChangesLost { oldest, .. }) = db.watch_all(&since(0)) else { panic!("all have expired") };
    assert_eq!(oldest, db.version());
    let entries: u64 = db.stats().engine.levels.iter().map(|level| level.entries).sum();
    assert_eq!(entries, 3, "two documents, and what says where the history stands");
    assert_sound(&db);
}

#[test]
fn the_oldest_version_of_a_history_with_a_gap_works() {
    let bench = Bench::new();
    for (key, seconds) in [("a", 3600), ("b", 1), ("c", 3600), ("d", 3600)] {
        let mut db = bench.open_with(with_history(seconds));
        db.set(key, &1).unwrap();
        db.close().unwrap();
    }
    bench.clock.advance_ms(1500);
    let mut db = bench.open_with(with_history(3600));
    db.set("e", &1).unwrap();
    // The entry of `b` has expired before that of `a`.
    let mut from_start = db.watch_all(&since(0)).unwrap();
    let Err(Error::ChangesLost { oldest, .. }) = db
        .changes(&mut from_start, PageLimits { documents: 1, ..PageLimits::default() })
        .and_then(|_| db.changes(&mut from_start, PageLimits::default()))
    else {
        panic!("a change is missing");
    };
    assert_eq!(oldest, 2);
    assert_eq!(short(&behind(&mut db, oldest)), ["+c", "+d", "+e"]);
    let Err(Error::ChangesLost { oldest: again, .. }) = db.watch_all(&since(1)) else { panic!("`b` is missing") };
    assert_eq!(again, oldest);
}

#[test]
fn a_large_commit_is_noted_whole() {
    let bench = Bench::new();
    let mut db = bench.open_with(with_history(60));
    let key = "k".repeat(500);
    db.set_many((0..3000).map(|n| (format!("{n:04}{key}"), n))).unwrap();
    db.set("z", &1).unwrap();
    db.close().unwrap();
    let mut db = bench.open_with(with_history(60));
    let changes = behind(&mut db, 0);
    assert!(changes.len() == 3001 && changes.is_sorted_by_key(|change| (change.version, change.key.clone())));
}

#[test]
fn a_watch_costs_nothing_when_it_is_over() {
    let mut db = Bench::new().open();
    let watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
    let began = watcher.version();
    db.set("a", &1).unwrap();
    drop(watcher);
    db.set("b", &1).unwrap();
    // Nothing of before is kept for the next one.
    assert_eq!(code(db.watch(&Range::all(), &since(began))), ErrorCode::ChangesLost);
}
