//! The questions of a watch to a query: whether a document is a row and where it stands, and all rows in order.

use super::order::Place;
use super::query::{Prepared, Query};
use super::rows::Rows;
use crate::documents::database::Database;
use crate::documents::database::view::View;
use crate::documents::error::{Error, Result};
use crate::documents::json::path::NotJson;
use crate::documents::json::text;
use crate::documents::keyspace::key::CollectionId;
use crate::fs::File;

/// A query that is watched.
#[derive(Debug)]
pub(crate) struct StandingQuery {
    /// The query with the limit `known_max`.
    query: Query,
    prepared: Prepared,
    known_max: usize,
}

/// Rows after the window that are known too: as many as the window has, within these bounds.
const SPARE_MIN: usize = 16;
const SPARE_MAX: usize = 1024;

impl StandingQuery {
    /// # Errors
    /// `InvalidOptions` when the query does not begin with its first row; and where it cannot be asked.
    pub fn new(query: &Query) -> Result<Self> {
        let prepared = query.prepare()?;
        if prepared.offset != 0 || prepared.after.is_some() {
            return Err(Error::invalid_options(
                "a query that is watched begins with its first row: no offset, no cursor",
            ));
        }
        let limit = prepared.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let known_max = limit.map_or(usize::MAX, |limit| limit.saturating_add(limit.clamp(SPARE_MIN, SPARE_MAX)));
        let query = query.clone();
        let query = if limit.is_some() { query.limit(known_max as u64) } else { query };
        Ok(Self { query, prepared, known_max })
    }

    /// The largest number of rows that are known after the query has run: those of the window and some after it.
    pub fn known_max(&self) -> usize {
        self.known_max
    }

    /// How many rows there are at most.
    pub fn limit(&self) -> usize {
        self.prepared.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX))
    }

    /// The place of the document with this text, or without text if it is bytes; `None` if it is no row.
    pub fn place_of(&self, key: &str, text: Option<&str>) -> Result<Option<Place>> {
        if !self.prepared.keys.contains(key) {
            return Ok(None);
        }
        match text {
            _ if !self.prepared.looks_inside => Ok(Some(self.prepared.order.row(Vec::new(), key))),
            Some(text) => self.prepared.place_of(key, text),
            None => Ok(None),
        }
    }

    /// The known rows, from the first one on.
    pub fn run<F: File>(&self, database: &Database<F>, collection: CollectionId, view: View) -> Result<Vec<Place>> {
        let mut rows = Rows::of_keys(database, collection, view, &self.query)?;
        let mut places = Vec::new();
        while let Some(place) = rows.next_place()? {
            places.push(place);
        }
        Ok(places)
    }

    /// Returns the part of a document that the query returns.
    pub fn selected(&self, key: &str, text: &str) -> Result<String> {
        let Some(projection) = &self.prepared.projection else { return Ok(text.to_owned()) };
        projection.of(text).map_err(|NotJson| text::damaged(key, "its text is not JSON"))
    }
}
