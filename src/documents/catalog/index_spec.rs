//! The paths and the properties of an index.

use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::json::path::Path;
use crate::wording::json_text;
use serde::Deserialize;
use serde_json::Value;

/// The most paths that one index is on.
pub const MAX_INDEX_PATHS: usize = 8;

/// The description of an index: a path, or several, and its properties.
///
/// Whatever takes one also takes a path, or an array of paths.
///
/// ```
/// use ferrolite::IndexSpec;
///
/// let role = IndexSpec::from("role");
/// let role_and_age = IndexSpec::from(["role", "age"]);
/// let email = IndexSpec::from("email").unique();
/// let tags = IndexSpec::from("tags").multi();
/// # assert!(role != role_and_age && email != tags);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexSpec {
    /// The paths, at most [`MAX_INDEX_PATHS`]. Entries are ordered by the first one's values, those with equal ones by the
    /// second one's, and so on. Documents without a value at the first path are not in the index.
    pub paths: Vec<String>,
    /// No two documents may have equal values at all of the paths. Documents without a value at one of them are free; `null`
    /// is a value. A document that has expired does not count.
    pub unique: bool,
    /// Each element of an array has an entry: for the operator `contains`. Such an index is on one path.
    pub multi: bool,
}

/// An [`IndexSpec`] that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Indexed {
    pub paths: Vec<Path>,
    pub unique: bool,
    pub multi: bool,
}

/// An index as JSON.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    path: Option<Value>,
    paths: Option<Value>,
    #[serde(default)]
    unique: bool,
    #[serde(default)]
    multi: bool,
}

impl IndexSpec {
    /// Makes the index unique.
    #[must_use]
    pub fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    /// Gives each element of an array an entry.
    #[must_use]
    pub fn multi(self) -> Self {
        Self { multi: true, ..self }
    }

    /// The index that this JSON text describes: a path, an array of paths, or `{path, unique, multi}`, where `path` is one
    /// of these. It may also be called `paths`.
    ///
    /// # Errors
    /// `InvalidOptions`.
    #[cold]
    #[inline(never)]
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |reason: String| Error::invalid_options(format!("the index is not understood: {reason}"));
        let json: Value = serde_json::from_str(text).map_err(|error| invalid(json_text(text, &error)))?;
        let Value::Object(_) = json else { return Ok(Self { paths: parse_paths(json)?, ..Self::default() }) };
        let text: Text = serde_json::from_str(text).map_err(|error| invalid(json_text(text, &error)))?;
        let paths = match (text.path, text.paths) {
            (Some(paths), None) | (None, Some(paths)) => parse_paths(paths)?,
            _ => return Err(invalid("give it one of `path` and `paths`".to_owned())),
        };
        Ok(Self { paths, unique: text.unique, multi: text.multi })
    }

    pub(crate) fn check(&self) -> Result<Indexed> {
        Indexed::new(&self.paths, self.unique, self.multi)
    }
}

fn parse_paths(json: Value) -> Result<Vec<String>> {
    let paths = match json {
        Value::String(path) => return Ok(vec![path]),
        Value::Array(list) => list.into_iter().map(|path| match path {
            Value::String(path) => Some(path),
            _ => None,
        }),
        _ => return Err(no_paths()),
    };
    paths.collect::<Option<_>>().ok_or_else(no_paths)
}

fn no_paths() -> Error {
    Error::invalid_options("an index is on a path or an array of paths, each a string")
}

impl Indexed {
    pub fn new(paths: &[impl AsRef<str>], unique: bool, multi: bool) -> Result<Self> {
        if paths.len() > MAX_INDEX_PATHS {
            return Err(Error::invalid_options(format!("an index is on {MAX_INDEX_PATHS} paths at most")));
        }
        let paths: Vec<_> = paths.iter().map(|path| Path::parse(path.as_ref())).collect::<Result<_>>()?;
        let twice =
            paths.iter().enumerate().find(|(index, path)| paths.iter().take(*index).any(|other| other == *path));
        let reason = if paths.is_empty() {
            "an index needs a path".to_owned()
        } else if multi && paths.len() > 1 {
            "an index with an entry for each element of an array is on one path".to_owned()
        } else if let Some((_, path)) = twice {
            format!("the path {} is in the index twice", abbreviate(path.as_str()))
        } else {
            return Ok(Self { paths, unique, multi });
        };
        Err(Error::invalid_options(reason))
    }

