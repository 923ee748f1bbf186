//! The catalog: which indexes there are. It lies in an engine key space of its own, and is read when a database is
//! opened.
//!
//! ```text
//! key  1                                                   value  u32, little-endian: the next index's id
//! key  2 | collection (u32, big-endian) | id (the same)    value  {"path": ..., "state": ...}, as JSON
//! key  3                                                   value  empty; what a salvage writes is not all there yet
//!
//! state  "ready", "dropping" or {"building": {"after": KEY}}: documents up to KEY are indexed, null for none
//! ```
//!
//! Ids are never used twice: entries of an index that was dropped cannot come up in another one.

use super::error::{Error, Result};
use super::key::{CATALOG, DEFAULT_COLLECTION};
use super::path::Path;
use super::range::end_of;
use crate::engine::{Batch, Engine, KeyRange};
use crate::fs::File;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

const NEXT_INDEX_ID: u8 = 1;
const INDEX: u8 = 2;
const UNFINISHED: u8 = 3;
const FIRST_INDEX_ID: u32 = 1;

/// What the database holds besides documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Catalog {
    indexes: Vec<Index>,
    next_index_id: u32,
}

/// An index and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub id: u32,
    pub path: Path,
    pub state: IndexState,
}

/// How far an index is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum IndexState {
    /// Documents up to the key `after` are indexed. Every write maintains the index.
    Building { after: Option<String> },
    /// All documents are indexed. Every write maintains the index.
    Ready,
    /// Entries may be left, which nobody looks at any more.
    Dropping,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    path: String,
    state: IndexState,
}

impl Default for Catalog {
    fn default() -> Self {
        Self { indexes: Vec::new(), next_index_id: FIRST_INDEX_ID }
    }
}

impl Catalog {
    /// Reads the catalog.
    pub fn load<F: File>(engine: &Engine<F>) -> Result<Self> {
        let range = KeyRange { start: Bound::Included(CATALOG.to_vec()), end: end_of(CATALOG.to_vec()) };
        let mut cursor = engine.scan(range, false, engine.last_seq(), 0)?;
        let mut catalog = Self::default();
        while let Some((key, entry)) = cursor.next()? {
            if key == unfinished_key() {
                return Err(Error::Corrupt {
                    what: "the database: the salvage that wrote it did not finish".to_owned(),
                    at: "its catalog; remove it, and begin again".to_owned(),
                });
            }
            catalog.read(&key, &entry.value).ok_or_else(|| Error::Corrupt {
                what: "the list of indexes".to_owned(),
                at: format!("key {key:02x?}"),
            })?;
        }
        Ok(catalog)
    }

    /// Takes in an entry; `None` when this layer cannot have written it.
    pub(super) fn read(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key.strip_prefix(&CATALOG)?.split_first()? {
            (&NEXT_INDEX_ID, []) => self.next_index_id = u32::from_le_bytes(value.try_into().ok()?),
            (&INDEX, rest) => {
                let (collection, id) = rest.split_first_chunk::<4>()?;
                (u32::from_be_bytes(*collection) == DEFAULT_COLLECTION).then_some(())?;
                let id = u32::from_be_bytes(id.try_into().ok()?);
                // The key of the counter comes first.
                (FIRST_INDEX_ID..self.next_index_id).contains(&id).then_some(())?;
                let record: Record = serde_json::from_slice(value).ok()?;
                self.indexes.push(Index { id, path: Path::parse(&record.path).ok()?, state: record.state });
            }
            _ => return None,
        }
        Some(())
    }

    /// The indexes that writes maintain.
    pub fn maintained(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.state != IndexState::Dropping)
    }

    /// Whether writes have any index to maintain.
    pub fn has_indexes(&self) -> bool {
        self.maintained().next().is_some()
    }

    /// The index on `path`, complete or not.
    pub fn on(&self, path: &Path) -> Option<&Index> {
        self.maintained().find(|index| index.path == *path)
    }

    /// The indexes that cover all documents.
    pub fn ready(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.state == IndexState::Ready)
    }

    /// The index on `path`, if it covers all documents.
    pub fn ready_on(&self, path: &Path) -> Option<&Index> {
        self.ready().find(|index| index.path == *path)
    }

    /// An index whose entries are still to be removed.
    pub fn dropping(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| index.state == IndexState::Dropping)
    }

    /// A new index on `path`; `batch` gets what makes it last.
    pub fn add(&self, path: Path, batch: &mut Batch) -> Result<Index> {
        let id = self.next_index_id;
        let next = id.checked_add(1).ok_or_else(|| Error::TooLarge {
            what: "the number of indexes ever created".to_owned(),
            size: u64::from(id),
            limit: u64::from(id - 1),
        })?;
        let index = Index { id, path, state: IndexState::Building { after: None } };
        batch.put([&CATALOG[..], &[NEXT_INDEX_ID]].concat(), next.to_le_bytes().to_vec(), None);
        index.store(batch)?;
        Ok(index)
    }

    /// Remembers the state of `index`, once the commit that says so is made.
    pub fn remember(&mut self, index: Index) {
        self.next_index_id = self.next_index_id.max(index.id + 1);
        match self.indexes.iter_mut().find(|known| known.id == index.id) {
            Some(known) => *known = index,
            None => self.indexes.push(index),
        }
    }

    /// Forgets an index, once the commit that says so is made.
    pub fn forget(&mut self, id: u32) {
        self.indexes.retain(|index| index.id != id);
    }
}

