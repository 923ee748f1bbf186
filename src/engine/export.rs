//! Export of the database as the bytes of one new file, in order, while work continues.
//!
//! ```text
//!   memtables ──as tables, in memory──┐
//!   tables of the file ──where they──▶ levels ──▶ places in the new file ──▶ manifest ──▶ superblock
//!                        are, pinned
//!   handed out:  superblock, key slots │ table │ table │ ... │ manifest
//! ```
//!
//! The file begins with its superblock, which leads to the manifest, which leads to the tables. So all places are laid out
//! from what is known of the tables before the first byte is given. Pages of tables are sealed for their place in the table
//! and pass as they are, those of encrypted files too. Nothing is written into the database: the tables that the new file is
//! made of are pinned, so that their blocks are not given out while they are read, whatever becomes of them.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::engine::{Engine, key_epoch_behind};
use super::entry::{Clock, Prefix, prefix_of};
use super::error::{Error, Result};
use super::levels::landing;
use super::levels::{Levels, Placement};
use super::manifest::page_of_everything;
use super::memtable::Memtable;
use super::retention::Retention;
use super::table::builder::TableBuilder;
use super::table::copying::TableCopy;
use super::table::meta::Table;
use crate::fs::File;
use crate::page::{Extent, HEADER_LEN, LogStart, Seal, Superblock};

/// An export under way: what is left of the bytes of the new file.
///
/// Made by `Database::begin_export`. The tables that it reads take up room until it is ended.
pub struct Export {
    parts: VecDeque<Part>,
    pinned: Vec<Extent>,
    /// The keys of the file may change during the export.
    seal: Box<dyn Seal + Send>,
    position: u64,
    len: u64,
    /// The error that ended it.
    failure: Option<Error>,
}

/// A thing in the new file.
struct Part {
    /// Where it begins.
    address: u64,
    content: Content,
}

enum Content {
    /// The remaining bytes in memory.
    Bytes(Bytes),
    Table(TableCopy),
}

/// A table that is not in the file, and its bytes.
pub(super) type BuiltTable = (Table, Bytes);

impl Export {
    /// Bytes of the new file.
    pub fn total_bytes(&self) -> u64 {
        self.len
    }

    /// Bytes that were handed out.
    pub fn done_bytes(&self) -> u64 {
        self.position
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Export").field("done", &self.position).field("total", &self.len).finish_non_exhaustive()
    }
}

impl<F: File> Engine<F> {
    /// Begins to hand out a file that holds every commit so far of the key spaces that are wanted and nothing else. Writes nothing: a database that is open for
    /// reading can be exported, and one whose disk is full.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the database was opened in spite of damage; [`Error::Fs`].
    pub fn begin_export(&mut self, is_wanted: impl Fn(Prefix) -> bool) -> Result<Export> {
        self.finish_group(self.options.durability)?;
        if let Some(damage) = self.damage.first() {
            return Err(damage.clone());
        }
        if self.log.is_none() && self.tables.superblock.cipher.is_some() {
            // What is sealed for the new file is sealed by an opening that writes, in an epoch of its own.
            self.volume.begin_key_epoch(key_epoch_behind(self.tables.superblock.key_epoch)?);
        }
        let (levels, built) = self.levels_with_memtables()?;
        let pinned = self.tables.levels.tables().map(|table| table.extent()).collect();
        let export = self.lay_out(&levels, built, pinned, is_wanted)?;
        export.pinned.iter().for_each(|&extent| self.tables.free.pin(extent));
        Ok(export)
    }

    /// The next bytes of the new file: about `budget` of them, but whole pages of tables; `None` behind the last one. Each
    /// page is verified before it is given.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a page is damaged; [`Error::Fs`], [`Error::Locked`]. Nothing comes behind an error.
    pub fn export_chunk(&self, export: &mut Export, budget: usize) -> Result<Option<Vec<u8>>> {
        if let Some(error) = &export.failure {
            return Err(error.clone());
        }
        self.next_chunk(export, budget.max(1)).inspect_err(|error| export.failure = Some(error.clone()))
    }

    fn next_chunk(&self, export: &mut Export, budget: usize) -> Result<Option<Vec<u8>>> {
        let mut chunk = Vec::new();
        while chunk.len() < budget
            && let Some(part) = export.parts.front_mut()
        {
            let position = export.position + chunk.len() as u64;
            if position < part.address {
                // The rest of a block.
                let zeros = (part.address - position).min((budget - chunk.len()) as u64);
                chunk.resize(chunk.len() + zeros as usize, 0);
                continue;
            }
            let room = budget - chunk.len();
            let is_done = match &mut part.content {
                Content::Bytes(bytes) => {
                    let piece = bytes.split_to(bytes.len().min(room));
                    chunk.extend_from_slice(&piece);
                    bytes.is_empty()
                }
                Content::Table(table) => {
                    let pages = table.read(&self.volume, &*export.seal, room)?;
                    if chunk.is_empty() {
                        chunk = pages;
                    } else {
                        chunk.extend_from_slice(&pages);
                    }
                    table.is_done()
                }
            };
            if is_done {
                export.parts.pop_front();
            }
        }
        export.position += chunk.len() as u64;
        Ok(if chunk.is_empty() { None } else { Some(chunk) })
    }

