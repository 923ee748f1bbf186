//! Plays operations on a database, and tells its answers in a form that does not depend on options and hosts.

use crate::host::Host;
use crate::model::told_as;
use crate::operation::{Operation, Part, Text, Write};
use crate::search::as_value;
use crate::support::{Clock, ms, open};
use ferrolite::{
    CompactProgress, Condition, Database, Document, Durability, Encryption, ErrorCode, Options, Page, PageLimits,
    Range, Result, RotateProgress, Snapshot, Transaction, Ttl,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct World<H: Host> {
    pub host: H,
    clock: Clock,
    options: Options,
    db: Option<Database<H::File>>,
    /// Which call of a write made a version.
    calls_by_version: BTreeMap<u64, u64>,
    calls: u64,
    snapshots: Vec<Held>,
    compaction: CompactProgress,
}

struct Held {
    snapshot: Snapshot,
    range: Range,
    limits: PageLimits,
    after: Option<String>,
}

impl<H: Host> World<H> {
    pub fn new(host: H, options: Options) -> Self {
        let clock = Clock::new();
        let db = Some(open(&host, &clock, options.clone()).unwrap());
        Self {
            host,
            clock,
            options,
            db,
            calls_by_version: BTreeMap::new(),
            calls: 0,
            snapshots: Vec::new(),
            compaction: CompactProgress::default(),
        }
    }

    pub fn has(&self, key: &Text) -> bool {
        self.database().has(key).unwrap()
    }

    /// In an encrypted database another key opens the file, or it is sealed with another data key, as a whole or in part.
    pub fn change_keys(&mut self, turn: usize) {
        if self.options.encryption.is_none() {
            return;
        }
        let db = self.db.as_mut().expect("it is open");
        let mut progress = RotateProgress::default();
        let outcome = match turn % 3 {
            0 => {
                let next = Encryption::key([2 + turn as u8 % 100; 32]);
                db.change_key(&next).map(|()| self.options.encryption = Some(next))
            }
            1 => db.rotate_key(),
            _ => (0..turn % 7).try_for_each(|_| db.rotate_key_step(&mut progress, 4 << 10)),
        };
        let is_done = outcome.as_ref().map_or_else(|error| error.code() == ErrorCode::ReadOnly, |()| true);
        assert!(is_done, "{outcome:?}");
    }

    /// Closes the database.
    pub fn close(mut self) -> H {
        self.release_all();
        self.db.take().expect("it is open").close().unwrap();
        self.host
    }

    pub fn play(&mut self, operation: &Operation) -> Value {
        told_as(self.answer(operation).map_err(|error| error.code()))
    }

    fn database(&self) -> &Database<H::File> {
        self.db.as_ref().expect("it is open")
    }

    fn answer(&mut self, operation: &Operation) -> Result<Value> {
        let db = self.db.as_mut().expect("it is open");
        match operation {
            Operation::Write(write) => return self.write(write),
            Operation::Group { writes, fails } => return self.group(writes, *fails),
            Operation::Get { key } => return self.get(key),
            Operation::GetMany { keys } => return Ok(json!(db.get_many_json(keys)?)),
            Operation::Ttl { key } => {
                return Ok(match db.ttl(key)? {
                    Ttl::Missing => json!("missing"),
                    Ttl::Forever => Value::Null,
                    Ttl::Left(left) => json!(left.as_millis() as u64),
                });
            }
            Operation::Count { range } => return Ok(json!(db.count(range)?)),
            Operation::Keys { range } => return Ok(json!(db.keys(range)?)),
            Operation::Entries { range } => return self.entries(range),
            Operation::Find { path, condition, options } => {
                return Ok(json!(db.find(path, &Condition::parse(condition)?, options)?));
            }
            Operation::CreateIndex { path } => return self.create_index(path),
            Operation::IndexStep { path, budget } => {
                let progress = db.create_index_step(&**path, *budget)?;
                assert!(progress.indexed <= (*budget).max(1) as u64);
                assert_eq!(self.readiness(path), Some(progress.done));
            }
            Operation::DropIndex { path } => return Ok(json!(db.drop_index(&**path)?)),
            Operation::Indexes => return Ok(db.indexes().into_iter().map(|index| json!(index.path)).collect()),
            Operation::Snapshot { range, documents, bytes } => {
                let limits = PageLimits { documents: *documents, bytes: *bytes };
                let snapshot = db.snapshot()?;
                self.snapshots.push(Held { snapshot, range: range.clone(), limits, after: None });
            }
            Operation::Page { slot } if !self.snapshots.is_empty() => return self.page(slot % self.snapshots.len()),
            Operation::Release { slot } if !self.snapshots.is_empty() => {
                db.release(self.snapshots.remove(slot % self.snapshots.len()).snapshot);
            }
            Operation::Page { .. } | Operation::Release { .. } => {}
            Operation::Wait { ms } => self.clock.advance_ms(*ms),
            Operation::SetBack { ms } => self.clock.set_back_ms(*ms),
            Operation::Flush => db.flush()?,
            Operation::Tick => db.tick()?,
            Operation::Maintain { budget } => drop(db.maintain(*budget)?),
            Operation::Compact => db.compact()?,
            Operation::CompactStep { budget } => {
                if self.compaction.is_done() {
                    self.compaction = CompactProgress::default();
                }
                db.compact_step(&mut self.compaction, *budget)?;
            }
            Operation::Check => {
                let problems = db.check(true)?.problems;
                return Ok(if problems.is_empty() { json!("sound") } else { json!(problems) });
            }
            Operation::Reopen { closes } => self.reopen(*closes, false)?,
            Operation::ReopenReadOnly => self.reopen(true, true)?,
        }
        self.check_tick();
        Ok(Value::Null)
    }

    fn write(&mut self, write: &Write) -> Result<Value> {
        self.calls += 1;
        let db = self.db.as_mut().expect("it is open");
        let before = db.version();
        let answer = run(db, write);
        let version = db.version();
        match &answer {
            Ok(Told::Version(told)) => {
                assert_eq!(*told, version, "{write:?} tells another version than that of the database");
                let is_nothing = matches!(write, Write::Commit { writes } if writes.is_empty())
                    || matches!(write, Write::SetMany { documents } if documents.is_empty());
                assert_eq!(version > before, !is_nothing, "{write:?}");
            }
            // What has expired is deleted too, and is not told.
            Ok(Told::Number(told)) => assert!(*told == json!(false) || *told == json!(0) || version > before),
            Err(_) => assert_eq!(version, before, "{write:?} failed, and has committed something"),
        }
        if version > before {
            self.calls_by_version.split_off(&version);
            self.calls_by_version.insert(version, self.calls);
        }
        answer.map(|told| match told {
            Told::Version(_) => Value::Null,
            Told::Number(number) => number,
        })
    }

    fn group(&mut self, writes: &[Write], fails: bool) -> Result<Value> {
        let before = self.database().version();
        if fails {
            self.host.fail_next_write();
        }
        self.db.as_mut().expect("it is open").begin_group();
        let answers: Vec<Value> =
            writes.iter().map(|write| told_as(self.write(write).map_err(|error| error.code()))).collect();
        let finished = self.db.as_mut().expect("it is open").finish_group();
        self.host.heal();
        if finished.is_err() {
            assert_eq!(self.database().version(), before, "a group failed, and has committed something");
            self.calls_by_version.split_off(&(before + 1));
        }
        finished.map(|()| json!(answers))
    }

    fn get(&self, key: &Text) -> Result<Value> {
        let db = self.database();
        let found = db.get_document(key)?;
        assert_eq!(db.has(key)?, found.is_some());
        assert_eq!(db.get_json(key)?.as_ref(), found.as_ref().map(|document| &document.json));
        let Some(document) = found else { return Ok(Value::Null) };
        assert_eq!(document.key, **key);
        // What the document says, where a `Value` can hold it.
        match (db.get::<Value>(key), serde_json::from_str::<Value>(&document.json)) {
            (Ok(read), Ok(parsed)) => assert_eq!(read, Some(parsed)),
            (Err(error), Err(_)) => assert_eq!(error.code(), ErrorCode::InvalidValue),
            (read, parsed) => panic!("{key:?}: {read:?} was read, and {parsed:?} parsed"),
        }
        let call = self.call_of(&document);
        Ok(json!({ "json": document.json, "call": call, "until": document.expires_at }))
    }

    /// The documents in a range, read in every way there is.
    fn entries(&self, range: &Range) -> Result<Value> {
        let db = self.database();
        let entries = db.entries_json(range)?;
        let scanned: Vec<Document> = db.scan(range)?.collect::<Result<_>>()?;
        assert!(
            scanned.iter().map(|document| (&document.key, &document.json)).eq(entries.iter().map(|it| (&it.0, &it.1)))
        );
        assert!(scanned.iter().all(|document| self.call_of(document) > 0));
        if let (Ok(parsed), Ok(values)) = (db.entries::<Value>(range), db.values::<Value>(range)) {
            assert!(parsed.iter().map(|(key, _)| key).eq(entries.iter().map(|(key, _)| key)));
            assert!(parsed.iter().map(|(_, value)| value).eq(&values));
        }
        Ok(json!(entries))
    }

    fn create_index(&mut self, path: &Text) -> Result<Value> {
        let readiness = self.readiness(path);
        let created = self.db.as_mut().expect("it is open").create_index(&**path)?;
        assert_eq!(created, readiness != Some(true));
        assert_eq!(self.readiness(path), Some(true));
        Ok(json!(readiness.is_some()))
    }

    fn page(&mut self, slot: usize) -> Result<Value> {
        let held = &self.snapshots[slot];
        let Page { documents, more } =
            self.database().scan_page(&held.range, held.snapshot, held.after.as_deref(), held.limits)?;
        let tell = |it: &Document| json!([it.key, it.json, self.call_of(it), it.expires_at]);
        let page: Vec<Value> = documents.iter().map(tell).collect();
        self.snapshots[slot].after = documents.into_iter().next_back().map(|document| document.key).filter(|_| more);
        Ok(json!({ "page": page, "more": more }))
    }

    fn reopen(&mut self, closes: bool, read_only: bool) -> Result<()> {
        if closes {
            self.release_all();
        }
        self.snapshots.clear();
        self.compaction = CompactProgress::default();
        let db = self.db.take().expect("it is open");
        let version = db.version();
        if closes {
            db.close()?;
        } else {
            drop(db);
        }
        let options = Options { read_only, ..self.options.clone() };
        let db = open(&self.host, &self.clock, options)?;
        assert_eq!(db.is_read_only(), read_only);
        assert!(db.version() >= version, "sequence numbers go on");
        self.db = Some(db);
        Ok(())
    }

    fn release_all(&mut self) {
        let db = self.db.as_mut().expect("it is open");
        self.snapshots.drain(..).for_each(|held| db.release(held.snapshot));
    }

    fn readiness(&self, path: &str) -> Option<bool> {
        self.database().indexes().into_iter().find(|index| index.path == path).map(|index| index.ready)
    }

    fn call_of(&self, document: &Document) -> u64 {
        let call = self.calls_by_version.get(&document.version);
        *call.unwrap_or_else(|| panic!("no write has made version {} of {:?}", document.version, document.key))
    }

    fn check_tick(&self) {
        if let Some(db) = &self.db
            && self.options.durability == Durability::Always
        {
            assert_eq!(db.next_tick(), None);
        }
    }
}

/// What a write answers.
enum Told {
    Version(u64),
    Number(Value),
}

fn run<F: ferrolite::fs::File>(db: &mut Database<F>, write: &Write) -> Result<Told> {
    Ok(match write {
        Write::Set { key, json } => Told::Version(db.set_json(key, json)?),
        Write::SetValue { key, json } => Told::Version(db.set(key, &as_value(json))?),
        Write::SetEx { key, json, ttl_ms } => Told::Version(db.set_ex_json(key, json, ms(*ttl_ms))?),
        Write::SetMany { documents } => {
            Told::Version(db.set_many_json(documents.iter().map(|(key, json)| (key, json)))?)
        }
        Write::Delete { key } => Told::Number(json!(db.delete(key)?)),
        Write::DeleteRange { range } => Told::Number(json!(db.delete_range(range)?)),
        Write::Expire { key, ttl_ms } => Told::Number(json!(db.expire(key, ms(*ttl_ms))?)),
        Write::Persist { key } => Told::Number(json!(db.persist(key)?)),
        Write::Commit { writes } => Told::Version(db.commit(transaction(writes)?)?),
    })
}

fn transaction(parts: &[Part]) -> Result<Transaction> {
    parts.iter().try_fold(Transaction::new(), |transaction, part| match part {
        Part::Set { key, json } => transaction.set_json(key, json),
        Part::SetEx { key, json, ttl_ms } => transaction.set_ex_json(key, json, ms(*ttl_ms)),
        Part::SetUntil { key, json, at_ms } => transaction.set_until_json(key, json, *at_ms),
        Part::Delete { key } => transaction.delete(key),
    })
}
