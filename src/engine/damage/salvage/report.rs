//! The losses of a salvage.

use crate::engine::entry::Seq;
use crate::engine::table::walker::{Gap, WalkedTable, Walker};

/// Pieces that are listed one by one. More pieces are only counted.
const PIECES_MAX: usize = 1000;

/// A piece of the file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostPiece {
    /// The piece.
    pub what: String,
    /// Where it begins in the file, bytes.
    pub address: u64,
    /// Bytes of it that cannot be read.
    pub bytes: u64,
    /// The table that it belongs to.
    pub table: Option<u64>,
    /// Engine keys that are lost with it: not below the first, not above the second, where that is known.
    pub from: Option<Vec<u8>>,
    /// See `from`.
    pub to: Option<Vec<u8>>,
    /// True if entries may be lost with it. A piece of an index costs nothing.
    pub has_entries: bool,
}

/// All that is lost.
#[derive(Debug, Default)]
pub struct Losses {
    /// The pieces, the first thousand of them.
    pub pieces: Vec<LostPiece>,
    /// Pieces that are not in the list.
    pub more_pieces: u64,
    /// Bytes that cannot be read.
    pub bytes: u64,
    /// Entries of tables that are lost, as far as they are counted.
    pub entries: u64,
    /// Commits of the log that were durable and are lost.
    pub commits: u64,
    /// The newest lost commit: what is older may have been overwritten or deleted by one of them.
    pub newest_commit: Seq,
    /// True if anything may be lost.
    pub is_any: bool,
}

impl Losses {
    pub(crate) fn add(&mut self, piece: LostPiece) {
        self.bytes = self.bytes.saturating_add(piece.bytes);
        self.is_any |= piece.has_entries;
        if self.pieces.len() < PIECES_MAX { self.pieces.push(piece) } else { self.more_pieces += 1 }
    }

    /// A problem that loses no entries on its own.
    pub(crate) fn note(&mut self, what: impl Into<String>, address: u64) {
        let what = what.into();
        self.add(LostPiece { what, address, bytes: 0, table: None, from: None, to: None, has_entries: false });
    }

    pub(crate) fn add_gap(&mut self, table: &WalkedTable, gap: &Gap) {
        let what = if gap.has_entries { "pages of entries" } else { "pages that lead to entries" };
        let (from, to) = if gap.has_entries { (gap.from.clone(), gap.to.clone()) } else { (None, None) };
        self.add(LostPiece {
            what: what.to_owned(),
            address: gap.address,
            bytes: gap.bytes,
            table: Some(table.id),
            from,
            to,
            has_entries: gap.has_entries,
        });
    }

    /// Counts what the manifest says should have been found.
    pub(crate) fn finish_table(&mut self, walker: &Walker) {
        if let Some(known) = &walker.table.known {
            let lost = known.statistics.entries.saturating_sub(walker.found());
            self.entries = self.entries.saturating_add(lost);
            self.is_any |= lost > 0;
        }
    }

    pub(crate) fn add_commits(&mut self, from: Seq, to: Seq, address: u64) {
        self.commits = self.commits.saturating_add((to - from).saturating_add(1));
        self.newest_commit = self.newest_commit.max(to);
        let what = if from == to { format!("commit {from}") } else { format!("commits {from} to {to}") };
        self.add(LostPiece {
            what: format!("log: {what}"),
            address,
            bytes: 0,
            table: None,
            from: None,
            to: None,
            has_entries: true,
        });
    }
}
