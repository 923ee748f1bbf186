//! What a workload does, and what that makes of the state.

use crate::model::State;
use crate::random::Random;
use crate::secrets::MARK;
use ferrolite::fs::File;
use ferrolite::{Database, End, Range, Result, Transaction};
use std::sync::Arc;
use std::time::Duration;

/// How many keys workloads use: few, so that they are overwritten and deleted.
pub const KEYS: u64 = 80;
const YEAR_MS: u64 = 365 * 24 * 3600 * 1000;
/// The paths that workloads index.
pub const PATHS: [&str; 3] = ["n", "s", "a.qZxMaRkPath"];

pub fn key(index: u64) -> String {
    format!("{}/{index:03}{MARK}", ["a", "b", "ü"][index as usize % 3])
}

/// An operation that makes one commit, or none.
#[derive(Debug, Clone)]
pub enum Write {
    Set(String, Arc<str>),
    SetFor(String, Arc<str>, u64),
    Delete(String),
    Batch(Vec<Write>),
    DeleteRange(String),
    Expire(String, u64),
    Persist(String),
    /// Elements at the left end, or at the right, of a list.
    Push(String, bool, Vec<String>),
    Pop(String, bool),
}

/// What an operation answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Version(u64),
    Found(bool),
    Count(u64),
}

