//! Choosing how a query is answered, by what it would cost.
//!
//! Costs are in units of looking at a document while walking over all of them. How many entries there are in a range the
//! engine estimates; how many rows there will be is not known, but not more than any index has for the filter. A walk that
//! has the order that is asked for ends when there are rows enough.

use super::index_ranges::{Delivery, IndexRanges};
use super::query::Prepared;
use crate::documents::catalog::entries::Index;
use crate::documents::database::Database;
use crate::documents::error::Result;
use crate::documents::json::path::Path;
use crate::documents::keyspace::key::CollectionId;
use crate::documents::keyspace::range::Range;
use crate::engine::{Engine, KeyRange, Seq};
use crate::fs::File;

/// Looking at an index entry, ...
const ENTRY_COST: f64 = 0.5;
/// ... and at its document, which lies anywhere.
const DOCUMENT_COST: f64 = 2.5;
/// Sorting a row. So little that it only decides where all else is alike.
const SORT_COST: f64 = 0.05;
/// What a second index must save in order that it is read too: estimates are what they are.
const INTERSECTION_GAIN: f64 = 0.8;
/// Keys of a second index that are held in memory, at most.
pub(super) const INTERSECTED_MAX: u64 = 1 << 16;
/// Part of an index that is taken to be read for the first group of equal values.
const GROUP_PART: f64 = 0.1;
/// Ranges of one index that are estimated; of more, some of them.
const ESTIMATED_MAX: usize = 16;

/// How a query is answered.
#[derive(Debug, Clone)]
pub(super) struct Plan<'a> {
    pub access: Access<'a>,
    pub delivery: Delivery,
    /// Only keys that are among these are looked at.
    pub intersected: Option<IndexRanges<'a>>,
}

/// The source of a walk.
#[derive(Debug, Clone)]
pub(super) enum Access<'a> {
    /// Documents; `None` when there can be no rows.
    Documents(Option<KeyRange>),
    /// The entries of an index; then, in order to find documents that it does not have, these documents.
    Index(IndexRanges<'a>, Option<KeyRange>),
}

/// A plan and what it would read.
struct Candidate<'a> {
    access: Access<'a>,
    delivery: Delivery,
    entries: f64,
    /// Documents that are looked at.
    documents: f64,
}

impl<'a> Plan<'a> {
    /// The cheapest plan with these indexes.
    pub fn choose<F: File>(
        database: &Database<F>,
        collection: CollectionId,
        query: &Prepared,
        indexes: impl Iterator<Item = &'a Index>,
        at: Seq,
    ) -> Result<Self> {
        let engine = &database.engine;
        let documents = query.keys.document_keys(collection)?;
        let is_fixed = |path: &Path| query.filter.implied(path).is_one();
        let in_key_order = query.order.components.iter().all(|component| is_fixed(&component.path));
        let delivery = if in_key_order { Delivery::Chained } else { Delivery::Unordered };
        let Some(documents) = documents.filter(|_| !query.filter.is_impossible()) else {
            return Ok(Self { access: Access::Documents(None), delivery: Delivery::Chained, intersected: None });
        };
        let mut candidates = Vec::new();
        // Indexes do not know documents that are bytes.
        for index in indexes.filter(|_| query.looks_inside) {
            candidates.extend(Candidate::of_index(engine, (index, at), query, &documents)?);
        }
        if candidates.is_empty() {
            return Ok(Self { access: Access::Documents(Some(documents)), delivery, intersected: None });
        }
        let within = engine.estimate(&documents)? as f64;
        let all = match (query.keys == Range::all(), Range::all().document_keys(collection)?) {
            (false, Some(all)) => (engine.estimate(&all)? as f64).max(within),
            _ => within,
        };
        let rows = candidates.iter().filter(|candidate| candidate.is_complete()).map(|candidate| candidate.entries);
        let model = Model { within, all: all.max(1.0), rows: rows.fold(within, f64::min), needed: query.needed() };
        let walk =
            Candidate { access: Access::Documents(Some(documents)), delivery, entries: within, documents: within };
        Ok(model.cheapest(walk, candidates))
    }
}

