//! The hosts that operations are played on.

use ferrolite::fs::simulated::{Fault, Operation, Simulated};
use ferrolite::fs::{FileSystem, Memory, Std};

/// A file system, and whether it can be made to fail.
pub trait Host: FileSystem {
    /// The next write to a file fails.
    fn fail_next_write(&self) {}

    /// No write fails any more.
    fn heal(&self) {}
}

impl Host for Memory {}
impl Host for Std {}

impl Host for Simulated {
    fn fail_next_write(&self) {
        let fault = if self.mutations().is_multiple_of(2) { Fault::Io } else { Fault::StorageFull };
        self.fail_call(Some(Operation::Write), 1, fault, false);
    }

    fn heal(&self) {
        self.clear_faults();
    }
}
