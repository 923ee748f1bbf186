//! A page of sorted entries, prefix-compressed.
//!
//! ```text
//! entry:   varint  bytes of the key shared with the entry before; 0 at a restart
//!          varint  bytes of the key that follow
//!          u8      1 put, 0 tombstone; +2 with an expiry
//!          varint  sequence number
//!          varint  milliseconds since 1970-01-01 UTC, with an expiry
//!          varint  length of the value, for a put
//!          the rest of the key, the value
//! then:    u32     offset of each restart
//!          u32     number of restarts, at least 1
//! ```
//!
//! Entries are in key order, and those of one key newest first.

pub(super) mod builder;
pub(super) mod cursor;
pub(super) mod guide;

use std::cmp::Ordering;

use bytes::Bytes;

use crate::engine::compare::{common_len, compare};
use crate::engine::entry::{EXPIRES, PUT, Seq, Version, are_flags};
use crate::engine::error::{Error, Result};
use crate::page::TablePage;
use crate::page::codec::Reader;

/// A decoded page of entries.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    data: Bytes,
    /// Where keys lie in it; empty when it is not known.
    guide: Bytes,
    /// Where the entries end and the restarts begin.
    entries_end: usize,
}

fn damaged() -> Error {
    Error::corrupt("table page", "its entries, although the checksum holds")
}

impl Block {
    pub(super) fn new(data: Bytes) -> Result<Self> {
        let count = data.last_chunk().map(|count| u32::from_le_bytes(*count) as usize).ok_or_else(damaged)?;
        let trailer = count.checked_mul(4).and_then(|len| len.checked_add(4)).ok_or_else(damaged)?;
        let entries_end = data.len().checked_sub(trailer).ok_or_else(damaged)?;
        if count == 0 || entries_end == 0 {
            return Err(damaged());
        }
        Ok(Self { data, guide: Bytes::new(), entries_end })
    }

    /// A page that was read.
    pub(super) fn of(page: TablePage) -> Result<Self> {
        Ok(Self { guide: page.guide, ..Self::new(page.payload)? })
    }

    fn restart_count(&self) -> usize {
        (self.data.len() - self.entries_end) / 4 - 1
    }

    fn restart(&self, index: usize) -> Result<usize> {
        let at = self.entries_end + 4 * index;
        let bytes = self.data.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).ok_or_else(damaged)?;
        let offset = u32::from_le_bytes(*bytes) as usize;
        if offset < self.entries_end { Ok(offset) } else { Err(damaged()) }
    }

    /// The entry at an offset; `None` behind the last one.
    fn parts(&self, offset: usize) -> Result<Option<Parts<'_>>> {
        let entries = self.entries().get(offset..).unwrap_or_default();
        if entries.is_empty() {
            return Ok(None);
        }
        Parts::decode(entries, offset).map(Some).ok_or_else(damaged)
    }

    /// The first entry that is not before (`key`, `seq`): a larger key, or this key no newer than `seq`.
    pub(super) fn search(&self, key: &[u8], seq: Seq) -> Result<Option<Found<'_>>> {
        let count = self.restart_count();
        let (mut low, mut high) = guide::narrow(&self.guide, count, key).unwrap_or((0, count));
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            let (found, found_seq) = self.restart_key(self.restart(middle)?).ok_or_else(damaged)?;
            let is_before = match compare(found, key) {
                Ordering::Equal => seq < found_seq,
                order => order == Ordering::Less,
            };
            if is_before { low = middle } else { high = middle }
        }
        self.search_from(self.restart(low)?, key, seq)
    }

    /// The same among the entries from `offset` on, where a restart is. Entries before (`key`, `seq`) are stepped over
    /// without putting their keys together: what an entry shares with the one before, and that one with `key`, says how it
    /// stands to `key`, unless these are the same.
    fn search_from(&self, mut offset: usize, key: &[u8], seq: Seq) -> Result<Option<Found<'_>>> {
        // What the key of the entry before has in common with `key`, and how long it is.
        let (mut common, mut len) = (0, 0);
        loop {
            let entries = self.entries().get(offset..).unwrap_or_default();
            if entries.is_empty() {
                return Ok(None);
            }
            let parts = Parts::decode(entries, offset).filter(|parts| parts.shared <= len).ok_or_else(damaged)?;
            if parts.shared == 0 {
                // A restart, which says nothing of what it has in common with the entry before.
                common = 0;
            }
            let rest = key.get(common..).unwrap_or_default();
            let mut is_key = false;
            let is_before = match parts.shared.cmp(&common) {
                // It differs from `key` where the entry before does, or it differs there from the entry before, which is less.
                Ordering::Greater => true,
                Ordering::Less => false,
                Ordering::Equal => {
                    let more = common_len(parts.suffix, rest);
                    common += more;
                    match (parts.suffix.get(more), rest.get(more)) {
                        (None, None) => {
                            is_key = true;
                            seq < parts.content.seq
                        }
                        (found, wanted) => found < wanted,
                    }
                }
            };
            if !is_before {
                return Ok(Some(Found { offset, is_key, parts }));
            }
            len = parts.shared + parts.suffix.len();
            offset = parts.content.value.1;
        }
    }

    /// The key and sequence number of the restart at `offset`; `None` when there is none.
    #[inline(always)]
    fn restart_key(&self, offset: usize) -> Option<(&[u8], Seq)> {
        let entry = self.entries().get(offset..)?;
        let mut at = 0;
        if varint(entry, &mut at)? > 0 {
            return None;
        }
        let len = usize::try_from(varint(entry, &mut at)?).ok()?;
        let flags = *entry.get(at)?;
        at += 1;
        let seq = varint(entry, &mut at)?;
        for flag in [EXPIRES, PUT] {
            if flags & flag != 0 {
                varint(entry, &mut at)?;
            }
        }
        Some((entry.get(at..at.checked_add(len)?)?, seq))
    }

    fn entries(&self) -> &[u8] {
        self.data.get(..self.entries_end).unwrap_or_default()
    }

    /// The value of an entry, in place.
    pub(super) fn value(&self, content: Content) -> &[u8] {
        self.data.get(content.value.0..content.value.1).unwrap_or_default()
    }

    /// An entry as a version.
    pub(super) fn version(&self, content: Content) -> Version {
        let Content { seq, flags, expires_at, value } = content;
        Version {
            seq,
            value: (flags & PUT != 0).then(|| self.data.slice(value.0..value.1)),
            expires_at: (flags & EXPIRES != 0).then_some(expires_at),
        }
    }
}

