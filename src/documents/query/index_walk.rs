//! Walking over index entries: each becomes a row, or is passed over without its document being read.

use super::context::Context;
use super::extract::{Found as Value, Values};
use super::filter_tree::Test;
use super::index_ranges::Delivery;
use super::order::{Place, push_component};
use super::query::Prepared;

use crate::documents::catalog::entries::Index;
use crate::documents::catalog::entries::entries_of;
use crate::documents::database::view::View;
use crate::documents::error::Result;
use crate::documents::index::entry::{IndexEntry, components, parts};
use crate::documents::index::entry::{disagreement, parse_entry};
use crate::documents::json::ordering::{INDEXED_LENGTH_MAX, MISSING, encoded_length};
use crate::documents::json::path::Path;
use crate::documents::keyspace::key::{PREFIX_LENGTH, push_key, successor};
use crate::documents::keyspace::range::is_empty;
use crate::documents::stored::content::Content;
use crate::engine::{Cursor, Entry, KeyRange};
use crate::fs::File;
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

/// The parts of a query that the entries of an index answer.
pub(super) struct IndexReader<'a> {
    index: &'a Index,
    /// The way in which rows come in the order that is asked for.
    delivery: Delivery,
    /// For each of the query's paths, which of an entry's values is at it.
    values: Vec<Option<usize>>,
    /// What must be true of these, and whether that is the whole filter.
    test: Test,
    /// The condition on the values of an entry that may hold another number than its document.
    widened: Test,
    is_whole_filter: bool,
    /// The values that rows are ordered by; `None` if only documents have them.
    sort: Option<Vec<SortPart>>,
    /// Documents that another index has for the filter.
    among: Option<HashSet<String>>,
}

struct SortPart {
    value: SortValue,
    descends: bool,
}

enum SortValue {
    /// One of the entry's values.
    Entry(usize),
    /// The same in all rows; empty when there is none.
    Fixed(Vec<u8>),
}

/// What an index entry says of its document.
pub(crate) struct Mark<'a> {
    reader: Arc<IndexReader<'a>>,
    /// What its document must have, where that may be another than the one it was made for.
    encoded: Option<Vec<u8>>,
    is_cut: bool,
    /// It has an expiry: compaction may have dropped the document, and not yet the entry; or a number of the document is
    /// another one.
    may_be_stale: bool,
    /// The filter is met.
    pub is_sure: bool,
    /// The row's place is not known.
    pub has_no_place: bool,
}

/// What the values of an entry say of its row. Many entries one after the other have the same.
struct Verdict {
    encoded: Vec<u8>,
    /// The part of the filter that is about them is met; of an entry that may be stale, or it would be by another number.
    is_possible: bool,
    may_be_stale: bool,
    /// What the row is ordered by, where they tell.
    sort: Option<Vec<u8>>,
}

/// A walk over ranges of an index.
pub(super) struct IndexWalk<'a, F> {
    reader: Arc<IndexReader<'a>>,
    /// The last one is next.
    ranges: Vec<KeyRange>,
    cursor: Option<Cursor<'a, F>>,
    reverse: bool,
    /// Entries that the index does not sort among themselves come together. These rows are sorted, and the last one is next.
    alike: Vec<Found<'a>>,
    /// The entry behind them.
    ahead: Option<(Vec<u8>, Entry)>,
    /// On the entry before.
    verdict: Option<Verdict>,
}

impl<'a> IndexReader<'a> {
    pub fn new(index: &'a Index, query: &Prepared, among: Option<HashSet<String>>, delivery: Delivery) -> Self {
        let indexed: &[Path] = if index.indexed.multi { &[] } else { &index.indexed.paths };
        let place_of = |path: &Path| indexed.iter().position(|indexed| indexed == path);
        let (weaker, is_whole_filter) = query.filter.about(indexed);
        let sort = query.order.components.iter().map(|component| {
            let fixed = query.filter.implied(&component.path).as_point().map(<[u8]>::to_vec);
            let value = match (fixed, place_of(&component.path)) {
                (Some(fixed), _) => SortValue::Fixed(fixed),
                (None, place) => SortValue::Entry(place?),
            };
            Some(SortPart { value, descends: component.descends })
        });
        Self {
            index,
            delivery,
            values: query.paths.known().iter().map(place_of).collect(),
            test: weaker.compile(&mut query.paths.clone()),
            widened: weaker.widened().compile(&mut query.paths.clone()),
            is_whole_filter,
            sort: sort.collect(),
            among,
        }
    }

