//! Merging what is left of tables into one sequence of keys, each with its newest version.
//!
//! A table is opened when its smallest key comes up and forgotten when it is done, so that no more of them are open than
//! overlap. Gaps go along with the keys: as long as a gap of some table is open, a version of that table may be missing
//! that is newer than what is found.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::Bound;

use bytes::Bytes;

use super::report::Losses;
use crate::engine::entry::{Seq, Version};
use crate::engine::error::Result;
use crate::engine::memtable::Memtable;
use crate::engine::table::walker::{Gap, WalkedTable, Walker};
use crate::fs::File;
use crate::page::Volume;

/// The newest version of a key that was found.
pub(crate) struct Newest {
    pub(crate) key: Bytes,
    pub(crate) version: Version,
    /// True if a newer one may be lost.
    pub(crate) is_uncertain: bool,
}

/// Where a walker stands; the smallest key is the greatest, and of one key the newest version.
#[derive(PartialEq, Eq)]
struct Head {
    key: Vec<u8>,
    seq: Seq,
    walker: usize,
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then_with(|| self.seq.cmp(&other.seq)).then_with(|| self.walker.cmp(&other.walker))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A gap that the merge is in.
struct OpenGap {
    to: Option<Vec<u8>>,
    max_seq: Seq,
}

/// The merge.
pub(crate) struct SalvageMerge {
    /// The entries of the log: newer than the tables, and each key once.
    log: Memtable,
    last_key: Option<Bytes>,
    /// Not opened yet, the one with the smallest key last.
    waiting: Vec<WalkedTable>,
    walkers: Vec<Option<Walker>>,
    heads: BinaryHeap<Head>,
    gaps: Vec<OpenGap>,
    /// Bytes of the tables that were gone through.
    pub(crate) walked: u64,
}

impl SalvageMerge {
    pub(crate) fn new(log: Memtable, mut tables: Vec<WalkedTable>) -> Self {
        tables.sort_by(|a, b| b.smallest.cmp(&a.smallest));
        Self {
            log,
            last_key: None,
            waiting: tables,
            walkers: Vec::new(),
            heads: BinaryHeap::new(),
            gaps: Vec::new(),
            walked: 0,
        }
    }

    /// The next key.
    pub(crate) fn next<F: File>(&mut self, volume: &Volume<F>, losses: &mut Losses) -> Result<Option<Newest>> {
        let Some(key) = self.next_key(volume, losses)? else { return Ok(None) };
        self.gaps.retain(|gap| gap.to.as_deref().is_none_or(|to| to >= key.as_ref()));
        let gap_seq = self.gaps.iter().map(|gap| gap.max_seq).max().unwrap_or(0);
        let mut newest = self.log.get(&key, Seq::MAX);
        while self.heads.peek().is_some_and(|head| head.key == key) {
            let Some(Head { walker: index, seq, .. }) = self.heads.pop() else { break };
            let walker = self.walkers.get(index).and_then(Option::as_ref);
            if newest.as_ref().is_none_or(|newest| newest.seq < seq) {
                newest = walker.and_then(Walker::version).or(newest);
            }
            self.advance(index, volume, losses)?;
        }
        self.last_key = Some(key.clone());
        Ok(newest.map(|version| Newest { key, is_uncertain: version.seq < gap_seq, version }))
    }

    /// The smallest key that comes next; opens the tables that it may be in.
    fn next_key<F: File>(&mut self, volume: &Volume<F>, losses: &mut Losses) -> Result<Option<Bytes>> {
        loop {
            let start = self.last_key.as_ref().map_or(Bound::Unbounded, |key| Bound::Excluded(key.as_ref()));
            let logged = self.log.range(start, Bound::Unbounded).next().map(|(key, _)| key);
            let stored = self.heads.peek().map(|head| head.key.as_slice());
            let next = match (logged.map(Bytes::as_ref), stored) {
                (Some(logged), Some(stored)) => Some(logged.min(stored)),
                (logged, stored) => logged.or(stored),
            };
            let is_due = |table: &WalkedTable| next.is_none_or(|next| table.smallest.as_ref() <= next);
            if !self.waiting.last().is_some_and(is_due) {
                return Ok(next.map(Bytes::copy_from_slice));
            }
            if let Some(table) = self.waiting.pop() {
                self.open(table, volume, losses)?;
            }
        }
    }

    fn open<F: File>(&mut self, table: WalkedTable, volume: &Volume<F>, losses: &mut Losses) -> Result<()> {
        let walker = Some(Walker::new(table, volume)?);
        let index = self.walkers.iter().position(Option::is_none);
        let index = match index.and_then(|index| Some((index, self.walkers.get_mut(index)?))) {
            Some((index, slot)) => {
                *slot = walker;
                index
            }
            None => {
                self.walkers.push(walker);
                self.walkers.len() - 1
            }
        };
        self.advance(index, volume, losses)
    }

    fn advance<F: File>(&mut self, index: usize, volume: &Volume<F>, losses: &mut Losses) -> Result<()> {
        let Some(slot) = self.walkers.get_mut(index) else { return Ok(()) };
        let Some(walker) = slot else { return Ok(()) };
        let before = walker.walked();
        let gap = walker.advance(volume)?;
        self.walked += walker.walked() - before;
        if let Some(gap) = gap {
            losses.add_gap(&walker.table, &gap);
            self.gaps.extend(OpenGap::of(&walker.table, gap));
        }
        match walker.entry() {
            Some((key, seq)) => self.heads.push(Head { key: key.to_vec(), seq, walker: index }),
            None => {
                losses.finish_table(walker);
                *slot = None;
            }
        }
        Ok(())
    }
}

impl OpenGap {
    fn of(table: &WalkedTable, gap: Gap) -> Option<Self> {
        let max_seq = table.known.as_ref().map_or(Seq::MAX, |known| known.statistics.max_seq);
        // Where nobody knows how far it goes, it goes to the end of the key space.
        let to = gap.to.or_else(|| Some((u64::from_be_bytes(table.prefix).checked_add(1)?).to_be_bytes().to_vec()));
        gap.has_entries.then_some(Self { to, max_seq })
    }
}
