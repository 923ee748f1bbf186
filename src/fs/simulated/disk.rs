//! The state that all clones and open files of one simulation share.

use std::collections::BTreeMap;

use super::fault::{Fault, Faults, Lie, Operation};
use super::node::Node;
use super::random::Random;
use super::recovery::{Aftermath, Chooser, Recovery};
use crate::fs::memory::Openers;
use crate::fs::{Error, OpenMode, Result};

/// The length that no simulated file may pass, in bytes: whoever writes there is mistaken about the offset.
const FILE_LEN_MAX: u64 = 1 << 30;

/// By how much a misdirected write misses, or a multiple of it.
const MISDIRECTION: usize = 4096;

/// How many calls there were, and what they did. Calls that failed are counted as calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of `open`.
    pub opens: u64,
    /// Calls of `len`.
    pub lens: u64,
    /// Calls of `read_at`.
    pub reads: u64,
    /// Calls of `write_at`.
    pub writes: u64,
    /// Calls of `truncate`.
    pub truncates: u64,
    /// Calls of `sync`.
    pub syncs: u64,
    /// Bytes that reads returned.
    pub bytes_read: u64,
    /// Bytes that writes wrote.
    pub bytes_written: u64,
    /// How often a write or a truncate made a file longer.
    pub growths: u64,
}

#[derive(Debug)]
pub(super) struct Disk {
    files: BTreeMap<String, Node>,
    /// Removed files that are still open, by number.
    nameless: BTreeMap<u64, Node>,
    /// Number of the newest file.
    last_number: u64,
    pub(super) random: Random,
    /// The number of restarts so far. A file that was opened before the last one is dead.
    pub(super) epoch: u64,
    crashed: bool,
    /// The mutating calls until the crash, the one that it hits included.
    pub(super) crash_in: Option<u64>,
    pub(super) faults: Faults,
    /// The writes that were not done as they were acknowledged.
    pub(super) lies: Vec<Lie>,
    pub(super) aftermath: Aftermath,
    /// The call that a planned crash has hit.
    pub(super) crashed_in: Option<Operation>,
    /// The most that all files may hold together, in bytes.
    pub(super) capacity: Option<u64>,
    /// True if files are locked while open.
    pub(super) exclusive: bool,
    pub(super) counts: Counts,
    pub(super) mutations: u64,
    /// The number of changes so far, over all files.
    changes: u64,
}

/// The outcome of a call that is carried out.
enum Verdict {
    Proceed,
    Crash,
    Fault(Fault),
}

pub(super) fn crashed(operation: Operation) -> Error {
    Error::Io { operation: operation.name(), message: "the simulated host has crashed".to_string() }
}

fn planned(operation: Operation, fault: Fault) -> Error {
    let message = "planned by the test".to_string();
    match fault {
        Fault::StorageFull => Error::StorageFull { message },
        _ => Error::Io { operation: operation.name(), message },
    }
}

fn full(what: &str) -> Error {
    Error::StorageFull { message: format!("{what}: the simulated disk is full") }
}

fn not_found(name: &str) -> Error {
    Error::NotFound { name: name.to_string() }
}

