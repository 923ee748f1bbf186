//! Which keys recent commits have written, for the transactions that are under way.

use crate::documents::keyspace::key::parts_of;
use crate::engine::{Batch, KeyRange, Seq};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

/// Bytes of keys that are remembered, at most. A transaction that was begun before the oldest of them cannot be committed.
const BYTES_MAX: usize = 32 << 20;

/// The engine keys that commits have written, since the oldest transaction that is under way began.
#[derive(Debug, Default)]
pub(crate) struct History {
    commits: VecDeque<(Seq, Vec<Vec<u8>>)>,
    bytes: usize,
    /// Commits up to this one are forgotten.
    forgotten: Seq,
    /// How many transactions began at a commit.
    begun: BTreeMap<Seq, usize>,
}

/// The engine keys that a transaction has read, as ranges that do not overlap.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads {
    /// Starts and ends. A start is included, an end is not; `None` is behind everything.
    ranges: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

/// The keys that `batch` writes, without those of parts. Nobody notes that parts were read: the entry of their document is
/// written with them.
#[cold]
#[inline(never)]
fn written_keys(batch: &Batch) -> Vec<Vec<u8>> {
    let is_part = |key: &[u8]| key.first_chunk().copied().and_then(parts_of).is_some();
    batch.keys().filter(|key| !is_part(key)).map(<[u8]>::to_vec).collect()
}

impl History {
    /// A transaction begins at `seq`.
    pub fn begin(&mut self, seq: Seq) {
        if self.begun.is_empty() {
            self.forgotten = seq;
        }
        *self.begun.entry(seq).or_default() += 1;
    }

    /// The transaction that began at `seq` is over.
    pub fn end(&mut self, seq: Seq) {
        if let Some(count) = self.begun.get_mut(&seq) {
            *count -= 1;
            if *count == 0 {
                self.begun.remove(&seq);
            }
        }
        let oldest = self.begun.keys().next().copied().unwrap_or(Seq::MAX);
        while self.commits.front().is_some_and(|(seq, _)| *seq <= oldest) {
            self.forget_first();
        }
    }

    /// Notes the keys that `batch` writes, if a transaction may ask for them.
    pub fn keys_of(&self, batch: &Batch) -> Option<Vec<Vec<u8>>> {
        (!self.begun.is_empty()).then(|| written_keys(batch))
    }

    /// A commit was made.
    pub fn add(&mut self, seq: Seq, keys: Vec<Vec<u8>>) {
        self.bytes += bytes_of(&keys);
        self.commits.push_back((seq, keys));
        while self.bytes > BYTES_MAX {
            self.forget_first();
        }
    }

    /// Forgets the commits after `seq`, which were rolled back.
    pub fn take_back(&mut self, seq: Seq) {
        while let Some((_, keys)) = self.commits.pop_back_if(|(last, _)| *last > seq) {
            self.bytes -= bytes_of(&keys);
        }
        self.forgotten = self.forgotten.min(seq);
    }

    fn forget_first(&mut self) {
        if let Some((seq, keys)) = self.commits.pop_front() {
            self.bytes -= bytes_of(&keys);
            self.forgotten = self.forgotten.max(seq);
        }
    }

    /// True if all commits behind `seq` are remembered.
    pub fn reaches(&self, seq: Seq) -> bool {
        self.forgotten <= seq
    }

    /// True if a commit behind `seq` has written what was read.
    pub fn has_changed(&self, seq: Seq, reads: &Reads) -> bool {
        let behind = self.commits.iter().rev().take_while(|(commit, _)| *commit > seq);
        behind.flat_map(|(_, keys)| keys).any(|key| reads.contains(key))
    }
}

/// The memory of a commit's entry.
fn bytes_of(keys: &[Vec<u8>]) -> usize {
    keys.iter().map(|key| key.len() + 32).sum()
}

impl Reads {
    /// Notes that a key was looked up.
    pub fn add_key(&mut self, key: Vec<u8>) {
        let end = [&key[..], &[0]].concat();
        self.add(key, Some(end));
    }

