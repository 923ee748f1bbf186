//! The errors of the engine.

use crate::{fs, page};

/// An error of the engine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The host's file system failed.
    #[error(transparent)]
    Fs(#[from] fs::Error),
    /// Stored bytes are damaged.
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
    Key(#[from] page::KeyError),
    /// The database was opened for reading only.
    #[error("the database is open for reading only")]
    ReadOnly,
    /// Another connection wrote the file.
    #[error("another connection has opened the file for writing; close one of them and open it again")]
    Locked,
    /// The engine closed itself to writes, because it no longer knows what is durable.
    #[error("closed to writes after a failure: {reason}; close the database and open it again")]
    Failed {
        /// The failure.
        reason: String,
    },
    /// Something is larger than the format allows.
    #[error("{what} of {size} bytes is over the limit of {limit}")]
    TooLarge {
        /// The thing that is too large.
        what: &'static str,
        /// Its size, bytes.
        size: usize,
        /// The limit, bytes.
        limit: usize,
    },
}

/// The result of an engine call.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub(crate) fn corrupt(what: &'static str, at: impl std::fmt::Display) -> Self {
        Self::Corrupt { what, at: at.to_string() }
    }
}

impl From<page::Error> for Error {
    fn from(error: page::Error) -> Self {
        match error {
            page::Error::Fs(error) => Self::Fs(error),
            page::Error::Corrupt { what, at } => Self::Corrupt { what, at },
            page::Error::NotADatabase { reason } => Self::NotADatabase { reason },
            page::Error::NewerFormat { found, supported } => Self::NewerFormat { found, supported },
            page::Error::Key(error) => Self::Key(error),
            page::Error::Locked => Self::Locked,
        }
    }
}
