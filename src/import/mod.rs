//! Taking over the data of other stores.

mod ferrumdb;

pub use ferrumdb::{ImportReport, import_ferrumdb};
