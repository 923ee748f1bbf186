//! Encryption: ciphers, keys, and how keys are derived from each other. Where they lie in the file is the pages' matter.
//!
//! ```text
//! raw key, or Argon2id(passphrase) ──HKDF──▶ wrapping key ──AEAD──▶ data key, in the file's key slots
//! data key ──HKDF──▶ page key of an epoch, log key of a generation, superblock key
//! ```
//!
//! Nothing here prints a key, and all key material is made zero when it is dropped.

mod cipher;
mod derive;
mod encryption;
#[cfg(test)]
pub(crate) mod nonces;
pub(super) mod sizes;
#[cfg(test)]
mod tests;

#[cfg(any(test, js))]
pub use cipher::Secret;
pub use cipher::{AeadKey, Cipher, blank_secret};
pub use derive::{DataKey, MAC_LEN, MacKey, WrappingKey, argon2id};
pub use encryption::{Argon2, Encryption, KeySource};
pub use sizes::{KEY_LEN, NONCE_LEN, Nonce};
