//! Figures and checks.

use super::error::Result;
use super::{Database, IndexInfo};
use crate::engine;
use crate::fs::File;
use serde::Serialize;

/// Figures about an open database. Sizes are bytes.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// The version of the last commit.
    pub version: u64,
    /// The indexes.
    pub indexes: Vec<IndexInfo>,
    /// The engine's own figures.
    #[serde(flatten)]
    pub engine: engine::Statistics,
}

/// What [`Database::check`] found.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// What the engine looked at.
    #[serde(flatten)]
    pub engine: engine::CheckReport,
}

impl<F: File> Database<F> {
    /// Figures about the database. Costs nothing to speak of.
    pub fn stats(&self) -> Stats {
        Stats { version: self.version(), indexes: self.indexes(), engine: self.engine.statistics() }
    }

    /// Checks the file; with `full`, every page of it.
    ///
    /// # Errors
    /// `Corrupt` with what is damaged and where; `Io`.
    pub fn check(&self, full: bool) -> Result<CheckReport> {
        Ok(CheckReport { engine: self.engine.check(full)? })
    }
}
