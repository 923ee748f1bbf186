//! JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7396), on text: what a patch does not touch is kept to the letter.

use super::edit::{Name, Node};
use super::ordering::{DEPTH_MAX, encode_exact};
use super::path::NotJson;
use super::text::MAX_DOCUMENT_LENGTH;
use crate::documents::error::{Error, Result, abbreviate};
use crate::wording::json_text;
use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

/// A patch may copy this many times the bytes of the document and of itself, ...
const COPIED_PART: usize = 64;
/// ... or this many, and not more than a document may have: copies of copies grow without end.
const COPIED_MIN: usize = 1 << 20;
/// The depth to which moves may nest a document.
const OPENED_MAX: usize = 4 * DEPTH_MAX;

/// Field names and indexes, from the outermost in: a JSON Pointer (RFC 6901).
struct Pointer(Vec<String>);

/// A patch that was read.
pub(crate) struct Patch {
    operations: Vec<Operation>,
    /// Bytes of its text.
    length: usize,
}

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

/// Distinguishes a value that is null from a missing value.
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
        let fields: Vec<Fields> = serde_json::from_str(text).map_err(|error| invalid(json_text(text, &error)))?;
        let operations = fields.into_iter().map(Operation::new).collect::<Result<_>>()?;
        Ok(Self { operations, length: text.len() })
    }

    /// The document that comes of `text`: of all operations, or of none.
    ///
    /// # Errors
    /// `Conflict` when an operation cannot be done or a test fails. `TooLarge` when the patch copies too much.
    pub fn apply(&self, text: &str) -> Result<String> {
        let limit = (text.len() + self.length).saturating_mul(COPIED_PART).clamp(COPIED_MIN, MAX_DOCUMENT_LENGTH);
        let mut work = Work { document: Node::new(text), left: limit, limit };
        for (index, operation) in self.operations.iter().enumerate() {
            operation.apply(&mut work).map_err(|refusal| match refusal {
                Refusal::Impossible(reason) => {
                    Error::Conflict { reason: format!("operation {index} of the patch: {reason}") }
                }
                Refusal::TooLarge { size, limit } => {
                    let what = format!("what the patch copies, up to operation {index},");
                    Error::TooLarge { what, size: size as u64, limit: limit as u64 }
                }
            })?;
        }
        Ok(work.document.to_text())
    }
}

/// A document that is being patched.
struct Work<'a> {
    document: Node<'a>,
    /// Bytes that may still be copied.
    left: usize,
    limit: usize,
}

/// Why an operation is not done.
#[derive(Debug)]
enum Refusal {
    Impossible(String),
    TooLarge { size: usize, limit: usize },
}

type Outcome<T> = std::result::Result<T, Refusal>;

fn impossible(reason: impl Into<String>) -> Refusal {
    Refusal::Impossible(reason.into())
}

impl From<NotJson> for Refusal {
    fn from(_: NotJson) -> Self {
        impossible("the document is not JSON")
    }
}

impl<'a> Work<'a> {
    /// Accounts for bytes that are copied, or read without need.
    fn spend(&mut self, bytes: usize) -> Outcome<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Refusal::TooLarge { size: self.limit - self.left + bytes, limit: self.limit }),
        }
    }

    /// The value at `path`, in which `height` levels will be opened.
    fn find(&mut self, path: &[String], height: usize) -> Outcome<&mut Node<'a>> {
        let total = path.len() + height;
        if total > OPENED_MAX {
            return Err(impossible(format!(
                "the document would be nested deeper than {OPENED_MAX} at {}",
                shown(path)
            )));
        }
        let mut node = &mut self.document;
        for (depth, token) in path.iter().enumerate() {
            let opened = node.open()?;
            opened.raise(total - depth);
            node = match opened {
                Node::Object(fields) => fields.get_mut(token.as_bytes()),
                Node::Array(elements) => index(token).and_then(|index| elements.get_mut(index)),
                Node::Text(_) => None,
            }
            .ok_or_else(|| impossible(format!("there is nothing at {}", shown(path))))?;
        }
        Ok(node)
    }

    fn add(&mut self, path: &'a Pointer, value: Node<'a>) -> Outcome<()> {
        let Some((last, parent)) = path.0.split_last() else {
            self.document = value;
            return Ok(());
        };
        let nowhere = || impossible(format!("nothing can be added at {}", shown(&path.0)));
        let height = value.height() + 1;
        let node = self.find(parent, height)?.open()?;
        node.raise(height);
        match node {
            Node::Object(fields) => fields.set(Name::new(last), value),
            Node::Array(elements) => {
                let at = if last == "-" { elements.count() } else { index(last).ok_or_else(nowhere)? };
                if at > elements.count() {
                    return Err(nowhere());
                }
                elements.insert(at, value);
            }
            Node::Text(_) => return Err(nowhere()),
        }
        Ok(())
    }

    fn remove(&mut self, path: &Pointer) -> Outcome<Node<'a>> {
        let nothing = || impossible(format!("there is nothing at {}", shown(&path.0)));
        let Some((last, parent)) = path.0.split_last() else {
            // A document is a value: without one it is null.
            return Ok(std::mem::replace(&mut self.document, Node::new("null")));
        };
        match self.find(parent, 1)?.open()? {
            Node::Object(fields) => fields.remove(last.as_bytes()).ok_or_else(nothing),
            Node::Array(elements) => index(last).and_then(|at| elements.remove(at)).ok_or_else(nothing),
            Node::Text(_) => Err(nothing()),
        }
    }

    fn copy(&mut self, from: &Pointer) -> Outcome<Node<'a>> {
        let copied = self.find(&from.0, 0)?.copied();
        self.spend(copied.as_str().len())?;
        Ok(Node::Text(copied))
    }

    fn test(&mut self, path: &'a Pointer, value: &'a str) -> Outcome<()> {
        let mut spent = 0;
        let found = self.find(&path.0, 0)?;
        let is_equal = is_equal(found, &mut Node::new(value), DEPTH_MAX, &mut spent)?;
        let height = found.height();
        // The levels around know now what was opened.
        self.find(&path.0, height)?;
        self.spend(spent)?;
        if is_equal { Ok(()) } else { Err(impossible(format!("what is at {} is another value", shown(&path.0)))) }
    }
}

