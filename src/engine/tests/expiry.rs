//! Tables of which nothing can be seen any more go without being read, and nothing comes up again by that.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{TestEnvironment, small_options};
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::options::{Durability, Options};
use crate::engine::read::KeyRange;
use crate::fs::simulated::{Fault, Recovery, Simulated};
use crate::fs::{File, FileSystem, Memory, MemoryFile};

pub(super) const PREFIX: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 0];
pub(super) const START_MS: u64 = 1000;
pub(super) const COUNT: u64 = 400;

pub(super) fn key(index: u64) -> Vec<u8> {
    [PREFIX.as_slice(), format!("key{index:05}").as_bytes()].concat()
}

pub(super) fn open<S: FileSystem>(files: &S, environment: &TestEnvironment, options: Options) -> Engine<S::File>
where
    S::File: File,
{
    pollster::block_on(Engine::open(files, "db", options, Arc::new(environment.clone()))).unwrap()
}

pub(super) fn fresh() -> (Engine<MemoryFile>, TestEnvironment) {
    fresh_with(small_options())
}

pub(super) fn fresh_with(options: Options) -> (Engine<MemoryFile>, TestEnvironment) {
    let environment = TestEnvironment::default();
    environment.now_ms.store(START_MS, Ordering::Relaxed);
    (open(&Memory::default(), &environment, options), environment)
}

/// A value that cannot be compressed away.
pub(super) fn noise(index: u64, words: u64) -> Vec<u8> {
    let word = |part: u64| {
        (index * 7919 + part + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(part | 3)
    };
    (0..words).flat_map(|part| word(part).to_le_bytes()).collect()
}

/// Sets keys, with an expiry or without, and writes them as tables.
pub(super) fn put<F: File>(engine: &mut Engine<F>, keys: impl Iterator<Item = u64>, expires_at: Option<u64>) {
    let mut batch = Batch::new();
    keys.for_each(|index| batch.put(key(index), noise(index, 20), expires_at));
    flush(engine, batch);
}

/// Commits, and writes what is in memory as tables.
pub(super) fn flush<F: File>(engine: &mut Engine<F>, batch: Batch) {
    engine.append(batch).unwrap();
    engine.finish_group(Durability::Never).unwrap();
    engine.flush_memtables().unwrap();
}

/// The keys that a reader sees.
pub(super) fn seen<F: File>(engine: &Engine<F>, now_ms: u64) -> usize {
    let mut end = PREFIX;
    end[7] += 1;
    let range = KeyRange { start: Bound::Included(PREFIX.to_vec()), end: Bound::Excluded(end.to_vec()) };
    engine.scan(range, false, engine.last_seq(), now_ms).unwrap().count_rest().unwrap() as usize
}

fn tables<F: File>(engine: &Engine<F>) -> usize {
    engine.tables.levels.tables().count()
}

pub(super) fn idle<F: File>(engine: &mut Engine<F>) {
    while engine.maintain(usize::MAX).unwrap() {}
    assert_eq!(engine.check(true).unwrap().problems, Vec::<String>::new());
}

#[test]
fn a_tree_that_has_expired_goes_unread_and_at_once() {
    let (mut engine, environment) = fresh();
    put(&mut engine, 0..COUNT, Some(START_MS + 100));
    put(&mut engine, (0..COUNT).step_by(2), Some(START_MS + 50));
    assert!(tables(&engine) > 4, "there are several levels of several tables");
    environment.now_ms.store(START_MS + 99, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS + 99), COUNT as usize / 2);
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    let (reads, number) = (engine.statistics().io.reads, engine.tables.superblock.sequence);
    let before = tables(&engine) as u64;
    while engine.maintain(usize::MAX).unwrap() {}
    assert_eq!(engine.statistics().io.reads, reads, "nothing was read");
    assert_eq!(engine.tables.superblock.sequence, number + 1, "one superblock did it");
    assert_eq!((tables(&engine), engine.statistics().counters.tables_dropped), (0, before));
    assert_eq!(seen(&engine, START_MS), 0, "also when the clock is set back");
    idle(&mut engine);
}

