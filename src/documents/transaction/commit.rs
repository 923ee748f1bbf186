//! Transactions that read: how they begin, commit and end. `active_transaction.rs` has their reads and writes.
//!
//! A transaction reads the state of its beginning, and what it has written itself. What it reads is noted: keys, ranges of
//! keys, and ranges of index entries. It commits only if no commit since its beginning has written into what it has read;
//! then it could as well have run at the moment of its commit, all at once, and so transactions are serializable.
//! Conflicts are found before anything is written, in time proportional to what was committed in the meantime.

use super::active::ActiveTransaction;
use super::open::OpenTransaction;
use super::writes::Transaction;
use crate::documents::database::Database;
use crate::documents::database::history::Reads;
use crate::documents::database::latencies::Metric;
use crate::documents::error::{Error, Result};
use crate::fs::File;

impl<F: File> Database<F> {
    /// Begins a transaction, for callers that interleave several. Others use [`Database::transaction`].
    ///
    /// # Errors
    /// As [`Database::snapshot`].
    pub fn begin(&mut self) -> Result<OpenTransaction> {
        self.measured_mut(Metric::Transaction, |db| {
            let snapshot = db.snapshot()?;
            db.history.begin(snapshot.view.at);
            Ok(OpenTransaction {
                snapshot,
                reads: Reads::default(),
                writes: Transaction::new(),
                #[cfg(test)]
                is_unchecked: false,
            })
        })
    }

    /// Commits a transaction, and returns the version of what it wrote. One that wrote nothing has seen one state, and
    /// always succeeds.
    ///
    /// # Errors
    /// `Conflict` when something that it has read was written since it began; `SnapshotTooOld` when that is not known any
    /// more; in both cases begin again. Else as a write.
    pub fn commit_open(&mut self, open: OpenTransaction) -> Result<u64> {
        let outcome = self.commit_unended(&open);
        self.roll_back(open);
        outcome
    }

    /// Commits a transaction that has to be ended afterwards, by [`Database::roll_back`]. Until then it can be committed
    /// again: for a group that may fail as a whole and be repeated.
    pub(crate) fn commit_unended(&mut self, open: &OpenTransaction) -> Result<u64> {
        self.measured_mut(Metric::Commit, |db| {
            if open.writes.is_empty() {
                return Ok(db.version());
            }
            db.validate(open, open.snapshot.view.at)?;
            db.commit_writes(&open.writes.writes)
        })
    }

    /// Ends a transaction without writing anything.
    pub fn roll_back(&mut self, open: OpenTransaction) {
        self.history.end(open.snapshot.view.at);
        self.release(open.snapshot);
    }

    fn validate(&self, open: &OpenTransaction, began: u64) -> Result<()> {
        #[cfg(test)]
        if open.is_unchecked {
            return Ok(());
        }
        if !self.history.reaches(began) {
            return Err(Error::SnapshotTooOld {
                reason: "too much was committed since the transaction began".to_owned(),
            });
        }
        if self.history.has_changed(began, &open.reads) {
            let reason = "what the transaction has read was changed by another commit".to_owned();
            return Err(Error::Conflict { reason });
        }
        Ok(())
    }

    /// Runs `work` as one transaction: it sees one state and its own writes, and all it writes is one commit. When `work`
    /// fails nothing is written, and its error is passed on.
    ///
    /// ```
    /// # use ferrolite::{Database, Error, Options, fs::Memory};
    /// # pollster::block_on(async {
    /// # let mut db = Database::open(&Memory::new(), "db", Options::default()).await?;
    /// db.set_many([("alice", 70), ("bob", 30)])?;
    /// let left = db.transaction(|tx| {
    ///     let (alice, bob) = (tx.get::<i64>("alice")?.unwrap_or(0), tx.get::<i64>("bob")?.unwrap_or(0));
    ///     tx.set("alice", &(alice - 20))?;
    ///     tx.set("bob", &(bob + 20))?;
    ///     Ok::<_, Error>(alice - 20)
    /// })?;
    /// assert_eq!((left, db.get("bob")?), (50, Some(50)));
    /// # Ok::<(), ferrolite::Error>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    /// What `work` returns; as a write.
    pub fn transaction<R, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&mut ActiveTransaction<'_, F>) -> std::result::Result<R, E>,
    ) -> std::result::Result<R, E> {
        let mut guard = TransactionGuard { open: Some(self.begin()?), database: self };
        let open = guard.open.as_mut().expect("it has just begun");
        let result = work(&mut open.on(guard.database))?;
        if let Some(open) = guard.open.take() {
            guard.database.commit_open(open)?;
        }
        Ok(result)
    }
}

/// A transaction that is rolled back when this is dropped, also by a panic.
struct TransactionGuard<'a, F: File> {
    database: &'a mut Database<F>,
    open: Option<OpenTransaction>,
}

impl<F: File> Drop for TransactionGuard<'_, F> {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            self.database.roll_back(open);
        }
    }
}

#[cfg(test)]
#[path = "transact_tests.rs"]
mod tests;
