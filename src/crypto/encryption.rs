//! The caller's options for the encryption of a file.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::cipher::{Cipher, Secret, blank_secret};
use super::sizes::KEY_LEN;

/// How a database is encrypted, or what opens one that is.
///
/// ```
/// use ferrolite::{Cipher, Encryption};
///
/// let encryption = Encryption::passphrase("correct horse battery staple").with_cipher(Cipher::ChaCha20Poly1305);
/// assert!(!format!("{encryption:?}").contains("horse"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Encryption {
    /// The key or passphrase.
    pub(crate) source: KeySource,
    /// The cipher of a file that is created; one that exists says itself which it has.
    pub(crate) cipher: Cipher,
    /// The costs of a passphrase, for a new file and for a change of the key.
    pub(crate) argon2: Argon2,
}

/// A key, or what one is made of.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A key of 256 bits.
    Raw(Secret),
    /// A passphrase, of which Argon2id makes a key.
    Passphrase(Zeroizing<Vec<u8>>),
}

/// The costs of Argon2id (RFC 9106). The default takes 32 MiB and three passes: about 0.1 s, natively and in WebAssembly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Argon2 {
    /// Memory, KiB: 8 for each lane to 1,048,576 (1 GiB).
    pub memory_kib: u32,
    /// Passes over the memory: 1 to 1000; memory times passes at most 4 GiB.
    pub iterations: u32,
    /// Lanes, 1 to 16. They are computed one after the other; more lanes help only who has more processors.
    pub lanes: u32,
}

impl Default for Argon2 {
    fn default() -> Self {
        Self { memory_kib: 32 << 10, iterations: 3, lanes: 1 }
    }
}

impl Argon2 {
    /// True if the costs are within the limits: what a file claims is not believed beyond them.
    pub fn is_valid(&self) -> bool {
        (1..=16).contains(&self.lanes)
            && (8 * self.lanes..=1 << 20).contains(&self.memory_kib)
            && (1..=1000).contains(&self.iterations)
            && u64::from(self.memory_kib) * u64::from(self.iterations) <= 4 << 20
    }
}

impl Encryption {
    /// Encryption by a key of the caller's, which must be random.
    pub fn key(mut key: [u8; KEY_LEN]) -> Self {
        let mut secret = blank_secret();
        secret.copy_from_slice(&key);
        key.zeroize();
        Self::new(KeySource::Raw(secret))
    }

    /// Encryption by a passphrase: any bytes, text as a rule. Its strength is all that keeps the file secret.
    pub fn passphrase(passphrase: impl Into<Vec<u8>>) -> Self {
        Self::new(KeySource::Passphrase(Zeroizing::new(passphrase.into())))
    }

    fn new(source: KeySource) -> Self {
        Self { source, cipher: Cipher::default(), argon2: Argon2::default() }
    }

    /// Checks the options, and returns the reason if they cannot be used.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match &self.source {
            KeySource::Passphrase(passphrase) if passphrase.is_empty() => Err("a passphrase must not be empty"),
            KeySource::Raw(key) if key.iter().all(|&byte| byte == 0) => Err("a key of zeros is no key: make it random"),
            _ if !self.argon2.is_valid() => Err("Argon2id takes 1 to 16 lanes, 8 KiB for each lane to 1 GiB of \
                 memory, 1 to 1000 passes, and 4 GiB of memory times passes at most"),
            _ => Ok(()),
        }
    }

    /// The cipher of a file that is created. Default: [`Cipher::Aes256Gcm`].
    #[must_use]
    pub fn with_cipher(self, cipher: Cipher) -> Self {
        Self { cipher, ..self }
    }

    /// The costs of a passphrase, for a new file and for a change of the key.
    #[must_use]
    pub fn with_argon2(self, argon2: Argon2) -> Self {
        Self { argon2, ..self }
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self.source {
            KeySource::Raw(_) => "key",
            KeySource::Passphrase(_) => "passphrase",
        };
        f.debug_struct("Encryption").field("by", &source).field("cipher", &self.cipher).finish_non_exhaustive()
    }
}
