//! The state of a transaction that is under way: what it reads from, has read, and has written.

use super::writes::{Transaction, Write};
use crate::documents::database::history::Reads;
use crate::documents::database::snapshots::Snapshot;
use crate::documents::error::Result;
use crate::documents::stored::content::Blob;
use crate::documents::stored::document::Document;

/// A transaction that is under way. Made by [`Database::begin`](crate::Database::begin); ended by [`Database::commit_open`](crate::Database::commit_open) or
/// [`Database::roll_back`](crate::Database::roll_back), not by dropping it: until then what it may read is kept in the file.
#[derive(Debug)]
#[must_use = "a transaction that is not ended keeps old versions in the file"]
pub struct OpenTransaction {
    pub(crate) snapshot: Snapshot,
    pub(crate) reads: Reads,
    pub(crate) writes: Transaction,
    /// Commits whatever was written in the meantime: the test of the tests.
    #[cfg(test)]
    pub(crate) is_unchecked: bool,
}

impl OpenTransaction {
    /// Adds the writes of `writes` to its own; where both write a key, the later ones count.
    pub fn extend(&mut self, writes: Transaction) {
        self.writes.extend(writes);
    }

    /// True if it has nothing to commit.
    #[cfg(any(test, boundary))]
    pub(crate) fn only_reads(&self) -> bool {
        self.writes.is_empty()
    }

    /// A write of this transaction as a document.
    pub(crate) fn written(&self, key: &str, write: &Write) -> Result<Option<Document>> {
        let (json, bytes, expiry) = match write {
            Write::Put { json, expiry } => (json.clone(), None, expiry),
            Write::PutBytes { bytes, expiry } => {
                let blob = Blob { length: bytes.len() as u64, bytes: Some(bytes.clone()) };
                (String::new(), Some(blob), expiry)
            }
            Write::Delete => return Ok(None),
        };
        let now_ms = self.snapshot.view.now_ms;
        let expires_at = expiry.resolve(now_ms)?;
        let document = Document { key: key.to_owned(), json, bytes, version: 0, expires_at };
        Ok(Some(document).filter(|_| expires_at.is_none_or(|at| at > now_ms)))
    }
}
