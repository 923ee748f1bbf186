//! Faults that a test plans: which call fails, and how.

use std::collections::BTreeMap;

/// A kind of file system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// [`FileSystem::open`](crate::fs::FileSystem::open)
    Open,
    /// [`FileSystem::remove`](crate::fs::FileSystem::remove)
    Remove,
    /// [`FileSystem::list`](crate::fs::FileSystem::list)
    List,
    /// [`File::len`](crate::fs::File::len)
    Len,
    /// [`File::read_at`](crate::fs::File::read_at)
    Read,
    /// [`File::write_at`](crate::fs::File::write_at)
    Write,
    /// [`File::truncate`](crate::fs::File::truncate)
    Truncate,
    /// [`File::sync`](crate::fs::File::sync)
    Sync,
}

impl Operation {
    /// True if a crash can be planned at this call.
    pub(super) fn is_mutation(self) -> bool {
        matches!(self, Self::Write | Self::Truncate | Self::Sync)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Remove => "remove",
            Self::List => "list",
            Self::Len => "len",
            Self::Read => "read_at",
            Self::Write => "write_at",
            Self::Truncate => "truncate",
            Self::Sync => "sync",
        }
    }
}

/// The fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The call fails with [`Error::Io`](crate::fs::Error::Io). Of a write, a part may have been done. After a failed
    /// sync no later sync saves what was unsynced then, as on Linux: it reads back until the power is lost, and is
    /// then kept or lost.
    Io,
    /// Fails the call with [`Error::StorageFull`](crate::fs::Error::StorageFull); hits writes, truncates and syncs.
    StorageFull,
    /// A read returns fewer bytes than there are, at least one.
    ShortRead,
    /// A write writes and returns fewer bytes than it was given, at least one.
    ShortWrite,
    /// A write reports success, but has landed a multiple of 4 KiB away.
    MisdirectedWrite,
    /// A write reports success, but nothing was written.
    LostWrite,
}

impl Fault {
    fn hits(self, operation: Operation) -> bool {
        match self {
            Self::Io => true,
            Self::StorageFull => operation.is_mutation(),
            Self::ShortRead => operation == Operation::Read,
            Self::ShortWrite | Self::MisdirectedWrite | Self::LostWrite => operation == Operation::Write,
        }
    }
}

/// A write that the disk has lied about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lie {
    /// Where the bytes should be, and are not.
    pub offset: u64,
    /// Where they are instead; `None` when they were lost.
    pub landed_at: Option<u64>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Plan {
    operation: Option<Operation>,
    /// The calls until the fault fires, that one included.
    calls: u64,
    fault: Fault,
    persistent: bool,
}

/// The faults that are planned, and how many calls they have hit.
#[derive(Debug, Clone, Default)]
pub(super) struct Faults {
    plans: Vec<Plan>,
    pub(super) fired: BTreeMap<(Operation, Fault), u64>,
}

impl Faults {
    pub(super) fn plan(&mut self, operation: Option<Operation>, calls: u64, fault: Fault, persistent: bool) {
        assert!(calls > 0, "calls are counted from 1");
        self.plans.push(Plan { operation, calls, fault, persistent });
    }

    pub(super) fn clear(&mut self) {
        self.plans.clear();
    }

    /// Counts a call, and says what goes wrong with it. Where several plans meet, the one made first wins.
    pub(super) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let mut fired = None;
        self.plans.retain_mut(|plan| {
            if !plan.fault.hits(operation) || plan.operation.is_some_and(|only| only != operation) {
                return true;
            }
            if plan.calls > 1 {
                plan.calls -= 1;
                return true;
            }
            fired = fired.or(Some(plan.fault));
            plan.persistent
        });
        if let Some(fault) = fired {
            *self.fired.entry((operation, fault)).or_default() += 1;
        }
        fired
    }
}
