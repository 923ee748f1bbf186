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

use std::cmp::Ordering;

use bytes::Bytes;

use crate::engine::compare::{common_len, compare};
use crate::engine::entry::{EXPIRES, PUT, Seq, Version, are_flags};
use crate::engine::error::{Error, Result};
use crate::page::codec::{Reader, put_varint};

/// How often there is a restart: a search decodes half the entries from one to the next on average, and each costs 4 bytes
/// and an unshared key.
#[derive(Debug, Clone, Copy)]
pub(super) struct RestartInterval {
    /// Entries, at most.
    entries: usize,
    /// Bytes behind which the next entry is one: where entries are long, an unshared key is little.
    bytes: usize,
}

impl RestartInterval {
    pub(super) const DATA: Self = Self { entries: 16, bytes: 512 };
    /// Index pages are searched for every lookup, and are a hundredth of the data.
    pub(super) const INDEX: Self = Self { entries: 1, bytes: 0 };
}

/// Gathers entries into a page's payload.
#[derive(Debug)]
pub(super) struct BlockBuilder {
    interval: RestartInterval,
    out: Vec<u8>,
    restarts: Vec<u32>,
    /// Entries since the last restart, itself included.
    since_restart: usize,
    last_key: Vec<u8>,
}

impl BlockBuilder {
    pub(super) fn new(interval: RestartInterval) -> Self {
        Self { interval, out: Vec::new(), restarts: Vec::new(), since_restart: 0, last_key: Vec::new() }
    }

    fn is_restart(&self) -> bool {
        let RestartInterval { entries, bytes } = self.interval;
        self.restarts
            .last()
            .is_none_or(|&last| self.since_restart >= entries || self.out.len() - last as usize >= bytes)
    }

    pub(super) fn push(&mut self, key: &[u8], version: &Version) {
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

    pub(super) fn is_empty(&self) -> bool {
        self.restarts.is_empty()
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.out.len() + 4 * self.restarts.len()
    }

    pub(super) fn last_key(&self) -> &[u8] {
        &self.last_key
    }

    /// The payload; the builder is empty afterwards.
    pub(super) fn finish(&mut self) -> Vec<u8> {
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

/// A decoded page of entries.
#[derive(Debug, Clone)]
pub(super) struct Block {
    data: Bytes,
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
        Ok(Self { data, entries_end })
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
        let (mut low, mut high) = (0, self.restart_count());
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
                            seq < parts.seq
                        }
                        (found, wanted) => found < wanted,
                    }
                }
            };
            if !is_before {
                return Ok(Some(Found { offset, is_key, parts }));
            }
            len = parts.shared + parts.suffix.len();
            offset = parts.value.1;
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
    pub(super) fn value(&self, parts: &Parts<'_>) -> &[u8] {
        self.data.get(parts.value.0..parts.value.1).unwrap_or_default()
    }

    /// An entry as a version.
    pub(super) fn version(&self, parts: &Parts<'_>) -> Version {
        let Parts { seq, flags, expires_at, value, .. } = *parts;
        Version {
            seq,
            value: (flags & PUT != 0).then(|| self.data.slice(value.0..value.1)),
            expires_at: (flags & EXPIRES != 0).then_some(expires_at),
        }
    }
}

/// An entry that was searched for.
pub(super) struct Found<'a> {
    /// Where it begins.
    offset: usize,
    /// Whether its key is the one that was sought.
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
pub(super) struct Parts<'a> {
    /// Bytes of the key shared with the entry before.
    shared: usize,
    /// The rest of the key.
    suffix: &'a [u8],
    flags: u8,
    seq: Seq,
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
        Some(Self { shared, suffix, flags, seq, expires_at, value: (offset + key_end, offset + end) })
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

/// A position in a page.
#[derive(Debug, Clone)]
pub(super) struct BlockCursor {
    block: Block,
    /// Offset of the current entry; `entries_end` when there is none.
    offset: usize,
    /// Offset behind the current entry.
    next: usize,
    key: Vec<u8>,
    seq: Seq,
    flags: u8,
    expires_at: u64,
    value: (usize, usize),
}

impl BlockCursor {
    pub(super) fn new(block: Block) -> Self {
        let offset = block.entries_end;
        Self { block, offset, next: offset, key: Vec::new(), seq: 0, flags: 0, expires_at: 0, value: (0, 0) }
    }

    pub(super) fn valid(&self) -> bool {
        self.offset < self.block.entries_end
    }

    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(super) fn seq(&self) -> Seq {
        self.seq
    }