/// The catalog's key that says that a salvage is still writing the database.
pub(super) fn unfinished_key() -> Vec<u8> {
    [&CATALOG[..], &[UNFINISHED]].concat()
}

/// The path of the index that a catalog entry of a damaged database is about, whatever the rest of the catalog says.
/// `None` when it is about something else or not to be understood.
pub(super) fn salvaged_path(key: &[u8], value: &[u8]) -> Option<Path> {
    let mut catalog = Catalog { indexes: Vec::new(), next_index_id: u32::MAX };
    catalog.read(key, value)?;
    catalog.indexes.pop().filter(|index| index.state != IndexState::Dropping).map(|index| index.path)
}

impl Index {
    /// Adds to `batch` what the catalog says of this index.
    pub fn store(&self, batch: &mut Batch) -> Result<()> {
        let record = Record { path: self.path.as_str().to_owned(), state: self.state.clone() };
        let value = serde_json::to_vec(&record).map_err(|error| Error::Internal { message: error.to_string() })?;
        batch.put(self.key(), value, None);
        Ok(())
    }

    /// Adds to `batch` what removes this index from the catalog.
    pub fn remove(&self, batch: &mut Batch) {
        batch.delete(self.key());
    }

    fn key(&self) -> Vec<u8> {
        let (collection, id) = (DEFAULT_COLLECTION.to_be_bytes(), self.id.to_be_bytes());
        [&CATALOG[..], &[INDEX], &collection, &id].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Catalog {
        Catalog::default()
    }

    fn index_key(id: u32) -> Vec<u8> {
        Index { id, path: Path::parse("a").unwrap(), state: IndexState::Ready }.key()
    }

    #[test]
    fn ids_are_not_used_twice() {
        let mut catalog = empty();
        let first = catalog.add(Path::parse("a").unwrap(), &mut Batch::new()).unwrap();
        catalog.remember(first.clone());
        catalog.forget(first.id);
        assert_eq!(catalog.add(Path::parse("a").unwrap(), &mut Batch::new()).unwrap().id, first.id + 1);
        catalog.next_index_id = u32::MAX;
        assert!(catalog.add(Path::parse("a").unwrap(), &mut Batch::new()).is_err());
    }

    #[test]
    fn dropping_indexes_are_not_maintained() {
        let mut catalog = empty();
        let path = Path::parse("a").unwrap();
        catalog.remember(Index { id: 1, path: path.clone(), state: IndexState::Dropping });
        assert_eq!((catalog.on(&path), catalog.maintained().count()), (None, 0));
        assert_eq!(catalog.dropping().unwrap().id, 1);
    }

    #[test]
    fn what_cannot_be_a_catalog_is_refused() {
        let counter = [&CATALOG[..], &[NEXT_INDEX_ID]].concat();
        let good = br#"{"path":"a.b","state":{"building":{"after":"k"}}}"#;
        let read = |key: &[u8], value: &[u8]| {
            let mut catalog = empty();
            catalog.read(&counter, &9u32.to_le_bytes()).unwrap();
            catalog.read(key, value).map(|()| catalog.indexes)
        };
        let state = IndexState::Building { after: Some("k".to_owned()) };
        let index = Index { id: 3, path: Path::parse("a.b").unwrap(), state };
        assert_eq!(read(&index_key(3), good), Some(vec![index]));
        assert_eq!(read(&index_key(0), good), None);
        assert_eq!(read(&index_key(9), good), None);
        assert_eq!(read(&index_key(3), br#"{"path":"","state":"ready"}"#), None);
        assert_eq!(read(&index_key(3), br#"{"path":"a","state":"gone"}"#), None);
        assert_eq!(read(&index_key(3), br#"{"path":"a","state":"ready","unique":true}"#), None);
        assert_eq!(read(&index_key(3)[..12], good), None);
        assert_eq!(read(&counter, b"1"), None);
        assert_eq!(read(&CATALOG, b""), None);
        assert_eq!(read(&[&CATALOG[..], &[7]].concat(), b""), None);
    }
}