#[test]
fn what_hides_a_living_version_stays() {
    let (mut engine, environment) = fresh();
    put(&mut engine, 0..COUNT, None);
    put(&mut engine, 0..10, Some(START_MS + 100));
    put(&mut engine, COUNT..COUNT + 10, Some(START_MS + 100));
    environment.now_ms.store(START_MS + 200, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(engine.statistics().counters.tables_dropped, 1, "the one that lies over nothing");
    for now_ms in [START_MS, START_MS + 200] {
        assert_eq!(seen(&engine, now_ms), COUNT as usize - 10);
    }
    engine.compact().unwrap();
    assert_eq!(seen(&engine, START_MS), COUNT as usize - 10);
}

#[test]
fn tombstones_go_with_what_they_hide() {
    let (mut engine, environment) = fresh();
    put(&mut engine, 0..COUNT, Some(START_MS + 100));
    let mut batch = Batch::new();
    (0..5).for_each(|index| batch.delete(key(index)));
    flush(&mut engine, batch);
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(tables(&engine), 0);
}

#[test]
fn in_a_snapshot_and_before_the_horizon_time_stands_still() {
    let (mut engine, environment) = fresh();
    put(&mut engine, 0..COUNT, Some(START_MS + 100));
    let snapshot = engine.snapshot();
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS), COUNT as usize, "the snapshot is of a time at which they lived");
    engine.release(snapshot);
    idle(&mut engine);
    assert_eq!((tables(&engine), engine.tables.superblock.expiry.time_ms), (0, START_MS + 100));

    // These are newer than the horizon, and its time is not over for the host.
    environment.now_ms.store(START_MS, Ordering::Relaxed);
    put(&mut engine, 0..COUNT, Some(START_MS + 50));
    environment.now_ms.store(START_MS + 60, Ordering::Relaxed);
    idle(&mut engine);
    assert!(tables(&engine) > 0);
    assert_eq!(seen(&engine, START_MS), COUNT as usize);
    assert_eq!(engine.tables.superblock.expiry.time_ms, START_MS + 100, "the horizon does not go back");
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(tables(&engine), 0);
}

#[test]
fn a_table_that_is_garbage_by_a_quarter_is_rewritten_where_it_lies() {
    // Tables of more than a block.
    let (mut engine, environment) = fresh_with(Options { memtable_size: 1 << 20, ..small_options() });
    // Above others, and so that it cannot be dropped.
    put(&mut engine, 0..COUNT, None);
    let fat = |engine: &mut Engine<MemoryFile>, expiring: u64| {
        let mut batch = Batch::new();
        for index in 0..100 {
            batch.put(key(index), noise(index, 2000), (index < expiring).then_some(START_MS + 100));
        }
        flush(engine, batch);
    };
    fat(&mut engine, 50);
    let bytes = |engine: &Engine<MemoryFile>| engine.tables.levels.tables().map(|table| table.len).sum::<u64>();
    let expiring =
        |engine: &Engine<MemoryFile>| engine.tables.levels.tables().map(|table| table.statistics.expiring).sum::<u64>();
    idle(&mut engine);
    let before = bytes(&engine);
    assert_eq!(expiring(&engine), 50);
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(expiring(&engine), 0);
    assert!(bytes(&engine) < before - 40 * 16_000, "{} of {before} bytes are left", bytes(&engine));
    assert_eq!(seen(&engine, START_MS), COUNT as usize - 50);
}

#[test]
fn dropping_is_all_or_nothing() {
    let run = |call: u64, fault: Fault| {
        let (files, environment) = (Simulated::new(call), TestEnvironment::default());
        environment.now_ms.store(START_MS, Ordering::Relaxed);
        let options = Options { durability: Durability::Always, ..small_options() };
        let mut engine = open(&files, &environment, options.clone());
        put(&mut engine, 0..COUNT, None);
        put(&mut engine, COUNT..2 * COUNT, Some(START_MS + 100));
        put(&mut engine, COUNT..COUNT + 50, Some(START_MS + 200));
        engine.sync().unwrap();
        let before = tables(&engine);
        environment.now_ms.store(START_MS + 200, Ordering::Relaxed);
        files.fail_call(None, call, fault, true);
        let outcome = engine.drop_dead_tables();
        let fired = files.faults_fired() > 0;
        assert_eq!(outcome.is_err(), fired, "call {call}, {fault:?}: {outcome:?}");
        let after = tables(&engine);
        assert_eq!(after == before, fired, "a drop that fails changes nothing here");
        drop(engine);
        files.clear_faults();
        files.restart(if call.is_multiple_of(2) { Recovery::KeepAll } else { Recovery::Random });
        let engine = open(&files, &environment, options);
        assert_eq!(engine.check(true).unwrap().problems, Vec::<String>::new());
        assert_eq!(seen(&engine, START_MS + 200), COUNT as usize);
        let (left, hidden) = (tables(&engine), seen(&engine, START_MS) == COUNT as usize);
        assert!(left == before || hidden, "call {call}, {fault:?}: dropped by half");
        assert_eq!(left < before, hidden, "call {call}, {fault:?}: the horizon and the tables go together");
        fired
    };
    for fault in [Fault::Io, Fault::StorageFull] {
        let mut call = 1;
        while run(call, fault) {
            call += 1;
        }
        assert!(call > 2, "{fault:?}: the drop has {call} calls");
    }
}
