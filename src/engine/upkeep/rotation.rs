//! Changing what opens an encrypted file, and sealing it with new keys.

use std::sync::Arc;

use crate::crypto::Encryption;
use crate::engine::engine::{Engine, key_epoch_behind};
use crate::engine::error::{Error, Result};
use crate::engine::levels::Edit;
use crate::engine::memtable::Memtable;
use crate::engine::statistics::EncryptionStatistics;
use crate::engine::table::meta::Table;
use crate::engine::work::{Aim, Plan};
use crate::fs::File;
use crate::page::{KeyError, Keyring};

/// How far a rotation of the data key has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RotateProgress {
    phase: Phase,
    /// Bytes of tables that were sealed with the old key when it began.
    total: u64,
    /// Bytes of them that are left.
    left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    #[default]
    Begin,
    Reseal,
    Done,
}

impl RotateProgress {
    /// True if it is through.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// Bytes of tables that are sealed with the new key now, and of all that were not when the rotation began.
    pub fn bytes(&self) -> (u64, u64) {
        (self.total.saturating_sub(self.left), self.total)
    }
}

impl<F: File> Engine<F> {
    /// True if the file is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.volume.keyring().is_some()
    }

    /// The file's id, and the key of letters in an encrypted file.
    #[cfg(any(test, js))]
    pub fn letter_terms(&self) -> ([u8; 16], Option<crate::crypto::Secret>) {
        let key = self.volume.keyring().and_then(Keyring::letter_key);
        (self.tables.superblock.file_id, key)
    }

    pub(crate) fn encryption_statistics(&self) -> Option<EncryptionStatistics> {
        self.volume.keyring().map(|keyring| EncryptionStatistics {
            cipher: keyring.cipher(),
            argon2: keyring.argon2(),
            key_epoch: self.volume.key_epoch(),
            old_key_bytes: self.tables_of_old_key().map(|table| table.len).sum(),
            is_rotating: keyring.has_old_key(),
        })
    }

    /// Fails unless the file can be opened by `encryption`, or without one. Costs what Argon2id costs.
    ///
    /// # Errors
    /// [`Error::Key`], [`Error::Fs`].
    #[cfg(any(test, js))]
    pub fn ensure_opened_by(&self, encryption: Option<&Encryption>) -> Result<()> {
        match (self.volume.keyring(), encryption) {
            (None, None) => Ok(()),
            (Some(_), Some(encryption)) => Ok(self.volume.ensure_unlocked_by(encryption)?),
            (Some(_), None) => Err(Error::Key(KeyError::Required)),
            (None, Some(_)) => Err(Error::Key(KeyError::NotEncrypted)),
        }
    }

    /// Lets `encryption` open the file from now on, and nothing else. Costs four calls of the host, not the data.
    ///
    /// # Errors
    /// [`Error::Key`] in a plain file; [`Error::Fs`], after which either may open it, and the engine has closed itself to
    /// writes.
    pub fn change_key(&mut self, encryption: &Encryption) -> Result<()> {
        self.guarded(|engine| {
            let next = engine.writable_keyring()?.rewrap(encryption, &*engine.environment)?;
            engine.write_keyring(next)
        })
    }

    /// One slice of sealing everything with a new data key, about `budget` bytes. One that was cut short goes on with the
    /// key that it had. Commits may come between steps.
    ///
    /// # Errors
    /// [`Error::Key`] in a plain file; else as [`Engine::maintain`]. What was done stays done.
    pub fn rotate_step(&mut self, progress: &mut RotateProgress, budget: usize) -> Result<()> {
        self.guarded(|engine| engine.rotate_slice(progress, budget))
    }

    fn rotate_slice(&mut self, progress: &mut RotateProgress, budget: usize) -> Result<()> {
        let keyring = self.writable_keyring()?;
        match progress.phase {
            Phase::Begin => {
                if !keyring.has_old_key() {
                    let first_epoch = key_epoch_behind(self.volume.key_epoch())?;
                    let next = keyring.with_new_key(first_epoch, &*self.environment);
                    self.write_keyring(next)?;
                }
                self.begin_newest_key()?;
                progress.total = self.tables_of_old_key().map(|table| table.len).sum();
                progress.phase = Phase::Reseal;
            }
            Phase::Reseal if self.upkeep.job.is_some() => {
                self.job_slice(budget)?;
            }
            Phase::Reseal => match self.plan_reseal() {
                Some(plan) => self.begin_job(plan)?,
                None => {
                    self.forget_old_key()?;
                    progress.phase = Phase::Done;
                }
            },
            Phase::Done => {}
        }
        progress.left = self.tables_of_old_key().map(|table| table.len).sum();
        Ok(())
    }

    /// The keys, of a file that may be written.
    fn writable_keyring(&mut self) -> Result<Keyring> {
        self.finish_group(self.options.durability)?;
        self.ensure_writable()?;
        self.volume.keyring().cloned().ok_or(Error::Key(KeyError::NotEncrypted))
    }

    fn write_keyring(&mut self, keyring: Keyring) -> Result<()> {
        // When this fails it is not known which keys the file has.
        self.volume.write_keyring(keyring).map_err(|error| self.fail(error.into()))
    }

    /// Seals with the newest key from now on, the log included.
    fn begin_newest_key(&mut self) -> Result<()> {
        let newest = self.volume.keyring().map_or(0, Keyring::newest_key_epoch);
        if self.volume.key_epoch() < newest {
            self.volume.begin_key_epoch(newest);
        }
        if self.tables.superblock.log.key_epoch >= newest {
            return Ok(());
        }
        self.flush_memtables()?;
        let Some(old) = self.log.take() else { return Ok(()) };
        self.found_log.extend(old.extents());
        let outcome = self.begin_log(&Arc::new(Memtable::default()));
        if outcome.is_err() {
            self.found_log.clear();
            self.log = Some(old);
        }
        outcome
    }

    fn tables_of_old_key(&self) -> impl Iterator<Item = &Arc<Table>> {
        let newest = self.volume.keyring().map_or(0, Keyring::newest_key_epoch);
        self.tables.levels.tables().filter(move |table| table.key_epoch < newest)
    }

    fn plan_reseal(&self) -> Option<Plan> {
        let id = self.tables_of_old_key().next()?.id;
        let found = self.tables.levels.placements().find(|placement| placement.table.id == id)?;
        Some(Plan {
            prefix: found.table.prefix(),
            runs: vec![vec![found.table]],
            output_level: found.level,
            output_run: found.run,
            aim: Aim::Reseal,
        })
    }

    /// Takes the old key out of the file. REQUIRES: no table is sealed with it.
    fn forget_old_key(&mut self) -> Result<()> {
        // Twice: the superblock before the newest must not lead to what the old key sealed either.
        for _ in 0..2 {
            self.install_with(Edit::default(), true, |_| {})?;
        }
        let next = self.writable_keyring()?.without_old_key();
        self.write_keyring(next)
    }
}
