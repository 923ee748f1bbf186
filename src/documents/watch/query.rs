//! Watching what a query finds: which rows have come, changed and gone.
//!
//! Rows are known by their places in the order of the query. A query with a limit has a window of so many rows, and some
//! rows after it are known too: a row that leaves the window is replaced by the next known row. Only if too few rows are
//! known for a full window, the query is run again.
//!
//! ```text
//! rows in order   │ window: what was told │ known rows after it │ unknown rows
//!                                         told_up_to            horizon (none: all rows are known)
//! ```

use super::watcher::{WatchOptions, Watcher};
use crate::documents::changes::change::ChangeKind;
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::scan::PageLimits;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::range::Range;
use crate::documents::query::order::Place;
use crate::documents::query::query::Query;
use crate::documents::query::standing::StandingQuery;
use crate::documents::stored::content::Blob;
use crate::documents::stored::document::Document;
use crate::engine::{Entry, Seq};
use crate::fs::File;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, DerefMut};

/// When more documents than this have changed, the query is run again.
const TOUCHED_MAX: usize = 10_000;

/// Somebody who watches what a query finds. Made by [`Collection::watch_query`], and used with
/// [`Database::query_changes`] of that database. It watches until it is dropped.
#[derive(Debug)]
pub struct QueryWatcher {
    watcher: Watcher,
    collection: String,
    query: StandingQuery,
    /// The known rows, in order, ...
    order: BTreeSet<Place>,
    /// ... and by their keys, with their versions.
    rows: BTreeMap<String, (Place, Seq)>,
    /// The last row that was delivered.
    told_up_to: Option<Place>,
    /// All rows up to this place are known; `None` if all rows are.
    horizon: Option<Place>,
    is_begun: bool,
}

/// A row that a query finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryRow {
    /// The document's key.
    pub key: String,
    /// Its version.
    pub version: u64,
    /// Its JSON text, or what the query selects of it; empty if the document is bytes.
    #[serde(skip)]
    pub json: String,
    /// The bytes, of a document that is not JSON.
    #[serde(skip)]
    pub bytes: Option<Blob>,
}

/// The changes of the rows of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryChanges {
    /// The commit after which they are so.
    pub version: u64,
    /// Rows that it found not before, in its order.
    pub added: Vec<QueryRow>,
    /// Rows that were written in the meantime, in its order.
    pub changed: Vec<QueryRow>,
    /// The keys of rows that it finds no more.
    pub removed: Vec<String>,
}

/// What becomes of a document that was touched: its place and version, if it is a row.
type Fate = (String, Option<(Place, Seq)>);

impl<F: File, D: DerefMut<Target = Database<F>>> Collection<D> {
    /// Watches what a query finds: its rows, from the first one on.
    ///
    /// # Errors
    /// `InvalidOptions` when the query has an offset or a cursor; as [`Collection::query`] and [`Database::watch`].
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Query, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// let mut users = db.collection_mut("users")?;
    /// users.set_json("alice", r#"{"role": "admin"}"#)?;
    /// let mut admins = users.watch_query(&Query::parse(r#"{"where": {"role": "admin"}}"#)?)?;
    /// assert_eq!(db.query_changes(&mut admins)?.unwrap().added[0].key, "alice");
    /// db.collection_mut("users")?.delete("alice")?;
    /// assert_eq!(db.query_changes(&mut admins)?.unwrap().removed, ["alice"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn watch_query(&mut self, query: &Query) -> Result<QueryWatcher> {
        let query = StandingQuery::new(query)?;
        let watch = WatchOptions { without_values: true, ..WatchOptions::default() };
        Ok(QueryWatcher {
            watcher: self.watch(&Range::all(), &watch)?,
            collection: self.name.clone(),
            query,
            order: BTreeSet::new(),
            rows: BTreeMap::new(),
            told_up_to: None,
            horizon: None,
            is_begun: false,
        })
    }
}

impl<F: File> Database<F> {
    /// Watches what a query finds in the default collection.
    ///
    /// # Errors
    /// As [`Collection::watch_query`].
    pub fn watch_query(&mut self, query: &Query) -> Result<QueryWatcher> {
        self.default_collection_mut().watch_query(query)
    }