    /// Which part of the page the entry takes, from 0 to 1.
    pub(super) fn span(&self) -> (f64, f64) {
        let end = self.block.entries_end as f64;
        (self.offset as f64 / end, self.next as f64 / end)
    }

    /// The value's bytes, in place.
    pub(super) fn value(&self) -> &[u8] {
        self.block.data.get(self.value.0..self.value.1).unwrap_or_default()
    }

    pub(super) fn version(&self) -> Version {
        Version {
            seq: self.seq,
            value: (self.flags & PUT != 0).then(|| self.block.data.slice(self.value.0..self.value.1)),
            expires_at: (self.flags & EXPIRES != 0).then_some(self.expires_at),
        }
    }

    /// Decodes the entry at `self.next`; `self.key` holds the key before it.
    fn decode_next(&mut self) -> Result<()> {
        let Some(parts) = self.block.parts(self.next)? else {
            self.end();
            return Ok(());
        };
        if parts.shared > self.key.len() {
            return Err(damaged());
        }
        self.key.truncate(parts.shared);
        self.key.extend_from_slice(parts.suffix);
        let Parts { seq, flags, expires_at, value, .. } = parts;
        self.stand_at(seq, flags, expires_at, value);
        Ok(())
    }

    /// Takes the place of the entry at `self.next`, whose key is in `self.key`.
    fn stand_at(&mut self, seq: Seq, flags: u8, expires_at: u64, value: (usize, usize)) {
        (self.seq, self.flags, self.expires_at, self.value) = (seq, flags, expires_at, value);
        (self.offset, self.next) = (self.next, value.1);
    }

    /// Behind the last entry.
    fn end(&mut self) {
        (self.offset, self.next) = (self.block.entries_end, self.block.entries_end);
    }

    fn go_to(&mut self, offset: usize) -> Result<()> {
        self.key.clear();
        self.next = offset;
        self.decode_next()
    }

    /// To the first entry.
    pub(super) fn first(&mut self) -> Result<()> {
        self.go_to(0)
    }

    /// Fails unless the restarts are entries that share nothing, ascending, the first entry among them. Leaves the
    /// position undefined.
    pub(super) fn check_restarts(&mut self) -> Result<()> {
        let restarts: Vec<_> =
            (0..self.block.restart_count()).map(|index| self.block.restart(index)).collect::<Result<_>>()?;
        let mut left = restarts.iter().peekable();
        self.first()?;
        while self.valid() {
            left.next_if(|restart| **restart == self.offset);
            self.advance()?;
        }
        if left.next().is_some() || restarts.first() != Some(&0) {
            return Err(damaged());
        }
        // One that shares something does not decode by itself.
        restarts.into_iter().try_for_each(|restart| self.go_to(restart))
    }

    /// To the next entry.
    pub(super) fn advance(&mut self) -> Result<()> {
        self.decode_next()
    }

    /// To the last entry.
    pub(super) fn last(&mut self) -> Result<()> {
        let end = self.block.entries_end;
        let restart = self.block.restart(self.block.restart_count() - 1)?;
        self.go_to(restart)?;
        while self.next < end {
            self.decode_next()?;
        }
        Ok(())
    }

    /// To the entry before; invalid when there is none.
    pub(super) fn retreat(&mut self) -> Result<()> {
        let target = self.offset;
        let mut restart = self.block.restart_count();
        let mut low = 0;
        // The last restart before the target.
        while low < restart {
            let middle = usize::midpoint(low, restart);
            if self.block.restart(middle)? < target { low = middle + 1 } else { restart = middle }
        }
        let Some(restart) = low.checked_sub(1) else {
            self.offset = self.block.entries_end;
            self.next = self.offset;
            return Ok(());
        };
        self.go_to(self.block.restart(restart)?)?;
        while self.next < target {
            self.decode_next()?;
        }
        if self.next == target { Ok(()) } else { Err(damaged()) }
    }

