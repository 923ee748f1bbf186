//! Every byte of a file: one bit of it flipped, all flipped, zeroed, and set to 0xFF.

use crate::judge::Verdict;
use crate::reading::read;
use crate::samples::{Kind, Sample};
use crate::sweep::{Sweep, alone, is_long, share};

/// The other values that a byte gets.
fn changes(byte: u8, at: usize) -> Vec<u8> {
    let mut changes = vec![byte ^ (1 << (at % 8)), !byte, 0, 0xff];
    changes.retain(|&change| change != byte);
    changes.sort_unstable();
    changes.dedup();
    changes
}

/// What is read of the sound file.
fn read_bytes(sweep: &Sweep<'_>) -> Vec<std::ops::Range<usize>> {
    sweep.image.set(&sweep.sample.bytes);
    read(&sweep.image, &sweep.sample.keys, sweep.sample.encryption.clone()).unwrap();
    sweep.image.read_ranges()
}

/// A byte that nobody reads is proven to be without effect, whatever its value and that of the others.
fn unread_bytes_have_no_effect(sweep: &mut Sweep<'_>) -> u64 {
    let read = read_bytes(sweep);
    let is_read = |at: usize| read.iter().any(|range| range.contains(&at));
    let mut bytes = sweep.sample.bytes.clone();
    let mut noise = 1_u64;
    let mut changed = 0;
    for (at, byte) in bytes.iter_mut().enumerate().filter(|(at, _)| !is_read(*at)) {
        noise = noise.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(at as u64 | 1);
        *byte = (noise >> 56) as u8;
        changed += 1;
    }
    sweep.image.set(&bytes);
    let verdict = sweep.try_damage(&[], || "all bytes that are not read, changed at once".to_owned());
    assert_eq!(verdict, Verdict::Unaffected);
    assert_eq!(read_again(sweep), read, "what is read depends on what is not");
    changed
}

fn read_again(sweep: &Sweep<'_>) -> Vec<std::ops::Range<usize>> {
    sweep.image.read_ranges()
}

/// Changes the bytes that are read, one by one. The short form takes some of every structure: the first and the last
/// byte of everything that is read, and every so many between.
fn bytes_one_by_one(sweep: &mut Sweep<'_>, share: usize) {
    let ranges = read_bytes(sweep);
    sweep.image.set(&sweep.sample.bytes);
    let mut turn = 0;
    for range in ranges {
        for at in range.clone() {
            let is_edge = at == range.start || at + 1 == range.end;
            if !is_edge && at % share != 0 {
                continue;
            }
            let before = sweep.sample.bytes[at];
            let changes = changes(before, at);
            turn += 1;
            for (index, change) in changes.iter().enumerate() {
                if share > 1 && index != turn % changes.len() {
                    continue;
                }
                sweep.image.poke(at, *change);
                sweep.try_damage(&[at..at + 1], || format!("byte {at} from {before:#04x} to {change:#04x}"));
            }
            sweep.image.poke(at, before);
        }
    }
}

fn sweep(sample: &Sample) {
    let mut sweep = Sweep::new(sample);
    let unread = unread_bytes_have_no_effect(&mut sweep);
    bytes_one_by_one(&mut sweep, share(53, 307));
    sweep.report("bytes changed");
    if is_long() {
        println!("torture\tcorruption\tbytes proven unread\t{unread}");
    }
}

#[test]
fn of_a_plain_file() {
    let _alone = alone();
    [true, false].into_iter().for_each(|closed| sweep(&Sample::new(Kind::Plain, closed)));
}

#[test]
fn of_a_compressed_file() {
    let _alone = alone();
    [true, false].into_iter().for_each(|closed| sweep(&Sample::new(Kind::Compressed, closed)));
}

#[test]
fn of_a_file_with_indexes() {
    let _alone = alone();
    [true, false].into_iter().for_each(|closed| sweep(&Sample::new(Kind::Indexed, closed)));
}

#[test]
fn of_an_encrypted_file_with_indexes() {
    let _alone = alone();
    [true, false].into_iter().for_each(|closed| sweep(&Sample::new(Kind::Aes, closed)));
}

#[test]
fn of_an_encrypted_and_compressed_file() {
    let _alone = alone();
    [true, false].into_iter().for_each(|closed| sweep(&Sample::new(Kind::ChaCha, closed)));
}

#[test]
fn of_a_log_alone() {
    let _alone = alone();
    sweep(&Sample::log_alone());
}
