//! Finding documents by the value at a path.

use super::error::{Error, Result};
use super::{Condition, Database};
use crate::fs::File;
use serde::{Deserialize, Serialize};

/// In which order and how many keys [`Database::find`] returns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct FindOptions {
    /// From the highest value down.
    pub reverse: bool,
    /// At most this many.
    pub limit: Option<u64>,
}

impl<F: File> Database<F> {
    /// The keys of the documents whose value at `path` meets `condition`.
    ///
    /// # Errors
    /// `InvalidPath`, `InvalidCondition`, `Corrupt`, `Io`.
    pub fn find(&self, path: &str, condition: &Condition, _options: &FindOptions) -> Result<Vec<String>> {
        Err(Error::Unsupported { what: format!("find {path} {condition:?}") })
    }
}
