//! Paths to a value inside a document, as `address.city`.

use super::scanner::{Scanner, unescape};
use crate::documents::error::{Error, Result, abbreviate};
use std::fmt;

/// The longest path, in bytes.
pub const MAX_PATH_LENGTH: usize = 255;

/// Field names, from the outermost object in, joined by dots. Arrays are not entered, and a field whose name has a
/// dot in it cannot be reached.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(String);

/// Text that should have been JSON and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotJson;

impl Path {
    pub fn parse(text: &str) -> Result<Self> {
        let reason = if text.is_empty() {
            "it is empty; name a field, or fields joined by dots".to_owned()
        } else if text.len() > MAX_PATH_LENGTH {
            format!("it is longer than {MAX_PATH_LENGTH} bytes")
        } else if text.split('.').any(str::is_empty) {
            "a field name in it is empty; write it as `address.city`".to_owned()
        } else {
            return Ok(Self(text.to_owned()));
        };
        Err(Error::InvalidPath { path: abbreviate(text), reason })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text of the value at this path in a document's `text`; `None` when there is none. Of fields with one
    /// name the last one counts, as in JavaScript.
    pub fn value_in<'a>(&self, text: &'a str) -> std::result::Result<Option<&'a str>, NotJson> {
        let mut value = text;
        for field in self.0.split('.') {
            match field_in(value, field).ok_or(NotJson)? {
                Some(inner) => value = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The text of the value of `field` in the object `text`. The outer `None` says that `text` is not JSON.
fn field_in<'a>(text: &'a str, field: &str) -> Option<Option<&'a str>> {
    let mut scanner = Scanner::new(text);
    let mut found = None;
    if scanner.peek()? != b'{' {
        return Some(None);
    }
    scanner.take(b'{')?;
    while let Some(name) = scanner.member()? {
        let value = scanner.value()?;
        if name == field || (name.contains('\\') && *unescape(name)? == *field.as_bytes()) {
            found = Some(value);
        }
    }
    Some(found)
}

/// The result of a search in stored text.
pub(crate) type Scanned<T> = std::result::Result<T, NotJson>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    fn value<'a>(path: &str, text: &'a str) -> Option<&'a str> {
        Path::parse(path).unwrap().value_in(text).unwrap()
    }

    #[test]
    fn paths_lead_through_objects_only() {
        let text = r#"{"name": "alice", "address": {"city": "Oslo", "geo": {"lat": 59.9}}, "tags": ["a"], "0": null}"#;
        assert_eq!(value("name", text), Some(r#""alice""#));
        assert_eq!(value("address.city", text), Some(r#""Oslo""#));
        assert_eq!(value("address.geo.lat", text), Some("59.9"));
        assert_eq!(value("address.geo", text), Some(r#"{"lat": 59.9}"#));
        assert_eq!(value("tags", text), Some(r#"["a"]"#));
        assert_eq!(value("0", text), Some("null"));
        for path in ["tags.0", "name.length", "city", "address.zip", "address.city.x"] {
            assert_eq!(value(path, text), None, "{path}");
        }
        for text in ["1", "null", "[]", "\"name\"", "{}"] {
            assert_eq!(value("name", text), None, "{text}");
        }
    }

    #[test]
    fn the_last_of_equal_names_counts() {
        assert_eq!(value("a", r#"{"a": 1, "\u0061": 2}"#), Some("2"));
        assert_eq!(value("a.b", r#"{"a": {"b": 1}, "a": {}}"#), None);
    }

    #[test]
    fn names_are_compared_unescaped() {
        assert_eq!(value("ü", r#"{"\u00fc": 1}"#), Some("1"));
        assert_eq!(value("a", r#"{"\ud800": 1, "a": 2}"#), Some("2"));
    }

    #[test]
    fn the_longest_path_is_followed() {
        let depth = MAX_PATH_LENGTH / 2 + 1;
        let path = vec!["a"; depth].join(".");
        let text = format!("{}7{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
        assert_eq!(value(&path, &text), Some("7"));
    }

    #[test]
    fn bad_paths_are_refused() {
        for path in ["", ".", "a.", ".a", "a..b", &"a".repeat(MAX_PATH_LENGTH + 1)] {
            assert_eq!(Path::parse(path).unwrap_err().code(), ErrorCode::InvalidPath, "{path}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_told() {
        for text in ["", "{", "{\"a\" 1}", "{a: 1}"] {
            assert_eq!(Path::parse("a").unwrap().value_in(text), Err(NotJson), "{text}");
        }
    }
}
