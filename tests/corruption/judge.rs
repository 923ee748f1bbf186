//! What may be read from a damaged database: errors that name the damage, and what was there before.

use crate::log::{Log, touches};
use crate::reading::{Answer, Reading};
use crate::samples::Sample;
use ferrolite::{Error, ErrorCode};
use std::ops::Range;

/// Where the two key slots of an encrypted file are.
const KEY_SLOTS: [Range<usize>; 2] = [16 << 10..20 << 10, 20 << 10..24 << 10];

/// What came of the damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// At least one call told of it, and no call answered wrongly.
    Detected,
    /// All is as before.
    Unaffected,
    /// Commits behind this one are gone, of which nothing that is left proves that they were durable.
    Earlier(u64),
}

/// Judges what was read from `sample` with damage at `damage`.
///
/// A call that succeeds must answer what the sound file answers. There are two exceptions, in both of which what is
/// read must be exactly what was there after an earlier commit:
/// - when neither copy of the newest superblock is whole, the one before it counts (docs/format.md, section 3);
/// - when the end of the log is hit, commits are missing as after a torn write, but none that anything outside of the
///   damage proves durable (section 10, step 7).
pub fn judge(
    sample: &Sample,
    log: &Log,
    damage: &[Range<usize>],
    found: &Result<Reading, Error>,
) -> Result<Verdict, String> {
    let reading = match found {
        Ok(reading) => reading,
        Err(error) => {
            // Only damage at its beginning can make a file no database.
            let hits_all_slots = damage.iter().any(|range| range.start < 8) && touches(damage, &(3 * 4096..4 * 4096));
            let hits_both_key_slots = KEY_SLOTS.iter().all(|slot| touches(damage, slot));
            match error.code() {
                // They say nothing of a place: the key slots are two, and have their own.
                ErrorCode::KeySlotDamaged | ErrorCode::WrongKey if hits_both_key_slots => {}
                _ => check_error(error, hits_all_slots)?,
            }
            return Ok(Verdict::Detected);
        }
    };
    let is_current = reading.version == sample.reading.version;
    if !is_current {
        let least = if log.has_lost_its_superblock(damage) { 0 } else { log.proven_outside(damage) };
        if reading.version < least || reading.version > sample.reading.version {
            return Err(format!("version {} was read, although {least} is proven durable", reading.version));
        }
    }
    let expected = if is_current { Some(&sample.reading) } else { sample.history.get(&reading.version) };
    let expected = expected.ok_or_else(|| format!("there never was a version {}", reading.version))?;
    let mut detected = false;
    for (answer, expected) in reading.answers.iter().zip(&expected.answers) {
        detected |= compare(answer, &expected.0)?;
    }
    Ok(match (detected, is_current) {
        (true, _) => Verdict::Detected,
        (false, true) => Verdict::Unaffected,
        (false, false) => Verdict::Earlier(reading.version),
    })
}

/// Whether the damage was told; an error when the answer is wrong.
fn compare((answer, error): &(Answer, Option<Error>), expected: &Answer) -> Result<bool, String> {
    if let Answer::Problems(problems) = answer
        && let Some(empty) = problems.iter().find(|problem| !problem.contains(" at ") && !problem.contains("table "))
    {
        return Err(format!("a problem without a place: {empty}"));
    }
    let wrong = || format!("{answer:?} instead of {expected:?}");
    match error {
        Some(error) => {
            check_error(error, false)?;
            // What a scan has given before it failed was right.
            let is_beginning = match (answer, expected) {
                (Answer::Documents(found), Answer::Documents(expected)) => expected.starts_with(found),
                _ => true,
            };
            if is_beginning { Ok(true) } else { Err(wrong()) }
        }
        None if answer == expected => Ok(false),
        None if matches!(answer, Answer::Problems(problems) if !problems.is_empty()) => Ok(true),
        None => Err(wrong()),
    }
}

/// An error must say what is damaged, and where.
fn check_error(error: &Error, may_be_foreign: bool) -> Result<(), String> {
    match error {
        Error::Corrupt { what, at } if !what.is_empty() && !at.is_empty() => Ok(()),
        Error::NotADatabase { .. } if may_be_foreign => Ok(()),
        other => Err(format!("the error {:?}: {other}", other.code())),
    }
}
