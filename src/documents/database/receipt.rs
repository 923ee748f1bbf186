//! Receipts as values: what identifies one, its keys, and the state that the database keeps.

use crate::documents::keyspace::key::PREFIX_LENGTH;
use crate::documents::keyspace::key::RECEIPTS;
use crate::engine::Batch;

/// The subject of a receipt: calls of a client's message, the first of which has this place in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptId {
    pub client: [u8; 16],
    pub message: u64,
    pub call: u32,
}

/// The keys of a stored receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftReceipt {
    pub id: ReceiptId,
    pub(crate) parts: u32,
}

/// A receipt to be stored, and the receipts that are deleted with it.
#[derive(Debug, Default)]
pub(crate) struct NewReceipt {
    pub id: Option<ReceiptId>,
    /// JSON: an array that is not empty.
    pub content: Vec<u8>,
    pub acknowledged: Vec<LeftReceipt>,
}

/// The generation of receipts, and the sweep of those that are old.
#[derive(Debug, Default)]
pub(crate) struct Generation {
    /// `None` until this opening of the database has left a receipt.
    pub(crate) number: Option<u64>,
    /// The sweep continues at this key.
    pub(crate) sweep_from: Option<Vec<u8>>,
}

/// Stands in place of the first call's number. The generation and the time follow.
pub(crate) const HEAD: &str = "[[4294967295,[";

/// Bytes of a part, at most.
pub(crate) const PART_LENGTH: usize = 60 << 10;

impl ReceiptId {
    pub(crate) fn key(&self, part: u32) -> Vec<u8> {
        [&self.message_prefix()[..], &self.call.to_be_bytes(), &part.to_be_bytes()].concat()
    }

    pub(crate) fn message_prefix(&self) -> Vec<u8> {
        [&RECEIPTS[..], &self.client, &self.message.to_be_bytes()].concat()
    }

    /// Parses the id and the part of a key.
    pub(crate) fn parse(key: &[u8]) -> Option<(Self, u32)> {
        let (client, rest) = key.get(PREFIX_LENGTH..)?.split_first_chunk::<16>()?;
        let (message, rest) = rest.split_first_chunk()?;
        let (call, part) = rest.split_first_chunk()?;
        let id = Self { client: *client, message: u64::from_be_bytes(*message), call: u32::from_be_bytes(*call) };
        Some((id, u32::from_be_bytes(part.try_into().ok()?)))
    }
}

impl LeftReceipt {
    /// True if it is no longer than a part.
    pub fn is_small(&self) -> bool {
        self.parts <= 1
    }

    pub(crate) fn delete(&self, batch: &mut Batch) {
        (0..self.parts).for_each(|part| batch.delete(self.id.key(part)));
    }
}

impl NewReceipt {
    /// Returns the keys of the receipt once it is left.
    pub fn left(&self) -> Option<LeftReceipt> {
        // The head is shorter than this.
        let parts = (self.content.len() + 2 * HEAD.len() + 40).div_ceil(PART_LENGTH);
        self.id.map(|id| LeftReceipt { id, parts: parts as u32 })
    }
}
