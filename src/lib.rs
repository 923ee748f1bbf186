//! Ferrolite is an embedded document database for WebAssembly.

#[cfg(any(test, all(target_arch = "wasm32", target_os = "unknown")))]
mod bindings;
mod documents;
mod engine;
mod environment;
pub mod fs;

pub use documents::*;
pub use environment::{Environment, HostEnvironment};
