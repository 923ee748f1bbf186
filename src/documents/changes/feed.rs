//! The changes of recent commits, in memory, for all watchers together.

use super::change::CommitNotes;
use crate::engine::Seq;
use std::collections::VecDeque;
use std::sync::Arc;

/// The changes of recent commits. Each watcher has a position in it.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    commits: VecDeque<Arc<CommitNotes>>,
    bytes: usize,
    bytes_max: usize,
    /// Commits up to this one are not here any more.
    forgotten: Seq,
    /// Commits up to this one were acknowledged: only these are delivered.
    acknowledged: Seq,
    /// Each watcher holds it, so that there is nothing to be done when one is dropped.
    watchers: Arc<()>,
}

impl Feed {
    /// Creates a feed that keeps about `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, ..Self::default() }
    }

    /// True if somebody watches. When nobody does any more, what was kept for them goes.
    pub fn is_watched(&mut self) -> bool {
        let is_watched = Arc::strong_count(&self.watchers) > 1;
        if !is_watched && !self.commits.is_empty() {
            self.commits.clear();
            self.bytes = 0;
        }
        is_watched
    }

    /// Somebody watches from now on, when `newest` is the last commit and was acknowledged. It does until what is returned
    /// is dropped.
    pub fn join(&mut self, newest: Seq) -> Arc<()> {
        if !self.is_watched() {
            self.forgotten = newest;
        }
        self.acknowledged = newest;
        Arc::clone(&self.watchers)
    }

    /// A commit was made.
    pub fn add(&mut self, commit: Arc<CommitNotes>) {
        self.bytes += commit.size();
        self.commits.push_back(commit);
        while self.bytes > self.bytes_max {
            let Some(first) = self.commits.pop_front() else { break };
            self.bytes -= first.size();
            self.forgotten = self.forgotten.max(first.version);
        }
    }

    /// All commits up to `seq` are acknowledged.
    pub fn acknowledge(&mut self, seq: Seq) {
        self.acknowledged = seq;
    }

    /// The last commit that was acknowledged, while somebody watches.
    pub fn acknowledged(&self) -> Seq {
        self.acknowledged
    }

    /// Forgets the commits after `seq`, which were rolled back.
    pub fn take_back(&mut self, seq: Seq) {
        while let Some(commit) = self.commits.pop_back_if(|commit| commit.version > seq) {
            self.bytes -= commit.size();
        }
        self.forgotten = self.forgotten.min(seq);
    }

    /// True if all changes behind `seq` are here.
    pub fn reaches(&self, seq: Seq) -> bool {
        self.forgotten <= seq
    }

    /// The first version behind which all changes are here.
    pub fn oldest(&self) -> Seq {
        self.forgotten
    }

    /// The next commit behind `seq` that was acknowledged.
    pub fn next_behind(&self, seq: Seq) -> Option<Arc<CommitNotes>> {
        let at = self.commits.partition_point(|commit| commit.version <= seq);
        self.commits.get(at).filter(|commit| commit.version <= self.acknowledged).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(version: Seq) -> Arc<CommitNotes> {
        Arc::new(CommitNotes { version, time_ms: 0, notes: Vec::new() })
    }

    #[test]
    fn only_what_was_acknowledged_is_told() {
        let mut feed = Feed::new(1000);
        let watcher = feed.join(3);
        for version in [4, 6, 7] {
            feed.add(commit(version));
        }
        assert_eq!(feed.next_behind(3), None);
        feed.acknowledge(6);
        assert_eq!(feed.next_behind(3), Some(commit(4)));
        assert_eq!(feed.next_behind(4), Some(commit(6)));
        assert_eq!(feed.next_behind(6), None);
        feed.take_back(6);
        feed.acknowledge(9);
        assert_eq!(feed.next_behind(6), None);
        drop(watcher);
        assert!(!feed.is_watched() && feed.commits.is_empty() && feed.bytes == 0);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut feed = Feed::new(200);
        let _watcher = feed.join(3);
        (4..30).for_each(|version| feed.add(commit(version)));
        assert!(feed.bytes <= 200 && !feed.reaches(3) && feed.reaches(29));
        // Not even one fits.
        let mut feed = Feed::new(0);
        let _watcher = feed.join(3);
        feed.add(commit(4));
        assert!(feed.commits.is_empty() && feed.bytes == 0 && !feed.reaches(3) && feed.reaches(4));
    }
}
