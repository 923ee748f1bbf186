//! Programs that are killed, and disks that are full: the worker of `tests/worker`, in a process of its own.
//!
//! The same tests run against the native worker and, when the environment variable `FERROLITE_WASM` is set, against the
//! one for WASI under `wasmtime`. `make test` does both.
#![cfg(unix)]

#[path = "../worker/database.rs"]
mod database;
mod full_disk;
mod host;
mod kills;
mod model;
#[path = "../simulation/random.rs"]
mod random;
#[path = "../worker/stream.rs"]
mod stream;

/// Whether the long form is wanted.
fn is_torture() -> bool {
    std::env::var_os("FERROLITE_TORTURE").is_some_and(|value| !value.is_empty())
}
