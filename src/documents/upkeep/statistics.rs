//! Figures about an open database.

use crate::documents::catalog::entries::IndexState;
use crate::documents::database::Database;
use crate::documents::database::latencies::Latency;
use crate::documents::index::build::IndexInfo;
use crate::documents::keyspace::key::{CollectionId, LAST_INDEX};
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
    /// The content of the tables, by purpose. Data that is not in tables yet is in `memtable_bytes`.
    pub spaces: Vec<Space>,
    /// Large values that a program has begun to write and not finished, because it was killed. The maintenance of the next
    /// connection that writes removes them.
    pub unfinished_uploads: u64,
    /// The durations of the operations that were called; `None` unless [`Options::latencies`](crate::Options::latencies) is set.
    pub latencies: Option<Vec<Latency>>,
    /// The damage that was found at opening, as [`Database::damage`] reports it.
    pub damage: Vec<String>,
    /// The engine's own figures.
    #[serde(flatten)]
    pub engine: engine::Statistics,
}

/// The space that the documents of a collection, or an index, take in tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Space {
    /// The purpose.
    pub kind: SpaceKind,
    /// The name of the collection that it belongs to, empty for the default one.
    pub collection: String,
    /// The path of an index.
    pub path: Option<String>,
    /// Its tables.
    #[serde(flatten)]
    pub tables: SpaceStatistics,
}

/// The purpose of a part of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SpaceKind {
    /// The list of collections and indexes.
    Catalog,
    /// The documents.
    Documents,
    /// The changes of recent commits.
    Changes,
    /// The answers to clients.
    Receipts,
    /// The parts of large documents, and the elements of lists.
    Parts,
    /// An index.
    Index,
    /// A collection or an index that is being dropped.
    Dropped,
}

impl<F: File> Database<F> {
    /// Figures about the database. Costs nothing to speak of.
    pub fn stats(&self) -> Stats {
        let engine = self.engine.statistics();
        let space = |tables: &SpaceStatistics| self.space(*tables);
        Stats {
            version: self.version(),
            indexes: self.default_collection().index_infos(),
            spaces: engine.spaces.iter().map(space).collect(),
            unfinished_uploads: self.unfinished_uploads(),
            latencies: self.latencies.report(),
            damage: self.damage().to_vec(),
            engine,
        }
    }

    /// The purpose of a key space.
    fn space(&self, tables: SpaceStatistics) -> Space {
        let collection = CollectionId(tables.collection);
        let name = self.catalog.name_of(collection).to_owned();
        let is_there = self.catalog.collection_ids().any(|id| id == collection);
        let index = self.catalog.indexes_of(collection).find(|index| index.id == tables.index);
        let path =
            index.filter(|index| is_there && index.state != IndexState::Dropping).map(|index| index.indexed.name());
        let kind = match (tables.collection, tables.index) {
            (0, 1) => SpaceKind::Changes,
            (0, 2) => SpaceKind::Receipts,
            (0, _) => SpaceKind::Catalog,
            (_, 0) if is_there => SpaceKind::Documents,
            (_, index) if is_there && index > LAST_INDEX => SpaceKind::Parts,
            _ if path.is_some() => SpaceKind::Index,
            _ => SpaceKind::Dropped,
        };
        Space { kind, collection: name, path, tables }
    }
}
