//! What the catalog says of parts of documents.

use super::catalog::{Catalog, HAS_PARTS, PART_OFFSET, UPLOAD};
use super::key::{CATALOG, CollectionId};
use super::parts::PartId;

impl Catalog {
    /// Whether documents of a collection may have parts: who writes over one must know the old one then.
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

    /// Whether these are the parts of a blob that is being written.
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

/// The catalog's key that says that documents of a collection may have parts.
pub(super) fn parts_key(collection: CollectionId) -> Vec<u8> {
    [&CATALOG[..], &[HAS_PARTS], &collection.0.to_be_bytes()].concat()
}

/// The collection that a key of [`parts_key`] is about.
pub(super) fn parse_parts_key(key: &[u8]) -> Option<CollectionId> {
    let id = key.strip_prefix(&CATALOG)?.strip_prefix(&[HAS_PARTS])?;
    Some(CollectionId(u32::from_be_bytes(id.try_into().ok()?)))
}

/// The catalog's key that says that a blob is being written.
pub(super) fn upload_key(collection: CollectionId, id: PartId) -> Vec<u8> {
    [&CATALOG[..], &[UPLOAD], &collection.0.to_be_bytes(), id.as_bytes()].concat()
}

/// True if a key of the catalog is about parts.
pub(super) fn is_about_parts(key: &[u8]) -> bool {
    key.strip_prefix(&CATALOG).and_then(<[u8]>::first).is_some_and(|kind| matches!(*kind, HAS_PARTS | UPLOAD))
}

pub(super) fn parse_upload_key(key: &[u8]) -> Option<(CollectionId, PartId)> {
    let rest = key.strip_prefix(&CATALOG)?.strip_prefix(&[UPLOAD])?;
    let (collection, id) = rest.split_first_chunk::<4>()?;
    Some((CollectionId(u32::from_be_bytes(*collection)), PartId::from_bytes(id.try_into().ok()?)))
}

/// The catalog's key that says behind what ids of parts lie.
pub(super) fn part_offset_key() -> Vec<u8> {
    [&CATALOG[..], &[PART_OFFSET]].concat()
}
