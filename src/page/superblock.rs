//! The superblock: the root from which everything in the file is reached.
//!
//! Superblock `s` lies in two slots, `s + 1` is written into the two others, so that a torn write of `s + 1` leaves
//! `s` whole, and damage to one copy leaves the other. The highest valid sequence number wins.

use xxhash_rust::xxh3::xxh3_128;

use super::aead_seal::AeadSeal;
use super::codec::Reader;
use super::error::{Error, Result};
use super::layout::{FORMAT_VERSION, HEADER_LEN, MAGIC, SLOT_COUNT, SLOT_LEN};
use super::seal::{TAG_LEN, Tag};
use crate::crypto::{Cipher, MAC_LEN};
use crate::fs::{File, read_full, write_full};

/// Where the log begins that must be replayed over the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStart {
    /// Counts the starts of the log; 0 when there never was one.
    pub generation: u64,
    /// Random, new for each generation, so that frames of an older one cannot be taken for this one's.
    pub salt: [u8; 16],
    /// The epoch whose data key the log's key is derived from; 0 in plain files.
    pub key_epoch: u32,
    /// Address of the first segment, 0 when there is none.
    pub address: u64,
    /// Length of the first segment, bytes.
    pub len: u64,
    /// The first segment's index in its generation.
    pub segment_index: u64,
    /// Number of the first frame in the first segment.
    pub frame_number: u64,
    /// Tag of the frame before that one.
    pub previous_tag: Tag,
}

/// The newest page of the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ManifestHead {
    /// Address of the page, 0 when the manifest is empty.
    pub address: u64,
    /// Length with header, bytes.
    pub len: u32,
    /// Number of the page.
    pub number: u64,
    /// The page's tag.
    pub tag: Tag,
}

/// Up to where expired documents have been dropped: what was committed no later than `seq` and expired no later
/// than `time_ms` is gone, even where bytes of it are left and the clock has gone back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpiryHorizon {
    /// Milliseconds since 1970-01-01 UTC.
    pub time_ms: u64,
    /// Sequence number.
    pub seq: u64,
}

/// The root of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Superblock {
    /// Features of the file that a writer may ignore, but keeps.
    pub compatible: u32,
    /// Features of the file that a reader may ignore, but not a writer.
    pub read_only_compatible: u32,
    /// Features of the file that every reader must know.
    pub incompatible: u32,
    /// Random, given when the file is created.
    pub file_id: [u8; 16],
    /// Counts the superblocks of this file, from 1.
    pub sequence: u64,
    /// The cipher of the file.
    pub cipher: Option<Cipher>,
    /// Epoch that pages were sealed in when this was written, and whose data key authenticates this; 0 in plain files.
    pub key_epoch: u32,
    /// Every commit up to this sequence number is in the tables.
    pub flushed_seq: u64,
    /// Every commit up to this sequence number was durable when the superblock was written.
    pub synced_seq: u64,
    /// The next table's id.
    pub next_table_id: u64,
    /// Where the log begins.
    pub log: LogStart,
    /// The manifest's newest page.
    pub manifest: ManifestHead,
    /// Up to where expired documents have been dropped.
    pub expiry: ExpiryHorizon,
    /// The least length the file must have, bytes.
    pub file_len: u64,
}

/// Incompatible feature: indexes may have entries for documents without a value.
pub const MISSING_VALUES: u32 = 1;
/// Incompatible features that this reader knows.
const KNOWN_INCOMPATIBLE: u32 = MISSING_VALUES;
const CIPHER_NONE: u8 = 0;
/// Bytes of a slot that its checksum covers.
const COVERED: usize = SLOT_LEN - TAG_LEN;
/// Bytes of a slot that its code covers, which follows them; zero in plain files.
const AUTHENTICATED: usize = COVERED - MAC_LEN;
/// Where the file id and what follows it begin.
const BODY: usize = 32;

