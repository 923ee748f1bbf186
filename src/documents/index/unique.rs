//! Unique indexes: no commit leaves two documents with equal values in one.
//!
//! What counts is the state after the commit: documents may exchange their values in one. It is looked at when the commit is
//! made, and by the newest state, so that of two transactions that take the same value the second one fails.
//!
//! Values are compared exactly, as documents have them: entries only select the documents to compare.
//!
//! A document that has expired holds no value, but a clock that is set back would bring it up again beside a document that has
//! taken its value. So the commit that takes the value deletes it.

use super::entry::parse_entry;
use super::entry::{Encoded, IndexEntry, cut, encodings, is_missing};
use crate::documents::catalog::entries::Index;
use crate::documents::catalog::entries::entries_of;
use crate::documents::database::Database;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::json::ordering::shared_beginning;
use crate::documents::json::text;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::range::end_of;
use crate::documents::keyspace::ttl::IGNORE_EXPIRY_MS;
use crate::documents::stored::content::Content;
use crate::documents::stored::parts::part_key;
use crate::engine::{Batch, Entry, KeyRange};
use crate::fs::File;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

/// The operations of a batch, by engine key.
type Operations<'a> = HashMap<&'a [u8], Option<(&'a [u8], Option<u64>)>>;

/// An entry that a batch writes.
struct Claim<'a> {
    index: &'a Index,
    entry: IndexEntry<'a>,
    /// The values that the entry stands for: of elements that are cut alike, or are alike as doubles, there are several.
    values: Vec<Encoded>,
}

/// A document that holds a value of a unique index.
struct Holder {
    values: Vec<Encoded>,
    /// When it expires; of a document that the batch writes, `None`.
    expires_at: Option<u64>,
}

impl<F: File> Database<F> {
    /// Adds to `batch` the deletion of expired documents whose values it takes.
    ///
    /// # Errors
    /// `UniqueViolation` if `batch` would leave two documents with equal values in a unique index.
    pub(crate) fn keep_unique(&self, batch: &mut Batch) -> Result<()> {
        if self.catalog.unique().next().is_none() {
            return Ok(());
        }
        self.keep_any_unique(batch)
    }

    #[cold]
    #[inline(never)]
    fn keep_any_unique(&self, batch: &mut Batch) -> Result<()> {
        for (collection, key) in self.check_unique(batch)? {
            self.stage(batch, collection, &key, None)?;
        }
        Ok(())
    }

    /// The expired documents whose values `batch` takes. Fails if others have them.
    fn check_unique(&self, batch: &Batch) -> Result<BTreeSet<(CollectionId, String)>> {
        let operations: Operations<'_> = batch.operations().collect();
        let mut claims = self.claims(batch, &operations)?;
        claims.sort_by(|a, b| (a.index.id, a.alike()).cmp(&(b.index.id, b.alike())));
        let mut expired = BTreeSet::new();
        for alike in claims.chunk_by(|a, b| (a.index.id, a.alike()) == (b.index.id, b.alike())) {
            for (behind, claim) in alike.iter().enumerate() {
                let others = alike.iter().take(behind).filter(|before| before.entry.key != claim.entry.key);
                let before = others.into_iter().find(|before| shares_one(&before.values, &claim.values));
                if let Some(before) = before {
                    return Err(claim.violation(before.entry.key));
                }
                self.check_claim(claim, &operations, &mut expired)?;
            }
        }
        Ok(expired)
    }

