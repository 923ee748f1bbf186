//! Documents as reads return them.

use super::content::Blob;
use super::content::Source;
use super::content::not_bytes;
use super::content::not_json;
use super::content::too_long;
use crate::documents::error::Result;
use crate::documents::json::text;
use crate::documents::keyspace::key::key_of;
use crate::documents::keyspace::ttl::Ttl;
use crate::engine::Entry;
use crate::fs::File;
use serde::de::DeserializeOwned;

/// A document with its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's key.
    pub key: String,
    /// The JSON text as it was stored; empty when the document is bytes.
    pub json: String,
    /// The bytes, of a document that is not JSON.
    pub bytes: Option<Blob>,
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
        if self.bytes.is_some() {
            return Err(not_json(&self.key));
        }
        text::parse(&self.key, &self.json)
    }

    /// The JSON text.
    ///
    /// # Errors
    /// `InvalidValue` when it is bytes.
    pub fn into_json(self) -> Result<String> {
        if self.bytes.is_some() { Err(not_json(&self.key)) } else { Ok(self.json) }
    }

    /// The bytes.
    ///
    /// # Errors
    /// `InvalidValue` when it is JSON; `TooLarge` when they have to be read in pieces.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        let Some(Blob { length, bytes }) = self.bytes else { return Err(not_bytes(&self.key)) };
        bytes.ok_or_else(|| too_long(length))
    }

    /// Bytes of the key and of what it holds here.
    pub fn size(&self) -> usize {
        let bytes = self.bytes.as_ref().and_then(|blob| blob.bytes.as_ref()).map_or(0, Vec::len);
        self.key.len() + self.json.len() + bytes
    }

    /// How long the document will live, counted from `now_ms`, milliseconds since 1970.
    pub fn ttl(&self, now_ms: u64) -> Ttl {
        Ttl::of(self.expires_at, now_ms)
    }

    /// The document in an entry of the engine.
    pub(crate) fn from_entry<F: File>(source: Source<'_, F>, engine_key: &[u8], entry: &Entry) -> Result<Self> {
        Self::new(source, key_of(engine_key)?.to_owned(), entry)
    }

    /// The document at `key`, from its entry.
    pub(crate) fn new<F: File>(source: Source<'_, F>, key: String, entry: &Entry) -> Result<Self> {
        let bytes = source.blob(&key, entry)?;
        let json = if bytes.is_none() { source.text(&key, entry)?.into_owned() } else { String::new() };
        Ok(Self { key, json, bytes, version: entry.seq, expires_at: entry.expires_at })
    }
}
