//! Figures about an open database.

use super::key::DEFAULT_COLLECTION;
use super::latencies::Latency;
use super::{Database, IndexInfo};
use crate::engine::{self, SpaceStatistics};
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
    /// What the tables hold, by what it is for. What is not in tables yet is in `memtable_bytes`.
    pub spaces: Vec<Space>,
    /// How long the verbs that were called took; `None` unless [`Options::latencies`](super::Options::latencies) is set.
    pub latencies: Option<Vec<Latency>>,
    /// What was found damaged at opening, as [`Database::damage`] tells it.
    pub damage: Vec<String>,
    /// The engine's own figures.
    #[serde(flatten)]
    pub engine: engine::Statistics,
}

/// What the documents or an index take in tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Space {
    /// What it is for.
    pub kind: SpaceKind,
    /// The path of an index.
    pub path: Option<String>,
    /// Its tables.
    #[serde(flatten)]
    pub tables: SpaceStatistics,
}

/// What a part of a database is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SpaceKind {
    /// What indexes there are.
    Catalog,
    /// The documents.
    Documents,
    /// An index.
    Index,
    /// An index that is being dropped.
    Dropped,
}

impl<F: File> Database<F> {
    /// Figures about the database. Costs nothing to speak of.
    pub fn stats(&self) -> Stats {
        let engine = self.engine.statistics();
        let space = |&tables: &SpaceStatistics| {
            let (kind, path) = self.purpose_of(tables.collection, tables.index);
            Space { kind, path, tables }
        };
        Stats {
            version: self.version(),
            indexes: self.indexes(),
            spaces: engine.spaces.iter().map(space).collect(),
            latencies: self.latencies.report(),
            damage: self.damage().to_vec(),
            engine,
        }
    }

    /// What a key space is for.
    fn purpose_of(&self, collection: u32, index: u32) -> (SpaceKind, Option<String>) {
        let path = || {
            let found = self.catalog.maintained().find(|known| known.id == index);
            found.map(|known| known.path.as_str().to_owned())
        };
        match (collection, index) {
            (DEFAULT_COLLECTION, 0) => (SpaceKind::Documents, None),
            (DEFAULT_COLLECTION, _) => path().map_or((SpaceKind::Dropped, None), |path| (SpaceKind::Index, Some(path))),
            _ => (SpaceKind::Catalog, None),
        }
    }
}
