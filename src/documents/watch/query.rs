//! Watching what a query finds: which rows have come, changed and gone.
//!
//! Rows are known by their places in the order of the query. A change moves one row; only where a row leaves a window that
//! is full, another one comes in that has not changed, and the query is run again, which its limit bounds.

use super::super::error::{Error, Result};
use super::super::query::{Place, StandingQuery};
use super::super::scan::PageLimits;
use super::super::{Collection, Database, Query, Range};
use super::change::ChangeKind;
use super::watcher::{WatchOptions, Watcher};
use crate::engine::{Entry, Seq};
use crate::fs::File;
use serde::Serialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::DerefMut;

/// When more documents than this have changed, the query is run again.
const TOUCHED_MAX: usize = 10_000;

/// Somebody who watches what a query finds. Made by [`Collection::watch_query`], and used with
/// [`Database::query_changes`] of that database. It watches until it is dropped.
#[derive(Debug)]
pub struct QueryWatcher {
    watcher: Watcher,
    collection: String,
    query: StandingQuery,
    /// The rows that were told, in order, ...
    order: BTreeSet<Place>,
    /// ... and by their keys, with their versions.
    rows: BTreeMap<String, (Place, Seq)>,
    is_begun: bool,
}

/// A row that a query finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryRow {
    /// The document's key.
    pub key: String,
    /// Its version.
    pub version: u64,
    /// Its JSON text, or what the query selects of it.
    #[serde(skip)]
    pub json: String,
}

/// What has become of the rows of a query.
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
    /// `InvalidOptions` when the query has an offset or a cursor; as [`Database::query`] and [`Database::watch`].
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
            Some(keys) => query.only_these(self.fates(query, keys)?),
        };
        let fates = match fates {
            Some(fates) => fates,
            None => self.all_fates(query)?,
        };
        let is_first = !std::mem::replace(&mut query.is_begun, true);
        let mut changes = QueryChanges { version: self.version(), ..QueryChanges::default() };
        let mut written = BTreeMap::new();
        for (key, fate) in fates {
            let old = query.remove(&key);
            match &fate {
                Some((_, version)) if old != Some(*version) => drop(written.insert(key.clone(), old.is_some())),
                None if old.is_some() => changes.removed.push(key.clone()),
                _ => {}
            }
            if let Some((place, version)) = fate {
                query.insert(place, version);
            }
        }
        while query.order.len() > query.query.limit() {
            let Some(Place { key, .. }) = query.order.last().cloned() else { break };
            query.remove(&key);
            // A new one was no row before.
            if written.remove(&key) != Some(false) {
                changes.removed.push(key);
            }
        }
        let place = |(key, was_there)| Some((query.rows.get(&key)?.0.clone(), was_there));
        let mut written: Vec<_> = written.into_iter().filter_map(place).collect();
        written.sort_unstable();
        for (Place { key, .. }, was_there) in written {
            let Some(entry) = self.row_entry(query, &key)? else { continue };
            let Some(text) = self.row_text(query, &key, &entry)? else { continue };
            let text = query.query.selected(&key, &text)?;
            let rows = if was_there { &mut changes.changed } else { &mut changes.added };
            rows.push(QueryRow { key, version: entry.seq, json: text });
        }
        let is_any =
            is_first || !(changes.added.is_empty() && changes.changed.is_empty() && changes.removed.is_empty());
        Ok(is_any.then_some(changes))
    }

    /// Whether [`Database::query_changes`] may have something to tell. Costs nothing to speak of.
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
            let Some(text) = self.row_text(query, &key, &entry)? else { return Ok((key, None)) };
            let place = query.query.place_of(&key, &text)?;
            Ok((key, place.map(|place| (place, entry.seq))))
        };
        keys.into_iter().map(fate).collect()
    }

    /// What has become of all that are or were rows: runs the query.
    fn all_fates(&self, query: &QueryWatcher) -> Result<Vec<Fate>> {
        let gone = query.rows.keys().map(|key| (key.clone(), None));
        let mut fates: BTreeMap<String, Option<(Place, Seq)>> = gone.collect();
        if let Some(collection) = self.catalog.collection(&query.collection) {
            for place in query.query.run(self, collection, self.view())? {
                if let Some(entry) = self.row_entry(query, &place.key)? {
                    fates.insert(place.key.clone(), Some((place, entry.seq)));
                }
            }
        }
        Ok(fates.into_iter().collect())
    }

    /// The text of what may be a row: bytes are none.
    fn row_text<'e>(&self, query: &QueryWatcher, key: &str, entry: &'e Entry) -> Result<Option<Cow<'e, str>>> {
        match self.catalog.collection(&query.collection) {
            Some(collection) => self.source(collection, self.version()).json(key, entry),
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
    /// The fates of some documents, when those of all others stay as they were: unless a row leaves its place in a window
    /// that is full.
    fn only_these(&self, fates: Vec<Fate>) -> Option<Vec<Fate>> {
        let is_full = self.rows.len() >= self.query.limit();
        let leaves = |(key, fate): &Fate| {
            let new = fate.as_ref().map(|(place, _)| place);
            self.rows.get(key).is_some_and(|(place, _)| Some(place) != new)
        };
        (!is_full || !fates.iter().any(leaves)).then_some(fates)
    }

    fn insert(&mut self, place: Place, version: Seq) {
        self.order.insert(place.clone());
        self.rows.insert(place.key.clone(), (place, version));
    }

    /// The version of a row that is taken away.
    fn remove(&mut self, key: &str) -> Option<Seq> {
        let (place, version) = self.rows.remove(key)?;
        self.order.remove(&place);
        Some(version)
    }
}
