//! The work, a file for each benchmark that it is taken from.

mod db_bench;
mod durable;

use anyhow::Result;

use crate::measure::Run;

/// A table: work that all subjects do.
pub struct Table {
    pub id: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub work: fn(&mut Run) -> Result<()>,
}

pub fn all() -> Vec<Table> {
    vec![durable::TABLE, db_bench::TABLE]
}
