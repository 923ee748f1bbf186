//! The rows of a query, one after the other.

use super::context::Context;
use super::index_ranges::Delivery;
use super::index_walk::{Found, State};
use super::order::Place;
use super::plan::Plan;
use super::token;
use super::walk::Walk;
use crate::documents::error::Result;
use crate::documents::index::entry::disagreement;
use crate::documents::json::path::NotJson;
use crate::documents::json::text;
use crate::documents::stored::document::Document;
use crate::fs::File;
use std::collections::BTreeSet;

/// The documents that a query finds, in its order. Made by [`Database::rows`](crate::Database::rows).
///
/// Where an index or the keys have the order, each document is read when it is asked for. Otherwise the keys and the values
/// that they are ordered by are sorted in memory before the first one; with a limit no more of them are held than are
/// returned and left out.
pub struct Rows<'a, F: File> {
    pub(super) context: Context<'a, F>,
    source: Source<'a, F>,
    /// The rows that a transaction has written; the last one is next.
    own: Vec<(Place, Document)>,
    /// The next of the others.
    head: Option<Found<'a>>,
    skip: u64,
    left: u64,
    is_over: bool,
    /// The last row that was asked for, of a query with a limit.
    last: Option<Place>,
}

enum Row<'a> {
    Stored(Found<'a>),
    Own(Place, Document),
}

enum Source<'a, F: File> {
    Walk(Box<Walk<'a, F>>),
    /// Rows that were sorted.
    Sorted(std::vec::IntoIter<Place>),
}

impl<'a, F: File> Rows<'a, F> {
    /// `own` is what a transaction has written, and takes the place of what is stored at these keys.
    pub(super) fn new(context: Context<'a, F>, plan: Plan<'a>, own: Vec<Document>) -> Result<Self> {
        let is_sorted = plan.delivery == Delivery::Unordered;
        let mut walk = Walk::new(&context, plan)?;
        let source = match is_sorted {
            true => Source::Sorted(sorted(&context, &mut walk)?.into_iter()),
            false => Source::Walk(Box::new(walk)),
        };
        let mut placed = Vec::new();
        for document in own {
            let is_wanted =
                (document.bytes.is_none() || !context.query.looks_inside) && context.query.keys.contains(&document.key);
            if let Some(place) = if is_wanted { context.row(&document.key, &document.json)? } else { None } {
                placed.push((place, document));
            }
        }
        placed.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
        let (skip, left) = (context.query.offset, context.query.limit.unwrap_or(u64::MAX));
        Ok(Self { context, source, own: placed, head: None, skip, left, is_over: left == 0, last: None })
    }

