//! The command-line program, run as a user runs it.
//!
//! The same tests run against the native program and, when the environment variable `FERROLITE_WASM` names the WASI
//! program, against that one under `wasmtime`. `make test` does both.
#![cfg(not(target_os = "wasi"))]

mod arguments;
mod bytes;
mod changes;
mod collections;
mod documents;
mod dump;
mod encryption;
mod errors;
mod files;
mod harness;
mod import;
mod indexes;
mod info;
mod lists;
mod load;
mod ranges;
mod repl;
mod salvage;
mod sharing;
mod streams;
mod targets;
mod transfer;
mod updates;
mod wording;
