//! Documents as reads return them.

use super::content::Source;
use super::error::Result;
use super::key::{PREFIX_LENGTH, parse_key};
use super::{Ttl, json};
use crate::engine::Entry;
use crate::fs::File;
use serde::de::DeserializeOwned;

/// A document with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's key.
    pub key: String,
    /// The JSON text as it was stored.
    pub json: String,
    /// The version of the commit that wrote it.
    pub version: u64,
    /// When it expires, in milliseconds since 1970.
    pub expires_at: Option<u64>,
}

impl Document {
    /// Parses the document.
    ///
    /// # Errors
    /// `InvalidValue` when it does not fit `T`.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        json::parse(&self.key, &self.json)
    }

    /// How long the document will live, counted from `now_ms`, milliseconds since 1970.
    pub fn ttl(&self, now_ms: u64) -> Ttl {
        Ttl::of(self.expires_at, now_ms)
    }

    /// The document in an entry of the engine.
    pub(super) fn from_entry<F: File>(source: Source<'_, F>, engine_key: &[u8], entry: &Entry) -> Result<Self> {
        Self::new(source, key_of(engine_key)?, entry)
    }

    /// The document at `key`, from its entry.
    pub(super) fn new<F: File>(source: Source<'_, F>, key: &str, entry: &Entry) -> Result<Self> {
        let json = source.text(key, entry)?.into_owned();
        Ok(Self { key: key.to_owned(), json, version: entry.seq, expires_at: entry.expires_at })
    }
}

/// The document key in an engine key of the documents.
pub(super) fn key_of(engine_key: &[u8]) -> Result<&str> {
    parse_key(engine_key.get(PREFIX_LENGTH..).unwrap_or_default())
}
