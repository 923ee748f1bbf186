//! A query as it is asked.

use super::extract::Paths;
use super::filter::Filter;
use super::filter_tree::{Node, Test};
use super::order::{Component, Order, Place};
use super::projection::Projection;
use super::token;
use crate::documents::error::{Error, Result, abbreviate, shorten};
use crate::documents::json::path::{NotJson, Path};
use crate::documents::json::scanner::Scanner;
use crate::documents::json::text;
use crate::documents::keyspace::range::Range;
use crate::wording::json_text;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The most values that rows may be ordered by.
const ORDER_MAX: usize = 16;

/// Which documents, in which order, how many, and what of them.
///
/// ```
/// use ferrolite::{Filter, OrderBy, Query, Range};
///
/// let query = Query::new()
///     .keys(Range::prefix("user:"))
///     .filter(Filter::parse(r#"{"role": "admin", "age": {"gte": 18}}"#)?)
///     .order_by("age")
///     .order_by(OrderBy::descending("name"))
///     .limit(10)
///     .select(["name", "address.city"]);
/// let same = Query::parse(r#"{
///     "keys": {"prefix": "user:"},
///     "where": {"role": "admin", "age": {"gte": 18}},
///     "orderBy": ["age", {"path": "name", "reverse": true}],
///     "limit": 10,
///     "select": ["name", "address.city"]
/// }"#)?;
/// assert_eq!(query, same);
/// # Ok::<(), ferrolite::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a query does nothing until it is given to a database"]
pub struct Query {
    keys: Range,
    filter: Filter,
    order_by: Vec<OrderBy>,
    limit: Option<u64>,
    offset: u64,
    select: Option<Vec<String>>,
    reverse: bool,
    after: Option<String>,
}

/// A value that rows are ordered by. Without one they are ordered by key.
///
/// A document without a value at the path comes before all others, before null too. Documents whose values are equal are
/// ordered by key, in the direction of the last value.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderBy {
    /// Where the value is.
    pub path: String,
    /// From the highest value down.
    #[serde(default)]
    pub reverse: bool,
}

/// A query that was checked.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub keys: Range,
    pub filter: Node,
    pub test: Test,
    pub order: Order,
    /// The paths that the filter and the order read.
    pub paths: Paths,
    pub projection: Option<Projection>,
    /// True if more is wanted than keys.
    pub needs_documents: bool,
    /// True if the filter, the order or the selection has a path: only JSON has values at paths, so bytes are no rows then.
    pub looks_inside: bool,
    pub limit: Option<u64>,
    pub offset: u64,
    /// The last row of the page before.
    pub after: Option<Place>,
}

/// A query as JSON.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Text<'a> {
    keys: Range,
    #[serde(borrow, rename = "where")]
    filter: Option<&'a RawValue>,
    order_by: Value,
    limit: Option<u64>,
    offset: Option<u64>,
    select: Option<Vec<String>>,
    reverse: bool,
    after: Option<String>,
}

impl OrderBy {
    /// From the lowest value up.
    pub fn ascending(path: impl Into<String>) -> Self {
        Self { path: path.into(), reverse: false }
    }

    /// From the highest value down.
    pub fn descending(path: impl Into<String>) -> Self {
        Self { path: path.into(), reverse: true }
    }
}

impl From<&str> for OrderBy {
    fn from(path: &str) -> Self {
        Self::ascending(path)
    }
}

/// The `orderBy` of a query in JSON.
fn parse_order(json: Value) -> Result<Vec<OrderBy>> {
    match json {
        Value::Null => Ok(Vec::new()),
        Value::Array(list) => list.into_iter().map(parse_one_order).collect(),
        json => Ok(vec![parse_one_order(json)?]),
    }
}

fn parse_one_order(json: Value) -> Result<OrderBy> {
    let is_known = |name: &str| matches!(name, "path" | "reverse");
    match json {
        Value::String(path) => match descending(&path) {
            None => Ok(OrderBy::ascending(path)),
            Some((meant, reverse)) => Err(Error::invalid_options(format!(
                "`orderBy` is a path, not {}; write {{\"path\": {}, \"reverse\": {reverse}}}; a field of this very name is \
                 {{\"path\": {}}}",
                abbreviate(&path),
                abbreviate(meant),
                abbreviate(&path)
            ))),
        },
        Value::Object(fields) => match fields.iter().find(|(name, _)| !is_known(name)) {
            None => serde_json::from_value(Value::Object(fields)).map_err(|error| {
                Error::invalid_options(format!("`orderBy` is not understood: {}", shorten(json_text("", &error))))
            }),
            Some((name, direction)) => {
                let reverse = matches!(direction, Value::String(text) if text.to_ascii_lowercase().starts_with("desc"))
                    || direction.as_f64().is_some_and(|direction| direction < 0.0);
                Err(Error::invalid_options(format!(
                    "`orderBy` has the unknown field {}; write {{\"path\": PATH, \"reverse\": {reverse}}}",
                    abbreviate(name)
                )))
            }
        },
        _ => {
            let reason = "`orderBy` is a path, {\"path\": ..., \"reverse\": ...}, or an array of these";
            Err(Error::invalid_options(reason))
        }
    }
}

