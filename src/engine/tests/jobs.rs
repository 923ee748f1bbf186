//! Merges that meet what they cannot get over: a full disk, damage, a clock that is set back.

use std::sync::atomic::Ordering;

use super::expiry::{COUNT, START_MS, flush, fresh, fresh_with, idle, key, noise, open, put, seen};
use super::{TestEnvironment, small_options};
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::error::Error;
use crate::engine::options::Options;
use crate::fs::File;
use crate::fs::simulated::Simulated;

/// A table that is garbage by a quarter once what expires has expired.
fn put_quarter<F: File>(engine: &mut Engine<F>, expires_at: u64) {
    let mut batch = Batch::new();
    (0..COUNT).for_each(|index| batch.put(key(index), noise(index, 100), (index % 4 == 0).then_some(expires_at)));
    flush(engine, batch);
}

/// Lets the host be idle until nothing is due, or something fails.
fn settle<F: File>(engine: &mut Engine<F>) -> Result<(), Error> {
    for _ in 0..1000 {
        if !engine.maintain(usize::MAX)? {
            return Ok(());
        }
    }
    panic!("maintenance does not come to an end");
}

#[test]
fn on_a_full_disk_what_is_garbage_waits() {
    let (files, environment) = (Simulated::new(1), TestEnvironment::default());
    environment.now_ms.store(START_MS, Ordering::Relaxed);
    // A table that is rewritten needs more room than there is, and so little is in use that none is kept back.
    let mut engine = open(&files, &environment, Options { memtable_size: 1 << 20, ..small_options() });
    put_quarter(&mut engine, START_MS + 100);
    engine.compact().unwrap();
    let (before, compactions) = (seen(&engine, START_MS), engine.statistics().counters.compactions);
    files.set_capacity(Some(engine.volume.file_len()));
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    settle(&mut engine).unwrap();
    assert_eq!(seen(&engine, START_MS), before, "nothing was dropped");
    files.set_capacity(None);
    // Once something has changed it is tried again.
    put(&mut engine, COUNT..COUNT + 1, None);
    idle(&mut engine);
    assert_eq!(engine.statistics().counters.compactions, compactions + 1);
    assert_eq!(seen(&engine, START_MS), before / 4 * 3 + 1);
}

#[test]
fn a_merge_that_cannot_begin_is_not_tried_again() {
    let (mut engine, _) = fresh();
    for _ in 0..5 {
        put(&mut engine, 0..10, None);
    }
    let damaged = engine.tables.levels.tables().next().unwrap().address;
    engine.volume.write(&[0xFF; 64], damaged).unwrap();
    let error = settle(&mut engine).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
    assert_eq!(settle(&mut engine), Ok(()), "it has been told");
    assert!(matches!(engine.compact(), Err(Error::Corrupt { .. })), "who asks for it is told again");
}

/// Begins a merge by a clock at which a quarter has expired, and then sets the clock back.
fn merging_ahead_of_time<F: File>(engine: &mut Engine<F>, environment: &TestEnvironment) {
    put_quarter(engine, START_MS + 150);
    environment.now_ms.store(START_MS + 200, Ordering::Relaxed);
    while engine.upkeep.job.is_none() {
        assert!(engine.maintain(1).unwrap(), "a quarter of the table is garbage");
    }
    assert!(engine.maintain(1).unwrap());
    environment.now_ms.store(START_MS + 100, Ordering::Relaxed);
    assert_eq!(seen(engine, START_MS + 100), COUNT as usize);
}

#[test]
fn a_commit_builds_on_what_was_alive_when_it_was_made() {
    let (mut engine, environment) = fresh_with(Options { memtable_size: 1 << 20, ..small_options() });
    merging_ahead_of_time(&mut engine, &environment);
    put(&mut engine, COUNT..COUNT + 1, None);
    environment.now_ms.store(START_MS + 120, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS + 120), COUNT as usize + 1);
    environment.now_ms.store(START_MS + 200, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS), COUNT as usize / 4 * 3 + 1, "when its time has come again, it goes");
}

#[test]
fn a_snapshot_keeps_what_was_alive_when_it_was_taken() {
    let (mut engine, environment) = fresh_with(Options { memtable_size: 1 << 20, ..small_options() });
    merging_ahead_of_time(&mut engine, &environment);
    let snapshot = engine.snapshot();
    environment.now_ms.store(START_MS + 200, Ordering::Relaxed);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS + 100), COUNT as usize);
    engine.release(snapshot);
    idle(&mut engine);
    assert_eq!(seen(&engine, START_MS), COUNT as usize / 4 * 3);
}
