//! The model: what a database must answer, worked out on a map.

use crate::input::{check_expiry, check_json, check_key, check_path, check_range};
use crate::operation::{Operation, Part, Text, Write};
use crate::search::{search, written_by_serde};
use crate::support::START_MS;
use ferrolite::{ErrorCode, Range};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A document of the model.
#[derive(Debug, Clone)]
pub struct Stored {
    pub json: Text,
    /// Which call of a write wrote it: its version by another name, which does not depend on options.
    pub call: u64,
    pub expires_at: Option<u64>,
    /// Whether the clock has stood behind its expiry: from then on it may be dropped for good at any time.
    pub lapsed: bool,
}

#[derive(Debug, Default)]
pub struct Model {
    /// With those that have expired, for the clock may go back.
    documents: BTreeMap<Text, Stored>,
    indexes: BTreeSet<Text>,
    now_ms: u64,
    calls: u64,
    read_only: bool,
    snapshots: Vec<Held>,
}

#[derive(Debug)]
struct Held {
    documents: Result<Vec<(Text, Stored)>, ErrorCode>,
    limit: u64,
    page_documents: usize,
    page_bytes: usize,
    next: usize,
}

type Answer = Result<Value, ErrorCode>;

impl Stored {
    fn is_live(&self, now_ms: u64) -> bool {
        self.expires_at.is_none_or(|at| at > now_ms)
    }
}

impl Model {
    pub fn new() -> Self {
        Self { now_ms: START_MS, ..Self::default() }
    }

    /// The answer to an operation. `told` is the database's own, for what the model cannot foresee: how far a group
    /// got before the disk failed.
    pub fn play(&mut self, operation: &Operation, told: &Value) -> Value {
        told_as(self.answer(operation, told))
    }

    /// The keys of documents that may have been dropped, or may be there: the clock was behind their expiry and has
    /// been set back.
    pub fn doubtful(&self) -> Vec<Text> {
        let is_doubtful = |stored: &Stored| stored.lapsed && stored.is_live(self.now_ms);
        self.documents.iter().filter(|(_, stored)| is_doubtful(stored)).map(|(key, _)| key.clone()).collect()
    }

    /// The document is not there.
    pub fn forget(&mut self, key: &Text) {
        self.documents.remove(key);
    }

    /// The keys that the model knows of.
    pub fn keys(&self) -> Vec<Text> {
        self.documents.keys().cloned().collect()
    }

    fn answer(&mut self, operation: &Operation, told: &Value) -> Answer {
        match operation {
            Operation::Write(write) => self.write(write),
            Operation::Group { writes, fails } => Ok(self.group(writes, *fails, told)),
            Operation::CreateIndex { path } => {
                self.check_index(path)?;
                Ok(json!(!self.indexes.insert(path.clone())))
            }
            Operation::IndexStep { path, .. } => {
                self.check_index(path)?;
                self.indexes.insert(path.clone());
                Ok(Value::Null)
            }
            Operation::DropIndex { path } => {
                self.check_index(path)?;
                Ok(json!(self.indexes.remove(path)))
            }
            Operation::Indexes => Ok(json!(self.indexes)),
            Operation::Snapshot { range, documents, bytes } => {
                self.hold(range, *documents, *bytes);
                Ok(Value::Null)
            }
            Operation::Page { slot } if !self.snapshots.is_empty() => {
                let slot = slot % self.snapshots.len();
                self.snapshots[slot].page()
            }
            Operation::Release { slot } if !self.snapshots.is_empty() => {
                self.snapshots.remove(slot % self.snapshots.len());
                Ok(Value::Null)
            }
            Operation::Page { .. } | Operation::Release { .. } | Operation::Tick => Ok(Value::Null),
            Operation::Flush | Operation::Maintain { .. } => Ok(Value::Null),
            Operation::Compact | Operation::CompactStep { .. } => self.writable().map(|()| Value::Null),
            Operation::Check => Ok(json!("sound")),
            Operation::Wait { ms } => self.set_clock(self.now_ms + ms),
            Operation::SetBack { ms } => self.set_clock(self.now_ms - ms),
            Operation::Reopen { .. } | Operation::ReopenReadOnly => {
                self.snapshots.clear();
                self.read_only = matches!(operation, Operation::ReopenReadOnly);
                Ok(Value::Null)
            }
            read => self.read(read),
        }
    }

