//! The ciphers: AEADs with keys of 256 bits, nonces of 96 bits and tags of 128 bits.

use super::sizes::KEY_LEN;
use super::sizes::Nonce;
use std::fmt;

use aes_gcm::Aes256Gcm;
use chacha20poly1305::ChaCha20Poly1305;
use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const TAG_LEN: usize = 16;

/// Bytes of a key, which become zero when they are dropped. Boxed: bytes that are moved leave copies behind.
pub type Secret = Box<Zeroizing<[u8; KEY_LEN]>>;

/// Room for a key.
pub fn blank_secret() -> Secret {
    Box::new(Zeroizing::new([0; KEY_LEN]))
}

/// The cipher of an encrypted file. In JSON and as text `aes-256-gcm` or `chacha20-poly1305`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Cipher {
    /// AES-256 in Galois/Counter Mode (NIST SP 800-38D). Fast where the processor has instructions for it, which
    /// WebAssembly cannot reach.
    #[default]
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// ChaCha20-Poly1305 (RFC 8439). Several times faster than AES in WebAssembly.
    #[serde(rename = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

impl Cipher {
    const ALL: [Self; 2] = [Self::Aes256Gcm, Self::ChaCha20Poly1305];

    /// Its number in the file.
    pub(crate) fn id(self) -> u8 {
        match self {
            Self::Aes256Gcm => 1,
            Self::ChaCha20Poly1305 => 2,
        }
    }

    /// The cipher with this number in the file.
    pub(crate) fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|cipher| cipher.id() == id)
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aes256Gcm => "aes-256-gcm",
            Self::ChaCha20Poly1305 => "chacha20-poly1305",
        })
    }
}

impl std::str::FromStr for Cipher {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|cipher| cipher.to_string() == text)
            .ok_or_else(|| format!("the cipher {text:?} is neither aes-256-gcm nor chacha20-poly1305"))
    }
}

/// A key, expanded for its cipher.
#[derive(Clone)]
pub struct AeadKey {
    expanded: Expanded,
    #[cfg(test)]
    bytes: Secret,
}

#[derive(Clone)]
enum Expanded {
    Aes256Gcm(Box<Aes256Gcm>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
}

impl AeadKey {
    /// Expands `key`.
    pub fn new(cipher: Cipher, key: &Secret) -> Self {
        let bytes: &[u8; KEY_LEN] = key;
        let expanded = match cipher {
            Cipher::Aes256Gcm => Expanded::Aes256Gcm(Box::new(Aes256Gcm::new(bytes.into()))),
            Cipher::ChaCha20Poly1305 => Expanded::ChaCha20Poly1305(Box::new(ChaCha20Poly1305::new(bytes.into()))),
        };
        Self {
            expanded,
            #[cfg(test)]
            bytes: key.clone(),
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> &Secret {
        &self.bytes
    }

    /// Encrypts `text` in place; `associated` is covered by the tag, too.
    pub fn seal(&self, nonce: &Nonce, associated: &[u8], text: &mut [u8]) -> [u8; TAG_LEN] {
        #[cfg(test)]
        super::nonces::record(&self.bytes, nonce);
        let text = InOutBuf::from(text);
        let sealed = match &self.expanded {
            Expanded::Aes256Gcm(key) => key.encrypt_inout_detached(nonce.into(), associated, text),
            Expanded::ChaCha20Poly1305(key) => key.encrypt_inout_detached(nonce.into(), associated, text),
        };
        // Both ciphers seal tens of gigabytes at once; a page or a commit has one at most.
        sealed.expect("the text is not longer than the cipher can seal").into()
    }

    /// Decrypts `text` in place, if the tag holds. If not, `text` is as it was.
    pub fn open(&self, nonce: &Nonce, associated: &[u8], text: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let text = InOutBuf::from(text);
        match &self.expanded {
            Expanded::Aes256Gcm(key) => key.decrypt_inout_detached(nonce.into(), associated, text, tag.into()),
            Expanded::ChaCha20Poly1305(key) => key.decrypt_inout_detached(nonce.into(), associated, text, tag.into()),
        }
        .is_ok()
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(..)")
    }
}
