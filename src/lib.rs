//! Ferrolite
mod environment;
pub mod engine;
pub mod fs;
pub mod page;
pub use environment::{Environment, HostEnvironment};
