//! Random operations of all kinds, on a database and on a model of it that is a map in memory: every answer must agree,
//! whatever the options, the host, and how often the database is opened again.

mod agree;
mod alike;
#[path = "../support/directory.rs"]
mod directory;
mod draw;
mod host;
mod input;
mod json;
mod model;
mod operation;
mod search;
mod stream;
#[path = "../documents/support/mod.rs"]
mod support;
mod torture;
mod values;
mod world;
