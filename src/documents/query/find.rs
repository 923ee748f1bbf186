//! Finding documents by the value at a path: a query that asks for keys only.

use super::condition::Condition;
use super::filter::Filter;
use super::query::Query;
use super::rows::Rows;
use crate::documents::database::Database;
use crate::documents::database::collection::Collection;
use crate::documents::database::latencies::Metric;
use crate::documents::error::Result;
use crate::fs::File;
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// In which order and how many keys [`Database::find`] returns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FindOptions {
    /// From the highest value down; of equal values, from the highest key down.
    pub reverse: bool,
    /// At most this many keys.
    pub limit: Option<u64>,
    /// Leaves out this many keys first.
    #[serde(skip_serializing_if = "is_zero")]
    pub offset: u64,
    /// Continues after the page that [`Database::find_page`] returned this cursor with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// A page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FindPage {
    /// The keys, in the order of the values.
    pub keys: Vec<String>,
    /// Where the next page begins, for [`FindOptions::after`]; `None` when these were the last keys, or there was no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl<F: File, D: Deref<Target = Database<F>>> Collection<D> {
    /// The keys of the documents whose value at `path` meets `condition`: ordered by that value, and by key where
    /// values are equal.
    ///
    /// An index on the path makes this fast; the result is the same without one. Values nested more than 128 deep are
    /// not found.
    ///
    /// ```
    /// # use ferrolite::{Condition, Database, FindOptions, Options, fs::Memory};
    /// # use serde_json::json;
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([
    ///     ("user:1", json!({"role": "admin", "age": 41})),
    ///     ("user:2", json!({"role": "guest", "age": 17})),
    ///     ("user:3", json!({"role": "admin", "age": 23})),
    /// ])?;
    /// db.create_index("age")?;
    /// let any = FindOptions::default();
    /// assert_eq!(db.find("role", &Condition::equals("admin")?, &any)?, ["user:1", "user:3"]);
    /// assert_eq!(db.find("age", &Condition::range(18..)?, &any)?, ["user:3", "user:1"]);
    /// let oldest = FindOptions { reverse: true, limit: Some(1), ..any };
    /// assert_eq!(db.find("age", &Condition::range(18..)?, &oldest)?, ["user:1"]);
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// `InvalidPath`; `Corrupt`, `Io`.
    pub fn find(&self, path: &str, condition: &Condition, options: &FindOptions) -> Result<Vec<String>> {
        Ok(self.find_page(path, condition, options)?.keys)
    }

    /// A page of what [`Collection::find`] finds, and where the next one begins.
    ///
    /// # Errors
    /// As [`Collection::find`]; `InvalidOptions` when the cursor is not one of the same path and direction.
    pub fn find_page(&self, path: &str, condition: &Condition, options: &FindOptions) -> Result<FindPage> {
        self.measured(Metric::Find, || {
            Rows::of_keys(&self.database, self.id, self.view(), &find_query(path, condition, options)?)?.into_keys()
        })
    }
}

/// The query that finds the same.
pub(crate) fn find_query(path: &str, condition: &Condition, options: &FindOptions) -> Result<Query> {
    let FindOptions { reverse, limit, offset, after } = options;
    let query = Query::new().filter(Filter::on(path, condition)?).order_by(path).offset(*offset);
    let query = if *reverse { query.reverse() } else { query };
    let query = limit.iter().fold(query, |query, limit| query.limit(*limit));
    Ok(after.iter().fold(query, Query::after))
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