impl Disk {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            files: BTreeMap::new(),
            nameless: BTreeMap::new(),
            last_number: 0,
            random: Random::new(seed),
            epoch: 0,
            crashed: false,
            crash_in: None,
            faults: Faults::default(),
            lies: Vec::new(),
            aftermath: Aftermath::default(),
            crashed_in: None,
            capacity: None,
            exclusive: true,
            counts: Counts::default(),
            mutations: 0,
            changes: 0,
        }
    }

    /// Returns a copy of the disk, for another machine.
    pub(super) fn copy(&self) -> Self {
        Self {
            files: self.files.iter().map(|(name, node)| (name.clone(), node.copy())).collect(),
            nameless: BTreeMap::new(),
            random: self.random.clone(),
            faults: self.faults.clone(),
            lies: self.lies.clone(),
            ..*self
        }
    }

    pub(super) fn node(&self, name: &str) -> Option<&Node> {
        self.files.get(name)
    }

    pub(super) fn node_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.files.get_mut(name)
    }

    pub(super) fn put_node(&mut self, name: &str, mut node: Node) {
        match self.files.remove(name) {
            Some(old) => (node.openers, node.number) = (old.openers, old.number),
            None => node.number = self.next_number(),
        }
        self.files.insert(name.to_string(), node);
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Removes a name. An open file of that name stays readable and writable for its openers.
    pub(super) fn unlink(&mut self, name: &str) {
        if let Some(node) = self.files.remove(name) {
            self.nameless.insert(node.number, node);
        }
    }

    /// Returns whether `name` still leads to the file with this number.
    pub(super) fn leads_to(&self, name: &str, number: u64) -> bool {
        self.files.get(name).is_some_and(|node| node.number == number)
    }

    pub(super) fn crash(&mut self) {
        self.crashed = true;
    }

    /// The numbers of the changes that a crash may lose, oldest first.
    pub(super) fn unsynced(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.files.values().flat_map(Node::unsynced).map(|change| change.number).collect();
        numbers.sort_unstable();
        numbers
    }

    pub(super) fn restart(&mut self, recovery: Recovery) {
        let unsynced = self.unsynced();
        let mut chooser = Chooser::new(recovery, unsynced, &mut self.random);
        self.nameless.clear();
        self.files.retain(|_, node| !node.may_vanish() || chooser.keeps_name());
        for node in self.files.values_mut() {
            node.restart(|change| chooser.fate(change));
        }
        self.aftermath.add(&chooser.into_aftermath());
        self.crashed_in = None;
        self.epoch += 1;
        self.crashed = false;
        self.crash_in = None;
    }

    /// Nobody has a file open any more; nothing else has changed.
    pub(super) fn restart_process(&mut self) {
        self.files.values_mut().for_each(|node| node.openers = Openers::default());
        self.nameless.clear();
        self.epoch += 1;
        self.crashed = false;
        self.crash_in = None;
        self.crashed_in = None;
    }

    /// Counts a call, and decides on it. What needs no more than an error fails here.
    fn enter(&mut self, operation: Operation) -> Result<Verdict> {
        if self.crashed {
            return Err(crashed(operation));
        }
        match operation {
            Operation::Open => self.counts.opens += 1,
            Operation::Read => self.counts.reads += 1,
            Operation::Write => self.counts.writes += 1,
            Operation::Truncate => self.counts.truncates += 1,
            Operation::Sync => self.counts.syncs += 1,
            Operation::Len => self.counts.lens += 1,
            Operation::Remove | Operation::List => {}
        }
        if operation.is_mutation() {
            self.mutations += 1;
            self.crash_in = self.crash_in.map(|calls| calls.saturating_sub(1));
            if self.crash_in == Some(0) {
                self.crashed = true;
                self.crashed_in = Some(operation);
                return Ok(Verdict::Crash);
            }
        }
        match self.faults.next(operation) {
            None => Ok(Verdict::Proceed),
            Some(fault) if operation.is_mutation() || fault == Fault::ShortRead => Ok(Verdict::Fault(fault)),
            Some(fault) => Err(planned(operation, fault)),
        }
    }

    /// Opens a file, and returns its number.
    pub(super) fn open(&mut self, name: &str, mode: OpenMode) -> Result<u64> {
        self.enter(Operation::Open)?;
        if mode == OpenMode::Create && !self.files.contains_key(name) {
            let number = self.next_number();
            self.files.insert(name.to_string(), Node::new(number));
        }
        let exclusive = self.exclusive;
        let node = self.files.get_mut(name).ok_or_else(|| not_found(name))?;
        if exclusive {
            node.openers.acquire(name, mode)?;
        }
        Ok(node.number)
    }

    /// Drops a file that was opened in this epoch.
    pub(super) fn close(&mut self, name: &str, number: u64, mode: OpenMode) {
        if let Ok(node) = self.opened(name, number) {
            node.openers.release(mode);
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        self.enter(Operation::Remove)?;
        if self.files.get(name).ok_or_else(|| not_found(name))?.openers.is_open() {
            return Err(Error::Locked { name: name.to_string() });
        }
        // Without locks it may be open.
        self.unlink(name);
        Ok(())
    }

    pub(super) fn list(&mut self) -> Result<Vec<String>> {
        self.enter(Operation::List)?;
        Ok(self.files.keys().cloned().collect())
    }

    pub(super) fn len(&mut self, name: &str, number: u64) -> Result<u64> {
        self.enter(Operation::Len)?;
        Ok(self.opened(name, number)?.content().len() as u64)
    }

    pub(super) fn read(&mut self, name: &str, number: u64, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let verdict = self.enter(Operation::Read)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let len = self.node_of(name, number)?.content().len();
        let mut count = len.saturating_sub(start).min(buffer.len());
        if let Verdict::Fault(_) = verdict
            && count > 1
        {
            count = 1 + self.random.below(count - 1);
        }
        let rest = self.node_of(name, number)?.content().get(start..).unwrap_or_default();
        buffer.iter_mut().zip(rest).take(count).for_each(|(to, from)| *to = *from);
        self.counts.bytes_read += count as u64;
        Ok(count)
    }

    pub(super) fn write(&mut self, name: &str, number: u64, bytes: &[u8], offset: u64) -> Result<usize> {
        let mut offset = offset;
        let mut bytes = bytes;
        let mut outcome = None;
        match self.enter(Operation::Write)? {
            Verdict::Proceed => {}
            // The write may have reached the disk before the power failed, or may not: the restart decides.
            Verdict::Crash => outcome = Some(crashed(Operation::Write)),
            Verdict::Fault(Fault::LostWrite) => {
                self.lies.push(Lie { offset, landed_at: None, bytes: bytes.to_vec() });
                return Ok(bytes.len());
            }
            Verdict::Fault(Fault::MisdirectedWrite) => {
                let landed_at = self.elsewhere(name, number, offset)?;
                self.lies.push(Lie { offset, landed_at: Some(landed_at), bytes: bytes.to_vec() });
                offset = landed_at;
            }
            Verdict::Fault(Fault::ShortWrite) if bytes.len() > 1 => {
                let count = 1 + self.random.below(bytes.len() - 1);
                bytes = bytes.get(..count).unwrap_or_default();
            }
            Verdict::Fault(Fault::ShortWrite) => {}
            Verdict::Fault(fault) => {
                let count = self.random.below(bytes.len() + 1);
                bytes = bytes.get(..count).unwrap_or_default();
                outcome = Some(planned(Operation::Write, fault));
            }
        }
        let count = self.put(name, number, bytes, offset);
        match outcome {
            Some(error) => Err(error),
            None => count,
        }
    }

    /// Writes what fits on the disk.
    fn put(&mut self, name: &str, number: u64, bytes: &[u8], offset: u64) -> Result<usize> {
        let len = self.opened(name, number)?.content().len() as u64;
        let room = self.len_max(len).saturating_sub(offset);
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        let bytes = bytes.get(..count).unwrap_or(bytes);
        if count == 0 {
            return if room == 0 { Err(full("write_at")) } else { Ok(0) };
        }
        self.changes += 1;
        let change = self.changes;
        let start = usize::try_from(offset).map_err(|_| full("write_at"))?;
        self.opened(name, number)?.write(change, start, bytes);
        self.counts.bytes_written += count as u64;
        self.counts.growths += u64::from(offset + count as u64 > len);
        Ok(count)
    }

    pub(super) fn truncate(&mut self, name: &str, number: u64, new_len: u64) -> Result<()> {
        let outcome = match self.enter(Operation::Truncate)? {
            Verdict::Proceed => Ok(()),
            Verdict::Crash => Err(crashed(Operation::Truncate)),
            Verdict::Fault(fault) => return Err(planned(Operation::Truncate, fault)),
        };
        let len = self.opened(name, number)?.content().len() as u64;
        if new_len > self.len_max(len) {
            return outcome.and(Err(full("truncate")));
        }
        self.changes += 1;
        let change = self.changes;
        let target = usize::try_from(new_len).map_err(|_| full("truncate"))?;
        self.opened(name, number)?.truncate(change, target);
        self.counts.growths += u64::from(new_len > len);
        outcome
    }

    pub(super) fn sync(&mut self, name: &str, number: u64) -> Result<()> {
        match self.enter(Operation::Sync)? {
            Verdict::Proceed => {
                self.opened(name, number)?.sync();
                Ok(())
            }
            Verdict::Crash => Err(crashed(Operation::Sync)),
            Verdict::Fault(fault) => {
                self.opened(name, number)?.fail_sync();
                Err(planned(Operation::Sync, fault))
            }
        }
    }

    /// Returns an open file, whether or not it still has its name.
    fn node_of(&self, name: &str, number: u64) -> Result<&Node> {
        let named = self.files.get(name).filter(|node| node.number == number);
        named.or_else(|| self.nameless.get(&number)).ok_or_else(|| not_found(name))
    }

    fn opened(&mut self, name: &str, number: u64) -> Result<&mut Node> {
        let named = self.files.get_mut(name).filter(|node| node.number == number);
        named.or_else(|| self.nameless.get_mut(&number)).ok_or_else(|| not_found(name))
    }

    /// How long a file of `len` bytes may become.
    fn len_max(&self, len: u64) -> u64 {
        let used: u64 = self.files.values().map(|node| node.content().len() as u64).sum();
        let free = self.capacity.map_or(FILE_LEN_MAX, |capacity| capacity.saturating_sub(used));
        (len + free).min(FILE_LEN_MAX)
    }

    /// Where a misdirected write lands: in another page of the file, or in the page behind its end.
    fn elsewhere(&mut self, name: &str, number: u64, offset: u64) -> Result<u64> {
        let pages = self.node_of(name, number)?.content().len() / MISDIRECTION + 1;
        let here = usize::try_from(offset).unwrap_or(usize::MAX) / MISDIRECTION;
        let page = self.random.below(pages);
        let page = if page == here { page + 1 } else { page };
        Ok((page * MISDIRECTION) as u64 + offset % MISDIRECTION as u64)
    }
}
