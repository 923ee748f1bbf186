//! Databases that earlier versions have written: each later version reads them, as they say of themselves, and writes on.
//! `README.md` beside tells of the files.

mod listing;
mod open;
#[path = "../documents/support/mod.rs"]
mod support;
mod write;
