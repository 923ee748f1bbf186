//! The catalog: which collections and indexes there are. It lies in an engine key space of its own, and is read when a
//! database is opened.
//!
//! ```text
//! key  1                                                   value  u32, little-endian: the next index's id
//! key  2 | collection (u32, big-endian) | id (the same)    value  {"path": ..., "state": ...}, as JSON
//! key  3                                                   value  empty; what a salvage writes is not all there yet
//! key  4                                                   value  u32, little-endian: the next collection's id
//! key  5 | id (u32, big-endian)                            value  {"name": ..., "dropping": ...}, as JSON
//! key  6 | collection (u32, big-endian)                    value  empty; its documents may have parts
//! key  8 | collection (u32, big-endian) | id of parts      value  empty; a blob is being written, or was
//! key  7                                                   value  u64, little-endian: added to sequence numbers in ids of parts
//!
//! state  "ready", "dropping" or {"building": {"after": KEY}}: documents up to KEY are indexed, null for none
//! ```
//!
//! Ids are never used twice: what was dropped cannot come up in something new. The default collection has no entry.

use super::catalog_parts::parse_upload_key;
use super::error::{Error, Result, abbreviate};
use super::key::{CATALOG, CollectionId, LAST_INDEX};
use super::parts::PartId;
use super::path::Path;
use super::range::end_of;
use crate::engine::{Batch, Engine, KeyRange};
use crate::fs::File;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Bound;

const NEXT_INDEX_ID: u8 = 1;
const INDEX: u8 = 2;
const UNFINISHED: u8 = 3;
const NEXT_COLLECTION_ID: u8 = 4;
const COLLECTION: u8 = 5;
pub(super) const HAS_PARTS: u8 = 6;
pub(super) const PART_OFFSET: u8 = 7;
pub(super) const UPLOAD: u8 = 8;

const FIRST_INDEX_ID: u32 = 1;
const FIRST_COLLECTION_ID: u32 = CollectionId::DEFAULT.0 + 1;

/// The longest name of a collection, in bytes.
pub const MAX_COLLECTION_NAME_LENGTH: usize = 255;

/// What the database holds besides documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Catalog {
    collections: Vec<NamedCollection>,
    indexes: Vec<Index>,
    next_collection_id: u32,
    next_index_id: u32,
    /// Collections whose documents may have parts.
    pub(super) with_parts: BTreeSet<CollectionId>,
    /// Above what a salvage has found: ids of parts lie behind it.
    pub(super) part_offset: u64,
    /// Parts that no document has yet, by the catalog.
    pub(super) uploads: BTreeSet<(CollectionId, PartId)>,
}

/// A collection other than the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NamedCollection {
    pub id: CollectionId,
    pub name: String,
    /// Whether documents may be left, which nobody looks at any more.
    pub is_dropping: bool,
}

/// An index and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub collection: CollectionId,
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
struct IndexRecord {
    path: String,
    state: IndexState,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectionRecord {
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dropping: bool,
}

impl Default for Catalog {
    fn default() -> Self {
        Self {
            collections: Vec::new(),
            indexes: Vec::new(),
            next_collection_id: FIRST_COLLECTION_ID,
            next_index_id: FIRST_INDEX_ID,
            with_parts: BTreeSet::new(),
            part_offset: 0,
            uploads: BTreeSet::new(),
        }
    }
}

impl Catalog {
    /// Reads the catalog.
    pub fn load<F: File>(engine: &Engine<F>) -> Result<Self> {
        let range = KeyRange { start: Bound::Included(CATALOG.to_vec()), end: end_of(CATALOG.to_vec()) };
        let mut cursor = engine.scan(range, false, engine.last_seq(), 0)?;
        let mut catalog = Self::default();
        let damaged = |at: String| Error::Corrupt { what: "the list of collections and indexes".to_owned(), at };
        while let Some((key, entry)) = cursor.next()? {
            if key == unfinished_key() {
                return Err(Error::Corrupt {
                    what: "the database: the salvage that wrote it did not finish".to_owned(),
                    at: "its catalog; remove it, and begin again".to_owned(),
                });
            }
            catalog.read(&key, &entry.value).ok_or_else(|| damaged(format!("key {key:02x?}")))?;
        }
        match catalog.indexes.iter().find(|index| !catalog.has(index.collection)) {
            Some(index) => Err(damaged(format!("index {} of no collection", index.id))),
            None => Ok(catalog),
        }
    }

