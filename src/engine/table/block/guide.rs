//! What a page that is kept in memory has beside it, so that a search looks at few places: of each restart's key the eight
//! bytes behind those that all of them have in common, one after the other.
//!
//! ```text
//! the bytes that the keys of all restarts begin with
//! u64      the next eight bytes of each restart's key, as a number; zeros behind its end
//! ```

use std::cmp::Ordering;

use bytes::Bytes;

use super::{Block, damaged};
use crate::engine::compare::{common_len, compare};
use crate::engine::error::Result;

const HEAD_LEN: usize = 8;

/// The guide to a page; empty to one of a single restart, and to what is damaged.
pub(crate) fn guide_to(page: &Bytes) -> Bytes {
    Block::new(page.clone()).and_then(|block| of(&block)).unwrap_or_default()
}

fn of(block: &Block) -> Result<Bytes> {
    let key = |index| block.restart_key(block.restart(index)?).map(|(key, _)| key).ok_or_else(damaged);
    let count = block.restart_count();
    if count < 2 {
        return Ok(Bytes::new());
    }
    let (first, last) = (key(0)?, key(count - 1)?);
    let common = common_len(first, last);
    let mut guide = Vec::with_capacity(common + HEAD_LEN * count);
    guide.extend_from_slice(&first[..common]);
    for index in 0..count {
        guide.extend_from_slice(&head(key(index)?.get(common..).unwrap_or_default()).to_le_bytes());
    }
    Ok(guide.into())
}

fn head(key: &[u8]) -> u64 {
    let mut head = [0; HEAD_LEN];
    let len = key.len().min(HEAD_LEN);
    head[..len].copy_from_slice(&key[..len]);
    u64::from_be_bytes(head)
}

/// Between which of `count` restarts a search goes on: the first of the two is before `key`, unless it is 0; the second, and
/// those behind it, are not. `None` without a guide.
pub(super) fn narrow(guide: &[u8], count: usize, key: &[u8]) -> Option<(usize, usize)> {
    let (common, heads) = guide.split_at_checked(guide.len().checked_sub(HEAD_LEN * count)?)?;
    let (heads, _) = heads.as_chunks::<HEAD_LEN>();
    let (front, rest) = key.split_at(key.len().min(common.len()));
    let (before, not_behind) = match compare(front, common) {
        Ordering::Less => (0, 0),
        Ordering::Greater => (count, count),
        Ordering::Equal => {
            let head = head(rest);
            let before = heads.partition_point(|other| u64::from_le_bytes(*other) < head);
            let same = heads[before..].iter().take_while(|other| u64::from_le_bytes(**other) == head).count();
            (before, before + same)
        }
    };
    Some((before.saturating_sub(1), not_behind.max(1)))
}
