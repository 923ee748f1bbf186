//! The key slots: two copies of a record that holds the file's data keys, wrapped.
//!
//! ```text
//! 0   [8]  magic: "FERROKEY"            44  u32  Argon2id: lanes
//! 8   u64  number, one more each time   48  [16] salt
//! 16  [16] file id                      64  [12] nonce
//! 32  u8   cipher                       76  u32  zero
//! 33  u8   1 raw key, 2 passphrase      80  [16] tag
//! 34  u8   number of data keys, 1 or 2  96  2 x (u32 first epoch, [32] data key), sealed
//! 35  u8   zero                         168 [16] XXH3-128 of bytes 0 to 167
//! 36  u32  Argon2id: memory, KiB        184 zero, to 4096
//! 40  u32  Argon2id: iterations
//! ```
//!
//! The copies are written one after the other, each made durable before the next, so that one of them is whole at any
//! time. All that is said of a file's keys lies in one sector.

use xxhash_rust::xxh3::xxh3_128;
use zeroize::Zeroizing;

use super::codec::Reader;
use super::error::{Error, KeyError, Result};
use super::layout::{KEY_SLOT_LEN, KEY_SLOTS_ADDRESS};
use super::seal::Tag;
use crate::crypto::{
    Argon2, Cipher, DataKey, Encryption, KEY_LEN, KeySource, NONCE_LEN, WrappingKey, argon2id, blank_secret,
};
use crate::environment::Environment;
use crate::fs::{File, read_full, write_full};

/// First bytes of a key slot.
pub(super) const KEY_MAGIC: [u8; 8] = *b"FERROKEY";
/// Bytes that the wrapping's tag covers besides the keys.
const ASSOCIATED: usize = 64;
/// Where the sealed keys begin.
const SEALED: usize = 96;
const DATA_KEYS_MAX: usize = 2;
/// The costs of a slot that no passphrase opens.
const NO_COSTS: Argon2 = Argon2 { memory_kib: 0, iterations: 0, lanes: 0 };
const SEALED_LEN: usize = DATA_KEYS_MAX * (4 + KEY_LEN);
/// Bytes that the checksum covers.
const COVERED: usize = SEALED + SEALED_LEN;

/// The keys of an open file.
#[derive(Debug, Clone)]
pub struct Keyring {
    /// Of the record, from 1.
    number: u64,
    pub(super) file_id: [u8; 16],
    pub(super) cipher: Cipher,
    /// The costs of the passphrase; `None` if the caller has the key itself.
    argon2: Option<Argon2>,
    salt: [u8; 16],
    wrapping: WrappingKey,
    /// Each with the first epoch that it is for, ascending: one, and a second while data is sealed again.
    data_keys: Vec<(u32, DataKey)>,
}

/// A record as it is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    number: u64,
    file_id: [u8; 16],
    cipher: Cipher,
    argon2: Option<Argon2>,
    count: usize,
    salt: [u8; 16],
    nonce: [u8; NONCE_LEN],
    tag: Tag,
    sealed: [u8; SEALED_LEN],
}

impl Keyring {
    /// Keys for a new file.
    pub fn create(file_id: [u8; 16], encryption: &Encryption, environment: &dyn Environment) -> Result<Self> {
        let (wrapping, argon2, salt) = wrapping_key(encryption, environment)?;
        let data_key = random_key(environment);
        let cipher = encryption.cipher;
        Ok(Self { number: 0, file_id, cipher, argon2, salt, wrapping, data_keys: vec![(1, data_key)] })
    }

    /// Unlocks the file's keys.
    ///
    /// # Errors
    /// [`KeyError::SlotsDamaged`] when no slot is whole, [`KeyError::Wrong`] when `encryption` opens none.
    pub fn unlock(file: &impl File, encryption: &Encryption) -> Result<Self> {
        let records = read_records(file)?;
        if records.is_empty() {
            return Err(KeyError::SlotsDamaged.into());
        }
        for record in &records {
            if let Some(wrapping) = record.wrapping_key(encryption)?
                && let Some(keyring) = record.unwrap(wrapping)
            {
                return Ok(keyring);
            }
        }
        Err(KeyError::Wrong.into())
    }

