//! Which entries of an index a filter asks for, and in which order they come.

use super::filter_tree::Node;
use super::order::{Component, Order};
use super::value_set::{Cut, ValueSet, point};
use crate::documents::catalog::entries::Index;
use crate::documents::catalog::entries::entries_of;
use crate::documents::index::entry::cut;
use crate::documents::json::ordering::MISSING;
use crate::documents::json::ordering_text::texts_of;
use crate::documents::json::path::Path;
use crate::documents::keyspace::key::successor;
use crate::documents::keyspace::range::is_empty;
use crate::engine::{KeyRange, Seq};
use std::ops::Bound;

/// The most ranges that one query reads of an index, but for those that the values of the first path make.
const RANGES_MAX: usize = 4096;

/// Which part of the entries is taken to meet a condition that makes no ranges.
const SELECTIVITY: f64 = 0.1;

/// The most ranges that are described.
const TOLD_MAX: usize = 10;

/// The most ranges that are read side by side, to be merged.
const MERGED_MAX: usize = 64;

/// The entries of an index that may be of documents that meet a filter. Entries of all others are outside.
#[derive(Debug, Clone)]
pub(super) struct IndexRanges<'a> {
    pub index: &'a Index,
    /// Ascending; they do not touch each other.
    pub ranges: Vec<KeyRange>,
    /// The first ranges as they were requested, for the description.
    asked: Vec<Ends>,
    /// Inside each range, the values at this many of the index's paths are the same everywhere.
    equal_paths: usize,
    /// Which part of the entries is left when the values at paths behind the ranges are looked at, guessed.
    pub selectivity: f64,
}

/// How the rows of an index come in the order that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivery {
    /// They do not.
    Unordered,
    /// One range after the other.
    Chained,
    /// All ranges side by side: each is in the order.
    Merged,
    /// One range after the other, in the order as far as the values at this many of the index's paths decide it: entries that
    /// are equal in these come together, and are sorted among themselves.
    Grouped(usize),
}

/// The ends of a range, before or behind some encodings.
type Ends = (Cut, Cut);

impl<'a> IndexRanges<'a> {
    /// The entries for a reader at `at`. `None` if documents without an entry may meet the filter.
    pub fn of(index: &'a Index, filter: &Node, at: Seq) -> Option<Self> {
        let paths = &index.indexed.paths;
        let mut selectivity = 1.0;
        let (ends, mut equal_paths) = if index.indexed.multi {
            let elements = ValueSet::points(filter.implied_elements(paths.first()?)?).widened(false);
            (elements.ranges().map(|(start, end)| (start.clone(), end.clone())).collect(), 1)
        } else {
            let sets: Vec<_> = paths.iter().map(|path| filter.implied(path).widened(false)).collect();
            if sets.first()?.has_missing && !index.is_complete(at) {
                return None;
            }
            let (ends, equal_paths) = ends_of(&sets);
            let behind = sets.iter().skip(equal_paths + 1).filter(|set| !(set.has_all_values() && set.has_missing));
            behind.for_each(|_| selectivity *= SELECTIVITY);
            (ends, equal_paths)
        };
        let found = ends.iter().map(|ends| engine_range(index, ends)).filter(|range| !is_empty(range));
        let mut ranges: Vec<KeyRange> = Vec::new();
        for range in found {
            match ranges.last_mut() {
                // Long values that are cut alike have one range.
                Some(last) if overlaps(last, &range) => {
                    last.end = range.end;
                    equal_paths = 0;
                }
                _ => ranges.push(range),
            }
        }
        let asked = ends.into_iter().take(TOLD_MAX).collect();
        Some(Self { index, ranges, asked, equal_paths, selectivity })
    }

