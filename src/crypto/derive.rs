//! Keys from keys (HKDF-SHA256, RFC 5869) and from passphrases (Argon2id, RFC 9106).

use std::fmt;

use argon2::{Algorithm, Block, Params, Version};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use super::cipher::{AeadKey, Cipher, Secret, blank_secret};
use super::encryption::Argon2;
use super::sizes::KEY_LEN;

/// Length of the code that authenticates a superblock, bytes.
pub const MAC_LEN: usize = 32;

/// The random key from which all keys of a file are derived.
#[derive(Clone, PartialEq, Eq)]
pub struct DataKey(Secret);

impl DataKey {
    /// A key of these bytes.
    pub fn new(bytes: Secret) -> Self {
        Self(bytes)
    }

    /// Its bytes, to be wrapped.
    pub(crate) fn bytes(&self) -> &Secret {
        &self.0
    }

    /// The key of the pages of an epoch.
    pub fn page_key(&self, cipher: Cipher, file_id: &[u8; 16], epoch: u32) -> AeadKey {
        AeadKey::new(cipher, &self.derive(file_id, &[b"ferrolite/1 pages", &epoch.to_le_bytes()]))
    }

    /// The key of a generation of the log.
    pub fn log_key(&self, cipher: Cipher, file_id: &[u8; 16], generation: u64, salt: &[u8; 16]) -> AeadKey {
        AeadKey::new(cipher, &self.derive(file_id, &[b"ferrolite/1 log", &generation.to_le_bytes(), salt]))
    }

    /// The key of the superblocks.
    pub fn superblock_key(&self, file_id: &[u8; 16]) -> MacKey {
        MacKey(self.derive(file_id, &[b"ferrolite/1 superblock"]))
    }

    /// The key of what pages leave beside the file when they go away.
    #[cfg(any(test, js))]
    pub fn letter_key(&self, file_id: &[u8; 16]) -> Secret {
        self.derive(file_id, &[b"ferrolite/1 letters"])
    }

    fn derive(&self, file_id: &[u8; 16], info: &[&[u8]]) -> Secret {
        expand(&self.0, file_id, info)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// The key that wraps data keys: the caller's key, or the output of Argon2id for a passphrase.
#[derive(Clone)]
pub struct WrappingKey(Secret);

impl WrappingKey {
    /// A key of these bytes.
    pub fn new(bytes: Secret) -> Self {
        Self(bytes)
    }

    /// The key of a slot, by the slot's salt.
    pub fn slot_key(&self, cipher: Cipher, salt: &[u8; 16]) -> AeadKey {
        AeadKey::new(cipher, &expand(&self.0, salt, &[b"ferrolite/1 key slot"]))
    }
}

impl fmt::Debug for WrappingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappingKey(..)")
    }
}

/// Authenticates superblocks, by HMAC-SHA256 (RFC 2104).
#[derive(Clone)]
pub struct MacKey(Secret);

impl MacKey {
    #[cfg(test)]
    pub(super) fn new(bytes: Secret) -> Self {
        Self(bytes)
    }

    /// The code of `bytes`.
    pub fn code(&self, bytes: &[u8]) -> [u8; MAC_LEN] {
        self.mac(bytes).finalize().into_bytes().into()
    }

    /// True if `code` is that of `bytes`. Takes as long for a code that is nearly right as for any other.
    pub fn is_code(&self, bytes: &[u8], code: &[u8]) -> bool {
        self.mac(bytes).verify_slice(code).is_ok()
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(bytes);
        mac
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(..)")
    }
}

fn expand(key: &Secret, salt: &[u8], info: &[&[u8]]) -> Secret {
    let mut out = blank_secret();
    hkdf_sha256(key.as_slice(), salt, info, out.as_mut_slice());
    out
}

/// HKDF-SHA256. The parts of `info` count as one.
pub(super) fn hkdf_sha256(key: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    Hkdf::<Sha256>::new(Some(salt), key).expand_multi_info(info, out).expect("HKDF-SHA256 gives up to 8160 bytes");
}

/// Argon2id of a passphrase. `None` when there is no memory for it.
pub fn argon2id(passphrase: &[u8], salt: &[u8], costs: Argon2) -> Option<Secret> {
    let params = Params::new(costs.memory_kib, costs.iterations, costs.lanes, Some(KEY_LEN)).ok()?;
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(params.block_count()).ok()?;
    blocks.resize(params.block_count(), Block::default());
    let mut key = blank_secret();
    let argon2 = argon2::Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let outcome = argon2.hash_password_into_with_memory(passphrase, salt, key.as_mut_slice(), &mut blocks);
    blocks.iter_mut().for_each(Zeroize::zeroize);
    outcome.ok().map(|()| key)
}
