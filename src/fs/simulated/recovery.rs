//! The remainder of unsynced changes after a crash.

use super::node::{Change, Fate, Part, SECTOR_SIZE};
use super::random::Random;

/// The unsynced changes that survive a restart. The synced ones are always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Each change by the seed: kept, lost, or, if it is a write, torn into sectors of 512 bytes of which any may be
    /// lost. The growth of the file that a write caused may be lost where its bytes are not, and the other way around.
    /// A file that was never synced may be missing.
    Random,
    /// All changes: what a killed process leaves.
    KeepAll,
    /// No change; a file that was never synced is missing.
    LoseAll,
    /// The changes whose bits are set. Bit 0 is the oldest one over all files; see
    /// [`unsynced`](super::Simulated::unsynced) for their number. Those beyond bit 63 are lost.
    Keep(u64),
}

/// The fates of unsynced changes in restarts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Aftermath {
    /// Changes that were kept whole.
    pub kept: u64,
    /// Changes that were lost.
    pub lost: u64,
    /// Writes of which some sectors may have been kept and others lost.
    pub torn: u64,
    /// Changes that were kept although an older one was lost.
    pub reordered: u64,
    /// Writes that were kept, in whole or in part, without all of the file's growth.
    pub growth_lost: u64,
}

impl Aftermath {
    pub(super) fn add(&mut self, other: &Self) {
        self.kept += other.kept;
        self.lost += other.lost;
        self.torn += other.torn;
        self.reordered += other.reordered;
        self.growth_lost += other.growth_lost;
    }

    fn count(&mut self, fate: &Fate, end: usize) {
        match fate.part {
            Part::All => {
                self.kept += 1;
                self.reordered += u64::from(self.lost > 0);
            }
            Part::Nothing => self.lost += 1,
            Part::Sectors(_) => self.torn += 1,
        }
        self.growth_lost += u64::from(!matches!(fate.part, Part::Nothing) && fate.grow_to < end);
    }
}

/// Chooses the fates of one restart.
#[derive(Debug)]
pub(super) struct Chooser<'a> {
    recovery: Recovery,
    /// The numbers of the changes in question, sorted.
    unsynced: Vec<u64>,
    random: &'a mut Random,
    /// Of 100 changes, how many are whole, and how many of the others are torn. Drawn again for each restart: with fixed
    /// odds, hardly any crash among many changes would keep nearly all of them, or nearly none.
    kept_percent: usize,
    torn_percent: usize,
    aftermath: Aftermath,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(recovery: Recovery, unsynced: Vec<u64>, random: &'a mut Random) -> Self {
        let mut draw = |odds: [usize; 4]| odds.get(random.below(odds.len())).copied().unwrap_or(0);
        let (kept_percent, torn_percent) = match recovery {
            Recovery::Random => (draw([5, 50, 75, 95]), draw([0, 25, 50, 100])),
            _ => (0, 0),
        };
        Self { recovery, unsynced, random, kept_percent, torn_percent, aftermath: Aftermath::default() }
    }

    /// True if a file that was never synced is still there.
    pub(super) fn keeps_name(&mut self) -> bool {
        match self.recovery {
            Recovery::Random => self.random.chance(50),
            Recovery::KeepAll | Recovery::Keep(_) => true,
            Recovery::LoseAll => false,
        }
    }

    /// Returns the fates of the changes so far.
    pub(super) fn into_aftermath(self) -> Aftermath {
        self.aftermath
    }

    pub(super) fn fate(&mut self, change: &Change) -> Fate {
        let fate = self.choose(change);
        self.aftermath.count(&fate, change.extent().map_or(0, |(end, _)| end));
        fate
    }

    fn choose(&mut self, change: &Change) -> Fate {
        let kept = match self.recovery {
            Recovery::Random => return self.random_fate(change),
            Recovery::KeepAll => true,
            Recovery::LoseAll => false,
            Recovery::Keep(mask) => match self.unsynced.binary_search(&change.number) {
                Ok(index) => index < 64 && mask >> index & 1 == 1,
                Err(_) => false,
            },
        };
        if kept { Fate::KEPT } else { Fate::LOST }
    }

    fn random_fate(&mut self, change: &Change) -> Fate {
        let kept = self.random.chance(self.kept_percent);
        let Some((end, sectors)) = change.extent() else {
            return if kept { Fate::KEPT } else { Fate::LOST };
        };
        let part = if kept {
            Part::All
        } else if self.random.chance(self.torn_percent) {
            Part::Sectors(self.torn(sectors))
        } else {
            Part::Nothing
        };
        // What is kept has mostly grown the file as well, and what is lost has not.
        let follows = self.random.chance(90);
        let grow_to = match (matches!(part, Part::Nothing) != follows, self.random.below(4)) {
            (true, _) => end,
            (false, 0) => (end - self.random.below(end + 1)) / SECTOR_SIZE * SECTOR_SIZE,
            (false, _) => 0,
        };
        Fate { grow_to, part }
    }

    /// The first sectors of a write, or the last ones, or any.
    fn torn(&mut self, sectors: usize) -> Vec<bool> {
        let cut = self.random.below(sectors + 1);
        match self.random.below(3) {
            0 => (0..sectors).map(|sector| sector < cut).collect(),
            1 => (0..sectors).map(|sector| sector >= cut).collect(),
            _ => (0..sectors).map(|_| self.random.chance(50)).collect(),
        }
    }
}
