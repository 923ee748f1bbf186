//! The durations of a database's operations, where [`Options::latencies`](crate::Options::latencies) asks for it.
//!
//! An operation that is part of another one is not counted: the operation that the caller called is. Within a
//! [`group`](crate::Database::group) writing and flushing is a verb of its own.

use super::histogram::Histogram;
use serde::Serialize;
use std::cell::{Cell, RefCell};

macro_rules! verbs {
    ($($verb:ident $name:literal,)*) => {
        /// The measured operations.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Metric { $($verb,)* }

        impl Metric {
            /// The name in [`Stats::latencies`](crate::Stats).
            #[cfg(test)]
            pub(crate) fn name(self) -> &'static str {
                NAMES.get(self as usize).copied().unwrap_or_default()
            }
        }

        /// Their names, in their order.
        const NAMES: [&str; [$($name,)*].len()] = [$($name,)*];
    };
}

verbs! {
    Get "get",
    GetMany "getMany",
    Has "has",
    Ttl "ttl",
    Count "count",
    Keys "keys",
    Values "values",
    Entries "entries",
    ScanPage "scanPage",
    Find "find",
    Query "query",
    Set "set",
    Delete "delete",
    DeleteRange "deleteRange",
    Commit "commit",
    Expire "expire",
    Persist "persist",
    Increment "increment",
    CompareAndSwap "compareAndSwap",
    GetAndSet "getAndSet",
    Rename "rename",
    Patch "patch",
    Group "group",
    Flush "flush",
    CreateIndex "createIndex",
    DropIndex "dropIndex",
    Maintain "maintain",
    Compact "compact",
    RotateKey "rotateKey",
    FindOne "findOne",
    Explain "explain",
    Push "push",
    Pop "pop",
    Range "range",
    Length "length",
    Trim "trim",
    SetElement "setElement",
    SetStream "setStream",
    GetStream "getStream",
    Indexes "indexes",
    Collections "collections",
    DropCollection "dropCollection",
    Snapshot "snapshot",
    Transaction "transaction",
    Export "export",
    Check "check",
    ChangeKey "changeKey",
}

/// How long calls of one verb took since the database was opened, microseconds. Quantiles are precise to 3%.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// The verb, as it is called in JavaScript; `scanPage` is a page of a scan, `group` what writes that were made together
    /// take to be written and flushed. Of `compact`, `createIndex` and `rotateKey` slices count one by one where they are
    /// done in slices, and `maintain` is a slice. Of `setStream`, `getStream` and `export` pieces count one by one. `transaction`
    /// is the beginning of one; its end is a `commit`.
    pub verb: &'static str,
    /// Calls.
    pub count: u64,
    /// All of them together.
    pub total: f64,
    /// Half of them took no longer.
    pub p50: f64,
    /// Nine of ten took no longer.
    pub p90: f64,
    /// 99 of a hundred took no longer.
    pub p99: f64,
    /// 999 of a thousand took no longer.
    pub p999: f64,
    /// The longest one.
    pub max: f64,
}

/// The histograms of all verbs. One is made when its verb is first called; then nothing is allocated any more.
#[derive(Debug)]
pub(crate) struct Latencies {
    pub(crate) is_enabled: bool,
    /// True if a verb is being measured.
    pub(crate) is_busy: Cell<bool>,
    pub(crate) histograms: RefCell<[Option<Box<Histogram>>; NAMES.len()]>,
}

impl Latencies {
    pub fn new(is_enabled: bool) -> Self {
        let histograms = RefCell::new(std::array::from_fn(|_| None));
        Self { is_enabled, is_busy: Cell::new(false), histograms }
    }

    /// Returns the measured durations; `None` if measuring is disabled.
    pub fn report(&self) -> Option<Vec<Latency>> {
        let us = |ns: u64| ns as f64 / 1000.0;
        let report = |(&verb, histogram): (&&'static str, &Option<Box<Histogram>>)| {
            let histogram = histogram.as_ref()?;
            let quantile = |per_mille| us(histogram.quantile_ns(per_mille));
            Some(Latency {
                verb,
                count: histogram.count(),
                total: us(histogram.total_ns()),
                p50: quantile(500),
                p90: quantile(900),
                p99: quantile(990),
                p999: quantile(999),
                max: us(histogram.max_ns()),
            })
        };
        let all = || NAMES.iter().zip(self.histograms.borrow().iter()).filter_map(report).collect();
        self.is_enabled.then(all)
    }
}
