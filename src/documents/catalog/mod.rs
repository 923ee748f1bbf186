//! The catalog: which collections and indexes there are. It lies in its own engine key space, and is read when a database is
//! opened. `catalog_entries.rs` describes its entries.
//!
//! Ids are never used twice: what was dropped cannot come up in something new. The default collection has no entry.

use crate::documents::error::{Error, Result};
use crate::documents::json::path::Path;
use crate::documents::keyspace::key::{CATALOG, CollectionId, LAST_INDEX};
use crate::documents::keyspace::range::end_of;
use crate::documents::stored::parts::PartId;
use crate::engine::{Batch, Engine, KeyRange, Seq};
use crate::fs::File;
use entries::{
    COLLECTION, FIRST_COLLECTION_ID, FIRST_INDEX_ID, HAS_PARTS, INDEX, Index, IndexState, NEXT_COLLECTION_ID,
    NEXT_INDEX_ID, NamedCollection, PART_OFFSET, UPLOAD, is_about_parts, next_collection_id_key, parse_parts_key,
    parse_upload_key, unfinished_key,
};
use index_spec::Indexed;
use std::collections::BTreeSet;
use std::ops::Bound;

/// The contents of the database besides documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Catalog {
    collections: Vec<NamedCollection>,
    indexes: Vec<Index>,
    next_collection_id: u32,
    next_index_id: u32,
    /// Collections whose documents may have parts.
    pub(crate) with_parts: BTreeSet<CollectionId>,
    /// Above what a salvage has found: ids of parts lie behind it.
    pub(crate) part_offset: u64,
    /// Parts that no document has yet, by the catalog.
    pub(crate) uploads: BTreeSet<(CollectionId, PartId)>,
}

/// An operation of a commit that the catalog takes in once the commit is made.
pub(crate) enum Catalogued {
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
    pub(crate) fn read(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
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

    /// True if writes to a collection have any index to maintain.
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

pub(crate) mod entries;
pub(crate) mod index_spec;
pub(crate) mod parts;
#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
