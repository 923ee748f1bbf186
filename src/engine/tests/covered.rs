//! Space of large entries under small ones comes back without a compaction of everything, at a bounded cost.

use std::sync::atomic::Ordering;

use super::expiry::{START_MS, flush, fresh, fresh_with, idle, key, noise, open, seen};
use super::{TestEnvironment, small_options};
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::options::Options;
use crate::fs::{File, Memory, MemoryFile};

/// Words of a value that has its own pages.
const LARGE: u64 = 2500;
/// Values of a table: its 20 KB times 26 are more than half a megabyte.
const PER_TABLE: u64 = 100;

fn options() -> Options {
    Options { memtable_size: 1 << 20, ..small_options() }
}

fn put_large(engine: &mut Engine<MemoryFile>, keys: std::ops::Range<u64>) {
    let mut batch = Batch::new();
    keys.for_each(|index| batch.put(key(index), noise(index, LARGE), None));
    flush(engine, batch);
}

fn delete(engine: &mut Engine<MemoryFile>, keys: impl Iterator<Item = u64>) {
    let mut batch = Batch::new();
    keys.for_each(|index| batch.delete(key(index)));
    flush(engine, batch);
}

fn file_len<F: File>(engine: &Engine<F>) -> u64 {
    engine.volume.file_len()
}

fn table_bytes<F: File>(engine: &Engine<F>) -> u64 {
    engine.tables.levels.tables().map(|table| table.len).sum()
}

/// Two megabytes for each of these tables.
fn filled(tables: u64) -> (Engine<MemoryFile>, TestEnvironment) {
    let (mut engine, environment) = fresh_with(options());
    (0..tables).for_each(|table| put_large(&mut engine, table * PER_TABLE..(table + 1) * PER_TABLE));
    idle(&mut engine);
    assert!(file_len(&engine) > tables * 2_000_000);
    (engine, environment)
}

#[test]
fn what_tombstones_cover_comes_back_and_what_lies_between_is_not_rewritten() {
    let (mut engine, _) = filled(20);
    let written = engine.statistics().counters.table_bytes_written;
    // The first and the last: a merge of their tombstones would rewrite everything between.
    delete(&mut engine, (0..PER_TABLE).chain(19 * PER_TABLE..20 * PER_TABLE));
    idle(&mut engine);
    assert!(table_bytes(&engine) < 18 * 2_100_000, "{}", table_bytes(&engine));
    let (statistics, live) = (engine.statistics(), 18 * PER_TABLE as usize);
    assert!(statistics.counters.table_bytes_written - written < 1 << 20, "{statistics:?}");
    assert_eq!(seen(&engine, START_MS), live);
    delete(&mut engine, 0..20 * PER_TABLE);
    idle(&mut engine);
    assert!(table_bytes(&engine) < 1 << 20, "{}", table_bytes(&engine));
    assert!(file_len(&engine) < 8 << 20, "{}", file_len(&engine));
    assert_eq!(seen(&engine, START_MS), 0);
}

#[test]
fn what_is_rewritten_is_at_most_three_times_what_is_freed() {
    let (mut engine, _) = filled(10);
    let mut deleted = 0;
    for (step, start) in [(8, 0), (8, 1), (8, 2), (8, 4), (8, 6), (8, 3)] {
        let written = engine.statistics().counters.table_bytes_written;
        let before = engine.statistics();
        let keys: Vec<_> = (0..10 * PER_TABLE).filter(|key| key % step == start).collect();
        deleted += keys.len();
        delete(&mut engine, keys.into_iter());
        idle(&mut engine);
        let after = engine.statistics();
        let in_use = |statistics: &crate::engine::statistics::Statistics| {
            statistics.levels.iter().map(|level| level.bytes).sum::<u64>()
        };
        let (freed, rewritten) =
            (in_use(&before).saturating_sub(in_use(&after)), after.counters.table_bytes_written - written);
        // The tombstones themselves are little.
        assert!(rewritten < 3 * freed + (1 << 20), "{rewritten} bytes for {freed}");
        assert_eq!(seen(&engine, START_MS), 10 * PER_TABLE as usize - deleted);
        let live = (10 * PER_TABLE - deleted as u64) * 20_000;
        assert!(in_use(&after) < live * 4 / 3 + live / 4 + (1 << 20), "{} bytes of tables for {live}", in_use(&after));
    }
}

#[test]
fn small_values_that_replace_large_ones_count_as_tombstones_do() {
    let (mut engine, _) = filled(5);
    let mut batch = Batch::new();
    (0..5 * PER_TABLE).for_each(|index| batch.put(key(index), b"small".to_vec(), None));
    flush(&mut engine, batch);
    idle(&mut engine);
    assert!(table_bytes(&engine) < 1 << 20, "{}", table_bytes(&engine));
    assert!(file_len(&engine) < 8 << 20, "{}", file_len(&engine));
    assert_eq!(seen(&engine, START_MS), 5 * PER_TABLE as usize);
}

#[test]
fn a_snapshot_keeps_what_it_sees_and_no_longer() {
    let (mut engine, _) = filled(3);
    let snapshot = engine.snapshot();
    delete(&mut engine, 0..3 * PER_TABLE);
    idle(&mut engine);
    assert_eq!(engine.get(&key(7), snapshot.seq, START_MS).unwrap().unwrap().value.len() as u64, LARGE * 8);
    assert!(table_bytes(&engine) > 3 * 2_000_000);
    // One that is taken later sees none of it.
    let later = engine.snapshot();
    engine.release(snapshot);
    idle(&mut engine);
    assert!(table_bytes(&engine) < 1 << 20, "{}", table_bytes(&engine));
    assert!(file_len(&engine) < 8 << 20, "{}", file_len(&engine));
    engine.release(later);
}

#[test]
fn commits_pay_for_it_where_nobody_is_idle() {
    let (mut engine, _) = fresh_with(options());
    let mut longest = 0;
    for round in 0..30 {
        put_large(&mut engine, round * PER_TABLE..(round + 1) * PER_TABLE);
        if round > 0 {
            delete(&mut engine, (round - 1) * PER_TABLE..round * PER_TABLE);
        }
        longest = longest.max(file_len(&engine));
    }
    assert!(longest < 16 << 20, "{longest}");
    assert_eq!(seen(&engine, START_MS), PER_TABLE as usize);
}

#[test]
fn short_sessions_give_it_back_when_they_close() {
    let files = Memory::default();
    let environment = TestEnvironment::default();
    environment.now_ms.store(START_MS, Ordering::Relaxed);
    let session = || open(&files, &environment, options());
    let mut engine = session();
    (0..5).for_each(|table| put_large(&mut engine, table * PER_TABLE..(table + 1) * PER_TABLE));
    engine.close().unwrap();
    let mut engine = session();
    delete(&mut engine, 0..5 * PER_TABLE);
    engine.close().unwrap();
    let mut engine = session();
    flush(&mut engine, {
        let mut batch = Batch::new();
        batch.put(key(1), b"1".to_vec(), None);
        batch
    });
    engine.close().unwrap();
    let engine = session();
    assert!(file_len(&engine) < 2 << 20, "{}", file_len(&engine));
    assert_eq!(seen(&engine, START_MS), 1);
}

#[test]
fn updates_of_equal_size_cost_nothing_more() {
    let (mut engine, _) = fresh();
    for round in 0..40 {
        let mut batch = Batch::new();
        (0..200).for_each(|index| batch.put(key(index * 7 + round % 7), noise(index + round, 20), None));
        flush(&mut engine, batch);
    }
    idle(&mut engine);
    assert_eq!(engine.upkeep.covered.debt(), 0);
}
