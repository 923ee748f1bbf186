//! Answers messages against one database, and does its background work.

use super::answer::{Answer, Mark};
use super::blobs::Blobs;
use super::call::{self, Attachments, Call};
use super::cursors::Cursors;
use super::exports::Exports;
use super::snapshots::Snapshots;
use super::tasks::Tasks;
use super::transactions::Transactions;
use super::verbs::{self, Kind};
use super::watches::Watches;
use crate::fs::File;
use crate::{Database, Encryption, Error, Result, Stats};
use std::time::Duration;

/// An open database and what its clients have under way.
pub(super) struct Service<F: File> {
    /// `None` once it was closed.
    database: Option<Database<F>>,
    cursors: Cursors,
    exports: Exports,
    tasks: Tasks,
    transactions: Transactions,
    snapshots: Snapshots,
    watches: Watches,
    /// Answers to calls that were pending, and were ended by others.
    ended: Vec<Vec<u8>>,
    blobs: Blobs,
}

/// What a verb works with.
pub(super) struct Desk<'a, F: File> {
    pub database: &'a mut Database<F>,
    pub cursors: &'a mut Cursors,
    pub exports: &'a mut Exports,
    pub tasks: &'a mut Tasks,
    pub transactions: &'a mut Transactions,
    pub snapshots: &'a mut Snapshots,
    pub watches: &'a mut Watches,
    pub ended: &'a mut Vec<Vec<u8>>,
    pub blobs: &'a mut Blobs,
    /// Of the message.
    pub attachments: Attachments<'a>,
}

impl<F: File> Service<F> {
    pub fn new(database: Database<F>) -> Self {
        let (cursors, exports, tasks, transactions, snapshots, watches) = Default::default();
        let (database, blobs, ended) = (Some(database), Blobs::default(), Vec::new());
        Self { database, cursors, exports, tasks, transactions, snapshots, watches, ended, blobs }
    }

    /// Answers a message.
    ///
    /// # Errors
    /// `Internal` when it is not a message. What a call meets is in the answer.
    pub fn execute(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        let (calls, attachments) = call::parse(message)?;
        let mut answer = Answer::default();
        let Some(database) = &mut self.database else {
            for _ in &calls {
                answer.fail(answer.mark(), &Error::Closed);
            }
            return Ok(answer.finish());
        };
        let Self { cursors, exports, tasks, transactions, snapshots, watches, ended, blobs, .. } = self;
        let mut desk =
            Desk { database, cursors, exports, tasks, transactions, snapshots, watches, ended, blobs, attachments };
        let mut group = None;
        for at in 0..calls.len() {
            desk.run(&calls, at, &mut group, &mut answer);
        }
        desk.finish(&calls, calls.len(), &mut group, &mut answer);
        Ok(answer.finish())
    }

    /// Whether there are tasks to go on with, or changes for those who wait for them.
    pub fn has_tasks(&self) -> bool {
        let is_any = |database| self.tasks.are_waiting() || !self.ended.is_empty() || self.watches.are_ready(database);
        self.database.as_ref().is_some_and(is_any)
    }

    /// Answers who waits for changes, or does one slice of a task: its answer, when it was the last one.
    pub fn step(&mut self) -> Option<Vec<u8>> {
        let database = self.database.as_mut()?;
        self.ended.pop().or_else(|| self.watches.step(database)).or_else(|| self.tasks.step(database))
    }

    /// Does one slice of maintenance; whether there is more.
    pub fn maintain(&mut self, budget_bytes: usize) -> Result<bool> {
        self.database.as_mut().map_or(Ok(false), |database| database.maintain(budget_bytes))
    }

    /// How long until [`Service::sync`] has something to flush, or something expires that somebody waits for.
    pub fn next_sync(&self) -> Option<Duration> {
        let database = self.database.as_ref()?;
        database.next_tick().into_iter().chain(self.watches.next_expiry(database)).min()
    }

    /// Flushes what periodic durability has put off, if its time has come.
    pub fn sync(&mut self) -> Result<()> {
        self.database.as_mut().map_or(Ok(()), Database::tick)
    }

    /// The next bytes of an export; `None` behind the last ones.
    pub fn export_chunk(&mut self, number: u32) -> Result<Option<Vec<u8>>> {
        self.exports.next(self.database.as_mut().ok_or(Error::Closed)?, number)
    }

    /// Lets `encryption` open the database from now on, and nothing else.
    pub fn change_key(&mut self, encryption: &Encryption) -> Result<()> {
        self.database.as_mut().ok_or(Error::Closed)?.change_key(encryption)
    }

    pub fn stats(&self) -> Result<Stats> {
        self.database.as_ref().map(Database::stats).ok_or(Error::Closed)
    }

    /// Closes the database, and ends what is under way; a second time changes nothing.
    pub fn close(&mut self) -> Result<()> {
        let Some(mut database) = self.database.take() else { return Ok(()) };
        self.transactions.roll_back_all(&mut database);
        database.close()
    }
}

/// Calls of a message that share a write and a flush.
#[derive(Clone, Copy)]
struct Group {
    /// Where their results begin.
    mark: Mark,
    /// The first of them.
    first: usize,
}

impl<F: File> Desk<'_, F> {
    /// Runs the call `at`, in the group or outside of it, as its verb demands.
    fn run(&mut self, calls: &[Call<'_>], at: usize, group: &mut Option<Group>, answer: &mut Answer) {
        let call = &calls[at];
        match verbs::kind_of(self.database, call) {
            Kind::Read => {}
            Kind::Write if group.is_some() => {}
            Kind::Write => *group = Some(self.begin(at, answer)),
            Kind::Alone => self.finish(calls, at, group, answer),
        }
        let mut mark = answer.mark();
        let mut outcome = verbs::run(self, call, answer);
        if matches!(outcome, Err(Error::StorageFull { .. })) && group.is_some_and(|group| group.first < at) {
            // Memory can be written out to make room, but only between groups.
            answer.restore(mark);
            self.finish(calls, at, group, answer);
            *group = Some(self.begin(at, answer));
            mark = answer.mark();
            outcome = verbs::run(self, call, answer);
        }
        if let Err(error) = outcome {
            answer.fail(mark, &error);
        }
        verbs::settle(self, call);
    }

    fn begin(&mut self, first: usize, answer: &Answer) -> Group {
        self.database.begin_group();
        Group { mark: answer.mark(), first }
    }

    /// Writes and flushes the group that is open, and ends before the call `end`. When that fails, nothing of it was kept,
    /// and so have all of its calls failed; but where there is no room for all of them, they are made one by one.
    fn finish(&mut self, calls: &[Call<'_>], end: usize, group: &mut Option<Group>, answer: &mut Answer) {
        let Some(Group { mark, first }) = group.take() else { return };
        match self.database.finish_group() {
            Ok(()) => {}
            Err(Error::StorageFull { .. }) if end - first > 1 => {
                answer.restore(mark);
                self.transactions.reopen();
                for at in first..end {
                    let mut alone = None;
                    self.run(calls, at, &mut alone, answer);
                    self.finish(calls, at + 1, &mut alone, answer);
                }
            }
            Err(error) => answer.fail_since(mark, &error),
        }
        self.transactions.end_settled(self.database);
    }
}
