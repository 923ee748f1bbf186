//! Errors: one type with stable codes.

use super::error_code::ErrorCode;
use crate::{engine, fs, page};
use std::fmt;

/// The result of a database call.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed, and what to do about it. A call that fails leaves the database as it was.
///
/// Programs decide by [`Error::code`]; the text is for people, and may change.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A key is empty, too long, or not a string.
    #[error("the key {key} cannot be used: {reason}")]
    InvalidKey {
        /// The key, abbreviated.
        key: String,
        /// The reason.
        reason: String,
    },
    /// A value is not a JSON document, or a document does not fit the type that was asked for.
    #[error("{subject}: {reason}")]
    InvalidValue {
        /// The value.
        subject: String,
        /// The reason.
        reason: String,
    },
    /// The name of a collection is empty, too long, or not a string.
    #[error("the collection {name} cannot be used: {reason}")]
    InvalidCollection {
        /// The name, abbreviated.
        name: String,
        /// The reason.
        reason: String,
    },
    /// The path of an index or a condition is empty, too long, or has an empty field name.
    #[error("the path {path} cannot be used: {reason}")]
    InvalidPath {
        /// The path, abbreviated.
        path: String,
        /// The reason.
        reason: String,
    },
    /// A condition cannot be met, or is not understood.
    #[error("the condition cannot be used: {reason}")]
    InvalidCondition {
        /// The reason.
        reason: String,
    },
    /// A key range contradicts itself, or is not understood.
    #[error("the range cannot be used: {reason}")]
    InvalidRange {
        /// The reason.
        reason: String,
    },
    /// An option is unknown or has a value that is not allowed. Times to live count as options.
    #[error("the options cannot be used: {reason}")]
    InvalidOptions {
        /// The option, and the reason.
        reason: String,
    },
    /// A transaction is not understood.
    #[error("the transaction cannot be used: {reason}")]
    InvalidTransaction {
        /// The reason.
        reason: String,
    },
    /// A JSON Patch or a merge patch is not one.
    #[error("the patch cannot be used: {reason}")]
    InvalidPatch {
        /// The reason.
        reason: String,
    },
    /// A document, a transaction or a number of things is above its limit.
    #[error("{what} is too large: {size} is above the limit of {limit}; split it")]
    TooLarge {
        /// The thing that is too large.
        what: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// There is no such database, or its directory is missing.
    #[error("{name}: not found; check the name and its directory, or open with the option `create`")]
    NotFound {
        /// The name that was asked for.
        name: String,
    },
    /// Another connection, process or tab has the database open.
    #[error("{name}: in use by another connection; close that one first")]
    Locked {
        /// The name that was asked for.
        name: String,
    },
    /// The database was opened read-only, or the host does not allow writing.
    #[error("nothing can be written: {reason}")]
    ReadOnly {
        /// The reason: an option, or the host.
        reason: String,
    },
    /// The disk or the browser's quota is used up.
    #[error("no space left ({message}); nothing of this write was kept: make room and repeat it")]
    StorageFull {
        /// The write, and the host's message.
        message: String,
    },
    /// The file is not a Ferrolite database.
    #[error("{message}; the file was left as it is")]
    NotADatabase {
        /// The file, and the reason.
        message: String,
    },
    /// The file was written by a later version of Ferrolite.
    #[error("{message}")]
    NewerFormat {
        /// The versions found and supported.
        message: String,
    },
    /// The file is damaged. Ferrolite never returns corrupted data.
    #[error(
        "the database is damaged: {what} at {at}; restore it from a copy, or recover what can be read with `salvage` \
         or by opening it read-only with `allowDamage`"
    )]
    Corrupt {
        /// The thing that was read.
        what: String,
        /// Its place in the file.
        at: String,
    },
    /// The database is encrypted, and no key was given.
    #[error("the database is encrypted; open it with its key or passphrase")]
    KeyRequired,
    /// A key was given, and the database is not encrypted.
    #[error("the database is not encrypted; open it without a key")]
    NotEncrypted,
    /// The key or passphrase does not open the database, or someone has changed the key slots.
    #[error("the key or passphrase is not that of this database")]
    WrongKey,
    /// Both places where an encrypted database keeps its keys are damaged.
    #[error("both key slots of the database are damaged, and no key opens it without them; restore it from a copy")]
    KeySlotDamaged,
    /// The database was closed.
    #[error("the database is closed; open it again")]
    Closed,
    /// After a failed flush nobody knows what the disk holds, or the file was removed, moved, replaced or truncated while it was
    /// open. The database accepts no more writes.
    #[error("the database no longer takes writes ({reason}); close it and open it again")]
    Failed {
        /// The event.
        reason: String,
    },
    /// This version or host cannot do that.
    #[error("not supported: {what}")]
    Unsupported {
        /// The request.
        what: String,
    },
    /// The host reported an error of its own.
    #[error("{operation} failed: {message}")]
    Io {
        /// The file operation.
        operation: String,
        /// The host's message.
        message: String,
    },
    /// There is no index on this path.
    #[error("there is no index on {path}; create it first")]
    IndexNotFound {
        /// The path, abbreviated.
        path: String,
    },
    /// Another document has the value that a unique index allows once.
    #[error(
        "{holder} has the same value at {index} as what is to be at {key}, and the index on it is unique; change one of \
         them"
    )]
    UniqueViolation {
        /// The paths of the index.
        index: String,
        /// The key of the document that has the value, abbreviated.
        holder: String,
        /// The key of the document that was to have it too, abbreviated.
        key: String,
    },
    /// Something that was read has changed before the commit.
    #[error("{reason}; read again and repeat")]
    Conflict {
        /// The change.
        reason: String,
    },
    /// A snapshot or a transaction is older than the states that are kept.
    #[error("the snapshot is too old: {reason}; begin again")]
    SnapshotTooOld {
        /// The limit that was reached.
        reason: String,
    },
    /// The requested changes are no longer available: there were too many, or they are too old.
    #[error(
        "the changes behind version {since} are not all kept; read the documents again and watch from then on. \
         The changes behind version {oldest} are the oldest that are kept"
    )]
    ChangesLost {
        /// The version after which changes are missing.
        since: u64,
        /// The oldest version after which all changes are available.
        oldest: u64,
    },
    /// The caller stopped the work.
    #[error("stopped by the caller; what was committed before stays")]
    Aborted,
    /// A mistake of Ferrolite itself.
    #[error("internal error: {message}; please report it")]
    Internal {
        /// The broken assumption.
        message: String,
    },
}

