//! How much is done, and where.

use std::path::PathBuf;

#[derive(Debug, Clone)]
pub struct Plan {
    pub runs: usize,
    /// Documents of the larger tables.
    pub documents: usize,
    /// Commits that are flushed one by one.
    pub durable_commits: usize,
    /// Reads of each kind.
    pub reads: usize,
    /// Bytes of memory for pages that were read.
    pub cache: usize,
    /// The largest database of the table of costs.
    pub largest: usize,
    /// Where the databases are.
    pub directory: PathBuf,
    /// Names of tables and of subjects; none means all.
    pub tables: Vec<String>,
    pub subjects: Vec<String>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            runs: 5,
            documents: 50_000,
            durable_commits: 500,
            reads: 50_000,
            cache: 64 << 20,
            largest: 1_000_000,
            directory: "target/bench/peers".into(),
            tables: Vec::new(),
            subjects: Vec::new(),
        }
    }
}
