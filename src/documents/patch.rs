//! JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396), on text: what a patch does not touch is kept to the letter.

use super::error::{Error, Result, shorten};
use super::json_edit::{Name, Node, field, remove_field, set_field};
use super::ordering::{DEPTH_MAX, encode};
use super::path::NotJson;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

/// Field names and indexes, from the outermost in: a JSON Pointer (RFC 6901).
struct Pointer(Vec<String>);

/// A patch that was read.
pub(super) struct Patch(Vec<Operation>);

enum Operation {
    Add { path: Pointer, value: String },
    Remove { path: Pointer },
    Replace { path: Pointer, value: String },
    Move { from: Pointer, path: Pointer },
    Copy { from: Pointer, path: Pointer },
    Test { path: Pointer, value: String },
}

#[derive(Deserialize)]
struct Fields {
    op: String,
    path: String,
    from: Option<String>,
    #[serde(default, deserialize_with = "present")]
    value: Option<Box<RawValue>>,
}

/// Tells a value that is null from none.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Pointer {
    fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let Some(rest) = text.strip_prefix('/') else {
            return Err(invalid(format!("the path {text:?} does not begin with a slash")));
        };
        let tokens = rest.split('/').map(unescape_token).collect::<Option<Vec<_>>>();
        let tokens =
            tokens.ok_or_else(|| invalid(format!("in the path {text:?} a ~ is followed by neither 0 nor 1")))?;
        if tokens.len() > DEPTH_MAX {
            return Err(invalid(format!("a path goes deeper than {DEPTH_MAX}")));
        }
        Ok(Self(tokens))
    }

    fn is_inside(&self, other: &Self) -> bool {
        self.0.len() > other.0.len() && self.0.starts_with(&other.0)
    }
}

impl std::fmt::Display for Pointer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

fn unescape_token(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut out = parts.next()?.to_owned();
    for part in parts {
        let (escaped, rest) = part.split_at_checked(1)?;
        out.push(match escaped {
            "0" => '~',
            "1" => '/',
            _ => return None,
        });
        out.push_str(rest);
    }
    Some(out)
}

impl Patch {
    /// Reads a patch: a JSON array of operations.
    ///
    /// # Errors
    /// `InvalidPatch`.
    pub fn parse(text: &str) -> Result<Self> {
        let fields: Vec<Fields> = serde_json::from_str(text).map_err(|error| invalid(shorten(error)))?;
        fields.into_iter().map(Operation::new).collect::<Result<_>>().map(Self)
    }

    /// The document that comes of `text`: of all operations, or of none.
    ///
    /// # Errors
    /// `Conflict` when an operation cannot be done or a test fails.
    pub fn apply(&self, text: &str) -> Result<String> {
        let mut document = Node::new(text);
        for (index, operation) in self.0.iter().enumerate() {
            let outcome = operation.apply(&mut document);
            outcome
                .map_err(|reason| Error::Conflict { reason: format!("operation {index} of the patch: {reason}") })?;
        }
        Ok(document.to_text())
    }
}

/// Why an operation cannot be done.
type Outcome<T> = std::result::Result<T, String>;

impl From<NotJson> for String {
    fn from(_: NotJson) -> Self {
        "the document is not JSON".to_owned()
    }
}

impl Operation {
    fn new(fields: Fields) -> Result<Self> {
        let path = Pointer::parse(&fields.path)?;
        let value = fields.value.map(|value| value.get().to_owned());
        let value = || value.ok_or_else(|| invalid(format!("{:?} has no value", fields.op)));
        let from = || match &fields.from {
            Some(from) => Pointer::parse(from),
            None => Err(invalid(format!("{:?} has no from", fields.op))),
        };
        Ok(match fields.op.as_str() {
            "add" => Self::Add { path, value: value()? },
            "remove" => Self::Remove { path },
            "replace" => Self::Replace { path, value: value()? },
            "copy" => Self::Copy { from: from()?, path },
            "test" => Self::Test { path, value: value()? },
            "move" => {
                let from = from()?;
                if path.is_inside(&from) {
                    return Err(invalid(format!("{from} cannot be moved into itself")));
                }
                Self::Move { from, path }
            }
            op => return Err(invalid(format!("there is no operation {op:?}"))),
        })
    }

