//! Looking for damage.

use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;

use super::engine::Engine;
use super::error::{Error, Result};
use super::merge::{Direction, Merge, RunCursor, Source};
use super::table::Table;
use crate::fs::File;

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Tables that were looked at.
    pub tables: u64,
    /// Entries that were read.
    pub entries: u64,
    /// What is wrong, and where; empty when all is well.
    pub problems: Vec<String>,
}

impl<F: File> Engine<F> {
    /// Looks for damage. The superblock, the manifest, the extents and the log were checked when the file was
    /// opened; `full` reads every page of every table, and compares the content with what the manifest says of it.
    ///
    /// # Errors
    /// [`Error::Fs`] and [`Error::Locked`]. Damage is not an error here, but what the report tells.
    pub fn check(&self, full: bool) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        for table in self.levels.tables() {
            report.tables += 1;
            if table.address + table.len > self.volume.file_len() {
                report.problems.push(format!("table {}: the file ends before it", table.id));
            } else if full {
                match self.check_table(table) {
                    Ok(entries) => report.entries += entries,
                    Err(error @ (Error::Fs(_) | Error::Locked)) => return Err(error),
                    Err(error) => report.problems.push(format!("table {}: {error}", table.id)),
                }
            }
        }
        Ok(report)
    }

    fn check_table(&self, table: &Arc<Table>) -> Result<u64> {
        let wrong = |what| Error::corrupt(what, format_args!("offset {}", table.address));
        let all = (Bound::Unbounded, Bound::Unbounded);
        let run = RunCursor::new(&self.volume, vec![Arc::clone(table)], all.0, all.1, Direction::Forward, false)?;
        let mut merge = Merge::new(vec![Source::Run(run)], Direction::Forward);
        let mut entries = 0;
        let mut before: Option<(Vec<u8>, u64)> = None;
        while let Some((key, seq)) = merge.entry() {
            let in_order = before.as_ref().is_none_or(|(last, last_seq)| (last.as_slice(), seq) < (key, *last_seq));
            let in_range = table.overlaps(key, key) && table.prefix() == *key.first_chunk().unwrap_or(&[0; 8]);
            if !in_order || !in_range {
                return Err(wrong("order of table entries"));
            }
            if before.as_ref().is_none_or(|(last, _)| last != key) && table.rules_out(&self.volume, key)? {
                return Err(wrong("filter, which denies a key of its table"));
            }
            entries += 1;
            before = Some((key.to_vec(), seq));
            merge.step(&self.volume)?;
        }
        if entries == table.statistics.entries { Ok(entries) } else { Err(wrong("number of table entries")) }
    }
}
