//! Ferrolite's own texts for errors of the libraries below it, so that messages have one voice on every host.

use std::io;

/// Characters that are quoted of a value.
const QUOTED_CHARS: usize = 48;

/// Texts for JSON that cannot be read, by the beginning of the parser's text.
const SYNTAX: [(&str, &str); 15] = [
    ("expected value", "no value begins"),
    ("expected ident", "a word is neither true, false nor null"),
    ("expected `:`", "a colon is missing"),
    ("expected `,` or `}`", "a comma or a closing brace is missing"),
    ("expected `,` or `]`", "a comma or a closing bracket is missing"),
    ("expected `\"`", "a quote is missing"),
    ("key must be a string", "the name of a field is not in double quotes"),
    ("trailing comma", "a comma stands before a closing bracket or brace"),
    ("trailing characters", "more text follows the value"),
    ("control character", "a control character in a string is not escaped"),
    ("invalid escape", "an unknown escape is in a string"),
    ("invalid number", "a number is incomplete"),
    ("number out of range", "a number is out of range"),
    ("recursion limit", "the value is nested too deeply"),
    ("invalid unicode", "an escape stands for no character"),
];

/// Returns why `text`, JSON in the caller's words, could not be read.
pub fn json_text(text: &str, error: &serde_json::Error) -> String {
    let place = match error.line() {
        0 => String::new(),
        line => format!(" at line {line}, column {}", error.column()),
    };
    let told = error.to_string();
    match error.classify() {
        serde_json::error::Category::Eof => "it ends before the value is complete".to_owned(),
        serde_json::error::Category::Data => data_text(&told, field_at(text, error).as_deref(), &place),
        _ => {
            let known = SYNTAX.iter().find(|(start, _)| told.starts_with(start));
            format!("{}{place}", known.map_or("the text is not JSON", |(_, own)| own))
        }
    }
}

/// The text for a value of the wrong shape. `field` has the value, at `place`.
fn data_text(told: &str, field: Option<&str>, place: &str) -> String {
    let told = told.rsplit_once(" at line ").map_or(told, |(told, _)| told);
    let subject = field.map_or("the value".to_owned(), |field| format!("`{field}`"));
    let place = if field.is_some() { "" } else { place };
    let mismatch = told.strip_prefix("invalid type: ").or_else(|| told.strip_prefix("invalid value: "));
    if let Some((found, wanted)) = mismatch.and_then(|told| told.rsplit_once(", expected ")) {
        return format!("{subject} must be {}, not {}{place}", wanted_text(wanted), found_text(found));
    }
    // A struct may be read from an array, too.
    if let Some((count, wanted)) = told.strip_prefix("invalid length ").and_then(|told| told.split_once(", expected "))
    {
        return format!("{subject} must be {}, not an array of length {count}{place}", wanted_text(wanted));
    }
    let names = |start: &str, what: &str| {
        let (name, others) = told.strip_prefix(start)?.split_once(", ")?;
        let others = others.strip_prefix("expected ").map(|names| names.trim_start_matches("one of "));
        Some(format!("unknown {what} {name}; use {}", others.unwrap_or("none")))
    };
    let missing = || told.strip_prefix("missing field ").map(|name| format!("the field {name} is missing{place}"));
    let duplicate = || told.strip_prefix("duplicate field ").map(|name| format!("the field {name} appears twice"));
    let known = names("unknown field ", "field").or_else(|| names("unknown variant ", "name"));
    // Everything else is a text of this crate's own, or of the caller's types.
    known.or_else(missing).or_else(duplicate).unwrap_or_else(|| told.to_owned())
}

/// The name of an expected shape.
fn wanted_text(wanted: &str) -> &str {
    match wanted {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or above",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a borrowed string" => "a string",
        "a sequence" => "an array",
        "a map" => "an object",
        "unit" => "null",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted if wanted.starts_with("tuple ") => "an array",
        wanted => wanted,
    }
}

