//! Counting what simulations have really exercised.

use ferrolite::EngineStatistics;
use ferrolite::fs::simulated::Simulated;
use std::collections::BTreeMap;

/// How often each kind of thing has happened.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: BTreeMap<String, u64>,
}

impl Tally {
    pub fn add(&mut self, what: impl Into<String>, count: u64) {
        if count > 0 {
            *self.counts.entry(what.into()).or_default() += count;
        }
    }

    pub fn one(&mut self, what: impl Into<String>) {
        self.add(what, 1);
    }

    pub fn merge(&mut self, other: Self) {
        other.counts.into_iter().for_each(|(what, count)| self.add(what, count));
    }

    /// What a disk has done to the database.
    pub fn disk(&mut self, fs: &Simulated) {
        for ((call, fault), count) in fs.faults_fired_by_kind() {
            self.add(format!("fault: {fault:?} in {call:?}"), count);
        }
        let aftermath = fs.aftermath();
        self.add("unsynced change: kept", aftermath.kept);
        self.add("unsynced change: lost", aftermath.lost);
        self.add("unsynced change: torn", aftermath.torn);
        self.add("unsynced change: kept although an older one was lost", aftermath.reordered);
        self.add("unsynced change: kept without all of the file's growth", aftermath.growth_lost);
    }

    /// What a session has made the engine do.
    pub fn engine(&mut self, statistics: &EngineStatistics) {
        let counters = &statistics.counters;
        self.add("work: commits", counters.commits);
        self.add("work: memtables written as tables", counters.flushes);
        self.add("work: merges", counters.compactions);
        self.add("work: tables moved down", counters.moves);
        self.add("work: bytes moved towards the beginning", counters.bytes_moved);
        self.add("work: sessions that ended closed to writes", u64::from(statistics.failed.is_some()));
    }

    pub fn get(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// The sum of all kinds that begin so.
    pub fn sum(&self, beginning: &str) -> u64 {
        self.counts.iter().filter(|(what, _)| what.starts_with(beginning)).map(|(_, count)| count).sum()
    }

    /// The counts, a line each.
    pub fn lines(&self) -> String {
        self.counts.iter().map(|(what, count)| format!("{count:>12}  {what}\n")).collect()
    }

    /// Fails when something that is claimed to be exercised has happened less often.
    pub fn assert_at_least(&self, expected: &[(&str, u64)]) {
        let missing: Vec<_> = expected.iter().filter(|(what, least)| self.get(what) < *least).collect();
        assert!(missing.is_empty(), "not exercised: {missing:?}\n{}", self.lines());
    }
}
