//! The limit: the same bytes in a file that only grows, one write and one flush a commit, with an index in memory.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use rustix::io::{pread, pwrite};

use crate::store::{Change, Reader, Setup, Store, Subject};

pub const SUBJECT: Subject = Subject {
    name: "raw file",
    package: "",
    settings: "no database, but the limit: key and document appended with one pwrite and one fdatasync a commit, read with one \
               pread, without checksums; where they lie is told by a BTreeMap in memory, which opening fills from the file",
    open,
};

struct Raw {
    file: File,
    path: PathBuf,
    end: u64,
    index: BTreeMap<String, (u64, usize)>,
    buffer: Vec<u8>,
    durable: bool,
}

/// Lengths of key and document, in front of both. A document of this length is none: its key is deleted.
const HEADER: usize = 8;
const DELETED: u32 = u32::MAX;

fn open(directory: &Path, setup: Setup) -> Result<Box<dyn Store>> {
    let path = directory.join("peers.raw");
    let bytes = std::fs::read(&path).unwrap_or_default();
    let mut index = BTreeMap::new();
    let mut rest = &bytes[..];
    while let Some((header, tail)) = rest.split_at_checked(HEADER) {
        let key_len = u32::from_le_bytes(header[..4].try_into()?) as usize;
        let json_len = u32::from_le_bytes(header[4..].try_into()?);
        let key = std::str::from_utf8(&tail[..key_len])?.to_owned();
        rest = &tail[key_len..];
        if json_len == DELETED {
            index.remove(&key);
        } else {
            index.insert(key, ((bytes.len() - rest.len()) as u64, json_len as usize));
            rest = &rest[json_len as usize..];
        }
    }
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
    Ok(Box::new(Raw { file, path, end: bytes.len() as u64, index, buffer: Vec::new(), durable: setup.durable }))
}

impl Raw {
    fn append(&mut self, key: &str, json: Option<&str>) {
        self.buffer.extend_from_slice(&(key.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(&json.map_or(DELETED, |json| json.len() as u32).to_le_bytes());
        self.buffer.extend_from_slice(key.as_bytes());
        match json {
            Some(json) => {
                self.index.insert(key.to_owned(), (self.end + self.buffer.len() as u64, json.len()));
                self.buffer.extend_from_slice(json.as_bytes());
            }
            None => {
                self.index.remove(key);
            }
        }
    }

    fn write(&mut self) -> Result<()> {
        let mut done = 0;
        while done < self.buffer.len() {
            done += pwrite(&self.file, &self.buffer[done..], self.end + done as u64)?;
        }
        self.end += done as u64;
        self.buffer.clear();
        Ok(())
    }

    fn value(&self, at: u64, len: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        if pread(&self.file, &mut bytes, at)? != len {
            bail!("the file is shorter than what was written");
        }
        Ok(bytes)
    }
}

impl Store for Raw {
    fn read(&mut self, work: &mut dyn FnMut(&dyn Reader) -> Result<()>) -> Result<()> {
        work(self)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<()> {
        for change in changes {
            match change {
                Change::Put(key, json) => self.append(key, Some(json)),
                Change::Delete(key) => self.append(key, None),
            }
        }
        self.write()?;
        if self.durable {
            self.file.sync_data()?;
        }
        Ok(())
    }

    fn compact(&mut self) -> Result<()> {
        let path = self.path.with_extension("new");
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(&path)?;
        let old = std::mem::take(&mut self.index);
        let mut new =
            Self { file, path: path.clone(), end: 0, index: BTreeMap::new(), buffer: Vec::new(), durable: false };
        for (key, (at, len)) in old {
            let value = self.value(at, len)?;
            new.append(&key, Some(std::str::from_utf8(&value)?));
            if new.buffer.len() > 1 << 20 {
                new.write()?;
            }
        }
        new.write()?;
        std::fs::rename(&path, &self.path)?;
        (self.file, self.end, self.index) = (new.file, new.end, new.index);
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<()> {
        Ok(self.file.sync_data()?)
    }
}

impl Reader for Raw {
    fn get(&self, key: &str, found: &mut dyn FnMut(&[u8])) -> Result<bool> {
        let Some(&(at, len)) = self.index.get(key) else { return Ok(false) };
        found(&self.value(at, len)?);
        Ok(true)
    }

    fn scan(&self, from: &str, limit: usize, found: &mut dyn FnMut(&[u8], &[u8])) -> Result<()> {
        for (key, &(at, len)) in self.index.range::<str, _>((Bound::Included(from), Bound::Unbounded)).take(limit) {
            found(key.as_bytes(), &self.value(at, len)?);
        }
        Ok(())
    }
}
