//! Walking over what may be rows of a query.

use super::context::Context;
use super::index_ranges::{Delivery, IndexRanges};
use super::index_walk::Found;
use super::index_walk::State;
use super::index_walk::{IndexReader, IndexWalk};
use super::order::Place;
use super::plan::{Access, INTERSECTED_MAX, Plan};
use crate::documents::database::view::View;
use crate::documents::error::Result;
use crate::documents::index::entry::parse_entry;
use crate::documents::json::path::NotJson;
use crate::documents::json::text;
use crate::documents::keyspace::key::key_of;
use crate::engine::{Cursor, KeyRange};
use crate::fs::File;
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// A walk, in the order of its plan.
pub(super) enum Walk<'a, F: File> {
    Nothing,
    Documents(Cursor<'a, F>),
    Index(IndexWalk<'a, F>),
    /// An index, and then the documents that have no value at its path, which is this one of the query's.
    IndexThenMissing(IndexWalk<'a, F>, KeyRange, usize),
    Missing(Cursor<'a, F>, usize),
    Merged(Merged<'a, F>),
}

/// Walks over several ranges, of which the next row of all is always taken.
pub(super) struct Merged<'a, F: File> {
    walks: Vec<(IndexWalk<'a, F>, Option<Found<'a>>)>,
    /// A document that has several entries comes several times.
    last: Option<Place>,
}

impl<'a, F: File> Walk<'a, F> {
    pub fn new(context: &Context<'a, F>, plan: Plan<'a>) -> Result<Self> {
        let reverse = match plan.delivery {
            Delivery::Unordered => false,
            // Groups come in the direction of the first value that is not the same in all rows.
            Delivery::Grouped(_) => context.query.first_descends(),
            _ => context.query.order.keys_descend,
        };
        let (index, missing) = match plan.access {
            Access::Documents(None) => return Ok(Self::Nothing),
            Access::Documents(Some(range)) => return Self::documents(context, range, reverse).map(Self::Documents),
            Access::Index(index, missing) => (index, missing),
        };
        let among = match &plan.intersected {
            Some(second) => keys_of(context, second)?,
            None => None,
        };
        let reader = Arc::new(IndexReader::new(index.index, &context.query, among, plan.delivery));
        Ok(match (plan.delivery, missing, &context.query.order.components[..]) {
            (Delivery::Merged, ..) => Self::Merged(Merged::new(context, &reader, index.ranges, reverse)?),
            (_, Some(documents), [by]) => {
                let walk = IndexWalk::new(context, reader, index.ranges, reverse, true);
                Self::IndexThenMissing(walk, documents, by.place)
            }
            _ => Self::Index(IndexWalk::new(context, reader, index.ranges, reverse, true)),
        })
    }

    /// The documents in a range, from the row before on when they come in order.
    fn documents(context: &Context<'a, F>, mut range: KeyRange, reverse: bool) -> Result<Cursor<'a, F>> {
        let is_by_key = context.query.order.components.is_empty();
        if let Some(after) = context.query.after.as_ref().filter(|_| is_by_key) {
            let bound = Bound::Excluded(context.collection.document_key(&after.key));
            let is_inside = std::ops::RangeBounds::contains(
                &(range.start.clone(), range.end.clone()),
                &context.collection.document_key(&after.key),
            );
            match reverse {
                true if is_inside => range.end = bound,
                false if is_inside => range.start = bound,
                _ => {}
            }
        }
        context.note(&range);
        let View { at, now_ms } = context.view;
        Ok(context.database.engine.scan(range, reverse, at, now_ms)?)
    }

    /// The next row, or what may be one.
    pub fn next(&mut self, context: &Context<'a, F>) -> Result<Option<Found<'a>>> {
        match self {
            Self::Nothing => Ok(None),
            Self::Documents(cursor) => next_document(context, cursor, None),
            Self::Missing(cursor, place) => next_document(context, cursor, Some(*place)),
            Self::Index(walk) => walk.next(context),
            Self::Merged(merged) => merged.next(context),
            Self::IndexThenMissing(walk, documents, place) => {
                let found = walk.next(context)?;
                if found.is_some() {
                    return Ok(found);
                }
                let (documents, place) = (documents.clone(), *place);
                *self = Self::Missing(Self::documents(context, documents, true)?, place);
                self.next(context)
            }
        }
    }
}

/// The next row of a walk over documents; of those without a value at a place, if that is given.
fn next_document<'a, F: File>(
    context: &Context<'a, F>,
    cursor: &mut Cursor<'a, F>,
    missing: Option<usize>,
) -> Result<Option<Found<'a>>> {
    while let Some((engine_key, document)) = cursor.next()? {
        context.count(|counts| counts.documents += 1);
        let key = key_of(&engine_key)?;
        if !context.is_wanted(key) {
            continue;
        }
        if !context.query.looks_inside {
            let place = context.query.order.row(Vec::new(), key);
            if context.is_before(&place) {
                continue;
            }
            return Ok(Some(Found { place, state: State::Read(document) }));
        }
        let Some(text) = context.source().indexed_text(key, &document)? else { continue };
        if let Some(place) = missing {
            let damaged = |NotJson| text::damaged(key, "its text is not JSON");
            let values = context.query.paths.values_in(&text).map_err(damaged)?;
            if values.encoded(place).map_err(damaged)?.is_some() {
                continue;
            }
        }
        let place = context.row(key, &text)?;
        drop(text);
        if let Some(place) = place {
            return Ok(Some(Found { place, state: State::Read(document) }));
        }
    }
    Ok(None)
}

/// The keys that another index has for the filter; `None` when these are too many to be held.
fn keys_of<F: File>(context: &Context<'_, F>, second: &IndexRanges<'_>) -> Result<Option<HashSet<String>>> {
    let (mut keys, View { at, now_ms }) = (HashSet::new(), context.view);
    for range in &second.ranges {
        context.note(range);
        let mut cursor = context.database.engine.scan(range.clone(), false, at, now_ms)?;
        while let Some((engine_key, stored)) = cursor.next()? {
            context.count(|counts| counts.entries += 1);
            let entry = parse_entry(second.index, &engine_key, &stored)?;
            keys.insert(entry.key.to_owned());
            if keys.len() as u64 > INTERSECTED_MAX {
                return Ok(None);
            }
        }
    }
    Ok(Some(keys))
}

impl<'a, F: File> Merged<'a, F> {
    fn new(
        context: &Context<'a, F>,
        reader: &Arc<IndexReader<'a>>,
        ranges: Vec<KeyRange>,
        reverse: bool,
    ) -> Result<Self> {
        let mut walks = Vec::new();
        for range in ranges {
            let mut walk = IndexWalk::new(context, Arc::clone(reader), vec![range], reverse, false);
            let first = walk.next(context)?;
            walks.push((walk, first));
        }
        Ok(Self { walks, last: None })
    }

    fn next(&mut self, context: &Context<'a, F>) -> Result<Option<Found<'a>>> {
        loop {
            let heads = self.walks.iter_mut().filter(|(_, head)| head.is_some());
            let next = heads.min_by(|(_, a), (_, b)| {
                a.as_ref().map(|found| &found.place).cmp(&b.as_ref().map(|found| &found.place))
            });
            let Some((walk, head)) = next else { return Ok(None) };
            let following = walk.next(context)?;
            let Some(found) = std::mem::replace(head, following) else { continue };
            if self.last.as_ref() != Some(&found.place) {
                self.last = Some(found.place.clone());
                return Ok(Some(found));
            }
        }
    }
}
