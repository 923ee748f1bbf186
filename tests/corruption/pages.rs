//! Pages of 4 KiB and blocks of 64 KiB that were swapped, or are what they were before.

use crate::samples::{FINAL_MS, Kind, Sample};
use crate::sweep::{Sweep, alone, share};
use std::ops::Range;

const PAGE: usize = 4 << 10;
const BLOCK: usize = 64 << 10;

/// The units of a file; the last one may be short.
fn units(len: usize, unit: usize) -> Vec<Range<usize>> {
    (0..len).step_by(unit).map(|start| start..(start + unit).min(len)).collect()
}

fn swap(sweep: &mut Sweep<'_>, unit: usize, share: usize) {
    let sample = sweep.sample;
    let units = units(sample.bytes.len(), unit);
    let mut turn = 0;
    for (index, a) in units.iter().enumerate() {
        for b in &units[index + 1..] {
            if a.len() != b.len() || sample.bytes[a.clone()] == sample.bytes[b.clone()] {
                continue;
            }
            turn += 1;
            if turn % share != 0 {
                continue;
            }
            let mut bytes = sample.bytes.clone();
            bytes[a.clone()].copy_from_slice(&sample.bytes[b.clone()]);
            bytes[b.clone()].copy_from_slice(&sample.bytes[a.clone()]);
            sweep.image.set(&bytes);
            sweep.try_damage(&[a.clone(), b.clone()], || format!("{a:?} and {b:?} swapped"));
        }
    }
}

/// Puts back what a unit was at some earlier time: all that the disk may have lost is a write.
fn restore(sweep: &mut Sweep<'_>, unit: usize, share: usize) {
    let sample = sweep.sample;
    let mut turn = 0;
    for range in units(sample.bytes.len(), unit) {
        let mut seen: Vec<Vec<u8>> = vec![sample.bytes[range.clone()].to_vec()];
        for image in &sample.images {
            let mut older = image.get(range.start.min(image.len())..range.end.min(image.len())).unwrap().to_vec();
            older.resize(range.len(), 0);
            if seen.contains(&older) {
                continue;
            }
            seen.push(older);
        }
        for (age, older) in seen.iter().enumerate().skip(1) {
            turn += 1;
            if turn % share != 0 {
                continue;
            }
            let mut bytes = sample.bytes.clone();
            bytes[range.clone()].copy_from_slice(older);
            sweep.image.set(&bytes);
            sweep.try_damage(std::slice::from_ref(&range), || format!("{range:?} as it was before, version {age}"));
        }
    }
}

/// Puts what another file has in the same place, or anywhere.
fn transplant(sweep: &mut Sweep<'_>, other: &Sample, unit: usize, share: usize) {
    let sample = sweep.sample;
    let mut turn = 0;
    for to in units(sample.bytes.len(), unit) {
        for from in units(other.bytes.len(), unit) {
            let is_same_place = from.start == to.start;
            if from.len() != to.len() || sample.bytes[to.clone()] == other.bytes[from.clone()] {
                continue;
            }
            turn += 1;
            if turn % share != 0 && !is_same_place {
                continue;
            }
            let mut bytes = sample.bytes.clone();
            bytes[to.clone()].copy_from_slice(&other.bytes[from.clone()]);
            sweep.image.set(&bytes);
            let what = || format!("{to:?} as {from:?} of {}", other.name);
            sweep.try_damage(std::slice::from_ref(&to), what);
        }
    }
}

/// All that two encrypted files with the same key tell apart, and a file and its copy that went on differently: the same
/// data key, the same tables and places.
#[test]
fn pages_of_other_files_with_the_same_key() {
    let _alone = alone();
    for (kind, closed) in [(Kind::Aes, true), (Kind::ChaCha, false)] {
        let sample = Sample::new(kind, closed);
        let others = [Sample::another(kind, closed), Sample::going_on(kind, closed, FINAL_MS)];
        for other in others {
            let mut sweep = Sweep::new(&sample);
            transplant(&mut sweep, &other, PAGE, share(67, 401));
            transplant(&mut sweep, &other, BLOCK, share(3, 17));
            let least = if cfg!(target_os = "wasi") { 3 } else { 20 };
            assert!(sweep.detected > least, "{}: {} were detected", sample.name, sweep.detected);
            sweep.report("pages of other files with the same key");
        }
    }
}

#[test]
fn swapped_pages() {
    let _alone = alone();
    for sample in Sample::all() {
        let mut sweep = Sweep::new(&sample);
        swap(&mut sweep, PAGE, share(17, 101));
        swap(&mut sweep, BLOCK, share(1, 5));
        sweep.report("pages swapped");
    }
}

#[test]
fn pages_as_they_were_before() {
    let _alone = alone();
    for sample in Sample::all() {
        let mut sweep = Sweep::new(&sample);
        restore(&mut sweep, PAGE, share(1, 7));
        restore(&mut sweep, BLOCK, 1);
        sweep.report("pages put back");
    }
}
