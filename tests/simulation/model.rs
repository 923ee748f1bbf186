//! What a database should hold: after each commit, and after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Versions that are left out when a database is written for the first time that was not closed.
pub const SKIPPED: u64 = 1 << 20;

/// A document as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub json: Arc<str>,
    pub version: u64,
    pub expires_at: Option<u64>,
    /// Whether the clock has stood at the expiry or behind it. From then on the document may be dropped for good, also
    /// when the clock goes back.
    pub lapsed: bool,
}

impl Stored {
    pub fn is_live(&self, now_ms: u64) -> bool {
        self.expires_at.is_none_or(|at| at > now_ms)
    }
}

/// What the list of indexes says of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    Building,
    Ready,
    /// One of the two: it is not known how many commits the rest of the work took.
    Either,
}

/// Everything that a database holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    pub documents: BTreeMap<Arc<str>, Stored>,
    pub indexes: BTreeMap<&'static str, Readiness>,
}

impl State {
    pub fn put(&mut self, key: &str, json: &Arc<str>, version: u64, expires_at: Option<u64>) {
        let stored = Stored { json: json.clone(), version, expires_at, lapsed: false };
        self.documents.insert(key.into(), stored);
    }

    /// The clock has been at `now_ms`.
    pub fn lapse(&mut self, now_ms: u64) {
        self.documents.values_mut().filter(|stored| !stored.is_live(now_ms)).for_each(|stored| stored.lapsed = true);
    }
}

/// The state after some commits, which have these numbers.
#[derive(Debug, Clone)]
struct Entry {
    first: u64,
    last: u64,
    state: State,
}

/// The states that a crash may go back to.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Of what was acknowledged, from the last commit on that is sure to be durable.
    acknowledged: Vec<Entry>,
    /// Of what was begun, and whose fate is not known yet.
    in_flight: Vec<Entry>,
    /// What lay behind the state that a lying disk led back to.
    hidden: Vec<Entry>,
    /// The newest commit that was acknowledged as durable.
    durable: u64,
    /// Whether older states are kept too: a disk that lies may lead back to them.
    pub keeps_all: bool,
}

impl History {
    /// Begins with an empty database.
    pub fn new() -> Self {
        let mut history = Self::default();
        history.acknowledge(0, 0, State::default());
        history
    }

    /// Commits `first` to `last` are about to be made, each of which leaves `state`.
    pub fn submit(&mut self, first: u64, last: u64, state: State) {
        self.in_flight.push(Entry { first, last, state });
    }

    /// What was submitted has left no trace.
    pub fn withdraw(&mut self) {
        self.in_flight.clear();
    }

    /// What is in flight is one group: all of it is left by a crash, or nothing.
    pub fn join_in_flight(&mut self) {
        let last = self.in_flight.pop();
        self.in_flight.clear();
        self.in_flight.extend(last);
    }

    /// How much is in flight, and going back to that.
    pub fn mark(&self) -> usize {
        self.in_flight.len()
    }

    pub fn withdraw_to(&mut self, mark: usize) {
        self.in_flight.truncate(mark);
    }

    /// All that was submitted has been acknowledged.
    pub fn acknowledge_in_flight(&mut self) {
        self.hidden.clear();
        self.acknowledged.append(&mut self.in_flight);
    }

    pub fn acknowledge(&mut self, first: u64, last: u64, state: State) {
        self.hidden.clear();
        self.acknowledged.push(Entry { first, last, state });
    }

    /// All up to `version` is durable.
    pub fn make_durable(&mut self, version: u64) {
        self.durable = version;
        if !self.keeps_all {
            self.acknowledged.retain(|entry| entry.last >= version);
        }
    }

    pub fn durable(&self) -> u64 {
        self.durable
    }

    /// The states that a database at `version` may hold. A session may have left numbers out and committed nothing: then
    /// the version is one that no commit has.
    pub fn states_at(&self, version: u64) -> Vec<State> {
        let mut states = self.states_of(version);
        // It may also lie in the range of an operation that was under way with lower numbers.
        let is_commit = self.entries().any(|entry| entry.first == version && entry.last == version);
        if !is_commit {
            states.extend(version.checked_sub(SKIPPED).into_iter().flat_map(|before| self.states_at(before)));
        }
        states
    }

    fn states_of(&self, version: u64) -> Vec<State> {
        let entries = self.entries().filter(|entry| entry.first <= version && version <= entry.last);
        entries.map(|entry| entry.state.clone()).collect()
    }

    /// The newest first.
    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.hidden.iter().chain(&self.acknowledged).chain(&self.in_flight).rev()
    }

    /// This is what the restart has left: nothing else is possible any more.
    pub fn settle(&mut self, version: u64, state: State) {
        self.durable = version;
        if self.keeps_all {
            return self.settle_after_all(version, state);
        }
        self.acknowledged.clear();
        self.in_flight.clear();
        self.acknowledge(version, version, state);
    }

    /// This is what is there, and what was before it may come back. So may what lies behind it, as long as nothing is
    /// written: what hid it may have been a write that landed there, and is lost with the power.
    fn settle_after_all(&mut self, version: u64, state: State) {
        self.acknowledged.append(&mut self.in_flight);
        let mut hidden = std::mem::take(&mut self.hidden);
        hidden.extend(self.acknowledged.iter().filter(|entry| entry.last > version).cloned());
        self.acknowledged.iter_mut().for_each(|entry| entry.last = entry.last.min(version.saturating_sub(1)));
        self.acknowledged.retain(|entry| entry.first <= entry.last && entry.last < version);
        self.acknowledge(version, version, state);
        self.hidden = hidden;
    }

    /// This is what is written now; some of it may still be lost.
    pub fn resume(&mut self, version: u64, state: State) {
        if self.keeps_all {
            return self.settle_after_all(version, state);
        }
        self.acknowledged.retain(|entry| entry.last < version || entry.first < version);
        // What was cut short may have been several commits, and a power failure may leave some of them.
        let cut_short = self.in_flight.drain(..).filter(|entry| entry.first < version);
        self.acknowledged.extend(cut_short.map(|entry| Entry { last: entry.last.min(version - 1), ..entry }));
        self.acknowledge(version, version, state);
    }

    /// The clock has been at `now_ms`.
    pub fn lapse(&mut self, now_ms: u64) {
        let entries = self.hidden.iter_mut().chain(&mut self.acknowledged).chain(&mut self.in_flight);
        entries.for_each(|entry| entry.state.lapse(now_ms));
    }
}