/// A value that was found, as JSON where it is short.
fn found_text(found: &str) -> String {
    let text = match found.split_once(' ') {
        _ if found == "map" => "an object",
        _ if found == "sequence" => "an array",
        _ if found.starts_with("unit") => "null",
        Some(("string" | "integer" | "boolean", value)) => value.trim_matches('`'),
        Some(("floating", value)) => value.trim_start_matches("point ").trim_matches('`'),
        _ => found,
    };
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((cut, _)) => format!("{}…", text.get(..cut).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// The innermost field of `text` that has the place of `error`.
fn field_at(text: &str, error: &serde_json::Error) -> Option<String> {
    let line_start: usize = text.split_inclusive('\n').take(error.line().checked_sub(1)?).map(str::len).sum();
    let before = text.as_bytes().get(..(line_start + error.column()).min(text.len()))?;
    // The field that is being read of each open object; arrays have none.
    let mut open: Vec<Option<&str>> = Vec::new();
    let (mut at, mut string) = (0, None);
    while let Some(byte) = before.get(at) {
        match byte {
            b'"' => {
                let start = at + 1;
                at = start;
                while before.get(at).is_some_and(|byte| *byte != b'"') {
                    at += if before.get(at) == Some(&b'\\') { 2 } else { 1 };
                }
                string = text.get(start..at);
            }
            b'{' | b'[' => open.push(None),
            b'}' | b']' => drop(open.pop()),
            b':' => open.last_mut().into_iter().for_each(|field| *field = string),
            b',' => {}
            _ => {}
        }
        at += 1;
    }
    open.into_iter().rev().flatten().next().map(str::to_owned)
}

/// Returns what the host reports in `error`.
pub fn host_text(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let text = match error.kind() {
        Kind::NotFound => "there is no such file or directory",
        Kind::PermissionDenied => "the host does not allow it",
        Kind::ReadOnlyFilesystem => "the file system is read-only",
        Kind::IsADirectory => "it is a directory, not a file",
        Kind::NotADirectory => "a part of its path is not a directory",
        Kind::AlreadyExists => "it exists already",
        Kind::StorageFull => "no space is left on the device",
        Kind::QuotaExceeded => "the quota is used up",
        Kind::FileTooLarge => "the file system takes no file of this size",
        Kind::InvalidFilename => "the host does not take this name",
        Kind::BrokenPipe => "the other end has closed the pipe",
        Kind::ResourceBusy | Kind::ExecutableFileBusy => "it is in use",
        Kind::CrossesDevices => "it is on another device",
        Kind::NotSeekable => "it is a pipe, not a file",
        Kind::Unsupported => "the host has no such operation",
        Kind::TimedOut => "the host took too long",
        Kind::OutOfMemory => "the host has no memory left",
        Kind::UnexpectedEof => "it ends too early",
        Kind::InvalidData => "it is not UTF-8",
        _ => return other_host_text(error),
    };
    text.to_owned()
}

fn other_host_text(error: &io::Error) -> String {
    /// WASI's error for a path outside of the granted directories.
    const WASI_ERRNO_NOTCAPABLE: i32 = 76;
    /// WASI's error for reading a directory.
    const WASI_ERRNO_BADF: i32 = 8;
    match error.raw_os_error() {
        Some(WASI_ERRNO_BADF) if cfg!(target_os = "wasi") => "it is not a file that can be read or written".to_owned(),
        Some(WASI_ERRNO_NOTCAPABLE) if cfg!(target_os = "wasi") => {
            "it is outside of the granted directories (wasmtime run --dir DIRECTORY)".to_owned()
        }
        Some(number) => format!("the host reports error {number}"),
        // The reader or writer is the caller's, and so is its text.
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    #[expect(dead_code, reason = "only reading it is tested")]
    struct Sample {
        limit: Option<u64>,
        by: Option<i32>,
        names: Option<Vec<String>>,
        inner: Option<Box<Sample>>,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Left,
        Right,
    }

    fn told(text: &str) -> String {
        json_text(text, &serde_json::from_str::<Sample>(text).unwrap_err())
    }

    #[test]
    fn values_of_the_wrong_shape_are_named_by_their_field() {
        for (text, expected) in [
            (r#"{"limit":"x"}"#, r#"`limit` must be a whole number, 0 or above, not "x""#),
            (r#"{"names":["a"],"limit":-1}"#, "`limit` must be a whole number, 0 or above, not -1"),
            (r#"{"limit":1.5}"#, "`limit` must be a whole number, 0 or above, not 1.5"),
            (r#"{"by":{}}"#, "`by` must be a whole number, not an object"),
            (r#"{"names":"a"}"#, r#"`names` must be an array, not "a""#),
            (r#"{"names":["a",7]}"#, "`names` must be a string, not 7"),
            (r#"{"names":["\"}",true]}"#, "`names` must be a string, not true"),
            (r#"{"inner":{"limit":1},"by":null,"names":[null]}"#, "`names` must be a string, not null"),
            (r#"{"inner":{"limit":[]}}"#, "`limit` must be a whole number, 0 or above, not an array"),
            ("[5]", "the value must be an object, not an array of length 1 at line 1, column "),
            ("7", "the value must be an object, not 7 at line 1, column 1"),
            (r#"{"x":1}"#, "unknown field `x`; use `limit`, `by`, `names`, `inner`, `kind`"),
            (r#"{"kind":"up"}"#, "unknown name `up`; use `left` or `right`"),
            (r#"{"by":1,"by":2}"#, "the field `by` appears twice"),
        ] {
            assert!(told(text).starts_with(expected), "{text}: {}", told(text));
        }
        let missing = serde_json::from_str::<(u8, [u8; 1])>("[1]").unwrap_err();
        assert!(!json_text("[1]", &missing).contains("line 1 column"));
    }

    #[test]
    fn text_that_is_not_json_has_its_place() {
        for (text, expected) in [
            ("", "it ends before the value is complete"),
            (r#"{"limit""#, "it ends before the value is complete"),
            ("\n  {\"limit\":}", "no value begins at line 2, column 12"),
            (r#"{"limit":1,}"#, "a comma stands before a closing bracket or brace at line 1, column 12"),
            (r#"{"limit":1} x"#, "more text follows the value at line 1, column 13"),
            (r#"{limit:1}"#, "the name of a field is not in double quotes at line 1, column 2"),
            (r#"{"limit":nul1}"#, "a word is neither true, false nor null at line 1, column 13"),
            (r#"{"limit" 1}"#, "a colon is missing at line 1, column 10"),
            (r#"{"limit":1 "by":2}"#, "a comma or a closing brace is missing at line 1, column 12"),
            (r#"{"names":["a" "b"]}"#, "a comma or a closing bracket is missing at line 1, column 15"),
            ("{\"names\":[\"\u{1}\"]}", "a control character in a string is not escaped at line 1, column "),
            (r#"{"names":["\x"]}"#, "an unknown escape is in a string at line 1, column "),
            (r#"{"limit":01}"#, "a number is incomplete at line 1, column "),
        ] {
            assert!(told(text).starts_with(expected), "{text}: {}", told(text));
        }
    }

    #[test]
    fn the_host_speaks_plainly() {
        let text = host_text(&io::Error::from(io::ErrorKind::NotFound));
        assert_eq!(text, "there is no such file or directory");
        assert_eq!(host_text(&io::Error::from_raw_os_error(9_999)), "the host reports error 9999");
        assert_eq!(host_text(&io::Error::other("the caller's own text")), "the caller's own text");
    }
}
