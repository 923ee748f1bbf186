//! What each database is asked to do, and how it is set up.

use std::path::Path;

use anyhow::Result;

/// A write of a commit.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// Stores a document, which is JSON text, under its key.
    Put(&'a str, &'a str),
    /// Removes the document of a key.
    Delete(&'a str),
}

/// What reads: a database, or a read transaction of it. What is found is lent to a function, so that nobody has to copy it.
pub trait Reader {
    /// Finds a document; whether there is one.
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Goes through at most `limit` documents from a key on, in the order of the keys.
    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()>;
}

/// An open database.
pub trait Store {
    /// Reads, all of it in one read transaction where the database has them.
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()>;

    /// The same for work that is one read.
    fn read_one(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        self.read(work)
    }

    /// Makes all changes as one atomic commit. It is on the disk when this returns, if the database was opened as durable.
    fn commit(&mut self, changes: &[Change]) -> Result<()>;

    /// Does the maintenance that a program is to ask for while it is idle, or leaves time for it to threads. Whether it had
    /// to be asked for.
    fn settle(&mut self) -> Result<bool> {
        Ok(false)
    }

    /// Makes the file as small as the database can.
    fn compact(&mut self) -> Result<()>;

    /// Closes the database in an orderly way.
    fn close(self: Box<Self>) -> Result<()>;
}

/// How a database is opened.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    /// Whether each commit is flushed to the disk before it returns; otherwise it is never flushed on its own.
    pub durable: bool,
    /// Bytes of memory for pages that were read.
    pub cache: usize,
}

/// A database that takes part.
#[derive(Clone, Copy)]
pub struct Subject {
    /// Its name in the tables.
    pub name: &'static str,
    /// Its name in the lock file.
    pub package: &'static str,
    /// How it is set up, in a line.
    pub settings: &'static str,
    /// Opens it in a directory, or creates it there.
    pub open: fn(&Path, Setup) -> Result<Box<dyn Store>>,
}
