//! Parts: what of a document lies outside of its own entry, in key spaces of its collection's own.
//!
//! ```text
//! key    prefix of the key space | id (12 bytes) | position (u64, big-endian)
//! value  the bytes of the part
//! expiry as the document's
//! ```
//!
//! An id is the sequence number of the commit that begins the parts and a number within that commit, both big-endian. It is
//! never used twice, and what is new lies behind all that is older. So tables of the parts of large values do not overlap:
//! compaction moves them and does not rewrite them. Elements of lists come and go, and have a key space apart.
//!
//! What changes the parts of a document writes its entry in the same commit: who has read the entry at a commit finds the
//! parts of that entry at the same commit, and transactions need not look at parts to see conflicts.

use crate::documents::error::Result;
use crate::documents::json::text::damaged;
use crate::documents::keyspace::key::Prefix;
use crate::engine::{Batch, Engine, KeyRange, Seq};
use crate::fs::File;
use bytes::Bytes;
use std::ops::{Bound, Range};

/// Bytes of each part of a large value but the last one. With its key it fits a page of 64 KiB.
pub(crate) const PART_LENGTH: u32 = 60 << 10;

/// Clock reading that sees parts whatever their expiry. Who has found a document by its clock finds its parts: both have
/// one expiry, and are dropped by one horizon.
const IGNORE_EXPIRY_MS: u64 = 0;

/// The id of the parts of one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PartId([u8; PartId::LENGTH]);

impl PartId {
    pub const LENGTH: usize = 12;

    /// The id of parts that the commit `seq` begins.
    pub fn new(seq: Seq, ordinal: u32) -> Self {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&seq.to_be_bytes());
        bytes[8..].copy_from_slice(&ordinal.to_be_bytes());
        Self(bytes)
    }

    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// The sequence number in it.
    pub fn seq(self) -> Seq {
        self.0.first_chunk().map_or(0, |bytes| Seq::from_be_bytes(*bytes))
    }
}

/// The engine key of a part.
pub(crate) fn part_key(space: Prefix, id: PartId, position: u64) -> Vec<u8> {
    [&space[..], id.as_bytes(), &position.to_be_bytes()].concat()
}

/// The id and position in the engine key of a part; `None` when this layer cannot have written it.
pub(crate) fn parse_part_key(engine_key: &[u8]) -> Option<(PartId, u64)> {
    let (_, rest) = engine_key.split_first_chunk::<8>()?;
    let (id, position) = rest.split_first_chunk()?;
    Some((PartId(*id), u64::from_be_bytes(position.try_into().ok()?)))
}

/// The positions of the parts of `id`.
pub(crate) fn keys_within(space: Prefix, id: PartId, positions: &Range<u64>) -> KeyRange {
    let (start, end) = (part_key(space, id, positions.start), part_key(space, id, positions.end));
    KeyRange { start: Bound::Included(start), end: Bound::Excluded(end) }
}

/// Reads the parts at `positions` as of a commit, in order, or from the last one to the first. One that is not there, or is
/// refused by `each`, which gives a reason then, is damage of the document at `key`.
pub(crate) fn read<F: File>(
    engine: &Engine<F>,
    at: Seq,
    (space, id): (Prefix, PartId),
    positions: Range<u64>,
    key: &str,
    mut each: impl FnMut(u64, Bytes) -> std::result::Result<(), &'static str>,
) -> Result<()> {
    if positions.end - positions.start == 1 {
        // Beside one element of a list there may be what is left of many others.
        let found = engine.get(&part_key(space, id, positions.start), at, IGNORE_EXPIRY_MS)?;
        return found
            .ok_or("is missing")
            .and_then(|part| each(positions.start, part.value))
            .map_err(|reason| damaged(key, format!("its part {} {reason}", positions.start)));
    }
    let mut cursor = engine.scan(keys_within(space, id, &positions), false, at, IGNORE_EXPIRY_MS)?;
    for position in positions {
        let found = cursor.next()?.filter(|(key, _)| parse_part_key(key) == Some((id, position)));
        found
            .ok_or("is missing")
            .and_then(|(_, part)| each(position, part.value))
            .map_err(|reason| damaged(key, format!("its part {position} {reason}")))?;
    }
    Ok(())
}

