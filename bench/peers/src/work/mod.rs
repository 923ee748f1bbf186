//! The work, a file for each benchmark that it is taken from.

mod db_bench;
mod durable;
#[cfg(not(target_os = "wasi"))]
mod feoxdb;
#[cfg(not(target_os = "wasi"))]
mod ferrumdb;
mod growth;
mod host;
mod limits;
mod redb_bench;
pub mod space;
mod ycsb;

use anyhow::Result;

use crate::measure::Run;
use crate::store::Subject;

/// Work, and who does it.
pub struct Table {
    pub id: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub columns: Columns,
    /// However many runs are asked for: what takes long, or counts what is the same in each run, is not run often.
    pub most_runs: usize,
    pub work: fn(&mut Run) -> Result<()>,
}

/// Who takes part in a table.
#[derive(Clone, Copy)]
pub enum Columns {
    /// All databases, and the raw file.
    Databases,
    /// Only these.
    Own(&'static [Subject]),
}

pub fn all() -> Vec<Table> {
    vec![
        durable::TABLE,
        db_bench::TABLE,
        ycsb::UNFLUSHED,
        ycsb::DURABLE,
        redb_bench::TABLE,
        #[cfg(not(target_os = "wasi"))]
        feoxdb::IN_FILE,
        #[cfg(not(target_os = "wasi"))]
        feoxdb::IN_MEMORY,
        #[cfg(not(target_os = "wasi"))]
        ferrumdb::TABLE,
        space::TABLE,
        host::TABLE,
        growth::TABLE,
        limits::TABLE,
    ]
}
