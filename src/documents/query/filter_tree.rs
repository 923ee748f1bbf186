//! The tree of a filter's conditions, and its compiled form, which tests documents.

use super::extract::{Paths, Values};
use super::value_set::ValueSet;
use crate::documents::json::elements::each_element;
use crate::documents::json::elements::encoded_element;
use crate::documents::json::path::Path;
use crate::documents::json::path::Scanned;
use std::collections::BTreeMap;

/// A filter without negations: those of sets are other sets, and those of `all` and `any` are each other's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Value { path: Path, set: ValueSet },
    Contains { path: Path, element: Vec<u8>, negated: bool },
}

/// A filter whose paths are places among extracted values.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Value { at: usize, set: ValueSet },
    Contains { at: usize, element: Vec<u8>, negated: bool },
}

/// True if `text` is an array with an element of this encoding.
pub(crate) fn has_element(text: &str, wanted: &[u8]) -> Scanned<bool> {
    let mut found = false;
    each_element(text, |element| {
        found = found || encoded_element(element)?.is_some_and(|encoded| encoded == wanted);
        Ok(())
    })?;
    Ok(found)
}

impl Node {
    /// All of them. Sets of one path become one set.
    pub fn all(nodes: Vec<Self>) -> Self {
        Self::join(nodes, true)
    }

    /// One of them.
    pub fn any(nodes: Vec<Self>) -> Self {
        Self::join(nodes, false)
    }

    fn join(nodes: Vec<Self>, is_all: bool) -> Self {
        let (mut sets, mut rest) = (BTreeMap::<Path, Vec<ValueSet>>::new(), Vec::new());
        let mut add = |node| match node {
            Self::Value { path, set } => sets.entry(path).or_default().push(set),
            node => rest.push(node),
        };
        for node in nodes {
            match node {
                Self::All(inner) if is_all => inner.into_iter().for_each(&mut add),
                Self::Any(inner) if !is_all => inner.into_iter().for_each(&mut add),
                node => add(node),
            }
        }
        let join = if is_all { ValueSet::intersection } else { ValueSet::union };
        let sets = sets.into_iter().map(|(path, sets)| Self::Value { path, set: join(sets) });
        let mut joined: Vec<_> = sets.chain(rest).collect();
        match (joined.len(), is_all) {
            (1, _) => joined.remove(0),
            (_, true) => Self::All(joined),
            (_, false) => Self::Any(joined),
        }
    }

    /// The opposite.
    pub fn negate(self) -> Self {
        match self {
            Self::All(nodes) => Self::any(nodes.into_iter().map(Self::negate).collect()),
            Self::Any(nodes) => Self::all(nodes.into_iter().map(Self::negate).collect()),
            Self::Value { path, set } => Self::Value { path, set: set.complement() },
            Self::Contains { path, element, negated } => Self::Contains { path, element, negated: !negated },
        }
    }

    /// The values that a document must have one of at `path` in order to meet the filter. It need not meet it then.
    pub fn implied(&self, path: &Path) -> ValueSet {
        match self {
            Self::All(nodes) => ValueSet::intersection(nodes.iter().map(|node| node.implied(path)).collect()),
            Self::Any(nodes) => ValueSet::union(nodes.iter().map(|node| node.implied(path)).collect()),
            Self::Value { path: own, set } if own == path => set.clone(),
            _ => ValueSet::everything(),
        }
    }

    /// The elements of which an array at `path` must contain one in order that the filter is met; `None` when that is not
    /// known.
    pub fn implied_elements(&self, path: &Path) -> Option<Vec<Vec<u8>>> {
        match self {
            Self::All(nodes) => nodes.iter().filter_map(|node| node.implied_elements(path)).min_by_key(Vec::len),
            Self::Any(nodes) => {
                let elements: Option<Vec<_>> = nodes.iter().map(|node| node.implied_elements(path)).collect();
                elements.map(|elements| elements.concat())
            }
            Self::Contains { path: own, element, negated: false } if own == path => Some(vec![element.clone()]),
            _ => None,
        }
    }

    /// What it says of the values at `paths`, and whether that is all that it says. It is met whenever the filter is.
    pub fn about(&self, paths: &[Path]) -> (Self, bool) {
        let all = |nodes: &[Self]| {
            let (nodes, are_whole): (Vec<_>, Vec<_>) = nodes.iter().map(|node| node.about(paths)).unzip();
            (nodes, are_whole.into_iter().all(|is_whole| is_whole))
        };
        match self {
            Self::All(nodes) => {
                let (nodes, is_whole) = all(nodes);
                (Self::All(nodes), is_whole)
            }
            Self::Any(nodes) => {
                let (nodes, is_whole) = all(nodes);
                (Self::Any(nodes), is_whole)
            }
            Self::Value { path, .. } if paths.contains(path) => (self.clone(), true),
            _ => (Self::All(Vec::new()), false),
        }
    }

    /// The same, but met also by what differs in a number that an index entry may hold as another one.
    pub fn widened(&self) -> Self {
        match self {
            Self::All(nodes) => Self::All(nodes.iter().map(Self::widened).collect()),
            Self::Any(nodes) => Self::Any(nodes.iter().map(Self::widened).collect()),
            Self::Value { path, set } => Self::Value { path: path.clone(), set: set.widened(true) },
            Self::Contains { .. } => Self::All(Vec::new()),
        }
    }

    /// True if no document can meet it, as far as that is seen.
    pub fn is_impossible(&self) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().any(Self::is_impossible),
            Self::Any(nodes) => nodes.iter().all(Self::is_impossible),
            Self::Value { set, .. } => set.is_empty(),
            Self::Contains { .. } => false,
        }
    }

    /// The test of what `paths` extracts.
    pub fn compile(&self, paths: &mut Paths) -> Test {
        let all = |nodes: &[Self], paths: &mut Paths| nodes.iter().map(|node| node.compile(paths)).collect();
        match self {
            Self::All(nodes) => Test::All(all(nodes, paths)),
            Self::Any(nodes) => Test::Any(all(nodes, paths)),
            Self::Value { path, set } => Test::Value { at: paths.place(path), set: set.clone() },
            Self::Contains { path, element, negated } => {
                Test::Contains { at: paths.place(path), element: element.clone(), negated: *negated }
            }
        }
    }
}

impl Test {
    /// True if a document with these values meets the filter.
    pub fn is_met_by(&self, values: &Values<'_>) -> Scanned<bool> {
        match self {
            Self::All(tests) => {
                for test in tests {
                    if !test.is_met_by(values)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Self::Any(tests) => {
                for test in tests {
                    if test.is_met_by(values)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Self::Value { at, set } => Ok(set.contains(values.exact(*at)?.as_deref())),
            Self::Contains { at, element, negated } => {
                let contains = match values.text(*at) {
                    Some(text) => has_element(text, element)?,
                    None => false,
                };
                Ok(contains != *negated)
            }
        }
    }
}
