//! The catalog: which indexes there are.

use super::error::Result;
use crate::engine::Engine;
use crate::fs::File;

/// What the database holds besides documents.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalog;

impl Catalog {
    /// Reads the catalog.
    pub fn load<F: File>(_engine: &Engine<F>) -> Result<Self> {
        Ok(Self)
    }

    /// Whether there are no indexes.
    pub fn is_empty(&self) -> bool {
        true
    }
}
