//! SQLite: one table with a text key, prepared statements, a write-ahead log.

use std::cell::RefCell;
use std::path::Path;

use anyhow::Result;
use rusqlite::{CachedStatement, Connection, Statement, params};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "SQLite",
    package: "rusqlite",
    settings: "WAL, synchronous FULL (fdatasync) or OFF, locking_mode EXCLUSIVE; an ordinary table, since its \
               documentation advises WITHOUT ROWID for rows below 200 bytes only; prepared statements; compact is VACUUM and a checkpoint",
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

const PUT: &str = "INSERT INTO documents VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET json = excluded.json";
const DELETE: &str = "DELETE FROM documents WHERE key = ?";
const GET: &str = "SELECT json FROM documents WHERE key = ?";
const SCAN: &str = "SELECT key, json FROM documents WHERE key >= ? ORDER BY key LIMIT ?";

impl Sqlite {
    fn run(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// All changes with the same two statements.
    fn change(&self, changes: &[Change]) -> Result<()> {
        let (mut put, mut delete) = (self.connection.prepare_cached(PUT)?, self.connection.prepare_cached(DELETE)?);
        for change in changes {
            match change {
                Change::Put(key, json) => put.execute(params![key, json])?,
                Change::Delete(key) => delete.execute(params![key])?,
            };
        }
        Ok(())
    }
}

impl Store for Sqlite {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        // One transaction for all reads spares each of them its own.
        self.run("BEGIN")?;
        let statement = |sql| Ok::<_, rusqlite::Error>(RefCell::new(self.connection.prepare_cached(sql)?));
        work(&View { get: statement(GET)?, scan: statement(SCAN)? })?;
        self.run("COMMIT")
    }

    fn read_one(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(self)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        match changes {
            [Change::Put(key, json)] => {
                self.connection.prepare_cached(PUT)?.execute(params![key, json])?;
            }
            [Change::Delete(key)] => {
                self.connection.prepare_cached(DELETE)?.execute(params![key])?;
            }
            _ => {
                self.run("BEGIN IMMEDIATE")?;
                self.change(changes)?;
                self.run("COMMIT")?;
            }
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        Ok(self.connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?)
    }

    fn close(self: Box<Self>) -> Result<()> {
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

/// A read on its own, which is a transaction of its own.
impl Reader for Sqlite {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        get(&mut *self.connection.prepare_cached(GET)?, key, found)
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        scan(&mut *self.connection.prepare_cached(SCAN)?, from, limit, found)
    }
}

/// Reads of one transaction, with the same two statements.
struct View<'a> {
    get: RefCell<CachedStatement<'a>>,
    scan: RefCell<CachedStatement<'a>>,
}

impl Reader for View<'_> {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        get(&mut self.get.borrow_mut(), key, found)
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        scan(&mut self.scan.borrow_mut(), from, limit, found)
    }
}

fn get(statement: &mut Statement, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
    let mut rows = statement.query(params![key])?;
    let Some(row) = rows.next()? else { return Ok(false) };
    found(row.get_ref(0)?.as_bytes()?);
    Ok(true)
}

fn scan(statement: &mut Statement, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
    let mut rows = statement.query(params![from, limit as i64])?;
    while let Some(row) = rows.next()? {
        found(row.get_ref(0)?.as_bytes()?, row.get_ref(1)?.as_bytes()?);
    }
    Ok(())
}
