//! The result of a check.

use crate::documents::error::{Error, Result};
use serde::Serialize;

/// The result of [`Database::check`](crate::Database::check).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Tables that were looked at.
    pub tables: u64,
    /// Entries of tables that were read: documents and index entries, old versions included.
    pub entries: u64,
    /// Documents that were read.
    pub documents: u64,
    /// Parts of large documents and elements of lists.
    pub parts: u64,
    /// Parts of values that a program has begun to write and not finished; they are among `parts`.
    #[serde(skip)]
    pub(crate) unfinished_parts: u64,
    /// Index entries that were compared with their documents.
    pub index_entries: u64,
    /// The problems, each with its place; empty if there are none.
    pub problems: Vec<String>,
    /// Harmless findings: a spare copy that is damaged, or that a crash cut short.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// True if nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes damage and continues the check; other errors end it.
    pub(crate) fn note(&mut self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error @ (Error::Corrupt { .. } | Error::Unsupported { .. })) => {
                self.problems.push(error.to_string());
                Ok(())
            }
            outcome => outcome,
        }
    }
}
