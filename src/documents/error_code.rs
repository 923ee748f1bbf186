//! The stable names of errors.

use serde::{Serialize, Serializer};
use std::fmt;

/// The stable name of a kind of [`Error`](crate::Error), the same in Rust, in TypeScript and on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each is documented at the variant of `Error` that bears its name")]
pub enum ErrorCode {
    InvalidKey,
    InvalidValue,
    InvalidCollection,
    InvalidPath,
    InvalidCondition,
    InvalidRange,
    InvalidOptions,
    InvalidTransaction,
    InvalidPatch,
    TooLarge,
    NotFound,
    Locked,
    ReadOnly,
    StorageFull,
    NotADatabase,
    NewerFormat,
    Corrupt,
    KeyRequired,
    NotEncrypted,
    WrongKey,
    KeySlotDamaged,
    Closed,
    Failed,
    Unsupported,
    Io,
    IndexNotFound,
    UniqueViolation,
    Conflict,
    SnapshotTooOld,
    ChangesLost,
    Aborted,
    Internal,
}

impl ErrorCode {
    /// The name, as `InvalidKey`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidKey => "InvalidKey",
            Self::InvalidValue => "InvalidValue",
            Self::InvalidCollection => "InvalidCollection",
            Self::InvalidPath => "InvalidPath",
            Self::InvalidCondition => "InvalidCondition",
            Self::InvalidRange => "InvalidRange",
            Self::InvalidOptions => "InvalidOptions",
            Self::InvalidTransaction => "InvalidTransaction",
            Self::InvalidPatch => "InvalidPatch",
            Self::TooLarge => "TooLarge",
            Self::NotFound => "NotFound",
            Self::Locked => "Locked",
            Self::ReadOnly => "ReadOnly",
            Self::StorageFull => "StorageFull",
            Self::NotADatabase => "NotADatabase",
            Self::NewerFormat => "NewerFormat",
            Self::Corrupt => "Corrupt",
            Self::KeyRequired => "KeyRequired",
            Self::NotEncrypted => "NotEncrypted",
            Self::WrongKey => "WrongKey",
            Self::KeySlotDamaged => "KeySlotDamaged",
            Self::Closed => "Closed",
            Self::Failed => "Failed",
            Self::Unsupported => "Unsupported",
            Self::Io => "Io",
            Self::IndexNotFound => "IndexNotFound",
            Self::UniqueViolation => "UniqueViolation",
            Self::Conflict => "Conflict",
            Self::SnapshotTooOld => "SnapshotTooOld",
            Self::ChangesLost => "ChangesLost",
            Self::Aborted => "Aborted",
            Self::Internal => "Internal",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
