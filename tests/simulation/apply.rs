//! Doing operations, and keeping account of what may be left of them.

use crate::model::{Readiness, SKIPPED, State};
use crate::operation::{Operation, Write};
use crate::world::{COMMITS_MAX, Held, Outcome, World};
use ferrolite::fs::simulated::SimulatedFile;
use ferrolite::{Database, Error, ErrorCode, RotateProgress};

/// Snapshots that are held at once, at most.
const SNAPSHOTS_MAX: usize = 3;

impl World {
    fn database(&mut self) -> &mut Database<SimulatedFile> {
        self.db.as_mut().expect("operations are for an open database")
    }

    pub(crate) fn dispatch(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Write(write) => self.write(write),
            Operation::Group(writes) => self.group(writes),
            Operation::CreateIndex(path) => self.build(path, |db| db.create_index(path).map(|_| true)),
            Operation::IndexStep(path, documents) => {
                self.build(path, |db| db.create_index_step(path, *documents).map(|progress| progress.done))
            }
            Operation::DropIndex(path) => self.drop_index(path),
            Operation::Flush => self.flush(),
            Operation::Maintain(budget) => self.upkeep("maintain", |db| db.maintain(*budget).map(drop)),
            Operation::Compact => self.upkeep("compact", Database::compact),
            Operation::CompactSlowly(budget, writes) => {
                let mut progress = ferrolite::CompactProgress::default();
                self.in_slices("compact_step", usize::MAX, writes, |db| {
                    db.compact_step(&mut progress, *budget).map(|()| progress.is_done())
                })
            }
            Operation::ChangeKey => self.change_key(),
            Operation::RotateKey => self.upkeep("rotate_key", Database::rotate_key),
            Operation::RotateSlowly(budget, steps, writes) => {
                let mut progress = RotateProgress::default();
                self.in_slices("rotate_key_step", *steps, writes, |db| {
                    db.rotate_key_step(&mut progress, *budget).map(|()| progress.is_done())
                })
            }
            Operation::Snapshot => self.snapshot(),
            Operation::ReadSnapshot => match self.read_snapshot() {
                Ok(()) => Outcome::Done,
                Err(error) if error.code() == ErrorCode::SnapshotTooOld && self.snapshots[0].was_old => {
                    self.snapshots.remove(0);
                    self.tally.one("work: snapshots ended by their age");
                    Outcome::Done
                }
                Err(error) => self.classify(&error, "scan_page"),
            },
            Operation::Release => {
                if !self.snapshots.is_empty() {
                    let Held { snapshot, .. } = self.snapshots.remove(0);
                    self.database().release(snapshot);
                }
                Outcome::Done
            }
            Operation::Clock(by_ms) => {
                self.set_clock(*by_ms);
                Outcome::Done
            }
            Operation::Compare => {
                self.compare();
                Outcome::Done
            }
        }
    }

    /// One write, which is one commit or none.
    fn write(&mut self, write: &Write) -> Outcome {
        let version = self.version;
        match self.try_write(write) {
            Ok(true) => {
                self.history.acknowledge_in_flight();
                if self.is_always() && self.version > version {
                    self.history.make_durable(self.version);
                }
                Outcome::Done
            }
            Ok(false) => Outcome::Done,
            Err(outcome) => self.refused(outcome, 0),
        }
    }

    /// Runs a write and takes its effect as acknowledged. False when there was nothing to commit.
    fn try_write(&mut self, write: &Write) -> Result<bool, Outcome> {
        let (before, now_ms) = (self.version, self.now_ms);
        let mark = self.history.mark();
        let numbers = self.next_numbers();
        for number in numbers.iter().copied() {
            if let Some(after) = write.effect(&self.state, number, now_ms) {
                self.history.submit(number, number, after);
            }
        }
        let answer = write.run(self.database()).map_err(|error| self.classify(&error, "write"))?;
        let version = self.database().version();
        assert!(version == before || numbers.contains(&version), "one write led from {before} to {version}");
        self.history.withdraw_to(mark);
        let committed = (version > before).then_some(version);
        let is_plausible = write.is_plausible(&self.state, now_ms, answer, committed);
        assert!(is_plausible, "{write:?} answers {answer:?}, committed {committed:?}");
        let Some(version) = committed else { return Ok(false) };
        let after = write.effect(&self.state, version, now_ms);
        let after = after.unwrap_or_else(|| panic!("{write:?} had nothing to commit, and did"));
        self.history.submit(version, version, after.clone());
        (self.version, self.state) = (version, after);
        Ok(true)
    }

    /// The numbers that the next commit may have: the first one of a session may leave some out.
    fn next_numbers(&self) -> Vec<u64> {
        let skips = if self.version == self.opened_version { &[0, SKIPPED][..] } else { &[0] };
        skips.iter().map(|skip| self.version + skip + 1).collect()
    }

    /// Several commits are about to be made, as many as `most`, each of which leaves `state`.
    fn submit_some(&mut self, most: u64, state: &State) {
        for first in self.next_numbers() {
            self.history.submit(first, first + most - 1, state.clone());
        }
    }

    /// What failed is known to have left nothing, unless the disk or the database failed with it.
    fn refused(&mut self, outcome: Outcome, mark: usize) -> Outcome {
        if outcome == Outcome::Refused {
            self.history.withdraw_to(mark);
        }
        outcome
    }

    fn group(&mut self, writes: &[Write]) -> Outcome {
        let before = (self.version, self.state.clone());
        self.database().begin_group();
        for write in writes {
            let mark = self.history.mark();
            match self.try_write(write) {
                Ok(_) => {}
                // The others of the group may still succeed.
                Err(Outcome::Refused) if self.database().version() == self.version => self.history.withdraw_to(mark),
                Err(outcome) => {
                    (self.version, self.state) = before;
                    self.history.join_in_flight();
                    if let Some(db) = &mut self.db {
                        let _ = db.finish_group();
                    }
                    return self.refused(outcome, 0);
                }
            }
        }
        let (commits, last) = (self.history.mark() as u64, self.version);
        self.history.join_in_flight();
        match self.database().finish_group() {
            Ok(()) => {
                self.history.acknowledge_in_flight();
                if self.is_always() {
                    self.history.make_durable(self.version);
                }
                Outcome::Done
            }
            Err(error) => {
                (self.version, self.state) = before;
                let outcome = self.classify(&error, "group");
                if outcome == Outcome::Crashed && commits > 1 {
                    self.cut_short = Some((last + 1 - commits, last));
                }
                self.refused(outcome, 0)
            }
        }
    }

    /// Builds an index, in as many commits as it takes. `work` tells whether it is ready.
    fn build(
        &mut self,
        path: &'static str,
        work: impl FnOnce(&mut Database<SimulatedFile>) -> Result<bool, Error>,
    ) -> Outcome {
        let before = self.version;
        let with = |readiness: Readiness, state: &State| {
            let mut state = state.clone();
            state.indexes.insert(path, readiness);
            state
        };
        let under_way = with(Readiness::Either, &self.state);
        self.submit_some(COMMITS_MAX, &under_way);
        let outcome = match work(self.database()) {
            Ok(done) => {
                let readiness = if done { Readiness::Ready } else { Readiness::Building };
                self.state = with(readiness, &self.state);
                Outcome::Done
            }
            Err(error) => {
                let outcome = self.classify(&error, "building an index");
                if outcome != Outcome::Refused {
                    return outcome;
                }
                if self.database().version() > before {
                    self.state = under_way.clone();
                }
                outcome
            }
        };
        self.history.withdraw();
        self.advance(under_way);
        outcome
    }

    /// Takes all commits up to the present version as acknowledged: the last one led to the present state, those
    /// before it to `between`.
    fn advance(&mut self, between: State) {
        let version = self.database().version();
        assert!(version >= self.version, "the version went back from {} to {version}", self.version);
        if version > self.version {
            self.history.acknowledge(self.version + 1, version - 1, between);
            self.history.acknowledge(version, version, self.state.clone());
            self.version = version;
            if self.is_always() {
                self.history.make_durable(version);
            }
        }
    }

    fn drop_index(&mut self, path: &'static str) -> Outcome {
        let before = self.version;
        let had = self.state.indexes.contains_key(path);
        let mut after = self.state.clone();
        after.indexes.remove(path);
        self.drops = true;
        self.submit_some(COMMITS_MAX, &after);
        let outcome = match self.database().drop_index(path) {
            Ok(dropped) => {
                assert_eq!(dropped, had, "dropping the index on {path}");
                Outcome::Done
            }
            Err(error) => self.classify(&error, "drop_index"),
        };
        match outcome {
            Outcome::Crashed => return outcome,
            Outcome::Closed => return outcome,
            Outcome::Refused if self.database().version() == before => {}
            Outcome::Done | Outcome::Refused => self.state = after.clone(),
        }
        self.history.withdraw();
        self.advance(after);
        outcome
    }

    /// Work that changes nothing to be seen; with it the dropping of an index may come to its end.
    fn upkeep(&mut self, what: &str, work: impl FnOnce(&mut Database<SimulatedFile>) -> Result<(), Error>) -> Outcome {
        let state = self.state.clone();
        self.submit_some(COMMITS_MAX, &state);
        let outcome = match work(self.database()) {
            Ok(()) => Outcome::Done,
            Err(error) => self.classify(&error, what),
        };
        if matches!(outcome, Outcome::Done | Outcome::Refused) {
            self.history.withdraw();
            self.advance(self.state.clone());
        }
        outcome
    }

    fn flush(&mut self) -> Outcome {
        let outcome = self.upkeep("flush", Database::flush);
        if outcome == Outcome::Done {
            self.history.make_durable(self.version);
        }
        outcome
    }

    /// Work in slices, at most so many, with writes between them. `step` tells whether it is done.
    fn in_slices(
        &mut self,
        what: &str,
        steps: usize,
        writes: &[Write],
        mut step: impl FnMut(&mut Database<SimulatedFile>) -> Result<bool, Error>,
    ) -> Outcome {
        let mut writes = writes.iter();
        let mut is_done = false;
        for _ in 0..steps {
            let outcome = self.upkeep(what, |db| step(db).map(|done| is_done = done));
            if outcome != Outcome::Done || is_done {
                return outcome;
            }
            let Some(write) = writes.next() else { continue };
            let outcome = self.write(write);
            if outcome != Outcome::Done {
                return outcome;
            }
        }
        Outcome::Done
    }

    /// When it fails or is cut short, either key may open the file.
    fn change_key(&mut self) -> Outcome {
        let next = self.secrets.make();
        let outcome = self.upkeep("change_key", |db| db.change_key(&next));
        if outcome == Outcome::Done {
            self.key = Some(next.clone());
            self.secrets.changed(next);
        } else {
            self.key = None;
            self.secrets.may_have_changed(next);
        }
        outcome
    }

    fn snapshot(&mut self) -> Outcome {
        if self.snapshots.len() == SNAPSHOTS_MAX {
            return Outcome::Done;
        }
        match self.database().snapshot() {
            Ok(snapshot) => {
                let (state, began_ms) = (self.state.clone(), self.now_ms);
                self.snapshots.push(Held { snapshot, state, began_ms, was_old: false });
                Outcome::Done
            }
            Err(error) => self.classify(&error, "snapshot"),
        }
    }
}
