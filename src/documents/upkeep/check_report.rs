//! The result of a check.

use crate::documents::error::{Error, Result};
use serde::Serialize;

/// What [`Database::check`](crate::Database::check) found.
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
    /// What is wrong, and where; empty when all is well.
    pub problems: Vec<String>,
    /// What costs nothing but is not as it should be: a spare copy that is damaged, or that a crash cut short.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// True if nothing is wrong.
    pub fn is_ok(&self) -> bool {
        self.problems.is_empty()
    }

    /// Notes damage and lets the check go on; other errors end it.
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
