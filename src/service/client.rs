//! The state of one client. No client sees the state of another: each has its own numbers.

use super::blobs::Blobs;
use super::cursors::Cursors;
use super::exports::Exports;
use super::numbers::Numbers;
use super::operation::{Access, Operation, Subject};
use super::receipts::Ledger;
use super::snapshots::Snapshots;
use super::transactions::Transactions;
use super::watches::Watches;
use crate::documents::{Database, Error, Result};
use crate::fs::File;

/// A client, and what it has open.
#[derive(Debug, Default)]
pub(crate) struct Client {
    /// By which every engine knows it. One that has none uses this engine alone, and leaves no receipts.
    pub id: Option<[u8; 16]>,
    is_read_only: bool,
    pub numbers: Numbers,
    pub cursors: Cursors,
    pub exports: Exports,
    pub transactions: Transactions,
    pub snapshots: Snapshots,
    pub watches: Watches,
    /// Answers to calls that were pending, and were ended by others.
    pub ended: Vec<Vec<u8>>,
    pub blobs: Blobs,
    pub ledger: Ledger,
}

impl Client {
    /// A client that joins.
    pub fn new(id: [u8; 16], is_read_only: bool) -> Self {
        Self { id: Some(id), is_read_only, numbers: Numbers::joined(), ..Self::default() }
    }

    /// A client in the thread of the engine. It never repeats a message, and so leaves no receipts.
    pub fn local(is_read_only: bool) -> Self {
        Self { is_read_only, ..Self::default() }
    }

    /// Releases everything that the client has open.
    pub fn release<F: File>(mut self, database: &mut Database<F>) {
        self.cursors.close_all(database);
        self.exports.end_all(database);
        self.transactions.roll_back_all(database);
        self.snapshots.close_all(database);
        self.blobs.end_all(database);
    }

    /// Fails if the client may not use the operation. Every request passes this check: calls, and the requests beside them.
    pub fn permit(&self, operation: Operation) -> Result<()> {
        if self.is_read_only && operation.access() == Access::Writer { Err(Error::opened_read_only()) } else { Ok(()) }
    }

    /// Fails if the operation refers to something that was opened at an earlier engine, and has ended with that engine.
    pub fn ensure_not_lost(&self, operation: Operation, number: u64) -> Result<()> {
        let subject = operation.subject();
        let is_open = match subject {
            Subject::None => true,
            Subject::Transaction => self.transactions.has(number),
            Subject::Upload | Subject::Download => self.blobs.has(number),
            Subject::Scan => self.cursors.has(number),
            Subject::Snapshot => self.snapshots.has(number),
            Subject::Export => self.exports.has(number),
        };
        if is_open || !self.numbers.are_from_before(number) { Ok(()) } else { Err(lost(subject)) }
    }
}

/// Returns the error for a call whose subject has ended with its engine.
fn lost(subject: Subject) -> Error {
    let (what, is_written) = match subject {
        Subject::Transaction => ("the transaction", true),
        Subject::Upload => ("the bytes that were being written", true),
        Subject::Download => ("the bytes that were being read", false),
        Subject::Export => ("the export", false),
        Subject::None | Subject::Scan | Subject::Snapshot => ("the snapshot", false),
    };
    let reason = format!("{what} ended with the tab or worker that had the database open; begin anew");
    if is_written { Error::Conflict { reason } } else { Error::SnapshotTooOld { reason } }
}
