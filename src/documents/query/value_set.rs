//! Sets of encoded values.

use super::condition::Bounds;
use crate::documents::json::ordering::{MISSING, shared_beginning};
use std::ops::Bound;

/// Before all encodings, whose first byte is a tag, and behind what stands for a missing one.
const BEFORE_ALL: [u8; 1] = [MISSING + 1];
/// Behind all encodings.
const BEHIND_ALL: [u8; 1] = [0xff];

/// Which values a condition allows, and whether it allows that there is none.
///
/// The values are those between the first and the second cut, the third and the fourth, and so on. Cuts ascend, so that
/// membership is a binary search, and each set has one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ValueSet {
    cuts: Vec<Cut>,
    /// True if a document without a value is in it.
    pub has_missing: bool,
}

/// A place between encodings: before `at`, or behind it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Cut {
    pub at: Vec<u8>,
    pub is_behind: bool,
}

impl Cut {
    fn before(at: impl Into<Vec<u8>>) -> Self {
        Self { at: at.into(), is_behind: false }
    }

    fn behind(at: impl Into<Vec<u8>>) -> Self {
        Self { at: at.into(), is_behind: true }
    }

    fn first() -> Self {
        Self::before(BEFORE_ALL)
    }

    fn last() -> Self {
        Self::before(BEHIND_ALL)
    }
}

impl ValueSet {
    /// Every value, and the lack of one.
    pub fn everything() -> Self {
        Self { cuts: vec![Cut::first(), Cut::last()], has_missing: true }
    }

    /// Every value.
    pub fn any_value() -> Self {
        Self { has_missing: false, ..Self::everything() }
    }

    /// These values.
    pub fn points(mut encoded: Vec<Vec<u8>>) -> Self {
        encoded.sort_unstable();
        encoded.dedup();
        let cuts = encoded.into_iter().flat_map(|value| [Cut::before(value.clone()), Cut::behind(value)]).collect();
        Self { cuts, has_missing: false }
    }

    /// The values within `bounds`.
    pub fn range(bounds: &Bounds) -> Self {
        let start = match &bounds.start {
            Bound::Included(at) => Cut::before(at.clone()),
            Bound::Excluded(at) => Cut::behind(at.clone()),
            Bound::Unbounded => Cut::first(),
        };
        let end = match &bounds.end {
            Bound::Included(at) => Cut::behind(at.clone()),
            Bound::Excluded(at) => Cut::before(at.clone()),
            Bound::Unbounded => Cut::last(),
        };
        let cuts = if start < end { vec![start, end] } else { Vec::new() };
        Self { cuts, has_missing: false }
    }

    /// All that is not in this set.
    pub fn complement(mut self) -> Self {
        for edge in [Cut::first(), Cut::last()] {
            match self.cuts.binary_search(&edge) {
                Ok(at) => {
                    self.cuts.remove(at);
                }
                Err(at) => self.cuts.insert(at, edge),
            }
        }
        self.has_missing = !self.has_missing;
        self
    }

    /// Returns the union of `sets`.
    pub fn union(sets: Vec<Self>) -> Self {
        Self::combine(sets, 1)
    }

    /// Returns the intersection of `sets`.
    pub fn intersection(sets: Vec<Self>) -> Self {
        match sets.len() {
            0 => Self::everything(),
            count => Self::combine(sets, count),
        }
    }

    /// What is in `needed` of `sets` at least; that is more than 0.
    fn combine(mut sets: Vec<Self>, needed: usize) -> Self {
        if sets.len() == 1
            && let Some(only) = sets.pop()
        {
            return only;
        }
        let has_missing = sets.iter().filter(|set| set.has_missing).count() >= needed;
        let steps = sets.into_iter().flat_map(|set| set.cuts.into_iter().enumerate());
        let mut steps: Vec<(Cut, bool)> = steps.map(|(index, cut)| (cut, index % 2 == 0)).collect();
        steps.sort_unstable();
        let (mut cuts, mut depth, mut rest) = (Vec::new(), 0, steps.into_iter().peekable());
        while let Some((cut, enters)) = rest.next() {
            let was_inside = depth >= needed;
            depth = if enters { depth + 1 } else { depth - 1 };
            while let Some((_, enters)) = rest.next_if(|(next, _)| *next == cut) {
                depth = if enters { depth + 1 } else { depth - 1 };
            }
            if was_inside != (depth >= needed) {
                cuts.push(cut);
            }
        }
        Self { cuts, has_missing }
    }

    /// True if a value with this encoding, or its lack, is in the set.
    pub fn contains(&self, encoded: Option<&[u8]>) -> bool {
        match encoded {
            Some(encoded) => {
                let passed = self.cuts.partition_point(|cut| (&cut.at[..], cut.is_behind) <= (encoded, false));
                passed % 2 == 1
            }
            None => self.has_missing,
        }
    }