/// The path and the direction of an order as other stores write it: `-age`, `+age`, `age desc`, `age asc`.
fn descending(text: &str) -> Option<(&str, bool)> {
    match text.split_at_checked(1) {
        Some(("-", path)) => return Some((path, true)),
        Some(("+", path)) => return Some((path, false)),
        _ => {}
    }
    let (path, direction) = text.trim_end().rsplit_once([' ', ':'])?;
    match &direction.to_ascii_lowercase()[..] {
        "desc" | "descending" => Some((path.trim_end(), true)),
        "asc" | "ascending" => Some((path.trim_end(), false)),
        _ => None,
    }
}

impl Query {
    /// All documents, by key.
    pub fn new() -> Self {
        Self::default()
    }

    /// The query that this JSON text describes. Its fields are `keys` (a [`Range`] of keys, without its limit and
    /// direction), `where` (a [`Filter`]), `orderBy` (a path, `{path, reverse}`, or an array of these), `limit`, `offset`,
    /// `select` (an array of paths), `reverse` and `after`, and none must be there.
    ///
    /// # Errors
    /// `InvalidCondition` for the filter, `InvalidOptions` for the rest. Paths outside of the filter, keys and `after` are
    /// looked at when the query is run.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |error| {
            let reason = shorten(json_text(text, &error));
            Error::invalid_options(format!("the query is not understood: {reason}"))
        };
        if Scanner::new(text).peek() != Some(b'{') {
            return Err(Error::invalid_options("a query is an object, as {\"where\": {\"role\": \"admin\"}}"));
        }
        let text: Text<'_> = serde_json::from_str(text).map_err(invalid)?;
        Ok(Self {
            keys: text.keys,
            filter: text.filter.map(|filter| Filter::parse(filter.get())).transpose()?.unwrap_or_default(),
            order_by: parse_order(text.order_by)?,
            limit: text.limit,
            offset: text.offset.unwrap_or(0),
            select: text.select,
            reverse: text.reverse,
            after: text.after,
        })
    }

    /// Only documents with keys in this range; its limit and direction must not be set.
    pub fn keys(self, keys: Range) -> Self {
        Self { keys, ..self }
    }

    /// Only documents that meet `filter`, and those given before.
    pub fn filter(self, filter: Filter) -> Self {
        let filter = if self.filter == Filter::default() { filter } else { self.filter.and(filter) };
        Self { filter, ..self }
    }

    /// Orders rows by the value at a path; those with equal values by what is given next.
    pub fn order_by(mut self, order: impl Into<OrderBy>) -> Self {
        self.order_by.push(order.into());
        self
    }

    /// Turns the whole order round.
    pub fn reverse(self) -> Self {
        Self { reverse: !self.reverse, ..self }
    }

    /// At most this many rows.
    pub fn limit(self, count: u64) -> Self {
        Self { limit: Some(count), ..self }
    }

    /// Leaves out this many rows first. They are looked at all the same: [`Query::after`] costs nothing.
    pub fn offset(self, count: u64) -> Self {
        Self { offset: count, ..self }
    }

    /// Continues after the last row of another page of the same query, which returned this cursor. Rows that were
    /// written in the meantime are in the pages that they belong to; none is there twice unless its place has changed.
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { after: Some(cursor.into()), ..self }
    }

    /// Returns of each document an object with the values at these paths only, those that are there.
    pub fn select<S: Into<String>>(self, paths: impl IntoIterator<Item = S>) -> Self {
        Self { select: Some(paths.into_iter().map(Into::into).collect()), ..self }
    }

    /// Prepares the query in any order, for counting.
    pub(super) fn prepare_count(&self) -> Result<Prepared> {
        match self.after {
            Some(_) => self.prepare_keys(),
            None => {
                let unordered = Self { order_by: Vec::new(), reverse: false, ..self.clone() };
                // The order does not change the count, except that it leaves out documents that are bytes.
                Ok(Prepared { looks_inside: self.looks_inside(), ..unordered.prepare_keys()? })
            }
        }
    }

    /// Prepares the query for keys only.
    pub(super) fn prepare_keys(&self) -> Result<Prepared> {
        Ok(Prepared { needs_documents: false, ..self.prepare()? })
    }

    fn looks_inside(&self) -> bool {
        !self.order_by.is_empty() || self.select.is_some() || self.filter != Filter::default()
    }

    /// Checks what was not yet checked.
    pub(super) fn prepare(&self) -> Result<Prepared> {
        if self.keys.limit.is_some() || self.keys.reverse {
            let reason = "`keys` has a limit or a direction; give these to the query itself";
            return Err(Error::invalid_range(reason));
        }
        if self.order_by.len() > ORDER_MAX {
            let reason = format!("`orderBy` has {} paths; the limit is {ORDER_MAX}", self.order_by.len());
            return Err(Error::invalid_options(reason));
        }
        let mut paths = Paths::default();
        let components = self.order_by.iter().map(|order| Ok((Path::parse(&order.path)?, order.reverse)));
        let order = Order::new(components.collect::<Result<_>>()?, self.reverse, &mut paths);
        let projection = match &self.select {
            Some(selected) => {
                let selected: Vec<_> = selected.iter().map(|path| Path::parse(path)).collect::<Result<_>>()?;
                Some(Projection::new(&selected))
            }
            None => None,
        };
        Ok(Prepared {
            keys: self.keys.clone(),
            filter: self.filter.node.clone(),
            test: self.filter.node.compile(&mut paths),
            after: self.after.as_deref().map(|after| token::read(&order, after)).transpose()?,
            order,
            paths,
            projection,
            needs_documents: true,
            looks_inside: self.looks_inside(),
            limit: self.limit,
            offset: self.offset,
        })
    }
}