    /// The entries of unique indexes that a batch writes, where all paths have a value.
    fn claims<'a>(&'a self, batch: &'a Batch, operations: &Operations<'_>) -> Result<Vec<Claim<'a>>> {
        let mut claims = Vec::new();
        for (key, put) in batch.operations() {
            let Some((mark, _)) = put else { continue };
            let Some(index) = self.catalog.unique().find(|index| key.starts_with(&entries_of(index))) else { continue };
            let entry = IndexEntry::parse(index.indexed.paths.len(), key, mark)
                .ok_or_else(|| Error::Internal { message: "an index entry cannot be read".to_owned() })?;
            if is_missing(entry.encoded) {
                continue;
            }
            let mut values = self.holder(index, &entry, operations)?.map_or_else(Vec::new, |holder| holder.values);
            values.retain(Encoded::is_complete);
            if !values.is_empty() {
                claims.push(Claim { index, entry, values });
            }
        }
        Ok(claims)
    }

    /// Fails if a document that the batch does not write has what is claimed. One that has expired is added to `expired`.
    fn check_claim(
        &self,
        claim: &Claim<'_>,
        operations: &Operations<'_>,
        expired: &mut BTreeSet<(CollectionId, String)>,
    ) -> Result<()> {
        let start = [&entries_of(claim.index)[..], claim.alike()].concat();
        let range = KeyRange { start: Bound::Included(start.clone()), end: end_of(start) };
        let now_ms = self.engine.now_ms();
        let mut cursor = self.engine.scan(range, false, self.engine.last_seq(), IGNORE_EXPIRY_MS)?;
        while let Some((key, stored)) = cursor.next()? {
            let entry = parse_entry(claim.index, &key, &stored)?;
            // The batch's writes claim their values, and its deletions free theirs.
            if operations.contains_key(&key[..]) || entry.key == claim.entry.key {
                continue;
            }
            let Some(holder) = self.holder(claim.index, &entry, operations)? else { continue };
            if !shares_one(&holder.values, &claim.values) {
                continue;
            }
            if holder.expires_at.is_none_or(|at| at > now_ms) {
                return Err(claim.violation(entry.key));
            }
            expired.insert((claim.index.collection, entry.key.to_owned()));
        }
        Ok(())
    }

    /// The document of an entry as it is after the batch, and what it has there of what is in the entry; expired or not.
    fn holder(&self, index: &Index, entry: &IndexEntry<'_>, operations: &Operations<'_>) -> Result<Option<Holder>> {
        let document_key = index.collection.document_key(entry.key);
        let (stored, expires_at) = match operations.get(&document_key[..]) {
            Some(Some((value, expires_at))) => {
                let value = Bytes::copy_from_slice(value);
                (Entry { value, seq: 0, expires_at: *expires_at }, None)
            }
            Some(None) => return Ok(None),
            // An entry may outlive its document a little.
            None => match self.stored(index.collection, entry.key)? {
                Some(stored) => {
                    let expires_at = stored.expires_at;
                    (stored, expires_at)
                }
                None => return Ok(None),
            },
        };
        let Some(text) = self.text_in(index.collection, entry.key, &stored, operations)? else { return Ok(None) };
        let mut values = encodings(index, entry.key, &text)?;
        values.retain(|value| cut(&value.entry) == (entry.encoded, entry.is_cut));
        Ok(Some(Holder { values, expires_at }))
    }

    /// The text of a document, whose parts may be in the batch.
    fn text_in<'e>(
        &self,
        collection: CollectionId,
        key: &str,
        stored: &'e Entry,
        operations: &Operations<'_>,
    ) -> Result<Option<Cow<'e, str>>> {
        if let Content::JsonInParts(chunks) = Content::of(key, &stored.value)? {
            let staged = |position| *operations.get(&part_key(collection.parts(), chunks.id, position)[..])?;
            let parts: Option<Vec<&[u8]>> = (0..chunks.count()).map(|position| Some(staged(position)?.0)).collect();
            if let Some(parts) = parts {
                let text = String::from_utf8(parts.concat());
                return text.map(|text| Some(Cow::Owned(text))).map_err(|error| text::damaged(key, error));
            }
        }
        self.source(collection, self.engine.last_seq()).indexed_text(key, stored)
    }
}

impl Claim<'_> {
    /// The bytes that entries of documents with one of these values begin with.
    fn alike(&self) -> &[u8] {
        shared_beginning(self.entry.encoded, false).unwrap_or(self.entry.encoded)
    }

    fn violation(&self, holder: &str) -> Error {
        Error::UniqueViolation {
            index: self.index.indexed.name(),
            holder: abbreviate(holder),
            key: abbreviate(self.entry.key),
        }
    }
}

fn shares_one(a: &[Encoded], b: &[Encoded]) -> bool {
    a.iter().any(|value| b.iter().any(|other| other.exact() == value.exact()))
}