    /// The paths, for messages and lists.
    pub fn name(&self) -> String {
        self.paths.iter().map(Path::as_str).collect::<Vec<_>>().join(", ")
    }

    /// An error when there is an index on the same paths that is another one.
    pub fn must_be(&self, wanted: &Self) -> Result<()> {
        if self == wanted {
            return Ok(());
        }
        let is = |unique, multi| match (unique, multi) {
            (false, false) => "plain",
            (true, false) => "unique",
            (false, true) => "multi",
            (true, true) => "unique and multi",
        };
        let (name, has, wants) = (self.name(), is(self.unique, self.multi), is(wanted.unique, wanted.multi));
        let reason = format!("there is an index on {} that is {has}, not {wants}; drop it first", abbreviate(&name));
        Err(Error::invalid_options(reason))
    }
}

impl From<&Indexed> for IndexSpec {
    fn from(indexed: &Indexed) -> Self {
        let Indexed { paths, unique, multi } = indexed;
        Self { paths: paths.iter().map(|path| path.as_str().to_owned()).collect(), unique: *unique, multi: *multi }
    }
}

impl From<&str> for IndexSpec {
    fn from(path: &str) -> Self {
        Self::from([path])
    }
}

impl From<&&str> for IndexSpec {
    fn from(path: &&str) -> Self {
        Self::from([path])
    }
}

impl From<String> for IndexSpec {
    fn from(path: String) -> Self {
        Self::from([path])
    }
}

impl From<&String> for IndexSpec {
    fn from(path: &String) -> Self {
        Self::from([path])
    }
}

impl<S: AsRef<str>> From<&[S]> for IndexSpec {
    fn from(paths: &[S]) -> Self {
        Self { paths: paths.iter().map(|path| path.as_ref().to_owned()).collect(), ..Self::default() }
    }
}

impl<S: AsRef<str>, const N: usize> From<[S; N]> for IndexSpec {
    fn from(paths: [S; N]) -> Self {
        Self::from(&paths[..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    #[test]
    fn json_takes_several_forms() {
        for (text, expected) in [
            ("\"a\"", IndexSpec::from("a")),
            ("[\"a\"]", IndexSpec::from("a")),
            ("[\"a\", \"b.c\"]", IndexSpec::from(["a", "b.c"])),
            ("{\"path\": \"a\"}", IndexSpec::from("a")),
            ("{\"paths\": [\"a\", \"b\"], \"unique\": true}", IndexSpec::from(["a", "b"]).unique()),
            ("{\"path\": \"a\", \"multi\": true}", IndexSpec::from("a").multi()),
        ] {
            assert_eq!(IndexSpec::parse(text).unwrap(), expected, "{text}");
            expected.check().unwrap();
        }
        for text in [
            "",
            "1",
            "[1]",
            "{}",
            "{\"path\": 1}",
            "{\"path\": \"a\", \"paths\": \"a\"}",
            "{\"path\": \"a\", \"x\": 1}",
        ] {
            assert_eq!(IndexSpec::parse(text).unwrap_err().code(), ErrorCode::InvalidOptions, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_indexed_is_refused() {
        let code = |spec: IndexSpec| spec.check().unwrap_err().code();
        let many: Vec<_> = (0..=MAX_INDEX_PATHS).map(|index| format!("a{index}")).collect();
        for spec in [
            IndexSpec::default(),
            IndexSpec::from(&many[..]),
            IndexSpec::from(["a", "b", "a"]),
            IndexSpec::from(["a", "b"]).multi(),
        ] {
            assert_eq!(code(spec), ErrorCode::InvalidOptions);
        }
        assert_eq!(code(IndexSpec::from("a..b")), ErrorCode::InvalidPath);
        IndexSpec::from(&many[1..]).check().unwrap();
    }
}