    /// Releases everything that an export reads, at its end or before.
    pub fn end_export(&mut self, export: Export) {
        export.pinned.into_iter().for_each(|extent| self.tables.free.unpin(extent));
    }

    /// The levels as they would be if the memtables were written now and what is covered were gone, and the tables for that.
    fn levels_with_memtables(&mut self) -> Result<(Levels, Vec<BuiltTable>)> {
        let mut levels = self.tables.levels.clone();
        let mut built = Vec::new();
        let mut next_id = self.tables.next_id;
        // The older one first: the tables of the newer one come to lie above its.
        let frozen = self.memory.frozen.as_ref().map(|frozen| &*frozen.memtable);
        for memtable in frozen.into_iter().chain([&self.memory.memtable]) {
            let tables = self.build_tables(memtable, &levels, &mut next_id);
            let edit = landing(&levels, tables.iter().map(|(table, _)| table.clone()).collect(), |_| false);
            if !levels.apply(&edit) {
                let what = "manifest: tables that overlap would come of what it says of them";
                return Err(Error::corrupt(what, format_args!("offset {}", self.tables.superblock.manifest.address)));
            }
            built.extend(tables);
        }
        self.leave_covered_out(&mut levels, &mut built, &mut next_id)?;
        self.tables.next_id = next_id;
        Ok((levels, built))
    }

    /// Writes a memtable as tables, in memory.
    fn build_tables(&self, memtable: &Memtable, levels: &Levels, next_id: &mut u64) -> Vec<BuiltTable> {
        // No snapshot looks at the new file, and expired entries stay until a compaction, as in a flush.
        let clock = Clock { now_ms: 0, horizon: self.tables.superblock.expiry };
        let retention = Retention { snapshots: Vec::new(), clock };
        let mut built = Vec::new();
        let mut current: Option<TableBuilder> = None;
        let mut finish = |builder: TableBuilder| {
            let (bytes, table) = builder.finish(&self.volume);
            built.push((table, Bytes::from(bytes)));
        };
        for (key, versions) in memtable.range(Bound::Unbounded, Bound::Unbounded) {
            let mut versions: Vec<_> = versions.iter().cloned().collect();
            let tree = prefix_of(key).and_then(|prefix| levels.tree(prefix));
            retention.reduce(&mut versions, || tree.is_some_and(|tree| tree.candidates(key).next().is_some()));
            if versions.is_empty() {
                continue;
            }
            let is_full = |builder: &mut TableBuilder| {
                builder.len() >= self.options.table_size() || prefix_of(builder.last_key()) != prefix_of(key)
            };
            current.take_if(is_full).into_iter().for_each(&mut finish);
            let builder = current.get_or_insert_with(|| {
                *next_id += 1;
                TableBuilder::new(*next_id - 1, self.options.page_size)
            });
            versions.iter().for_each(|version| builder.push(&self.volume, key, version));
        }
        current.into_iter().for_each(finish);
        built
    }

    /// Lays out the new file: one table behind the other, and the manifest, which says where they are, at the end.
    fn lay_out(
        &self,
        levels: &Levels,
        built: Vec<BuiltTable>,
        pinned: Vec<Extent>,
        is_wanted: impl Fn(Prefix) -> bool,
    ) -> Result<Export> {
        let mut parts = VecDeque::new();
        let mut address = HEADER_LEN;
        let mut placements = Vec::new();
        for placement in levels.placements().filter(|placement| is_wanted(placement.table.prefix())) {
            let bytes = built.iter().find(|(table, _)| table.id == placement.table.id).map(|(_, bytes)| bytes.clone());
            let content =
                bytes.map_or_else(|| Content::Table(TableCopy::new(Arc::clone(&placement.table))), Content::Bytes);
            parts.push_back(Part { address, content });
            let table = Table { address, ..(*placement.table).clone() };
            address += table.extent().len();
            placements.push(Placement { table: Arc::new(table), ..placement });
        }
        let levels = Levels::new(&placements).expect("tables overlap as little as where they come from");
        let (page, manifest) =
            page_of_everything(&self.volume, self.tables.superblock.manifest.number + 1, address, &levels);
        let len = address + page.len() as u64;
        if !page.is_empty() {
            parts.push_back(Part { address, content: Content::Bytes(page.into()) });
        }
        let superblock = Superblock {
            sequence: self.tables.superblock.sequence + 1,
            key_epoch: self.volume.key_epoch(),
            flushed_seq: self.numbered_seq(),
            synced_seq: self.numbered_seq(),
            next_table_id: self.tables.next_id,
            log: LogStart { generation: self.tables.superblock.log.generation, ..LogStart::default() },
            manifest,
            file_len: len,
            ..self.tables.superblock.clone()
        };
        let header = self.volume.copied_header(&superblock)?;
        parts.push_front(Part { address: 0, content: Content::Bytes(header.into()) });
        Ok(Export { parts, pinned, seal: self.volume.seal_of_now(), position: 0, len, failure: None })
    }
}
