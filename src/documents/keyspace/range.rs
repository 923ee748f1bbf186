//! Ranges of keys.

use super::key::{CollectionId, MAX_KEY_LENGTH, STRING_KEY, successor};
use crate::documents::error::{Error, Result};
use crate::engine::KeyRange;
use serde::{Deserialize, Serialize};
use std::ops::Bound;

/// Which keys, in which order, and how many. The default is all of them, ascending.
///
/// Keys are ordered by their UTF-8 bytes. A bound need not be a key that exists. `prefix` and bounds may be
/// combined: what satisfies all of them is in the range. A range that contains nothing is legal.
///
/// ```
/// use ferrolite::Range;
///
/// let users = Range::prefix("user:").limit(10);
/// let newest_first = Range::all().gte("2024").lt("2025").reverse();
/// let from_json: Range = serde_json::from_str(r#"{"prefix": "user:", "limit": 10}"#).unwrap();
/// assert_eq!(users, from_json);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Range {
    /// Only keys above this one.
    pub gt: Option<String>,
    /// Only this key and those above.
    pub gte: Option<String>,
    /// Only keys below this one.
    pub lt: Option<String>,
    /// Only this key and those below.
    pub lte: Option<String>,
    /// Only keys that start with this.
    pub prefix: Option<String>,
    /// At most this many, counted in the order of the range.
    pub limit: Option<u64>,
    /// From the highest key down.
    pub reverse: bool,
}

impl Range {
    /// All keys.
    pub fn all() -> Self {
        Self::default()
    }

    /// The keys that start with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: Some(prefix.into()), ..Self::default() }
    }

    /// Only keys above `key`.
    pub fn gt(self, key: impl Into<String>) -> Self {
        Self { gt: Some(key.into()), ..self }
    }

    /// Only `key` and those above.
    pub fn gte(self, key: impl Into<String>) -> Self {
        Self { gte: Some(key.into()), ..self }
    }

    /// Only keys below `key`.
    pub fn lt(self, key: impl Into<String>) -> Self {
        Self { lt: Some(key.into()), ..self }
    }

    /// Only `key` and those below.
    pub fn lte(self, key: impl Into<String>) -> Self {
        Self { lte: Some(key.into()), ..self }
    }

    /// At most `count` documents.
    pub fn limit(self, count: u64) -> Self {
        Self { limit: Some(count), ..self }
    }

    /// From the highest key down.
    pub fn reverse(self) -> Self {
        Self { reverse: true, ..self }
    }

    /// The engine's range of documents of a collection; `None` when nothing can be in it.
    ///
    /// # Errors
    /// [`Error::InvalidRange`] when two bounds of one side are given, or a bound is longer than any key.
    pub(crate) fn document_keys(&self, collection: CollectionId) -> Result<Option<KeyRange>> {
        self.check()?;
        let document_key = |key: &str| collection.document_key(key);
        let all = [&collection.documents()[..], &[STRING_KEY]].concat();
        let start = match (&self.gt, &self.gte) {
            (Some(key), _) => Bound::Excluded(document_key(key)),
            (None, Some(key)) => Bound::Included(document_key(key)),
            (None, None) => Bound::Included(all.clone()),
        };
        let end = match (&self.lt, &self.lte) {
            (Some(key), _) => Bound::Excluded(document_key(key)),
            (None, Some(key)) => Bound::Included(document_key(key)),
            (None, None) => end_of(all),
        };
        let mut range = KeyRange { start, end };
        if let Some(prefix) = self.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
            let first = document_key(prefix);
            if bytes_of(&range.start).is_some_and(|start| *start < first) {
                range.start = Bound::Included(first.clone());
            }
            let last = end_of(first);
            if bytes_of(&range.end).zip(bytes_of(&last)).is_none_or(|(end, last)| end >= last) {
                range.end = last;
            }
        }
        Ok((self.limit != Some(0) && !is_empty(&range)).then_some(range))
    }

    /// True if `key` lies within the bounds.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.gt.as_deref().is_none_or(|bound| key > bound)
            && self.gte.as_deref().is_none_or(|bound| key >= bound)
            && self.lt.as_deref().is_none_or(|bound| key < bound)
            && self.lte.as_deref().is_none_or(|bound| key <= bound)
            && self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
    }

    /// Its bounds for people: those that it has, as JSON.
    pub(crate) fn told(&self) -> String {
        let bounds =
            [("gt", &self.gt), ("gte", &self.gte), ("lt", &self.lt), ("lte", &self.lte), ("prefix", &self.prefix)];
        let given = bounds.into_iter().filter_map(|(name, bound)| Some(format!("{name:?}:{:?}", bound.as_ref()?)));
        let given: Vec<_> = given.collect();
        if given.is_empty() { "all".to_owned() } else { format!("{{{}}}", given.join(",")) }
    }

    fn check(&self) -> Result<()> {
        if self.gt.is_some() && self.gte.is_some() {
            return Err(Error::invalid_range("it has both `gt` and `gte`; give one lower bound"));
        }
        if self.lt.is_some() && self.lte.is_some() {
            return Err(Error::invalid_range("it has both `lt` and `lte`; give one upper bound"));
        }
        let bounds = [("gt", &self.gt), ("gte", &self.gte), ("lt", &self.lt), ("lte", &self.lte)];
        for (name, bound) in bounds.into_iter().chain([("prefix", &self.prefix)]) {
            if bound.as_ref().is_some_and(|key| key.len() > MAX_KEY_LENGTH) {
                return Err(Error::invalid_range(format!("`{name}` is longer than {MAX_KEY_LENGTH} bytes")));
            }
        }
        Ok(())
    }
}