    fn read(&self, operation: &Operation) -> Answer {
        match operation {
            Operation::Get { key } => {
                check_key(key)?;
                let found = self.live(key);
                Ok(found.map_or(Value::Null, |it| json!({ "json": it.json, "call": it.call, "until": it.expires_at })))
            }
            Operation::GetMany { keys } => {
                keys.iter().try_for_each(check_key)?;
                Ok(keys
                    .iter()
                    .map(|key| self.live(key).map(|stored| stored.json.clone()))
                    .map(|it| json!(it))
                    .collect())
            }
            Operation::Ttl { key } => {
                check_key(key)?;
                let left = |stored: &Stored| stored.expires_at.map_or(Value::Null, |at| json!(at - self.now_ms));
                Ok(self.live(key).map_or(json!("missing"), left))
            }
            Operation::Count { range } => Ok(json!(self.live_in(range)?.len())),
            Operation::Keys { range } => Ok(self.live_in(range)?.into_iter().map(|(key, _)| json!(key)).collect()),
            Operation::Entries { range } => {
                Ok(self.live_in(range)?.into_iter().map(|(key, stored)| json!([key, stored.json])).collect())
            }
            Operation::Find { path, condition, options } => {
                let documents = self.documents.iter().filter(|(_, stored)| stored.is_live(self.now_ms));
                let texts = documents.map(|(key, stored)| (key, &stored.json));
                search(texts, path, condition, options.clone()).map(|keys| json!(keys))
            }
            other => panic!("{other:?} is no read"),
        }
    }

    fn set_clock(&mut self, now_ms: u64) -> Answer {
        self.now_ms = now_ms;
        self.documents.values_mut().filter(|stored| !stored.is_live(now_ms)).for_each(|stored| stored.lapsed = true);
        Ok(Value::Null)
    }

    fn group(&mut self, writes: &[Write], fails: bool, told: &Value) -> Value {
        if fails && told.get("error").is_some() {
            // Nothing of it is kept.
            self.calls += writes.len() as u64;
            return if is_of_the_disk(&told["error"]) { told.clone() } else { json!("an error of the disk") };
        }
        let answers: Vec<Value> = writes
            .iter()
            .enumerate()
            .map(|(index, write)| match &told[index]["error"] {
                code if fails && is_of_the_disk(code) => {
                    self.calls += 1;
                    told[index].clone()
                }
                _ => told_as(self.write(write)),
            })
            .collect();
        json!(answers)
    }

    fn write(&mut self, write: &Write) -> Answer {
        self.calls += 1;
        match write {
            Write::Set { key, json } => {
                check_key(key)?;
                check_json(json)?;
                self.put(key, json.clone(), None)
            }
            Write::SetValue { key, json } => {
                check_key(key)?;
                self.put(key, written_by_serde(json), None)
            }
            Write::SetEx { key, json, ttl_ms } => {
                check_key(key)?;
                check_json(json)?;
                self.writable()?;
                self.put(key, json.clone(), Some(self.expiry(*ttl_ms)?))
            }
            Write::SetMany { documents } => {
                documents.iter().try_for_each(|(key, json)| check_json(json).and_then(|()| check_key(key)))?;
                self.writable()?;
                documents.iter().try_for_each(|(key, json)| self.put(key, json.clone(), None).map(drop))?;
                Ok(Value::Null)
            }
            Write::Delete { key } => {
                check_key(key)?;
                self.writable()?;
                let was_live = self.live(key).is_some();
                self.documents.remove(key);
                Ok(json!(was_live))
            }
            Write::DeleteRange { range } => self.delete_range(range),
            Write::Expire { key, ttl_ms } => {
                check_key(key)?;
                self.writable()?;
                let expires_at = self.expiry(*ttl_ms)?;
                self.change_expiry(key, Some(expires_at))
            }
            Write::Persist { key } => {
                check_key(key)?;
                self.writable()?;
                self.change_expiry(key, None)
            }
            Write::Commit { writes } => self.commit(writes),
        }
    }

    fn commit(&mut self, parts: &[Part]) -> Answer {
        for part in parts {
            match part {
                Part::Set { key, json } => check_json(json).and_then(|()| check_key(key))?,
                Part::SetEx { key, json, ttl_ms } => {
                    check_expiry(*ttl_ms).and_then(|_| check_json(json)).and_then(|()| check_key(key))?;
                }
                Part::SetUntil { key, json, at_ms } => {
                    check_expiry(*at_ms).and_then(|_| check_json(json)).and_then(|()| check_key(key))?;
                }
                Part::Delete { key } => check_key(key)?,
            }
        }
        self.writable()?;
        for part in parts {
            match part {
                Part::Set { key, json } => drop(self.put(key, json.clone(), None)?),
                Part::SetEx { key, json, ttl_ms } => drop(self.put(key, json.clone(), Some(self.now_ms + ttl_ms))?),
                Part::SetUntil { key, json, at_ms } => drop(self.put(key, json.clone(), Some(*at_ms))?),
                Part::Delete { key } => drop(self.documents.remove(key)),
            }
        }
        Ok(Value::Null)
    }

