//! What one client has under way. None of it is seen by another one: each has numbers of its own.

use super::blobs::Blobs;
use super::call::Call;
use super::cursors::Cursors;
use super::exports::Exports;
use super::receipts::Ledger;
use super::snapshots::Snapshots;
use super::transactions::Transactions;
use super::watches::Watches;
use crate::documents::{Database, Error, Result};
use crate::fs::File;

/// Numbers that one message may use up.
const NUMBERS_PER_MESSAGE: u64 = 1 << 20;
/// The highest number of a message: what is made of it is exact as a number of JavaScript.
pub(crate) const MESSAGE_MAX: u64 = (1 << 33) - 1;

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
        let numbers = Numbers { last: 0, first: None };
        Self { id: Some(id), is_read_only, numbers, ..Self::default() }
    }

    /// Fails if the client joined for reading. Every request that may write passes this check: calls, and requests beside them.
    pub fn ensure_writer(&self) -> Result<()> {
        if self.is_read_only { Err(Error::opened_read_only()) } else { Ok(()) }
    }

    /// A client in the thread of the engine. It never repeats a message, and so leaves no receipts.
    pub fn local(is_read_only: bool) -> Self {
        Self { is_read_only, ..Self::default() }
    }

    /// Lets go of all that it has open.
    pub fn release<F: File>(mut self, database: &mut Database<F>) {
        self.cursors.close_all(database);
        self.exports.end_all(database);
        self.transactions.roll_back_all(database);
        self.snapshots.close_all(database);
        self.blobs.end_all(database);
    }

    /// Fails when a call is about something that was opened at an engine before this one, and has ended with it.
    pub fn ensure_not_lost(&self, call: &Call<'_>) -> Result<()> {
        let has: &dyn Fn(u64) -> bool = match call.verb {
            "txRead" | "txWrite" | "txCommit" => &|number| self.transactions.has(number),
            "blobWrite" | "blobFinish" | "blobRead" => &|number| self.blobs.has(number),
            "scanNext" => &|number| self.cursors.has(number),
            "snapshotRead" | "snapshotScan" => &|number| self.snapshots.has(number),
            _ => return Ok(()),
        };
        match call.parse(0) {
            Ok(number) if self.numbers.are_from_before(number) && !has(number) => Err(lost(call.verb)),
            _ => Ok(()),
        }
    }

    /// The same of an export.
    pub fn ensure_export(&self, number: u64) -> Result<()> {
        let is_lost = self.numbers.are_from_before(number) && !self.exports.has(number);
        if is_lost { Err(lost("exportChunk")) } else { Ok(()) }
    }
}

/// What a call is told that comes too late.
fn lost(verb: &str) -> Error {
    let (what, is_written) = match verb {
        "txRead" | "txWrite" | "txCommit" => ("the transaction", true),
        "blobWrite" | "blobFinish" => ("the bytes that were being written", true),
        "blobRead" => ("the bytes that were being read", false),
        "exportChunk" => ("the export", false),
        _ => ("the snapshot", false),
    };
    let reason = format!("{what} ended with the tab or worker that had the database open; begin anew");
    if is_written { Error::Conflict { reason } } else { Error::SnapshotTooOld { reason } }
}

/// Numbers for what a client opens. They grow with the numbers of its messages, so that none is given again, by another
/// engine neither.
#[derive(Debug)]
pub(crate) struct Numbers {
    last: u64,
    /// What was opened before the first message that no other engine has got; `None` until it comes.
    first: Option<u64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { last: 0, first: Some(0) }
    }
}

impl Numbers {
    /// A message comes.
    pub fn begin(&mut self, message: u64, is_repeated: bool) {
        let from = message.saturating_mul(NUMBERS_PER_MESSAGE);
        self.last = self.last.max(from);
        if !is_repeated {
            self.first.get_or_insert(from);
        }
    }

    /// Another number.
    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Whether an engine before may have given this number.
    fn are_from_before(&self, number: u64) -> bool {
        self.first.is_none_or(|first| number < first)
    }
}
