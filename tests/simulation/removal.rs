//! Somebody moves the file away while it is open, and back when it is closed.

use crate::world::{NAME, World};
use ferrolite::ErrorCode;

/// Milliseconds after which a commit notices it.
const CHECK_MS: i64 = 1000;

impl World {
    /// The next commit is refused, and all that was acknowledged before is in the file.
    pub fn move_file_away(&mut self) {
        self.fs.clear_faults();
        self.fs.set_capacity(None);
        let is_writable = self.db.as_ref().is_some_and(|db| db.stats().engine.failed.is_none());
        if self.damage.is_some() || self.is_down() || !is_writable {
            return;
        }
        // No power failure comes in between.
        self.fs.crash_after(u64::MAX);
        let content = self.fs.content(NAME).expect("the file is there");
        self.fs.unlink(NAME);
        self.set_clock(CHECK_MS);
        let db = self.db.as_mut().expect("it is open");
        let error = db.set("a", &1).expect_err("the file has no name any more");
        assert_eq!((error.code(), db.version()), (ErrorCode::Failed, self.version), "{error}");
        self.fs.set_content(NAME, content);
        self.kill();
        self.tally.one("work: files moved away while open");
    }
}