    /// True if the key slots of a file have something in them, and whether it looks like keys, be they damaged.
    pub fn is_there(file: &impl File) -> Result<(bool, bool)> {
        let slots = read_slots(file)?;
        let is_any = slots.iter().flatten().any(|&byte| byte != 0);
        Ok((is_any, slots.iter().any(|slot| slot.starts_with(&KEY_MAGIC))))
    }

    /// The copies that are not as these keys were read from or written to one of them.
    pub fn damaged_copies(&self, file: &impl File) -> Result<Vec<Error>> {
        let slots = read_slots(file)?;
        let is_ours = |slot: &Vec<u8>| Record::decode(slot).is_some_and(|record| record.number == self.number);
        let damaged = slots.iter().zip(0..).filter(|(slot, _)| !is_ours(slot));
        let what = "copy of the key slots, or one that a crash cut short";
        let address = |copy| KEY_SLOTS_ADDRESS + copy * KEY_SLOT_LEN as u64;
        Ok(damaged.map(|(_, copy)| Error::corrupt(what, format_args!("offset {}", address(copy)))).collect())
    }

    /// Returns a fingerprint of the content of the key slots.
    pub(super) fn fingerprint(file: &impl File) -> Result<u128> {
        Ok(xxh3_128(&read_slots(file)?.concat()))
    }

    /// Returns the cipher of the file.
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }

    /// Returns the costs of the passphrase; `None` if a key opens the file.
    pub fn argon2(&self) -> Option<Argon2> {
        self.argon2
    }

    /// The data key of an epoch.
    pub fn data_key(&self, epoch: u32) -> Option<&DataKey> {
        self.data_keys.iter().rev().find(|(first, _)| *first <= epoch).map(|(_, key)| key)
    }

    /// The key of what pages leave beside the file when they go away. It changes with the data key.
    #[cfg(any(test, js))]
    pub fn letter_key(&self) -> Option<crate::crypto::Secret> {
        self.data_keys.last().map(|(_, key)| key.letter_key(&self.file_id))
    }

    /// The first epoch of the newest data key: what is sealed in an earlier one is sealed by an older key.
    pub fn newest_key_epoch(&self) -> u32 {
        self.data_keys.last().map_or(0, |(first, _)| *first)
    }

    /// True if data may still be sealed by an older key.
    pub fn has_old_key(&self) -> bool {
        self.data_keys.len() > 1
    }

    /// Returns the same keys, which `encryption` unlocks.
    pub fn rewrap(&self, encryption: &Encryption, environment: &dyn Environment) -> Result<Self> {
        let (wrapping, argon2, salt) = wrapping_key(encryption, environment)?;
        Ok(Self { wrapping, argon2, salt, ..self.clone() })
    }

    /// Returns the same keys and a new one, for `first_epoch` and later epochs. REQUIRES: there is no old key.
    pub fn with_new_key(&self, first_epoch: u32, environment: &dyn Environment) -> Self {
        assert!(!self.has_old_key() && first_epoch > self.newest_key_epoch(), "one key is replaced at a time");
        let mut next = self.clone();
        next.data_keys.push((first_epoch, random_key(environment)));
        next
    }

    /// The newest key alone.
    pub fn without_old_key(&self) -> Self {
        let newest = self.data_keys.last().cloned();
        Self { data_keys: newest.into_iter().collect(), ..self.clone() }
    }

    /// Writes a new record into both slots, one after the other. When it fails after the first was made durable, either
    /// the old record or the new one counts from now on. Gives the fingerprint of what is there then.
    pub fn write(&mut self, file: &impl File, environment: &dyn Environment) -> Result<u128> {
        self.number += 1;
        let slot = self.encode(environment);
        for copy in 0..2 {
            write_full(file, &slot, KEY_SLOTS_ADDRESS + copy * KEY_SLOT_LEN as u64)?;
            file.sync()?;
        }
        Ok(xxh3_128(&slot.repeat(2)))
    }

    /// Makes both slots alike, if they are not: a crash may have come between writing them. Whether anything was
    /// written; it is not durable until the next flush.
    pub fn settle(&self, file: &impl File) -> Result<bool> {
        let slots = read_slots(file)?;
        let [first, second] = &slots;
        if first == second {
            return Ok(false);
        }
        // The one that these keys came from stays as it is.
        let (from, to) = if self.is_in(first) { (first, 1) } else { (second, 0) };
        write_full(file, from, KEY_SLOTS_ADDRESS + to * KEY_SLOT_LEN as u64)?;
        Ok(true)
    }

    /// A slot that holds these keys: the one in the file that they came from, or, where that is damaged, another.
    pub(super) fn slot(&self, file: &impl File, environment: &dyn Environment) -> Result<Vec<u8>> {
        let slots = read_slots(file)?;
        let whole = slots.into_iter().find(|slot| self.is_in(slot));
        Ok(whole.unwrap_or_else(|| self.encode(environment)))
    }

    /// True if these keys were read from or written to this slot.
    fn is_in(&self, slot: &[u8]) -> bool {
        Record::decode(slot).is_some_and(|record| record.number == self.number && record.salt == self.salt)
    }

    fn encode(&self, environment: &dyn Environment) -> Vec<u8> {
        let mut sealed = Zeroizing::new([0; SEALED_LEN]);
        for (field, (first_epoch, key)) in sealed.chunks_mut(4 + KEY_LEN).zip(&self.data_keys) {
            let (epoch, bytes) = field.split_at_mut(4);
            epoch.copy_from_slice(&first_epoch.to_le_bytes());
            bytes.copy_from_slice(key.bytes().as_slice());
        }
        let mut nonce = [0; NONCE_LEN];
        environment.fill_random(&mut nonce);
        let mut record = Record {
            number: self.number,
            file_id: self.file_id,
            cipher: self.cipher,
            argon2: self.argon2,
            count: self.data_keys.len(),
            salt: self.salt,
            nonce,
            tag: [0; 16],
            sealed: [0; SEALED_LEN],
        };
        let associated = record.encode();
        let key = self.wrapping.slot_key(self.cipher, &self.salt);
        record.tag = key.seal(&nonce, &associated[..ASSOCIATED], &mut *sealed);
        record.sealed = *sealed;
        record.encode()
    }
}