    /// The beginning of an entry's encodings that it has in common with the entries that have to be sorted among themselves;
    /// `None` if the order decides about it alone.
    fn group<'e>(&self, entry: &IndexEntry<'e>) -> Option<&'e [u8]> {
        match self.delivery {
            Delivery::Unordered => None,
            Delivery::Grouped(paths) => Some(head(entry.encoded, paths)),
            // Entries that were cut at the same place are not sorted among themselves.
            Delivery::Chained | Delivery::Merged => entry.is_cut.then_some(entry.encoded),
        }
    }

    fn sort_key(&self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        let mut sort = Vec::new();
        for SortPart { value, descends } in self.sort.as_ref()? {
            let encoded = match value {
                SortValue::Entry(place) => parts.get(*place).copied()?,
                SortValue::Fixed(encoded) => encoded,
            };
            push_component(&mut sort, if encoded.is_empty() { &[MISSING] } else { encoded }, *descends);
        }
        Some(sort)
    }

    /// The values of an entry at the query's paths.
    fn values<'e>(&self, parts: &[&'e [u8]]) -> Values<'e> {
        let value = |place: &Option<usize>| match place.and_then(|place| parts.get(place)) {
            Some(encoded) if !encoded.is_empty() => Value::Encoded(encoded),
            _ => Value::Missing,
        };
        self.values.iter().map(value).collect()
    }

    /// What the values of an entry that is not cut say; `None` when they are none.
    fn judge(&self, entry: &IndexEntry<'_>, may_be_stale: bool) -> Option<Verdict> {
        let parts = components(entry.encoded)?;
        let values = self.values(&parts);
        let is_possible = self.test.is_met_by(&values).ok()? || may_be_stale && self.widened.is_met_by(&values).ok()?;
        let sort = if is_possible { self.sort_key(&parts) } else { None };
        Some(Verdict { encoded: entry.encoded.to_vec(), is_possible, may_be_stale, sort })
    }

    /// What may be a row, as far as the entry tells.
    fn found<F: File>(
        self: &Arc<Self>,
        context: &Context<'a, F>,
        entry: &IndexEntry<'_>,
        stored: &Entry,
        last: &mut Option<Verdict>,
    ) -> Result<Option<Found<'a>>> {
        if !context.is_wanted(entry.key) || self.among.as_ref().is_some_and(|among| !among.contains(entry.key)) {
            return Ok(None);
        }
        let may_be_stale = stored.expires_at.is_some();
        let is_ambiguous = may_be_stale || entry.is_cut || self.index.indexed.multi;
        let mut mark = Mark {
            reader: Arc::clone(self),
            encoded: is_ambiguous.then(|| entry.encoded.to_vec()),
            is_cut: entry.is_cut,
            may_be_stale,
            is_sure: false,
            has_no_place: true,
        };
        if entry.is_cut {
            let place = context.query.order.row(Vec::new(), entry.key);
            return Ok(Some(Found { place, state: State::Unread(mark) }));
        }
        let verdict = match last.take() {
            Some(same) if (&same.encoded[..], same.may_be_stale) == (entry.encoded, may_be_stale) => same,
            _ => self.judge(entry, may_be_stale).ok_or_else(|| disagreement(entry.key))?,
        };
        let verdict = last.insert(verdict);
        if !verdict.is_possible {
            return Ok(None);
        }
        mark.is_sure = self.is_whole_filter && !may_be_stale;
        mark.has_no_place = verdict.sort.is_none();
        let place = context.query.order.row(verdict.sort.clone().unwrap_or_default(), entry.key);
        if !mark.has_no_place && context.is_before(&place) {
            return Ok(None);
        }
        Ok(Some(Found { place, state: State::Unread(mark) }))
    }

    /// The ranges behind the last row of the page before. REQUIRES: rows come in the order that is asked for, one range
    /// after the other.
    fn behind(&self, after: &Place, query: &Prepared, mut ranges: Vec<KeyRange>, reverse: bool) -> Vec<KeyRange> {
        let position = match self.delivery {
            // The group of that row is read once more: it is not in the order.
            Delivery::Grouped(paths) => {
                let head = self.head_of(after, query, paths);
                if reverse { head.and_then(successor) } else { head }
            }
            _ => self.position(after, query, &ranges),
        };
        let Some(position) = position else { return ranges };
        for range in &mut ranges {
            match reverse {
                true => range.end = lower(range.end.clone(), &position),
                false => range.start = higher(range.start.clone(), &position),
            }
        }
        ranges.retain(|range| !is_empty(range));
        ranges
    }

    /// The engine key of a row's entry; `None` when it was cut.
    fn position(&self, row: &Place, query: &Prepared, ranges: &[KeyRange]) -> Option<Vec<u8>> {
        let mut position = if self.index.indexed.multi {
            match ranges {
                [KeyRange { start: Bound::Included(start), .. }] => start.clone(),
                _ => return None,
            }
        } else {
            self.head_of(row, query, self.index.indexed.paths.len())?
        };
        push_key(&mut position, &row.key);
        Some(position)
    }

    /// The beginning of the engine key of a row's entry, up to the values at this many paths; `None` if it was cut.
    fn head_of(&self, row: &Place, query: &Prepared, paths: usize) -> Option<Vec<u8>> {
        let values = split(&row.sort, query)?;
        let mut head = entries_of(self.index).to_vec();
        for path in self.index.indexed.paths.iter().take(paths) {
            let by = query.order.components.iter().position(|by| by.path == *path);
            let encoded = match by {
                Some(by) => values.get(by)?.clone(),
                None => query.filter.implied(path).as_point()?.to_vec(),
            };
            head.extend_from_slice(if encoded.is_empty() { &[MISSING] } else { &encoded });
        }
        (head.len() < PREFIX_LENGTH + INDEXED_LENGTH_MAX).then_some(head)
    }
}

