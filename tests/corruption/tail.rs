//! Bit rot in the log, frame by frame: what was durable and is damaged is told, and never truncated away.

use crate::image::Image;
use crate::judge::Verdict;
use crate::reading::read;
use crate::samples::{FINAL_MS, Host, Kind, Sample};
use crate::sweep::{Sweep, alone};
use ferrolite::fs::Memory;
use ferrolite::{Database, ErrorCode, Options};
use std::sync::Arc;

/// Versions that the first writer leaves out when the file was not closed.
const SKIPPED: u64 = 1 << 20;

/// A plain file, and one with each cipher.
fn samples() -> impl Iterator<Item = Sample> {
    [Kind::Indexed, Kind::Aes, Kind::ChaCha].into_iter().map(|kind| {
        let sample = Sample::new(kind, false);
        let log = crate::log::Log::of(&sample.bytes);
        assert!(log.segments.len() > 1 && log.frames().count() > 50, "{} segments", log.segments.len());
        sample
    })
}

/// Opens a file for writing, and makes a commit: from then on nothing that opening has ignored is left.
fn write(bytes: &[u8], sample: &Sample) -> Result<Vec<u8>, ferrolite::Error> {
    let fs = Memory::new();
    fs.set_bytes("db", bytes.to_vec());
    let host = Arc::new(Host::at(FINAL_MS));
    let options = Options { encryption: sample.encryption.clone(), ..Options::default() };
    let mut db = pollster::block_on(Database::open_with(&fs, "db", options, host))?;
    db.set_json("new", "1")?;
    db.close()?;
    Ok(fs.bytes("db").expect("it is there"))
}

#[test]
fn every_frame_that_is_proven_durable_is_missed() {
    let _alone = alone();
    samples().for_each(|sample| frames_that_are_missed(&sample));
}

fn frames_that_are_missed(sample: &Sample) {
    let mut sweep = Sweep::new(sample);
    let frames: Vec<_> = sweep.log.frames().cloned().collect();
    let (last, others) = frames.split_last().unwrap();
    for frame in others {
        // Its header, its tag, the first and the last byte of its payload.
        for at in [frame.bytes.start, frame.bytes.start + 50, frame.bytes.start + 64, frame.bytes.end - 1] {
            let before = sweep.image.poke(at, sample.bytes[at] ^ 0x10);
            let verdict = sweep.try_damage(&[at..at + 1], || format!("byte {at} of commit {:?}", frame.seq));
            assert_eq!(verdict, Verdict::Detected, "byte {at} of commit {:?}", frame.seq);
            sweep.image.poke(at, before);
        }
        let mut bytes = sample.bytes.clone();
        bytes[frame.bytes.start + 64] ^= 1;
        let error = write(&bytes, sample).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Corrupt, "{error}");
        assert!(error.to_string().contains(&format!("commit {}", frame.seq.unwrap())), "{error}");
    }
    assert_eq!(last.seq, Some(sample.reading.version));
}

/// Nothing in the file tells a last commit that was durable and has rotted from one that was being written when the
/// power failed: it is a torn tail. All commits before it are there.
#[test]
fn the_last_frame_alone_may_be_a_torn_tail() {
    let _alone = alone();
    samples().for_each(|sample| torn_tails(&sample));
}

fn torn_tails(sample: &Sample) {
    let mut sweep = Sweep::new(sample);
    let last = sweep.log.frames().last().unwrap().clone();
    for at in last.bytes.clone() {
        let before = sweep.image.poke(at, sample.bytes[at] ^ 0x10);
        let verdict = sweep.try_damage(&[at..at + 1], || format!("byte {at} of the last commit"));
        assert_eq!(verdict, Verdict::Earlier(sample.reading.version - 1), "byte {at}");
        sweep.image.poke(at, before);
    }
}

/// Once the tables hold a commit, or a superblock knows it to be durable, the last one is proven too.
#[test]
fn a_log_that_was_read_is_kept_by_the_next_writer() {
    let _alone = alone();
    samples().for_each(|sample| kept_log(&sample));
}

fn kept_log(sample: &Sample) {
    let written = write(&sample.bytes, sample).unwrap();
    let mut keys = sample.keys.clone();
    keys.push("new".to_owned());
    let before = read(&Image::new(&sample.bytes), &keys, sample.encryption.clone()).unwrap();
    let after = read(&Image::new(&written), &keys, sample.encryption.clone()).unwrap();
    // The sample was not closed: the next writer leaves numbers out.
    assert_eq!(after.version, before.version + SKIPPED + 1);
    for (index, (before, after)) in before.answers.iter().zip(&after.answers).take(sample.keys.len()).enumerate() {
        assert_eq!(before.0, after.0, "{}", keys[index]);
    }
}