impl Error {
    /// Returns the stable code of the error.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidKey { .. } => ErrorCode::InvalidKey,
            Self::InvalidValue { .. } => ErrorCode::InvalidValue,
            Self::InvalidCollection { .. } => ErrorCode::InvalidCollection,
            Self::InvalidPath { .. } => ErrorCode::InvalidPath,
            Self::InvalidCondition { .. } => ErrorCode::InvalidCondition,
            Self::InvalidRange { .. } => ErrorCode::InvalidRange,
            Self::InvalidOptions { .. } => ErrorCode::InvalidOptions,
            Self::InvalidTransaction { .. } => ErrorCode::InvalidTransaction,
            Self::InvalidPatch { .. } => ErrorCode::InvalidPatch,
            Self::TooLarge { .. } => ErrorCode::TooLarge,
            Self::NotFound { .. } => ErrorCode::NotFound,
            Self::Locked { .. } => ErrorCode::Locked,
            Self::ReadOnly { .. } => ErrorCode::ReadOnly,
            Self::StorageFull { .. } => ErrorCode::StorageFull,
            Self::NotADatabase { .. } => ErrorCode::NotADatabase,
            Self::NewerFormat { .. } => ErrorCode::NewerFormat,
            Self::Corrupt { .. } => ErrorCode::Corrupt,
            Self::KeyRequired => ErrorCode::KeyRequired,
            Self::NotEncrypted => ErrorCode::NotEncrypted,
            Self::WrongKey => ErrorCode::WrongKey,
            Self::KeySlotDamaged => ErrorCode::KeySlotDamaged,
            Self::Closed => ErrorCode::Closed,
            Self::Failed { .. } => ErrorCode::Failed,
            Self::Unsupported { .. } => ErrorCode::Unsupported,
            Self::Io { .. } => ErrorCode::Io,
            Self::IndexNotFound { .. } => ErrorCode::IndexNotFound,
            Self::UniqueViolation { .. } => ErrorCode::UniqueViolation,
            Self::Conflict { .. } => ErrorCode::Conflict,
            Self::SnapshotTooOld { .. } => ErrorCode::SnapshotTooOld,
            Self::ChangesLost { .. } => ErrorCode::ChangesLost,
            Self::Aborted => ErrorCode::Aborted,
            Self::Internal { .. } => ErrorCode::Internal,
        }
    }
}