/// The encodings of the first paths of an entry; all that it has if it was cut before their end.
fn head(encoded: &[u8], paths: usize) -> &[u8] {
    let mut length = 0;
    for _ in 0..paths {
        let rest = encoded.get(length..).unwrap_or_default();
        match rest.first() {
            Some(&MISSING) => length += 1,
            _ => match encoded_length(rest) {
                Some(inner) => length += inner,
                None => return encoded,
            },
        }
    }
    encoded.get(..length).unwrap_or(encoded)
}

/// The encodings that a row is ordered by.
fn split(sort: &[u8], query: &Prepared) -> Option<Vec<Vec<u8>>> {
    let (mut values, mut rest) = (Vec::new(), sort);
    for component in &query.order.components {
        let plain: Vec<u8> = rest.iter().map(|byte| if component.descends { !byte } else { *byte }).collect();
        let length = if *plain.first()? == MISSING { 1 } else { encoded_length(&plain)? };
        values.push(plain.get(..length)?.to_vec());
        rest = rest.get(length..)?;
    }
    Some(values)
}

fn higher(start: Bound<Vec<u8>>, position: &[u8]) -> Bound<Vec<u8>> {
    match &start {
        Bound::Included(key) | Bound::Excluded(key) if &key[..] > position => start,
        _ => Bound::Excluded(position.to_vec()),
    }
}

fn lower(end: Bound<Vec<u8>>, position: &[u8]) -> Bound<Vec<u8>> {
    match &end {
        Bound::Included(key) | Bound::Excluded(key) if &key[..] < position => end,
        _ => Bound::Excluded(position.to_vec()),
    }
}

impl<F: File> Context<'_, F> {
    /// Makes sure that something is a row, and reads its document. Then its place is known, too.
    pub fn read(&self, found: &mut Found<'_>) -> Result<Option<Entry>> {
        match std::mem::replace(&mut found.state, State::Known) {
            State::Read(document) => Ok(Some(document)),
            State::Known => self.document(&found.place.key),
            State::Unread(mark) => mark.read(self, &mut found.place),
        }
    }
}

impl Mark<'_> {
    /// Loads the document of an index entry and verifies that it still matches; returns `None` for a stale entry.
    pub fn read<F: File>(self, context: &Context<'_, F>, place: &mut Place) -> Result<Option<Entry>> {
        let key = &place.key;
        let document = context.document(key)?;
        let Some(document) = document else {
            return if self.may_be_stale { Ok(None) } else { Err(disagreement(key)) };
        };
        if !Content::of(key, &document.value)?.is_json() {
            return if self.may_be_stale { Ok(None) } else { Err(disagreement(key)) };
        }
        let is_enough = self.is_sure && !self.has_no_place;
        if is_enough && self.encoded.is_none() {
            return Ok(Some(document));
        }
        let Some(text) = context.source().indexed_text(key, &document)? else { return Err(disagreement(key)) };
        if let Some(encoded) = &self.encoded {
            let is_it = |(part, is_cut): &(Vec<u8>, bool)| (part, *is_cut) == (encoded, self.is_cut);
            if !parts(self.reader.index, key, &text)?.iter().any(is_it) {
                return if self.may_be_stale { Ok(None) } else { Err(disagreement(key)) };
            }
        }
        if is_enough {
            return Ok(Some(document));
        }
        let Some(row) = context.row(key, &text)? else { return Ok(None) };
        drop(text);
        *place = row;
        Ok(Some(document))
    }
}

