//! The values at several paths, in one pass over a document's text.

use crate::documents::json::ordering::{Form, Unencodable, encode_as};
use crate::documents::json::path::Scanned;
use crate::documents::json::path::{NotJson, Path};
use crate::documents::json::scanner::{Scanner, unescape};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Paths to be looked for, each with a place among the values.
#[derive(Debug, Clone, Default)]
pub(crate) struct Paths {
    root: Field,
    known: Vec<Path>,
}

/// The continuations of a path, and whether one ends.
#[derive(Debug, Clone, Default)]
struct Field {
    /// The place of the path that ends here.
    place: Option<usize>,
    /// Fields inside, by their names.
    inner: BTreeMap<Vec<u8>, Field>,
}

/// The values at the paths, in the order of their places.
#[derive(Debug, Clone)]
pub(crate) struct Values<'a>(Vec<Found<'a>>);

#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    Missing,
    Text(&'a str),
    Encoded(&'a [u8]),
}

impl Paths {
    /// The place of `path`; a new one if it was not known.
    pub fn place(&mut self, path: &Path) -> usize {
        let mut at = &mut self.root;
        for name in path.as_str().split('.') {
            at = at.inner.entry(name.as_bytes().to_vec()).or_default();
        }
        if let Some(place) = at.place {
            return place;
        }
        at.place = Some(self.known.len());
        self.known.push(path.clone());
        self.known.len() - 1
    }

    /// The paths, in order of their places.
    pub fn known(&self) -> &[Path] {
        &self.known
    }

    /// Returns the values of the document `text` at the paths. Of fields with one name the last one counts.
    pub fn values_in<'a>(&self, text: &'a str) -> Result<Values<'a>, NotJson> {
        let mut values = Values(vec![Found::Missing; self.known.len()]);
        if !self.known.is_empty() {
            self.root.look(&mut Scanner::new(text), &mut values).ok_or(NotJson)?;
        }
        Ok(values)
    }
}

impl Field {
    /// Steps over the value of this field, and keeps what paths lead to.
    fn look<'a>(&self, scanner: &mut Scanner<'a>, values: &mut Values<'a>) -> Option<()> {
        let first = scanner.peek()?;
        let start = scanner.position();
        if first == b'{' && !self.inner.is_empty() {
            scanner.take(b'{')?;
            while let Some(name) = scanner.member()? {
                match self.inner_field(name)? {
                    Some(field) => {
                        field.forget(values);
                        field.look(scanner, values)?;
                    }
                    None => {
                        scanner.value()?;
                    }
                }
            }
        } else {
            scanner.value()?;
        }
        if let Some(place) = self.place {
            values.0[place] = Found::Text(scanner.since(start)?);
        }
        Some(())
    }

    fn inner_field(&self, raw: &str) -> Option<Option<&Self>> {
        let name = if raw.contains('\\') { unescape(raw)? } else { Cow::Borrowed(raw.as_bytes()) };
        Some(self.inner.get(&*name))
    }

    /// A field of this name was there before; it does not count any more.
    fn forget(&self, values: &mut Values<'_>) {
        if let Some(place) = self.place {
            values.0[place] = Found::Missing;
        }
        self.inner.values().for_each(|field| field.forget(values));
    }
}

impl<'a> Values<'a> {
    /// The text at a place.
    pub fn text(&self, place: usize) -> Option<&'a str> {
        match self.0.get(place) {
            Some(Found::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The encoding by which the value at a place is ordered. A value that is nested too deep counts as none.
    pub fn encoded(&self, place: usize) -> Scanned<Option<Cow<'a, [u8]>>> {
        self.encoded_as(place, Form::Nearest)
    }

    /// The encoding by which the value at a place is compared. Of an index entry this is the entry's own.
    pub fn exact(&self, place: usize) -> Scanned<Option<Cow<'a, [u8]>>> {
        self.encoded_as(place, Form::Exact)
    }

    fn encoded_as(&self, place: usize, form: Form) -> Scanned<Option<Cow<'a, [u8]>>> {
        match self.0.get(place) {
            Some(Found::Text(text)) => match encode_as(text, form) {
                Ok(encoded) => Ok(Some(encoded.into())),
                Err(Unencodable::TooDeep) => Ok(None),
                Err(Unencodable::NotJson) => Err(NotJson),
            },
            Some(Found::Encoded(encoded)) => Ok(Some(Cow::Borrowed(encoded))),
            Some(Found::Missing) | None => Ok(None),
        }
    }
}

impl<'a> FromIterator<Found<'a>> for Values<'a> {
    fn from_iter<I: IntoIterator<Item = Found<'a>>>(found: I) -> Self {
        Self(found.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(list: &[&str]) -> Paths {
        let mut paths = Paths::default();
        for (index, path) in list.iter().enumerate() {
            assert_eq!(paths.place(&Path::parse(path).unwrap()), index);
        }
        paths
    }

    #[test]
    fn all_paths_are_found_in_one_pass() {
        let text = r#" {"a": 1, "b": {"c": [2], "d": {"e": "x"}}, "\u0066": null} "#;
        let paths = paths(&["b.d.e", "a", "b", "f", "b.c", "g", "a.x"]);
        let values = paths.values_in(text).unwrap();
        let found: Vec<_> = (0..7).map(|place| values.text(place)).collect();
        let b = r#"{"c": [2], "d": {"e": "x"}}"#;
        assert_eq!(found, [Some("\"x\""), Some("1"), Some(b), Some("null"), Some("[2]"), None, None]);
    }

    proptest! {
        #[test]
        fn each_value_is_what_its_path_alone_finds(text in r#"(\{("[ab]":(\{("[ab]":[12],?){0,3}\}|[12]),?){0,4}\}|1)"#) {
            let text = text.replace(",}", "}");
            let list = ["a", "b", "a.b", "b.a", "a.a"];
            let values = paths(&list).values_in(&text);
            for (place, path) in list.iter().enumerate() {
                let alone = Path::parse(path).unwrap().value_in(&text);
                if crate::documents::json::text::check_text(&text).is_ok() {
                    prop_assert_eq!(values.as_ref().unwrap().text(place), alone.unwrap(), "{} {}", path, text);
                }
            }
        }
    }

    #[test]
    fn text_that_is_not_json_is_told() {
        for text in ["", "{", "{\"a\" 1}", "{a: 1}"] {
            assert!(paths(&["a"]).values_in(text).is_err(), "{text}");
        }
    }
}