/// True if two values are equal. Costs about the length of `wanted`, once `found` is opened; `spent` counts what is more.
fn is_equal(found: &mut Node<'_>, wanted: &mut Node<'_>, depth: usize, spent: &mut usize) -> Outcome<bool> {
    let kinds = (found.first_byte(), wanted.first_byte());
    if !matches!(kinds, (Some(b'{'), Some(b'{')) | (Some(b'['), Some(b'['))) {
        return is_equal_leaf(found, wanted, spent);
    }
    if depth == 0 {
        return Err(impossible(format!("what is compared is nested deeper than {DEPTH_MAX}")));
    }
    let mut height = 0;
    let mut is_same = |found: &mut Node<'_>, wanted: &mut Node<'_>| {
        let is_same = is_equal(found, wanted, depth - 1, spent);
        height = height.max(found.height());
        is_same
    };
    let outcome = match (found.open()?, wanted.open()?) {
        (Node::Object(found), Node::Object(wanted)) if found.count() == wanted.count() => {
            all(wanted.iter_mut(), |(name, wanted)| match found.get_mut(name.bytes()) {
                Some(found) => is_same(found, wanted),
                None => Ok(false),
            })
        }
        (Node::Array(found), Node::Array(wanted)) if found.count() == wanted.count() => {
            all(found.iter_mut().zip(wanted.iter_mut()), |(found, wanted)| is_same(found, wanted))
        }
        _ => Ok(false),
    };
    found.raise(height + 1);
    outcome
}

/// True if all items pass; stops at the first that does not.
fn all<T>(items: impl IntoIterator<Item = T>, mut passes: impl FnMut(T) -> Outcome<bool>) -> Outcome<bool> {
    for item in items {
        if !passes(item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Compares two values of which at least one is neither an object nor an array.
fn is_equal_leaf(found: &Node<'_>, wanted: &Node<'_>, spent: &mut usize) -> Outcome<bool> {
    let (Node::Text(found), Node::Text(wanted)) = (found, wanted) else { return Ok(false) };
    let (found, wanted) = (found.as_str(), wanted.as_str());
    if found == wanted {
        return Ok(true);
    }
    let is_nested = |text: &str| text.starts_with(['{', '[']);
    if is_nested(found) || is_nested(wanted) {
        return Ok(false);
    }
    *spent += found.len().saturating_sub(wanted.len());
    match (encode_exact(found), encode_exact(wanted)) {
        (Ok(found), Ok(wanted)) => Ok(found == wanted),
        _ => Err(NotJson.into()),
    }
}

/// A path as messages name it.
fn shown(path: &[String]) -> String {
    let path: String = path.iter().map(|token| format!("/{}", token.replace('~', "~0").replace('/', "~1"))).collect();
    abbreviate(&path)
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
                    return Err(invalid(format!("{} cannot be moved into itself", shown(&from.0))));
                }
                Self::Move { from, path }
            }
            op => return Err(invalid(format!("there is no operation {op:?}"))),
        })
    }

    fn apply<'a>(&'a self, work: &mut Work<'a>) -> Outcome<()> {
        match self {
            Self::Add { path, value } => work.add(path, Node::new(value)),
            Self::Remove { path } => work.remove(path).map(drop),
            Self::Replace { path, value } => {
                *work.find(&path.0, 0)? = Node::new(value);
                Ok(())
            }
            Self::Move { from, path } => {
                let moved = work.remove(from)?;
                work.add(path, moved)
            }
            Self::Copy { from, path } => {
                let copied = work.copy(from)?;
                work.add(path, copied)
            }
            Self::Test { path, value } => work.test(path, value),
        }
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
pub(crate) fn merge(text: &str, patch: &str) -> Result<String> {
    let (mut document, mut patch) = (Node::new(text), Node::new(patch));
    merge_into(&mut document, &mut patch, DEPTH_MAX)?;
    Ok(document.to_text())
}

fn merge_into<'a>(target: &mut Node<'a>, patch: &mut Node<'a>, depth: usize) -> Result<()> {
    let not_json = |_| invalid("it is not JSON");
    if patch.first_byte() != Some(b'{') {
        *target = patch.clone();
        return Ok(());
    }
    let Node::Object(changes) = patch.open().map_err(not_json)? else { return Err(invalid("it is not JSON")) };
    if depth == 0 {
        return Err(invalid(format!("it is nested deeper than {DEPTH_MAX}")));
    }
    let fields = target.open_object().map_err(not_json)?;
    for (name, change) in changes.iter_mut() {
        if std::str::from_utf8(name.bytes()).is_err() {
            return Err(invalid("the name of a field is not Unicode"));
        }
        if matches!(change, Node::Text(text) if text.as_str() == "null") {
            fields.remove(name.bytes());
            continue;
        }
        match fields.get_mut(name.bytes()) {
            Some(value) => merge_into(value, change, depth - 1)?,
            None => {
                let mut value = Node::new("null");
                merge_into(&mut value, change, depth - 1)?;
                fields.set(name.clone(), value);
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
    use crate::documents::error_code::ErrorCode;

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
