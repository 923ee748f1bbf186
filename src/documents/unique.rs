//! Unique indexes: no commit leaves two documents with equal values in one.
//!
//! What counts is the state after the commit: documents may exchange their values in one. It is looked at when the commit is
//! made, and by the newest state, so that of two transactions that take the same value the second one fails.

use super::catalog::Index;
use super::content::Content;
use super::error::{Error, Result, abbreviate};
use super::find::parse_entry;
use super::index::entries_of;
use super::index_entry::{IndexEntry, components, cut, encodings};
use super::key::CollectionId;
use super::parts::part_key;
use super::range::end_of;
use super::{Database, json};
use crate::engine::{Batch, Entry, KeyRange};
use crate::fs::File;
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Bound;

/// What a batch does by engine key.
type Operations<'a> = HashMap<&'a [u8], Option<(&'a [u8], Option<u64>)>>;

/// An entry that a batch writes.
struct Claim<'a> {
    index: &'a Index,
    entry: IndexEntry<'a>,
    /// What the entry stands for, not cut: of elements that are cut alike there are several.
    values: Vec<Vec<u8>>,
}

impl<F: File> Database<F> {
    /// Fails when `batch` would leave two documents with equal values in a unique index.
    pub(super) fn check_unique(&self, batch: &Batch) -> Result<()> {
        if self.catalog.unique().next().is_none() {
            return Ok(());
        }
        let operations: Operations<'_> = batch.operations().collect();
        let mut claims = self.claims(batch, &operations)?;
        claims.sort_by(|a, b| (a.index.id, a.entry.encoded).cmp(&(b.index.id, b.entry.encoded)));
        let is_alike = |a: &Claim<'_>, b: &Claim<'_>| (a.index.id, a.entry.encoded) == (b.index.id, b.entry.encoded);
        for alike in claims.chunk_by(is_alike) {
            for (behind, claim) in alike.iter().enumerate() {
                let before = alike.iter().take(behind).find(|before| shares_one(&before.values, &claim.values));
                if let Some(before) = before {
                    return Err(claim.violation(before.entry.key));
                }
                self.check_claim(claim, &operations)?;
            }
        }
        Ok(())
    }

    /// The entries of unique indexes that a batch writes, where all paths have a value.
    fn claims<'a>(&'a self, batch: &'a Batch, operations: &Operations<'_>) -> Result<Vec<Claim<'a>>> {
        let now_ms = self.engine.now_ms();
        let mut claims = Vec::new();
        for (key, put) in batch.operations() {
            let Some((mark, _)) = put.filter(|(_, expires_at)| expires_at.is_none_or(|at| at > now_ms)) else {
                continue;
            };
            let Some(index) = self.catalog.unique().find(|index| key.starts_with(&entries_of(index))) else { continue };
            let entry = IndexEntry::parse(index.indexed.paths.len(), key, mark)
                .ok_or_else(|| Error::Internal { message: "an index entry cannot be read".to_owned() })?;
            let mut values = self.values_of(index, &entry, operations)?;
            values.retain(|value| components(value).is_some_and(|parts| parts.iter().all(|part| !part.is_empty())));
            if !values.is_empty() {
                claims.push(Claim { index, entry, values });
            }
        }
        Ok(claims)
    }

    /// Fails when a document that the batch does not write has what is claimed.
    fn check_claim(&self, claim: &Claim<'_>, operations: &Operations<'_>) -> Result<()> {
        let start = [&entries_of(claim.index)[..], claim.entry.encoded].concat();
        let range = KeyRange { start: Bound::Included(start.clone()), end: end_of(start) };
        let view = self.view();
        let mut cursor = self.engine.scan(range, false, view.at, view.now_ms)?;
        while let Some((key, stored)) = cursor.next()? {
            let holder = parse_entry(claim.index, &key, &stored)?;
            // What the batch writes claims for itself, and what it deletes is free.
            if operations.contains_key(&key[..]) {
                continue;
            }
            // An entry with an expiry, or that was cut, does not say for sure what its document has; nor does one of a
            // document that the batch writes, since an entry that stays as it is, is not written again.
            let document_key = claim.index.collection.document_key(holder.key);
            let is_sure = stored.expires_at.is_none() && !holder.is_cut && !operations.contains_key(&document_key[..]);
            if is_sure || shares_one(&self.values_of(claim.index, &holder, operations)?, &claim.values) {
                return Err(claim.violation(holder.key));
            }
        }
        Ok(())
    }

    /// What the document of an entry has there, in the batch or else in the database, of what is cut like the entry.
    fn values_of(&self, index: &Index, entry: &IndexEntry<'_>, operations: &Operations<'_>) -> Result<Vec<Vec<u8>>> {
        let document_key = index.collection.document_key(entry.key);
        let of = |stored: &Entry| match self.text_in(index.collection, entry.key, stored, operations)? {
            Some(text) => encodings(&index.indexed, entry.key, &text),
            None => Ok(Vec::new()),
        };
        let mut values = match operations.get(&document_key[..]) {
            Some(Some((value, expires_at))) => {
                of(&Entry { value: Bytes::copy_from_slice(value), seq: 0, expires_at: *expires_at })?
            }
            Some(None) => Vec::new(),
            None => match self.entry(index.collection, entry.key, self.view())? {
                Some(stored) => of(&stored)?,
                None => Vec::new(),
            },
        };
        values.retain(|value| cut(value) == (entry.encoded, entry.is_cut));
        Ok(values)
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
                return text.map(|text| Some(Cow::Owned(text))).map_err(|error| json::damaged(key, error));
            }
        }
        self.source(collection, self.engine.last_seq()).indexed_text(key, stored)
    }
}

impl Claim<'_> {
    fn violation(&self, holder: &str) -> Error {
        Error::UniqueViolation {
            index: self.index.indexed.name(),
            holder: abbreviate(holder),
            key: abbreviate(self.entry.key),
        }
    }
}

fn shares_one(a: &[Vec<u8>], b: &[Vec<u8>]) -> bool {
    a.iter().any(|value| b.contains(value))
}
