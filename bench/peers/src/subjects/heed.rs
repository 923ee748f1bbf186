//! LMDB, by heed: one database in a memory map.

use std::ops::Bound;
use std::path::{Path, PathBuf};

use anyhow::Result;
use heed::types::Bytes;
use heed::{CommitOrAbort, CompactionOption, Database, Env, EnvFlags, EnvOpenOptions, RoTxn, WithTls};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "heed (LMDB)",
    package: "heed",
    settings: "its defaults (fdatasync) or NO_SYNC; a database of Bytes to Bytes; a map of 16 GiB, the system's cache; \
               compact is a compacted copy that takes the place of the file",
    open,
};

struct Heed {
    env: Option<Env>,
    documents: Database<'static, Bytes, Bytes>,
    directory: PathBuf,
    durable: bool,
}

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let (env, documents) = open_env(directory, setup.durable)?;
    Ok(Box::new(Heed { env: Some(env), documents, directory: directory.into(), durable: setup.durable }))
}

#[expect(unsafe_code, reason = "heed opens a memory map in no other way")]
fn open_env(directory: &Path, durable: bool) -> Result<(Env, Database<'static, Bytes, Bytes>)> {
    let mut options = EnvOpenOptions::new();
    options.map_size(16 << 30);
    let flags = if durable { EnvFlags::empty() } else { EnvFlags::NO_SYNC };
    // Sound, because nobody else writes this directory, and NO_SYNC endangers the data of a benchmark only.
    let env = unsafe { options.flags(flags).open(directory)? };
    let transaction = env.write_txn()?;
    let created = env.create_databases_and_commit(transaction, |opener, transaction| {
        opener.create_database::<Bytes, Bytes>(transaction, None).map(CommitOrAbort::<_, ()>::Commit)
    })?;
    Ok((env, created.unwrap_commit()))
}

impl Heed {
    fn env(&self) -> Result<&Env> {
        self.env.as_ref().ok_or_else(|| anyhow::anyhow!("the environment is closed"))
    }
}

impl Store for Heed {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(&View { transaction: self.env()?.read_txn()?, documents: self.documents })
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        let mut transaction = self.env()?.write_txn()?;
        for change in changes {
            match change {
                Change::Put(key, json) => self.documents.put(&mut transaction, key.as_bytes(), json.as_bytes())?,
                Change::Delete(key) => {
                    self.documents.delete(&mut transaction, key.as_bytes())?;
                }
            }
        }
        Ok(transaction.commit()?)
    }

    fn compact(&mut self) -> Result<()> {
        let copy = self.directory.join("compacted.mdb");
        self.env()?.copy_to_path(&copy, CompactionOption::Enabled)?;
        if let Some(env) = self.env.take() {
            env.prepare_for_closing().wait();
        }
        std::fs::rename(copy, self.directory.join("data.mdb"))?;
        let (env, documents) = open_env(&self.directory, self.durable)?;
        (self.env, self.documents) = (Some(env), documents);
        Ok(())
    }

    fn close(mut self: Box<Self>) -> Result<()> {
        if let Some(env) = self.env.take() {
            env.force_sync()?;
            env.prepare_for_closing().wait();
        }
        Ok(())
    }
}

struct View<'a> {
    transaction: RoTxn<'a, WithTls>,
    documents: Database<'static, Bytes, Bytes>,
}

impl Reader for View<'_> {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let value = self.documents.get(&self.transaction, key.as_bytes())?;
        if let Some(json) = value {
            found(json);
        }
        Ok(value.is_some())
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        // It has no empty keys, not even to begin with.
        let start = if from.is_empty() { Bound::Unbounded } else { Bound::Included(from.as_bytes()) };
        let range = (start, Bound::Unbounded);
        for entry in self.documents.range(&self.transaction, &range)?.take(limit) {
            let (key, json) = entry?;
            found(key, json);
        }
        Ok(())
    }
}
