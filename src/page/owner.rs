//! The owner record: who writes the file.
//!
//! WASI has no locks, so a second writer can only be found out. Whoever begins to write puts a random id and the
//! next epoch into the record; whoever finds another's there, before a commit, stops with [`Error::Locked`].

use xxhash_rust::xxh3::xxh3_128;

use super::codec::Reader;
use super::error::{Error, Result};
use super::layout::OWNER_ADDRESS;
use crate::fs::{File, read_full, write_full};

const MAGIC: [u8; 8] = *b"FERROWN\n";
/// Length of the record, bytes.
pub(super) const OWNER_LEN: usize = 48;

/// The writer of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Owner {
    /// Random.
    pub id: [u8; 16],
    /// Counts the owners of the file.
    pub epoch: u64,
}

impl Owner {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(OWNER_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.id);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        let checksum = xxh3_128(&out).to_le_bytes();
        out.extend_from_slice(&checksum);
        out
    }

    pub(super) fn decode(record: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(record);
        if reader.bytes(MAGIC.len())? != MAGIC {
            return None;
        }
        let owner = Self { id: reader.tag()?, epoch: reader.u64()? };
        (reader.tag()? == xxh3_128(&owner.encode()[..32]).to_le_bytes()).then_some(owner)
    }

    /// Reads the record. A torn or damaged one counts as nobody's: it guards no data, only writers against writers.
    pub(super) fn read(file: &impl File) -> Result<Self> {
        let mut record = [0; OWNER_LEN];
        read_full(file, &mut record, OWNER_ADDRESS)?;
        Ok(Self::decode(&record).unwrap_or_default())
    }

    pub(super) fn write(&self, file: &impl File) -> Result<()> {
        Ok(write_full(file, &self.encode(), OWNER_ADDRESS)?)
    }

    /// Fails when the record is not `self`.
    pub(super) fn confirm(&self, file: &impl File) -> Result<()> {
        if Self::read(file)? == *self { Ok(()) } else { Err(Error::Locked) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_detects_damage() {
        let owner = Owner { id: [4; 16], epoch: 9 };
        let record = owner.encode();
        assert_eq!(record.len(), OWNER_LEN);
        assert_eq!(Owner::decode(&record), Some(owner));
        for index in 0..record.len() {
            let mut damaged = record.clone();
            damaged[index] ^= 1;
            assert_eq!(Owner::decode(&damaged), None);
        }
    }
}