impl From<fs::Error> for Error {
    fn from(error: fs::Error) -> Self {
        match error {
            fs::Error::NotFound { name } => Self::NotFound { name },
            fs::Error::Locked { name } => Self::Locked { name },
            fs::Error::ReadOnly { name } => Self::ReadOnly { reason: format!("the host does not allow it ({name})") },
            fs::Error::StorageFull { message } => Self::StorageFull { message },
            error @ fs::Error::InvalidName { .. } => Self::InvalidOptions { reason: error.to_string() },
            fs::Error::Io { operation, message } => Self::Io { operation: operation.to_owned(), message },
        }
    }
}

impl From<page::KeyError> for Error {
    fn from(error: page::KeyError) -> Self {
        match error {
            page::KeyError::Required => Self::KeyRequired,
            page::KeyError::NotEncrypted => Self::NotEncrypted,
            page::KeyError::Wrong => Self::WrongKey,
            page::KeyError::SlotsDamaged => Self::KeySlotDamaged,
            error @ page::KeyError::NoMemory { .. } => {
                Self::Io { operation: "Argon2id".to_owned(), message: error.to_string() }
            }
        }
    }
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        match error {
            engine::Error::Fs(error) => error.into(),
            engine::Error::Corrupt { what, at } => Self::Corrupt { what: what.to_owned(), at },
            error @ engine::Error::NotADatabase { .. } => Self::NotADatabase { message: error.to_string() },
            error @ engine::Error::NewerFormat { .. } => Self::NewerFormat { message: error.to_string() },
            engine::Error::Key(error) => error.into(),
            engine::Error::ReadOnly => Self::opened_read_only(),
            engine::Error::Locked => Self::Locked { name: "the database".to_owned() },
            engine::Error::Failed { reason } => Self::Failed { reason },
            engine::Error::TooLarge { what, size, limit } => {
                Self::TooLarge { what: format!("the {what}"), size: size as u64, limit: limit as u64 }
            }
        }
    }
}

impl Error {
    pub(crate) fn opened_read_only() -> Self {
        Self::ReadOnly { reason: "the database was opened read-only".to_owned() }
    }

    pub(super) fn invalid_range(reason: impl Into<String>) -> Self {
        Self::InvalidRange { reason: reason.into() }
    }

    pub(super) fn invalid_condition(reason: impl Into<String>) -> Self {
        Self::InvalidCondition { reason: reason.into() }
    }

    pub(super) fn invalid_options(reason: impl Into<String>) -> Self {
        Self::InvalidOptions { reason: reason.into() }
    }

    /// A value that cannot become the document at `key`.
    /// The error for a stored document of another type than the operation needs.
    pub(super) fn unsuitable_document(key: &str, reason: impl fmt::Display) -> Self {
        let subject = format!("the document {} cannot be used", abbreviate(key));
        Self::InvalidValue { subject, reason: shorten(reason) }
    }

