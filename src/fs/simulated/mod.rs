//! A file system for tests: deterministic, with crashes and faults.
//!
//! A file is what was synced, and the changes since: writes and truncates. Reads see all of them. When the power fails,
//! each change that no sync has made durable is kept, lost or torn on its own, whatever happened to the others; so a later
//! one may survive where an earlier one is lost, as disks and browsers may have it.
//!
//! ```text
//!   write_at, truncate ──> changes ── sync ──> durable
//!                             │ crash             │
//!                             └─── any subset ────┴──> the file after the restart
//! ```
//!
//! Everything follows from the seed and from the calls made: the same run has the same outcome.
//!
//! ```
//! use ferrolite::fs::simulated::{Recovery, Simulated};
//! use ferrolite::fs::{File, FileSystem, OpenMode};
//! # pollster::block_on(async {
//! let fs = Simulated::new(1);
//! let file = fs.open("a", OpenMode::Create).await?;
//! file.write_at(b"synced", 0)?;
//! file.sync()?;
//! file.write_at(b"unsafe", 0)?;
//! assert_eq!(fs.unsynced(), 1);
//!
//! fs.restart(Recovery::LoseAll);
//! assert!(file.len().is_err(), "it was open when the power failed");
//! assert_eq!(fs.content("a").as_deref(), Some(&b"synced"[..]));
//! # Ok::<(), ferrolite::fs::Error>(())
//! # }).unwrap();
//! ```
//!
//! To try every crash of a workload, run it once and ask for [`mutations`](Simulated::mutations), then run it again with
//! [`crash_after`](Simulated::crash_after) each number up to that. To try every outcome of one crash, restart a
//! [`fork`](Simulated::fork) with [`Recovery::Keep`] for each subset of the [`unsynced`](Simulated::unsynced) changes.

mod disk;
mod fault;
mod node;
mod random;
mod recovery;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

pub use disk::Counts;
pub use fault::{Fault, Lie, Operation};
pub use recovery::{Aftermath, Recovery};

use crate::fs::{Error, File, FileSystem, OpenMode, Result, check_name, memory};
use disk::Disk;
use node::Node;
use random::Random;

/// The simulated file system. Clones share its files.
#[derive(Debug, Clone)]
pub struct Simulated {
    disk: Arc<Mutex<Disk>>,
}

/// An open file of [`Simulated`]; dropping it releases its lock. It is dead once the file system has crashed.
#[derive(Debug)]
pub struct SimulatedFile {
    disk: Arc<Mutex<Disk>>,
    name: String,
    /// Number of the file.
    number: u64,
    mode: OpenMode,
    epoch: u64,
    /// True if files were locked when it was opened.
    exclusive: bool,
}

