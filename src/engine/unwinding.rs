//! A panic in the middle of a change: of a file or a clock of the caller's, or a broken invariant.
//!
//! What is in memory may then be half of a change, and must never be written. The engine closes itself to writes, and says so
//! to everybody who catches the panic and continues. Reads stay complete: nothing leaves the view of readers before
//! its successor is in it.

use super::engine::Engine;
use super::error::{Error, Result};
use crate::fs::File;

struct Guard<'a, F: File> {
    engine: &'a mut Engine<F>,
    is_done: bool,
}

impl<F: File> Drop for Guard<'_, F> {
    fn drop(&mut self) {
        if !self.is_done {
            // Nobody has its answer, and it is never written.
            self.engine.abandon_group();
            let reason = "an earlier call has panicked; open the database again".to_owned();
            self.engine.fail(Error::Failed { reason });
        }
    }
}

impl<F: File> Engine<F> {
    /// Does `work`, which changes the engine. If it panics, the engine closes itself to writes.
    pub(super) fn guarded<R>(&mut self, work: impl FnOnce(&mut Self) -> Result<R>) -> Result<R> {
        let mut guard = Guard { engine: self, is_done: false };
        let outcome = work(guard.engine);
        guard.is_done = true;
        outcome
    }
}
