//! Collections: parts of a database with keys and indexes of their own.

use super::Database;
use super::latencies::Metric;
use super::view::View;
use crate::documents::catalog::entries::entries_of;
use crate::documents::catalog::entries::{
    NamedCollection, check_collection_name, collection_key, next_collection_id_key,
};
use crate::documents::catalog::entries::{parts_key, upload_key};
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::keyspace::key::CollectionId;
use crate::engine::{Batch, Seq};
use crate::fs::File;
use std::ops::{Deref, DerefMut};

/// One collection of a database: documents by key, with keys and indexes of its own. Made by [`Database::collection`] and
/// [`Database::collection_mut`]; it has the verbs of [`Database`], which are those of the default collection.
///
/// A collection is there from the first write to it on. Before, and after it was dropped, it has no documents.
///
/// ```
/// # use ferrolite::{Database, Options, Range, fs::Memory};
/// # pollster::block_on(async {
/// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
/// db.set("alice", "of the default collection")?;
/// let mut users = db.collection_mut("users")?;
/// users.set("alice", "of the users")?;
/// users.create_index("role")?;
/// assert_eq!(db.collection("users")?.get("alice")?, Some("of the users".to_owned()));
/// assert_eq!(db.collections(), ["users"]);
/// assert!(db.drop_collection("users")?);
/// assert_eq!(db.collection("users")?.count(&Range::all())?, 0);
/// # Ok::<(), ferrolite::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Collection<D> {
    pub(crate) database: D,
    /// [`CollectionId::NOWHERE`] while there is none of this name.
    pub(crate) id: CollectionId,
    /// Empty for the default collection.
    pub(crate) name: String,
    /// The view of the snapshot that it is read at, if any.
    pub(crate) view: Option<View>,
}

impl<F: File> Database<F> {
    /// The collection `name`, to read from.
    ///
    /// # Errors
    /// `InvalidCollection` when the name is empty or longer than
    /// [`MAX_COLLECTION_NAME_LENGTH`](crate::MAX_COLLECTION_NAME_LENGTH).
    pub fn collection(&self, name: &str) -> Result<Collection<&Self>> {
        check_collection_name(name)?;
        Ok(self.named(name))
    }

    /// The collection `name`, to read and write. The first write creates it, in the same commit.
    ///
    /// # Errors
    /// As [`Database::collection`].
    pub fn collection_mut(&mut self, name: &str) -> Result<Collection<&mut Self>> {
        check_collection_name(name)?;
        Ok(self.named_mut(name))
    }

    /// The names of the collections, in the order of their bytes. The default collection has none.
    pub fn collections(&self) -> Vec<String> {
        self.measured(Metric::Collections, || {
            let mut names: Vec<_> = self.catalog.collections().map(|collection| collection.name.clone()).collect();
            names.sort_unstable();
            names
        })
    }

    /// Drops a collection with its documents and indexes; durable when it returns. False when there is none. Costs the
    /// same however much is in it. The room is free at once: reading it by a snapshot of before is `SnapshotTooOld`.
    ///
    /// # Errors
    /// `InvalidCollection`; as a write.
    pub fn drop_collection(&mut self, name: &str) -> Result<bool> {
        self.measured_mut(Metric::DropCollection, |db| db.drop_whole(name))
    }

    fn drop_whole(&mut self, name: &str) -> Result<bool> {
        check_collection_name(name)?;
        self.writable()?;
        let Some(collection) = self.catalog.collections().find(|collection| collection.name == name) else {
            return Ok(false);
        };
        let collection = NamedCollection { is_dropping: true, ..collection.clone() };
        let mut batch = Batch::new();
        collection.store(&mut batch)?;
        let dropped_at = self.apply(batch)?;
        self.catalog.remember_collection(collection);
        // Documents must not be gone while a crash could still bring the collection back.
        let outcome = self.make_durable();
        if self.catalog.collection(name).is_none() {
            // The drop was not rolled back.
            self.dropped.insert(name.to_owned(), dropped_at);
        }
        outcome?;
        self.finish_dropping_or_leave_it();
        Ok(true)
    }

    /// The collection of a name that was checked, or the default one, whose name is empty.
    pub(crate) fn named(&self, name: &str) -> Collection<&Self> {
        let id = self.catalog.collection(name).unwrap_or(CollectionId::NOWHERE);
        Collection { database: self, id, name: name.to_owned(), view: None }
    }

