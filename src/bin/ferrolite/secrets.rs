//! Keys and passphrases: from files or from the terminal. Never from the command line or the environment, which other
//! programs can see. Each buffer that holds one becomes zero when it is dropped.

use crate::failure::Failure;
use ferrolite::{Argon2, Cipher, Encryption, ErrorCode};
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

const KEY_BYTES: usize = 32;
/// A file that is longer holds no key and no passphrase.
const SECRET_FILE_BYTES_MAX: usize = 64 << 10;
/// Bytes that are read at once beyond that, so that the buffer never grows: growing would leave a copy.
const SPARE_BYTES: usize = 64;

/// Said where nothing can be asked for.
const NO_PROMPT: &str = if cfg!(target_os = "wasi") {
    " (under WASI there is no prompt, because a program cannot switch off the terminal's echo)"
} else {
    ""
};

/// Where a key or passphrase is.
#[derive(Debug)]
pub enum SecretFile {
    /// In a file of 32 bytes, or of 64 hexadecimal digits.
    Key(PathBuf),
    /// In a file of any other bytes, but for a newline at its end.
    Passphrase(PathBuf),
}

/// The encryption of a database, as the command line gives it.
#[derive(Debug, Default)]
pub struct Sealing {
    /// The key or passphrase.
    pub secret: Option<SecretFile>,
    /// The cipher of a new one.
    pub cipher: Option<Cipher>,
    /// The costs of a passphrase.
    pub argon2: Option<Argon2>,
}

impl SecretFile {
    /// The one of two files that is given.
    pub fn one_of(key: Option<PathBuf>, passphrase: Option<PathBuf>) -> Result<Option<Self>, Failure> {
        match (key, passphrase) {
            (Some(_), Some(_)) => Err(Failure::usage("give the file of a key or that of a passphrase, not both")),
            (Some(path), None) => Ok(Some(Self::Key(path))),
            (None, Some(path)) => Ok(Some(Self::Passphrase(path))),
            (None, None) => Ok(None),
        }
    }

    /// Reads it.
    pub fn read(&self) -> Result<Encryption, Failure> {
        match self {
            Self::Key(path) => {
                let bytes = read_file(path)?;
                let mut key = [0; KEY_BYTES];
                let is_key = decode_key(&bytes, &mut key);
                let encryption = is_key.then(|| Encryption::key(key));
                key.zeroize();
                encryption.ok_or_else(|| not_a_key(path))
            }
            Self::Passphrase(path) => {
                let mut bytes = read_file(path)?;
                let length = without_newline(&bytes).len();
                bytes.truncate(length);
                match bytes.is_empty() {
                    true => Err(unusable(path, "a passphrase must not be empty")),
                    false => Ok(Encryption::passphrase(std::mem::take(&mut *bytes))),
                }
            }
        }
    }
}

impl Sealing {
    /// Reads what opens the database, if there is a file of it.
    pub fn read(&self) -> Result<Option<Encryption>, Failure> {
        let Some(secret) = &self.secret else { return Ok(None) };
        let encryption = secret.read()?.with_cipher(self.cipher.unwrap_or_default());
        Ok(Some(encryption.with_argon2(self.argon2.unwrap_or_default())))
    }
}

/// Reads a key of 32 bytes that is not one of Ferrolite's.
pub fn read_foreign_key(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, Failure> {
    let bytes = read_file(path)?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    match decode_key(&bytes, &mut key) {
        true => Ok(key),
        false => Err(not_a_key(path)),
    }
}

/// True if a passphrase can be asked for.
pub fn can_ask() -> bool {
    cfg!(any(unix, windows)) && io::stdin().is_terminal()
}

/// Asks for the passphrase of the database at `path`.
///
/// # Errors
/// `required` when there is nobody to ask.
pub fn ask_to_open(path: &Path, required: Failure) -> Result<Encryption, Failure> {
    if !can_ask() {
        let message = format!("the database is encrypted; give its --key-file or --passphrase-file{NO_PROMPT}");
        return Err(required.saying(&message));
    }
    ask(&format!("Passphrase of {}: ", path.display())).map(passphrase)
}

/// Fails when a new passphrase cannot be asked for.
pub fn ensure_can_ask() -> Result<(), Failure> {
    match can_ask() {
        true => Ok(()),
        false => Err(Failure::usage(format!("give --new-key-file or --new-passphrase-file{NO_PROMPT}"))),
    }
}

/// Asks for a new passphrase, twice.
pub fn ask_for_new() -> Result<Encryption, Failure> {
    let first = ask("New passphrase: ")?;
    if first.is_empty() {
        return Err(Failure::input(ErrorCode::InvalidOptions, "a passphrase must not be empty"));
    }
    if *first != *ask("New passphrase again: ")? {
        return Err(Failure::input(ErrorCode::InvalidOptions, "the two passphrases differ; nothing was changed"));
    }
    Ok(passphrase(first))
}

fn passphrase(mut text: Zeroizing<String>) -> Encryption {
    Encryption::passphrase(std::mem::take(&mut *text))
}

#[cfg(any(unix, windows))]
fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    rpassword::prompt_password(prompt).map(Zeroizing::new).map_err(|error| Failure::reading("the terminal", &error))
}

