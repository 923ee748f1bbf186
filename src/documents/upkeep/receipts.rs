//! Receipts: what the calls of a client were answered, kept in a key space of the database itself, so that a message that is
//! sent again is not executed again.
//!
//! ```text
//! key  client (16 bytes) | message (u64, big-endian) | call (u32, big-endian) | part (u32, big-endian)
//! key  (empty)                                         value  the generation, then the horizon (u64, little-endian)
//! ```
//!
//! The parts of a receipt, one behind the other, are a JSON array: `[4294967295, [generation, time]]`, and then what was left
//! with it, which this layer does not look into. A receipt is there if and only if what it is of was committed: it is written
//! in the same group, behind the other commits of it, or in the same commit. It is no change: watches and the change history
//! do not tell it.
//!
//! A receipt is deleted when its client has acknowledged the answer. What nobody acknowledges is removed when two conditions
//! hold. An hour has passed; and the receipt is two generations old. Each opening of the database that leaves receipts is a
//! generation. So no step of the clock removes the receipts that the next engine needs. The horizon is the latest time of a
//! receipt that was removed without an acknowledgement: a message from before the horizon may have been executed without a trace.
//! A database without removed receipts has no horizon yet.

use crate::documents::database::Database;
use crate::documents::database::receipt::Generation;
use crate::documents::database::receipt::HEAD;
use crate::documents::database::receipt::LeftReceipt;
use crate::documents::database::receipt::NewReceipt;
use crate::documents::database::receipt::PART_LENGTH;
use crate::documents::database::receipt::ReceiptId;
use crate::documents::error::{Error, Result};
use crate::documents::keyspace::key::RECEIPTS;
use crate::documents::keyspace::range::end_of;
use crate::documents::keyspace::ttl::IGNORE_EXPIRY_MS;
use crate::engine::{Batch, KeyRange};
use crate::fs::File;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The time for which receipts are kept that nobody acknowledges.
pub(crate) const RECEIPT_SPAN_MS: u64 = 3_600_000;

/// Keys that a slice of maintenance looks at.
const SWEPT_KEYS: usize = 500;

