//! SQLite: one table with a text key, prepared statements, a write-ahead log.

use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, params};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "SQLite",
    package: "rusqlite",
    settings: "WAL, synchronous FULL (fdatasync) or OFF, locking_mode EXCLUSIVE; an ordinary table, since its \
               documentation advises WITHOUT ROWID for rows below 200 bytes only; cached prepared statements; compact is VACUUM and a checkpoint",
    open,
};

struct Sqlite {
    connection: Connection,
}

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let connection = Connection::open(directory.join("peers.sqlite"))?;
    let synchronous = if setup.durable { "FULL" } else { "OFF" };
    connection.execute_batch(&format!(
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; \
         PRAGMA cache_size = -{}; \
         CREATE TABLE IF NOT EXISTS documents (key TEXT PRIMARY KEY, json TEXT NOT NULL)",
        setup.cache >> 10
    ))?;
    Ok(Box::new(Sqlite { connection }))
}

impl Sqlite {
    fn run(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    fn change(&self, change: &Change) -> Result<()> {
        const PUT: &str = "INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json";
        match change {
            Change::Put(key, json) => self.connection.prepare_cached(PUT)?.execute(params![key, json])?,
            Change::Delete(key) => {
                self.connection.prepare_cached("DELETE FROM documents WHERE key = ?")?.execute(params![key])?
            }
        };
        Ok(())
    }
}

impl Store for Sqlite {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        // One transaction for all reads spares each of them its own.
        self.run("BEGIN")?;
        work(self)?;
        self.run("COMMIT")
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        if let [change] = changes {
            return self.change(change);
        }
        self.run("BEGIN IMMEDIATE")?;
        changes.iter().try_for_each(|change| self.change(change))?;
        self.run("COMMIT")
    }

    fn compact(&mut self) -> Result<()> {
        Ok(self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

impl Reader for Sqlite {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let mut statement = self.connection.prepare_cached("SELECT json FROM documents WHERE key = ?")?;
        let mut rows = statement.query(params![key])?;
        let Some(row) = rows.next()? else { return Ok(false) };
        found(row.get_ref(0)?.as_bytes()?);
        Ok(true)
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        let sql = "SELECT key, json FROM documents WHERE key >= ? ORDER BY key LIMIT ?";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![from, limit as i64])?;
        while let Some(row) = rows.next()? {
            found(row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
        }
        Ok(())
    }
}
