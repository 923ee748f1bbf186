//! A directory that goes with a test.

use ferrolite::fs::Std;
use ferrolite::{Environment, HostEnvironment};
use std::path::PathBuf;

/// A directory that goes with the test. WASI has no temporary directory: there it is in the current one.
pub struct Directory(pub Std);

impl Directory {
    /// A new one, with the name of the test in its own.
    pub fn new(test: &str) -> Self {
        let parent = if cfg!(target_os = "wasi") { PathBuf::from("target") } else { std::env::temp_dir() };
        let mut random = [0; 8];
        HostEnvironment.fill_random(&mut random);
        let directory = parent.join(format!("ferrolite-{test}-{:016x}", u64::from_le_bytes(random)));
        std::fs::create_dir_all(&directory).unwrap();
        Self(Std::new(directory))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.directory());
    }
}
