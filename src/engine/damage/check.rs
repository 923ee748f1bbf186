//! Looking for damage.

use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;

use crate::engine::engine::{Engine, check_agreement, used_extents};
use crate::engine::entry::{Prefix, Seq};
use crate::engine::error::{Error, Result};
use crate::engine::levels::{LEVEL_COUNT, Tree};
use crate::engine::log::recovery::recover_to_break;
use crate::engine::manifest::Manifest;
use crate::engine::merge::{Direction, Merge, RunCursor, Source};
use crate::engine::table::audit::audit;
use crate::engine::table::meta::Table;
use crate::fs::File;
use crate::page::{Extent, FreeSet};

/// The result of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Tables that were looked at.
    pub tables: u64,
    /// Entries that were read.
    pub entries: u64,
    /// The problems, each with its place; empty if there are none.
    pub problems: Vec<String>,
    /// Harmless findings that no writer leaves: a spare copy that is damaged, or that a crash cut short.
    pub notes: Vec<String>,
}

impl<F: File> Engine<F> {
    /// Looks for damage. Quickly: in the superblock, the manifest, the extents and the log. `full` reads every page of
    /// every table too, and compares the contents with the index, the filter and what the manifest says of them.
    ///
    /// # Errors
    /// [`Error::Fs`] and [`Error::Locked`]. Damage is not an error here: the report lists it.
    pub fn check(&self, full: bool) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        report.problems.extend(self.damage.iter().map(ToString::to_string));
        report.notes.extend(self.volume.slots()?.damaged.iter().map(ToString::to_string));
        report.notes.extend(self.volume.damaged_key_slots()?.iter().map(ToString::to_string));
        self.check_manifest(&mut report)?;
        self.check_extents(&mut report);
        self.check_log(&mut report)?;
        for (prefix, tree) in self.tables.levels.trees() {
            let before = report.problems.len();
            for level in 0..LEVEL_COUNT {
                for table in tree.tables_of(level) {
                    self.check_table(table, full, &mut report)?;
                }
            }
            // In a tree that is damaged the rest would only say so again.
            if full && report.problems.len() == before {
                self.check_levels(prefix, tree, &mut report)?;
            }
        }
        Ok(report)
    }

    /// Reads the manifest as it is in the file.
    fn check_manifest(&self, report: &mut CheckReport) -> Result<()> {
        let loaded = Manifest::load(&self.volume, self.tables.superblock.manifest);
        let agreed = loaded.and_then(|(_, levels)| check_agreement(&self.tables.superblock, &levels));
        report.note(agreed)
    }

    /// Nothing in use lies in another thing's place, in a free one, or outside of the file.
    fn check_extents(&self, report: &mut CheckReport) {
        let written = self.log.iter().flat_map(|log| log.extents());
        let log: Vec<_> = written.chain(self.found_log.iter().copied()).collect();
        let tables = self.tables.levels.tables().map(|table| table.extent());
        let used: Vec<_> = tables.chain(self.tables.manifest.extents().iter().copied()).chain(log).collect();
        for extent in used.iter().filter(|extent| extent.address >= self.volume.file_len()) {
            report.problems.push(format!("what lies at offset {}: the file ends before it", extent.address));
        }
        let all: Vec<Extent> = used.iter().chain(self.tables.free.runs()).copied().collect();
        match FreeSet::derive(all) {
            None => report.problems.push("extents: two things claim one place, or a free one".to_owned()),
            // While nothing is written, what is not in use is free.
            Some(rest) if self.log.is_none() && self.damage.is_empty() && rest.free_bytes() > 0 => {
                report.problems.push(format!("extents: {} bytes are neither in use nor free", rest.free_bytes()));
            }
            Some(_) => {}
        }
    }

    /// Reads the log as it is in the file: it must lead to the last commit that was written.
    fn check_log(&self, report: &mut CheckReport) -> Result<()> {
        let mut damage = Vec::new();
        let used = used_extents(&self.tables.levels, &self.tables.manifest);
        let found = recover_to_break(&self.volume, &self.tables.superblock, &used, &mut damage, |_, _| {})?;
        let is_short = damage.is_empty() && self.failed.is_none() && found.last_seq < self.sequence.written;
        let known = &self.damage;
        report.problems.extend(damage.iter().filter(|error| !known.contains(error)).map(ToString::to_string));
        if is_short {
            report.problems.push(format!("log: it ends with commit {}, not {}", found.last_seq, self.sequence.written));
        }
        Ok(())
    }

    fn check_table(&self, table: &Arc<Table>, full: bool, report: &mut CheckReport) -> Result<()> {
        report.tables += 1;
        if table.address + table.len > self.volume.file_len() {
            report.problems.push(format!("table {} at offset {}: the file ends in it", table.id, table.address));
        } else if full {
            report.entries += audit(table, &self.volume, &mut report.problems)?;
        }
        Ok(())
    }

    /// Of each key, versions in a newer run or a higher level must be newer than those below: gets rely on it.
    fn check_levels(&self, prefix: Prefix, tree: &Tree, report: &mut CheckReport) -> Result<()> {
        let mut merges = Vec::new();
        for tables in tree.runs_in(&prefix, None) {
            let all = (Bound::Unbounded, Bound::Unbounded);
            let run = RunCursor::new(&self.volume, tables.into(), all.0, all.1, Direction::Forward, false)?;
            merges.push(Merge::new(vec![Source::Run(run)], Direction::Forward));
        }
        if merges.len() < 2 {
            return Ok(());
        }
        // The newest run first. `last` is the oldest version of the key so far, and where it was.
        let mut last: Option<(Vec<u8>, Seq)> = None;
        loop {
            let heads = merges.iter().enumerate().filter_map(|(rank, merge)| merge.entry().map(|entry| (entry, rank)));
            let Some(((key, seq), rank)) = heads.min_by(|a, b| (a.0.0, a.1).cmp(&(b.0.0, b.1))) else {
                return Ok(());
            };
            let is_older = last.as_ref().is_none_or(|(last, last_seq)| last != key || seq < *last_seq);
            if !is_older {
                let key = String::from_utf8_lossy(key.get(prefix.len()..).unwrap_or_default()).into_owned();
                report.problems.push(format!("levels: an older version of {key:?} lies above a newer one"));
                return Ok(());
            }
            last = Some((key.to_vec(), seq));
            if let Some(merge) = merges.get_mut(rank) {
                merge.step(&self.volume)?;
            }
        }
    }
}

impl CheckReport {
    /// Notes damage; other errors end the check.
    fn note(&mut self, outcome: Result<()>) -> Result<()> {
        match outcome {
            Err(error @ (Error::Fs(_) | Error::Locked)) => Err(error),
            Err(error) => {
                self.problems.push(error.to_string());
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }
}
