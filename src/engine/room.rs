//! The space that a writer may use: an ordinary write leaves a reserve.

use super::error::{Error, Result};
use crate::fs;
use crate::page::{Extent, FreeSet};

/// True if the host has no more space.
pub(crate) fn is_full(error: &Error) -> bool {
    matches!(error, Error::Fs(fs::Error::StorageFull { .. }))
}

/// The space that may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Ordinary,
    /// All space: the reserve, too, if there is no other.
    All,
}

/// Allocates an extent for `len` bytes and lets `write` fill it; where the host has no space for it, and all room may be
/// used, from the reserve.
pub(crate) fn allocate_with<T>(
    free: &mut FreeSet,
    len: u64,
    room: Room,
    write: impl Fn(Extent) -> Result<T>,
) -> Result<(Extent, T)> {
    let blocks = Extent::for_len(0, len).blocks;
    let attempt = |free: &mut FreeSet, extent| match write(extent) {
        Ok(written) => Ok((extent, written)),
        Err(error) => {
            free.release(extent);
            Err(error)
        }
    };
    let extent = free.allocate(blocks);
    match attempt(free, extent) {
        Err(error) if is_full(&error) && room == Room::All => match free.allocate_reserved(blocks) {
            Some(extent) => attempt(free, extent),
            None => Err(error),
        },
        outcome => outcome,
    }
}
