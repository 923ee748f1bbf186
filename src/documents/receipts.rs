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
            let call = call_of(&key)
                .ok_or_else(|| Error::Corrupt { what: "a receipt".to_owned(), at: format!("key {key:02x?}") })?;
            receipts.entry(call).or_default().extend_from_slice(&entry.value);
        }
        Ok(receipts)
    }
}

fn call_of(key: &[u8]) -> Option<u32> {
    let (call, part) = key.get(PREFIX_LENGTH + 16 + 8..)?.split_first_chunk()?;
    (part.len() == 4).then(|| u32::from_be_bytes(*call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Options;
    use crate::documents::{ChangeHistory, PageLimits, Range, SpaceKind, WatchOptions, import_from, salvage};
    use crate::fs::{Memory, MemoryFile};

    const ID: ReceiptId = ReceiptId { client: [9; 16], message: 7, call: 3 };

    fn open(fs: &Memory, name: &str) -> Database<MemoryFile> {
        let options = Options { change_history: Some(ChangeHistory { seconds: 60 }), ..Options::default() };
        pollster::block_on(Database::open(fs, name, options)).unwrap()
    }

    fn write_with_receipt(db: &mut Database<MemoryFile>, id: ReceiptId, content: &[u8]) {
        db.begin_group();
        assert!(!db.has_unwritten());
        db.set("a", &1).unwrap();
        assert!(db.has_unwritten());
        db.leave_receipt(id, content).unwrap();
        db.finish_group().unwrap();
    }

    #[test]
    fn receipts_come_back_by_message_and_call() {
        let (fs, long) = (Memory::new(), vec![5; 3 * PART_LENGTH + 1]);
        let mut db = open(&fs, "db");
        write_with_receipt(&mut db, ID, &long);
        write_with_receipt(&mut db, ReceiptId { call: 1, ..ID }, b"one");
        write_with_receipt(&mut db, ReceiptId { message: 8, ..ID }, b"another message");
        write_with_receipt(&mut db, ReceiptId { client: [8; 16], ..ID }, b"another client");
        drop(db);
        let db = open(&fs, "db");
        assert_eq!(db.receipts(ID.client, 7).unwrap(), BTreeMap::from([(1, b"one".to_vec()), (3, long)]));
        assert_eq!(db.receipts(ID.client, 8).unwrap(), BTreeMap::from([(3, b"another message".to_vec())]));
        assert!(db.receipts(ID.client, 6).unwrap().is_empty() && db.receipts([7; 16], 7).unwrap().is_empty());
    }

    #[test]
    fn the_next_commit_is_accompanied_and_no_other_one() {
        let mut db = open(&Memory::new(), "db");
        db.accompany(ID, b"x".to_vec());
        assert!(db.set("", &1).is_err() && !db.accompany_no_more());
        db.set("a", &1).unwrap();
        assert!(db.receipts(ID.client, 7).unwrap().is_empty());
        db.accompany(ID, b"x".to_vec());
        assert_eq!(db.set("b", &1).unwrap(), 2);
        assert!(db.accompany_no_more());
        db.set("c", &1).unwrap();
        assert_eq!((db.receipts(ID.client, 7).unwrap().len(), db.version()), (1, 3));
    }

    #[test]
    fn a_group_is_not_kept_without_its_receipt() {
        let mut db = open(&Memory::new(), "db");
        db.begin_group();
        db.set("a", &1).unwrap();
        // What a receipt that cannot be committed does.
        db.abandon_group(&Error::Aborted);
        assert!(matches!(db.set("a", &2), Err(Error::Aborted)));
        assert!(matches!(db.finish_group(), Err(Error::Aborted)));
        assert!((db.version(), db.get::<u8>("a").unwrap()) == (0, None));
        db.set("b", &1).unwrap();
        assert_eq!(db.keys(&Range::all()).unwrap(), ["b"]);
    }

    #[test]
    fn receipts_are_no_documents() {
        let fs = Memory::new();
        let mut db = open(&fs, "db");
        let mut watcher = db.watch(&Range::all(), &WatchOptions::default()).unwrap();
        write_with_receipt(&mut db, ID, b"x");
        assert_eq!(db.changes(&mut watcher, PageLimits::default()).unwrap().len(), 1);
        let since = WatchOptions { since: Some(0), ..WatchOptions::default() };
        let mut watcher = db.watch(&Range::all(), &since).unwrap();
        assert_eq!(db.changes(&mut watcher, PageLimits::default()).unwrap().len(), 1);
        assert_eq!((db.count(&Range::all()).unwrap(), db.collections()), (1, Vec::new()));

        // They are in no copy.
        for is_in_tables in [false, true] {
            if is_in_tables {
                db.compact().unwrap();
                assert!(db.stats().spaces.iter().any(|space| space.kind == SpaceKind::Receipts));
            }
            let mut bytes = Vec::new();
            db.export_to(&mut bytes).unwrap();
            assert!(!bytes.windows(16).any(|bytes| bytes == ID.client), "an export names a client");
            let name = format!("copy-{is_in_tables}");
            let copy = pollster::block_on(import_from(&*bytes, &fs, &name, Options::default())).unwrap();
            assert_eq!((copy.get("a").unwrap(), copy.receipts(ID.client, 7).unwrap().len()), (Some(1), 0));
            assert_eq!(copy.check(true).unwrap().problems, Vec::<String>::new());
        }
        assert_eq!(db.receipts(ID.client, 7).unwrap().len(), 1);
        db.close().unwrap();
        let report = pollster::block_on(salvage(&fs, "db", &fs, "salvaged", Options::default())).unwrap();
        assert!(report.complete && report.documents == 1, "{report:?}");
        assert!(open(&fs, "salvaged").receipts(ID.client, 7).unwrap().is_empty());
    }
}