impl<'a, F: File> IndexWalk<'a, F> {
    pub fn new(
        context: &Context<'a, F>,
        reader: Arc<IndexReader<'a>>,
        mut ranges: Vec<KeyRange>,
        reverse: bool,
        is_chained: bool,
    ) -> Self {
        if let Some(after) =
            context.query.after.as_ref().filter(|_| is_chained && reader.delivery != Delivery::Unordered)
        {
            ranges = reader.behind(after, &context.query, ranges, reverse);
        }
        if !reverse {
            ranges.reverse();
        }
        Self { reader, ranges, cursor: None, reverse, alike: Vec::new(), ahead: None, verdict: None }
    }

    /// The next row, or what may be one.
    pub fn next(&mut self, context: &Context<'a, F>) -> Result<Option<Found<'a>>> {
        loop {
            if let Some(found) = self.alike.pop() {
                return Ok(Some(found));
            }
            let Some((engine_key, stored)) = self.next_entry(context)? else { return Ok(None) };
            let reader = Arc::clone(&self.reader);
            let entry = parse_entry(reader.index, &engine_key, &stored)?;
            if let Some(group) = reader.group(&entry) {
                self.sort_alike(context, group, &entry, &stored)?;
            } else if let Some(found) = reader.found(context, &entry, &stored, &mut self.verdict)? {
                return Ok(Some(found));
            }
        }
    }

    fn next_entry(&mut self, context: &Context<'a, F>) -> Result<Option<(Vec<u8>, Entry)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            if let Some(cursor) = &mut self.cursor
                && let Some(next) = cursor.next()?
            {
                context.count(|counts| counts.entries += 1);
                return Ok(Some(next));
            }
            let Some(range) = self.ranges.pop() else { return Ok(None) };
            context.note(&range);
            let View { at, now_ms } = context.view;
            self.cursor = Some(context.database.engine.scan(range, self.reverse, at, now_ms)?);
        }
    }

    /// Sorts the rows of all entries in the group of this one.
    fn sort_alike(
        &mut self,
        context: &Context<'a, F>,
        group: &[u8],
        first: &IndexEntry<'_>,
        stored: &Entry,
    ) -> Result<()> {
        let reader = Arc::clone(&self.reader);
        self.add_alike(context, first, stored)?;
        while let Some((engine_key, stored)) = self.next_entry(context)? {
            let entry = parse_entry(reader.index, &engine_key, &stored)?;
            if reader.group(&entry) != Some(group) {
                self.ahead = Some((engine_key, stored));
                break;
            }
            self.add_alike(context, &entry, &stored)?;
        }
        self.alike.sort_unstable_by(|a, b| b.place.cmp(&a.place));
        Ok(())
    }

    /// Adds an entry to the rows that are to be sorted. If the entry does not have the place, its document is read.
    fn add_alike(&mut self, context: &Context<'a, F>, entry: &IndexEntry<'_>, stored: &Entry) -> Result<()> {
        let reader = Arc::clone(&self.reader);
        let Some(mut found) = reader.found(context, entry, stored, &mut self.verdict)? else { return Ok(()) };
        if !matches!(&found.state, State::Unread(mark) if !mark.has_no_place) {
            if context.read(&mut found)?.is_none() {
                return Ok(());
            }
            found.state = State::Known;
        }
        self.alike.push(found);
        Ok(())
    }
}

/// A row, or what may be one.
pub(crate) struct Found<'a> {
    pub place: Place,
    pub state: State<'a>,
}

/// The state of a row.
pub(crate) enum State<'a> {
    /// It is one, and this is its document.
    Read(Entry),
    /// It is one.
    Known,
    /// An index entry says so.
    Unread(Mark<'a>),
}
