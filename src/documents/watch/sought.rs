//! What a query watch asks of a query: whether a document is a row and where it stands, and all rows in order.

use super::super::condition::Condition;
use super::super::error::Result;
use super::super::find::{FindOptions, Search};
use super::super::index_entry::encoded_value;
use super::super::key::CollectionId;
use super::super::path::Path;
use super::super::read::View;
use super::super::{Database, json};
use crate::engine::Entry;
use crate::fs::File;
use std::cmp::Ordering;

/// A query that is watched: a condition on a path, as [`Database::find`] takes it.
#[derive(Debug)]
pub(super) struct Sought {
    path: Path,
    condition: Condition,
    is_reverse: bool,
    limit: usize,
}

/// Where a row stands among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RowPlace {
    /// What rows are ordered by.
    sort: Vec<u8>,
    /// The document's key, by which rows are ordered where that is the same.
    pub key: String,
    is_reverse: bool,
}

impl Sought {
    pub fn new(path: &str, condition: &Condition, options: &FindOptions) -> Result<Self> {
        let limit = options.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Self { path: Path::parse(path)?, condition: condition.clone(), is_reverse: options.reverse, limit })
    }

    /// How many rows there are at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Where the document that is stored at `key` stands; `None` when it is no row.
    pub fn place_of(&self, key: &str, stored: &Entry) -> Result<Option<RowPlace>> {
        let encoded = encoded_value(&self.path, key, json::text_of(key, &stored.value)?)?;
        let encoded = encoded.filter(|encoded| self.condition.is_met_by(encoded));
        Ok(encoded.map(|encoded| self.place(encoded, key.to_owned())))
    }

    /// The rows that there are.
    pub fn run<F: File>(&self, database: &Database<F>, collection: CollectionId, view: View) -> Result<Vec<RowPlace>> {
        if self.limit == 0 {
            return Ok(Vec::new());
        }
        let search = Search {
            database,
            collection,
            path: &self.path,
            condition: &self.condition,
            view,
            reverse: self.is_reverse,
            limit: self.limit,
            with_values: true,
        };
        let rows = search.rows(database.catalog.ready_on(collection, &self.path), &mut drop)?;
        Ok(rows.into_iter().map(|(encoded, key)| self.place(encoded, key)).collect())
    }

    fn place(&self, sort: Vec<u8>, key: String) -> RowPlace {
        RowPlace { sort, key, is_reverse: self.is_reverse }
    }
}

impl Ord for RowPlace {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = (&self.sort, &self.key).cmp(&(&other.sort, &other.key));
        if self.is_reverse { order.reverse() } else { order }
    }
}

impl PartialOrd for RowPlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
