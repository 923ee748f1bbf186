//! Transactions that read, and what they do between the messages: each has a number, and any of them may be under way.

use super::answer::Answer;
use crate::documents::{Database, Error, OpenTransaction, Result, Transaction};
use crate::fs::File;
use std::collections::{BTreeMap, BTreeSet};

/// The transactions that are under way, by number.
#[derive(Debug, Default)]
pub(crate) struct Transactions {
    open: BTreeMap<u64, OpenTransaction>,
    /// Those of them that were committed, or refused, in the group that is open. They are ended with it: when there is no
    /// room for all of a group its calls are repeated one by one, and then they are needed again.
    settled: BTreeSet<u64>,
}

impl Transactions {
    /// Begins a transaction, and answers its number.
    pub fn begin<F: File>(&mut self, database: &mut Database<F>, id: u64, answer: &mut Answer) -> Result<()> {
        self.open.insert(id, database.begin()?);
        answer.value(&id)
    }

    /// True if the transaction of this number is under way.
    pub fn has(&self, id: u64) -> bool {
        self.open.contains_key(&id)
    }

    /// True if the transaction of this number is under way, and has nothing to commit.
    pub fn only_reads(&self, id: u64) -> bool {
        self.open.get(&id).is_some_and(OpenTransaction::only_reads)
    }

    /// The transaction of this number.
    ///
    /// # Errors
    /// `InvalidTransaction` when it is over.
    pub fn get(&mut self, id: u64) -> Result<&mut OpenTransaction> {
        let open = if self.settled.contains(&id) { None } else { self.open.get_mut(&id) };
        open.ok_or_else(|| Error::InvalidTransaction { reason: "it has ended; begin another".to_owned() })
    }

    /// Adds writes to a transaction.
    pub fn write(&mut self, id: u64, writes: Transaction) -> Result<()> {
        self.get(id)?.extend(writes);
        Ok(())
    }

    /// Commits a transaction. Whatever comes of it, [`Transactions::settle`] must be called once the call is not repeated.
    pub fn commit<F: File>(&mut self, database: &mut Database<F>, id: u64) -> Result<u64> {
        database.commit_unended(self.get(id)?)
    }

    /// From now on the transaction is over, but for a repetition of its group.
    pub fn settle(&mut self, id: u64) {
        self.settled.insert(id);
    }

    /// The group is to be repeated: what was settled in it is open again.
    pub fn reopen(&mut self) {
        self.settled.clear();
    }

    /// The group is done: ends what was settled in it.
    pub fn end_settled<F: File>(&mut self, database: &mut Database<F>) {
        for id in std::mem::take(&mut self.settled) {
            self.roll_back(database, id);
        }
    }

    /// Ends a transaction without writing anything; one that is over stays so.
    pub fn roll_back<F: File>(&mut self, database: &mut Database<F>, id: u64) {
        if let Some(open) = self.open.remove(&id) {
            database.roll_back(open);
        }
    }

    /// Ends all transactions without writing anything.
    pub fn roll_back_all<F: File>(&mut self, database: &mut Database<F>) {
        self.settled.clear();
        std::mem::take(&mut self.open).into_values().for_each(|open| database.roll_back(open));
    }
}