/// A value that is kept in parts of one length, all but the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Chunks {
    pub id: PartId,
    /// Bytes of the whole.
    pub length: u64,
    /// Bytes of a part.
    pub part_length: u32,
}

impl Chunks {
    pub const ENCODED_LENGTH: usize = PartId::LENGTH + 12;

    pub fn encode(&self) -> [u8; Self::ENCODED_LENGTH] {
        let mut bytes = [0; Self::ENCODED_LENGTH];
        bytes[..12].copy_from_slice(self.id.as_bytes());
        bytes[12..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..].copy_from_slice(&self.part_length.to_le_bytes());
        bytes
    }

    /// `None` when [`Chunks::encode`] has not written it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (length, part_length) = rest.split_first_chunk()?;
        let chunks = Self {
            id: PartId::from_bytes(*id),
            length: u64::from_le_bytes(*length),
            part_length: u32::from_le_bytes(part_length.try_into().ok()?),
        };
        // Longer ones would not fit the engine, and more of them no file.
        let is_sane = (1..=1 << 20).contains(&chunks.part_length) && chunks.length < 1 << 53;
        is_sane.then_some(chunks)
    }

    /// How many parts there are.
    pub fn count(&self) -> u64 {
        self.length.div_ceil(u64::from(self.part_length))
    }

    /// Bytes of the part at `position`.
    pub fn length_of(&self, position: u64) -> u64 {
        let part_length = u64::from(self.part_length);
        self.length.saturating_sub(position * part_length).min(part_length)
    }

    /// Adds to `batch` the parts of `bytes`.
    pub fn put(batch: &mut Batch, space: Prefix, id: PartId, bytes: &[u8], expires_at: Option<u64>) -> Self {
        for (position, part) in (0..).zip(bytes.chunks(PART_LENGTH as usize)) {
            batch.put(part_key(space, id, position), part.to_vec(), expires_at);
        }
        Self { id, length: bytes.len() as u64, part_length: PART_LENGTH }
    }

    /// Adds to `batch` what removes the parts.
    pub fn delete(&self, batch: &mut Batch, space: Prefix) {
        (0..self.count()).for_each(|position| batch.delete(part_key(space, self.id, position)));
    }

    /// Gives the parts at `positions` to `each`, of which each has the length that it must have.
    pub fn read<F: File>(
        &self,
        engine: &Engine<F>,
        at: Seq,
        space: Prefix,
        positions: Range<u64>,
        key: &str,
        mut each: impl FnMut(Bytes),
    ) -> Result<()> {
        read(engine, at, (space, self.id), positions, key, |position, part| {
            if part.len() as u64 != self.length_of(position) {
                return Err("has not the length that it should have");
            }
            each(part);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::keyspace::key::CollectionId;

    #[test]
    fn ids_grow_with_commits_and_within_them() {
        let ids = [PartId::new(1, 0), PartId::new(1, 70_000), PartId::new(255, 3), PartId::new(256, 0)];
        assert!(ids.is_sorted() && ids[2].seq() == 255);
        let key = part_key(CollectionId::DEFAULT.parts(), ids[1], 7);
        assert_eq!(parse_part_key(&key), Some((ids[1], 7)));
        assert_eq!(parse_part_key(&key[..key.len() - 1]), None);
    }

    #[test]
    fn chunks_come_back_and_know_their_lengths() {
        let chunks = Chunks { id: PartId::new(5, 6), length: 25, part_length: 10 };
        assert_eq!(Chunks::decode(&chunks.encode()), Some(chunks));
        assert_eq!((chunks.count(), chunks.length_of(1), chunks.length_of(2)), (3, 10, 5));
        assert_eq!(Chunks { length: 20, ..chunks }.count(), 2);
        assert_eq!(Chunks { length: 0, ..chunks }.count(), 0);
        for wrong in [Chunks { part_length: 0, ..chunks }, Chunks { length: u64::MAX, ..chunks }] {
            assert_eq!(Chunks::decode(&wrong.encode()), None);
        }
        assert_eq!(Chunks::decode(&chunks.encode()[1..]), None);
    }
}