    /// The entries of all documents with a value at the first path.
    pub fn with_value(index: &'a Index) -> Self {
        let prefix = entries_of(index).to_vec();
        let start = [&prefix[..], &[MISSING + 1]].concat();
        let end = successor(prefix).map_or(Bound::Unbounded, Bound::Excluded);
        let ranges = vec![KeyRange { start: Bound::Included(start), end }];
        Self { index, ranges, asked: Vec::new(), equal_paths: 0, selectivity: 1.0 }
    }

    /// Describes the first ranges, for people.
    pub fn told(&self) -> Vec<String> {
        self.asked.iter().map(told).collect()
    }

    /// True if these are all entries of a complete index.
    pub fn are_all(&self) -> bool {
        matches!(&self.asked[..], [(start, end)] if start.at.is_empty() && end.at.is_empty())
    }

    /// How its rows come in `order`, given which paths have one value in all documents that are asked for.
    pub fn delivery(&self, order: &Order, is_fixed: impl Fn(&Path) -> bool) -> Delivery {
        let descends = order.keys_descend;
        let wanted: Vec<&Component> = order.components.iter().filter(|wanted| !is_fixed(&wanted.path)).collect();
        if wanted.iter().any(|wanted| wanted.descends != descends) {
            return self.grouped(&wanted, is_fixed);
        }
        let (indexed, one_range) = (&self.index.indexed, self.ranges.len() <= 1);
        if indexed.multi {
            return match wanted.is_empty() {
                true if one_range && self.equal_paths == 1 => Delivery::Chained,
                true if self.equal_paths == 1 && self.ranges.len() <= MERGED_MAX => Delivery::Merged,
                _ => Delivery::Unordered,
            };
        }
        let is_in_order = |skipped: usize| {
            let equal = indexed.paths.iter().take(skipped).collect::<Vec<_>>();
            let wanted = wanted.iter().map(|wanted| &wanted.path).filter(|path| !equal.contains(path));
            wanted.eq(indexed.paths.iter().skip(skipped).filter(|path| !is_fixed(path)))
        };
        if is_in_order(0) {
            Delivery::Chained
        } else if is_in_order(self.equal_paths) && self.ranges.len() <= MERGED_MAX {
            Delivery::Merged
        } else {
            self.grouped(&wanted, is_fixed)
        }
    }

    /// The delivery if the first paths of the index have the beginning of the order.
    fn grouped(&self, wanted: &[&Component], is_fixed: impl Fn(&Path) -> bool) -> Delivery {
        let Some(first) = wanted.first().filter(|_| !self.index.indexed.multi) else { return Delivery::Unordered };
        let (mut paths, mut matched) = (0, 0);
        for path in &self.index.indexed.paths {
            match wanted.get(matched) {
                Some(next) if next.path == *path && next.descends == first.descends => matched += 1,
                _ if is_fixed(path) => {}
                _ => break,
            }
            paths += 1;
        }
        if matched > 0 { Delivery::Grouped(paths) } else { Delivery::Unordered }
    }
}

/// The ranges of entries whose values lie in `sets`, path by path, ascending; and how many paths have one value in each.
fn ends_of(sets: &[ValueSet]) -> (Vec<Ends>, usize) {
    let mut heads: Vec<Vec<u8>> = vec![Vec::new()];
    for (place, set) in sets.iter().enumerate() {
        let fits = |count: usize| place == 0 || heads.len().saturating_mul(count) <= RANGES_MAX;
        if let Some(points) = points_of(set)
            && fits(points.len())
        {
            heads = heads.iter().flat_map(|head| points.iter().map(|point| [&head[..], point].concat())).collect();
            continue;
        }
        let is_all = set.has_all_values() && set.has_missing;
        let parts: Vec<Ends> = match is_all || !fits(set.ranges().len() + 1) {
            true => return (heads.into_iter().map(whole).collect(), place),
            false => {
                let missing = set.has_missing.then(|| whole(vec![MISSING]));
                missing.into_iter().chain(set.ranges().map(|(start, end)| (start.clone(), end.clone()))).collect()
            }
        };
        let behind = |head: &[u8], cut: &Cut| Cut { at: [head, &cut.at].concat(), is_behind: cut.is_behind };
        let ends =
            heads.iter().flat_map(|head| parts.iter().map(|(start, end)| (behind(head, start), behind(head, end))));
        return (ends.collect(), place);
    }
    (heads.into_iter().map(whole).collect(), sets.len())
}

