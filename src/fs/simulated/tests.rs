//! What the simulation promises, and what it does not.

use std::collections::BTreeSet;

use pollster::block_on;

use super::*;
use crate::fs::{read_full, write_full};

const NAME: &str = "a";

fn open(fs: &Simulated) -> SimulatedFile {
    block_on(fs.open(NAME, OpenMode::Create)).unwrap()
}

/// A file with some bytes that are synced.
fn synced(fs: &Simulated, bytes: &[u8]) -> SimulatedFile {
    let file = open(fs);
    write_full(&file, bytes, 0).unwrap();
    file.sync().unwrap();
    file
}

fn content(fs: &Simulated) -> Vec<u8> {
    fs.content(NAME).unwrap()
}

/// What the file may hold after a crash now, by many seeds' choices.
fn outcomes(fs: &Simulated) -> BTreeSet<Option<Vec<u8>>> {
    (0..1000)
        .map(|seed| {
            let fork = fs.fork();
            fork.reseed(seed);
            fork.restart(Recovery::Random);
            fork.content(NAME)
        })
        .collect()
}

fn is_io<T>(result: &Result<T>) -> bool {
    matches!(result, Err(Error::Io { .. }))
}

#[test]
fn what_was_synced_survives() {
    let fs = Simulated::new(1);
    let file = synced(&fs, b"one");
    write_full(&file, b"two", 3).unwrap();
    file.truncate(5).unwrap();
    file.sync().unwrap();
    assert_eq!(fs.unsynced(), 0);
    assert_eq!(outcomes(&fs), BTreeSet::from([Some(b"onetw".to_vec())]));
}

#[test]
fn each_unsynced_change_is_kept_or_lost_by_itself() {
    let fs = Simulated::new(2);
    let file = synced(&fs, b"....");
    for (offset, byte) in [b"a", b"b", b"c"].into_iter().enumerate() {
        write_full(&file, byte, offset as u64).unwrap();
    }
    let seen = outcomes(&fs);
    assert_eq!(seen.len(), 8, "every subset: {seen:?}");

    assert_eq!(fs.unsynced(), 3);
    let kept: BTreeSet<_> = (0..8)
        .map(|mask| {
            let fork = fs.fork();
            fork.restart(Recovery::Keep(mask));
            fork.content(NAME)
        })
        .collect();
    assert_eq!(kept, seen);
    fs.restart(Recovery::Keep(0b101));
    assert_eq!(content(&fs), b"a.c.");
}

