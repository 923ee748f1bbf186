//! Asking queries: of a collection, and in a transaction.

use super::context::{Context, KeyTest};
use super::find::FindPage;
use super::index_ranges::Delivery;
use super::notes::notes;
use super::plan::{Access, Plan};
use super::query::{Prepared, Query};
use super::rows::Rows;
use crate::documents::catalog::entries::Index;
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::history::Reads;
use crate::documents::database::latencies::Metric;
use crate::documents::database::view::View;
use crate::documents::error::Result;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::stored::document::Document;
use crate::fs::File;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::ops::Deref;

/// A page of a query's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryPage {
    /// The documents, or what was selected of them, in the order of the query.
    pub rows: Vec<Document>,
    /// Where the next page begins, for [`Query::after`]; `None` when these were the last rows, or there was no limit.
    pub cursor: Option<String>,
}

/// How a query was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The paths of the index that was read; `None` when documents were, by their keys.
    pub index: Option<Vec<String>>,
    /// How many ranges of it, or of keys, were asked for.
    pub ranges: u64,
    /// What the first ten ranges have in them, for people: `= "admin"`, or `>= "admin", 18, < "admin", 65` of an index on two
    /// paths. Of keys, their range as JSON.
    pub bounds: Vec<String>,
    /// Where the order comes from: `index`, `key`, or `sort`.
    pub order: &'static str,
    /// The paths of an index whose entries were looked up first, so that only documents with entries in both were read.
    pub intersected: Option<Vec<String>>,
    /// True if documents without a value at the index's path, which come last, have to be looked for among all: the index is
    /// from before entries for them, and maintenance has not completed it yet.
    pub then_missing: bool,
    /// Index entries that were read.
    pub entries_read: u64,
    /// Documents that were read, some perhaps twice.
    pub documents_read: u64,
    /// Rows that were found.
    pub rows_returned: u64,
    /// What may explain that the query finds nothing, for people: a path without a value in any document, or a comparison
    /// with a value of another type. Of a large collection the first 1,000 documents are looked at, and indexes.
    pub notes: Vec<String>,
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// The documents that a query finds, or what it selects of them, in its order. For more than fits in memory there is
    /// [`Database::rows`].
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Query, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set("user:1", &json!({"name": "alice", "role": "admin", "age": 41}))?;
    /// db.set("user:2", &json!({"name": "bob", "role": "admin", "age": 17}))?;
    /// let adults = db.query(&Query::parse(r#"{"where": {"role": "admin", "age": {"gte": 18}}}"#)?)?;
    /// assert_eq!(adults[0].key, "user:1");
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// As [`Collection::query_page`].
    pub fn query(&self, query: &Query) -> Result<Vec<Document>> {
        Ok(self.query_page(query)?.rows)
    }

    /// The documents that a query finds: all of them, or one page when it has a limit.
    ///
    /// What can be read through an index is, where that is estimated to cost less; the result is the same without one.
    /// [`Collection::explain`] reports how.
    ///
    /// ```
    /// # use ferrolite::{Database, Options, Query, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([
    ///     ("user:1", json!({"name": "alice", "role": "admin", "age": 41})),
    ///     ("user:2", json!({"name": "bob", "role": "guest", "age": 17})),
    ///     ("user:3", json!({"name": "carol", "role": "admin", "age": 23})),
    /// ])?;
    /// db.create_index(["role", "age"])?;
    /// let query = Query::parse(r#"{"where": {"role": "admin"}, "orderBy": "age", "limit": 1, "select": ["name"]}"#)?;
    /// let page = db.query_page(&query)?;
    /// assert_eq!((page.rows[0].key.as_str(), page.rows[0].json.as_str()), ("user:3", r#"{"name":"carol"}"#));
    /// let page = db.query_page(&query.after(page.cursor.expect("there is one more")))?;
    /// assert_eq!((page.rows[0].key.as_str(), page.cursor), ("user:1", None));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidPath`, `InvalidRange`, `InvalidOptions`; `Corrupt`, `Io`.
    pub fn query_page(&self, query: &Query) -> Result<QueryPage> {
        self.measured(Metric::Query, || self.rows(query)?.into_page())
    }

    /// The documents that a query finds, one after the other.
    ///
    /// # Errors
    /// As [`Collection::query_page`].
    pub fn rows(&self, query: &Query) -> Result<Rows<'_, F>> {
        Rows::of(&self.database, self.id, self.view(), query)
    }

    /// How many rows a query has, its limit and offset counted. Documents are only read where an index does not tell.
    ///
    /// # Errors
    /// As [`Collection::query_page`].
    pub fn count_rows(&self, query: &Query) -> Result<u64> {
        self.measured(Metric::Count, || {
            let (context, plan) = planned(&self.database, self.id, self.view(), query.prepare_count()?)?;
            Rows::new(context, plan, Vec::new())?.count()
        })
    }

    /// The first row of a query.
    ///
    /// # Errors
    /// As [`Collection::query_page`].
    pub fn find_one(&self, query: &Query) -> Result<Option<Document>> {
        self.measured(Metric::FindOne, || self.rows(&query.clone().limit(1))?.next().transpose())
    }

    /// Runs a query, and reports how it was answered and the amount that was read.
    ///
    /// # Errors
    /// As [`Collection::query_page`].
    pub fn explain(&self, query: &Query) -> Result<Explanation> {
        self.measured(Metric::Explain, || self.explained(query))
    }

    fn explained(&self, query: &Query) -> Result<Explanation> {
        let (context, plan) = planned(&self.database, self.id, self.view(), query.prepare()?)?;
        let notes = notes(&self.database, self.id, self.view(), &context.query)?;
        let paths = |index: &Index| index.indexed.paths.iter().map(|path| path.as_str().to_owned()).collect::<Vec<_>>();
        let (index, ranges, then_missing) = match &plan.access {
            Access::Documents(range) => (None, usize::from(range.is_some()), false),
            Access::Index(index, missing) => (Some(paths(index.index)), index.ranges.len(), missing.is_some()),
        };
        let bounds = match &plan.access {
            Access::Documents(_) => vec![context.query.keys.told()],
            Access::Index(index, _) => index.told(),
        };
        let order = match (plan.delivery, &index) {
            (Delivery::Unordered, _) => "sort",
            (_, Some(_)) => "index",
            (_, None) => "key",
        };
        let intersected = plan.intersected.as_ref().map(|second| paths(second.index));
        let mut rows = Rows::new(context, plan, Vec::new())?;
        let mut rows_returned = 0;
        while rows.next_row()?.is_some() {
            rows_returned += 1;
        }
        let counts = rows.context.counts.get();
        let (entries_read, documents_read) = (counts.entries, counts.documents);
        let ranges = ranges as u64;
        Ok(Explanation {
            index,
            ranges,
            bounds,
            order,
            intersected,
            then_missing,
            entries_read,
            documents_read,
            rows_returned,
            notes,
        })
    }
}

