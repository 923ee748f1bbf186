//! A commit's operations, and how they are written in the log.
//!
//! ```text
//! varint  number of operations
//! each:   u8      1 put, 0 delete; +2 with an expiry, which only a put has
//!         varint  length of the key, then the key
//!         varint  milliseconds since 1970-01-01 UTC, with an expiry
//!         varint  length of the value, then the value, for a put
//! ```

use bytes::Bytes;

use super::entry::{BATCH_SIZE_MAX, EXPIRES, KEY_LEN_MAX, PREFIX_LEN, PUT, VALUE_LEN_MAX, are_flags};
use super::error::{Error, Result};
use crate::page::codec::{Reader, put_prefixed, put_varint};

/// One operation of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) key: Bytes,
    /// `None` deletes.
    pub(super) value: Option<Bytes>,
    pub(super) expires_at: Option<u64>,
}

/// A value and its expiry.
type Put<'a> = (&'a [u8], Option<u64>);

/// One atomic commit. Later operations on a key win over earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    operations: Vec<Operation>,
    size: usize,
}

impl Batch {
    /// A commit of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key. `expires_at` is in milliseconds since 1970-01-01 UTC.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>, expires_at: Option<u64>) {
        self.push(Operation { key: key.into(), value: Some(value.into()), expires_at });
    }

    /// Deletes a key.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.push(Operation { key: key.into(), value: None, expires_at: None });
    }

    fn push(&mut self, operation: Operation) {
        self.size += operation.key.len() + operation.value.as_ref().map_or(0, Bytes::len) + 16;
        self.operations.push(operation);
    }

    /// True if there are no operations.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Bytes in the log, at most.
    pub fn size(&self) -> usize {
        self.size
    }

    /// True if it takes things away and adds none. What the database notes of itself is small, and does not count.
    pub(super) fn only_deletes(&self) -> bool {
        let is_catalog = |key: &[u8]| key.starts_with(&[0; 4]);
        self.operations.iter().all(|operation| operation.value.is_none() || is_catalog(&operation.key))
    }

    /// The keys that it writes.
    pub fn keys(&self) -> impl Iterator<Item = &[u8]> {
        self.operations.iter().map(|operation| operation.key.as_ref())
    }

    /// Iterates over the operations in order: each key with its new value and expiry; `None` deletes the key.
    pub fn operations(&self) -> impl Iterator<Item = (&[u8], Option<Put<'_>>)> {
        self.operations.iter().map(|operation| {
            let value = operation.value.as_deref().map(|value| (value, operation.expires_at));
            (operation.key.as_ref(), value)
        })
    }

    pub(super) fn into_operations(self) -> Vec<Operation> {
        self.operations
    }

    /// Fails when something is too large for the format.
    pub(super) fn check(&self) -> Result<()> {
        let check = |what, size, limit| if size > limit { Err(Error::TooLarge { what, size, limit }) } else { Ok(()) };
        check("commit", self.size, BATCH_SIZE_MAX)?;
        for operation in &self.operations {
            assert!(operation.key.len() >= PREFIX_LEN, "an engine key begins with its prefix");
            check("key", operation.key.len(), KEY_LEN_MAX)?;
            check("value", operation.value.as_ref().map_or(0, Bytes::len), VALUE_LEN_MAX)?;
        }
        Ok(())
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.operations.len() as u64);
        for operation in &self.operations {
            let put = if operation.value.is_some() { PUT } else { 0 };
            let expires = if operation.expires_at.is_some() { EXPIRES } else { 0 };
            out.push(put | expires);
            put_prefixed(out, &operation.key);
            if let Some(at) = operation.expires_at {
                put_varint(out, at);
            }
            if let Some(value) = &operation.value {
                put_prefixed(out, value);
            }
        }
    }

    /// Decodes what [`Batch::encode`] wrote; `None` when it did not.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(payload);
        let count = reader.length()?;
        let mut batch = Self::new();
        for _ in 0..count {
            let flags = reader.u8()?;
            if !are_flags(flags) {
                return None;
            }
            let key = reader.prefixed().filter(|key| key.len() >= PREFIX_LEN && key.len() <= KEY_LEN_MAX)?;
            let expires_at = if flags & EXPIRES != 0 { Some(reader.varint()?) } else { None };
            let value = if flags & PUT != 0 { Some(Bytes::copy_from_slice(reader.prefixed()?)) } else { None };
            batch.push(Operation { key: Bytes::copy_from_slice(key), value, expires_at });
        }
        reader.is_empty().then_some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let mut batch = Batch::new();
        batch.put(vec![1; 9], vec![2; 300], Some(77));
        batch.delete(vec![3; 8]);
        batch.put(vec![4; 8], Vec::new(), None);
        let mut payload = Vec::new();
        batch.encode(&mut payload);
        assert!(payload.len() <= batch.size());
        assert_eq!(Batch::decode(&payload).unwrap().operations, batch.operations);
        for len in 0..payload.len() {
            assert!(Batch::decode(&payload[..len]).is_none());
        }
    }

    #[test]
    fn what_is_deleted_has_no_expiry() {
        let mut payload = vec![1, EXPIRES, PREFIX_LEN as u8];
        payload.extend_from_slice(&[0; PREFIX_LEN]);
        payload.push(77);
        assert!(Batch::decode(&payload).is_none());
    }
}
