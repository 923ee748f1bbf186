//! Cutting a line of the REPL into words.
//!
//! A word ends at white space; one that starts as a JSON object, array or string ends where that ends, so
//! `SET user:1 {"name": "alice"}` has three words. A key with spaces is written as a JSON string.

use ferrolite::ErrorCode;
use ferrolite::wording::json_text;
use serde_json::value::RawValue;
use serde_json::{Deserializer, StreamDeserializer};

use crate::failure::Failure;

/// The words of `line`. Words that are JSON keep their text as it is.
pub fn words(line: &str) -> Result<Vec<String>, Failure> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let length = match rest.starts_with(['{', '[', '"']) {
            true => json_length(rest)?,
            false => rest.find(char::is_whitespace).unwrap_or(rest.len()),
        };
        let (word, behind) = rest.split_at(length);
        words.push(word.to_owned());
        rest = behind.trim_start();
    }
    Ok(words)
}

/// The key that a word stands for: a JSON string is unquoted.
pub fn key_of(word: &str) -> String {
    serde_json::from_str(word).unwrap_or_else(|_| word.to_owned())
}

/// How long the JSON value is that `text` starts with.
fn json_length(text: &str) -> Result<usize, Failure> {
    let mut values: StreamDeserializer<'_, _, &RawValue> = Deserializer::from_str(text).into_iter();
    match values.next() {
        Some(Ok(_)) => Ok(values.byte_offset()),
        Some(Err(error)) => {
            Err(Failure::input(ErrorCode::InvalidValue, format!("a word is not JSON: {}", json_text(text, &error))))
        }
        None => Ok(text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_one_word() {
        let line = r#"  SET "a key" {"name": "al ice", "tags": ["x y"]} --ttl 60 "#;
        let expected = ["SET", r#""a key""#, r#"{"name": "al ice", "tags": ["x y"]}"#, "--ttl", "60"];
        assert_eq!(words(line).unwrap(), expected);
        assert_eq!(words("").unwrap(), [""; 0]);
        assert_eq!(words("GET it's").unwrap(), ["GET", "it's"]);
    }

    #[test]
    fn broken_json_is_told() {
        for line in ["SET k {", "SET k {'a': 1}", r#"GET "open"#, "SET k [1,]"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_key_may_be_quoted() {
        assert_eq!(key_of(r#""a \"key\"""#), r#"a "key""#);
        assert_eq!(key_of("plain"), "plain");
        assert_eq!(key_of("12"), "12");
    }
}
