//! Entries of the catalog: a key and a value for each collection, each index, and each note about parts.
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

use super::index_spec::Indexed;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::keyspace::key::Prefix;
use crate::documents::keyspace::key::{CATALOG, CollectionId};
use crate::documents::stored::parts::PartId;
use crate::engine::{Batch, Seq};
use crate::wording::json_text;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub(crate) const NEXT_INDEX_ID: u8 = 1;
pub(crate) const INDEX: u8 = 2;
pub(crate) const UNFINISHED: u8 = 3;
pub(crate) const NEXT_COLLECTION_ID: u8 = 4;
pub(crate) const COLLECTION: u8 = 5;
pub(crate) const HAS_PARTS: u8 = 6;
pub(crate) const PART_OFFSET: u8 = 7;
pub(crate) const UPLOAD: u8 = 8;

pub(crate) const FIRST_INDEX_ID: u32 = 1;
pub(crate) const FIRST_COLLECTION_ID: u32 = CollectionId::DEFAULT.0 + 1;

/// The longest name of a collection, in bytes.
pub const MAX_COLLECTION_NAME_LENGTH: usize = 255;

/// A collection other than the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedCollection {
    pub id: CollectionId,
    pub name: String,
    /// True if documents may be left, which nobody looks at any more.
    pub is_dropping: bool,
}

/// An index and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
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
pub(crate) enum IndexState {
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

/// The catalog's key that says that a salvage is still writing the database.
pub(crate) fn unfinished_key() -> Vec<u8> {
    [&CATALOG[..], &[UNFINISHED]].concat()
}

/// The catalog's key that every new collection is written with.
pub(crate) fn next_collection_id_key() -> Vec<u8> {
    [&CATALOG[..], &[NEXT_COLLECTION_ID]].concat()
}

/// The catalog's key that is written when a collection comes or goes.
pub(crate) fn collection_key(id: CollectionId) -> Vec<u8> {
    [&CATALOG[..], &[COLLECTION], &id.0.to_be_bytes()].concat()
}

/// Checks the name of a collection.
pub(crate) fn check_collection_name(name: &str) -> Result<()> {
    let reason = if name.is_empty() {
        "it is empty".to_owned()
    } else if name.len() > MAX_COLLECTION_NAME_LENGTH {
        format!("it is longer than {MAX_COLLECTION_NAME_LENGTH} bytes")
    } else {
        return Ok(());
    };
    Err(Error::InvalidCollection { name: abbreviate(name), reason })
}

/// The catalog's key that says that documents of a collection may have parts.
pub(crate) fn parts_key(collection: CollectionId) -> Vec<u8> {
    [&CATALOG[..], &[HAS_PARTS], &collection.0.to_be_bytes()].concat()
}

/// The collection that a key of [`parts_key`] is about.
pub(crate) fn parse_parts_key(key: &[u8]) -> Option<CollectionId> {
    let id = key.strip_prefix(&CATALOG)?.strip_prefix(&[HAS_PARTS])?;
    Some(CollectionId(u32::from_be_bytes(id.try_into().ok()?)))
}

/// The catalog's key that says that a blob is being written.
pub(crate) fn upload_key(collection: CollectionId, id: PartId) -> Vec<u8> {
    [&CATALOG[..], &[UPLOAD], &collection.0.to_be_bytes(), id.as_bytes()].concat()
}

/// True if a key of the catalog is about parts.
pub(crate) fn is_about_parts(key: &[u8]) -> bool {
    key.strip_prefix(&CATALOG).and_then(<[u8]>::first).is_some_and(|kind| matches!(*kind, HAS_PARTS | UPLOAD))
}

pub(crate) fn parse_upload_key(key: &[u8]) -> Option<(CollectionId, PartId)> {
    let rest = key.strip_prefix(&CATALOG)?.strip_prefix(&[UPLOAD])?;
    let (collection, id) = rest.split_first_chunk::<4>()?;
    Some((CollectionId(u32::from_be_bytes(*collection)), PartId::from_bytes(id.try_into().ok()?)))
}

/// The catalog's key that says behind what ids of parts lie.
pub(crate) fn part_offset_key() -> Vec<u8> {
    [&CATALOG[..], &[PART_OFFSET]].concat()
}

impl NamedCollection {
    /// Parses an entry about a collection. Returns `None` if the entry is about something else, or cannot be parsed.
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

    /// Parses an entry about an index. Returns `None` if the entry is about something else, or cannot be parsed.
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

/// The prefix of the entries of an index.
pub(crate) fn entries_of(index: &Index) -> Prefix {
    index.collection.index(index.id)
}
