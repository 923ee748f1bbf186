//! How long the log and the file may be.

use crate::world::{NAME, World};

/// Bytes of the largest groups in the log, and of what is not filled of its segments.
const LOG_SLACK: u64 = 2 << 20;
/// Bytes of a file beside a few times what is live: a block of 64 KiB for each small table, of which a key space has up to six.
const FILE_SLACK: u64 = 6 << 20;

impl World {
    /// The log is no longer than a few memtables, whatever was written, with room for the longest groups. A session that has
    /// written nothing has the log that it found: it was written with another `memtableSize`, perhaps.
    pub(crate) fn assert_short_log(&self) {
        let Some(db) = &self.db else { return };
        let engine = db.stats().engine;
        let is_found = engine.io.writes == 0 && engine.log_bytes == self.found_log;
        let max = if is_found { self.log_max } else { self.own_log_max() };
        assert!(engine.log_bytes <= max, "the log has {} bytes, of at most {max}", engine.log_bytes);
    }

    /// Bytes that the log of this session may have.
    fn own_log_max(&self) -> u64 {
        8 * (self.options.memtable_size as u64).max(64 << 10) + LOG_SLACK
    }

    /// Takes note of an opening: the log that it has found comes from earlier sessions.
    pub(crate) fn measure_found_log(&mut self) {
        self.found_log = self.db.as_ref().map_or(0, |db| db.stats().engine.log_bytes);
        self.assert_short_log();
        self.log_max = self.log_max.max(self.own_log_max());
    }

    /// A file that was closed without a fault has no more than a few times what is live in it, and what small tables take.
    pub(crate) fn measure_file(&mut self) {
        if self.damage.is_some() || self.bounded || self.fs.faults_fired() > 0 {
            return;
        }
        let live: u64 = self.state.documents.iter().map(|(key, stored)| (key.len() + stored.json.len()) as u64).sum();
        let len = self.fs.content(NAME).map_or(0, |content| content.len() as u64);
        assert!(len < 3 * live + FILE_SLACK, "a file of {len} bytes for {live} live ones");
        self.tally.one("work: files measured");
    }
}
