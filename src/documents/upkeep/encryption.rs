//! Changing what opens an encrypted database, and what it is sealed with.

use crate::crypto::Encryption;
use crate::documents::database::Database;
use crate::documents::database::latencies::Metric;
use crate::documents::error::Error;
use crate::documents::error::Result;
use crate::documents::options::check_encryption;
use crate::engine::RotateProgress;
use crate::fs::File;

impl<F: File> Database<F> {
    /// Lets `encryption` open the database from now on, and nothing else. The documents are not touched: it takes a few
    /// milliseconds, and what Argon2id costs. The cipher stays. Copies of the file are opened by what opened them when
    /// they were made; and who has once had the data key keeps it, so that after a leak of the key
    /// [`Database::rotate_key`] is wanted too.
    ///
    /// # Errors
    /// `NotEncrypted`, `InvalidOptions`; else as a write. After an error of the host either key may open the file, and the
    /// database takes no more writes.
    ///
    /// ```
    /// # use ferrolite::{Database, Encryption, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let fs = Memory::new();
    /// let options = Options { encryption: Some(Encryption::key([1; 32])), ..Options::default() };
    /// let mut db = Database::open(&fs, "db", options).await?;
    /// db.change_key(&Encryption::key([2; 32]))?;
    /// db.close()?;
    /// let options = Options { encryption: Some(Encryption::key([2; 32])), ..Options::default() };
    /// assert!(Database::open(&fs, "db", options).await.is_ok());
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    pub fn change_key(&mut self, encryption: &Encryption) -> Result<()> {
        self.measured_mut(Metric::ChangeKey, |db| {
            check_encryption(encryption)?;
            db.writable()?;
            db.ensure_encrypted()?;
            db.settle_group()?;
            Ok(db.engine.change_key(encryption)?)
        })
    }

    /// The file's id, the time up to which receipts may have been dropped, and the key of letters, one after the other.
    #[cfg(any(test, js))]
    pub(crate) fn letter_terms(&self) -> Result<zeroize::Zeroizing<Vec<u8>>> {
        let (file_id, key) = self.engine.letter_terms();
        let horizon_ms = self.receipt_horizon_ms()?;
        let key = key.as_ref().map_or(&[][..], |key| key.as_slice());
        Ok(zeroize::Zeroizing::new([&file_id[..], &horizon_ms.to_le_bytes(), key].concat()))
    }

    /// Fails unless the database can be opened by this; without it, unless nothing is needed for that.
    #[cfg(any(test, js))]
    pub(crate) fn ensure_opened_by(&self, encryption: Option<&Encryption>) -> Result<()> {
        if let Some(encryption) = encryption {
            check_encryption(encryption)?;
        }
        Ok(self.engine.ensure_opened_by(encryption)?)
    }

    /// Gives the database a new random data key, and seals everything with it. Costs reading and writing all of the file.
    /// What the old key sealed may be left in places that are free until they are written again, and in copies.
    ///
    /// # Errors
    /// `NotEncrypted`; else as a write. Finished work stays done; call it again to continue.
    pub fn rotate_key(&mut self) -> Result<()> {
        let mut progress = RotateProgress::default();
        while !progress.is_done() {
            self.rotate_key_step(&mut progress, usize::MAX)?;
        }
        Ok(())
    }

    /// One slice of [`Database::rotate_key`], about `budget_bytes` of work, so that other calls can come between. Begin
    /// with a new [`RotateProgress`] and continue until it [is done](RotateProgress::is_done). After a crash it goes on where
    /// it was, with the same new key.
    ///
    /// # Errors
    /// As [`Database::rotate_key`].
    pub fn rotate_key_step(&mut self, progress: &mut RotateProgress, budget_bytes: usize) -> Result<()> {
        self.writable()?;
        self.ensure_encrypted()?;
        self.settle_group()?;
        self.measured_mut(Metric::RotateKey, |db| Ok(db.engine.rotate_step(progress, budget_bytes)?))
    }

    fn ensure_encrypted(&self) -> Result<()> {
        if self.engine.is_encrypted() { Ok(()) } else { Err(Error::NotEncrypted) }
    }
}
