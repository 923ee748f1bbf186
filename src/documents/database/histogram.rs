//! How long things took: a histogram of fixed size, of buckets that grow with what they count.
//!
//! Each power of two is divided into 16 buckets, as in Gil Tene's HdrHistogram, so that a duration is known to 3%. From 1 ns
//! to 18 minutes that makes 592 counters; what takes longer is counted with the longest.

use std::fmt;

/// Buckets of a power of two, and the logarithm of their number.
const PARTS: usize = 1 << PARTS_LOG;
const PARTS_LOG: u32 = 4;
/// Durations below this power of two of nanoseconds have a bucket of their own.
const NS_LOG_MAX: u32 = 40;
const BUCKETS: usize = (NS_LOG_MAX - PARTS_LOG + 1) as usize * PARTS;

/// Durations of one kind of work, nanoseconds.
#[derive(Clone)]
pub(crate) struct Histogram {
    buckets: [u32; BUCKETS],
    count: u64,
    total_ns: u64,
    max_ns: u64,
}

impl fmt::Debug for Histogram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Histogram").field("count", &self.count).finish_non_exhaustive()
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: [0; BUCKETS], count: 0, total_ns: 0, max_ns: 0 }
    }
}

fn bucket_of(ns: u64) -> usize {
    let ns = ns.min((1 << NS_LOG_MAX) - 1);
    // The highest bit and the four behind it are kept.
    let shift = (ns | 1).ilog2().saturating_sub(PARTS_LOG);
    shift as usize * PARTS + (ns >> shift) as usize
}

/// The middle of a bucket.
fn middle_of(bucket: usize) -> u64 {
    let shift = (bucket / PARTS).saturating_sub(1);
    let first = ((bucket - shift * PARTS) as u64) << shift;
    first + ((1_u64 << shift) - 1) / 2
}

impl Histogram {
    pub fn add(&mut self, ns: u64) {
        if let Some(bucket) = self.buckets.get_mut(bucket_of(ns)) {
            *bucket = bucket.saturating_add(1);
        }
        self.count += 1;
        self.total_ns = self.total_ns.saturating_add(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn total_ns(&self) -> u64 {
        self.total_ns
    }

    pub fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// Returns the duration that `per_mille` of a thousand did not exceed; 0 if nothing was measured.
    pub fn quantile_ns(&self, per_mille: u64) -> u64 {
        let counted: u64 = self.buckets.iter().map(|&bucket| u64::from(bucket)).sum();
        let rank = (u128::from(counted) * u128::from(per_mille)).div_ceil(1000) as u64;
        let mut below = 0;
        let found = self.buckets.iter().position(|&bucket| {
            below += u64::from(bucket);
            below >= rank.max(1)
        });
        found.map_or(0, |bucket| middle_of(bucket).min(self.max_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_in_order_and_precise_to_three_percent() {
        let mut last = 0;
        for ns in
            (0..5000).chain((13..NS_LOG_MAX).flat_map(|log| [(1 << log) - 1, 1 << log, (1 << log) + (1 << log) / 3]))
        {
            let bucket = bucket_of(ns);
            assert!(bucket >= last && bucket < BUCKETS, "{ns} ns");
            last = bucket;
            let error = middle_of(bucket).abs_diff(ns) as f64;
            assert!(error <= ns as f64 * 0.033, "{ns} ns is told as {}", middle_of(bucket));
        }
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_those_of_a_sorted_list() {
        let mut histogram = Histogram::default();
        assert_eq!((histogram.quantile_ns(500), histogram.max_ns()), (0, 0));
        // In no order.
        let all: Vec<u64> = (0..10_000).map(|index| (index * 7919 % 10_000 + 1) * 1000).collect();
        all.iter().for_each(|&ns| histogram.add(ns));
        for (per_mille, expected) in
            [(1, 10_000), (500, 5_000_000), (900, 9_000_000), (990, 9_900_000), (999, 9_990_000)]
        {
            let found = histogram.quantile_ns(per_mille);
            assert!(found.abs_diff(expected) as f64 <= expected as f64 * 0.035, "{per_mille}: {found}, not {expected}");
        }
        assert!(histogram.quantile_ns(1000) <= 10_000_000 && histogram.max_ns() == 10_000_000);
        assert_eq!((histogram.count(), histogram.total_ns()), (10_000, all.iter().sum()));
    }

    #[test]
    fn one_of_a_thousand_is_seen_by_the_last_quantile_alone() {
        let mut histogram = Histogram::default();
        (0..998).for_each(|_| histogram.add(1000));
        (0..2).for_each(|_| histogram.add(1_000_000));
        assert!(histogram.quantile_ns(990) < 1100);
        assert!(histogram.quantile_ns(999) > 900_000);
    }
}
