//! Answers messages against one database, and does its background work.

use super::answer::{Answer, Mark};
use super::call::{self, Call};
use super::cursors::Cursors;
use super::tasks::Tasks;
use super::verbs::{self, Kind};
use crate::fs::File;
use crate::{Database, Error, Result, Stats};
use std::time::Duration;

/// An open database and what its clients have under way.
pub(super) struct Service<F: File> {
    /// `None` once it was closed.
    database: Option<Database<F>>,
    cursors: Cursors,
    tasks: Tasks,
}

/// What a verb works with.
pub(super) struct Desk<'a, F: File> {
    pub database: &'a mut Database<F>,
    pub cursors: &'a mut Cursors,
    pub tasks: &'a mut Tasks,
}

impl<F: File> Service<F> {
    pub fn new(database: Database<F>) -> Self {
        Self { database: Some(database), cursors: Cursors::default(), tasks: Tasks::default() }
    }

    /// Answers a message.
    ///
    /// # Errors
    /// `Internal` when it is not a message. What a call meets is in the answer.
    pub fn execute(&mut self, message: &[u8]) -> Result<Vec<u8>> {
        let calls = call::parse(message)?;
        let mut answer = Answer::default();
        let Some(database) = &mut self.database else {
            for _ in &calls {
                answer.fail(answer.mark(), &Error::Closed);
            }
            return Ok(answer.finish());
        };
        let mut desk = Desk { database, cursors: &mut self.cursors, tasks: &mut self.tasks };
        let mut group = None;
        for call in &calls {
            desk.run(call, &mut group, &mut answer);
        }
        desk.finish(&mut group, &mut answer);
        Ok(answer.finish())
    }

    /// Whether there are tasks to go on with.
    pub fn has_tasks(&self) -> bool {
        self.database.is_some() && self.tasks.are_waiting()
    }

    /// Does one slice of a task: its answer, when it was the last one.
    pub fn step(&mut self) -> Option<Vec<u8>> {
        self.tasks.step(self.database.as_mut()?)
    }

    /// Does one slice of maintenance; whether there is more.
    pub fn maintain(&mut self, budget_bytes: usize) -> Result<bool> {
        self.database.as_mut().map_or(Ok(false), |database| database.maintain(budget_bytes))
    }

    /// How long until [`Service::sync`] has something to flush.
    pub fn next_sync(&self) -> Option<Duration> {
        self.database.as_ref().and_then(Database::next_tick)
    }

    /// Flushes what periodic durability has put off, if its time has come.
    pub fn sync(&mut self) -> Result<()> {
        self.database.as_mut().map_or(Ok(()), Database::tick)
    }

    pub fn stats(&self) -> Result<Stats> {
        self.database.as_ref().map(Database::stats).ok_or(Error::Closed)
    }

    /// Closes the database; a second time changes nothing.
    pub fn close(&mut self) -> Result<()> {
        self.database.take().map_or(Ok(()), Database::close)
    }
}

impl<F: File> Desk<'_, F> {
    /// Runs one call, in the group or outside of it, as its verb demands.
    fn run(&mut self, call: &Call<'_>, group: &mut Option<Mark>, answer: &mut Answer) {
        match verbs::kind(call.verb) {
            Kind::Read => {}
            Kind::Write if group.is_some() => {}
            Kind::Write => {
                *group = Some(answer.mark());
                self.database.begin_group();
            }
            Kind::Alone => self.finish(group, answer),
        }
        let mark = answer.mark();
        if let Err(error) = verbs::run(self, call, answer) {
            answer.fail(mark, &error);
        }
    }

    /// Writes and flushes the group that is open. When that fails, so have all of its calls.
    fn finish(&mut self, group: &mut Option<Mark>, answer: &mut Answer) {
        if let Some(mark) = group.take()
            && let Err(error) = self.database.finish_group()
        {
            answer.fail_since(mark, &error);
        }
    }
}