    /// The next row that is not of the transaction, or what may be one.
    fn next_found(&mut self) -> Result<Option<Found<'a>>> {
        match &mut self.source {
            Source::Walk(walk) => walk.next(&self.context),
            Source::Sorted(places) => Ok(places.next().map(|place| Found { place, state: State::Known })),
        }
    }

    /// The next stored row. Its document is only read where nothing else tells that it is one.
    fn next_stored(&mut self) -> Result<Option<Found<'a>>> {
        while let Some(mut found) = self.next_found()? {
            let is_sure = !matches!(&found.state, State::Unread(mark) if !mark.is_sure);
            if is_sure {
                return Ok(Some(found));
            }
            if let Some(document) = self.context.read(&mut found)? {
                found.state = State::Read(document);
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// The next row, whatever the limit.
    fn next_any(&mut self) -> Result<Option<Row<'a>>> {
        if self.own.is_empty() && self.head.is_none() {
            return Ok(self.next_stored()?.map(Row::Stored));
        }
        if self.head.is_none() {
            self.head = self.next_stored()?;
        }
        let is_own = match (&self.head, self.own.last()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(stored), Some((own, _))) => *own < stored.place,
        };
        Ok(match is_own {
            true => self.own.pop().map(|(place, document)| Row::Own(place, document)),
            false => self.head.take().map(Row::Stored),
        })
    }

    /// Steps over the rows that are left out.
    fn leave_out(&mut self) -> Result<()> {
        while self.skip > 0 && !self.is_over {
            self.is_over = self.next_any()?.is_none();
            self.skip -= 1;
        }
        Ok(())
    }

    /// The next row within offset and limit.
    fn next_counted(&mut self) -> Result<Option<Row<'a>>> {
        self.leave_out()?;
        if self.is_over || self.left == 0 {
            return Ok(None);
        }
        let row = self.next_any()?;
        self.left -= 1;
        self.is_over = row.is_none();
        Ok(row)
    }

    /// The next row, whole.
    pub(super) fn next_row(&mut self) -> Result<Option<Document>> {
        let mut found = match self.next_counted()? {
            None => return Ok(None),
            Some(Row::Own(place, document)) => {
                self.note_last(&place);
                return Ok(Some(document));
            }
            Some(Row::Stored(found)) => found,
        };
        let entry = self.context.read(&mut found)?.ok_or_else(|| disagreement(&found.place.key))?;
        self.note_last(&found.place);
        Document::new(self.context.source(), found.place.key, &entry).map(Some)
    }

    /// Where the page after this row begins, if there are pages.
    fn note_last(&mut self, place: &Place) {
        if self.context.query.limit.is_some() {
            self.last = Some(place.clone());
        }
    }

    /// Where the next page begins, if there is one. REQUIRES: the rows of this one were all asked for.
    pub(crate) fn cursor(&mut self) -> Result<Option<String>> {
        match self.last.take() {
            Some(last) if self.has_more()? => Ok(Some(token::write(&self.context.query.order, &last))),
            _ => Ok(None),
        }
    }

    /// The place of the next row, which has its key.
    pub(super) fn next_place(&mut self) -> Result<Option<Place>> {
        let place = self.next_counted()?.map(|row| match row {
            Row::Own(place, _) => place,
            Row::Stored(found) => found.place,
        });
        if let Some(place) = &place {
            self.note_last(place);
        }
        Ok(place)
    }

    /// True if there is a row behind the limit.
    fn has_more(&mut self) -> Result<bool> {
        Ok(!self.is_over && self.next_any()?.is_some())
    }

    /// How many rows there are.
    pub(super) fn count(mut self) -> Result<u64> {
        let mut count = 0;
        while self.next_counted()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// Returns the part of a row that the query returns.
    fn selected(&self, document: Document) -> Result<Document> {
        let Some(projection) = &self.context.query.projection else { return Ok(document) };
        let damaged = |NotJson| text::damaged(&document.key, "its text is not JSON");
        let json = projection.of(&document.json).map_err(damaged)?;
        Ok(Document { json, ..document })
    }
}

/// All rows of a walk, as many as are needed, in order.
fn sorted<'a, F: File>(context: &Context<'a, F>, walk: &mut Walk<'a, F>) -> Result<Vec<Place>> {
    let needed = context.query.needed();
    if !needed.is_finite() {
        let mut places = Vec::new();
        while let Some(found) = walk.next(context)? {
            places.extend(place_of(context, found)?);
        }
        places.sort_unstable();
        // A document that has several entries comes several times.
        places.dedup();
        return Ok(places);
    }
    let mut first = BTreeSet::new();
    while let Some(found) = walk.next(context)? {
        let is_full = first.len() as f64 >= needed;
        let is_behind = |place: &Place| is_full && first.last().is_some_and(|last| place >= last);
        if matches!(&found.state, State::Unread(mark) if !mark.has_no_place) && is_behind(&found.place) {
            continue;
        }
        let Some(place) = place_of(context, found)? else { continue };
        if !is_behind(&place) && first.insert(place) && is_full {
            first.pop_last();
        }
    }
    Ok(first.into_iter().collect())
}

/// The place of what is a row; `None` when it is none.
fn place_of<F: File>(context: &Context<'_, F>, mut found: Found<'_>) -> Result<Option<Place>> {
    match &found.state {
        State::Unread(mark) if !mark.is_sure || mark.has_no_place => Ok(context.read(&mut found)?.map(|_| found.place)),
        _ => Ok(Some(found.place)),
    }
}

impl<F: File> Iterator for Rows<'_, F> {
    type Item = Result<Document>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_row() {
            Ok(None) => None,
            Ok(Some(document)) => Some(self.selected(document)),
            Err(error) => {
                self.is_over = true;
                Some(Err(error))
            }
        }
    }
}