    pub(super) fn invalid_document(key: &str, reason: impl fmt::Display) -> Self {
        let subject = format!("the value for {} cannot be stored", abbreviate(key));
        Self::InvalidValue { subject, reason: shorten(reason) }
    }
}

/// Quotes `text` for a message. A long text is cut, and the message states its length.
pub(super) fn abbreviate(text: &str) -> String {
    const SHOWN_CHARS: usize = 48;
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{:?}… ({} bytes)", text.get(..cut).unwrap_or_default(), text.len()),
        None => format!("{text:?}"),
    }
}

/// Shortens the message of another library, which may quote a complete document: a long text loses its middle.
pub(super) fn shorten(reason: impl fmt::Display) -> String {
    const KEPT_CHARS: usize = 100;
    let text = reason.to_string();
    let start = text.char_indices().nth(KEPT_CHARS).map(|(cut, _)| cut);
    let end = text.char_indices().nth_back(KEPT_CHARS).map(|(cut, _)| cut);
    match start.zip(end) {
        Some((start, end)) if start < end => {
            format!("{} … {}", text.get(..start).unwrap_or_default(), text.get(end..).unwrap_or_default())
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_keys_are_abbreviated_between_characters() {
        assert_eq!(abbreviate("a\n"), r#""a\n""#);
        let long = abbreviate(&"ü".repeat(5000));
        assert!(long.len() < 150 && long.ends_with("… (10000 bytes)"), "{long}");
    }

    #[test]
    fn long_reasons_lose_their_middle() {
        assert_eq!(shorten("short"), "short");
        let long = shorten(format!("start{}end", "ü".repeat(5000)));
        assert!(long.len() < 420 && long.starts_with("start") && long.ends_with("end"), "{long}");
        assert_eq!(shorten("x".repeat(150)).len(), 150);
    }

    #[test]
    fn what_the_host_says_keeps_its_kind() {
        let code = |error: fs::Error| Error::from(engine::Error::Fs(error)).code();
        let name = || "notes".to_owned();
        assert_eq!(code(fs::Error::NotFound { name: name() }), ErrorCode::NotFound);
        assert_eq!(code(fs::Error::Locked { name: name() }), ErrorCode::Locked);
        assert_eq!(code(fs::Error::ReadOnly { name: name() }), ErrorCode::ReadOnly);
        assert_eq!(code(fs::Error::StorageFull { message: name() }), ErrorCode::StorageFull);
        assert_eq!(code(fs::Error::InvalidName { name: name(), reason: "empty" }), ErrorCode::InvalidOptions);
        assert_eq!(code(fs::Error::Io { operation: "sync", message: name() }), ErrorCode::Io);
    }

    #[test]
    fn what_the_engine_says_keeps_its_kind() {
        let code = |error: engine::Error| Error::from(error).code();
        let text = || "text".to_owned();
        assert_eq!(code(engine::Error::NotADatabase { reason: text() }), ErrorCode::NotADatabase);
        assert_eq!(code(engine::Error::NewerFormat { found: text(), supported: 1 }), ErrorCode::NewerFormat);
        assert_eq!(code(engine::Error::ReadOnly), ErrorCode::ReadOnly);
        assert_eq!(code(engine::Error::Locked), ErrorCode::Locked);
        assert_eq!(code(engine::Error::Failed { reason: text() }), ErrorCode::Failed);
        assert_eq!(code(engine::Error::TooLarge { what: "commit", size: 2, limit: 1 }), ErrorCode::TooLarge);
    }

    #[test]
    fn damage_says_what_and_where() {
        let error = Error::from(engine::Error::Corrupt { what: "table page", at: "offset 65536".to_owned() });
        assert_eq!(error.code().as_str(), "Corrupt");
        assert!(error.to_string().contains("table page at offset 65536"));
    }
}
