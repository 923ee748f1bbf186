//! The result of a salvage.

use serde::Serialize;

/// A part of a damaged database that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LostPart {
    /// The part.
    pub what: String,
    /// Where it begins in the file, bytes.
    pub offset: u64,
    /// Bytes of it that could not be read.
    pub bytes: u64,
    /// The id of the table that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table: Option<u64>,
    /// Documents that are lost with it have keys from this one, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// ... up to this one, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// True if documents may be lost with it. What leads to documents can be lost without any of them.
    pub has_documents: bool,
}

/// The recovered documents and the losses of a salvage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SalvageReport {
    /// Documents in the new database.
    pub documents: u64,
    /// Recovered documents of which a newer version, or the deletion, may be lost.
    pub uncertain: u64,
    /// Documents that were left out because they have expired.
    pub expired: u64,
    /// Values that were left out because they are no documents, or because parts of them are lost.
    pub unreadable: u64,
    /// The names of the collections that were recovered, but for the default one. One whose name is lost is called
    /// `recovered-` and a number.
    pub collections: Vec<String>,
    /// The paths of the indexes that were built again; in another collection than the default one behind its name and a
    /// slash.
    pub indexes: Vec<String>,
    /// Unique indexes that were not built again, because documents that came back have equal values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes_left_out: Vec<String>,
    /// Commits that were durable and are lost with a part of the log.
    pub commits_lost: u64,
    /// Entries of tables that are lost, as far as they could be counted.
    pub entries_lost: u64,
    /// Bytes that could not be read.
    pub bytes_lost: u64,
    /// True if no list of tables could be relied on, and the whole file was searched for them. Then documents that were
    /// deleted may be back, and older versions of others.
    pub scanned: bool,
    /// True if everything that was committed is there as it was.
    pub complete: bool,
    /// The parts that could not be read, the first thousand of them.
    pub lost: Vec<LostPart>,
    /// Parts that are not in the list.
    pub more_lost: u64,
}
