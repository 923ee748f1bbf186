//! What a fuzzer calls: a function for each decoder and each encoding, one for whole files, and one for whole workloads.
//! Each takes any bytes, and panics when something does not hold.
//!
//! `make fuzz` runs them under libFuzzer; the crate in `fuzz/` has a target for each. The test here runs each over the
//! inputs that are kept in `fuzz/seeds` and `fuzz/regressions`, and over changes of them.
//!
//! To add a target, add it to [`TARGETS`], and a file in `fuzz/fuzz_targets`.

mod changes;
mod encrypted_file;
mod file;
mod operations;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;

pub use crate::fuzz_input::Input;
pub use changes::change;
pub use encrypted_file::encrypted_file;
pub use file::file;
pub use operations::operations;

use crate::{documents, engine, page, service};

/// A function that takes any bytes.
pub type Target = fn(&[u8]);

/// All targets by their names.
pub const TARGETS: &[(&str, Target)] = &[
    ("superblock", page::fuzzing::superblock),
    ("page", page::fuzzing::page),
    ("owner", page::fuzzing::owner),
    ("key_slots", page::fuzzing::key_slots),
    ("block", engine::fuzzing::block),
    ("filter", engine::fuzzing::filter),
    ("table_meta", engine::fuzzing::table_meta),
    ("manifest", engine::fuzzing::manifest),
    ("log", engine::fuzzing::log),
    ("batch", engine::fuzzing::batch),
    ("catalog", documents::fuzzing::catalog),
    ("key", documents::fuzzing::key),
    ("ordering", documents::fuzzing::ordering),
    ("index_entry", documents::fuzzing::index_entry),
    ("path", documents::fuzzing::path),
    ("condition", documents::fuzzing::condition),
    ("journal", documents::fuzzing::journal),
    ("message", service::fuzzing::message),
    ("file", file),
    ("encrypted_file", encrypted_file),
    ("operations", operations),
];

/// Runs the target of this name.
///
/// # Panics
/// When there is none, or it has found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).1(data);
}