    /// Notes that a range was read.
    pub fn add_range(&mut self, range: &KeyRange) {
        let behind = |key: &Vec<u8>| [&key[..], &[0]].concat();
        let start = match &range.start {
            Bound::Included(key) => key.clone(),
            Bound::Excluded(key) => behind(key),
            Bound::Unbounded => Vec::new(),
        };
        let end = match &range.end {
            Bound::Included(key) => Some(behind(key)),
            Bound::Excluded(key) => Some(key.clone()),
            Bound::Unbounded => None,
        };
        self.add(start, end);
    }

    fn add(&mut self, mut start: Vec<u8>, mut end: Option<Vec<u8>>) {
        if end.as_ref().is_some_and(|end| *end <= start) {
            return;
        }
        // What it touches becomes one with it.
        while let Some((known, known_end)) = self.touching(&start, end.as_deref()) {
            self.ranges.remove(&known);
            start = start.min(known);
            end = end.zip(known_end).map(|(end, known_end)| end.max(known_end));
        }
        self.ranges.insert(start, end);
    }

    fn touching(&self, start: &[u8], end: Option<&[u8]>) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
        let upper = end.map_or(Bound::Unbounded, Bound::Included);
        let (known, known_end) = self.ranges.range::<[u8], _>((Bound::Unbounded, upper)).next_back()?;
        known_end.as_deref().is_none_or(|known_end| known_end >= start).then(|| (known.clone(), known_end.clone()))
    }

    fn contains(&self, key: &[u8]) -> bool {
        let before = self.ranges.range::<[u8], _>((Bound::Unbounded, Bound::Included(key))).next_back();
        before.is_some_and(|(_, end)| end.as_deref().is_none_or(|end| key < end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bound(kind: u8, key: u8) -> Bound<Vec<u8>> {
        match kind % 3 {
            0 => Bound::Included(vec![key]),
            1 => Bound::Excluded(vec![key]),
            _ => Bound::Unbounded,
        }
    }

    proptest! {
        #[test]
        fn what_was_read_is_known(
            ranges in proptest::collection::vec((any::<u8>(), 0..40_u8, any::<u8>(), 0..40_u8), 0..12),
            keys in proptest::collection::vec(0..40_u8, 0..6),
        ) {
            let ranges: Vec<KeyRange> = ranges
                .into_iter()
                .map(|(from, start, to, end)| KeyRange { start: bound(from, start), end: bound(to, end) })
                .collect();
            let mut reads = Reads::default();
            ranges.iter().for_each(|range| reads.add_range(range));
            keys.iter().for_each(|key| reads.add_key(vec![*key]));
            for key in (0..42).flat_map(|key| [vec![key], vec![key, 0], vec![key, 7]]) {
                let in_range = |range: &KeyRange| {
                    std::ops::RangeBounds::contains(&(range.start.clone(), range.end.clone()), &key)
                };
                let expected = ranges.iter().any(in_range) || keys.iter().any(|read| key == [*read]);
                prop_assert_eq!(reads.contains(&key), expected, "{:?}", key);
            }
        }
    }

    #[test]
    fn commits_are_remembered_as_long_as_someone_may_ask() {
        let mut history = History::default();
        let mut batch = Batch::new();
        batch.put(vec![0; 9], vec![1], None);
        assert!(history.keys_of(&batch).is_none());
        history.begin(3);
        history.begin(5);
        for seq in 4..9 {
            history.add(seq, vec![vec![seq as u8]]);
        }
        let mut reads = Reads::default();
        reads.add_key(vec![6]);
        assert!(history.has_changed(3, &reads) && history.has_changed(5, &reads) && !history.has_changed(6, &reads));
        history.end(3);
        assert_eq!(history.commits.len(), 3);
        history.take_back(6);
        reads.add_key(vec![8]);
        assert!(history.has_changed(5, &reads) && history.reaches(5));
        history.end(5);
        assert!(history.commits.is_empty() && history.bytes == 0);
    }

    #[test]
    fn there_is_an_end_to_what_is_remembered() {
        let mut history = History::default();
        history.begin(1);
        for seq in 2..40 {
            history.add(seq, vec![vec![0; 1 << 20]]);
        }
        assert!(history.bytes <= BYTES_MAX && !history.reaches(1) && history.reaches(39));
        history.take_back(3);
        assert!(!history.reaches(1) && history.reaches(3), "what was taken back need not be remembered");
    }
}
