//! How a volume comes to be open: of a new file, of one that is there, and of one that is damaged.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::{Access, Volume};
use crate::crypto::Encryption;
use crate::fs::{File, read_full};
use crate::page::aead_seal::AeadSeal;
use crate::page::cache::Cache;
use crate::page::error::{Error, KeyError, Result};
use crate::page::key_slots::{KEY_MAGIC, Keyring};
use crate::page::layout::{HEADER_LEN, KEY_SLOT_LEN, KEY_SLOTS_ADDRESS, MAGIC, OWNER_ADDRESS, SLOT_COUNT, SLOT_LEN};
use crate::page::owner::{OWNER_LEN, Owner};
use crate::page::seal::ChecksumSeal;
use crate::page::slots::Slots;
use crate::page::superblock::Superblock;

/// The unit that storage writes completely or not at all.
const SECTOR_LEN: usize = 512;

impl<F: File> Volume<F> {
    /// Opens an existing file. `None` when it holds no superblock and no data either: a creation that was cut short,
    /// or an empty file.
    ///
    /// # Errors
    /// [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::Corrupt`], [`Error::Key`], [`Error::Fs`].
    pub fn open(file: F, access: &Access<'_>) -> Result<(Self, Option<Superblock>)> {
        let file_len = file.len()?;
        let superblock = Superblock::read(&file)?;
        match &superblock {
            None if !Self::is_unborn(&file, file_len)? => return Err(Superblock::tell_missing(&file)?),
            Some(superblock) if file_len < superblock.file_len => {
                return Err(Error::corrupt(
                    "file: it was cut off",
                    format_args!("{file_len} bytes; {} are needed", superblock.file_len),
                ));
            }
            _ => {}
        }
        let mut volume = Self::assemble(file, file_len, access)?;
        if let Some(superblock) = &superblock {
            match (superblock.cipher, access.encryption) {
                (Some(_), Some(encryption)) => volume.unlock(encryption)?,
                (Some(_), None) => return Err(KeyError::Required.into()),
                (None, Some(_)) => return Err(KeyError::NotEncrypted.into()),
                (None, None) => {}
            }
            if !volume.is_authentic(superblock)? {
                let what = "superblock: it was not written with this database's keys";
                return Err(Error::corrupt(what, "the file's first 16 KiB"));
            }
            volume.adopt(superblock);
            volume.sequence.set(superblock.sequence);
        }
        Ok((volume, superblock))
    }

    /// Opens a file that may be damaged, to read what can be read. None of the superblocks is adopted yet.
    ///
    /// # Errors
    /// [`Error::NotADatabase`], [`Error::NewerFormat`], [`Error::Key`], [`Error::Fs`].
    pub fn open_damaged(file: F, access: &Access<'_>) -> Result<(Self, Slots)> {
        let file_len = file.len()?;
        let mut slots = Slots::read(&file)?;
        if slots.valid.is_empty() {
            match Superblock::tell_missing(&file)? {
                Error::Corrupt { .. } => {}
                // Damage may have met the magic too.
                foreign if slots.hints.iter().all(|hint| hint.file_id == [0; 16]) => return Err(foreign),
                _ => {}
            }
        }
        let mut volume = Self::assemble(file, file_len, access)?;
        volume.sequence.set(volume.newest_sequence());
        // If no superblock is left, the key slots decide.
        let is_encrypted = match slots.valid.first() {
            Some(newest) => newest.cipher.is_some(),
            None => {
                let (is_any, is_known) = Keyring::is_there(&volume.file)?;
                // Whoever has a key is told that its slots are damaged; noise in a plain file asks for none.
                if access.encryption.is_some() { is_any } else { is_known }
            }
        };
        match access.encryption {
            Some(encryption) if is_encrypted => {
                volume.unlock(encryption)?;
                slots.authenticate(|superblock| volume.is_authentic(superblock))?;
            }
            Some(_) => return Err(KeyError::NotEncrypted.into()),
            None if is_encrypted => return Err(KeyError::Required.into()),
            None => {}
        }
        Ok((volume, slots))
    }

    fn unlock(&mut self, encryption: &Encryption) -> Result<()> {
        let keyring = Keyring::unlock(&self.file, encryption)?;
        self.key_slots.set(Keyring::fingerprint(&self.file)?);
        self.aead = Some(AeadSeal::new(keyring, Arc::clone(&self.environment)));
        Ok(())
    }