impl Prepared {
    /// Where the document with this text stands among the rows, wherever they begin; `None` when it is none of them.
    pub fn place_of(&self, key: &str, text: &str) -> Result<Option<Place>> {
        let damaged = |NotJson| text::damaged(key, "its text is not JSON");
        let values = self.paths.values_in(text).map_err(damaged)?;
        if !self.test.is_met_by(&values).map_err(damaged)? {
            return Ok(None);
        }
        Ok(Some(self.order.row(self.order.sort_key(&values).map_err(damaged)?, key)))
    }

    /// True if the first value of the order that can differ between rows descends.
    pub fn first_descends(&self) -> bool {
        let is_fixed = |component: &&Component| self.filter.implied(&component.path).is_one();
        let mut components = self.order.components.iter();
        components.find(|component| !is_fixed(component)).map_or(self.order.keys_descend, |first| first.descends)
    }

    /// How many rows are looked for, at most: one more than are returned shows whether there are more.
    pub fn needed(&self) -> f64 {
        self.limit.map_or(f64::INFINITY, |limit| limit as f64 + self.offset as f64 + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    fn code(text: &str) -> ErrorCode {
        Query::parse(text).and_then(|query| query.prepare()).unwrap_err().code()
    }

    #[test]
    fn order_takes_several_forms() {
        let one = Query::new().order_by("a");
        assert_eq!(Query::parse(r#"{"orderBy": "a"}"#).unwrap(), one);
        assert_eq!(Query::parse(r#"{"orderBy": {"path": "a"}}"#).unwrap(), one);
        assert_eq!(Query::parse(r#"{"orderBy": ["a"]}"#).unwrap(), one);
        let two = Query::new().order_by("a").order_by(OrderBy::descending("b"));
        assert_eq!(Query::parse(r#"{"orderBy": ["a", {"path": "b", "reverse": true}]}"#).unwrap(), two);
        assert_eq!(Query::parse("{}").unwrap(), Query::new());
    }

    #[test]
    fn filters_add_up() {
        let [a, b] = ["{\"a\": 1}", "{\"b\": 2}"].map(|text| Filter::parse(text).unwrap());
        let both = Filter::parse(r#"{"a": 1, "b": 2}"#).unwrap();
        assert_eq!(Query::new().filter(a).filter(b), Query::new().filter(both));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for text in
            ["", "[]", r#"{"where": {}, "x": 1}"#, r#"{"limit": -1}"#, r#"{"orderBy": [["a"]]}"#, r#"{"offset": "1"}"#]
        {
            assert_eq!(code(text), ErrorCode::InvalidOptions, "{text}");
        }
        assert_eq!(code(r#"{"orderBy": {"path": "a", "desc": true}}"#), ErrorCode::InvalidOptions);
        assert_eq!(code(r#"{"after": "x"}"#), ErrorCode::InvalidOptions);
        assert_eq!(code(r#"{"where": 1}"#), ErrorCode::InvalidCondition);
        assert_eq!(code(r#"{"orderBy": ""}"#), ErrorCode::InvalidPath);
        assert_eq!(code(r#"{"select": ["a."]}"#), ErrorCode::InvalidPath);
        assert_eq!(code(r#"{"keys": {"limit": 1}}"#), ErrorCode::InvalidRange);
        let many = ["\"a\""; ORDER_MAX + 1].join(",");
        assert_eq!(code(&format!("{{\"orderBy\": [{many}]}}")), ErrorCode::InvalidOptions);
        for (order, told) in [
            (r#""-a""#, r#"write {"path": "a", "reverse": true}"#),
            (r#""a.b desc""#, r#"write {"path": "a.b", "reverse": true}"#),
            (r#"["b", "+a"]"#, r#"write {"path": "a", "reverse": false}"#),
            (r#"{"a": "desc"}"#, r#"unknown field "a"; write {"path": PATH, "reverse": true}"#),
            (r#"{"a": -1}"#, r#""reverse": true"#),
        ] {
            let error = Query::parse(&format!("{{\"orderBy\": {order}}}")).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidOptions);
            assert!(error.to_string().contains(told), "{order}: {error}");
        }
        assert_eq!(Query::parse(r#"{"orderBy": {"path": "-a"}}"#).unwrap(), Query::new().order_by("-a"));
        let error = Query::parse(r#"{"orderBy": 5}"#).unwrap_err().to_string();
        assert!(error.contains("a path, {\"path\""), "{error}");
    }
}