    fn apply<'a>(&'a self, document: &mut Node<'a>) -> Outcome<()> {
        match self {
            Self::Add { path, value } => add(document, path, Node::new(value)),
            Self::Remove { path } => remove(document, path).map(drop),
            Self::Replace { path, value } => {
                *find(document, path)? = Node::new(value);
                Ok(())
            }
            Self::Move { from, path } => {
                let moved = remove(document, from)?;
                add(document, path, moved)
            }
            Self::Copy { from, path } => {
                let copied = find(document, from)?.clone();
                add(document, path, copied)
            }
            Self::Test { path, value } => {
                let found = find(document, path)?.to_text();
                let (found, wanted) = (encode(&found), encode(value));
                match (found, wanted) {
                    (Ok(found), Ok(wanted)) if found == wanted => Ok(()),
                    (Ok(_), Ok(_)) => Err(format!("what is at {path:?} is another value", path = path.to_string())),
                    _ => Err(format!("what is compared is nested deeper than {DEPTH_MAX}")),
                }
            }
        }
    }
}

/// The value at `path`.
fn find<'n, 'a>(document: &'n mut Node<'a>, path: &Pointer) -> Outcome<&'n mut Node<'a>> {
    let mut node = document;
    for token in &path.0 {
        node = match node.open()? {
            Node::Object(fields) => field(fields, token),
            Node::Array(elements) => index(token).and_then(|index| elements.get_mut(index)),
            Node::Text(_) => None,
        }
        .ok_or_else(|| format!("there is nothing at {:?}", path.to_string()))?;
    }
    Ok(node)
}

fn add<'a>(document: &mut Node<'a>, path: &Pointer, value: Node<'a>) -> Outcome<()> {
    let Some((last, parent)) = path.0.split_last() else {
        *document = value;
        return Ok(());
    };
    let nowhere = || format!("nothing can be added at {:?}", path.to_string());
    match find(document, &Pointer(parent.to_vec()))?.open()? {
        Node::Object(fields) => set_field(fields, Name::new(last), value),
        Node::Array(elements) => {
            let at = if last == "-" { elements.len() } else { index(last).ok_or_else(nowhere)? };
            if at > elements.len() {
                return Err(nowhere());
            }
            elements.insert(at, value);
        }
        Node::Text(_) => return Err(nowhere()),
    }
    Ok(())
}

fn remove<'a>(document: &mut Node<'a>, path: &Pointer) -> Outcome<Node<'a>> {
    let nothing = || format!("there is nothing at {:?}", path.to_string());
    let Some((last, parent)) = path.0.split_last() else {
        // A document is a value: without one it is null.
        return Ok(std::mem::replace(document, Node::new("null")));
    };
    match find(document, &Pointer(parent.to_vec()))?.open()? {
        Node::Object(fields) => remove_field(fields, last).ok_or_else(nothing),
        Node::Array(elements) => {
            let at = index(last).filter(|&at| at < elements.len()).ok_or_else(nothing)?;
            Ok(elements.remove(at))
        }
        Node::Text(_) => Err(nothing()),
    }
}

/// An index of an array: digits without leading zeros.
fn index(token: &str) -> Option<usize> {
    let is_index = token == "0" || (!token.starts_with('0') && token.bytes().all(|byte| byte.is_ascii_digit()));
    token.parse().ok().filter(|_| is_index)
}

/// The document that comes of `text` and the merge patch `patch`, which was checked to be JSON.
///
/// # Errors
/// `InvalidPatch` when it is nested too deep.
pub(super) fn merge(text: &str, patch: &str) -> Result<String> {
    let (mut document, mut patch) = (Node::new(text), Node::new(patch));
    merge_into(&mut document, &mut patch, DEPTH_MAX)?;
    Ok(document.to_text())
}