    /// The set as index entries have it: around a number that entries may hold as another one, all that it may be held as.
    /// With `every_bound` that is so for each number at the end of a range.
    pub fn widened(&self, every_bound: bool) -> Self {
        let ranges: Vec<(&Cut, &Cut)> = self.ranges().collect();
        // The lack of a single number: an entry of it may be of another one.
        let is_gap = |at: usize| {
            let (Some((_, end)), Some((start, _))) = (ranges.get(at), ranges.get(at + 1)) else { return false };
            end.at == start.at && shared_beginning(&end.at, true).is_some()
        };
        let beginning = |cut: &Cut, every| shared_beginning(&cut.at, every).map(<[u8]>::to_vec);
        let widened = ranges.iter().enumerate().map(|(at, (start, end))| {
            let before = at > 0 && is_gap(at - 1);
            let start = match beginning(start, every_bound || before) {
                Some(beginning) => Cut::before([&beginning[..], &[0; 2]].concat()),
                None => (*start).clone(),
            };
            let end = match beginning(end, every_bound || is_gap(at)) {
                Some(beginning) => Cut::behind([&beginning[..], &[0xff; 2]].concat()),
                None => (*end).clone(),
            };
            Self { cuts: vec![start, end], has_missing: false }
        });
        let widened = Self::union(widened.collect());
        Self { cuts: widened.cuts, has_missing: self.has_missing }
    }

    /// The ranges of values, in order.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = (&Cut, &Cut)> {
        self.cuts.as_chunks::<2>().0.iter().map(|[start, end]| (start, end))
    }

    /// True if neither values nor their lack are in it.
    pub fn is_empty(&self) -> bool {
        self.cuts.is_empty() && !self.has_missing
    }

    /// True if all values are in it.
    pub fn has_all_values(&self) -> bool {
        matches!(&self.cuts[..], [start, end] if *start == Cut::first() && *end == Cut::last())
    }

    /// The only value in it, if all entries of it are alike; or no bytes, when only the lack of one is.
    pub fn as_point(&self) -> Option<&[u8]> {
        match &self.cuts[..] {
            [start, end] if !self.has_missing => {
                point(start, end).filter(|value| shared_beginning(value, false).is_none())
            }
            [] if self.has_missing => Some(&[]),
            _ => None,
        }
    }

    /// True if all documents that are in it have the same there.
    pub fn is_one(&self) -> bool {
        self.as_point().is_some()
    }
}

/// The value that a range is made of, when that is one.
pub(crate) fn point<'a>(start: &'a Cut, end: &Cut) -> Option<&'a [u8]> {
    (start.at == end.at && !start.is_behind && end.is_behind).then_some(&start.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A set, and the same as a list of what is in it: of the values 10 to 1f, and their lack.
    type Case = (ValueSet, Vec<bool>);

    fn listed(set: &ValueSet) -> Vec<bool> {
        let values = (0x10..0x20).map(|value| set.contains(Some(&[value])));
        values.chain([set.contains(None)]).collect()
    }

    fn bounds(kind: u8, from: u8, to: u8) -> Bounds {
        let bound = |kind: u8, at: u8| match kind % 3 {
            0 => Bound::Included(vec![at]),
            1 => Bound::Excluded(vec![at]),
            _ => Bound::Unbounded,
        };
        Bounds { start: bound(kind, from), end: bound(kind / 3, to) }
    }

    fn case() -> impl Strategy<Value = Case> {
        let value = || 0x10..0x20_u8;
        let range = (any::<u8>(), value(), value()).prop_map(|(kind, from, to)| {
            let bounds = bounds(kind, from, to);
            let within =
                |at: u8| std::ops::RangeBounds::contains(&(bounds.start.clone(), bounds.end.clone()), &vec![at]);
            let list = (0x10..0x20).map(within).chain([false]).collect();
            (ValueSet::range(&bounds), list)
        });
        let points = proptest::collection::vec(value(), 0..5).prop_map(|values| {
            let list = (0x10..0x20).map(|at| values.contains(&at)).chain([false]).collect();
            (ValueSet::points(values.iter().map(|value| vec![*value]).collect()), list)
        });
        let ends = prop_oneof![
            Just((ValueSet::everything(), vec![true; 17])),
            Just((ValueSet::points(Vec::new()), vec![false; 17])),
            Just((ValueSet::any_value(), [vec![true; 16], vec![false]].concat())),
        ];
        prop_oneof![range, points, ends].prop_recursive(4, 24, 3, |inner| {
            let many = proptest::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                inner.prop_map(|(set, list)| (set.complement(), list.iter().map(|is_in| !is_in).collect())),
                many.clone().prop_map(|cases| combined(cases, true)),
                many.prop_map(|cases| combined(cases, false)),
            ]
        })
    }

    fn combined(cases: Vec<Case>, is_union: bool) -> Case {
        let (sets, lists): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
        let of = |at: usize| match is_union {
            true => lists.iter().any(|list| list[at]),
            false => lists.iter().all(|list| list[at]),
        };
        let list = (0..17).map(of).collect();
        (if is_union { ValueSet::union(sets) } else { ValueSet::intersection(sets) }, list)
    }

    proptest! {
        #[test]
        fn sets_are_what_their_parts_make_them((set, list) in case()) {
            prop_assert_eq!(listed(&set), list);
            prop_assert!(set.cuts.is_sorted_by(|a, b| a < b) && set.cuts.len() % 2 == 0);
            prop_assert_eq!(set.clone().complement().complement(), set);
        }
    }

    #[test]
    fn points_are_known() {
        assert_eq!(ValueSet::points(vec![vec![5]]).as_point(), Some(&[5][..]));
        let five = Bound::Included(vec![5]);
        assert_eq!(ValueSet::range(&Bounds { start: five.clone(), end: five }).as_point(), Some(&[5][..]));
        for set in [ValueSet::points(vec![vec![5], vec![6]]), ValueSet::points(Vec::new()), ValueSet::everything()] {
            assert_eq!(set.as_point(), None);
        }
        assert!(ValueSet::any_value().has_all_values() && !ValueSet::points(Vec::new()).has_all_values());
    }
}
