//! Receipts: what the calls of a client were answered, kept for a while in a key space of the database itself, so that a
//! message that is sent again is not executed again.
//!
//! ```text
//! key  client (16 bytes) | message (u64, big-endian) | call (u32, big-endian) | part (u32, big-endian)
//! ```
//!
//! The parts of a receipt, one behind the other, are what was left with it; this layer does not look into it. A receipt is
//! there if and only if what it is of was committed: it is written in the same group, behind the other commits of it, or in
//! the same commit. It is no change: watches and the change history do not tell it.

use super::Database;
use super::error::{Error, Result};
use super::key::{PREFIX_LENGTH, RECEIPTS};
use super::range::end_of;
use crate::engine::{Batch, KeyRange};
use crate::fs::File;
use std::collections::BTreeMap;
use std::ops::Bound;

/// For how long receipts are kept.
pub(crate) const RECEIPT_SPAN_MS: u64 = 3_600_000;
/// Bytes of a part, at most.
const PART_LENGTH: usize = 60 << 10;

/// What a receipt is of: calls of a message of a client, the first of which has this place in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiptId {
    pub client: [u8; 16],
    pub message: u64,
    pub call: u32,
}

impl ReceiptId {
    fn key(&self, part: u32) -> Vec<u8> {
        [&self.message_prefix()[..], &self.call.to_be_bytes(), &part.to_be_bytes()].concat()
    }

    fn message_prefix(&self) -> Vec<u8> {
        [&RECEIPTS[..], &self.client, &self.message.to_be_bytes()].concat()
    }
}

impl<F: File> Database<F> {
    /// Whether the open group has committed anything that was not written yet.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.pending
    }

    /// Commits a receipt behind what the open group has written. When it cannot be, the group is taken back: nothing of it
    /// is kept without its receipt, and [`Database::finish_group`] fails with the same error.
    pub(crate) fn leave_receipt(&mut self, id: ReceiptId, content: &[u8]) -> Result<()> {
        let mut batch = Batch::new();
        self.stage_receipt(&mut batch, id, content);
        self.apply(batch).map(drop).inspect_err(|error| self.abandon_group(error))
    }

    /// The next commit will have this receipt in it.
    pub(crate) fn accompany(&mut self, id: ReceiptId, content: Vec<u8>) {
        self.companion = Some((id, content));
    }

    /// It will not, if there was none: whether there was.
    pub(crate) fn accompany_no_more(&mut self) -> bool {
        self.companion.take().is_none()
    }

    /// Adds the receipt that is to be in the next commit.
    pub(super) fn stage_companion(&mut self, batch: &mut Batch) {
        if let Some((id, content)) = self.companion.take() {
            self.stage_receipt(batch, id, &content);
        }
    }

    fn stage_receipt(&self, batch: &mut Batch, id: ReceiptId, content: &[u8]) {
        let expires_at = self.engine.now_ms().saturating_add(RECEIPT_SPAN_MS);
        for (part, bytes) in (0..).zip(content.chunks(PART_LENGTH)) {
            batch.put(id.key(part), bytes.to_vec(), Some(expires_at));
        }
    }

    /// The receipts of a message, by the first call.
    pub(crate) fn receipts(&self, client: [u8; 16], message: u64) -> Result<BTreeMap<u32, Vec<u8>>> {
        let prefix = ReceiptId { client, message, call: 0 }.message_prefix();
        let range = KeyRange { start: Bound::Included(prefix.clone()), end: end_of(prefix) };
        let mut cursor = self.engine.scan(range, false, self.engine.last_seq(), self.engine.now_ms())?;
        let mut receipts = BTreeMap::<u32, Vec<u8>>::new();
        while let Some((key, entry)) = cursor.next()? {
            let call = call_of(&key).ok_or_else(|| Error::Corrupt {
                what: "a receipt".to_owned(),
                at: format!("key {key:02x?}"),
            })?;
            receipts.entry(call).or_default().extend_from_slice(&entry.value);
        }
        Ok(receipts)
    }
}

fn call_of(key: &[u8]) -> Option<u32> {
    let (call, part) = key.get(PREFIX_LENGTH + 16 + 8..)?.split_first_chunk()?;
    (part.len() == 4).then(|| u32::from_be_bytes(*call))
}