    /// Takes in an entry; `None` when this layer cannot have written it. The counters must come before what they count.
    pub(super) fn read(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key.strip_prefix(&CATALOG)?.split_first()? {
            (&NEXT_INDEX_ID, []) => self.next_index_id = u32::from_le_bytes(value.try_into().ok()?),
            (&NEXT_COLLECTION_ID, []) => self.next_collection_id = u32::from_le_bytes(value.try_into().ok()?),
            (&PART_OFFSET, []) => self.part_offset = u64::from_le_bytes(value.try_into().ok()?),
            (&HAS_PARTS, id) if value.is_empty() => {
                self.with_parts.insert(CollectionId(u32::from_be_bytes(id.try_into().ok()?)));
            }
            (&UPLOAD, _) if value.is_empty() => {
                self.uploads.insert(parse_upload_key(key)?);
            }
            (&INDEX, _) => {
                let index = Index::read(key, value)?;
                (FIRST_INDEX_ID..self.next_index_id).contains(&index.id).then_some(())?;
                self.indexes.push(index);
            }
            (&COLLECTION, _) => {
                let collection = NamedCollection::read(key, value)?;
                (collection.id.0 < self.next_collection_id).then_some(())?;
                (collection.is_dropping || self.collection(&collection.name).is_none()).then_some(())?;
                self.collections.push(collection);
            }
            _ => return None,
        }
        Some(())
    }

    fn has(&self, id: CollectionId) -> bool {
        id == CollectionId::DEFAULT || self.collections.iter().any(|collection| collection.id == id)
    }

    /// The collections that have a name and are not being dropped.
    pub fn collections(&self) -> impl Iterator<Item = &NamedCollection> {
        self.collections.iter().filter(|collection| !collection.is_dropping)
    }

    /// The collection `name`; the empty name is that of the default one.
    pub fn collection(&self, name: &str) -> Option<CollectionId> {
        if name.is_empty() {
            return Some(CollectionId::DEFAULT);
        }
        self.collections().find(|collection| collection.name == name).map(|collection| collection.id)
    }

    /// The name of a collection, empty for the default one.
    pub fn name_of(&self, id: CollectionId) -> &str {
        self.collections.iter().find(|collection| collection.id == id).map_or("", |collection| &collection.name)
    }

    /// All collections that are not being dropped, the default one first.
    pub fn collection_ids(&self) -> impl Iterator<Item = CollectionId> {
        std::iter::once(CollectionId::DEFAULT).chain(self.collections().map(|collection| collection.id))
    }

    /// A collection whose documents are still to be removed.
    pub fn dropping_collection(&self) -> Option<&NamedCollection> {
        self.collections.iter().find(|collection| collection.is_dropping)
    }

    /// A new collection; `batch` gets what makes it last.
    pub fn add_collection(&self, name: &str, batch: &mut Batch) -> Result<NamedCollection> {
        let id = self.next_collection_id;
        if id == CollectionId::NOWHERE.0 {
            return Err(too_many("collections", id));
        }
        let collection = NamedCollection { id: CollectionId(id), name: name.to_owned(), is_dropping: false };
        batch.put(next_collection_id_key(), (id + 1).to_le_bytes().to_vec(), None);
        collection.store(batch)?;
        Ok(collection)
    }

    /// Remembers a collection, once the commit that says so is made.
    pub fn remember_collection(&mut self, collection: NamedCollection) {
        self.next_collection_id = self.next_collection_id.max(collection.id.0 + 1);
        self.collections.retain(|known| known.id != collection.id);
        self.collections.push(collection);
    }

    /// Forgets a collection and its indexes, once the commit that says so is made.
    pub fn forget_collection(&mut self, id: CollectionId) {
        self.collections.retain(|collection| collection.id != id);
        self.indexes.retain(|index| index.collection != id);
        self.with_parts.remove(&id);
        self.uploads.retain(|(collection, _)| *collection != id);
    }

    /// The indexes of a collection, whatever their state.
    pub fn indexes_of(&self, collection: CollectionId) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(move |index| index.collection == collection)
    }

    /// The indexes of a collection that writes maintain.
    pub fn maintained(&self, collection: CollectionId) -> impl Iterator<Item = &Index> {
        self.indexes_of(collection).filter(|index| index.state != IndexState::Dropping)
    }

    /// Whether writes to a collection have any index to maintain.
    pub fn has_indexes(&self, collection: CollectionId) -> bool {
        self.maintained(collection).next().is_some()
    }

    /// The index of a collection on `path`, complete or not.
    pub fn on(&self, collection: CollectionId, path: &Path) -> Option<&Index> {
        self.maintained(collection).find(|index| index.path == *path)
    }