impl Superblock {
    /// The slot. `seal` authenticates it, where the file is encrypted.
    pub(super) fn encode(&self, seal: Option<&AeadSeal>) -> Vec<u8> {
        let mut out = Vec::with_capacity(SLOT_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&(HEADER_LEN as u32).to_le_bytes());
        for flags in [self.compatible, self.read_only_compatible, self.incompatible] {
            out.extend_from_slice(&flags.to_le_bytes());
        }
        out.extend_from_slice(&[self.cipher.map_or(CIPHER_NONE, Cipher::id), 0, 0, 0]);
        out.extend_from_slice(&self.file_id);
        out.extend_from_slice(&self.sequence.to_le_bytes());
        out.extend_from_slice(&self.key_epoch.to_le_bytes());
        out.extend_from_slice(&self.log.key_epoch.to_le_bytes());
        for field in [self.flushed_seq, self.synced_seq, self.next_table_id, self.log.generation] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.log.salt);
        for field in [self.log.address, self.log.len, self.log.segment_index, self.log.frame_number] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.log.previous_tag);
        out.extend_from_slice(&self.manifest.address.to_le_bytes());
        out.extend_from_slice(&self.manifest.len.to_le_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.manifest.number.to_le_bytes());
        out.extend_from_slice(&self.manifest.tag);
        for field in [self.expiry.time_ms, self.expiry.seq, self.file_len] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.resize(AUTHENTICATED, 0);
        let code = seal.map_or([0; MAC_LEN], |seal| seal.superblock_code(self.key_epoch, &out));
        out.extend_from_slice(&code);
        let checksum = xxh3_128(&out).to_le_bytes();
        out.extend_from_slice(&checksum);
        out
    }

    /// Decodes a slot. `Ok(None)` when it holds no whole superblock.
    pub(super) fn decode(slot: &[u8]) -> Result<Option<Self>> {
        let Some((covered, checksum)) = slot.split_at_checked(COVERED) else { return Ok(None) };
        if !covered.starts_with(&MAGIC) || xxh3_128(covered).to_le_bytes() != checksum {
            return Ok(None);
        }
        let mut reader = Reader::new(covered);
        Self::decode_fields(&mut reader).ok_or_else(|| Error::corrupt("superblock", "the file's header"))?.map(Some)
    }

    fn decode_fields(reader: &mut Reader<'_>) -> Option<Result<Self>> {
        reader.bytes(MAGIC.len())?;
        let version = reader.u32()?;
        let newer = |found: String| Some(Err(Error::NewerFormat { found, supported: FORMAT_VERSION }));
        if version != FORMAT_VERSION {
            return newer(version.to_string());
        }
        let header_len = reader.u32()?;
        let (compatible, read_only_compatible, incompatible) = (reader.u32()?, reader.u32()?, reader.u32()?);
        let cipher = reader.u32()?;
        if incompatible & !KNOWN_INCOMPATIBLE != 0 {
            return newer(format!("{version} with features {incompatible:#x}"));
        }
        let known = u8::try_from(cipher).ok().and_then(Cipher::from_id);
        if cipher != u32::from(CIPHER_NONE) && known.is_none() {
            return newer(format!("{version} with cipher {cipher}"));
        }
        let body = Self::decode_body(reader)?;
        let superblock = Self { compatible, read_only_compatible, incompatible, cipher: known, ..body };
        let reserved = reader.rest();
        // The code is checked when the keys are there.
        let reserved = if known.is_some() { reserved.get(..reserved.len() - MAC_LEN)? } else { reserved };
        let reserved_is_zero = reserved.iter().all(|&byte| byte == 0);
        if u64::from(header_len) != HEADER_LEN || !reserved_is_zero {
            return None;
        }
        Some(Ok(superblock))
    }

    /// The fields behind the features.
    fn decode_body(reader: &mut Reader<'_>) -> Option<Self> {
        let (file_id, sequence) = (reader.tag()?, reader.u64()?);
        let (key_epoch, log_key_epoch) = (reader.u32()?, reader.u32()?);
        Some(Self {
            file_id,
            sequence,
            key_epoch,
            flushed_seq: reader.u64()?,
            synced_seq: reader.u64()?,
            next_table_id: reader.u64()?,
            log: LogStart {
                generation: reader.u64()?,
                salt: reader.tag()?,
                key_epoch: log_key_epoch,
                address: reader.u64()?,
                len: reader.u64()?,
                segment_index: reader.u64()?,
                frame_number: reader.u64()?,
                previous_tag: reader.tag()?,
            },
            manifest: ManifestHead {
                address: reader.u64()?,
                len: reader.u32()?,
                number: reader.bytes(4).and_then(|_| reader.u64())?,
                tag: reader.tag()?,
            },
            expiry: ExpiryHorizon { time_ms: reader.u64()?, seq: reader.u64()? },
            file_len: reader.u64()?,
            ..Self::default()
        })
    }

    /// Returns the claims of a slot whose checksum does not match.
    pub(super) fn hint(slot: &[u8]) -> Option<Self> {
        Self::decode_body(&mut Reader::new(slot.get(BODY..COVERED)?))
    }

    /// Writes the superblock into the slots that do not hold the one before it. Not durable until synced.
    pub(super) fn write(&self, file: &impl File, seal: Option<&AeadSeal>) -> Result<()> {
        (0..2).try_for_each(|copy| self.write_copy(file, copy, seal))
    }

    /// Writes one of the two copies.
    pub(super) fn write_copy(&self, file: &impl File, copy: u64, seal: Option<&AeadSeal>) -> Result<()> {
        Ok(write_full(file, &self.encode(seal), self.slot_address(copy))?)
    }

    pub(super) fn slot_address(&self, copy: u64) -> u64 {
        ((self.sequence % 2) * 2 + copy) * SLOT_LEN as u64
    }

    /// True if a copy in the file is authentic: a checksum anyone can make.
    pub(super) fn is_authentic(&self, file: &impl File, seal: &AeadSeal) -> Result<bool> {
        for copy in 0..2 {
            let mut slot = vec![0; SLOT_LEN];
            read_full(file, &mut slot, self.slot_address(copy))?;
            let is_this = Self::decode(&slot).is_ok_and(|found| found.as_ref() == Some(self));
            let code = slot.get(AUTHENTICATED..COVERED).unwrap_or_default();
            if is_this && seal.is_superblock_code(self.key_epoch, &slot[..AUTHENTICATED], code) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the newest superblock. `None` when no slot holds one.
    pub(super) fn read(file: &impl File) -> Result<Option<Self>> {
        let mut slots = vec![0; SLOT_LEN * SLOT_COUNT as usize];
        let len = read_full(file, &mut slots, 0)?;
        slots.truncate(len);
        let mut newest: Option<Self> = None;
        let mut failure = None;
        for slot in slots.chunks(SLOT_LEN) {
            match Self::decode(slot) {
                Ok(Some(found)) if newest.as_ref().is_none_or(|newest| newest.sequence < found.sequence) => {
                    newest = Some(found);
                }
                Ok(_) => {}
                Err(error) => failure = Some(error),
            }
        }
        // A slot with a good checksum that this version cannot read speaks for the whole file.
        failure.map_or(Ok(newest), Err)
    }

    /// The error for a file of which no slot holds a superblock, and that is not new.
    pub(super) fn tell_missing(file: &impl File) -> Result<Error> {
        let mut slots = vec![0; SLOT_LEN * SLOT_COUNT as usize];
        let len = read_full(file, &mut slots, 0)?;
        slots.truncate(len);
        if slots.chunks(SLOT_LEN).any(|slot| slot.starts_with(&MAGIC)) {
            return Ok(Error::corrupt("superblock: all copies", "the file's first 16 KiB"));
        }
        Ok(Error::NotADatabase { reason: format!("its {} bytes do not begin with a superblock", file.len()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Superblock {
        Superblock {
            file_id: [7; 16],
            sequence: 5,
            flushed_seq: 10,
            synced_seq: 12,
            next_table_id: 3,
            log: LogStart { generation: 2, salt: [1; 16], address: 65536, len: 32768, ..LogStart::default() },
            manifest: ManifestHead { address: 131_072, len: 100, number: 4, tag: [8; 16] },
            expiry: ExpiryHorizon { time_ms: 1, seq: 2 },
            file_len: 200_000,
            ..Superblock::default()
        }
    }

    #[test]
    fn round_trips() {
        assert_eq!(Superblock::decode(&sample().encode(None)).unwrap(), Some(sample()));
    }

    #[test]
    fn every_byte_is_covered() {
        let slot = sample().encode(None);
        assert_eq!(slot.len(), SLOT_LEN);
        for index in 0..slot.len() {
            let mut damaged = slot.clone();
            damaged[index] ^= 0x10;
            assert_eq!(Superblock::decode(&damaged).unwrap(), None, "byte {index}");
        }
    }

    #[test]
    fn features_that_a_reader_must_know_are_checked() {
        let known = Superblock { incompatible: MISSING_VALUES, ..sample() };
        assert_eq!(Superblock::decode(&known.encode(None)).unwrap(), Some(known));
        let unknown = Superblock { incompatible: MISSING_VALUES | 2, ..sample() };
        assert!(matches!(Superblock::decode(&unknown.encode(None)), Err(Error::NewerFormat { .. })));
    }

    #[test]
    fn a_newer_format_is_told() {
        let mut slot = sample().encode(None);
        slot[8] = 2;
        let checksum = xxh3_128(&slot[..COVERED]).to_le_bytes();
        slot[COVERED..].copy_from_slice(&checksum);
        assert!(matches!(Superblock::decode(&slot), Err(Error::NewerFormat { .. })));
    }
}
