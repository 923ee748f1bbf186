//! Putting a page together.

use crate::engine::compare::common_len;
use crate::engine::entry::{EXPIRES, PUT, Version};
use crate::page::codec::put_varint;

/// How often there is a restart: a search decodes half the entries from one to the next on average, and each costs 4 bytes
/// and an unshared key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestartInterval {
    /// Entries, at most.
    entries: usize,
    /// Bytes behind which the next entry is one: where entries are long, an unshared key is little.
    bytes: usize,
}

impl RestartInterval {
    pub(crate) const DATA: Self = Self { entries: 16, bytes: 512 };
    /// Index pages are searched for every lookup, and are a hundredth of the data.
    pub(crate) const INDEX: Self = Self { entries: 1, bytes: 0 };
}

/// Gathers entries into a page's payload.
#[derive(Debug)]
pub(crate) struct BlockBuilder {
    interval: RestartInterval,
    out: Vec<u8>,
    restarts: Vec<u32>,
    /// Entries since the last restart, itself included.
    since_restart: usize,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    pub(crate) fn new(interval: RestartInterval) -> Self {
        Self { interval, out: Vec::new(), restarts: Vec::new(), since_restart: 0, last_key: Vec::new() }
    }

    fn is_restart(&self) -> bool {
        let RestartInterval { entries, bytes } = self.interval;
        self.restarts
            .last()
            .is_none_or(|&last| self.since_restart >= entries || self.out.len() - last as usize >= bytes)
    }

    pub(crate) fn push(&mut self, key: &[u8], version: &Version) {
        let mut shared = 0;
        if self.is_restart() {
            self.restarts.push(self.out.len() as u32);
            self.since_restart = 0;
        } else {
            shared = common_len(&self.last_key, key);
        }
        let rest = key.get(shared..).unwrap_or_default();
        put_varint(&mut self.out, shared as u64);
        put_varint(&mut self.out, rest.len() as u64);
        let put = if version.value.is_some() { PUT } else { 0 };
        let expires = if version.expires_at.is_some() { EXPIRES } else { 0 };
        self.out.push(put | expires);
        put_varint(&mut self.out, version.seq);
        if let Some(at) = version.expires_at {
            put_varint(&mut self.out, at);
        }
        if let Some(value) = &version.value {
            put_varint(&mut self.out, value.len() as u64);
        }
        self.out.extend_from_slice(rest);
        self.out.extend_from_slice(version.value.as_deref().unwrap_or_default());
        self.last_key.truncate(shared);
        self.last_key.extend_from_slice(rest);
        self.since_restart += 1;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len() + 4 * self.restarts.len()
    }

    pub(crate) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The payload; the builder is empty afterwards.
    pub(crate) fn finish(&mut self) -> Vec<u8> {
        let mut out = std::mem::take(&mut self.out);
        for restart in &self.restarts {
            out.extend_from_slice(&restart.to_le_bytes());
        }
        out.extend_from_slice(&(self.restarts.len() as u32).to_le_bytes());
        self.restarts.clear();
        self.last_key.clear();
        out
    }
}
