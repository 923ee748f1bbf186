//! Whether the open file is still the database: commits to a removed file are lost when the file is closed.

use super::engine::Engine;
use super::error::{Error, Result};
use crate::fs::File;

/// Nanoseconds between two checks. A check costs two calls of the host, and an asynchronous host answers later.
const INTERVAL_NS: u64 = 1_000_000_000;

impl<F: File> Engine<F> {
    /// Closes the engine to writes if the file lost its name or its end. Checks at most once a second.
    ///
    /// # Errors
    /// [`Error::Failed`].
    pub(super) fn confirm_current(&mut self) -> Result<()> {
        let now_ns = self.environment.monotonic_ns();
        // A clock of a test may step back.
        let is_due = now_ns.checked_sub(self.confirmed_ns).is_none_or(|passed_ns| passed_ns >= INTERVAL_NS);
        if is_due { self.confirm_current_now() } else { Ok(()) }
    }

    /// Checks at once, as the first write and the close do.
    pub(super) fn confirm_current_now(&mut self) -> Result<()> {
        self.confirmed_ns = self.environment.monotonic_ns();
        if self.volume.is_current() { Ok(()) } else { Err(self.fail(gone())) }
    }

    /// Returns the cause of a failed write: an owner record that disappeared with the content is no other connection.
    pub(super) fn explain_failure(&self, error: Error) -> Error {
        if matches!(error, Error::Locked) && !self.volume.is_current() { gone() } else { error }
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
