//! Sorting by one routine: each instance of one takes some kilobytes of the download.

use std::cmp::Ordering;

/// The places `0..count` in the order that `compare` gives. Those that it finds equal stay in their order.
pub(crate) fn sorted_places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_unstable_by(|&a, &b| compare(a, b).then(a.cmp(&b)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_stays_in_its_order() {
        let values: Vec<u32> = (0..1000).map(|number| number * 7919 % 13).collect();
        let mut expected: Vec<usize> = (0..values.len()).collect();
        expected.sort_by_key(|&place| values[place]);
        assert_eq!(sorted_places(values.len(), &|a, b| values[a].cmp(&values[b])), expected);
    }
}