/// A query, and its plan.
fn planned<'a, F: File>(
    database: &'a Database<F>,
    collection: CollectionId,
    view: View,
    query: Prepared,
) -> Result<(Context<'a, F>, Plan<'a>)> {
    let plan = plan(database, collection, view, &query)?;
    let (reader, counts) = (RefCell::new(database.reader(view)), Cell::default());
    Ok((Context { database, collection, view, reader, query, is_written: None, reads: None, counts }, plan))
}

/// A query in a transaction.
pub(crate) struct InTransaction<'a, F: File> {
    pub database: &'a Database<F>,
    pub collection: CollectionId,
    pub view: View,
    /// What the transaction has written; and whether it has written a key.
    pub own: Vec<Document>,
    pub is_written: KeyTest<'a>,
    pub reads: &'a mut Reads,
}

impl<'a, F: File> InTransaction<'a, F> {
    /// The rows, and what they depend on is noted.
    pub fn rows(self, query: &Query) -> Result<Rows<'a, F>> {
        self.run(query.prepare()?)
    }

    /// Runs a query for keys only.
    pub fn keys(self, query: &Query) -> Result<Rows<'a, F>> {
        self.run(query.prepare_keys()?)
    }

    pub fn count(self, query: &Query) -> Result<u64> {
        self.run(query.prepare_count()?)?.count()
    }

    fn run(self, query: Prepared) -> Result<Rows<'a, F>> {
        let Self { database, collection, view, own, is_written, reads } = self;
        let plan = plan(database, collection, view, &query)?;
        // Who drops an index writes this key; from then on writes do not touch what was read of it.
        if let Access::Index(ranges, _) = &plan.access {
            reads.add_key(ranges.index.key());
        }
        if let Some(second) = &plan.intersected {
            reads.add_key(second.index.key());
        }
        let (is_written, reads) = (Some(is_written), Some(RefCell::new(reads)));
        let (reader, counts) = (RefCell::new(database.reader(view)), Cell::default());
        let context = Context { database, collection, view, reader, query, is_written, reads, counts };
        Rows::new(context, plan, own)
    }
}

/// The plan of a query, with those of the collection's indexes that know all that is seen.
fn plan<'a, F: File>(
    database: &'a Database<F>,
    collection: CollectionId,
    view: View,
    query: &Prepared,
) -> Result<Plan<'a>> {
    Plan::choose(database, collection, query, database.catalog.ready(collection, view.at), view.at)
}

impl<'a, F: File> Rows<'a, F> {
    /// The rows of which only the keys are wanted.
    pub(crate) fn of_keys(
        database: &'a Database<F>,
        collection: CollectionId,
        view: View,
        query: &Query,
    ) -> Result<Self> {
        let (context, plan) = planned(database, collection, view, query.prepare_keys()?)?;
        Self::new(context, plan, Vec::new())
    }

    pub(crate) fn into_keys(mut self) -> Result<FindPage> {
        let mut keys = Vec::new();
        while let Some(place) = self.next_place()? {
            keys.push(place.key);
        }
        Ok(FindPage { keys, cursor: self.cursor()? })
    }

    pub(crate) fn of(database: &'a Database<F>, collection: CollectionId, view: View, query: &Query) -> Result<Self> {
        let (context, plan) = planned(database, collection, view, query.prepare()?)?;
        Self::new(context, plan, Vec::new())
    }

    pub(crate) fn into_page(mut self) -> Result<QueryPage> {
        let rows = self.by_ref().collect::<Result<_>>()?;
        Ok(QueryPage { rows, cursor: self.cursor()? })
    }
}
