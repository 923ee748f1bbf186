//! Calls whose work comes in slices, between which other messages are answered.

use super::answer::Answer;
use crate::fs::File;
use crate::{CompactProgress, Database, Error, IndexSpec, Result, RotateProgress};
use std::collections::VecDeque;

/// Documents that one slice of an index is built from: about two milliseconds, and a flush.
const INDEX_SLICE_DOCUMENTS: usize = 512;

/// Bytes of tables that one slice of a compaction or of a key's rotation reads: about a millisecond, and a few when they
/// are encrypted.
const TABLE_SLICE_BYTES: usize = 64 << 10;

/// The tasks that are not finished, the next one first.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    waiting: VecDeque<(u32, Task)>,
    last: u32,
    /// Names that clients have given to tasks, to break them off by.
    names: Vec<(u64, u32)>,
}

/// Work that is done in slices.
#[derive(Debug)]
pub(super) enum Task {
    /// Builds an index.
    CreateIndex {
        /// The collection that is indexed; empty for the default one.
        collection: String,
        /// What it is on.
        index: IndexSpec,
        /// Whether there was no such index before: the answer.
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
        mut task: Task,
        name: Option<u64>,
        answer: &mut Answer,
    ) -> Result<()> {
        if task.step(database)? {
            return task.finish(answer);
        }
        let id = self.number();
        self.waiting.push_back((id, task));
        self.names.extend(name.map(|name| (name, id)));
        answer.pending(id);
        Ok(())
    }

    /// A number for what will be answered later.
    pub fn number(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    /// Whether there is a task to go on with.
    pub fn are_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Does a slice of the task that has waited longest. When it was the last one: `[task, result]`.
    pub fn step<F: File>(&mut self, database: &mut Database<F>) -> Option<Vec<u8>> {
        let (id, mut task) = self.waiting.pop_front()?;
        let mut answer = Answer::default();
        let mark = answer.mark();
        match task.step(database) {
            Ok(false) => {
                self.waiting.push_back((id, task));
                return None;
            }
            Ok(true) => {
                if let Err(error) = task.finish(&mut answer) {
                    answer.fail(mark, &error);
                }
            }
            Err(error) => answer.fail(mark, &error),
        }
        self.names.retain(|(_, named)| *named != id);
        Some(answer.finish_task(id))
    }

    /// Gives up the task of this name: the next slice ends it. The index that it was building is dropped, unless somebody
    /// else is building it, too. One that is finished stays so.
    pub fn cancel<F: File>(&mut self, database: &mut Database<F>, name: u64) -> Result<()> {
        let id = self.names.iter().find(|(given, _)| *given == name).map(|(_, id)| *id);
        let Some((_, task)) = self.waiting.iter_mut().find(|(waiting, _)| Some(*waiting) == id) else { return Ok(()) };
        let Task::CreateIndex { collection, index, .. } = std::mem::replace(task, Task::Cancelled) else {
            return Ok(());
        };
        let is_same = |task: &Task| {
            matches!(task, Task::CreateIndex { collection: of, index: other, .. }
                if *of == collection && other.paths == index.paths)
        };
        if !self.waiting.iter().any(|(_, task)| is_same(task)) {
            database.named_mut(&collection).drop_index(index)?;
        }
        Ok(())
    }

    /// Gives up the building of an index of `collection` that is about to be dropped; of all of them without an `index`.
    pub fn cancel_indexes(&mut self, collection: &str, index: Option<&IndexSpec>) {
        for (_, task) in &mut self.waiting {
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
            Self::Compact(progress) => {
                database.compact_step(progress, TABLE_SLICE_BYTES)?;
                Ok(progress.is_done())
            }
            Self::RotateKey(progress) => {
                database.rotate_key_step(progress, TABLE_SLICE_BYTES)?;
                Ok(progress.is_done())
            }
            Self::Cancelled => Err(Error::Aborted),
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
