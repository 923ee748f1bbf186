//! fjall: one keyspace. It has threads of its own that write tables and merge them.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use fjall::{Database, Iter, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Slice, Snapshot};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "fjall",
    package: "fjall",
    settings: "its defaults (LZ4, worker threads); each commit followed by persist(SyncData) (fdatasync), or by nothing; \
               compact is major_compact of what was flushed",
    open,
};

struct Fjall {
    db: Database,
    documents: Keyspace,
    durable: bool,
}

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let db = Database::builder(directory.join("peers.fjall")).cache_size(setup.cache as u64).open()?;
    let documents = db.keyspace("documents", KeyspaceCreateOptions::default)?;
    Ok(Box::new(Fjall { db, documents, durable: setup.durable }))
}

impl Store for Fjall {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(&View { snapshot: self.db.snapshot(), documents: &self.documents })
    }

    fn read_one(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(&self.documents)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        match changes {
            [Change::Put(key, json)] => self.documents.insert(*key, *json)?,
            [Change::Delete(key)] => self.documents.remove(*key)?,
            _ => {
                let mut batch = self.db.batch();
                for change in changes {
                    match change {
                        Change::Put(key, json) => batch.insert(&self.documents, *key, *json),
                        Change::Delete(key) => batch.remove(&self.documents, *key),
                    }
                }
                batch.commit()?;
            }
        }
        if self.durable {
            self.db.persist(PersistMode::SyncData)?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<bool> {
        // Its threads merge tables.
        std::thread::sleep(Duration::from_millis(500));
        Ok(false)
    }

    fn compact(&mut self) -> Result<()> {
        self.documents.rotate_memtable_and_wait()?;
        Ok(self.documents.major_compact()?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(())
    }
}

struct View<'a> {
    snapshot: Snapshot,
    documents: &'a Keyspace,
}

impl Reader for View<'_> {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Ok(lend(self.snapshot.get(self.documents, key)?, found))
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        lend_all(self.snapshot.range(self.documents, from..), limit, found)
    }
}

/// A read on its own needs no snapshot.
impl Reader for Keyspace {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        Ok(lend(self.get(key)?, found))
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        lend_all(self.range(from..), limit, found)
    }
}

fn lend(value: Option<Slice>, found: &mut dyn FnMut(&[u8])) -> bool {
    value.inspect(|json| found(json)).is_some()
}

fn lend_all(entries: Iter, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
    for entry in entries.take(limit) {
        let (key, json) = entry.into_inner()?;
        found(&key, &json);
    }
    Ok(())
}