    /// The collection of a name that was checked, to write to.
    pub(crate) fn named_mut(&mut self, name: &str) -> Collection<&mut Self> {
        let id = self.catalog.collection(name).unwrap_or(CollectionId::NOWHERE);
        Collection { database: self, id, name: name.to_owned(), view: None }
    }

    /// The default collection, which has the database's own verbs.
    pub fn default_collection(&self) -> Collection<&Self> {
        self.named("")
    }

    /// The default collection, to read and write.
    pub fn default_collection_mut(&mut self) -> Collection<&mut Self> {
        self.named_mut("")
    }

    /// The collection `name`. If none exists, `batch` creates it: a write that fails leaves no collection.
    pub(crate) fn created_by(&self, batch: &mut Batch, name: &str) -> Result<CollectionId> {
        if let Some(id) = self.catalog.collection(name) {
            return Ok(id);
        }
        check_collection_name(name)?;
        Ok(self.catalog.add_collection(name, 0, batch)?.id)
    }

    /// The collection of a name, for reading from a snapshot of the commit `at`.
    ///
    /// # Errors
    /// `SnapshotTooOld` when what the snapshot would see of it was dropped.
    pub(crate) fn collection_at(&self, name: &str, at: Seq) -> Result<CollectionId> {
        match self.dropped.get(name) {
            Some(dropped) if *dropped > at => {
                let reason = format!("the collection {} was dropped since", abbreviate(name));
                Err(Error::SnapshotTooOld { reason })
            }
            _ => Ok(self.catalog.collection(name).unwrap_or(CollectionId::NOWHERE)),
        }
    }

    /// The engine key that is written whenever what the name `name` stands for changes.
    pub(crate) fn name_key(&self, name: &str) -> Vec<u8> {
        match self.catalog.collection(name) {
            Some(id) => collection_key(id),
            None => next_collection_id_key(),
        }
    }

    /// Continues the interrupted drops of collections.
    pub(crate) fn finish_dropping_collections(&mut self) -> Result<()> {
        while let Some(collection) = self.catalog.dropping_collection().cloned() {
            self.settle_group()?;
            let mut batch = Batch::new();
            for index in self.catalog.indexes_of(collection.id).cloned().collect::<Vec<_>>() {
                self.engine.drop_prefix(entries_of(&index))?;
                index.remove(&mut batch);
            }
            self.engine.drop_prefix(collection.id.documents())?;
            if self.catalog.has_parts(collection.id) {
                self.engine.drop_prefix(collection.id.parts())?;
                self.engine.drop_prefix(collection.id.elements())?;
                batch.delete(parts_key(collection.id));
                let uploads = self.catalog.uploads().filter(|(of, _)| *of == collection.id);
                uploads.for_each(|(of, id)| batch.delete(upload_key(of, id)));
            }
            collection.remove(&mut batch);
            self.apply(batch)?;
            self.catalog.forget_collection(collection.id);
        }
        Ok(())
    }
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// Its name; that of the default collection is empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does the work of a verb, and notes how long it took.
    #[inline]
    pub(crate) fn measured<R>(&self, verb: Metric, work: impl FnOnce() -> R) -> R {
        self.database.measured(verb, work)
    }
}

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Does the work of a verb that writes, and notes how long it took.
    #[inline]
    pub(crate) fn measured_mut<R>(&mut self, verb: Metric, work: impl FnOnce(&mut Self) -> R) -> R {
        let begun = self.database.begin_measuring();
        let result = work(self);
        self.database.end_measuring(verb, begun);
        result
    }

    /// The collection to write to. If none exists, `batch` creates it.
    pub(crate) fn created_by(&self, batch: &mut Batch) -> Result<CollectionId> {
        match self.id {
            CollectionId::NOWHERE => self.database.created_by(batch, &self.name),
            id => Ok(id),
        }
    }

    /// Commits `batch`, which writes to `collection`.
    pub(crate) fn apply_to(&mut self, collection: CollectionId, batch: Batch) -> Result<u64> {
        let version = self.database.apply(batch)?;
        self.id = collection;
        Ok(version)
    }
}