    fn put(&mut self, key: &Text, json: Text, expires_at: Option<u64>) -> Answer {
        self.writable()?;
        let lapsed = expires_at.is_some_and(|at| at <= self.now_ms);
        self.documents.insert(key.clone(), Stored { json, call: self.calls, expires_at, lapsed });
        Ok(Value::Null)
    }

    fn delete_range(&mut self, range: &Range) -> Answer {
        self.writable()?;
        check_range(range)?;
        let mut deleted = 0;
        for key in self.in_order(range) {
            if deleted == range.limit.unwrap_or(u64::MAX) {
                break;
            }
            // What has expired goes too, and does not count.
            deleted += u64::from(self.live(&key).is_some());
            self.documents.remove(&key);
        }
        Ok(json!(deleted))
    }

    fn change_expiry(&mut self, key: &Text, expires_at: Option<u64>) -> Answer {
        let Some(stored) = self.live(key).cloned() else { return Ok(json!(false)) };
        if expires_at.is_none() && stored.expires_at.is_none() {
            return Ok(json!(false));
        }
        self.put(key, stored.json, expires_at)?;
        Ok(json!(true))
    }

    fn hold(&mut self, range: &Range, page_documents: usize, page_bytes: usize) {
        let documents = self.live_in(&Range { limit: None, ..range.clone() });
        let (next, limit) = (0, range.limit.unwrap_or(u64::MAX));
        self.snapshots.push(Held { documents, limit, page_documents, page_bytes, next });
    }

    fn live(&self, key: &Text) -> Option<&Stored> {
        self.documents.get(key).filter(|stored| stored.is_live(self.now_ms))
    }

    fn live_in(&self, range: &Range) -> Result<Vec<(Text, Stored)>, ErrorCode> {
        check_range(range)?;
        let keys = self.in_order(range).into_iter();
        let live = keys.filter_map(|key| self.live(&key).cloned().map(|stored| (key, stored)));
        Ok(live.take(usize::try_from(range.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)).collect())
    }

    /// The keys in a range, whatever its limit.
    fn in_order(&self, range: &Range) -> Vec<Text> {
        let above = |key: &str| {
            range.gt.as_deref().is_none_or(|gt| key > gt) && range.gte.as_deref().is_none_or(|gte| key >= gte)
        };
        let below = |key: &str| {
            range.lt.as_deref().is_none_or(|lt| key < lt) && range.lte.as_deref().is_none_or(|lte| key <= lte)
        };
        let prefixed = |key: &str| range.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix));
        let mut keys: Vec<Text> =
            self.documents.keys().filter(|key| above(key) && below(key) && prefixed(key)).cloned().collect();
        if range.reverse {
            keys.reverse();
        }
        keys
    }

    fn writable(&self) -> Result<(), ErrorCode> {
        if self.read_only { Err(ErrorCode::ReadOnly) } else { Ok(()) }
    }

    fn expiry(&self, ttl_ms: u64) -> Result<u64, ErrorCode> {
        if ttl_ms == 0 { Err(ErrorCode::InvalidOptions) } else { check_expiry(self.now_ms.saturating_add(ttl_ms)) }
    }

    fn check_index(&self, path: &str) -> Result<(), ErrorCode> {
        check_path(path)?;
        self.writable()
    }
}

impl Held {
    fn page(&mut self) -> Answer {
        let documents = self.documents.as_ref().map_err(|code| *code)?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        let mut more = true;
        while page.len() < self.page_documents.max(1) && bytes < self.page_bytes.max(1) {
            let is_last = page.len() as u64 == self.limit;
            let Some((key, stored)) = documents.get(self.next).filter(|_| !is_last) else {
                more = false;
                break;
            };
            bytes += key.len() + stored.json.len();
            page.push(json!([key, stored.json, stored.call, stored.expires_at]));
            self.next += 1;
        }
        more &= (page.len() as u64) < self.limit;
        if !more {
            self.next = 0;
        }
        Ok(json!({ "page": page, "more": more }))
    }
}

/// An answer as it is compared.
pub fn told_as(answer: Answer) -> Value {
    answer.unwrap_or_else(|code| json!({ "error": code.as_str() }))
}

fn is_of_the_disk(code: &Value) -> bool {
    code == "Io" || code == "StorageFull"
}
