//! feoxdb: an index in memory over a file that threads of its own write behind.

use std::path::Path;

use anyhow::Result;
use feoxdb::{FeoxError, FeoxStore};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "feoxdb",
    package: "feoxdb",
    settings: "its defaults, by which its threads write and flush what is new every 100 ms; a durable commit is its changes and \
               flush(), the only call that waits for the disk: four fsync, and three more where an old value is retired; without its \
               jemalloc, which would replace the allocator of all others in the program",
    open,
};

/// The same without a file.
pub const IN_MEMORY: Subject = Subject {
    name: "feoxdb in memory",
    settings: "FeoxStore::new(None), as in its own benchmarks",
    open: |_, setup| Ok(Box::new(Feox { store: FeoxStore::new(None)?, durable: setup.durable })),
    ..SUBJECT
};

struct Feox {
    store: FeoxStore,
    durable: bool,
}

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let path = directory.join("peers.feox");
    let store = FeoxStore::new(Some(path.to_string_lossy().into()))?;
    Ok(Box::new(Feox { store, durable: setup.durable }))
}

impl Store for Feox {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(self)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        for change in changes {
            match change {
                Change::Put(key, json) => {
                    self.store.insert(key.as_bytes(), json.as_bytes())?;
                }
                Change::Delete(key) => match self.store.delete(key.as_bytes()) {
                    Ok(()) | Err(FeoxError::KeyNotFound) => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
        if self.durable {
            self.store.flush()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.store.flush()?)
    }
}

impl Reader for Feox {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match self.store.get_bytes(key.as_bytes()) {
            Ok(json) => {
                found(&json);
                Ok(true)
            }
            Err(FeoxError::KeyNotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        let from = if from.is_empty() { b"\0".as_slice() } else { from.as_bytes() };
        for (key, json) in self.store.range_query(from, &[0xFF; 32], limit)? {
            found(&key, &json);
        }
        Ok(())
    }
}