#[test]
fn a_later_write_wins_where_both_are_kept() {
    let fs = Simulated::new(3);
    let file = synced(&fs, b"..");
    write_full(&file, b"aa", 0).unwrap();
    write_full(&file, b"b", 0).unwrap();
    let expected = [&b".."[..], b"aa", b"b.", b"ba"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(outcomes(&fs), BTreeSet::from(expected));
}

#[test]
fn writes_tear_at_sectors() {
    let fs = Simulated::new(4);
    let file = synced(&fs, &[0; 2048]);
    write_full(&file, &[1; 1000], 300).unwrap();
    let seen = outcomes(&fs);
    // Sectors end at 512, 1024 and 1536: the write touches three.
    assert_eq!(seen.len(), 8);
    for content in seen.into_iter().flatten() {
        for part in [0..300, 300..512, 512..1024, 1024..1300, 1300..2048] {
            let part = &content[part];
            assert!(part.iter().all(|byte| *byte == part[0]));
        }
    }
}

#[test]
fn growth_and_bytes_are_lost_separately() {
    let fs = Simulated::new(5);
    let file = synced(&fs, b"a");
    write_full(&file, b"bc", 1).unwrap();
    let seen = outcomes(&fs);
    for expected in [&b"a"[..], b"abc", b"a\0\0"] {
        assert!(seen.contains(&Some(expected.to_vec())), "{expected:?} in {seen:?}");
    }

    let fs = Simulated::new(6);
    let file = synced(&fs, b"a");
    file.truncate(3).unwrap();
    write_full(&file, b"b", 1).unwrap();
    let seen = outcomes(&fs);
    for expected in [&b"a"[..], b"ab", b"ab\0", b"a\0\0"] {
        assert!(seen.contains(&Some(expected.to_vec())), "{expected:?} in {seen:?}");
    }
}

#[test]
fn a_file_that_was_never_synced_may_vanish() {
    let fs = Simulated::new(7);
    drop(open(&fs));
    assert_eq!(outcomes(&fs), BTreeSet::from([None, Some(vec![])]));
    let lost = fs.fork();
    lost.restart(Recovery::LoseAll);
    assert_eq!(lost.content(NAME), None);
    fs.restart(Recovery::KeepAll);
    assert_eq!(fs.content(NAME), Some(vec![]));
    fs.restart(Recovery::LoseAll);
    assert_eq!(fs.content(NAME), Some(vec![]), "what was there after a restart stays");
}

#[test]
fn same_seed_same_outcome() {
    let run = |seed| {
        let fs = Simulated::new(seed);
        let file = open(&fs);
        for round in 0..40_u8 {
            write_full(&file, &[round; 700], u64::from(round) * 300).unwrap();
            if round % 16 == 3 {
                file.sync().unwrap();
            }
        }
        fs.restart(Recovery::Random);
        fs.content(NAME)
    };
    assert!(run(8) == run(8));
    assert!(run(8) != run(9));
}

#[test]
fn a_crash_hits_the_planned_call_and_every_later_one() {
    for (calls, mutations) in [(1, 1), (2, 2), (3, 3), (4, 3)] {
        let fs = Simulated::new(10);
        let file = open(&fs);
        fs.crash_after(calls);
        let results = [file.write_at(b"abc", 0).map(drop), file.truncate(2), file.sync(), file.len().map(drop)];
        for (call, result) in (1..).zip(&results) {
            assert_eq!(is_io(result), call >= calls && calls <= 3, "call {call}, crash at {calls}: {result:?}");
        }
        assert_eq!(fs.mutations(), mutations);
    }
}

#[test]
fn a_crash_in_a_sync_makes_no_promise_and_in_a_write_no_difference() {
    let fs = Simulated::new(11);
    let file = synced(&fs, b"a");
    write_full(&file, b"b", 0).unwrap();
    fs.crash_after(1);
    assert!(is_io(&file.sync()));
    let expected = [b"a", b"b"].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(outcomes(&fs), BTreeSet::from(expected.clone()));

    let fs = Simulated::new(12);
    let file = synced(&fs, b"a");
    fs.crash_after(1);
    assert!(is_io(&file.write_at(b"b", 0)));
    assert_eq!(outcomes(&fs), BTreeSet::from(expected));
}

#[test]
fn after_a_crash_files_can_be_opened_again() {
    let fs = Simulated::new(13);
    let file = synced(&fs, b"a");
    fs.crash_now();
    assert!(is_io(&block_on(fs.open(NAME, OpenMode::ReadOnly))));
    assert!(is_io(&block_on(fs.list())));
    assert!(is_io(&file.read_at(&mut [0], 0)));
    fs.restart(Recovery::Random);
    assert!(is_io(&file.sync()), "a file of the time before the crash");
    let again = open(&fs);
    drop(file);
    let locked = block_on(fs.open(NAME, OpenMode::ReadWrite)).err();
    assert_eq!(locked, Some(Error::Locked { name: NAME.to_string() }), "the dead file's lock is not the new one's");
    write_full(&again, b"b", 0).unwrap();
    assert_eq!(content(&fs), b"b");
}

#[test]
fn what_a_failed_sync_left_behind_no_later_sync_saves() {
    let fs = Simulated::new(14);
    let file = synced(&fs, b"....");
    write_full(&file, b"ab", 0).unwrap();
    fs.fail_call(Some(Operation::Sync), 1, Fault::Io, false);
    assert!(is_io(&file.sync()));
    assert_eq!(content(&fs), b"ab..", "it still reads back");
    write_full(&file, b"BC", 1).unwrap();
    file.sync().unwrap();
    assert_eq!(fs.unsynced(), 1);
    let expected = [b".BC.", b"aBC."].map(|bytes| Some(bytes.to_vec()));
    assert_eq!(outcomes(&fs), BTreeSet::from(expected), "the synced write is there, and wins over the abandoned one");
}

#[test]
fn faults_hit_the_call_they_are_planned_for() {
    let fs = Simulated::new(15);
    let file = synced(&fs, b"abcdef");
    fs.fail_call(Some(Operation::Read), 2, Fault::Io, false);
    let results: Vec<_> = (0..3).map(|_| file.read_at(&mut [0; 2], 0)).collect();
    assert!(results[0] == Ok(2) && is_io(&results[1]) && results[2] == Ok(2));
    assert_eq!(fs.faults_fired(), 1);

    fs.fail_call(None, 1, Fault::Io, true);
    assert!(is_io(&file.len()) && is_io(&file.truncate(0)) && is_io(&block_on(fs.list())));
    fs.clear_faults();
    assert_eq!(file.len(), Ok(6));
    assert_eq!(fs.faults_fired(), 4);
}

#[test]
fn short_calls_go_on_where_they_stopped() {
    let fs = Simulated::new(16);
    let file = open(&fs);
    let bytes: Vec<u8> = (0..100).collect();
    fs.fail_call(None, 1, Fault::ShortWrite, true);
    write_full(&file, &bytes, 0).unwrap();
    fs.fail_call(None, 1, Fault::ShortRead, true);
    let mut buffer = [0; 100];
    assert_eq!(read_full(&file, &mut buffer, 0), Ok(100));
    assert_eq!(buffer.to_vec(), bytes);
    assert!(fs.counts().writes > 1 && fs.counts().reads > 1);
}

#[test]
fn misdirected_and_lost_writes_report_success() {
    let fs = Simulated::new(17);
    let file = synced(&fs, &[0; 3 * 4096]);
    fs.fail_call(None, 1, Fault::LostWrite, false);
    assert_eq!(file.write_at(b"x", 5), Ok(1));
    assert_eq!(content(&fs), vec![0; 3 * 4096]);
    fs.fail_call(None, 1, Fault::MisdirectedWrite, false);
    assert_eq!(file.write_at(b"x", 5), Ok(1));
    let hits: Vec<_> = content(&fs).iter().enumerate().filter(|(_, byte)| **byte != 0).map(|(at, _)| at).collect();
    assert!(hits.len() == 1 && hits[0] != 5 && hits[0] % 4096 == 5, "{hits:?}");
}

#[test]
fn a_full_disk_writes_what_fits() {
    let fs = Simulated::new(18);
    fs.set_content("other", vec![0; 10]);
    let file = synced(&fs, b"0123");
    fs.set_capacity(Some(16));
    assert_eq!(file.write_at(b"abcd", 3), Ok(3));
    assert!(matches!(file.write_at(b"d", 6), Err(Error::StorageFull { .. })));
    assert!(matches!(write_full(&file, b"dd", 5), Err(Error::StorageFull { .. })));
    assert!(matches!(file.truncate(7), Err(Error::StorageFull { .. })));
    assert_eq!(content(&fs), b"012abd");
    assert_eq!(file.write_at(b"zz", 4), Ok(2), "what is there can be overwritten");
    file.truncate(5).unwrap();
    assert_eq!(file.write_at(b"y", 5), Ok(1), "what was freed can be used");
}

#[test]
fn damage_shows_at_once_and_after_a_crash() {
    let fs = Simulated::new(19);
    let file = synced(&fs, b"abcd");
    fs.flip_bit(NAME, 0, 1);
    fs.corrupt(NAME, 2..4, b'x');
    let mut buffer = [0; 4];
    assert_eq!(file.read_at(&mut buffer, 0), Ok(4));
    assert_eq!(&buffer, b"cbxx");
    fs.restart(Recovery::LoseAll);
    assert_eq!(content(&fs), b"cbxx");
}

#[test]
fn calls_are_counted() {
    let fs = Simulated::new(20);
    let file = synced(&fs, b"abcd");
    write_full(&file, b"xy", 3).unwrap();
    file.truncate(9).unwrap();
    file.truncate(1).unwrap();
    assert_eq!(file.read_at(&mut [0; 8], 0), Ok(1));
    assert_eq!(file.len(), Ok(1));
    let expected = Counts {
        opens: 1,
        lens: 1,
        reads: 1,
        writes: 2,
        truncates: 2,
        syncs: 1,
        bytes_read: 1,
        bytes_written: 6,
        growths: 3,
    };
    assert_eq!(fs.counts(), expected);
    assert_eq!(fs.mutations(), 5);
    fs.reset_counts();
    assert_eq!(fs.counts(), Counts::default());
    assert_eq!(fs.mutations(), 5);
}

#[test]
fn without_locks_two_writers_share_a_file() {
    let fs = Simulated::new(21);
    fs.set_exclusive(false);
    let (one, other) = (open(&fs), open(&fs));
    assert!(!one.is_exclusive());
    write_full(&one, b"one", 0).unwrap();
    write_full(&other, b"O", 0).unwrap();
    assert_eq!(content(&fs), b"One");
}

#[test]
fn a_fork_goes_its_own_way() {
    let fs = Simulated::new(22);
    let file = synced(&fs, b"a");
    write_full(&file, b"b", 0).unwrap();
    let fork = fs.fork();
    let other = open(&fork);
    write_full(&other, b"c", 0).unwrap();
    assert_eq!((content(&fs), content(&fork)), (b"b".to_vec(), b"c".to_vec()));
    assert_eq!((fs.unsynced(), fork.unsynced()), (1, 2));
}
