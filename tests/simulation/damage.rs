//! What a disk that lies may have damaged, and what that excuses.
//!
//! Whatever the disk does, an answer is right or an error that tells of damage. An older state than the one that was
//! acknowledged as durable is right in two cases alone, since nothing is left that could tell:
//!
//! - both copies of a superblock are gone, so that the one before it is the newest;
//! - of a log that was in use the last commits are gone, with everything behind them that could prove them.
//!
//! Behind a session that was closed there is no log: then a single lie leads to no older state.

use crate::compare::{QUESTIONS, compare_documents, compare_indexes};
use crate::model::State;
use crate::operation::{KEYS, key};
use crate::oracle::find_in;
use ferrolite::fs::File;
use ferrolite::fs::simulated::Lie;
use ferrolite::{Condition, Database, Document, Error, ErrorCode, FindOptions, Range};

const SLOT_LEN: u64 = 4096;
const SLOTS: u64 = 4;
/// Where the two key slots are.
const KEY_SLOTS: [std::ops::Range<u64>; 2] = [16 << 10..20 << 10, 20 << 10..24 << 10];
/// The kinds of what a log is made of: the first byte of a write to it.
const LOG_KINDS: std::ops::RangeInclusive<u8> = 16..=18;

/// What may be damaged.
#[derive(Debug, Default)]
pub struct Damage {
    is_any: bool,
    /// The superblock slots that were hit since they were last sure to be whole.
    slots: [bool; SLOTS as usize],
    slots_of_session: [bool; SLOTS as usize],
    /// The key slots that were ever hit.
    key_slots: [bool; 2],
    /// Whether the log may have lost its end.
    log: bool,
    /// Whether there may be a log.
    log_in_use: bool,
    /// How many lies are noted.
    lies: usize,
}

impl Damage {
    pub fn is_any(&self) -> bool {
        self.is_any
    }

    pub fn excuses_older_state(&self) -> bool {
        let [a, b, c, d] = self.slots;
        self.log || (a && b) || (c && d)
    }

    /// Whether it may be the reason of an error.
    pub fn explains(&self, code: ErrorCode, what: &str, is_new: bool) -> bool {
        self.is_any
            && match code {
                ErrorCode::Corrupt => true,
                // The owner record does not say any more who has claimed the file.
                ErrorCode::Locked => true,
                ErrorCode::KeySlotDamaged => what == "opening" && self.key_slots == [true; 2],
                // A record of before is there that the other one should have replaced.
                ErrorCode::WrongKey => what == "opening" && self.key_slots != [false; 2],
                // No slot looks like a superblock, or the file's creation was cut short before.
                ErrorCode::NotADatabase => what == "opening" && (is_new || self.slots == [true; 4]),
                _ => false,
            }
    }

    /// A session begins.
    pub fn note_open(&mut self) {
        self.slots_of_session = [false; 4];
    }

    /// Something is done with the database that may write.
    pub fn note_work(&mut self) {
        self.log_in_use = true;
    }

    /// Takes note of the lies that are new, and gives the number of those that are not.
    pub fn note_lies(&mut self, lies: &[Lie]) -> usize {
        let known = self.lies;
        for lie in &lies[self.lies..] {
            self.is_any = true;
            self.hit(lie.offset, lie.bytes.len() as u64);
            self.log |= lie.bytes.first().is_some_and(|kind| LOG_KINDS.contains(kind));
            if let Some(landed_at) = lie.landed_at {
                self.hit(landed_at, lie.bytes.len() as u64);
                self.log |= self.log_in_use;
            }
        }
        self.lies = lies.len();
        known
    }

    pub fn note_rot(&mut self, offset: u64) {
        self.is_any = true;
        self.log |= self.log_in_use;
        self.hit(offset, 1);
    }

    fn hit(&mut self, offset: u64, len: u64) {
        for (hit, slot) in self.key_slots.iter_mut().zip(KEY_SLOTS) {
            *hit |= offset < slot.end && offset + len > slot.start;
        }
        for slot in 0..SLOTS {
            if offset < (slot + 1) * SLOT_LEN && offset + len > slot * SLOT_LEN {
                self.slots[slot as usize] = true;
                self.slots_of_session[slot as usize] = true;
            }
        }
    }

    /// The database was closed: everything is in tables, and all slots were written in this session.
    pub fn note_close(&mut self, lies: &[Lie]) {
        self.note_lies(lies);
        self.slots = self.slots_of_session;
        self.log = false;
        self.log_in_use = false;
    }
}

