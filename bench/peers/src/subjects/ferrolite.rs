//! Ferrolite, with its defaults but for the size of the cache.

use anyhow::Result;
use ferrolite::fs::{File, FileSystem, Std};
use ferrolite::{Database, Durability, Options, Range, Transaction};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "Ferrolite",
    package: "ferrolite",
    settings: "its defaults (LZ4, pages of 8 KiB, memtable of 4 MiB); Durability::Always (fdatasync) or Never; \
               a commit of one is set_json, of several a Transaction; maintain() while idle",
    open: |directory, setup| open(&Std::new(directory), setup),
};

/// Bytes of a slice of maintenance.
const SLICE: usize = 128 << 10;

/// The same with a flush every 100 ms where not every commit is flushed: what feoxdb promises.
#[cfg(not(target_os = "wasi"))]
pub const PERIODIC: Subject = Subject {
    name: "Ferrolite (periodic)",
    settings: "Durability::Periodic, 100 ms, in place of Never",
    open: |directory, setup| open_with(&Std::new(directory), setup, Durability::Periodic { interval_ms: 100 }),
    ..SUBJECT
};

/// The same without a file.
#[cfg(not(target_os = "wasi"))]
pub const IN_MEMORY: Subject = Subject {
    name: "Ferrolite in memory",
    settings: "fs::Memory",
    open: |_, setup| open(&ferrolite::fs::Memory::new(), setup),
    ..SUBJECT
};

fn open<S: FileSystem<File: 'static>>(fs: &S, setup: Setup) -> Result<Box<dyn Store>> {
    open_with(fs, setup, Durability::Never)
}

fn open_with<S: FileSystem<File: 'static>>(fs: &S, setup: Setup, otherwise: Durability) -> Result<Box<dyn Store>> {
    let durability = if setup.durable { Durability::Always } else { otherwise };
    let options = Options { durability, cache_size: setup.cache, ..Options::default() };
    Ok(Box::new(pollster::block_on(Database::open(fs, "peers.ferrolite", options))?))
}

impl<F: File> Reader for Database<F> {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let text = self.get_json(key)?;
        if let Some(text) = &text {
            found(text.as_bytes());
        }
        Ok(text.is_some())
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        for document in Database::scan(self, &Range::all().gte(from).limit(limit as u64))? {
            let document = document?;
            found(document.key.as_bytes(), document.json.as_bytes());
        }
        Ok(())
    }
}

impl<F: File> Store for Database<F> {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(self)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        match changes {
            [Change::Put(key, json)] => {
                self.set_json(key, json)?;
            }
            [Change::Delete(key)] => {
                self.delete(key)?;
            }
            _ => {
                let mut transaction = Transaction::new();
                for change in changes {
                    transaction = match change {
                        Change::Put(key, json) => transaction.set_json(key, json)?,
                        Change::Delete(key) => transaction.delete(key)?,
                    };
                }
                Database::commit(self, transaction)?;
            }
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<bool> {
        while self.maintain(SLICE)? {}
        Ok(true)
    }

    fn compact(&mut self) -> Result<()> {
        Ok(Database::compact(self)?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(Database::close(*self)?)
    }
}
