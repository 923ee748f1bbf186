//! Sequence numbers, which are used once, also after a crash.
//!
//! A crash may lose commits that were acknowledged and not durable. Their numbers were seen: by those who go on from a
//! version, and by those who write a document if it has a version. So the first writer of a file that was not closed leaves
//! numbers out: the next commit has a number above those of all commits that may have been lost. It is known how many those
//! are at most, since a writer flushes before more than [`UNSYNCED_MAX`] commits are acknowledged and not durable.

use super::engine::Engine;
use super::entry::SEQ_MAX;
use super::entry::Seq;
use super::error::{Error, Result};
use crate::fs::File;
use crate::page::Superblock;

/// Numbers that the first writer leaves out when the file was not closed.
pub const SKIPPED: Seq = 1 << 20;
/// Commits that may be acknowledged without being durable, whatever the durability. Half of those that are left out: the
/// group that reaches the limit is not part of it.
const UNSYNCED_MAX: Seq = SKIPPED / 2;

/// Returns the number above which a writer numbers its commits, if `last_seq` is the newest commit in the file.
pub(crate) fn base_behind(superblock: &Superblock, last_seq: Seq) -> Seq {
    let is_closed = superblock.log.address == 0;
    if is_closed { last_seq } else { last_seq.saturating_add(SKIPPED) }
}

impl<F: File> Engine<F> {
    /// Returns the number of the next commit.
    pub fn next_seq(&self) -> Seq {
        self.numbered_seq().saturating_add(1)
    }

    /// Returns the newest number that no commit will have any more.
    pub(crate) fn numbered_seq(&self) -> Seq {
        self.sequence.last.max(self.sequence.base)
    }

    /// True if no commit that is in the file has the number, nor ever will: it was left out when the file was opened.
    pub fn is_skipped(&self, seq: Seq) -> bool {
        seq > self.sequence.opened && seq <= self.sequence.base
    }

    /// True if the file says that there were commits up to [`Engine::next_seq`], although the numbers were left out.
    pub fn has_skipped(&self) -> bool {
        self.log.is_some() && self.sequence.last < self.sequence.base
    }

    /// Fails when the numbers are used up. Only a file that was forged counts on from there.
    pub(crate) fn ensure_numbers_left(&self) -> Result<()> {
        if self.next_seq() < SEQ_MAX {
            return Ok(());
        }
        let reason = "its sequence numbers are used up; dump it, and load it into a new database".to_owned();
        Err(Error::Failed { reason })
    }

    /// True if the open group must be durable before it is acknowledged, whatever the durability.
    pub(crate) fn is_sync_due(&self) -> bool {
        self.sequence.last.saturating_sub(self.sequence.synced.max(self.sequence.base)) >= UNSYNCED_MAX
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::batch::Batch;
    use crate::engine::options::{Durability, Options};
    use crate::engine::tests::TestEnvironment;
    use crate::fs::simulated::{Recovery, Simulated, SimulatedFile};

    fn open(files: &Simulated) -> Engine<SimulatedFile> {
        let options = Options { memtable_size: 1 << 30, durability: Durability::Never, ..Options::default() };
        pollster::block_on(Engine::open(files, "db", options, Arc::new(TestEnvironment::default()))).unwrap()
    }

    #[test]
    fn no_more_commits_can_be_lost_than_numbers_are_left_out() {
        let files = Simulated::new(1);
        let mut engine = open(&files);
        let mut batch = Batch::new();
        batch.put(vec![0; 9], vec![1], None);
        engine.append(batch.clone()).unwrap();
        engine.finish_group(Durability::Always).unwrap();
        files.reset_counts();
        let mut unsynced = 0;
        while files.counts().syncs == 0 {
            for _ in 0..20_000 {
                engine.append(batch.clone()).unwrap();
            }
            unsynced += 20_000;
            engine.finish_group(Durability::Never).unwrap();
        }
        assert!((UNSYNCED_MAX..UNSYNCED_MAX + 20_000).contains(&unsynced), "{unsynced}");
        let seen = engine.last_seq();
        drop(engine);
        files.restart(Recovery::LoseAll);
        let mut engine = open(&files);
        assert_eq!(engine.last_seq(), seen);
        assert_eq!(engine.append(batch).unwrap(), seen + SKIPPED + 1);
    }
}
