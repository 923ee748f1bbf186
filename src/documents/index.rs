//! Creating and dropping indexes.

use super::Database;
use super::error::{Error, Result};
use crate::fs::File;
use serde::Serialize;

/// An index, as [`Database::indexes`] lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexInfo {
    /// The path that is indexed.
    pub path: String,
    /// Whether it covers all documents. Until then `find` does not use it.
    pub ready: bool,
}

/// How far [`Database::create_index_step`] has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IndexProgress {
    /// Whether the index covers all documents.
    pub done: bool,
    /// How many documents this step has looked at.
    pub indexed: u64,
}

impl<F: File> Database<F> {
    /// Creates an index on `path`, or completes one that is half built. False when it was there already.
    ///
    /// # Errors
    /// `InvalidPath`, and as a write.
    pub fn create_index(&mut self, path: &str) -> Result<bool> {
        Err(Error::Unsupported { what: format!("an index on {path}") })
    }

    /// One step of [`Database::create_index`]: looks at up to `budget_documents` documents.
    ///
    /// # Errors
    /// As [`Database::create_index`].
    pub fn create_index_step(&mut self, path: &str, _budget_documents: usize) -> Result<IndexProgress> {
        Err(Error::Unsupported { what: format!("an index on {path}") })
    }

    /// Removes the index on `path`. False when there was none.
    ///
    /// # Errors
    /// `InvalidPath`, and as a write.
    pub fn drop_index(&mut self, path: &str) -> Result<bool> {
        Err(Error::Unsupported { what: format!("an index on {path}") })
    }

    /// The indexes, by path.
    pub fn indexes(&self) -> Vec<IndexInfo> {
        Vec::new()
    }

    pub(super) fn finish_dropping(&mut self) -> Result<()> {
        Ok(())
    }

    pub(super) fn finish_dropping_at_open(&mut self) {}
}