    /// What has become of the rows of a query since this was called before; the first time all rows are new. `None` when
    /// nothing has; look again when [`Database::may_have_query_changes`].
    ///
    /// What an open group has written so far is acknowledged first. Of a row that has changed several times the last state
    /// is told. Takes memory for the keys of all rows.
    ///
    /// # Errors
    /// As a read.
    pub fn query_changes(&mut self, query: &mut QueryWatcher) -> Result<Option<QueryChanges>> {
        self.settle_group()?;
        let touched = self.touched(&mut query.watcher)?.filter(|_| query.is_begun);
        let fates = match touched {
            None => None,
            Some(keys) if keys.is_empty() => return Ok(None),
            Some(keys) => Some(self.fates(query, keys)?).filter(|fates| query.stays_full(fates)),
        };
        let fates = match fates {
            Some(fates) => fates,
            None => {
                let (fates, horizon) = self.all_fates(query)?;
                query.horizon = horizon;
                fates
            }
        };
        let is_first = !std::mem::replace(&mut query.is_begun, true);
        let moved = query.apply(fates);
        let mut changes = QueryChanges { version: self.version(), removed: moved.removed, ..QueryChanges::default() };
        for (places, rows) in [(moved.added, &mut changes.added), (moved.changed, &mut changes.changed)] {
            for Place { key, .. } in places {
                rows.extend(self.row(query, key)?);
            }
        }
        let is_any =
            is_first || !(changes.added.is_empty() && changes.changed.is_empty() && changes.removed.is_empty());
        Ok(is_any.then_some(changes))
    }

    /// True if [`Database::query_changes`] may have something to deliver. Costs almost nothing.
    pub fn may_have_query_changes(&self, query: &QueryWatcher) -> bool {
        !query.is_begun || self.may_have_changes(&query.watcher)
    }

    /// How long until the next document expires that a query watch looks at.
    pub fn next_query_expiry(&self, query: &QueryWatcher) -> Option<std::time::Duration> {
        self.next_expiry(&query.watcher)
    }

    /// The keys that have changed; `None` when that is not known, or too much.
    fn touched(&self, watcher: &mut Watcher) -> Result<Option<BTreeSet<String>>> {
        let mut keys = BTreeSet::new();
        let mut is_known = true;
        loop {
            let changes = match self.changes(watcher, PageLimits::default()) {
                Err(Error::ChangesLost { .. }) => {
                    self.restart(watcher)?;
                    return Ok(None);
                }
                changes => changes?,
            };
            if changes.is_empty() {
                return Ok(is_known.then_some(keys));
            }
            is_known &= keys.len() < TOUCHED_MAX && changes.iter().all(|change| change.kind != ChangeKind::Drop);
            if is_known {
                keys.extend(changes.into_iter().map(|change| change.key));
            }
        }
    }

    /// What has become of these documents.
    fn fates(&self, query: &QueryWatcher, keys: BTreeSet<String>) -> Result<Vec<Fate>> {
        let fate = |key: String| {
            let Some(entry) = self.row_entry(query, &key)? else { return Ok((key, None)) };
            let place = query.query.place_of(&key, self.row_text(query, &key, &entry)?.as_deref())?;
            Ok((key, place.map(|place| (place, entry.seq))))
        };
        keys.into_iter().map(fate).collect()
    }

    /// What has become of all that are or were rows: runs the query. Also returns the horizon.
    fn all_fates(&self, query: &QueryWatcher) -> Result<(Vec<Fate>, Option<Place>)> {
        let gone = query.rows.keys().map(|key| (key.clone(), None));
        let mut fates: BTreeMap<String, Option<(Place, Seq)>> = gone.collect();
        let mut horizon = None;
        if let Some(collection) = self.catalog.collection(&query.collection) {
            let places = query.query.run(self, collection, self.view())?;
            horizon = places.get(query.query.known_max() - 1).cloned();
            for place in places {
                if let Some(entry) = self.row_entry(query, &place.key)? {
                    fates.insert(place.key.clone(), Some((place, entry.seq)));
                }
            }
        }
        Ok((fates.into_iter().collect(), horizon))
    }

    /// Returns a row as it is delivered.
    fn row(&self, query: &QueryWatcher, key: String) -> Result<Option<QueryRow>> {
        let Some(collection) = self.catalog.collection(&query.collection) else { return Ok(None) };
        let Some(entry) = self.row_entry(query, &key)? else { return Ok(None) };
        let Document { key, json, bytes, version, .. } =
            Document::new(self.source(collection, self.version()), key, &entry)?;
        let json = if bytes.is_none() { query.query.selected(&key, &json)? } else { json };
        Ok(Some(QueryRow { key, version, json, bytes }))
    }

