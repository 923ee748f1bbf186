//! Receipts of a message: what its calls were answered, left with what they wrote, so that it is not written again when the
//! message is.
//!
//! A receipt belongs to one group of calls, and is written with it. It tells the results of all calls that write and of which
//! no receipt before tells: those of earlier groups, too, that have changed nothing. So if there is one, all calls before its
//! last one have been made. It is JSON: `[[place of the call in the message, result], ...]`.

use super::answer::Answer;
use super::call::Call;
use super::verbs;
use crate::documents::receipts::ReceiptId;
use crate::fs::File;
use crate::{Database, Error, Result};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What one message has left, and is to leave.
#[derive(Debug)]
pub(super) struct Receipts {
    client: [u8; 16],
    message: u64,
    /// Results that are told by receipts, by the place of the call.
    known: BTreeMap<usize, Box<RawValue>>,
    /// The first call of which no receipt of this run tells.
    next: usize,
}

impl Receipts {
    /// Of a message that comes for the first time.
    pub fn of_first(client: [u8; 16], message: u64) -> Self {
        Self { client, message, known: BTreeMap::new(), next: 0 }
    }

    /// Of one that another engine may have got before.
    pub fn of_repeated<F: File>(database: &Database<F>, client: [u8; 16], message: u64) -> Result<Self> {
        let mut known = BTreeMap::new();
        for (call, content) in database.receipts(client, message)? {
            let results: Vec<(usize, Box<RawValue>)> = serde_json::from_slice(&content).map_err(|error| {
                let at = format!("message {message}, call {call}: {error}");
                Error::Corrupt { what: "a receipt".to_owned(), at }
            })?;
            known.extend(results);
        }
        Ok(Self { known, ..Self::of_first(client, message) })
    }

    /// What the call at this place was answered, if it was made.
    pub fn known(&self, at: usize) -> Option<&str> {
        self.known.get(&at).map(|result| result.get())
    }

    /// The calls before `end` are told of.
    pub fn left(&mut self, end: usize) {
        self.next = end;
    }

    /// The next receipt, of the calls before `end`.
    pub fn next(&self, calls: &[Call<'_>], end: usize, answer: &Answer) -> (ReceiptId, Vec<u8>) {
        self.receipt(self.results(calls, end, answer))
    }

    /// The same, and of the call `end` with this result.
    pub fn next_and(&self, calls: &[Call<'_>], end: usize, answer: &Answer, result: &[u8]) -> (ReceiptId, Vec<u8>) {
        self.receipt(self.results(calls, end, answer).chain([(end, result)]))
    }

    /// What is to be told of calls that were made now.
    fn results<'a>(
        &'a self,
        calls: &'a [Call<'_>],
        end: usize,
        answer: &'a Answer,
    ) -> impl Iterator<Item = (usize, &'a [u8])> {
        let made = calls.iter().enumerate().take(end).skip(self.next);
        let told = made.filter(|(at, call)| verbs::is_receipted(call.verb) && !self.known.contains_key(at));
        told.map(|(at, _)| (at, answer.result(at)))
    }

    fn receipt<'a>(&self, results: impl Iterator<Item = (usize, &'a [u8])>) -> (ReceiptId, Vec<u8>) {
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
        (ReceiptId { client: self.client, message: self.message, call: self.next as u32 }, content)
    }
}