    /// The indexes that cover all documents of their collection.
    pub fn ready(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.state == IndexState::Ready)
    }

    /// The index of a collection on `path`, if it covers all documents.
    pub fn ready_on(&self, collection: CollectionId, path: &Path) -> Option<&Index> {
        self.ready().find(|index| index.collection == collection && index.path == *path)
    }

    /// An index whose entries are still to be removed.
    pub fn dropping(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| index.state == IndexState::Dropping)
    }

    /// A new index; `batch` gets what makes it last.
    pub fn add(&self, collection: CollectionId, path: Path, batch: &mut Batch) -> Result<Index> {
        let id = self.next_index_id;
        if id > LAST_INDEX {
            return Err(too_many("indexes", id));
        }
        let index = Index { collection, id, path, state: IndexState::Building { after: None } };
        batch.put([&CATALOG[..], &[NEXT_INDEX_ID]].concat(), (id + 1).to_le_bytes().to_vec(), None);
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

fn too_many(what: &str, id: u32) -> Error {
    let what = format!("the number of {what} ever created");
    Error::TooLarge { what, size: u64::from(id), limit: u64::from(id - 1) }
}

/// The catalog's key that says that a salvage is still writing the database.
pub(super) fn unfinished_key() -> Vec<u8> {
    [&CATALOG[..], &[UNFINISHED]].concat()
}

/// The catalog's key that every new collection is written with.
pub(super) fn next_collection_id_key() -> Vec<u8> {
    [&CATALOG[..], &[NEXT_COLLECTION_ID]].concat()
}

/// The catalog's key that is written when a collection comes or goes.
pub(super) fn collection_key(id: CollectionId) -> Vec<u8> {
    [&CATALOG[..], &[COLLECTION], &id.0.to_be_bytes()].concat()
}

/// Checks the name of a collection.
pub(super) fn check_collection_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.len() > MAX_COLLECTION_NAME_LENGTH {
        format!("it is longer than {MAX_COLLECTION_NAME_LENGTH} bytes")
    } else {
        return Ok(());
    };
    Err(Error::InvalidCollection { name: abbreviate(name), reason })
}

impl NamedCollection {
    /// What an entry of the catalog says of a collection; `None` when it is about something else or not to be understood.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let id = key.strip_prefix(&CATALOG)?.strip_prefix(&[COLLECTION])?;
        let CollectionRecord { name, dropping } = from_json(value)?;
        check_collection_name(&name).ok()?;
        let id = u32::from_be_bytes(id.try_into().ok()?);
        (FIRST_COLLECTION_ID..CollectionId::NOWHERE.0).contains(&id).then_some(())?;
        Some(Self { id: CollectionId(id), name, is_dropping: dropping })
    }

    /// Adds to `batch` what the catalog says of this collection.
    pub fn store(&self, batch: &mut Batch) -> Result<()> {
        let record = CollectionRecord { name: self.name.clone(), dropping: self.is_dropping };
        batch.put(collection_key(self.id), to_json(&record)?, None);
        Ok(())
    }

    /// Adds to `batch` what removes this collection from the catalog.
    pub fn remove(&self, batch: &mut Batch) {
        batch.delete(collection_key(self.id));
    }
}

impl Index {
    /// What an entry of the catalog says of an index; `None` when it is about something else or not to be understood.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let rest = key.strip_prefix(&CATALOG)?.strip_prefix(&[INDEX])?;
        let (collection, id) = rest.split_first_chunk::<4>()?;
        let IndexRecord { path, state } = from_json(value)?;
        Some(Self {
            collection: CollectionId(u32::from_be_bytes(*collection)),
            id: u32::from_be_bytes(id.try_into().ok()?),
            path: Path::parse(&path).ok()?,
            state,
        })
    }

    /// Adds to `batch` what the catalog says of this index.
    pub fn store(&self, batch: &mut Batch) -> Result<()> {
        let record = IndexRecord { path: self.path.as_str().to_owned(), state: self.state.clone() };
        batch.put(self.key(), to_json(&record)?, None);
        Ok(())
    }

    /// Adds to `batch` what removes this index from the catalog.
    pub fn remove(&self, batch: &mut Batch) {
        batch.delete(self.key());
    }

    fn key(&self) -> Vec<u8> {
        [&CATALOG[..], &[INDEX], &self.collection.0.to_be_bytes(), &self.id.to_be_bytes()].concat()
    }
}

fn to_json<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|error| Error::Internal { message: error.to_string() })
}

