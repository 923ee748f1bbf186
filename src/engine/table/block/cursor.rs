//! A position in a page.

use super::{Block, Content, Found, damaged};
use crate::engine::entry::{Seq, Version};
use crate::engine::error::Result;

/// A position in a page.
#[derive(Debug, Clone)]
pub(crate) struct BlockCursor {
    block: Block,
    /// Offset of the current entry; `entries_end` when there is none.
    pub(super) offset: usize,
    /// Offset behind the current entry.
    next: usize,
    key: Vec<u8>,
    content: Content,
}

impl BlockCursor {
    pub(crate) fn new(block: Block) -> Self {
        let offset = block.entries_end;
        Self { block, offset, next: offset, key: Vec::new(), content: Content::default() }
    }

    pub(crate) fn valid(&self) -> bool {
        self.offset < self.block.entries_end
    }

    pub(crate) fn key(&self) -> &[u8] {
        &self.key
    }

    pub(crate) fn seq(&self) -> Seq {
        self.content.seq
    }

    /// Which part of the page the entry takes, from 0 to 1.
    pub(crate) fn span(&self) -> (f64, f64) {
        let end = self.block.entries_end as f64;
        (self.offset as f64 / end, self.next as f64 / end)
    }

    /// The value's bytes, in place.
    pub(crate) fn value(&self) -> &[u8] {
        self.block.value(self.content)
    }

    pub(crate) fn version(&self) -> Version {
        self.block.version(self.content)
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
        let content = parts.content;
        self.stand_at(content);
        Ok(())
    }

    /// Takes the place of the entry at `self.next`, whose key is in `self.key`.
    fn stand_at(&mut self, content: Content) {
        self.content = content;
        (self.offset, self.next) = (self.next, content.value.1);
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
    pub(crate) fn first(&mut self) -> Result<()> {
        self.go_to(0)
    }

    /// Fails unless the restarts are entries that share nothing, ascending, the first entry among them. Leaves the
    /// position undefined.
    pub(crate) fn check_restarts(&mut self) -> Result<()> {
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
    pub(crate) fn advance(&mut self) -> Result<()> {
        self.decode_next()
    }

    /// To the last entry.
    pub(crate) fn last(&mut self) -> Result<()> {
        let end = self.block.entries_end;
        let restart = self.block.restart(self.block.restart_count() - 1)?;
        self.go_to(restart)?;
        while self.next < end {
            self.decode_next()?;
        }
        Ok(())
    }

    /// To the entry before; invalid when there is none.
    pub(crate) fn retreat(&mut self) -> Result<()> {
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
    pub(crate) fn seek(&mut self, key: &[u8], seq: Seq) -> Result<()> {
        let Some(Found { offset, parts, .. }) = self.block.search(key, seq)? else {
            self.end();
            return Ok(());
        };
        // What is not before `key` shares with it what it shares with the entry before.
        self.key.clear();
        self.key.extend_from_slice(key.get(..parts.shared).ok_or_else(damaged)?);
        self.key.extend_from_slice(parts.suffix);
        let content = parts.content;
        self.next = offset;
        self.stand_at(content);
        Ok(())
    }
}