/// The values of a set that has only single ones.
fn points_of(set: &ValueSet) -> Option<Vec<&[u8]>> {
    let missing = set.has_missing.then_some(Some(&[MISSING][..]));
    missing.into_iter().chain(set.ranges().map(|(start, end)| point(start, end))).collect()
}

/// All entries that begin with `head`.
fn whole(head: Vec<u8>) -> Ends {
    (Cut { at: head.clone(), is_behind: false }, Cut { at: head, is_behind: true })
}

fn told((start, end): &Ends) -> String {
    let values = |cut: &Cut| texts_of(&cut.at).join(", ");
    if start.at == end.at && !start.is_behind && end.is_behind {
        return if start.at.is_empty() { "all".to_owned() } else { format!("= {}", values(start)) };
    }
    let (from, to) = (if start.is_behind { ">" } else { ">=" }, if end.is_behind { "<=" } else { "<" });
    format!("{from} {}, {to} {}", values(start), values(end))
}

fn engine_range(index: &Index, (start, end): &Ends) -> KeyRange {
    let at = |encoded: &[u8]| [&entries_of(index)[..], cut(encoded).0].concat();
    let behind = |encoded: &[u8]| successor(at(encoded));
    // Of what is cut at the same place the entries do not tell on which side they are.
    let is_cut = |encoded: &[u8]| cut(encoded).1;
    let start = match start.is_behind && !is_cut(&start.at) {
        true => behind(&start.at).map_or(Bound::Unbounded, Bound::Included),
        false => Bound::Included(at(&start.at)),
    };
    let end = match end.is_behind || is_cut(&end.at) {
        true => behind(&end.at).map_or(Bound::Unbounded, Bound::Excluded),
        false => Bound::Excluded(at(&end.at)),
    };
    KeyRange { start, end }
}

