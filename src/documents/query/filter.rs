//! Filters: conditions on documents.

use super::condition::Condition;
use super::filter_tree::Node;
use super::value_set::ValueSet;
use crate::documents::error::Result;
use crate::documents::json::path::Path;
use serde_json::Value;

/// The filter of a [`Query`](crate::Query): conditions on the values at paths, and all, any or none of several.
///
/// As JSON, a filter is an object. Each field is a path with its condition, and all must be met:
///
/// - A string, number, boolean, array or null: the value at the path equals it.
/// - An object of operators, which all must hold: `eq` and `ne` (equal or not), `gt`, `gte`, `lt`, `lte` (a range),
///   `between: [low, high]` (both included), `in` and `nin` (one of these values or none), `startsWith` (a string),
///   `exists` (true or false), `contains` (an array with an element equal to this), `not` (a value or operators).
///
/// An object with any other field is an error. To compare with an object, write `{"eq": {...}}`. To look at a field inside,
/// write its path: `address.city`.
///
/// Three names are no paths: `and` and `or` hold an array of filters, and `not` holds one. Names that begin with `$` are
/// errors. A path that begins with one dot more is always a path: `.not` is the field `not`, and `.$ref` the field `$ref`.
///
/// Values are ordered and compared as [`Condition`] describes, and a range finds only values of the type of its bounds. `ne`,
/// `nin`, `not` and `exists: false` are met by what the opposite is not met by: by values of every other type, and by
/// documents without a value at the path. A value that is nested more than 128 deep counts as none.
///
/// ```
/// use ferrolite::Filter;
///
/// let filter = Filter::parse(r#"{
///     "role": "admin",
///     "age": {"gte": 18, "lt": 65},
///     "or": [{"address.city": {"in": ["Oslo", "Bergen"]}}, {"tags": {"contains": "remote"}}],
///     "not": {"email": {"exists": false}}
/// }"#)?;
/// # Ok::<(), ferrolite::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    pub(super) node: Node,
}

impl Filter {
    /// The filter that this JSON text describes.
    ///
    /// # Errors
    /// `InvalidCondition`, which names the place; `InvalidPath`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(Self { node: super::filter_text::parse(text)? })
    }

    /// The filter that this JSON describes.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn from_json(json: &Value) -> Result<Self> {
        Self::parse(&json.to_string())
    }

    /// The value at `path` meets `condition`.
    ///
    /// # Errors
    /// `InvalidPath`.
    pub fn on(path: &str, condition: &Condition) -> Result<Self> {
        let set = ValueSet::range(condition.bounds());
        Ok(Self { node: Node::Value { path: Path::parse(path)?, set } })
    }

    /// Both are met.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { node: Node::all(vec![self.node, other.node]) }
    }

    /// One of them is met, or both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { node: Node::any(vec![self.node, other.node]) }
    }
}

/// Met by the documents that do not meet the filter.
impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self { node: self.node.negate() }
    }
}

impl Default for Filter {
    /// Met by every document.
    fn default() -> Self {
        Self { node: Node::All(Vec::new()) }
    }
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
