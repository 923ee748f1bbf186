//! What the catalog says of parts of documents.

use super::Catalog;
use super::entries::{parse_parts_key, parse_upload_key};
use crate::documents::keyspace::key::CollectionId;
use crate::documents::stored::parts::PartId;

impl Catalog {
    /// True if documents of a collection may have parts: who writes over one must know the old one then.
    pub fn has_parts(&self, collection: CollectionId) -> bool {
        self.with_parts.contains(&collection)
    }

    /// Remembers that documents of a collection may have parts, once the commit that says so is made.
    pub fn remember_parts(&mut self, collection: CollectionId) {
        self.with_parts.insert(collection);
    }

    /// Ids of parts lie behind `newest` from now on.
    pub fn begin_parts_behind(&mut self, newest: u64) {
        self.part_offset = newest;
    }

    /// Blobs that are being written, or were.
    pub fn uploads(&self) -> impl Iterator<Item = (CollectionId, PartId)> {
        self.uploads.iter().copied()
    }

    /// True if these are the parts of a blob that is being written.
    pub fn has_upload(&self, collection: CollectionId, id: PartId) -> bool {
        self.uploads.contains(&(collection, id))
    }

    /// Remembers what a commit says of parts, once it is made: the keys that it writes, and whether they are deleted.
    pub fn remember_part_key(&mut self, key: &[u8]) {
        if let Some(collection) = parse_parts_key(key) {
            self.remember_parts(collection);
        }
        if let Some(upload) = parse_upload_key(key)
            && !self.uploads.remove(&upload)
        {
            // The first commit with this key begins the blob, the second ends it.
            self.uploads.insert(upload);
        }
    }

    /// What is added to sequence numbers in ids of parts.
    pub fn part_offset(&self) -> u64 {
        self.part_offset
    }
}