/// Any operation.
#[derive(Debug, Clone)]
pub enum Operation {
    Write(Write),
    /// Writes that share one write to the file and one flush.
    Group(Vec<Write>),
    CreateIndex(&'static str),
    IndexStep(&'static str, usize),
    DropIndex(&'static str),
    Flush,
    Maintain(usize),
    Compact,
    /// A compaction in slices of so many bytes, with writes between them.
    CompactSlowly(usize, Vec<Write>),
    Snapshot,
    ReadSnapshot,
    Release,
    /// The clock moves on, or back, by so many milliseconds.
    Clock(i64),
    Compare,
    /// Another key opens the file from now on.
    ChangeKey,
    /// Everything is sealed with a new data key.
    RotateKey,
    /// The same in slices of so many bytes, with writes between them. It may not come to its end.
    RotateSlowly(usize, usize, Vec<Write>),
}

impl Write {
    /// What a commit of this write makes of the state. `None` when there is nothing to commit.
    pub fn effect(&self, state: &State, version: u64, now_ms: u64) -> Option<State> {
        let mut after = state.clone();
        let is_done = self.apply(&mut after, version, now_ms);
        is_done.then_some(after)
    }

    fn apply(&self, state: &mut State, version: u64, now_ms: u64) -> bool {
        match self {
            Self::Set(key, json) => state.put(key, json, version, None),
            Self::SetFor(key, json, ttl_ms) => state.put(key, json, version, Some(now_ms + ttl_ms)),
            Self::Delete(key) => return state.documents.remove(key.as_str()).is_some(),
            Self::Batch(writes) => {
                for write in writes {
                    write.apply(state, version, now_ms);
                }
                return !writes.is_empty();
            }
            Self::DeleteRange(prefix) => {
                let before = state.documents.len();
                state.documents.retain(|key, _| !key.starts_with(prefix.as_str()));
                return state.documents.len() < before;
            }
            Self::Push(key, is_left, pushed) => {
                let mut elements = elements_of(state, key);
                for element in pushed {
                    elements.insert(if *is_left { 0 } else { elements.len() }, element.clone());
                }
                state.put(key, &format!("[{}]", elements.join(",")).into(), version, None);
                return !pushed.is_empty();
            }
            Self::Pop(key, is_left) => {
                let mut elements = elements_of(state, key);
                if elements.is_empty() {
                    return false;
                }
                elements.remove(if *is_left { 0 } else { elements.len() - 1 });
                if elements.is_empty() {
                    state.documents.remove(key.as_str());
                } else {
                    state.put(key, &format!("[{}]", elements.join(",")).into(), version, None);
                }
            }
            Self::Expire(key, _) | Self::Persist(key) => {
                let expiry = match self {
                    Self::Expire(_, ttl_ms) => Some(now_ms + ttl_ms),
                    _ => None,
                };
                let Some(stored) = state.documents.get(key.as_str()).filter(|stored| stored.is_live(now_ms)) else {
                    return false;
                };
                let has_change = expiry.is_some() || stored.expires_at.is_some();
                let json = stored.json.clone();
                if has_change {
                    state.put(key, &json, version, expiry);
                }
                return has_change;
            }
        }
        true
    }

    pub fn run<F: File>(&self, db: &mut Database<F>) -> Result<Answer> {
        Ok(match self {
            Self::Set(key, json) => Answer::Version(db.set_json(key, json)?),
            Self::SetFor(key, json, ttl_ms) => {
                Answer::Version(db.set_ex_json(key, json, Duration::from_millis(*ttl_ms))?)
            }
            Self::Delete(key) => Answer::Found(db.delete(key)?),
            Self::Batch(writes) => Answer::Version(db.commit(transaction(writes)?)?),
            Self::DeleteRange(prefix) => Answer::Count(db.delete_range(&Range::prefix(prefix.as_str()))?),
            Self::Expire(key, ttl_ms) => Answer::Found(db.expire(key, Duration::from_millis(*ttl_ms))?),
            Self::Persist(key) => Answer::Found(db.persist(key)?),
            Self::Push(key, is_left, elements) => Answer::Count(db.push_json(key, end(*is_left), elements)?),
            Self::Pop(key, is_left) => Answer::Found(db.pop_json(key, end(*is_left))?.is_some()),
        })
    }

    /// Whether the answer, and whether there was a commit, fit the state before. Of documents that have lapsed nothing
    /// is known.
    pub fn is_plausible(&self, before: &State, now_ms: u64, answer: Answer, committed: Option<u64>) -> bool {
        let (key, prefix) = match self {
            Self::Set(..) | Self::SetFor(..) => return committed.map(Answer::Version) == Some(answer),
            Self::Batch(writes) => return writes.is_empty() || committed.map(Answer::Version) == Some(answer),
            Self::Delete(key) | Self::Expire(key, _) | Self::Persist(key) => (Some(key.as_str()), None),
            Self::DeleteRange(prefix) => (None, Some(prefix.as_str())),
            // Lists do not expire here, and so all is known of them.
            Self::Push(key, _, pushed) => {
                let length = elements_of(before, key).len() + pushed.len();
                return answer == Answer::Count(length as u64) && committed.is_some() != pushed.is_empty();
            }
            Self::Pop(key, _) => {
                let was_there = !elements_of(before, key).is_empty();
                return answer == Answer::Found(was_there) && committed.is_some() == was_there;
            }
        };
        let concerned = |name: &str| key == Some(name) || prefix.is_some_and(|prefix| name.starts_with(prefix));
        let changes = |at: Option<u64>| !matches!(self, Self::Persist(_)) || at.is_some();
        let stored: Vec<_> = before
            .documents
            .iter()
            .filter(|(name, stored)| concerned(name) && changes(stored.expires_at))
            .map(|(_, stored)| (stored.is_live(now_ms), stored.lapsed))
            .collect();
        let least = stored.iter().filter(|(is_live, lapsed)| *is_live && !lapsed).count() as u64;
        let most = stored.iter().filter(|(is_live, _)| *is_live).count() as u64;
        let told = match answer {
            Answer::Found(found) => u64::from(found),
            Answer::Count(count) => count,
            Answer::Version(_) => return false,
        };
        // What has expired is deleted too where it is still there, but not counted.
        let may_commit = told > 0 || (!matches!(self, Self::Expire(..) | Self::Persist(_)) && !stored.is_empty());
        (least..=most).contains(&told) && (told == 0 || committed.is_some()) && (committed.is_none() || may_commit)
    }
}

fn transaction(writes: &[Write]) -> Result<Transaction> {
    writes.iter().try_fold(Transaction::new(), |transaction, write| match write {
        Write::Set(key, json) => transaction.set_json(key, json),
        Write::SetFor(key, json, ttl_ms) => transaction.set_ex_json(key, json, Duration::from_millis(*ttl_ms)),
        Write::Delete(key) => transaction.delete(key),
        other => panic!("{other:?} is no part of a transaction"),
    })
}

/// The elements of a list, none of which has a comma.
fn elements_of(state: &State, key: &str) -> Vec<String> {
    let text = state.documents.get(key).map_or("", |stored| stored.json.trim_matches(['[', ']']));
    text.split(',').filter(|element| !element.is_empty()).map(str::to_owned).collect()
}

fn end(is_left: bool) -> End {
    if is_left { End::Left } else { End::Right }
}

/// Draws operations. The odds are drawn once a workload, so that workloads differ.
#[derive(Debug)]
pub struct Generator {
    /// Of 100 operations, how many are not writes.
    upkeep_percent: u64,
    /// Bytes that a document is filled up with, at most, most of the time.
    padding: u64,
    /// Of 100 documents, how many expire.
    expiring_percent: u64,
    /// Of 100 writes, how many are of a large value, or delete one.
    large_percent: u64,
    /// Whether there are indexes at all.
    indexed: bool,
    /// Of 1000 operations, how many are about keys.
    keys_permille: u64,
    /// Of 1000 operations, how many write one document again and again.
    hot_permille: u64,
}

impl Generator {
    pub fn new(random: &mut Random, is_encrypted: bool) -> Self {
        let keys_permille = random.pick(&[5, 20, 60]);
        Self {
            keys_permille: if is_encrypted { keys_permille } else { 0 },
            upkeep_percent: random.pick(&[5, 15, 30]),
            padding: random.pick(&[10, 200, 600, 2000]),
            expiring_percent: random.pick(&[0, 10, 40]),
            large_percent: random.pick(&[0, 0, 0, 40]),
            indexed: random.chance(80),
            hot_permille: random.pick(&[0, 0, 20, 300]),
        }
    }

    pub fn operation(&self, random: &mut Random) -> Operation {
        if random.below(1000) < self.keys_permille {
            return match random.below(5) {
                0 | 1 => Operation::ChangeKey,
                2 => Operation::RotateKey,
                _ => {
                    let writes = (0..random.between(0, 6)).map(|_| self.write(random)).collect();
                    let budget = random.pick(&[1, 4 << 10, 32 << 10]);
                    Operation::RotateSlowly(budget, random.between(1, 60) as usize, writes)
                }
            };
        }
        if random.below(1000) < self.hot_permille {
            let key = key(random.below(2));
            let writes = (0..random.between(20, 200)).map(|_| Write::Set(key.clone(), self.document(random, 600)));
            return Operation::Group(writes.collect());
        }
        if !random.chance(self.upkeep_percent) {
            return match random.below(10) {
                0 => Operation::Group((0..random.between(1, 12)).map(|_| self.write(random)).collect()),
                _ => Operation::Write(self.write(random)),
            };
        }
        match random.below(26) {
            0..=2 if self.indexed => Operation::CreateIndex(random.pick(&PATHS)),
            3..=5 if self.indexed => Operation::IndexStep(random.pick(&PATHS), random.between(1, 40) as usize),
            6 if self.indexed => Operation::DropIndex(random.pick(&PATHS)),
            7 | 8 => Operation::Flush,
            9..=12 => Operation::Maintain(random.pick(&[1, 4 << 10, 64 << 10, 1 << 20])),
            13 | 14 => Operation::Compact,
            15 => {
                let writes = (0..random.between(1, 8)).map(|_| self.write(random)).collect();
                Operation::CompactSlowly(random.pick(&[1, 4 << 10, 32 << 10]), writes)
            }
            16 | 17 => Operation::Snapshot,
            18 | 19 => Operation::ReadSnapshot,
            20 => Operation::Release,
            21 | 22 => Operation::Clock(random.between(1, 3000) as i64),
            23 if random.chance(70) => Operation::Clock(-(random.between(1, 3000) as i64)),
            // Somebody sets the clock, by up to a year.
            23 => Operation::Clock(random.between(0, 2 * YEAR_MS) as i64 - YEAR_MS as i64),
            _ => Operation::Compare,
        }
    }

    /// Large values at a few keys: replaced by others, by small ones, deleted, and given times to live.
    fn large_write(&self, random: &mut Random) -> Write {
        let key = key(random.below(6));
        match random.below(10) {
            0..=5 => {
                let padding = random.pick(&[60_000, 150_000, 400_000]);
                Write::Set(key, self.document(random, padding))
            }
            6 | 7 => Write::Delete(key),
            8 => Write::Expire(key, random.between(1, 4000)),
            _ => self.put(random),
        }
    }

    fn write(&self, random: &mut Random) -> Write {
        if random.chance(self.large_percent) {
            return self.large_write(random);
        }
        match random.below(45) {
            40..=42 => {
                let element = |random: &mut Random| format!("\"{}{MARK}\"", random.below(1 << 20));
                let elements = (0..random.below(4)).map(|_| element(random)).collect();
                Write::Push(some_list(random), random.chance(50), elements)
            }
            43 | 44 => Write::Pop(some_list(random), random.chance(50)),
            0..=23 => self.put(random),
            24..=29 => Write::Delete(some_key(random)),
            30..=34 => self.batch(random),
            35 => Write::DeleteRange(random.pick(&["a/00", "b/0", "ü/01", "a/04"]).to_string()),
            36 | 37 => Write::Expire(some_key(random), random.between(1, 4000)),
            38 => Write::Persist(some_key(random)),
            // One that fills a log segment, or several, and that has parts.
            _ => {
                let padding = random.pick(&[20_000, 20_000, 150_000]);
                Write::Set(some_key(random), self.document(random, padding))
            }
        }
    }

    fn put(&self, random: &mut Random) -> Write {
        let (key, json) = (some_key(random), self.document(random, self.padding));
        if random.chance(self.expiring_percent) {
            Write::SetFor(key, json, random.between(1, 4000))
        } else {
            Write::Set(key, json)
        }
    }

    fn batch(&self, random: &mut Random) -> Write {
        let mut keys: Vec<u64> = (0..random.below(25)).map(|_| random.below(KEYS)).collect();
        keys.sort_unstable();
        keys.dedup();
        let write = |index: u64| match random.below(4) {
            0 => Write::Delete(key(index)),
            1 if random.chance(self.expiring_percent) => {
                Write::SetFor(key(index), self.document(random, self.padding), random.between(1, 4000))
            }
            _ => Write::Set(key(index), self.document(random, self.padding)),
        };
        Write::Batch(keys.into_iter().map(write).collect())
    }

    fn document(&self, random: &mut Random, padding: u64) -> Arc<str> {
        let mut fields = Vec::new();
        if random.chance(80) {
            fields.push(format!("\"n\":{}", random.below(6)));
        }
        if random.chance(60) {
            fields.push(format!("\"s\":\"{}\"", random.pick(&["a", "ab", "b", "bqZxMaRk"])));
        }
        if random.chance(60) {
            fields.push(format!(
                "\"a\":{{\"{MARK}Path\":{}}}",
                random.pick(&["null", "true", "false", "-1", "0", "7", "\"b\""])
            ));
        }
        let letters: String =
            (0..random.below(padding + 1) / 8).map(|_| random.pick(&["padding ", "filling "]).to_string()).collect();
        fields.push(format!("\"p\":\"{letters}{}{MARK}\"", random.below(1 << 30)));
        format!("{{{}}}", fields.join(",")).into()
    }
}

fn some_list(random: &mut Random) -> String {
    format!("l/{}{MARK}", random.below(4))
}

fn some_key(random: &mut Random) -> String {
    key(random.below(KEYS))
}
