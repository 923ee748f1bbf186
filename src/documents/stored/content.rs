//! The entry of a document: the value itself, or the place of its parts.
//!
//! ```text
//! 1 | text                                       JSON
//! 2 | id | length (u64) | bytes of a part (u32)  JSON whose text is kept in parts
//! 3 | id | first (u64) | count (u64) | bytes (u64)  a list: an array whose elements are kept apart
//! 4 | bytes                                      bytes
//! 5 | id | length (u64) | bytes of a part (u32)  bytes that are kept in parts
//! ```
//!
//! Integers are little-endian. Everything that reads documents reads them by [`Source::text`].

use super::list::List;
use super::parts::{Chunks, PartId};
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::json::text::MAX_DOCUMENT_LENGTH;
use crate::documents::json::text::{self, damaged};
use crate::documents::keyspace::key::{CollectionId, Prefix};
use crate::engine::{Batch, Engine, Entry, Seq};
use crate::fs::File;
use std::borrow::Cow;
use std::ops::Range;
use std::str::Utf8Error;

const JSON: u8 = 1;
const JSON_IN_PARTS: u8 = 2;
const LIST: u8 = 3;
const BYTES: u8 = 4;
const BYTES_IN_PARTS: u8 = 5;

/// Text and bytes above this are kept in parts: the entries that scans and compaction of documents walk over stay small.
pub(crate) const INLINE_MAX: usize = 16 << 10;

/// A stored value, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content<'a> {
    Json(&'a [u8]),
    JsonInParts(Chunks),
    List(List),
    Bytes(&'a [u8]),
    BytesInParts(Chunks),
}

impl<'a> Content<'a> {
    /// Takes apart what is stored at `key`.
    pub fn of(key: &str, value: &'a [u8]) -> Result<Self> {
        let Some((&kind, rest)) = value.split_first() else { return Err(damaged(key, "it has no bytes")) };
        match kind {
            JSON => Ok(Self::Json(rest)),
            JSON_IN_PARTS => Chunks::decode(rest)
                .filter(|chunks| chunks.length <= text::MAX_DOCUMENT_LENGTH as u64)
                .map(Self::JsonInParts)
                .ok_or_else(|| damaged(key, "it does not tell where its text is")),
            LIST => List::decode(rest)
                .map(Self::List)
                .ok_or_else(|| damaged(key, "it does not tell where its elements are")),
            BYTES => Ok(Self::Bytes(rest)),
            BYTES_IN_PARTS => Chunks::decode(rest).map(Self::BytesInParts).ok_or_else(|| lost(key)),
            kind => Err(Error::Unsupported {
                what: format!(
                    "the document {} is of kind {kind}, which this version does not know; use a later one",
                    abbreviate(key)
                ),
            }),
        }
    }

    /// The key space, the id and the positions of its parts.
    pub fn parts(&self, collection: CollectionId) -> Option<(Prefix, PartId, Range<u64>)> {
        match self {
            Self::Json(_) | Self::Bytes(_) => None,
            Self::JsonInParts(chunks) | Self::BytesInParts(chunks) => {
                Some((collection.parts(), chunks.id, 0..chunks.count()))
            }
            Self::List(list) => Some((collection.elements(), list.id, list.positions())),
        }
    }

    /// True if it is JSON.
    pub fn is_json(&self) -> bool {
        matches!(self, Self::Json(_) | Self::JsonInParts(_) | Self::List(_))
    }

    /// The value to store.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Json(text) => [&[JSON], *text].concat(),
            Self::JsonInParts(chunks) => [&[JSON_IN_PARTS], &chunks.encode()[..]].concat(),
            Self::List(list) => [&[LIST], &list.encode()[..]].concat(),
            Self::Bytes(bytes) => [&[BYTES], *bytes].concat(),
            Self::BytesInParts(chunks) => [&[BYTES_IN_PARTS], &chunks.encode()[..]].concat(),
        }
    }

    /// Adds to `batch` what removes its parts.
    pub fn delete_parts(&self, batch: &mut Batch, collection: CollectionId) {
        match self {
            Self::Json(_) | Self::Bytes(_) => {}
            Self::JsonInParts(chunks) | Self::BytesInParts(chunks) => chunks.delete(batch, collection.parts()),
            Self::List(list) => list.delete(batch, collection.elements(), list.positions()),
        }
    }
}