fn random_key(environment: &dyn Environment) -> DataKey {
    let mut key = blank_secret();
    environment.fill_random(key.as_mut_slice());
    DataKey::new(key)
}

/// A new wrapping key, with the costs and the salt that go with it.
fn wrapping_key(
    encryption: &Encryption,
    environment: &dyn Environment,
) -> Result<(WrappingKey, Option<Argon2>, [u8; 16])> {
    let mut salt = [0; 16];
    environment.fill_random(&mut salt);
    Ok(match &encryption.source {
        KeySource::Raw(key) => (WrappingKey::new(key.clone()), None, salt),
        KeySource::Passphrase(passphrase) => {
            let costs = encryption.argon2;
            (stretch(passphrase, &salt, costs)?, Some(costs), salt)
        }
    })
}

fn stretch(passphrase: &[u8], salt: &[u8; 16], costs: Argon2) -> Result<WrappingKey> {
    Ok(WrappingKey::new(argon2id(passphrase, salt, costs).ok_or(KeyError::NoMemory { kib: costs.memory_kib })?))
}

fn read_slots(file: &impl File) -> Result<[Vec<u8>; 2]> {
    let mut slots = [vec![0; KEY_SLOT_LEN], vec![0; KEY_SLOT_LEN]];
    for (slot, copy) in slots.iter_mut().zip(0..) {
        read_full(file, slot, KEY_SLOTS_ADDRESS + copy * KEY_SLOT_LEN as u64)?;
    }
    Ok(slots)
}