/// An entry that was searched for.
pub(crate) struct Found<'a> {
    /// Where it begins.
    offset: usize,
    /// True if its key is the one that was sought.
    pub(super) is_key: bool,
    pub(super) parts: Parts<'a>,
}

impl Found<'_> {
    /// Its key, where `sought` was.
    pub(super) fn key(&self, sought: &[u8]) -> Option<Vec<u8>> {
        Some([sought.get(..self.parts.shared)?, self.parts.suffix].concat())
    }
}

/// An entry of a page, as it lies there.
pub(crate) struct Parts<'a> {
    /// Bytes of the key shared with the entry before.
    shared: usize,
    /// The rest of the key.
    suffix: &'a [u8],
    pub(super) content: Content,
}

/// The parts of an entry besides its key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Content {
    seq: Seq,
    flags: u8,
    expires_at: u64,
    /// Where the value begins and ends; the next entry begins there.
    value: (usize, usize),
}

impl<'a> Parts<'a> {
    /// The entry at the front of `entries`, which lie at `offset` in the page.
    #[inline(always)]
    fn decode(entries: &'a [u8], offset: usize) -> Option<Self> {
        let mut at = 0;
        let shared = usize::try_from(varint(entries, &mut at)?).ok()?;
        let rest = usize::try_from(varint(entries, &mut at)?).ok()?;
        let flags = *entries.get(at).filter(|flags| are_flags(**flags))?;
        at += 1;
        let seq = varint(entries, &mut at)?;
        let expires_at = if flags & EXPIRES != 0 { varint(entries, &mut at)? } else { 0 };
        let value_len = if flags & PUT != 0 { usize::try_from(varint(entries, &mut at)?).ok()? } else { 0 };
        let key_end = at.checked_add(rest)?;
        let end = key_end.checked_add(value_len).filter(|&end| end <= entries.len())?;
        let suffix = entries.get(at..key_end)?;
        let content = Content { seq, flags, expires_at, value: (offset + key_end, offset + end) };
        Some(Self { shared, suffix, content })
    }
}

/// The varint at `at`, which goes behind it. Here for speed: most have one byte.
#[inline(always)]
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let first = *bytes.get(*at)?;
    *at += 1;
    if first < 0x80 { Some(u64::from(first)) } else { long_varint(bytes, at) }
}

/// A varint of which one byte was read.
fn long_varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut reader = Reader::new(bytes.get(*at - 1..)?);
    let value = reader.varint()?;
    *at = bytes.len() - reader.rest().len();
    Some(value)
}

#[cfg(test)]
mod tests;
