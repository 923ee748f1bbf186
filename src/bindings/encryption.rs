//! The encryption that JavaScript asks for. The secret comes apart from what is said of it, as bytes: it is no part of any
//! JSON text or JavaScript string, and each copy of it that is made here becomes zero when it is dropped.

use crate::crypto::{Argon2, Cipher, Encryption};
use crate::documents::{Error, Result};
use serde::Deserialize;
use zeroize::{Zeroize, Zeroizing};

/// The terms of a secret.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Terms {
    by: By,
    #[serde(default)]
    cipher: Cipher,
    #[serde(default)]
    argon2: Argon2,
}

/// The meaning of the bytes of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum By {
    Key,
    Passphrase,
}

impl Terms {
    /// The encryption by this secret.
    ///
    /// # Errors
    /// `InvalidOptions` when a key does not have 32 bytes.
    pub fn with(&self, mut secret: Zeroizing<Vec<u8>>) -> Result<Encryption> {
        let encryption = match self.by {
            By::Passphrase => Encryption::passphrase(std::mem::take(&mut *secret)),
            By::Key => {
                let mut key = <[u8; 32]>::try_from(secret.as_slice()).map_err(|_| Error::InvalidOptions {
                    reason: format!("a key has 32 bytes, not {}", secret.len()),
                })?;
                let encryption = Encryption::key(key);
                key.zeroize();
                encryption
            }
        };
        Ok(encryption.with_cipher(self.cipher).with_argon2(self.argon2))
    }
}

/// Bytes of the stack that ciphers and hashes may have used.
#[cfg(not(test))]
const STACK_BYTES: usize = 64 << 10;

/// Makes the stack below the caller zero: hashes leave there what they were given.
#[cfg(not(test))]
#[inline(never)]
pub(super) fn wipe_stack() {
    let mut room = [0_u8; STACK_BYTES];
    room.zeroize();
    std::hint::black_box(&mut room);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> serde_json::Result<Terms> {
        serde_json::from_str(json)
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let terms = parse(r#"{"by":"key"}"#).unwrap();
        assert_eq!(terms.with(Zeroizing::new(vec![7; 32])).unwrap(), Encryption::key([7; 32]));
        let terms = parse(r#"{"by":"passphrase","cipher":"chacha20-poly1305","argon2":{"iterations":9}}"#).unwrap();
        let argon2 = Argon2 { iterations: 9, ..Argon2::default() };
        let expected = Encryption::passphrase("p").with_cipher(Cipher::ChaCha20Poly1305).with_argon2(argon2);
        assert_eq!(terms.with(Zeroizing::new(b"p".to_vec())).unwrap(), expected);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for json in [
            "{}",
            r#"{"by":"hand"}"#,
            r#"{"by":"key","key":"x"}"#,
            r#"{"by":"key","cipher":"aes"}"#,
            r#"{"by":"key","argon2":{"memory":1}}"#,
            r#"{"by":"key","argon2":{"lanes":1.5}}"#,
        ] {
            assert!(parse(json).is_err(), "{json}");
        }
        for length in [0, 31, 33] {
            let error = parse(r#"{"by":"key"}"#).unwrap().with(Zeroizing::new(vec![7; length])).unwrap_err();
            assert_eq!(error.code(), crate::documents::ErrorCode::InvalidOptions);
        }
    }
}