impl<'a> Candidate<'a> {
    fn of_index<F: File>(
        engine: &Engine<F>,
        (index, at): (&'a Index, Seq),
        query: &Prepared,
        documents: &KeyRange,
    ) -> Result<Option<Self>> {
        let is_fixed = |path: &Path| query.filter.implied(path).is_one();
        let Some(ranges) = IndexRanges::of(index, &query.filter, at) else {
            return Self::with_missing(engine, index, query, documents);
        };
        let delivery = ranges.delivery(&query.order, is_fixed);
        let indexed = if index.indexed.multi { &[][..] } else { &index.indexed.paths };
        let has_place = |path: &Path| indexed.contains(path) || is_fixed(path);
        let has_places = query.order.components.iter().all(|component| has_place(&component.path));
        let needs_documents = query.needs_documents || !has_places || !query.filter.about(indexed).1;
        if needs_documents && delivery == Delivery::Unordered && ranges.are_all() {
            // Walking over the documents costs less.
            return Ok(None);
        }
        let entries = estimate(engine, &ranges.ranges)?;
        let documents = if needs_documents { entries * ranges.selectivity } else { 0.0 };
        Ok(Some(Self { access: Access::Index(ranges, None), delivery, entries, documents }))
    }

    /// A walk over an index that has no entries for documents without a value. From the highest value down these documents
    /// come last. If the first rows are enough, the walk ends before it has to look for them.
    fn with_missing<F: File>(
        engine: &Engine<F>,
        index: &'a Index,
        query: &Prepared,
        documents: &KeyRange,
    ) -> Result<Option<Self>> {
        let ([path], [by]) = (&index.indexed.paths[..], &query.order.components[..]) else { return Ok(None) };
        let has_order = *path == by.path && by.descends && query.order.keys_descend && !index.indexed.multi;
        if !has_order || query.limit.is_none() {
            return Ok(None);
        }
        let ranges = IndexRanges::with_value(index);
        let entries = estimate(engine, &ranges.ranges)?;
        let access = Access::Index(ranges, Some(documents.clone()));
        Ok(Some(Self { access, delivery: Delivery::Chained, entries, documents: entries }))
    }

    /// True if all rows have entries in the index.
    fn is_complete(&self) -> bool {
        matches!(self.access, Access::Index(_, None))
    }
}

/// The figures that costs depend on.
struct Model {
    /// Documents with the keys that are asked for, and all of them.
    within: f64,
    all: f64,
    /// There are not more rows.
    rows: f64,
    needed: f64,
}

impl Model {
    /// Which part of a walk is needed.
    fn part(&self, candidate: &Candidate<'_>) -> f64 {
        match candidate.delivery {
            Delivery::Unordered => 1.0,
            Delivery::Grouped(_) => (self.needed / self.rows.max(1.0) + GROUP_PART).min(1.0),
            _ => (self.needed / self.rows.max(1.0)).min(1.0),
        }
    }

    /// Returns the cost of a walk that reads the documents of `documents` of its entries.
    fn cost(&self, candidate: &Candidate<'_>, documents: f64) -> f64 {
        let part = self.part(candidate);
        let rest = match candidate.access {
            Access::Index(_, Some(_)) if candidate.entries < self.needed || self.rows < self.needed => self.within,
            _ => 0.0,
        };
        let sorting = match candidate.delivery {
            Delivery::Unordered => self.rows.max(1.0) * SORT_COST,
            _ => 0.0,
        };
        match candidate.access {
            Access::Documents(_) => sorting + part * candidate.entries,
            Access::Index(..) => sorting + rest + part * (candidate.entries * ENTRY_COST + documents * DOCUMENT_COST),
        }
    }

    fn cheapest<'a>(&self, walk: Candidate<'a>, candidates: Vec<Candidate<'a>>) -> Plan<'a> {
        let alone = |candidate: &Candidate<'a>| self.cost(candidate, candidate.documents * self.within / self.all);
        let costs: Vec<f64> = candidates.iter().map(alone).collect();
        let best = (0..candidates.len()).min_by(|a, b| costs[*a].total_cmp(&costs[*b]));
        let best_cost = best.map_or(f64::INFINITY, |best| costs[best]);
        let walk_cost = self.cost(&walk, 0.0);
        let mut pair = None;
        let mut pair_cost = best_cost.min(walk_cost) * INTERSECTION_GAIN;
        for (at, driver) in candidates.iter().enumerate() {
            for (other, second) in candidates.iter().enumerate() {
                let usable = at != other && second.is_complete() && driver.is_complete();
                if !usable || second.entries > INTERSECTED_MAX as f64 / 2.0 {
                    continue;
                }
                let both = driver.documents * second.entries / self.all;
                let cost = second.entries * ENTRY_COST + self.cost(driver, both);
                if cost < pair_cost {
                    (pair, pair_cost) = (Some((at, other)), cost);
                }
            }
        }
        let chosen = match (pair, best) {
            (Some((driver, _)), _) => Some(driver),
            (None, best) => best.filter(|_| best_cost <= walk_cost),
        };
        let intersected = pair.and_then(|(_, second)| match &candidates[second].access {
            Access::Index(ranges, _) => Some(ranges.clone()),
            Access::Documents(_) => None,
        });
        let Candidate { access, delivery, .. } =
            chosen.and_then(|chosen| candidates.into_iter().nth(chosen)).unwrap_or(walk);
        Plan { access, delivery, intersected }
    }
}

/// How many entries these ranges have, about.
fn estimate<F: File>(engine: &Engine<F>, ranges: &[KeyRange]) -> Result<f64> {
    let every = ranges.len().div_ceil(ESTIMATED_MAX).max(1);
    let mut entries = 0;
    for range in ranges.iter().step_by(every) {
        entries += engine.estimate(range)?;
    }
    let seen = ranges.len().div_ceil(every).max(1);
    Ok(entries as f64 * (ranges.len() as f64 / seen as f64))
}
