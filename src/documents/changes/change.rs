//! Changes as they are delivered, kept in memory and stored.

use crate::engine::Seq;
use crate::page::codec::{Reader, put_prefixed, put_varint};
use serde::Serialize;
use std::sync::Arc;

/// The name of a collection; empty for the default one.
pub(crate) type CollectionName = Arc<str>;

/// A change, as a watch delivers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The kind.
    pub kind: ChangeKind,
    /// The collection; empty for the default one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub collection: String,
    /// The document's key. Empty when a collection was dropped.
    pub key: String,
    /// The version of the commit; all its changes have the same. Of an expiry, that of the last commit before it.
    pub version: u64,
    /// The version of the document that was there before, 0 for none.
    pub old_version: u64,
    /// When the new document expires, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The new document, as JSON text. It is left out when it has been overwritten, deleted or has expired since.
    #[serde(skip)]
    pub json: Option<String>,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ChangeKind {
    /// It was written, or its expiry was.
    Set,
    /// It was deleted.
    Delete,
    /// Its time was over.
    Expire,
    /// The collection was dropped with all documents. Their deletions are not delivered one by one.
    Drop,
}

/// A change as it is kept in memory until it is delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    pub kind: ChangeKind,
    pub collection: CollectionName,
    pub key: String,
    pub old_version: Seq,
    pub expires_at: Option<u64>,
}

/// The changes of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommitNotes {
    pub(crate) version: Seq,
    /// When it was made.
    pub(crate) time_ms: u64,
    pub(crate) notes: Vec<Note>,
}

/// A stored part of [`CommitNotes`] ends after this many bytes, and a new part begins.
const PART_BYTES: usize = 256 << 10;

const KIND: u8 = 3;
const EXPIRES: u8 = 4;
const COLLECTION: u8 = 8;

impl CommitNotes {
    /// Bytes of memory, about.
    pub fn size(&self) -> usize {
        64 + self.notes.iter().map(|note| note.key.len() + size_of::<Note>()).sum::<usize>()
    }

    /// As it is stored, in parts. `previous` is the version of the last commit before that is stored.
    pub fn encode(&self, previous: Seq) -> Vec<Vec<u8>> {
        let begin = || {
            let mut part = Vec::new();
            put_varint(&mut part, previous);
            put_varint(&mut part, self.time_ms);
            part
        };
        let (mut parts, mut part, mut collection) = (Vec::new(), begin(), "");
        for note in &self.notes {
            if part.len() > PART_BYTES {
                parts.push(std::mem::replace(&mut part, begin()));
                collection = "";
            }
            let is_elsewhere = *note.collection != *collection;
            let expires = if note.expires_at.is_some() { EXPIRES } else { 0 };
            part.push(note.kind.code() | expires | if is_elsewhere { COLLECTION } else { 0 });
            if is_elsewhere {
                collection = &note.collection;
                put_prefixed(&mut part, collection.as_bytes());
            }
            put_prefixed(&mut part, note.key.as_bytes());
            put_varint(&mut part, note.old_version);
            if let Some(at) = note.expires_at {
                put_varint(&mut part, at);
            }
        }
        parts.push(part);
        parts
    }

    /// A part as it is stored, and the version of the commit before; `None` when it was not written so.
    pub fn decode(version: Seq, part: &[u8]) -> Option<(Self, Seq)> {
        let mut reader = Reader::new(part);
        let previous = reader.varint().filter(|previous| *previous < version)?;
        let time_ms = reader.varint()?;
        let mut collection: CollectionName = Arc::from("");
        let mut notes = Vec::new();
        while !reader.is_empty() {
            let flags = reader.u8().filter(|flags| flags & !(KIND | EXPIRES | COLLECTION) == 0)?;
            let kind = ChangeKind::of(flags & KIND)?;
            if flags & COLLECTION != 0 {
                collection = Arc::from(std::str::from_utf8(reader.prefixed()?).ok()?);
            }
            let key = std::str::from_utf8(reader.prefixed()?).ok()?.to_owned();
            let old_version = reader.varint().filter(|old| *old < version)?;
            let expires_at = if flags & EXPIRES != 0 { Some(reader.varint()?) } else { None };
            notes.push(Note { kind, collection: Arc::clone(&collection), key, old_version, expires_at });
        }
        Some((Self { version, time_ms, notes }, previous))
    }
}

impl ChangeKind {
    /// Its name, as `set`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Expire => "expire",
            Self::Drop => "drop",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::Delete => 0,
            Self::Set => 1,
            Self::Drop => 2,
            // Expiries are no commits, and are not stored.
            Self::Expire => 3,
        }
    }

    fn of(code: u8) -> Option<Self> {
        [Self::Delete, Self::Set, Self::Drop].get(usize::from(code)).copied()
    }
}

impl Note {
    pub fn told(&self, version: Seq, json: Option<String>) -> Change {
        Change {
            kind: self.kind,
            collection: self.collection.as_ref().to_owned(),
            key: self.key.clone(),
            version,
            old_version: self.old_version,
            expires_at: self.expires_at,
            json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(kind: ChangeKind, collection: &str, key: &str, expires_at: Option<u64>) -> Note {
        Note { kind, collection: Arc::from(collection), key: key.to_owned(), old_version: 7, expires_at }
    }

    fn commit() -> CommitNotes {
        let notes = vec![
            note(ChangeKind::Set, "", "a", None),
            note(ChangeKind::Delete, "users", "ü", None),
            note(ChangeKind::Set, "users", "b", Some(1 << 40)),
            note(ChangeKind::Drop, "log", "", None),
            note(ChangeKind::Set, "", "c", Some(1)),
        ];
        CommitNotes { version: 300, time_ms: 1 << 41, notes }
    }

    #[test]
    fn commits_read_what_they_write() {
        let parts = commit().encode(299);
        assert_eq!(parts.len(), 1);
        assert_eq!(CommitNotes::decode(300, &parts[0]), Some((commit(), 299)));
        // It cannot be that of a commit that is not behind the one before.
        assert_eq!(CommitNotes::decode(299, &parts[0]), None);
        let whole_notes = (0..parts[0].len()).filter(|&len| CommitNotes::decode(300, &parts[0][..len]).is_some());
        assert_eq!(whole_notes.count(), commit().notes.len());
    }

    #[test]
    fn large_commits_come_in_parts() {
        let key = "k".repeat(1000);
        let notes = (0..1000).map(|n| note(ChangeKind::Set, "users", &format!("{n}{key}"), None)).collect();
        let large = CommitNotes { notes, ..commit() };
        let parts = large.encode(1);
        assert!(parts.len() > 2 && parts.iter().all(|part| part.len() < 2 * PART_BYTES));
        let read = parts.iter().flat_map(|part| CommitNotes::decode(300, part).unwrap().0.notes);
        assert_eq!(read.collect::<Vec<_>>(), large.notes);
    }

    #[test]
    fn what_was_not_written_so_is_refused() {
        let mut part = vec![1, 1];
        assert!(CommitNotes::decode(2, &part).unwrap().0.notes.is_empty());
        part.extend([3, 0, 0]);
        assert_eq!(CommitNotes::decode(2, &part), None, "an expiry is not stored");
        assert_eq!(CommitNotes::decode(2, &[1, 1, 16, 0, 0]), None);
        assert_eq!(CommitNotes::decode(2, &[1, 1, 0, 1, 0xff, 0]), None);
    }
}
