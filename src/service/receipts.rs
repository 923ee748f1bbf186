//! Receipts of a message: what its calls were answered, left with what they wrote, so that it is not written again when the
//! message is.
//!
//! A receipt belongs to one group of calls, and is written with it. It tells the results of all calls that write and of which
//! no receipt before tells: those of earlier groups, too, that have changed nothing. So if there is one, all calls before its
//! last one have been made. It is JSON: `[[place of the call in the message, result], ...]`.

use super::answer::Answer;
use super::call::Call;
use super::operation::Receipt;
use crate::documents::database::receipt::{LeftReceipt, NewReceipt, ReceiptId};
use crate::documents::{Database, Error, Result};
use crate::fs::File;
use crate::wording::json_text;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};

/// The receipts that one message has left, and those that it will leave.
#[derive(Debug)]
pub(crate) struct Receipts {
    client: [u8; 16],
    message: u64,
    /// Results in receipts, by the place of the call.
    known: BTreeMap<usize, Box<RawValue>>,
    /// The first call without a receipt of this run.
    next: usize,
}

impl Receipts {
    /// Of a message that comes for the first time.
    pub fn of_first(client: [u8; 16], message: u64) -> Self {
        Self { client, message, known: BTreeMap::new(), next: 0 }
    }

    /// Of one that another engine may have got before.
    #[cold]
    #[inline(never)]
    pub fn of_repeated<F: File>(database: &Database<F>, client: [u8; 16], message: u64) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (call, content) in database.receipts(client, message)? {
            let results: Vec<(usize, Box<RawValue>)> = serde_json::from_slice(&content).map_err(|error| {
                let reason = json_text("", &error);
                let at = format!("message {message}, call {call}: {reason}");
                Error::Corrupt { what: "a receipt".to_owned(), at }
            })?;
            known.extend(results);
        }
        Ok(Self { known, ..Self::of_first(client, message) })
    }

    /// Returns the result of the call at this place, if it was made.
    pub fn known(&self, at: usize) -> Option<&str> {
        self.known.get(&at).map(|result| result.get())
    }

    /// Notes that the calls before `end` have a receipt.
    pub fn left(&mut self, end: usize) {
        self.next = end;
    }

    /// The next receipt, of the calls before `end`.
    pub fn next(&self, calls: &[Call<'_>], end: usize, answer: &Answer) -> NewReceipt {
        self.receipt(self.results(calls, end, answer))
    }

    /// Returns the next receipt, of the calls before `end` and of the call `end` with this result.
    pub fn next_and(&self, calls: &[Call<'_>], end: usize, answer: &Answer, result: &[u8]) -> NewReceipt {
        self.receipt(self.results(calls, end, answer).chain([(end, result)]))
    }

    /// Returns the results of this run that belong into receipts.
    fn results<'a>(
        &'a self,
        calls: &'a [Call<'_>],
        end: usize,
        answer: &'a Answer,
    ) -> impl Iterator<Item = (usize, &'a [u8])> {
        let made = calls.iter().enumerate().take(end).skip(self.next);
        let told = made.filter(|(at, call)| leaves_receipt(call) && !self.known.contains_key(at));
        told.map(|(at, _)| (at, answer.result(at)))
    }

    fn receipt<'a>(&self, results: impl Iterator<Item = (usize, &'a [u8])>) -> NewReceipt {
        let mut content = Vec::new();
        for (at, result) in results {
            content.extend_from_slice(if content.is_empty() { b"[[" } else { b",[" });
            content.extend_from_slice(at.to_string().as_bytes());
            content.push(b',');
            content.extend_from_slice(result);
            content.push(b']');
        }
        content.push(b']');
        // No message has as many calls.
        let id = ReceiptId { client: self.client, message: self.message, call: self.next as u32 };
        NewReceipt { id: Some(id), content, acknowledged: Vec::new() }
    }
}

/// True if the result of a call is kept in receipts.
fn leaves_receipt(call: &Call<'_>) -> bool {
    call.operation.is_some_and(|operation| operation.receipt() != Receipt::None)
}

