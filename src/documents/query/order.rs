//! The order of a query's rows.

use super::extract::{Paths, Values};
use crate::documents::json::ordering::MISSING;
use crate::documents::json::path::{NotJson, Path};
use std::cmp::Ordering;

/// By which values rows are ordered, and in which direction.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub components: Vec<Component>,
    /// Of rows whose values are equal, whether the highest key comes first.
    pub keys_descend: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Component {
    pub path: Path,
    /// Where the values of the query find it.
    pub place: usize,
    pub descends: bool,
}

/// A row's place among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The encodings by which rows are ordered, one behind the other; those that descend are inverted.
    pub sort: Vec<u8>,
    pub key: String,
    pub keys_descend: bool,
}

impl Order {
    /// The order by `components` (path, and whether it is reversed). With `reverse` all is turned round.
    ///
    /// Rows with equal values are ordered by key, in the direction of the last component: then an index that is read
    /// backwards has this order too.
    pub fn new(components: Vec<(Path, bool)>, reverse: bool, paths: &mut Paths) -> Self {
        let mut known: Vec<Component> = Vec::new();
        for (path, descends) in components {
            // What is ordered by already cannot make a difference any more.
            if known.iter().all(|component| component.path != path) {
                let place = paths.place(&path);
                known.push(Component { path, place, descends: descends != reverse });
            }
        }
        let keys_descend = known.last().map_or(reverse, |last| last.descends);
        Self { components: known, keys_descend }
    }

    /// The encodings that order a row with these values. What is missing comes first.
    pub fn sort_key(&self, values: &Values<'_>) -> Result<Vec<u8>, NotJson> {
        let mut sort = Vec::new();
        for component in &self.components {
            match values.encoded(component.place)? {
                Some(encoded) => push_component(&mut sort, &encoded, component.descends),
                None => push_component(&mut sort, &[MISSING], component.descends),
            }
        }
        Ok(sort)
    }

    pub fn row(&self, sort: Vec<u8>, key: &str) -> Place {
        Place { sort, key: key.to_owned(), keys_descend: self.keys_descend }
    }
}

/// No encoding is the beginning of another, and so none is when all bits are inverted: that turns the order round.
pub(super) fn push_component(sort: &mut Vec<u8>, encoded: &[u8], descends: bool) {
    if descends {
        sort.extend(encoded.iter().map(|byte| !byte));
    } else {
        sort.extend_from_slice(encoded);
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_key = self.key.cmp(&other.key);
        let by_key = if self.keys_descend { by_key.reverse() } else { by_key };
        self.sort.cmp(&other.sort).then(by_key)
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(components: &[(&str, bool)], reverse: bool, documents: &[(&str, &str)]) -> Vec<String> {
        let components = components.iter().map(|(path, descends)| (Path::parse(path).unwrap(), *descends)).collect();
        let mut paths = Paths::default();
        let order = Order::new(components, reverse, &mut paths);
        let place =
            |(key, text): &(&str, &str)| order.row(order.sort_key(&paths.values_in(text).unwrap()).unwrap(), key);
        let mut places: Vec<_> = documents.iter().map(place).collect();
        places.sort();
        places.into_iter().map(|place| place.key).collect()
    }

    #[test]
    fn rows_are_ordered_by_one_value_after_the_other() {
        let documents = [
            ("a", r#"{"x": 1, "y": "b"}"#),
            ("b", r#"{"x": 1, "y": "ab"}"#),
            ("c", r#"{"x": 1, "y": "a"}"#),
            ("d", r#"{"x": null, "y": "a"}"#),
            ("e", r#"{"y": "a"}"#),
            ("f", r#"{"x": 1}"#),
            ("g", r#"{"x": 1, "y": "a"}"#),
        ];
        let order = |components: &[_], reverse| sorted(components, reverse, &documents).concat();
        assert_eq!(order(&[], false), "abcdefg");
        assert_eq!(order(&[], true), "gfedcba");
        assert_eq!(order(&[("x", false), ("y", false)], false), "edfcgba");
        assert_eq!(order(&[("x", false), ("y", false)], true), "abgcfde");
        assert_eq!(order(&[("x", false), ("y", true)], false), "edabgcf");
        assert_eq!(order(&[("x", true), ("y", false)], false), "fcgbade");
        assert_eq!(order(&[("x", true)], false), "gfcbade");
        assert_eq!(order(&[("x", false), ("x", true)], false), "edabcfg");
    }
}