/// The end of all that starts with `prefix`.
pub(crate) fn end_of(prefix: Vec<u8>) -> Bound<Vec<u8>> {
    successor(prefix).map_or(Bound::Unbounded, Bound::Excluded)
}

/// True if no key can lie in `range`.
pub(crate) fn is_empty(range: &KeyRange) -> bool {
    match (&range.start, &range.end) {
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (Bound::Included(start) | Bound::Excluded(start), Bound::Included(end) | Bound::Excluded(end)) => start >= end,
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
    }
}

fn bytes_of(bound: &Bound<Vec<u8>>) -> Option<&Vec<u8>> {
    match bound {
        Bound::Included(key) | Bound::Excluded(key) => Some(key),
        Bound::Unbounded => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;
    use std::ops::RangeBounds;

    fn contains(range: &Range, key: &str) -> bool {
        let Some(keys) = range.document_keys(CollectionId::DEFAULT).unwrap() else {
            return false;
        };
        (keys.start, keys.end).contains(&CollectionId::DEFAULT.document_key(key))
    }

    #[test]
    fn bounds_and_prefix_all_hold() {
        let range = Range::prefix("b").gte("b2").lte("z");
        let found: Vec<_> =
            ["a", "b", "b1", "b2", "b9", "c", "z"].into_iter().filter(|key| contains(&range, key)).collect();
        assert_eq!(found, ["b2", "b9"]);
        assert!(contains(&Range::prefix("b").gt("a").lt("b2"), "b"));
        assert!(contains(&Range::prefix(""), "anything"));
        assert!(contains(&Range::prefix("\u{10ffff}"), "\u{10ffff}x"));
        assert!(!contains(&Range::all().gt("b"), "b"));
        assert!(!contains(&Range::all().lt("b"), "b"));
    }

    #[test]
    fn ranges_that_contain_nothing_are_seen() {
        let gone = |range: Range| range.document_keys(CollectionId::DEFAULT).unwrap().is_none();
        assert!(gone(Range::all().gte("b").lt("b")));
        assert!(gone(Range::all().gt("b").lte("b")));
        assert!(gone(Range::all().gt("c").lt("b")));
        assert!(gone(Range::prefix("a").gt("b")));
        assert!(gone(Range::prefix("c").lt("b")));
        assert!(gone(Range::all().limit(0)));
        assert!(!gone(Range::all().gte("b").lte("b")));
    }

    #[test]
    fn contradictions_are_errors() {
        for range in [
            Range::all().gt("a").gte("a"),
            Range::all().lt("a").lte("a"),
            Range::prefix("x".repeat(MAX_KEY_LENGTH + 1)),
            Range::all().lt("x".repeat(MAX_KEY_LENGTH + 1)),
        ] {
            assert_eq!(range.document_keys(CollectionId::DEFAULT).unwrap_err().code(), ErrorCode::InvalidRange);
        }
        assert!(serde_json::from_str::<Range>(r#"{"from": "a"}"#).is_err());
    }
}
