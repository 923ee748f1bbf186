//! The catalog: which collections and indexes there are. It lies in an engine key space of its own, and is read when a
//! database is opened.
//!
//! ```text
//! key  1                                                   value  u32, little-endian: the next index's id
//! key  2 | collection (u32, big-endian) | id (the same)    value  {"path": ..., "state": ...}, as JSON; more below
//! key  3                                                   value  empty; what a salvage writes is not all there yet
//! key  4                                                   value  u32, little-endian: the next collection's id
//! key  5 | id (u32, big-endian)                            value  {"name": ..., "dropping": ...}, as JSON
//! key  6 | collection (u32, big-endian)                    value  empty; its documents may have parts
//! key  8 | collection (u32, big-endian) | id of parts      value  empty; a blob is being written, or was
//! key  7                                                   value  u64, little-endian: added to sequence numbers in ids of parts
//!
//! path   a path, or an array of 2 to 8
//! state  "ready", "dropping" or {"building": {"after": KEY}}: documents up to KEY are indexed, null for none
//! unique, multi  true, or not there
//! missing  "ready" or {"building": ...}, as `state`: of the entries of documents without a value at the first path. If it
//!          is not there, these documents have no entries
//! ```
//!
//! Ids are never used twice: what was dropped cannot come up in something new. The default collection has no entry.

use super::catalog_parts::{is_about_parts, parse_parts_key, parse_upload_key};
use super::error::{Error, Result, abbreviate};
use super::index_spec::Indexed;
use super::key::{CATALOG, CollectionId, LAST_INDEX};
use super::parts::PartId;
use super::path::Path;
use super::range::end_of;
use crate::engine::{Batch, Engine, KeyRange, Seq};
use crate::fs::File;
use crate::wording::json_text;
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
    pub indexed: Indexed,
    pub state: IndexState,
    /// The commit from which on it covers all documents, if it came to that while the database was open.
    pub ready_since: Seq,
    /// State of the entries of documents without a value at the first path; `None` if the index has no such entries.
    pub missing: Option<IndexState>,
    /// The first commit after which `missing` was ready, if that happened while the database was open.
    pub missing_since: Seq,
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
    path: OneOrMany,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unique: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    multi: bool,
    state: IndexState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    missing: Option<IndexState>,
}

/// One path is a string, several are an array.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CollectionRecord {
    name: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dropping: bool,
}

/// An operation of a commit that the catalog takes in once the commit is made.
pub(super) enum Catalogued {
    /// A key about parts, written or deleted.
    Parts(Vec<u8>),
    Collection(NamedCollection),
}

impl Catalogued {
    /// What the operation on `key` tells, which puts `value` or deletes it.
    pub fn of(key: &[u8], value: Option<&[u8]>) -> Option<Self> {
        if !key.starts_with(&CATALOG) {
            return None;
        }
        match value {
            _ if is_about_parts(key) => Some(Self::Parts(key.to_vec())),
            Some(value) => NamedCollection::read(key, value).map(Self::Collection),
            None => None,
        }
    }
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

    /// A catalog that was read in the middle: nothing tells any more which snapshots of before an index serves.
    pub fn reloaded_at(mut self, seq: Seq) -> Self {
        self.indexes.iter_mut().for_each(|index| (index.ready_since, index.missing_since) = (seq, seq));
        self
    }

