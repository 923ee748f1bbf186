//! One simulated file: what is on the medium, and the changes that may not be.

use crate::fs::memory::Openers;

/// The unit that a disk writes completely or not at all, in bytes.
pub(super) const SECTOR_SIZE: usize = 512;

/// A file.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// The content that every sync so far has promised.
    durable: Vec<u8>,
    /// The content that reads see: every change is applied.
    current: Vec<u8>,
    /// The changes since `durable`, in order. They begin with one that is not synced: those before it are folded into
    /// `durable`. Those synced behind an abandoned one stay, because a synced change wins over an older one.
    changes: Vec<Change>,
    /// True if a crash leaves the file's name: a file is there for good once it was synced.
    named: bool,
    /// Number of the file: a later file of the same name has another one.
    pub(super) number: u64,
    pub(super) openers: Openers,
}

#[derive(Debug, Clone)]
pub(super) struct Change {
    /// The order in which changes were made, over all files.
    pub(super) number: u64,
    kind: Kind,
    state: State,
}

#[derive(Debug, Clone)]
enum Kind {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { len: usize },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next sync makes it durable.
    Unsynced,
    /// A sync has failed with it: no later one makes it durable.
    Abandoned,
    Synced,
}

/// The remainder of a change after a crash.
#[derive(Debug, Clone)]
pub(super) struct Fate {
    /// How far the change may make the file grow. A write that is kept beyond that is cut off there.
    pub(super) grow_to: usize,
    pub(super) part: Part,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    All,
    Nothing,
    /// Of a write, the sectors that are true.
    Sectors(Vec<bool>),
}

impl Fate {
    pub(super) const KEPT: Self = Self { grow_to: usize::MAX, part: Part::All };
    pub(super) const LOST: Self = Self { grow_to: 0, part: Part::Nothing };

    fn keeps(&self, sector: usize) -> bool {
        match &self.part {
            Part::All => true,
            Part::Nothing => false,
            Part::Sectors(kept) => kept.get(sector).copied().unwrap_or(false),
        }
    }
}

impl Change {
    /// Where a write ends, and how many sectors it touches; `None` for a truncate.
    pub(super) fn extent(&self) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Write { offset, bytes } => Some((offset + bytes.len(), sectors(*offset, bytes).count())),
            Kind::Truncate { .. } => None,
        }
    }
}

impl Kind {
    fn apply(&self, content: &mut Vec<u8>, fate: &Fate) {
        match self {
            Self::Truncate { len } => {
                if fate.keeps(0) {
                    content.resize(*len, 0);
                }
            }
            Self::Write { offset, bytes } => {
                let end = (offset + bytes.len()).min(fate.grow_to);
                if end > content.len() {
                    content.resize(end, 0);
                }
                for (sector, (start, part)) in sectors(*offset, bytes).enumerate() {
                    let room = content.get_mut(start..).unwrap_or_default();
                    if fate.keeps(sector) {
                        room.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        }
    }
}

/// Cuts a write at the sector boundaries of the file: each part with its offset.
fn sectors(offset: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = offset;
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (part, others) = rest.split_at(rest.len().min(SECTOR_SIZE - start % SECTOR_SIZE));
        let result = (start, part);
        start += part.len();
        rest = others;
        (!part.is_empty()).then_some(result)
    })
}

impl Node {
    /// A file that has always been there.
    pub(super) fn with_content(bytes: Vec<u8>) -> Self {
        Self { durable: bytes.clone(), current: bytes, named: true, ..Self::default() }
    }

    /// A new, empty file.
    pub(super) fn new(number: u64) -> Self {
        Self { number, ..Self::default() }
    }

    /// Returns a copy of the file, for another disk, where nobody has it open.
    pub(super) fn copy(&self) -> Self {
        Self {
            durable: self.durable.clone(),
            current: self.current.clone(),
            changes: self.changes.clone(),
            named: self.named,
            number: self.number,
            openers: Openers::default(),
        }
    }

    /// Returns the content that reads see.
    pub(super) fn content(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn write(&mut self, number: u64, offset: usize, bytes: &[u8]) {
        self.change(number, Kind::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn truncate(&mut self, number: u64, len: usize) {
        self.change(number, Kind::Truncate { len });
    }

    fn change(&mut self, number: u64, kind: Kind) {
        kind.apply(&mut self.current, &Fate::KEPT);
        self.changes.push(Change { number, kind, state: State::Unsynced });
    }

    pub(super) fn sync(&mut self) {
        self.settle(State::Synced);
        let folded = self.changes.iter().take_while(|change| change.state == State::Synced).count();
        for change in self.changes.drain(..folded) {
            change.kind.apply(&mut self.durable, &Fate::KEPT);
        }
        self.named = true;
    }

    pub(super) fn fail_sync(&mut self) {
        self.settle(State::Abandoned);
    }

    fn settle(&mut self, state: State) {
        for change in self.changes.iter_mut().filter(|change| change.state == State::Unsynced) {
            change.state = state;
        }
    }

    /// The changes that a crash may lose.
    pub(super) fn unsynced(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| change.state != State::Synced)
    }

    /// True if a crash can lose the whole file.
    pub(super) fn may_vanish(&self) -> bool {
        !self.named
    }

    /// The power is back: the file holds what was synced, and of the other changes what `fate` says.
    pub(super) fn restart(&mut self, mut fate: impl FnMut(&Change) -> Fate) {
        for change in std::mem::take(&mut self.changes) {
            let fate = if change.state == State::Synced { Fate::KEPT } else { fate(&change) };
            change.kind.apply(&mut self.durable, &fate);
        }
        *self = Self { number: self.number, ..Self::with_content(std::mem::take(&mut self.durable)) };
    }

    /// Changes bytes behind everyone's back, on the medium and in what is read.
    pub(super) fn damage(&mut self, range: std::ops::Range<usize>, damage: impl Fn(u8) -> u8) {
        assert!(range.end <= self.current.len(), "the damage lies outside of the file");
        for content in [&mut self.durable, &mut self.current] {
            content.iter_mut().take(range.end).skip(range.start).for_each(|byte| *byte = damage(*byte));
        }
    }
}