/// True if text or bytes of this length are kept in parts.
pub(crate) fn needs_parts(length: usize) -> bool {
    length > INLINE_MAX
}

/// The value to store for `text`; what of it is kept in parts goes to `batch`, by an id that is made for it.
pub(crate) fn stage_json(
    batch: &mut Batch,
    collection: CollectionId,
    text: &str,
    expires_at: Option<u64>,
    id: impl FnOnce(&Batch) -> PartId,
) -> Vec<u8> {
    if !needs_parts(text.len()) {
        return Content::Json(text.as_bytes()).encode();
    }
    let id = id(batch);
    let chunks = Chunks::put(batch, collection.parts(), id, text.as_bytes(), expires_at);
    Content::JsonInParts(chunks).encode()
}

/// Stores bytes, likewise.
pub(crate) fn stage_bytes(
    batch: &mut Batch,
    collection: CollectionId,
    bytes: &[u8],
    expires_at: Option<u64>,
    id: impl FnOnce(&Batch) -> PartId,
) -> Vec<u8> {
    if !needs_parts(bytes.len()) {
        return Content::Bytes(bytes).encode();
    }
    let id = id(batch);
    Content::BytesInParts(Chunks::put(batch, collection.parts(), id, bytes, expires_at)).encode()
}

/// Where entries of documents were read: their parts are found there.
pub(crate) struct Source<'a, F: File> {
    pub engine: &'a Engine<F>,
    pub collection: CollectionId,
    pub at: Seq,
}

/// The text of an array: paths do not enter arrays, so all arrays are alike to indexes and queries.
pub(crate) const ANY_ARRAY: &str = "[]";

impl<F: File> Source<'_, F> {
    /// The JSON text of the document at `key`, whose entry was read here.
    pub fn text<'e>(&self, key: &str, entry: &'e Entry) -> Result<Cow<'e, str>> {
        let not_text =
            |error: Utf8Error| damaged(key, format!("its text is not UTF-8 after {} bytes", error.valid_up_to()));
        match Content::of(key, &entry.value)? {
            Content::Json(text) => std::str::from_utf8(text).map(Cow::Borrowed).map_err(not_text),
            Content::JsonInParts(chunks) => {
                let text = String::from_utf8(self.bytes(key, &chunks)?);
                text.map(Cow::Owned).map_err(|error| not_text(error.utf8_error()))
            }
            Content::List(list) => list.text(self.engine, self.at, self.collection, key).map(Cow::Owned),
            Content::Bytes(_) | Content::BytesInParts(_) => Err(not_json(key)),
        }
    }

    /// Returns the JSON text, or `None` if the document is bytes.
    pub fn json<'e>(&self, key: &str, entry: &'e Entry) -> Result<Option<Cow<'e, str>>> {
        if Content::of(key, &entry.value)?.is_json() { self.text(key, entry).map(Some) } else { Ok(None) }
    }

    /// Text that has the same values at all paths, for indexes and queries; `None` if the document is bytes.
    pub fn indexed_text<'e>(&self, key: &str, entry: &'e Entry) -> Result<Option<Cow<'e, str>>> {
        match Content::of(key, &entry.value)? {
            Content::List(_) => Ok(Some(Cow::Borrowed(ANY_ARRAY))),
            content if content.is_json() => self.text(key, entry).map(Some),
            _ => Ok(None),
        }
    }

    /// The bytes of the document at `key`, if it is no JSON.
    pub fn blob(&self, key: &str, entry: &Entry) -> Result<Option<Blob>> {
        let blob = |bytes: Vec<u8>| Blob { length: bytes.len() as u64, bytes: Some(bytes) };
        match Content::of(key, &entry.value)? {
            Content::Bytes(bytes) => Ok(Some(blob(bytes.to_vec()))),
            Content::BytesInParts(chunks) if chunks.length > text::MAX_DOCUMENT_LENGTH as u64 => {
                Ok(Some(Blob { length: chunks.length, bytes: None }))
            }
            Content::BytesInParts(chunks) => self.bytes(key, &chunks).map(blob).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads the parts of a document that is bytes, without holding them.
    pub fn check_bytes(&self, key: &str, entry: &Entry) -> Result<()> {
        match Content::of(key, &entry.value)? {
            Content::BytesInParts(chunks) => {
                let (space, all) = (self.collection.parts(), 0..chunks.count());
                chunks.read(self.engine, self.at, space, all, key, drop)
            }
            _ => Ok(()),
        }
    }

    fn bytes(&self, key: &str, chunks: &Chunks) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let space = self.collection.parts();
        chunks.read(self.engine, self.at, space, 0..chunks.count(), key, |part| bytes.extend_from_slice(&part))?;
        Ok(bytes)
    }
}

