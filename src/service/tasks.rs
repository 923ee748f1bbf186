//! Calls whose work comes in slices, between which other messages are answered.

use super::answer::Answer;
use super::numbers::Numbers;
use crate::documents::{Database, Error, IndexSpec, Result};
use crate::engine::{CompactProgress, RotateProgress};
use crate::fs::File;
use std::collections::VecDeque;

/// Documents that one slice of an index is built from: about two milliseconds, and a flush.
const INDEX_SLICE_DOCUMENTS: usize = 512;

/// Bytes of tables that one slice of a compaction or of a key's rotation reads: about a millisecond, and a few when they
/// are encrypted.
const TABLE_SLICE_BYTES: usize = 64 << 10;

/// The tasks of all clients that are not finished, the next one first.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    waiting: VecDeque<Waiting>,
}

/// A task, whose it is, and the number under which it is answered.
#[derive(Debug)]
struct Waiting {
    client: u32,
    number: u64,
    task: Task,
    /// The client's name for it, to cancel it by.
    name: Option<u64>,
}

/// Work that is done in slices.
#[derive(Debug)]
pub(crate) enum Task {
    /// Builds an index.
    CreateIndex {
        /// The collection that is indexed; empty for the default one.
        collection: String,
        /// The description of the index.
        index: IndexSpec,
        /// True if there was no such index before: the answer.
        is_new: bool,
    },
    /// Rewrites the file without what was deleted.
    Compact(CompactProgress),
    /// Seals everything with a new data key.
    RotateKey(RotateProgress),
    /// Work that another call has made pointless.
    Cancelled,
}

impl Tasks {
    /// Does the first slice; what is not finished by that is answered as pending. The one who asks may give it a name.
    pub fn start<F: File>(
        &mut self,
        database: &mut Database<F>,
        (client, numbers): (u32, &mut Numbers),
        mut task: Task,
        name: Option<u64>,
        answer: &mut Answer,
    ) -> Result<()> {
        if task.step(database)? {
            return task.finish(answer);
        }
        let number = numbers.next();
        self.waiting.push_back(Waiting { client, number, task, name });
        answer.pending(number);
        Ok(())
    }

    /// Forgets the tasks of a client.
    pub fn leave(&mut self, client: u32) {
        self.waiting.retain(|waiting| waiting.client != client);
    }

    /// True if a task has slices left.
    pub fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Does a slice of the task that has waited longest. When it was the last one: whose it is, and `[task, result]`.
    pub fn step<F: File>(&mut self, database: &mut Database<F>) -> Option<(u32, Vec<u8>)> {
        let mut waiting = self.waiting.pop_front()?;
        let mut answer = Answer::default();
        let mark = answer.mark();
        match waiting.task.step(database) {
            Ok(false) => {
                self.waiting.push_back(waiting);
                return None;
            }
            Ok(true) => {
                if let Err(error) = waiting.task.finish(&mut answer) {
                    answer.fail(mark, &error);
                }
            }
            Err(error) => answer.fail(mark, &error),
        }
        Some((waiting.client, answer.finish_task(waiting.number)))
    }

    /// Gives up the task to which the client gave this name: the next slice ends it. The index that it was building is dropped,
    /// unless somebody else is building it, too. One that is finished stays so.
    pub fn cancel<F: File>(&mut self, database: &mut Database<F>, client: u32, name: u64) -> Result<()> {
        let mut named =
            self.waiting.iter_mut().filter(|waiting| waiting.client == client && waiting.name == Some(name));
        let Some(waiting) = named.next() else { return Ok(()) };
        let Task::CreateIndex { collection, index, .. } = std::mem::replace(&mut waiting.task, Task::Cancelled) else {
            return Ok(());
        };
        let is_same = |task: &Task| {
            matches!(task, Task::CreateIndex { collection: of, index: other, .. }
                if *of == collection && other.paths == index.paths)
        };
        if !self.waiting.iter().any(|waiting| is_same(&waiting.task)) {
            database.named_mut(&collection).drop_index(index)?;
        }
        Ok(())
    }

    /// Gives up the building of an index of `collection` that is about to be dropped; of all of them without an `index`.
    pub fn cancel_indexes(&mut self, collection: &str, index: Option<&IndexSpec>) {
        for Waiting { task, .. } in &mut self.waiting {
            if let Task::CreateIndex { collection: of, index: building, .. } = task
                && of == collection
                && index.is_none_or(|index| index.paths == building.paths)
            {
                *task = Task::Cancelled;
            }
        }
    }
}

impl Task {
    /// Does one slice; true when it was the last.
    fn step<F: File>(&mut self, database: &mut Database<F>) -> Result<bool> {
        match self {
            Self::CreateIndex { collection, index, .. } => {
                Ok(database.named_mut(collection).create_index_step(index.clone(), INDEX_SLICE_DOCUMENTS)?.done)
            }
            _ => self.rewrite(database),
        }
    }

    /// The slices of tasks with which programs do not begin.
    #[inline(never)]
    fn rewrite<F: File>(&mut self, database: &mut Database<F>) -> Result<bool> {
        match self {
            Self::Compact(progress) => {
                database.compact_step(progress, TABLE_SLICE_BYTES)?;
                Ok(progress.is_done())
            }
            Self::RotateKey(progress) => {
                database.rotate_key_step(progress, TABLE_SLICE_BYTES)?;
                Ok(progress.is_done())
            }
            Self::CreateIndex { .. } | Self::Cancelled => Err(Error::Aborted),
        }
    }

    fn finish(&self, answer: &mut Answer) -> Result<()> {
        match self {
            Self::CreateIndex { is_new, .. } => answer.value(is_new),
            Self::Compact(_) | Self::RotateKey(_) | Self::Cancelled => {
                answer.done();
                Ok(())
            }
        }
    }
}