impl<F: File> Database<F> {
    /// True if the open group has committed anything that was not written yet.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.pending
    }

    /// Commits a receipt behind what the open group has written. If that fails, the group is rolled back: nothing of it
    /// is kept without its receipt, and [`Database::finish_group`] fails with the same error.
    pub(crate) fn leave_receipt(&mut self, receipt: &NewReceipt) -> Result<()> {
        let mut batch = Batch::new();
        let outcome = self.stage_receipt(&mut batch, receipt).and_then(|generation| {
            self.apply(batch)?;
            self.receipts.number = Some(generation);
            Ok(())
        });
        outcome.inspect_err(|error| self.abandon_group(error))
    }

    /// The next commit will have this receipt in it.
    pub(crate) fn accompany(&mut self, receipt: NewReceipt) {
        self.companion = Some(receipt);
    }

    /// It will not, if there was none: whether there was.
    pub(crate) fn accompany_no_more(&mut self) -> bool {
        self.companion.take().is_none()
    }

    /// Adds the receipt that is to be in the next commit; its generation.
    pub(crate) fn stage_companion(&mut self, batch: &mut Batch) -> Result<Option<u64>> {
        let Some(receipt) = self.companion.take() else { return Ok(None) };
        self.stage_receipt(batch, &receipt).map(Some)
    }

    /// A commit with a receipt of this generation was made.
    pub(crate) fn note_generation(&mut self, generation: u64) {
        self.receipts.number = Some(generation);
    }

    /// Forgets commits with receipts, which were rolled back.
    pub(crate) fn forget_generation(&mut self) {
        self.receipts = Generation::default();
    }

    fn stage_receipt(&self, batch: &mut Batch, receipt: &NewReceipt) -> Result<u64> {
        let generation = match self.receipts.number {
            Some(generation) => generation,
            None => {
                let (last, horizon_ms) = self.generation_and_horizon()?;
                batch.put(RECEIPTS.to_vec(), encode_generation(last + 1, horizon_ms), None);
                last + 1
            }
        };
        if let Some(id) = &receipt.id {
            let (generation, time_ms) = (generation.to_string(), self.engine.now_ms().to_string());
            let head = [HEAD, &generation, ",", &time_ms, "]],"].map(str::as_bytes);
            let content = [&head.concat()[..], receipt.content.get(1..).unwrap_or_default()].concat();
            for (part, bytes) in (0..).zip(content.chunks(PART_LENGTH)) {
                batch.put(id.key(part), bytes.to_vec(), None);
            }
        }
        receipt.acknowledged.iter().for_each(|left| left.delete(batch));
        Ok(generation)
    }

    /// The newest generation and the horizon.
    fn generation_and_horizon(&self) -> Result<(u64, u64)> {
        let stored = self.engine.get(&RECEIPTS, self.engine.last_seq(), IGNORE_EXPIRY_MS)?;
        let Some(stored) = stored else { return Ok((0, 0)) };
        let mut numbers = stored.value.chunks_exact(8).map(|bytes| bytes.try_into().map_or(0, u64::from_le_bytes));
        Ok((numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)))
    }

    /// Returns the horizon, in milliseconds: a message that was sent later has left its receipts, if it was executed.
    #[cfg(any(test, boundary))]
    pub(crate) fn receipt_horizon_ms(&self) -> Result<u64> {
        Ok(self.generation_and_horizon()?.1)
    }

    /// Adds the horizon after the removal of receipts without an acknowledgement, the latest of which is of this time.
    fn stage_horizon(&self, batch: &mut Batch, removed_ms: u64) -> Result<()> {
        let (generation, horizon_ms) = self.generation_and_horizon()?;
        if removed_ms > horizon_ms {
            batch.put(RECEIPTS.to_vec(), encode_generation(generation, removed_ms), None);
        }
        Ok(())
    }

    /// The receipts of a message, by the first call.
    pub(crate) fn receipts(&self, client: [u8; 16], message: u64) -> Result<BTreeMap<u32, Vec<u8>>> {
        let mut receipts = BTreeMap::<u32, Vec<u8>>::new();
        self.each_receipt(ReceiptId { client, message, call: 0 }.message_prefix(), |id, _, bytes| {
            receipts.entry(id.call).or_default().extend_from_slice(bytes);
        })?;
        Ok(receipts)
    }

    /// All receipts that a client has left, also at engines before, in the order of the messages.
    pub(crate) fn left_receipts(&self, client: [u8; 16]) -> Result<Vec<LeftReceipt>> {
        let mut left = Vec::<LeftReceipt>::new();
        self.each_receipt([&RECEIPTS[..], &client].concat(), |id, part, _| match left.last_mut() {
            Some(last) if last.id == id => last.parts = part + 1,
            _ => left.push(LeftReceipt { id, parts: part + 1 }),
        })?;
        Ok(left)
    }

    /// Receipts of an earlier version of the format have an expiry. They count as long as they exist.
    fn each_receipt(&self, prefix: Vec<u8>, mut see: impl FnMut(ReceiptId, u32, &[u8])) -> Result<()> {
        let range = KeyRange { start: Bound::Included(prefix.clone()), end: end_of(prefix) };
        let mut cursor = self.engine.scan(range, false, self.engine.last_seq(), IGNORE_EXPIRY_MS)?;
        while let Some((key, entry)) = cursor.next()? {
            let (id, part) = ReceiptId::parse(&key)
                .ok_or_else(|| Error::Corrupt { what: "a receipt".to_owned(), at: format!("key {key:02x?}") })?;
            see(id, part, &entry.value);
        }
        Ok(())
    }

    /// Deletes receipts whose answers were acknowledged, by themselves.
    pub(crate) fn drop_receipts(&mut self, acknowledged: &[LeftReceipt]) -> Result<()> {
        let mut batch = Batch::new();
        acknowledged.iter().for_each(|left| left.delete(&mut batch));
        self.apply_unless_empty(batch).map(drop)
    }

    /// Deletes receipts whose answers nobody has acknowledged.
    pub(crate) fn give_receipts_up(&mut self, outdated: &[LeftReceipt]) -> Result<()> {
        let mut batch = Batch::new();
        self.stage_horizon(&mut batch, self.engine.now_ms())?;
        outdated.iter().for_each(|left| left.delete(&mut batch));
        self.apply_unless_empty(batch).map(drop)
    }

    /// Removes some receipts that are too old to be asked for; whether there may be more. Does nothing before this opening of
    /// the database has left a receipt.
    pub(crate) fn remove_old_receipts(&mut self) -> Result<bool> {
        let Some(generation) = self.receipts.number else { return Ok(false) };
        let from = match &self.receipts.sweep_from {
            Some(from) if from.is_empty() => return Ok(false),
            Some(from) => from.clone(),
            None => RECEIPTS.to_vec(),
        };
        self.settle_group()?;
        let (mut batch, mut seen, now_ms) = (Batch::new(), 0, self.engine.now_ms());
        let range = KeyRange { start: Bound::Excluded(from), end: end_of(RECEIPTS.to_vec()) };
        let mut cursor = self.engine.scan(range, false, self.engine.last_seq(), IGNORE_EXPIRY_MS)?;
        let (mut old, mut next, mut removed_ms) = (None, Vec::new(), None);
        while let Some((key, entry)) = cursor.next()? {
            let Some((id, part)) = ReceiptId::parse(&key) else { continue };
            if part == 0 {
                if seen >= SWEPT_KEYS {
                    break;
                }
                let is_old =
                    |(of, time_ms): &(u64, u64)| of + 2 <= generation && now_ms.abs_diff(*time_ms) > RECEIPT_SPAN_MS;
                let head = head_of(&entry.value).filter(is_old);
                old = head.map(|_| id);
                removed_ms = removed_ms.max(head.map(|(_, time_ms)| time_ms));
            }
            if old == Some(id) {
                batch.delete(key.clone());
            }
            seen += 1;
            next = key;
        }
        let is_over = seen < SWEPT_KEYS;
        if let Some(removed_ms) = removed_ms {
            self.stage_horizon(&mut batch, removed_ms)?;
        }
        self.apply_unless_empty(batch)?;
        self.receipts.sweep_from = Some(if is_over { Vec::new() } else { next });
        Ok(!is_over)
    }
}

fn encode_generation(generation: u64, horizon_ms: u64) -> Vec<u8> {
    [generation.to_le_bytes(), horizon_ms.to_le_bytes()].concat()
}

/// The generation and the time in the first part of a receipt. Receipts of an earlier version have none, and expire.
fn head_of(part: &[u8]) -> Option<(u64, u64)> {
    let head = part.get(..part.len().min(HEAD.len() + 48))?.strip_prefix(HEAD.as_bytes())?;
    let head = std::str::from_utf8(head.split(|byte| *byte == b']').next()?).ok()?;
    let (generation, time_ms) = head.split_once(',')?;
    Some((generation.parse().ok()?, time_ms.parse().ok()?))
}

#[cfg(test)]
#[path = "receipt_tests.rs"]
mod tests;