fn overlaps(before: &KeyRange, range: &KeyRange) -> bool {
    match (&before.end, &range.start) {
        (Bound::Excluded(end), Bound::Included(start)) => start < end,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::catalog::entries::IndexState;
    use crate::documents::catalog::index_spec::Indexed;
    use crate::documents::query::filter::Filter;
    use crate::documents::query::query::Query;

    fn index(paths: &[&str], multi: bool) -> Index {
        Index::sample(Indexed::new(paths, false, multi).unwrap())
    }

    /// How many ranges there are, and how they deliver an order.
    fn delivered(paths: &[&str], filter: &str, rest: &str) -> Option<(usize, Delivery)> {
        let multi = paths == ["tags"];
        let (index, filter) = (index(paths, multi), Filter::parse(filter).unwrap().node);
        let order = Query::parse(rest).unwrap().prepare().unwrap().order;
        let ranges = IndexRanges::of(&index, &filter, 0)?;
        let is_fixed = |path: &Path| filter.implied(path).is_one();
        Some((ranges.ranges.len(), ranges.delivery(&order, is_fixed)))
    }

    #[test]
    fn filters_become_ranges() {
        use Delivery::{Chained, Grouped, Merged, Unordered};
        let ab = &["a", "b"][..];
        for (paths, filter, rest, expected) in [
            (&["a"][..], r#"{"a": 1}"#, "{}", Some((1, Chained))),
            (&["a"], r#"{"a": 1}"#, r#"{"reverse": true}"#, Some((1, Chained))),
            (&["a"], r#"{"a": {"gt": 1}}"#, "{}", Some((1, Unordered))),
            (&["a"], r#"{"a": {"gt": 1}}"#, r#"{"orderBy": "a"}"#, Some((1, Chained))),
            (&["a"], r#"{"a": {"in": [1, 2]}}"#, "{}", Some((2, Merged))),
            (&["a"], r#"{"a": {"in": [1, 2]}}"#, r#"{"orderBy": "a"}"#, Some((2, Chained))),
            (&["a"], r#"{"or": [{"a": 1}, {"a": {"gt": 5}}]}"#, r#"{"orderBy": "a"}"#, Some((2, Chained))),
            (&["a"], r#"{"or": [{"a": 1}, {"b": 1}]}"#, "{}", None),
            (&["a"], r#"{"a": {"ne": 1}}"#, "{}", None),
            // An entry for 1 may be of a number that differs behind its 17th digit.
            (&["a"], r#"{"a": {"ne": 1, "exists": true}}"#, "{}", Some((1, Unordered))),
            (&["a"], r#"{"a": {"ne": "x", "exists": true}}"#, "{}", Some((2, Unordered))),
            (ab, r#"{"a": 1}"#, r#"{"orderBy": "b"}"#, Some((1, Chained))),
            (ab, r#"{"a": 1}"#, r#"{"orderBy": ["a", "b"]}"#, Some((1, Chained))),
            (ab, r#"{"a": 1}"#, r#"{"orderBy": {"path": "b", "reverse": true}}"#, Some((1, Chained))),
            (ab, r#"{"a": 1}"#, "{}", Some((1, Unordered))),
            (ab, r#"{"a": {"gt": 1}}"#, r#"{"orderBy": "a"}"#, Some((1, Grouped(1)))),
            (ab, r#"{"a": {"gt": 1}}"#, r#"{"orderBy": ["a", "c"]}"#, Some((1, Grouped(1)))),
            (ab, r#"{"a": 1}"#, r#"{"orderBy": ["b", "c"]}"#, Some((1, Grouped(2)))),
            (ab, r#"{"a": {"gt": 1}}"#, r#"{"orderBy": "b"}"#, Some((1, Unordered))),
            (ab, r#"{"a": 1, "b": 2}"#, "{}", Some((1, Chained))),
            (ab, r#"{"a": 1, "b": {"gt": 2}}"#, r#"{"orderBy": "b"}"#, Some((1, Chained))),
            (ab, r#"{"a": {"in": [1, 2]}}"#, r#"{"orderBy": "b"}"#, Some((2, Merged))),
            (ab, r#"{"a": {"in": [1, 2]}}"#, r#"{"orderBy": ["b", "a"]}"#, Some((2, Merged))),
            (ab, r#"{"a": {"in": [1, 2]}, "b": {"in": [1, 2, 3]}}"#, "{}", Some((6, Merged))),
            (ab, r#"{"a": {"in": [1, 2]}, "b": {"lt": 5}}"#, r#"{"orderBy": ["a", "b"]}"#, Some((2, Chained))),
            (ab, r#"{"a": {"gt": 1}, "b": 2}"#, r#"{"orderBy": "a"}"#, Some((1, Chained))),
            (
                ab,
                r#"{"a": {"exists": true}}"#,
                r#"{"orderBy": ["a", {"path": "b", "reverse": true}]}"#,
                Some((1, Grouped(1))),
            ),
            (ab, r#"{"a": 1, "b": {"exists": false}}"#, "{}", Some((1, Chained))),
            (ab, r#"{"a": 1, "b": {"nin": ["x"]}}"#, r#"{"orderBy": "b"}"#, Some((3, Chained))),
            (&["tags"], r#"{"tags": {"contains": 1}}"#, "{}", Some((1, Chained))),
            (&["tags"], r#"{"tags": {"contains": 1}}"#, r#"{"orderBy": "a"}"#, Some((1, Unordered))),
            (&["tags"], r#"{"tags": 1}"#, "{}", None),
        ] {
            assert_eq!(delivered(paths, filter, rest), expected, "{paths:?} {filter} {rest}");
        }
    }

    #[test]
    fn an_index_that_has_documents_without_a_value_has_ranges_for_every_filter() {
        let complete = Index { missing: Some(IndexState::Ready), missing_since: 7, ..index(&["a"], false) };
        for (filter, ranges) in [
            ("{}", 1),
            (r#"{"a": {"ne": "x"}}"#, 3),
            // Numbers that differ from 1 may have its entry.
            (r#"{"a": {"ne": 1}}"#, 1),
            (r#"{"a": {"exists": false}}"#, 1),
            (r#"{"b": 1}"#, 1),
        ] {
            let node = Filter::parse(filter).unwrap().node;
            assert_eq!(IndexRanges::of(&complete, &node, 7).unwrap().ranges.len(), ranges, "{filter}");
            assert!(IndexRanges::of(&complete, &node, 6).is_none(), "{filter} before the index was complete");
        }
        let everything = Filter::default().node;
        assert!(IndexRanges::of(&complete, &everything, 7).unwrap().are_all());
    }

    #[test]
    fn too_many_ranges_become_wider() {
        let list = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        let filter = format!("{{\"a\": {{\"in\": [{}]}}, \"b\": {{\"in\": [{}]}}}}", list(5000), list(3));
        assert_eq!(delivered(&["a", "b"], &filter, "{}").unwrap().0, 5000);
        let long = |end: &str| format!("\"{}{end}\"", "x".repeat(2000));
        let filter = format!("{{\"a\": {{\"in\": [{}, {}]}}}}", long("1"), long("2"));
        assert_eq!(delivered(&["a"], &filter, "{}"), Some((1, Delivery::Unordered)));
    }

    /// True if the entry of a value is in what a condition asks for.
    fn is_asked_for(condition: &str, value: &str, key: &str) -> bool {
        let (index, filter) = (index(&["a"], false), Filter::parse(&format!("{{\"a\": {condition}}}")).unwrap());
        let encoded = crate::documents::json::ordering::encode(value).unwrap();
        let entry = [&entries_of(&index)[..], cut(&encoded).0, &[1], key.as_bytes()].concat();
        let ranges = IndexRanges::of(&index, &filter.node, 0).unwrap().ranges;
        ranges.into_iter().any(|range| std::ops::RangeBounds::contains(&(range.start, range.end), &entry))
    }

    #[test]
    fn bounds_hold_for_every_key_of_a_value() {
        for key in ["\u{1}", "k", "\u{10ffff}"] {
            for (condition, value, expected) in [
                ("5", "5", true),
                ("5", "5.1", false),
                ("{\"gt\":5}", "5", false),
                ("{\"gte\":5}", "5", true),
                ("{\"lt\":5}", "5", false),
                ("{\"lte\":5}", "5", true),
                ("{\"gte\":5}", "\"5\"", false),
                ("{\"lt\":5}", "true", false),
                ("{\"gte\":\"a\"}", "\"ab\"", true),
                ("{\"gt\":\"a\"}", "\"ab\"", true),
                ("{\"lte\":\"a\"}", "\"ab\"", false),
                ("{\"startsWith\":\"a\"}", "\"ab\"", true),
                ("{\"startsWith\":\"a\"}", "\"b\"", false),
            ] {
                assert_eq!(is_asked_for(condition, value, key), expected, "{condition} {value} {key:?}");
            }
        }
    }

    #[test]
    fn values_cut_alike_stay_in_to_be_looked_at() {
        let [a, b] = ["a", "b"].map(|end| format!("\"{}{end}\"", "x".repeat(2000)));
        for condition in [a.clone(), format!("{{\"gt\":{a}}}"), format!("{{\"lt\":{a}}}")] {
            assert!(is_asked_for(&condition, &b, "k"), "{condition}");
        }
        assert!(!is_asked_for(&format!("{{\"gt\":{a}}}"), "\"w\"", "k"));
        assert!(!is_asked_for(&format!("{{\"lt\":{a}}}"), "\"y\"", "k"));
    }
}