fn merge_into<'a>(target: &mut Node<'a>, patch: &mut Node<'a>, depth: usize) -> Result<()> {
    let not_json = |_| invalid("it is not JSON");
    let Node::Object(changes) = patch.open().map_err(not_json)? else {
        *target = patch.clone();
        return Ok(());
    };
    if depth == 0 {
        return Err(invalid(format!("it is nested deeper than {DEPTH_MAX}")));
    }
    let fields = target.open_object().map_err(not_json)?;
    for (name, change) in changes {
        let Some(text) = name.as_str().map(str::to_owned) else {
            return Err(invalid("the name of a field is not Unicode"));
        };
        if matches!(change, Node::Text(text) if text.trim() == "null") {
            remove_field(fields, &text);
            continue;
        }
        match field(fields, &text) {
            Some(value) => merge_into(value, change, depth - 1)?,
            None => {
                let mut value = Node::new("null");
                merge_into(&mut value, change, depth - 1)?;
                set_field(fields, name.clone(), value);
            }
        }
    }
    Ok(())
}

fn invalid(reason: impl Into<String>) -> Error {
    Error::InvalidPatch { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::ErrorCode;

    fn patched(text: &str, patch: &str) -> Result<String> {
        Patch::parse(patch)?.apply(text)
    }

    #[test]
    fn numbers_and_white_space_that_are_not_touched_stay() {
        let text = r#"{"id": 12345678901234567890123, "price": 1.10, "tags": [ "a" , "b" ]}"#;
        let patch = r#"[{"op":"replace","path":"/price","value":2.50},{"op":"add","path":"/tags/1","value":"c"}]"#;
        let expected = r#"{"id":12345678901234567890123,"price":2.50,"tags":["a","c","b"]}"#;
        assert_eq!(patched(text, patch).unwrap(), expected);
        let merged = merge(text, r#"{"tags": null, "note": {"x": null, "y": 1.0}}"#).unwrap();
        assert_eq!(merged, r#"{"id":12345678901234567890123,"price":1.10,"note":{"y":1.0}}"#);
    }

    #[test]
    fn a_patch_is_done_as_a_whole_or_not_at_all() {
        let patch = r#"[{"op":"add","path":"/b","value":2},{"op":"test","path":"/a","value":9}]"#;
        assert_eq!(patched(r#"{"a":1}"#, patch).unwrap_err().code(), ErrorCode::Conflict);
    }

    #[test]
    fn tests_compare_values() {
        let test = |value: &str| format!(r#"[{{"op":"test","path":"","value":{value}}}]"#);
        let text = r#"{"a": 1.0, "b": ["\u0041"]}"#;
        assert!(patched(text, &test(r#"{"b":["A"],"a":1}"#)).is_ok());
        assert!(patched(text, &test(r#"{"b":["A"],"a":"1"}"#)).is_err());
        assert!(patched("18446744073709551615", &test("18446744073709551614")).is_err());
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        let deep = "/a".repeat(DEPTH_MAX + 1);
        for patch in [
            "{}",
            "[1]",
            "nope",
            r#"[{"op":"add","path":"/a"}]"#,
            r#"[{"op":"spam","path":"/a","value":1}]"#,
            r#"[{"path":"/a","value":1}]"#,
            r#"[{"op":"add","value":1}]"#,
            r#"[{"op":"add","path":"a","value":1}]"#,
            r#"[{"op":"add","path":"/~2","value":1}]"#,
            r#"[{"op":"add","path":"/~","value":1}]"#,
            r#"[{"op":"move","path":"/a"}]"#,
            r#"[{"op":"move","from":"/a","path":"/a/b"}]"#,
            &format!(r#"[{{"op":"remove","path":"{deep}"}}]"#),
        ] {
            assert_eq!(patched("{}", patch).unwrap_err().code(), ErrorCode::InvalidPatch, "{patch}");
        }
        let deep = format!("{}1{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert_eq!(merge("{}", &deep).unwrap_err().code(), ErrorCode::InvalidPatch);
    }

    /// The examples of RFC 7396, appendix A.
    #[test]
    fn merges_as_the_standard_says() {
        for (text, patch, expected) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"a":"foo"}"#, "null", "null"),
            (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            assert_eq!(merge(text, patch).unwrap(), expected, "{text} {patch}");
        }
    }
}
