//! redb: one table, a transaction for each commit.

use std::path::Path;

use anyhow::Result;
use redb::{Database, Durability, ReadOnlyTable, ReadableDatabase, TableDefinition};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "redb",
    package: "redb",
    settings: "its defaults; Durability::Immediate (one phase, fdatasync) or None; a table of &[u8] to &[u8], \
               as in its own benchmark; reads of a kind share a transaction and a table",
    open,
};

const DOCUMENTS: TableDefinition<&[u8], &[u8]> = TableDefinition::new("documents");

struct Redb {
    db: Database,
    durability: Durability,
}

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let db = Database::builder().set_cache_size(setup.cache).create(directory.join("peers.redb"))?;
    let durability = if setup.durable { Durability::Immediate } else { Durability::None };
    let transaction = db.begin_write()?;
    transaction.open_table(DOCUMENTS)?;
    transaction.commit()?;
    Ok(Box::new(Redb { db, durability }))
}

impl Store for Redb {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(&self.db.begin_read()?.open_table(DOCUMENTS)?)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        let mut transaction = self.db.begin_write()?;
        transaction.set_durability(self.durability)?;
        let mut table = transaction.open_table(DOCUMENTS)?;
        for change in changes {
            match change {
                Change::Put(key, json) => table.insert(key.as_bytes(), json.as_bytes())?,
                Change::Delete(key) => table.remove(key.as_bytes())?,
            };
        }
        drop(table);
        Ok(transaction.commit()?)
    }

    fn compact(&mut self) -> Result<()> {
        // It refuses while commits are in memory only.
        self.db.begin_write()?.commit()?;
        self.db.compact()?;
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.db.close()?)
    }
}

impl Reader for ReadOnlyTable<&'static [u8], &'static [u8]> {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.get(key.as_bytes())?;
        if let Some(json) = &value {
            found(json.value());
        }
        Ok(value.is_some())
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        for entry in self.range(from.as_bytes()..)?.take(limit) {
            let (key, json) = entry?;
            found(key.value(), json.value());
        }
        Ok(())
    }
}