/// The records that are whole, the newest first, each once.
fn read_records(file: &impl File) -> Result<Vec<Record>> {
    let mut records: Vec<_> = read_slots(file)?.iter().filter_map(|slot| Record::decode(slot)).collect();
    records.sort_by_key(|record| std::cmp::Reverse(record.number));
    records.dedup();
    Ok(records)
}

impl Record {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(KEY_SLOT_LEN);
        out.extend_from_slice(&KEY_MAGIC);
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.file_id);
        out.extend_from_slice(&[self.cipher.id(), if self.argon2.is_some() { 2 } else { 1 }, self.count as u8, 0]);
        let costs = self.argon2.unwrap_or(NO_COSTS);
        [costs.memory_kib, costs.iterations, costs.lanes]
            .iter()
            .for_each(|cost| out.extend_from_slice(&cost.to_le_bytes()));
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.tag);
        out.extend_from_slice(&self.sealed);
        let checksum = xxh3_128(&out).to_le_bytes();
        out.extend_from_slice(&checksum);
        out.resize(KEY_SLOT_LEN, 0);
        out
    }

    /// `None` when the slot is not whole.
    pub(super) fn decode(slot: &[u8]) -> Option<Self> {
        let (covered, behind) = slot.split_at_checked(COVERED)?;
        let (checksum, behind) = behind.split_at_checked(16)?;
        if !covered.starts_with(&KEY_MAGIC) || xxh3_128(covered).to_le_bytes() != checksum {
            return None;
        }
        let mut reader = Reader::new(covered.get(KEY_MAGIC.len()..)?);
        let (number, file_id) = (reader.u64()?, reader.tag()?);
        let (cipher, kind) = (Cipher::from_id(reader.u8()?)?, reader.u8()?);
        let count = usize::from(reader.u8()?);
        let unused = reader.u8()?;
        let costs = Argon2 { memory_kib: reader.u32()?, iterations: reader.u32()?, lanes: reader.u32()? };
        let argon2 = match kind {
            1 if costs == NO_COSTS => None,
            2 if costs.is_valid() => Some(costs),
            _ => return None,
        };
        let salt = reader.tag()?;
        let nonce = reader.bytes(NONCE_LEN)?.try_into().ok()?;
        let unused = u32::from(unused) | reader.u32()?;
        let tag = reader.tag()?;
        let sealed = reader.bytes(SEALED_LEN)?.try_into().ok()?;
        let is_sane = (1..=DATA_KEYS_MAX).contains(&count) && unused == 0;
        (is_sane && behind.iter().all(|&byte| byte == 0)).then_some(Self {
            number,
            file_id,
            cipher,
            argon2,
            count,
            salt,
            nonce,
            tag,
            sealed,
        })
    }

    /// Returns the key that wraps the data keys, if `encryption` is right. `None` if it is of the other kind.
    fn wrapping_key(&self, encryption: &Encryption) -> Result<Option<WrappingKey>> {
        Ok(match (&encryption.source, self.argon2) {
            (KeySource::Raw(key), None) => Some(WrappingKey::new(key.clone())),
            (KeySource::Passphrase(passphrase), Some(costs)) => Some(stretch(passphrase, &self.salt, costs)?),
            _ => None,
        })
    }

    fn unwrap(&self, wrapping: WrappingKey) -> Option<Keyring> {
        let mut keys = Zeroizing::new(self.sealed);
        let associated = self.encode();
        let key = wrapping.slot_key(self.cipher, &self.salt);
        if !key.open(&self.nonce, associated.get(..ASSOCIATED)?, &mut *keys, &self.tag) {
            return None;
        }
        let mut reader = Reader::new(&*keys);
        let mut data_keys = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let first_epoch = reader.u32()?;
            let mut key = blank_secret();
            key.copy_from_slice(reader.bytes(KEY_LEN)?);
            data_keys.push((first_epoch, DataKey::new(key)));
        }
        Some(Keyring {
            number: self.number,
            file_id: self.file_id,
            cipher: self.cipher,
            argon2: self.argon2,
            salt: self.salt,
            wrapping,
            data_keys,
        })
    }
}
