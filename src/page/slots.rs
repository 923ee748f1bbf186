//! The four superblock slots one by one, for files that may be damaged.

use super::error::{Error, Result};
use super::layout::{SLOT_COUNT, SLOT_LEN};
use super::superblock::Superblock;
use crate::fs::{File, read_full};

/// The content of the slots of a file.
#[derive(Debug, Default)]
pub struct Slots {
    /// The superblocks that are whole, the newest first, each once.
    pub valid: Vec<Superblock>,
    /// The claims of damaged slots. Any field may be wrong: everything that they lead to must be proven by its tag.
    pub hints: Vec<Superblock>,
    /// The damage, and its places. A crash while a superblock is written may leave such a copy too.
    pub damaged: Vec<Error>,
    /// True if a superblock may be missing that is newer than the valid ones: both copies of it are damaged.
    pub may_miss_newest: bool,
}

/// One slot.
enum Slot {
    Empty,
    Valid(Superblock),
    Damaged(Option<Superblock>),
}

impl Slots {
    /// Reads the slots.
    ///
    /// # Errors
    /// [`Error::NewerFormat`] when a whole slot says so; [`Error::Fs`].
    pub(super) fn read(file: &impl File) -> Result<Self> {
        let mut bytes = vec![0; SLOT_LEN * SLOT_COUNT as usize];
        read_full(file, &mut bytes, 0)?;
        let slots = bytes.chunks(SLOT_LEN).map(Slot::read).collect::<Result<Vec<_>>>()?;
        let mut found = Self::default();
        for slot in &slots {
            match slot {
                Slot::Valid(superblock) if !found.valid.contains(superblock) => found.valid.push(superblock.clone()),
                Slot::Damaged(Some(hint)) => found.hints.push(hint.clone()),
                _ => {}
            }
        }
        found.valid.sort_by_key(|superblock| std::cmp::Reverse(superblock.sequence));
        found.judge(&slots);
        Ok(found)
    }

    /// Takes out the superblocks that are whole and that the file's keys did not make.
    pub(super) fn authenticate(&mut self, is_authentic: impl Fn(&Superblock) -> Result<bool>) -> Result<()> {
        for superblock in std::mem::take(&mut self.valid) {
            if is_authentic(&superblock)? {
                self.valid.push(superblock);
            } else {
                let at = format_args!("number {}", superblock.sequence);
                self.damaged.push(Error::corrupt("superblock that was not written with the database's keys", at));
                self.hints.push(superblock);
            }
        }
        Ok(())
    }

    /// Compares each slot with what the newest superblock says must be there.
    fn judge(&mut self, slots: &[Slot]) {
        let Some(newest) = self.valid.first().map(|superblock| superblock.sequence) else {
            self.damaged.push(Error::corrupt("superblock: all copies", "the file's first 16 KiB"));
            self.may_miss_newest = true;
            return;
        };
        for (index, slot) in slots.iter().enumerate() {
            let is_newest = index as u64 / 2 == newest % 2;
            let wanted = if is_newest { newest } else { newest.saturating_sub(1) };
            let is_whole = match slot {
                Slot::Valid(superblock) => superblock.sequence == wanted,
                Slot::Empty => wanted == 0,
                Slot::Damaged(_) => false,
            };
            if !is_whole {
                let what = "copy of a superblock, or one that a crash cut short";
                self.damaged.push(Error::corrupt(what, format_args!("offset {}", index * SLOT_LEN)));
            }
        }
        let others = slots.iter().enumerate().filter(|(index, _)| *index as u64 / 2 != newest % 2);
        // A superblock is written into both slots before either can be needed: one copy that is older proves that no
        // newer one was ever finished.
        self.may_miss_newest = newest > 1 && others.into_iter().all(|(_, slot)| !matches!(slot, Slot::Valid(_)));
    }
}

impl Slot {
    fn read(bytes: &[u8]) -> Result<Self> {
        match Superblock::decode(bytes) {
            Ok(Some(superblock)) => Ok(Self::Valid(superblock)),
            Ok(None) if bytes.iter().all(|&byte| byte == 0) => Ok(Self::Empty),
            Err(error @ Error::NewerFormat { .. }) => Err(error),
            Ok(None) | Err(_) => Ok(Self::Damaged(Superblock::hint(bytes))),
        }
    }
}
