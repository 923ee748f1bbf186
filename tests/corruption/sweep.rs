//! Damaging a sample in one way after another.

use crate::image::Image;
use crate::judge::{Verdict, judge};
use crate::log::Log;
use crate::reading::read;
use crate::samples::Sample;
use peak_alloc::PeakAlloc;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What opening and reading may allocate at most. The databases have less than two megabytes.
const MEMORY_MAX: usize = 8 << 20;

/// Held by each test: memory is counted for all of the process.
pub fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the sweeps are to be complete.
pub fn is_long() -> bool {
    std::env::var_os("FERROLITE_TORTURE").is_some()
}

/// Of so many cases one is tried.
pub fn share(native: usize, wasi: usize) -> usize {
    match (is_long(), cfg!(target_os = "wasi")) {
        (true, _) => 1,
        (false, false) => native,
        (false, true) => wasi,
    }
}

/// A sample, its file to be damaged, and what came of it so far.
pub struct Sweep<'a> {
    pub sample: &'a Sample,
    pub log: Log,
    pub image: Image,
    pub detected: u64,
    pub unaffected: u64,
    pub earlier: u64,
}

impl<'a> Sweep<'a> {
    pub fn new(sample: &'a Sample) -> Self {
        let (log, image) = (Log::of(&sample.bytes), Image::new(&sample.bytes));
        Self { sample, log, image, detected: 0, unaffected: 0, earlier: 0 }
    }

    /// Reads the image as it is now, and judges what was read.
    pub fn try_damage(&mut self, damage: &[Range<usize>], what: impl FnOnce() -> String) -> Verdict {
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let found = read(&self.image, &self.sample.keys, self.sample.encryption.clone());
        let used = MEMORY.peak_usage().saturating_sub(before);
        let verdict = judge(self.sample, &self.log, damage, &found);
        let verdict = match verdict {
            Ok(verdict) if used < MEMORY_MAX => verdict,
            Ok(_) => panic!("{}: {}: {used} bytes were in use", self.sample.name, what()),
            Err(problem) => panic!("{}: {}: {}", self.sample.name, what(), shortened(&problem)),
        };
        match verdict {
            Verdict::Detected => self.detected += 1,
            Verdict::Unaffected => self.unaffected += 1,
            Verdict::Earlier(_) => self.earlier += 1,
        }
        verdict
    }

    pub fn cases(&self) -> u64 {
        self.detected + self.unaffected + self.earlier
    }

    /// Prints a line for the table of the long form.
    pub fn report(&self, what: &str) {
        if is_long() {
            println!("torture\tcorruption\t{what}\t{}", self.cases());
            eprintln!(
                "{}: {what}: {} detected, {} without effect, {} torn tails",
                self.sample.name, self.detected, self.unaffected, self.earlier
            );
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(2000).collect()
}