    /// Takes in an entry; `None` when this layer cannot have written it. The counters must come before what they count.
    pub(super) fn read(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match key.strip_prefix(&CATALOG)?.split_first()? {
            (&NEXT_INDEX_ID, []) => self.next_index_id = u32::from_le_bytes(value.try_into().ok()?),
            (&NEXT_COLLECTION_ID, []) => self.next_collection_id = u32::from_le_bytes(value.try_into().ok()?),
            (&PART_OFFSET, []) => self.part_offset = u64::from_le_bytes(value.try_into().ok()?),
            (&HAS_PARTS, _) if value.is_empty() => {
                self.with_parts.insert(parse_parts_key(key)?);
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

    /// A new collection, which exists once `batch` is applied. The batch has created `others` before it.
    pub fn add_collection(&self, name: &str, others: u32, batch: &mut Batch) -> Result<NamedCollection> {
        let id = self.next_collection_id.saturating_add(others);
        if id == CollectionId::NOWHERE.0 {
            return Err(too_many("collections", id));
        }
        let collection = NamedCollection { id: CollectionId(id), name: name.to_owned(), is_dropping: false };
        batch.put(next_collection_id_key(), (id + 1).to_le_bytes().to_vec(), None);
        collection.store(batch)?;
        Ok(collection)
    }

    /// Takes in an operation of a commit that was made.
    pub fn remember_committed(&mut self, news: Catalogued) {
        match news {
            Catalogued::Parts(key) => self.remember_part_key(&key),
            Catalogued::Collection(collection) => self.remember_collection(collection),
        }
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

    /// The index of a collection on these paths, complete or not.
    pub fn on(&self, collection: CollectionId, paths: &[Path]) -> Option<&Index> {
        self.maintained(collection).find(|index| index.indexed.paths == paths)
    }

    /// The unique indexes of all collections that writes maintain.
    pub fn unique(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.indexed.unique && index.state != IndexState::Dropping)
    }

    /// True if writes to a collection have a unique index to maintain.
    pub fn has_unique(&self, collection: CollectionId) -> bool {
        self.unique().any(|index| index.collection == collection)
    }

    /// The indexes of a collection that cover all documents that a reader at `at` sees.
    pub fn ready(&self, collection: CollectionId, at: Seq) -> impl Iterator<Item = &Index> {
        self.indexes_of(collection).filter(move |index| index.state == IndexState::Ready && index.ready_since <= at)
    }

    /// An index whose entries are still to be removed.
    pub fn dropping(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| index.state == IndexState::Dropping)
    }

    /// A ready index that has no entries yet for some documents without a value.
    pub fn incomplete(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| {
            let is_complete = index.indexed.multi || index.missing == Some(IndexState::Ready);
            index.state == IndexState::Ready && !is_complete
        })
    }

    /// A new index; `batch` gets what makes it last.
    pub fn add(&self, collection: CollectionId, indexed: Indexed, batch: &mut Batch) -> Result<Index> {
        let id = self.next_index_id;
        if id > LAST_INDEX {
            return Err(too_many("indexes", id));
        }
        let missing = (!indexed.multi).then_some(IndexState::Ready);
        let state = IndexState::Building { after: None };
        let index = Index { collection, id, indexed, state, ready_since: 0, missing, missing_since: 0 };
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
    /// An index on the default collection, with the number 7, which is in no database.
    #[cfg(any(test, fuzzing))]
    pub fn sample(indexed: Indexed) -> Self {
        Self {
            collection: CollectionId::DEFAULT,
            id: 7,
            indexed,
            state: IndexState::Ready,
            ready_since: 0,
            missing: None,
            missing_since: 0,
        }
    }

    /// What an entry of the catalog says of an index; `None` when it is about something else or not to be understood.
    pub fn read(key: &[u8], value: &[u8]) -> Option<Self> {
        let rest = key.strip_prefix(&CATALOG)?.strip_prefix(&[INDEX])?;
        let (collection, id) = rest.split_first_chunk::<4>()?;
        let IndexRecord { path, unique, multi, state, missing } = from_json(value)?;
        (missing.is_none() || !multi && missing != Some(IndexState::Dropping)).then_some(())?;
        let paths = match path {
            OneOrMany::One(path) => vec![path],
            // One has one form.
            OneOrMany::Many(paths) => Some(paths).filter(|paths| paths.len() > 1)?,
        };
        Some(Self {
            collection: CollectionId(u32::from_be_bytes(*collection)),
            id: u32::from_be_bytes(id.try_into().ok()?),
            indexed: Indexed::new(&paths, unique, multi).ok()?,
            state,
            ready_since: 0,
            missing,
            missing_since: 0,
        })
    }

    /// Adds to `batch` what the catalog says of this index.
    pub fn store(&self, batch: &mut Batch) -> Result<()> {
        let Indexed { paths, unique, multi } = &self.indexed;
        let path = match &paths[..] {
            [path] => OneOrMany::One(path.as_str().to_owned()),
            paths => OneOrMany::Many(paths.iter().map(|path| path.as_str().to_owned()).collect()),
        };
        let (state, missing) = (self.state.clone(), self.missing.clone());
        let record = IndexRecord { path, unique: *unique, multi: *multi, state, missing };
        batch.put(self.key(), to_json(&record)?, None);
        Ok(())
    }

    /// Adds to `batch` what removes this index from the catalog.
    pub fn remove(&self, batch: &mut Batch) {
        batch.delete(self.key());
    }

    /// True if a document without a value at the first path gets an entry when it is written.
    pub fn holds_missing(&self) -> bool {
        self.missing.is_some()
    }

    /// True if every document that a reader at `at` sees has an entry, with a value at the first path or without.
    pub fn is_complete(&self, at: Seq) -> bool {
        self.missing == Some(IndexState::Ready) && self.missing_since <= at
    }

    /// The catalog's key that is written when the index comes, changes or goes.
    pub fn key(&self) -> Vec<u8> {
        [&CATALOG[..], &[INDEX], &self.collection.0.to_be_bytes(), &self.id.to_be_bytes()].concat()
    }
}

fn to_json<T: Serialize>(record: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(record).map_err(|error| Error::Internal { message: json_text("", &error) })
}

fn from_json<T: DeserializeOwned>(value: &[u8]) -> Option<T> {
    serde_json::from_slice(value).ok()
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
