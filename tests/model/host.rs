//! The hosts that operations are played on.

use ferrolite::fs::simulated::{Fault, Operation, Simulated};
use ferrolite::fs::{FileSystem, Memory, Std};
use ferrolite::{Environment, HostEnvironment};
use std::path::PathBuf;

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

/// A directory that goes with the test. WASI has no temporary directory: there it is in the current one.
pub struct Directory(pub Std);

impl Directory {
    pub fn new() -> Self {
        let parent = if cfg!(target_os = "wasi") { PathBuf::from("target") } else { std::env::temp_dir() };
        let mut random = [0; 8];
        HostEnvironment.fill_random(&mut random);
        let directory = parent.join(format!("ferrolite-model-{:016x}", u64::from_le_bytes(random)));
        std::fs::create_dir_all(&directory).unwrap();
        Self(Std::new(directory))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.directory());
    }
}