    /// The text of what may be a row; `None` if it is bytes.
    fn row_text<'e>(&self, query: &QueryWatcher, key: &str, entry: &'e Entry) -> Result<Option<Cow<'e, str>>> {
        match self.catalog.collection(&query.collection) {
            Some(collection) => self.source(collection, self.version()).indexed_text(key, entry),
            None => Ok(None),
        }
    }

    fn row_entry(&self, query: &QueryWatcher, key: &str) -> Result<Option<Entry>> {
        match self.catalog.collection(&query.collection) {
            Some(collection) => self.entry(collection, key, self.view()),
            None => Ok(None),
        }
    }
}

impl QueryWatcher {
    /// True if enough rows for the window are known once these documents have become what they are.
    fn stays_full(&self, fates: &[Fate]) -> bool {
        let leave = fates.iter().filter(|(key, _)| self.rows.contains_key(key)).count();
        let come = fates.iter().filter(|(_, fate)| fate.as_ref().is_some_and(|(place, _)| self.knows(place))).count();
        self.horizon.is_none() || self.rows.len() - leave + come >= self.query.limit()
    }

    /// True if a row at this place is one of the known rows.
    fn knows(&self, place: &Place) -> bool {
        self.horizon.as_ref().is_none_or(|horizon| place <= horizon)
    }

    /// Applies what has become of documents, and returns what that changes in the window.
    fn apply(&mut self, fates: Vec<Fate>) -> Moved {
        let before = self.told_up_to.take();
        let is_within = |place: &Place, end: &Option<Place>| end.as_ref().is_some_and(|end| place <= end);
        let mut touched = BTreeMap::new();
        for (key, fate) in fates {
            let told = self.remove(&key).filter(|(place, _)| is_within(place, &before));
            if let Some((place, version)) = fate.filter(|(place, _)| self.knows(place)) {
                self.insert(place, version);
            }
            touched.insert(key, told.map(|(_, version)| version));
        }
        let now = self.window_end();
        let mut moved = Moved::default();
        for (key, told) in &touched {
            let row = self.rows.get(key).filter(|(place, _)| is_within(place, &now));
            match (told, row) {
                (None, Some((place, _))) => moved.added.push(place.clone()),
                (Some(told), Some((place, version))) if told != version => moved.changed.push(place.clone()),
                (Some(_), None) => moved.removed.push(key.clone()),
                _ => {}
            }
        }
        // Rows that were not touched come into the window or leave it where its end moves over them.
        let untouched = |place: &&Place| !touched.contains_key(&place.key);
        if before < now {
            moved.added.extend(between(&self.order, &before, &now).filter(untouched).cloned());
        } else if now < before {
            moved.removed.extend(between(&self.order, &now, &before).filter(untouched).map(|place| place.key.clone()));
        }
        moved.added.sort_unstable();
        moved.changed.sort_unstable();
        self.told_up_to = now;
        self.trim();
        moved
    }

    /// The last row of the window.
    fn window_end(&self) -> Option<Place> {
        let limit = self.query.limit();
        match limit.checked_sub(1)? {
            last if last < self.order.len() => self.order.iter().nth(last).cloned(),
            _ => self.order.last().cloned(),
        }
    }

    /// Forgets the last known rows if more are known than are useful.
    fn trim(&mut self) {
        let known_max = self.query.known_max();
        if self.order.len() <= known_max.saturating_mul(2) {
            return;
        }
        while self.order.len() > known_max {
            let Some(Place { key, .. }) = self.order.last().cloned() else { break };
            self.remove(&key);
        }
        self.horizon = self.order.last().cloned();
    }

    fn insert(&mut self, place: Place, version: Seq) {
        self.order.insert(place.clone());
        self.rows.insert(place.key.clone(), (place, version));
    }

    /// The place and version of a row that is taken away.
    fn remove(&mut self, key: &str) -> Option<(Place, Seq)> {
        let (place, version) = self.rows.remove(key)?;
        self.order.remove(&place);
        Some((place, version))
    }
}

/// The effect of a change on the rows of a window, in its order.
#[derive(Default)]
struct Moved {
    added: Vec<Place>,
    changed: Vec<Place>,
    removed: Vec<String>,
}

/// The rows after `start` up to and with `end`. REQUIRES: `start` is before `end`; `None` is before all rows.
fn between<'a>(
    order: &'a BTreeSet<Place>,
    start: &'a Option<Place>,
    end: &'a Option<Place>,
) -> impl Iterator<Item = &'a Place> {
    let start = start.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let end = end.as_ref().map_or(Bound::Unbounded, Bound::Included);
    order.range((start, end))
}
