//! Ferrolite is an embedded document database for WebAssembly.

mod documents;
mod engine;
mod environment;
pub mod fs;

pub use documents::*;
pub use environment::{Environment, HostEnvironment};