/// Receipts that a client has left, until it acknowledges their messages.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// In the order of the messages. `None` until those of engines before are known.
    left: Option<Vec<LeftReceipt>>,
    /// Receipts of acknowledged messages: the next receipt deletes them.
    acknowledged: Vec<LeftReceipt>,
}

impl Ledger {
    /// The client has the answers of all messages before `message`.
    pub fn acknowledge<F: File>(&mut self, database: &Database<F>, client: [u8; 16], message: u64) {
        // Damaged receipts stay: a client that repeats their message gets an error.
        let left = self.left.get_or_insert_with(|| database.left_receipts(client).unwrap_or_default());
        let count = left.partition_point(|receipt| receipt.id.message < message);
        if count > 0 {
            self.acknowledged.extend(left.drain(..count));
        }
    }

    /// Returns the receipts that the next one deletes.
    pub fn acknowledged(&self) -> Vec<LeftReceipt> {
        self.acknowledged.clone()
    }

    /// A receipt was written, and these deleted.
    pub fn settle(&mut self, left: Option<LeftReceipt>, deleted: usize) {
        self.acknowledged.drain(..deleted.min(self.acknowledged.len()));
        if let Some(left) = left {
            let all = self.left.get_or_insert_default();
            let at = all.partition_point(|before| before.id.message <= left.id.message);
            all.insert(at, left);
        }
    }

    /// Deletes large receipts that no later write of the client has deleted.
    pub fn tidy<F: File>(&mut self, database: &mut Database<F>) -> Result<()> {
        if self.acknowledged.iter().all(LeftReceipt::is_small) {
            return Ok(());
        }
        database.drop_receipts(&self.acknowledged)?;
        self.acknowledged.clear();
        Ok(())
    }

    /// Returns the receipts that are left when the client leaves.
    pub fn into_left(self) -> Vec<LeftReceipt> {
        self.left.into_iter().flatten().chain(self.acknowledged).collect()
    }
}

/// Clients whose receipts are kept after they have left: a page that goes away may leave a message that is sent again.
const DEPARTED_MAX: usize = 64;
/// Receipts that are removed together.
const OUTDATED_MIN: usize = 64;

/// Receipts of clients that have left.
#[derive(Debug, Default)]
pub(crate) struct Departed {
    /// The first one has left first.
    clients: VecDeque<([u8; 16], Vec<LeftReceipt>)>,
    /// Receipts that are no longer kept.
    outdated: Vec<LeftReceipt>,
}

impl Departed {
    /// A client leaves.
    pub fn add(&mut self, client: [u8; 16], ledger: Ledger) {
        let left = ledger.into_left();
        if left.is_empty() {
            return;
        }
        self.clients.push_back((client, left));
        let are_large = |clients: &VecDeque<(_, Vec<LeftReceipt>)>| {
            clients.iter().filter(|(_, left)| !left.iter().all(LeftReceipt::is_small)).count() > 1
        };
        while self.clients.len() > DEPARTED_MAX || are_large(&self.clients) {
            self.outdated.extend(self.clients.pop_front().into_iter().flat_map(|(_, left)| left));
        }
    }

    /// A client has joined again: its receipts are its own.
    pub fn returned(&mut self, client: [u8; 16]) {
        if !self.clients.is_empty() || !self.outdated.is_empty() {
            self.give_back(client);
        }
    }

    #[cold]
    #[inline(never)]
    fn give_back(&mut self, client: [u8; 16]) {
        self.clients.retain(|(departed, _)| *departed != client);
        self.outdated.retain(|left| left.id.client != client);
    }

    /// Deletes what is kept no longer, when it is large or much.
    pub fn tidy<F: File>(&mut self, database: &mut Database<F>) -> Result<()> {
        if self.outdated.len() < OUTDATED_MIN && self.outdated.iter().all(LeftReceipt::is_small) {
            return Ok(());
        }
        database.give_receipts_up(&self.outdated)?;
        self.outdated.clear();
        Ok(())
    }
}
