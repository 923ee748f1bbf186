//! Parts of documents.

use super::extract::Paths;
use crate::documents::json::path::{NotJson, Path};
use std::collections::HashMap;

/// The part of each document that a query returns: an object with the values at some paths.
#[derive(Debug, Clone)]
pub(crate) struct Projection {
    paths: Paths,
    root: Parts,
}

/// A field of the object that is made.
#[derive(Debug, Clone)]
struct Part {
    /// Its name as a JSON string.
    name: String,
    is: Is,
}

/// The fields of an object that is made, in the order in which they were asked for.
#[derive(Debug, Clone, Default)]
struct Parts {
    list: Vec<Part>,
    /// Places in the list by name.
    by_name: HashMap<String, usize>,
}

#[derive(Debug, Clone)]
enum Is {
    /// The value at this place.
    Whole(usize),
    /// Made of these.
    Parts(Parts),
}

impl Projection {
    pub fn new(selected: &[Path]) -> Self {
        let (mut paths, mut root) = (Paths::default(), Parts::default());
        for path in selected {
            add(&mut root, path.as_str(), paths.place(path));
        }
        Self { paths, root }
    }

    /// The object of what the document `text` has, in the order in which it was asked for. Values keep their text.
    pub fn of(&self, text: &str) -> Result<String, NotJson> {
        let values = self.paths.values_in(text)?;
        let mut out = String::new();
        write(&self.root.list, &|place| values.text(place), &mut out);
        Ok(if out.is_empty() { "{}".to_owned() } else { out })
    }
}

fn add(parts: &mut Parts, path: &str, place: usize) {
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let name = serde_json::Value::from(name).to_string();
    let index = *parts.by_name.entry(name).or_insert_with_key(|name| {
        parts.list.push(Part { name: name.clone(), is: Is::Parts(Parts::default()) });
        parts.list.len() - 1
    });
    match (&mut parts.list[index].is, rest) {
        // The whole has all of its parts.
        (Is::Whole(_), _) => {}
        (is, None) => *is = Is::Whole(place),
        (Is::Parts(inner), Some(rest)) => add(inner, rest, place),
    }
}

/// Writes the object, or nothing when none of its parts is there.
fn write<'a>(parts: &[Part], value: &impl Fn(usize) -> Option<&'a str>, out: &mut String) {
    let start = out.len();
    for part in parts {
        let before = out.len();
        out.push_str(if before == start { "{" } else { "," });
        out.push_str(&part.name);
        out.push(':');
        let behind_name = out.len();
        match &part.is {
            Is::Whole(place) => out.push_str(value(*place).unwrap_or_default()),
            Is::Parts(inner) => write(&inner.list, value, out),
        }
        if out.len() == behind_name {
            out.truncate(before);
        }
    }
    if out.len() > start {
        out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(paths: &[&str], text: &str) -> String {
        let paths: Vec<_> = paths.iter().map(|path| Path::parse(path).unwrap()).collect();
        Projection::new(&paths).of(text).unwrap()
    }

    #[test]
    fn values_keep_their_text() {
        let text = r#"{"id": 12345678901234567890123, "a": {"b": 1.00, "c": [ 1 ], "d": {}}, "\u0065": "\u0041"}"#;
        assert_eq!(
            project(&["e", "a.c", "id", "a.b"], text),
            r#"{"e":"\u0041","a":{"c":[ 1 ],"b":1.00},"id":12345678901234567890123}"#
        );
        assert_eq!(project(&["a.d", "x", "a.x", "y.z"], text), r#"{"a":{"d":{}}}"#);
        assert_eq!(project(&["x", "a.x"], text), "{}");
        assert_eq!(project(&["a"], "[1]"), "{}");
    }

    #[test]
    fn the_whole_has_its_parts() {
        let text = r#"{"a": {"b": 1, "c": 2}}"#;
        for paths in [["a", "a.b"], ["a.b", "a"]] {
            assert_eq!(project(&paths, text), r#"{"a":{"b": 1, "c": 2}}"#);
        }
    }

    #[test]
    fn the_longest_paths_are_no_problem() {
        let path = vec!["a"; 128].join(".");
        let text = format!("{}7{}", r#"{"a":"#.repeat(128), "}".repeat(128));
        assert_eq!(project(&[&path], &text), text);
    }
}