impl Simulated {
    /// An empty file system, all of whose choices follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { disk: Arc::new(Mutex::new(Disk::new(seed))) }
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        memory::lock(&self.disk)
    }

    /// An independent copy in the same state, in which nobody has a file open: a crash can be tried on it without
    /// running what led to it again.
    pub fn fork(&self) -> Self {
        Self { disk: Arc::new(Mutex::new(self.disk().copy())) }
    }

    /// Takes all further choices from another seed: with a [`fork`](Self::fork), many outcomes of one crash.
    pub fn reseed(&self, seed: u64) {
        self.disk().random = Random::new(seed);
    }

    /// Counts the calls so far; [`reset_counts`](Self::reset_counts) starts again.
    pub fn counts(&self) -> Counts {
        self.disk().counts
    }

    /// Sets all [`counts`](Self::counts) to zero.
    pub fn reset_counts(&self) {
        self.disk().counts = Counts::default();
    }

    /// How many calls of `write_at`, `truncate` and `sync` there were: the points at which a crash can be planned.
    pub fn mutations(&self) -> u64 {
        self.disk().mutations
    }

    /// The power fails during the `calls`th mutating call from now. That call fails, and what it changes is kept or
    /// lost like any other unsynced change; a sync makes no promise. Every call after it fails until
    /// [`restart`](Self::restart), which also withdraws a crash that has not come.
    ///
    /// # Panics
    /// When `calls` is 0: that is [`crash_now`](Self::crash_now).
    pub fn crash_after(&self, calls: u64) {
        assert!(calls > 0, "calls are counted from 1");
        self.disk().crash_in = Some(calls);
    }

    /// The power fails: every call fails until [`restart`](Self::restart).
    pub fn crash_now(&self) {
        self.disk().crash();
    }

    /// The number of changes that a crash may lose now, over all files; see [`Recovery::Keep`].
    pub fn unsynced(&self) -> usize {
        self.disk().unsynced().len()
    }

    /// The power is back, or fails and comes back: files hold what `recovery` says, and can be opened again. Those that
    /// were open are dead. Planned faults and the capacity stay.
    pub fn restart(&self, recovery: Recovery) {
        self.disk().restart(recovery);
    }

    /// The process has ended, be it by a planned crash, and another one begins: what was written stays with the host, be
    /// it durable or not. Files that were open are dead.
    pub fn restart_process(&self) {
        self.disk().restart_process();
    }

    /// Plans a fault: the `calls`th call from now that it can hit fails, and all later ones too when `persistent`.
    /// With an `operation`, only such calls are counted and hit.
    ///
    /// # Panics
    /// When `calls` is 0.
    pub fn fail_call(&self, operation: Option<Operation>, calls: u64, fault: Fault, persistent: bool) {
        self.disk().faults.plan(operation, calls, fault, persistent);
    }

    /// Withdraws all planned faults.
    pub fn clear_faults(&self) {
        self.disk().faults.clear();
    }

    /// How many calls have been hit by planned faults.
    pub fn faults_fired(&self) -> u64 {
        self.disk().faults.fired.values().sum()
    }

    /// Counts the faults that were applied, by call and fault.
    pub fn faults_fired_by_kind(&self) -> BTreeMap<(Operation, Fault), u64> {
        self.disk().faults.fired.clone()
    }

    /// The writes that the disk has lied about so far: [`Fault::LostWrite`] and [`Fault::MisdirectedWrite`].
    pub fn lies(&self) -> Vec<Lie> {
        self.disk().lies.clone()
    }

    /// Counts the fates of unsynced changes in all restarts so far.
    pub fn aftermath(&self) -> Aftermath {
        self.disk().aftermath
    }

    /// The call at which the power has failed, when a planned crash has come and there was no restart yet.
    pub fn crashed_in(&self) -> Option<Operation> {
        self.disk().crashed_in
    }

    /// Limits what all files may hold together, in bytes. A write that grows a file past it is cut short, and fails
    /// with [`Error::StorageFull`] when nothing of it fits; what lies within a file's length can always be written.
    pub fn set_capacity(&self, capacity: Option<u64>) {
        self.disk().capacity = capacity;
    }

    /// True if files are locked while open, as they are at first. Without locks, as on WASI, any number of writers may
    /// open one file. Concerns the files opened from now on.
    pub fn set_exclusive(&self, exclusive: bool) {
        self.disk().exclusive = exclusive;
    }

    /// Returns the content that a reader of the file would see, or `None` if the file does not exist.
    pub fn content(&self, name: &str) -> Option<Vec<u8>> {
        self.disk().node(name).map(|node| node.content().to_vec())
    }

    /// Replaces or creates a file, durably.
    pub fn set_content(&self, name: &str, bytes: Vec<u8>) {
        self.disk().put_node(name, Node::with_content(bytes));
    }

    /// Removes the name of a file, as `rm` does: whoever has the file open reads and writes a file without a name.
    pub fn unlink(&self, name: &str) {
        self.disk().unlink(name);
    }

    /// Flips a bit (0 to 7) of the byte at `offset`, as a failing medium does.
    ///
    /// # Panics
    /// When there is no such byte.
    pub fn flip_bit(&self, name: &str, offset: usize, bit: u32) {
        self.damage(name, offset..offset + 1, |byte| byte ^ (1 << bit));
    }

    /// Overwrites a range with one byte, as a failing medium does.
    ///
    /// # Panics
    /// When the file does not hold the range.
    pub fn corrupt(&self, name: &str, range: Range<usize>, byte: u8) {
        self.damage(name, range, |_| byte);
    }

    fn damage(&self, name: &str, range: Range<usize>, damage: impl Fn(u8) -> u8) {
        let mut disk = self.disk();
        let node = disk.node_mut(name).expect("a file must be there to be damaged");
        node.damage(range, damage);
    }
}

impl FileSystem for Simulated {
    type File = SimulatedFile;

    async fn open(&self, name: &str, mode: OpenMode) -> Result<SimulatedFile> {
        check_name(name)?;
        let mut disk = self.disk();
        let number = disk.open(name, mode)?;
        let (epoch, exclusive) = (disk.epoch, disk.exclusive);
        Ok(SimulatedFile { disk: self.disk.clone(), name: name.to_string(), number, mode, epoch, exclusive })
    }

    async fn remove(&self, name: &str) -> Result<()> {
        check_name(name)?;
        self.disk().remove(name)
    }

    async fn list(&self) -> Result<Vec<String>> {
        self.disk().list()
    }
}

impl SimulatedFile {
    fn disk(&self, operation: Operation) -> Result<MutexGuard<'_, Disk>> {
        let disk = memory::lock(&self.disk);
        if disk.epoch != self.epoch {
            return Err(disk::crashed(operation));
        }
        Ok(disk)
    }

    fn check_writable(&self) -> Result<()> {
        if self.mode == OpenMode::ReadOnly {
            return Err(Error::ReadOnly { name: self.name.clone() });
        }
        Ok(())
    }
}

impl File for SimulatedFile {
    fn len(&self) -> Result<u64> {
        self.disk(Operation::Len)?.len(&self.name, self.number)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.disk(Operation::Read)?.read(&self.name, self.number, buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize> {
        self.check_writable()?;
        self.disk(Operation::Write)?.write(&self.name, self.number, bytes, offset)
    }

    fn truncate(&self, len: u64) -> Result<()> {
        self.check_writable()?;
        self.disk(Operation::Truncate)?.truncate(&self.name, self.number, len)
    }

    fn sync(&self) -> Result<()> {
        if self.mode == OpenMode::ReadOnly {
            return Ok(());
        }
        self.disk(Operation::Sync)?.sync(&self.name, self.number)
    }

    fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    fn is_current(&self, len: u64) -> bool {
        let disk = memory::lock(&self.disk);
        // A dead file fails by itself.
        disk.epoch != self.epoch
            || (disk.leads_to(&self.name, self.number)
                && disk.node(&self.name).is_some_and(|node| node.content().len() as u64 >= len))
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        let mut disk = memory::lock(&self.disk);
        if self.exclusive && disk.epoch == self.epoch {
            disk.close(&self.name, self.number, self.mode);
        }
    }
}