fn from_json<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog_parts::{part_offset_key, parts_key};

    fn index(id: u32, state: IndexState) -> Index {
        Index { collection: CollectionId::DEFAULT, id, path: Path::parse("a").unwrap(), state }
    }

    #[test]
    fn ids_are_not_used_twice() {
        let (mut catalog, path) = (Catalog::default(), Path::parse("a").unwrap());
        let first = catalog.add(CollectionId::DEFAULT, path.clone(), &mut Batch::new()).unwrap();
        catalog.remember(first.clone());
        catalog.forget(first.id);
        assert_eq!(catalog.add(CollectionId::DEFAULT, path.clone(), &mut Batch::new()).unwrap().id, first.id + 1);
        catalog.next_index_id = LAST_INDEX;
        let last = catalog.add(CollectionId::DEFAULT, path.clone(), &mut Batch::new()).unwrap();
        catalog.remember(last);
        assert!(catalog.add(CollectionId::DEFAULT, path, &mut Batch::new()).is_err());

        let first = catalog.add_collection("a", &mut Batch::new()).unwrap();
        assert_eq!(first.id, CollectionId(2));
        catalog.remember_collection(first.clone());
        catalog.forget_collection(first.id);
        assert_eq!(catalog.add_collection("a", &mut Batch::new()).unwrap().id, CollectionId(3));
        catalog.next_collection_id = u32::MAX;
        assert!(catalog.add_collection("a", &mut Batch::new()).is_err());
    }

    #[test]
    fn dropping_indexes_are_not_maintained() {
        let mut catalog = Catalog::default();
        catalog.remember(index(1, IndexState::Dropping));
        let on = catalog.on(CollectionId::DEFAULT, &Path::parse("a").unwrap());
        assert_eq!((on, catalog.maintained(CollectionId::DEFAULT).count()), (None, 0));
        assert_eq!(catalog.dropping().unwrap().id, 1);
    }

    #[test]
    fn a_dropped_name_is_free_again() {
        let mut catalog = Catalog::default();
        let first = catalog.add_collection("a", &mut Batch::new()).unwrap();
        catalog.remember_collection(NamedCollection { is_dropping: true, ..first.clone() });
        assert_eq!((catalog.collection("a"), catalog.collection("")), (None, Some(CollectionId::DEFAULT)));
        let second = catalog.add_collection("a", &mut Batch::new()).unwrap();
        catalog.remember_collection(second.clone());
        assert_eq!(catalog.collection("a"), Some(second.id));
        assert_eq!(catalog.dropping_collection().unwrap().id, first.id);
    }

    #[test]
    fn what_cannot_be_a_catalog_is_refused() {
        let counter = |tag| [&CATALOG[..], &[tag]].concat();
        let good = br#"{"path":"a.b","state":{"building":{"after":"k"}}}"#;
        let read = |key: &[u8], value: &[u8]| {
            let mut catalog = Catalog::default();
            catalog.read(&counter(NEXT_INDEX_ID), &9u32.to_le_bytes()).unwrap();
            catalog.read(&counter(NEXT_COLLECTION_ID), &9u32.to_le_bytes()).unwrap();
            catalog.read(key, value).map(|()| catalog)
        };
        let index_key = |id| index(id, IndexState::Ready).key();
        let state = IndexState::Building { after: Some("k".to_owned()) };
        let expected = Index { path: Path::parse("a.b").unwrap(), ..index(3, state) };
        assert_eq!(read(&index_key(3), good).unwrap().indexes, [expected]);
        assert_eq!(read(&index_key(0), good), None);
        assert_eq!(read(&index_key(9), good), None);
        assert_eq!(read(&index_key(3), br#"{"path":"","state":"ready"}"#), None);
        assert_eq!(read(&index_key(3), br#"{"path":"a","state":"gone"}"#), None);
        assert_eq!(read(&index_key(3), br#"{"path":"a","state":"ready","odd":true}"#), None);
        assert_eq!(read(&index_key(3)[..12], good), None);
        assert_eq!(read(&counter(NEXT_INDEX_ID), b"1"), None);
        assert_eq!(read(&CATALOG, b""), None);
        assert_eq!(read(&counter(99), b""), None);

        let marked = read(&parts_key(CollectionId(3)), b"").unwrap();
        assert_eq!((marked.has_parts(CollectionId(3)), marked.has_parts(CollectionId(2))), (true, false));
        assert_eq!(read(&parts_key(CollectionId(3)), b"1"), None);
        assert_eq!(read(&parts_key(CollectionId(3))[..12], b""), None);
        assert_eq!(read(&part_offset_key(), &7u64.to_le_bytes()).unwrap().part_offset(), 7);
        assert_eq!(read(&part_offset_key(), &[7]), None);

        let named = |id| collection_key(CollectionId(id));
        assert_eq!(read(&named(2), br#"{"name":"a"}"#).unwrap().collection("a"), Some(CollectionId(2)));
        assert_eq!(read(&named(2), br#"{"name":"a","dropping":true}"#).unwrap().collection("a"), None);
        assert_eq!(read(&named(1), br#"{"name":"a"}"#), None);
        assert_eq!(read(&named(9), br#"{"name":"a"}"#), None);
        assert_eq!(read(&named(2), br#"{"name":""}"#), None);
        assert_eq!(read(&named(2)[..12], br#"{"name":"a"}"#), None);
        let mut twice = read(&named(2), br#"{"name":"a"}"#).unwrap();
        assert_eq!(twice.read(&named(3), br#"{"name":"a"}"#), None);
    }
}
