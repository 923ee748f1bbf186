//! JSON in and out: the database stores the text it is given.

use crate::documents::error::{Error, Result};
use crate::wording::json_text;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny};

/// The longest document, in bytes of JSON text: 64 MiB with the byte for its kind.
pub const MAX_DOCUMENT_LENGTH: usize = (64 << 20) - 1;

/// Checks that `text` is one JSON value and not too long, to become the document at `key`.
///
/// Nesting may be as deep as the text is long: nothing here or in storing recurses.
pub(crate) fn check_document(key: &str, text: &str) -> Result<()> {
    check_length(text.len())?;
    check_text(text).map_err(|reason| Error::invalid_document(key, format!("it is not JSON: {reason}")))
}

/// Checks that `text` is one JSON value and nothing else. The error is the reason, for a message.
pub(crate) fn check_text(text: &str) -> std::result::Result<(), String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = deserializer.deserialize_ignored_any(IgnoredAny).and_then(|_| deserializer.end());
    read.map_err(|error| json_text(text, &error))
}

/// Checks the length of a document's text.
pub(crate) fn check_length(length: usize) -> Result<()> {
    if length > MAX_DOCUMENT_LENGTH {
        let (size, limit) = (length as u64, MAX_DOCUMENT_LENGTH as u64);
        return Err(Error::TooLarge { what: "the document".to_owned(), size, limit });
    }
    Ok(())
}

/// The error for a stored document that cannot have been written by this layer.
pub(crate) fn damaged(key: &str, reason: impl std::fmt::Display) -> Error {
    let at = format!("key {}: {reason}", crate::documents::error::abbreviate(key));
    Error::Corrupt { what: "a document".to_owned(), at }
}

/// Parses the document at `key` into the caller's type.
pub(crate) fn parse<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        let subject =
            format!("the document {} does not fit the type it is read as", crate::documents::error::abbreviate(key));
        Error::InvalidValue { subject, reason: crate::documents::error::shorten(json_text(text, &error)) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    #[test]
    fn one_json_value_is_a_document() {
        for text in ["null", " [1, 2]\n", "-0.5e-7", r#""\ud800""#, r#"{"a": {"a": []}}"#, "1e999"] {
            check_document("k", text).unwrap();
        }
        for text in
            ["", " ", "nul", "1 2", "{} x", "[1,]", "{'a': 1}", "NaN", "01", "\"\u{1}\"", r#""\x""#, "undefined"]
        {
            assert_eq!(check_document("k", text).unwrap_err().code(), ErrorCode::InvalidValue, "{text}");
        }
    }

    #[test]
    fn depth_has_no_limit() {
        let depth = 200_000;
        check_document("k", &format!("{}{}", "[".repeat(depth), "]".repeat(depth))).unwrap();
        check_document("k", &format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth))).unwrap();
    }

    #[test]
    fn length_has_a_limit() {
        check_length(MAX_DOCUMENT_LENGTH).unwrap();
        assert_eq!(check_length(MAX_DOCUMENT_LENGTH + 1).unwrap_err().code(), ErrorCode::TooLarge);
    }
}