    /// Fails unless `encryption` unlocks the file's keys.
    #[cfg(any(test, js))]
    pub fn ensure_unlocked_by(&self, encryption: &Encryption) -> Result<()> {
        Keyring::unlock(&self.file, encryption).map(drop)
    }

    fn assemble(file: F, file_len: u64, access: &Access<'_>) -> Result<Self> {
        let owner = Owner::read(&file)?;
        Ok(Self {
            file,
            checksum: ChecksumSeal::new([0; 16]),
            aead: None,
            environment: Arc::clone(&access.environment),
            compression: access.compression,
            cache: RefCell::new(Cache::new(access.cache_size)),
            file_len: Cell::new(file_len),
            owner: Cell::new(owner),
            is_claim_torn: Cell::new(false),
            sequence: Cell::new(0),
            key_slots: Cell::new(0),
            io: Cell::default(),
        })
    }

    /// True if no byte was ever written but those of the first superblock and of the owner record: such a file holds no
    /// commit, since a commit needs the log. The first superblock goes to the last two slots; the second is written once
    /// the first is durable, and so a file with any of it in its first slots was cut off or damaged.
    fn is_unborn(file: &F, file_len: u64) -> Result<bool> {
        if file_len > HEADER_LEN {
            return Ok(false);
        }
        let mut header = vec![0; file_len as usize];
        let len = read_full(file, &mut header, 0)?;
        header.truncate(len);
        let slots = SLOT_LEN * SLOT_COUNT as usize;
        let is_blank = |bytes: &[u8]| bytes.iter().all(|&byte| byte == 0);
        let (before, rest) = header.split_at(header.len().min(2 * SLOT_LEN));
        let first_is_ours = rest
            .chunks(SLOT_LEN)
            .take(2)
            .all(|slot| slot.starts_with(&MAGIC) || is_blank(slot.get(..SECTOR_LEN).unwrap_or(slot)));
        let owner = OWNER_ADDRESS as usize..OWNER_ADDRESS as usize + OWNER_LEN;
        // Key slots come before the first superblock.
        let keys = (0..2).map(|copy| KEY_SLOTS_ADDRESS as usize + copy * KEY_SLOT_LEN);
        let keys: Vec<_> = keys
            .filter(|&at| header.get(at..).is_some_and(|slot| slot.starts_with(&KEY_MAGIC)))
            .map(|at| at..at + SECTOR_LEN)
            .collect();
        let mut behind = (slots..).zip(header.get(slots..).unwrap_or_default());
        let is_blank_behind = behind
            .all(|(at, &byte)| byte == 0 || owner.contains(&at) || keys.iter().any(|sector| sector.contains(&at)));
        Ok(is_blank(before) && first_is_ours && is_blank_behind)
    }

    /// Makes the first superblock of a new file durable; in an encrypted one the keys before it. It refers to nothing,
    /// and so asks for no length: one that is kept by a crash is whole by itself.
    pub fn create(&mut self, superblock: &mut Superblock, encryption: Option<&Encryption>) -> Result<()> {
        // The slots of the next superblock: writing that must never fail for want of space.
        self.back(SLOT_COUNT * SLOT_LEN as u64)?;
        if let Some(encryption) = encryption {
            let keyring = Keyring::create(superblock.file_id, encryption, &*self.environment)?;
            superblock.cipher = Some(keyring.cipher);
            superblock.key_epoch = keyring.newest_key_epoch();
            self.back(KEY_SLOTS_ADDRESS + 2 * KEY_SLOT_LEN as u64)?;
            self.write_keyring(keyring)?;
        } else if !Self::has_blank_key_slots(&self.file)? {
            // The creation of an encrypted one was cut short.
            self.write_at(&[0; 2 * KEY_SLOT_LEN], KEY_SLOTS_ADDRESS)?;
            self.sync()?;
        }
        self.adopt(superblock);
        self.write_superblock(superblock)
    }

    pub(super) fn has_blank_key_slots(file: &F) -> Result<bool> {
        let mut slots = vec![0; 2 * KEY_SLOT_LEN];
        read_full(file, &mut slots, KEY_SLOTS_ADDRESS)?;
        Ok(slots.iter().all(|&byte| byte == 0))
    }
}