    /// To the first entry that is not before (`key`, `seq`): a larger key, or this key no newer than `seq`.
    pub(super) fn seek(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        let Some(Found { offset, parts, .. }) = self.block.search(key, seq)? else {
            self.end();
            return Ok(());
        };
        // What is not before `key` shares with it what it shares with the entry before.
        self.key.clear();
        self.key.extend_from_slice(key.get(..parts.shared).ok_or_else(damaged)?);
        self.key.extend_from_slice(parts.suffix);
        let Parts { seq, flags, expires_at, value, .. } = parts;
        self.next = offset;
        self.stand_at(seq, flags, expires_at, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(index: usize) -> Vec<u8> {
        format!("collection/{index:05}").into_bytes()
    }

    fn version(index: usize) -> Version {
        let value = (!index.is_multiple_of(7)).then(|| Bytes::from(format!("value {index}")));
        let expires_at = (index.is_multiple_of(3) && value.is_some()).then_some(1000 + index as u64);
        Version { seq: index as u64, value, expires_at }
    }

    fn block(count: usize) -> Block {
        let mut builder = BlockBuilder::new(RestartInterval::DATA);
        for index in 0..count {
            builder.push(&key(index), &version(index));
        }
        Block::new(builder.finish().into()).unwrap()
    }

    #[test]
    fn restarts_that_are_no_entries_are_found() {
        let page = |restarts: &[u32]| {
            let mut builder = BlockBuilder::new(RestartInterval::DATA);
            (0..40).for_each(|index| builder.push(&key(index), &version(index)));
            let mut data = builder.finish();
            data.truncate(Block::new(data.clone().into()).unwrap().entries_end);
            restarts.iter().for_each(|restart| data.extend_from_slice(&restart.to_le_bytes()));
            data.extend_from_slice(&(restarts.len() as u32).to_le_bytes());
            BlockCursor::new(Block::new(data.into()).unwrap())
        };
        let sound = block(40);
        let restarts: Vec<_> = (0..3).map(|index| sound.restart(index).unwrap() as u32).collect();
        page(&restarts).check_restarts().unwrap();
        page(&restarts[..1]).check_restarts().unwrap();
        let mut second = BlockCursor::new(sound.clone());
        second.first().unwrap();
        second.advance().unwrap();
        // Descending, not the first one, in the middle of an entry, an entry that shares something, behind the entries.
        let wrong = [
            vec![0, restarts[2], restarts[1]],
            restarts[1..].to_vec(),
            vec![0, restarts[1] + 1],
            vec![0, second.offset as u32],
            vec![0, sound.entries_end as u32],
        ];
        for restarts in wrong {
            assert!(page(&restarts).check_restarts().is_err(), "{restarts:?}");
        }
    }

    #[test]
    fn reads_what_was_written_in_both_directions() {
        for count in [1, 2, 15, 16, 17, 100] {
            let mut cursor = BlockCursor::new(block(count));
            cursor.first().unwrap();
            for index in 0..count {
                assert_eq!((cursor.key(), cursor.version()), (&key(index)[..], version(index)));
                cursor.advance().unwrap();
            }
            assert!(!cursor.valid());
            cursor.last().unwrap();
            for index in (0..count).rev() {
                assert_eq!((cursor.key(), cursor.version()), (&key(index)[..], version(index)));
                cursor.retreat().unwrap();
            }
            assert!(!cursor.valid());
        }
    }

    #[test]
    fn seeks_by_key_and_sequence_number() {
        let mut cursor = BlockCursor::new(block(100));
        for index in 0..100 {
            cursor.seek(&key(index), u64::MAX).unwrap();
            assert_eq!(cursor.key(), key(index));
            cursor.seek(&key(index), index as u64).unwrap();
            assert_eq!(cursor.key(), key(index));
            if index > 0 {
                cursor.seek(&key(index), index as u64 - 1).unwrap();
                assert_eq!(cursor.valid().then(|| cursor.key().to_vec()), (index < 99).then(|| key(index + 1)));
            }
        }
        cursor.seek(b"a", 5).unwrap();
        assert_eq!(cursor.key(), key(0));
        cursor.seek(b"z", 5).unwrap();
        assert!(!cursor.valid());
    }

    #[test]
    fn a_tombstone_with_an_expiry_is_damage() {
        let mut builder = BlockBuilder::new(RestartInterval::DATA);
        builder.push(&key(0), &Version { seq: 1, value: None, expires_at: Some(77) });
        let mut cursor = BlockCursor::new(Block::new(builder.finish().into()).unwrap());
        assert!(cursor.first().is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic() {
        let whole = block(40).data;
        for index in 0..whole.len() {
            for change in [1, 0x80, 0xff] {
                let mut data = whole.to_vec();
                data[index] ^= change;
                let Ok(block) = Block::new(data.into()) else { continue };
                let mut cursor = BlockCursor::new(block);
                let _ = cursor.seek(&key(20), 20);
                let _ = cursor.last();
                let _ = cursor.retreat();
                let mut steps = 0;
                let mut more = cursor.first();
                while more.is_ok() && cursor.valid() && steps < 1000 {
                    more = cursor.advance();
                    steps += 1;
                }
                assert!(steps < 1000);
            }
        }
    }
}