#[cfg(not(any(unix, windows)))]
fn ask(_prompt: &str) -> Result<Zeroizing<String>, Failure> {
    Err(Failure::reading("the terminal", &io::ErrorKind::Unsupported.into()))
}

fn read_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_FILE_BYTES_MAX + SPARE_BYTES));
    let read = File::open(path).and_then(|file| file.take(SECRET_FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| Failure::reading(path.display(), &error))?;
    match bytes.len() > SECRET_FILE_BYTES_MAX {
        true => Err(unusable(path, "it is too long for a key or a passphrase")),
        false => Ok(bytes),
    }
}

fn not_a_key(path: &Path) -> Failure {
    unusable(path, "a key is 32 bytes, or 64 hexadecimal digits")
}

fn unusable(path: &Path, reason: &str) -> Failure {
    Failure::input(ErrorCode::InvalidOptions, reason).at(path.display())
}

fn without_newline(bytes: &[u8]) -> &[u8] {
    let Some(line) = bytes.strip_suffix(b"\n") else { return bytes };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// True if `bytes` are a key, which is written to `key`.
fn decode_key(bytes: &[u8], key: &mut [u8; KEY_BYTES]) -> bool {
    if bytes.len() == KEY_BYTES {
        key.copy_from_slice(bytes);
        return true;
    }
    let digits = without_newline(bytes);
    if digits.len() != 2 * KEY_BYTES {
        return false;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).map(|value| value as u8);
    key.iter_mut().zip(digits.chunks_exact(2)).all(|(byte, pair)| match pair {
        [high, low] => value(*high).zip(value(*low)).map(|(high, low)| *byte = high << 4 | low).is_some(),
        _ => false,
    })
}

/// Parses the costs of Argon2id from `MEMORY_KIB,PASSES` or `MEMORY_KIB,PASSES,LANES`.
pub fn argon2_of(text: &str) -> Result<Argon2, Failure> {
    let numbers: Option<Vec<u32>> = text.split(',').map(|number| number.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[memory_kib, iterations]) => Ok(Argon2 { memory_kib, iterations, ..Argon2::default() }),
        Some(&[memory_kib, iterations, lanes]) => Ok(Argon2 { memory_kib, iterations, lanes }),
        _ => Err(Failure::usage("--argon2 is MEMORY_KIB,PASSES,LANES, as 32768,3,1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key_of(bytes: &[u8]) -> Option<[u8; KEY_BYTES]> {
        let mut key = [0; KEY_BYTES];
        decode_key(bytes, &mut key).then_some(key)
    }

    #[test]
    fn keys_are_bytes_or_digits() {
        let digits = "0123456789abcdefABCDEF0123456789".repeat(2);
        let mut expected = [0; KEY_BYTES];
        expected[..4].copy_from_slice(&[0x01, 0x23, 0x45, 0x67]);
        for text in [digits.clone(), format!("{digits}\n"), format!("{digits}\r\n")] {
            assert_eq!(key_of(text.as_bytes()).unwrap()[..4], expected[..4]);
        }
        assert_eq!(
            key_of(&digits.as_bytes()[..32]).unwrap(),
            digits.as_bytes()[..32],
            "32 bytes are a key as they are"
        );
        for bad in [&digits[1..], &format!("{digits}\n\n"), &digits.replace('7', "g"), &format!(" {digits}"), "", "\n"]
        {
            assert_eq!(key_of(bad.as_bytes()), None, "{bad:?}");
        }
    }

    #[test]
    fn costs_are_two_numbers_or_three() {
        assert_eq!(argon2_of("64,2").unwrap(), Argon2 { memory_kib: 64, iterations: 2, lanes: 1 });
        assert_eq!(argon2_of("64,2,3").unwrap(), Argon2 { memory_kib: 64, iterations: 2, lanes: 3 });
        for bad in ["", "64", "64,2,3,4", "64,-2", "64, 2", "a,b"] {
            assert!(argon2_of(bad).is_err(), "{bad}");
        }
    }
}
