//! Free space goes back to the host, whatever lies at the end of the file.

use super::expiry::{START_MS, flush, fresh_with, idle, key, noise, open, seen};
use super::{TestEnvironment, small_options};
use crate::engine::batch::Batch;
use crate::engine::engine::Engine;
use crate::engine::options::{Durability, Options};
use crate::fs::{File, FileSystem, Memory, MemoryFile};
use crate::page::BLOCK_LEN;

const OTHER: [u8; 8] = [0, 0, 0, 2, 0, 0, 0, 0];

fn options() -> Options {
    Options { memtable_size: 1 << 20, ..small_options() }
}

fn commit<F: File>(engine: &mut Engine<F>, batch: Batch) {
    engine.append(batch).unwrap();
    engine.finish_group(Durability::Never).unwrap();
}

fn one(index: u64, value: Vec<u8>) -> Batch {
    let mut batch = Batch::new();
    batch.put(key(index), value, None);
    batch
}

/// A key space of six megabytes is dropped. The log lies behind it, and holds a commit if `commits`.
fn hollow(files: &Memory, commits: bool) -> Engine<MemoryFile> {
    let mut engine = open(files, &TestEnvironment::default(), options());
    commit(&mut engine, one(0, b"stays".to_vec()));
    engine.flush_memtables().unwrap();
    let mut batch = Batch::new();
    for part in 0..6_u8 {
        batch.put([OTHER.as_slice(), &[part]].concat(), noise(u64::from(part), 1 << 17), None);
    }
    flush(&mut engine, batch);
    // Small holes in front of the tables are filled, so that what is written next lies behind them.
    while engine.tables.free.runs().first().is_some_and(|run| run.address < engine.tables.free.end() - (2 << 20)) {
        let hole = engine.tables.free.allocate(1);
        engine.tables.free.keep_back(hole);
    }
    engine.drop_prefix(OTHER).unwrap();
    engine.tables.free.release_reserve();
    if commits {
        commit(&mut engine, one(1, b"in the log".to_vec()));
    }
    assert!(
        engine.volume.file_len() > 6 << 20 && engine.tables.free.free_bytes() > 4 << 20,
        "{:?}",
        engine.tables.free
    );
    engine
}

#[test]
fn the_log_and_the_manifest_do_not_keep_a_file_long() {
    for commits in [false, true] {
        let mut engine = hollow(&Memory::new(), commits);
        idle(&mut engine);
        assert!(engine.volume.file_len() < 2 << 20, "{} bytes, {:?}", engine.volume.file_len(), engine.tables.free);
        assert_eq!(seen(&engine, START_MS), 1 + usize::from(commits));
        // It comes to its end, and begins again with the next commit.
        commit(&mut engine, one(2, b"later".to_vec()));
        let number = engine.tables.superblock.sequence;
        idle(&mut engine);
        assert_eq!(engine.tables.superblock.sequence, number, "nothing is in the way any more");
        assert_eq!(seen(&engine, START_MS), 2 + usize::from(commits));
    }
}

#[test]
fn nor_do_they_after_closing() {
    for commits in [false, true] {
        let files = Memory::new();
        hollow(&files, commits).close().unwrap();
        let len = pollster::block_on(files.open("db", crate::fs::OpenMode::ReadOnly)).unwrap().len().unwrap();
        assert!(len < 1 << 20, "{len} bytes");
        let engine = open(&files, &TestEnvironment::default(), options());
        assert_eq!(seen(&engine, START_MS), 1 + usize::from(commits));
    }
}

#[test]
fn a_table_moves_into_a_hole_that_the_log_parts() {
    let (mut engine, _) = fresh_with(options());
    // A hole of 4 blocks, the log, a hole of 4 blocks, and behind them tables of 6 blocks each.
    commit(&mut engine, one(0, b"in the log".to_vec()));
    let holes: Vec<_> = (0..2)
        .map(|round| {
            let hole = engine.tables.free.allocate(10);
            let log = engine.log.as_mut().unwrap();
            if round == 0 {
                log.shrink(&engine.volume, &mut engine.tables.free, 0).unwrap();
            }
            hole
        })
        .collect();
    for index in 1..4 {
        flush(&mut engine, one(index, noise(index, 96 << 9)));
    }
    holes.into_iter().for_each(|hole| engine.tables.free.release(hole));
    let end = engine.tables.free.end();
    idle(&mut engine);
    assert!(
        engine.tables.free.end() + 4 * BLOCK_LEN < end,
        "{} of {end}: {:?}",
        engine.tables.free.end(),
        engine.tables.free
    );
    assert_eq!(seen(&engine, START_MS), 4);
}
