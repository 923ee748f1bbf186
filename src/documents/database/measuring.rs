//! Measuring the durations of operations.

use super::Database;
use super::latencies::Metric;
use crate::fs::File;

/// The time at which a measured operation began; `None` if it is not measured.
pub(crate) type Begun = Option<u64>;

impl<F: File> Database<F> {
    /// Does the work of an operation, and records its duration.
    #[inline]
    pub(crate) fn measured<R>(&self, verb: Metric, work: impl FnOnce() -> R) -> R {
        let begun = self.begin_measuring();
        let result = work();
        self.end_measuring(verb, begun);
        result
    }

    /// Does the work of an operation that writes, and records its duration.
    #[inline]
    pub(crate) fn measured_mut<R>(&mut self, verb: Metric, work: impl FnOnce(&mut Self) -> R) -> R {
        let begun = self.begin_measuring();
        let result = work(self);
        self.end_measuring(verb, begun);
        result
    }

    #[inline]
    pub(crate) fn begin_measuring(&self) -> Begun {
        let is_measured = self.latencies.is_enabled && !self.latencies.is_busy.replace(true);
        is_measured.then(|| self.engine.monotonic_ns())
    }

    #[inline]
    pub(crate) fn end_measuring(&self, verb: Metric, begun: Begun) {
        let Some(begun) = begun else { return };
        let ns = self.engine.monotonic_ns().saturating_sub(begun);
        self.latencies.is_busy.set(false);
        if let Some(histogram) = self.latencies.histograms.borrow_mut().get_mut(verb as usize) {
            histogram.get_or_insert_default().add(ns);
        }
    }
}
