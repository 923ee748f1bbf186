//! Notes of `explain`: why a query may find less than it was meant to find.
//!
//! The types of the values at the query's paths are taken from an index or from the first documents. A comparison with
//! another type finds nothing, and neither is an error: the next document may have a value of that type.

use super::filter_tree::Node;
use super::index_ranges::IndexRanges;
use super::query::Prepared;
use super::value_set::ValueSet;
use crate::documents::database::Database;
use crate::documents::database::view::View;
use crate::documents::error::{Result, abbreviate};
use crate::documents::json::ordering::Kind;
use crate::documents::json::path::{NotJson, Path};
use crate::documents::json::text;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::key::key_of;
use crate::fs::File;

/// Documents that are looked at, at most, ...
const SAMPLED_MAX: u64 = 1000;
/// ... and bytes of them.
const SAMPLED_BYTES: usize = 2 << 20;

/// The values at the paths of a query in some documents.
struct Sample {
    documents: u64,
    /// True if there are no others in the query's range of keys.
    is_all: bool,
    /// The types of the values, by the places of the paths.
    kinds: Vec<Vec<Kind>>,
}

/// Explains that a query finds nothing, or not in the order that was meant.
pub(super) fn notes<F: File>(
    database: &Database<F>,
    collection: CollectionId,
    view: View,
    query: &Prepared,
) -> Result<Vec<String>> {
    if !query.looks_inside {
        return Ok(Vec::new());
    }
    let sample = Sample::take(database, collection, view, query)?;
    let mut notes = Vec::new();
    for (path, kinds) in query.paths.known().iter().zip(&sample.kinds) {
        let name = abbreviate(path.as_str());
        let wanted = query.filter.implied(path);
        let is_ordered_by = query.order.components.iter().any(|component| component.path == *path);
        let needs_value = !wanted.has_missing;
        if kinds.is_empty() && (is_ordered_by || needs_value) {
            if sample.is_all && sample.documents > 0 {
                notes.push(format!("no document has a value at {name}"));
            } else if !sample.is_all && !is_known_to_indexes(database, collection, view, path)? {
                notes.push(format!("none of the first {} documents has a value at {name}", sample.documents));
            }
        } else if needs_value && !kinds.is_empty() && !kinds.iter().any(|kind| has_some_of(&wanted, *kind)) {
            let asked: Vec<_> = Kind::all().filter(|kind| has_some_of(&wanted, *kind)).map(Kind::name).collect();
            if !asked.is_empty() {
                let (asked, found) = (asked.join(" or "), sample.told(kinds));
                notes.push(format!("the filter asks for {asked} at {name}; {found}"));
            }
        }
    }
    add_contains(&query.filter, query, &sample, &mut notes);
    Ok(notes)
}

/// Adds a note for each `contains` at a path without arrays.
fn add_contains(node: &Node, query: &Prepared, sample: &Sample, notes: &mut Vec<String>) {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| add_contains(node, query, sample, notes)),
        Node::Contains { path, negated: false, .. } => {
            let place = query.paths.known().iter().position(|known| known == path);
            let kinds = place.and_then(|place| sample.kinds.get(place)).map_or(&[][..], Vec::as_slice);
            if !kinds.is_empty() && !kinds.contains(&Kind::ARRAY) {
                let (name, found) = (abbreviate(path.as_str()), sample.told(kinds));
                notes.push(format!("`contains` at {name} looks for an element of an array; {found}"));
            }
        }
        Node::Contains { .. } | Node::Value { .. } => {}
    }
}

impl Sample {
    fn take<F: File>(database: &Database<F>, collection: CollectionId, view: View, query: &Prepared) -> Result<Self> {
        let mut sample = Self { documents: 0, is_all: true, kinds: vec![Vec::new(); query.paths.known().len()] };
        let Some(range) = query.keys.document_keys(collection)? else { return Ok(sample) };
        let mut cursor = database.engine.scan(range, false, view.at, view.now_ms)?;
        let source = database.source(collection, view.at);
        let mut bytes = 0;
        while let Some((engine_key, entry)) = cursor.next()? {
            if sample.documents == SAMPLED_MAX || bytes > SAMPLED_BYTES {
                sample.is_all = false;
                break;
            }
            let key = key_of(&engine_key)?;
            let Some(text) = source.indexed_text(key, &entry)? else { continue };
            let damaged = |NotJson| text::damaged(key, "its text is not JSON");
            let values = query.paths.values_in(&text).map_err(damaged)?;
            for (place, kinds) in sample.kinds.iter_mut().enumerate() {
                let Some(encoded) = values.encoded(place).map_err(damaged)? else { continue };
                let kind = Kind::of(&encoded);
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
            sample.documents += 1;
            bytes += text.len();
        }
        Ok(sample)
    }

    fn told(&self, kinds: &[Kind]) -> String {
        let found = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or ");
        match self.is_all {
            true => format!("each document has {found} there, or nothing"),
            false => format!("each of the first {} documents has {found} there, or nothing", self.documents),
        }
    }
}

/// True if an index has an entry for a document with a value at this path, or could have one.
fn is_known_to_indexes<F: File>(
    database: &Database<F>,
    collection: CollectionId,
    view: View,
    path: &Path,
) -> Result<bool> {
    let is_on = |paths: &[Path]| paths.first() == Some(path);
    let mut indexes = database.catalog.ready(collection, view.at);
    let Some(index) = indexes.find(|index| is_on(&index.indexed.paths)) else { return Ok(false) };
    for range in IndexRanges::with_value(index).ranges {
        if database.engine.scan(range, false, view.at, view.now_ms)?.next()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// True if a value of this type is in the set.
fn has_some_of(set: &ValueSet, kind: Kind) -> bool {
    let (first, end) = (kind.first(), kind.end());
    set.ranges().any(|(from, to)| from.at < end && (to.at > first || to.at == first && to.is_behind))
}
