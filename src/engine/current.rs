//! The check that the open file is still the database: commits to a removed file are lost when the file is closed.

use super::engine::Engine;
use super::error::{Error, Result};
use crate::fs::File;

/// Nanoseconds between two checks. A check costs two calls of the host, and an asynchronous host answers later.
const INTERVAL_NS: u64 = 1_000_000_000;

impl<F: File> Engine<F> {
    /// Closes the engine to writes if the file lost its name or its end. Checks at most once a second.
    ///
    /// # Errors
    /// [`Error::Failed`], and [`Error::Locked`] if a later owner has shortened the file.
    pub(super) fn confirm_current(&mut self) -> Result<()> {
        let now_ns = self.environment.monotonic_ns();
        // A clock of a test may step back.
        let is_due = now_ns.checked_sub(self.confirmed_ns).is_none_or(|passed_ns| passed_ns >= INTERVAL_NS);
        if is_due { self.confirm_current_now() } else { Ok(()) }
    }

    /// Checks at once, as the first write and the close do.
    pub(super) fn confirm_current_now(&mut self) -> Result<()> {
        self.confirmed_ns = self.environment.monotonic_ns();
        if self.is_current() {
            return Ok(());
        }
        // A later owner may give space back.
        let cause = if self.was_taken_over() { Error::Locked } else { gone() };
        Err(self.fail(cause))
    }

    fn is_current(&self) -> bool {
        // The owner may give free space back while this connection has written nothing.
        let is_guest = self.log.is_none() && !self.volume.is_exclusive();
        self.volume.is_current(if is_guest { self.tables.superblock.file_len } else { self.volume.file_len() })
    }

    fn was_taken_over(&self) -> bool {
        self.volume.was_taken_over(self.tables.superblock.file_id)
    }

    /// Returns the cause of a failed write: an owner record that disappeared with the content is no other connection.
    pub(super) fn explain_failure(&self, error: Error) -> Error {
        let is_current = || self.volume.is_current(self.volume.file_len());
        let is_gone = matches!(error, Error::Locked) && !is_current() && !self.was_taken_over();
        if is_gone { gone() } else { error }
    }
}

fn gone() -> Error {
    Error::Failed {
        reason:
            "the file was removed, moved, replaced or cut while it was open, and commits of the last second may be \
                 lost"
                .to_owned(),
    }
}