impl<F: File> Clone for Source<'_, F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F: File> Copy for Source<'_, F> {}

/// The error for bytes that are wanted where there is JSON.
pub(crate) fn not_bytes(key: &str) -> Error {
    Error::unsuitable_document(key, "it is JSON, not bytes; read it as JSON")
}

/// The error for JSON that is wanted where there are bytes.
pub(crate) fn not_json(key: &str) -> Error {
    Error::unsuitable_document(key, "it is bytes, not JSON; read it as bytes")
}

/// The error for bytes that are too long to be held.
pub(crate) fn too_long(length: u64) -> Error {
    let what = "what is read at once (read it in pieces)".to_owned();
    Error::TooLarge { what, size: length, limit: MAX_DOCUMENT_LENGTH as u64 }
}

/// Returns the error for bytes whose entry does not name their place.
pub(crate) fn lost(key: &str) -> Error {
    damaged(key, "it does not tell where its bytes are")
}

/// The bytes of a document that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// How many there are.
    pub length: u64,
    /// The bytes; `None` when there are more than a document of JSON may have: then they are read in pieces.
    pub bytes: Option<Vec<u8>>,
}

pub(crate) fn is_live(entry: &Entry, now_ms: u64) -> bool {
    entry.expires_at.is_none_or(|expires_at| expires_at > now_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    fn code_of(value: &[u8]) -> ErrorCode {
        Content::of("k", value).unwrap_err().code()
    }

    #[test]
    fn what_was_stored_comes_apart() {
        let text = " {\"b\": 1.0, \"a\":\t1e2}\n";
        assert_eq!(Content::of("k", &Content::Json(text.as_bytes()).encode()).unwrap(), Content::Json(text.as_bytes()));
        let (mut batch, long) = (Batch::new(), format!("{:?}", "x".repeat(100_000)));
        let value = stage_json(&mut batch, CollectionId::DEFAULT, &long, None, |_| PartId::new(3, 1));
        let Content::JsonInParts(chunks) = Content::of("k", &value).unwrap() else { panic!("{value:?}") };
        assert_eq!((chunks.id, chunks.length, chunks.count()), (PartId::new(3, 1), long.len() as u64, 2));
        assert_eq!(batch.keys().count(), 2);
        let (mut batch, limit) = (Batch::new(), "1".repeat(INLINE_MAX));
        assert_eq!(
            stage_json(&mut batch, CollectionId::DEFAULT, &limit, None, |_| unreachable!()).len(),
            1 + limit.len()
        );
        assert!(batch.is_empty());
    }

    #[test]
    fn what_cannot_be_a_value_is_refused() {
        assert_eq!(code_of(&[]), ErrorCode::Corrupt);
        assert_eq!(code_of(&[JSON_IN_PARTS, 1]), ErrorCode::Corrupt);
        assert_eq!(code_of(&[9, b'1']), ErrorCode::Unsupported);
        let chunks = Chunks { id: PartId::new(1, 0), length: 64 << 20, part_length: 10 };
        assert_eq!(code_of(&[&[JSON_IN_PARTS], &chunks.encode()[..]].concat()), ErrorCode::Corrupt);
    }
}
