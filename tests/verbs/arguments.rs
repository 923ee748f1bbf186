//! The arguments of a step, as the library takes them.

use crate::values::none;
use ferrolite::{
    Condition, Document, End, FindOptions, IndexSpec, Query, QueryPage, Range, Result, SetOptions, ttl_from_seconds,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Each by its place. One that the table does not give is like one that is not there.
#[derive(Debug)]
pub struct Arguments(pub Vec<Value>);

impl Arguments {
    pub fn value(&self, place: usize) -> Option<&Value> {
        self.0.get(place).filter(|value| **value != none())
    }

    pub fn given(&self, place: usize) -> &Value {
        self.value(place).unwrap_or_else(|| panic!("there is no argument {place} in {self:?}"))
    }

    pub fn text(&self, place: usize) -> &str {
        self.given(place).as_str().unwrap_or_else(|| panic!("argument {place} is no text in {self:?}"))
    }

    pub fn json(&self, place: usize) -> String {
        self.given(place).to_string()
    }

    pub fn perhaps_json(&self, place: usize) -> Option<String> {
        self.value(place).map(Value::to_string)
    }

    pub fn texts(&self, place: usize) -> Vec<String> {
        of_json(self.given(place))
    }

    pub fn range(&self, place: usize) -> Range {
        self.value(place).map(of_json).unwrap_or_default()
    }

    pub fn condition(&self, place: usize) -> Result<Condition> {
        Condition::parse(&self.json(place))
    }

    pub fn find_options(&self, place: usize) -> FindOptions {
        self.value(place).map(of_json).unwrap_or_default()
    }

    pub fn query(&self, place: usize) -> Result<Query> {
        Query::parse(&self.json(place))
    }

    /// Whether what `count` is given is a query, and not a range.
    pub fn is_query(&self, place: usize) -> bool {
        let only = ["keys", "where", "orderBy", "offset", "after", "select"];
        self.value(place).is_some_and(|value| only.iter().any(|field| value.get(field).is_some()))
    }

    /// The index on the path or the paths at `place`, with the options behind it.
    pub fn index(&self, place: usize) -> Result<IndexSpec> {
        let mut spec = self.value(place + 1).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        spec.insert("path".to_owned(), self.given(place).clone());
        IndexSpec::parse(&Value::Object(spec).to_string())
    }

    /// A number of seconds to live.
    pub fn ttl(&self, place: usize) -> Result<Duration> {
        ttl_from_seconds(self.given(place).as_f64().expect("a number of seconds"))
    }

    /// The option `ttl` in the options at `place`.
    pub fn ttl_option(&self, place: usize) -> Result<Option<Duration>> {
        let ttl = self.value(place).and_then(|options| options.get("ttl"));
        ttl.map(|seconds| ttl_from_seconds(seconds.as_f64().expect("a number of seconds"))).transpose()
    }

    /// The options of `set`, unless there is none but `ttl`.
    pub fn conditions(&self, place: usize) -> Result<Option<SetOptions>> {
        let field = |name: &str| self.value(place).and_then(|options| options.get(name));
        let is_set = |name: &str| field(name).is_some_and(|value| value.as_bool().expect("true or false"));
        let options = SetOptions {
            ttl: self.ttl_option(place)?,
            keep_ttl: is_set("keepTtl"),
            if_version: field("ifVersion").map(|version| version.as_u64().expect("a version")),
            if_absent: is_set("ifAbsent"),
        };
        Ok(Some(options).filter(|options| *options != SetOptions { ttl: options.ttl, ..SetOptions::default() }))
    }

    /// How `increment` adds.
    /// An end of a list.
    pub fn end(&self, place: usize) -> End {
        if self.text(place) == "left" { End::Left } else { End::Right }
    }

    /// An index in a list.
    pub fn index_in(&self, place: usize) -> i64 {
        self.given(place).as_i64().expect("an index")
    }

    /// All arguments from this one on.
    pub fn rest(&self, place: usize) -> &[Value] {
        &self.0[place..]
    }

    pub fn by(&self, place: usize) -> i64 {
        self.value(place).map_or(1, |by| by.as_i64().expect("an integer"))
    }
}

fn of_json<T: DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

/// A document as `getDocument` gives it.
pub fn versioned(document: Document) -> Result<Value> {
    let value: Value = document.parse()?;
    let expires = document.expires_at.map_or_else(none, |at| json!(at));
    Ok(json!({ "key": document.key, "document": value, "version": document.version, "expiresAt": expires }))
}

/// A row of a query.
pub fn row(document: &Document) -> Result<Value> {
    let value: Value = document.parse()?;
    Ok(json!({ "key": document.key, "value": value, "version": document.version }))
}

pub fn rows(documents: &[Document]) -> Result<Value> {
    documents.iter().map(row).collect()
}

pub fn page(page: &QueryPage) -> Result<Value> {
    let mut value = json!({ "rows": rows(&page.rows)? });
    if let Some(cursor) = &page.cursor {
        value["cursor"] = json!(cursor);
    }
    Ok(value)
}
