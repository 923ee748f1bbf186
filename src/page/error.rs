//! The faults of a file.

use crate::fs;

/// An error of the page layer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host's file system failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// Bytes do not match the checksum or the reference that leads to them, or make no sense.
    #[error("damaged {what} at {at}")]
    Corrupt {
        /// The kind of thing that is damaged.
        what: &'static str,
        /// Where it is.
        at: String,
    },
    /// The file was not written by Ferrolite.
    #[error("not a Ferrolite database: {reason}")]
    NotADatabase {
        /// The sign of it.
        reason: String,
    },
    /// The file was written by a newer version.
    #[error("the file needs format {found}, this version reads up to {supported}; use a newer version")]
    NewerFormat {
        /// The version of the file.
        found: String,
        /// The supported version.
        supported: u32,
    },
    /// The file's keys could not be unlocked.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another connection wrote the file.
    #[error("another connection has opened the file for writing; close one of them and open it again")]
    Locked,
}

/// The result of a page layer call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn corrupt(what: &'static str, at: impl std::fmt::Display) -> Self {
        Self::Corrupt { what, at: at.to_string() }
    }
}

/// Why a file's keys could not be unlocked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is encrypted, and no key was given.
    #[error("the database is encrypted; open it with its key or passphrase")]
    Required,
    /// A key was given, and the file is not encrypted.
    #[error(
        "the database is not encrypted; open it without a key, and export it into an encrypted one if it should be"
    )]
    NotEncrypted,
    /// The key is not the file's.
    #[error("the key or passphrase is not that of this database")]
    Wrong,
    /// None of the file's key slots is whole.
    #[error("both key slots of the database are damaged; without them no key opens it: restore it from a copy")]
    SlotsDamaged,
    /// There is not enough memory for the costs of the passphrase.
    #[error("there are no {kib} KiB of memory to make a key of the passphrase")]
    NoMemory {
        /// Memory that Argon2id needs, KiB.
        kib: u32,
    },
}
