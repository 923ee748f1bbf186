//! Figures about an open database.

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
    /// What was found damaged at opening, as [`Database::damage`] tells it.
    pub damage: Vec<String>,
    /// The engine's own figures.
    #[serde(flatten)]
    pub engine: engine::Statistics,
}

impl<F: File> Database<F> {
    /// Figures about the database. Costs nothing to speak of.
    pub fn stats(&self) -> Stats {
        Stats {
            version: self.version(),
            indexes: self.indexes(),
            damage: self.damage().to_vec(),
            engine: self.engine.statistics(),
        }
    }
}