/// The answer, or `None` when it is an error that tells of damage.
fn answer<T>(result: Result<T, Error>) -> Result<Option<T>, String> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.code() == ErrorCode::Corrupt => Ok(None),
        Err(error) => Err(format!("damage is told by another error: {error}")),
    }
}

/// Documents up to the first that cannot be read, and whether that is all of them.
fn readable<F: File>(db: &Database<F>, range: &Range) -> Result<(Vec<Document>, bool), String> {
    let Some(scan) = answer(db.scan(range))? else { return Ok((Vec::new(), false)) };
    let mut found = Vec::new();
    for document in scan {
        match answer(document)? {
            Some(document) => found.push(document),
            None => return Ok((found, false)),
        }
    }
    Ok((found, true))
}

/// Compares all answers of a database that may be damaged: each is right, or an error of code `Corrupt`.
pub fn compare_damaged<F: File>(db: &Database<F>, state: &State, now_ms: u64) -> Result<State, String> {
    let (found, is_whole) = readable(db, &Range::all())?;
    let settled = if is_whole { compare_documents(&found, state, now_ms)? } else { state.clone() };
    compare_indexes(db, state)?;
    let expected: Vec<Document> = live(&settled, now_ms);
    // Whether it is known of each document if it is there.
    let is_settled = is_whole || settled.documents.values().all(|stored| !stored.lapsed || !stored.is_live(now_ms));
    let mut damaged = compare_reads(db, &settled, now_ms, (&expected, is_settled))? | !is_whole;
    if is_settled {
        let is_prefix = expected.starts_with(&found);
        if !is_prefix {
            return Err("a scan up to the damage tells something else".to_owned());
        }
        damaged |= compare_finds(db, &expected)?;
    }
    match answer(db.check(true))? {
        Some(report) if report.is_ok() && damaged => Err("a full check has not found the damage".to_owned()),
        _ => Ok(settled),
    }
}

fn live(state: &State, now_ms: u64) -> Vec<Document> {
    let live = state.documents.iter().filter(|(_, stored)| stored.is_live(now_ms));
    live.map(|(key, stored)| Document {
        key: key.to_string(),
        json: stored.json.to_string(),
        bytes: None,
        version: stored.version,
        expires_at: stored.expires_at,
    })
    .collect()
}

/// Reads in other ways than by a scan. True when something cannot be read.
fn compare_reads<F: File>(
    db: &Database<F>,
    state: &State,
    now_ms: u64,
    (expected, is_settled): (&[Document], bool),
) -> Result<bool, String> {
    let mut damaged = false;
    for index in 0..KEYS {
        let key = key(index);
        let stored = state.documents.get(key.as_str()).filter(|stored| stored.is_live(now_ms));
        let may_be_gone = stored.is_none_or(|stored| stored.lapsed && !is_settled);
        match answer(db.get_document(&key))? {
            None => damaged = true,
            Some(None) if may_be_gone => {}
            Some(Some(document)) if expected.contains(&document) => {}
            Some(other) => return Err(format!("get {key}: {:?}", other.map(|document| document.version))),
        }
    }
    let (reversed, is_whole) = readable(db, &Range::all().reverse())?;
    damaged |= !is_whole;
    if is_settled {
        if !reversed.iter().eq(expected.iter().rev().take(reversed.len()))
            || (is_whole && reversed.len() < expected.len())
        {
            return Err("a scan backwards tells something else".to_owned());
        }
        match answer(db.count(&Range::all()))? {
            None => damaged = true,
            Some(count) if count == expected.len() as u64 => {}
            Some(count) => return Err(format!("{count} are counted of {}", expected.len())),
        }
    }
    Ok(damaged)
}

fn compare_finds<F: File>(db: &Database<F>, documents: &[Document]) -> Result<bool, String> {
    let entries: Vec<_> = documents.iter().map(|document| (document.key.clone(), document.json.clone())).collect();
    let mut damaged = false;
    for (path, condition, reverse) in QUESTIONS {
        let options = FindOptions { reverse, limit: None, ..FindOptions::default() };
        let condition_parsed = Condition::parse(condition).map_err(|error| error.to_string())?;
        match answer(db.find(path, &condition_parsed, &options))? {
            None => damaged = true,
            Some(found) if found == find_in(&entries, path, condition, options) => {}
            Some(found) => return Err(format!("find {path} {condition}: {found:?}")),
        }
    }
    Ok(damaged)
}
