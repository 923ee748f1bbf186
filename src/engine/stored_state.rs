//! Which superblock and which manifest a damaged file is read by.

use super::engine::check_agreement;
use super::error::{Error, Result};
use super::levels::Levels;
use super::manifest::Manifest;
use crate::fs::File;
use crate::page::{Slots, Superblock, Volume};

/// A state of the file that was found.
pub(crate) struct State {
    pub(crate) superblock: Superblock,
    pub(crate) manifest: Manifest,
    pub(crate) levels: Levels,
    /// True if the superblock is whole, and not just its reference to the manifest.
    pub(crate) is_proven: bool,
    /// True if there may have been a newer one.
    pub(crate) may_be_old: bool,
}

/// The newest state whose superblock is whole and whose manifest can be read. What is wrong with newer ones is added to
/// `damage`.
pub(crate) fn proven_state<F: File>(
    volume: &mut Volume<F>,
    slots: &Slots,
    damage: &mut Vec<Error>,
) -> Result<Option<State>> {
    damage.extend(slots.damaged.iter().cloned().map(Error::from));
    let mut may_be_old = slots.may_miss_newest;
    for superblock in &slots.valid {
        volume.adopt(superblock);
        let loaded = Manifest::load(volume, superblock.manifest)
            .and_then(|loaded| check_agreement(superblock, &loaded.1).map(|()| loaded));
        match loaded {
            Ok((manifest, levels)) => {
                if volume.file_len() < superblock.file_len {
                    let (is, wanted) = (volume.file_len(), superblock.file_len);
                    damage.push(Error::corrupt("file: it was cut off", format_args!("{is} bytes of {wanted}")));
                }
                let superblock = superblock.clone();
                return Ok(Some(State { superblock, manifest, levels, is_proven: true, may_be_old }));
            }
            Err(error @ Error::Corrupt { .. }) => damage.push(error),
            Err(error) => return Err(error),
        }
        may_be_old = true;
    }
    Ok(None)
}

/// The newest manifest that a damaged slot still leads to. Its reference holds the manifest's tag: what it leads to was
/// once written as the manifest of this file, whatever else is wrong with the slot.
pub(crate) fn hinted_state<F: File>(volume: &mut Volume<F>, slots: &Slots) -> Result<Option<State>> {
    let mut newest: Option<State> = None;
    for hint in slots.hints.iter().filter(|hint| hint.manifest.address != 0) {
        volume.adopt(hint);
        match Manifest::load(volume, hint.manifest) {
            Ok((manifest, levels)) => {
                let is_newer = newest.as_ref().is_none_or(|state| state.manifest.head.number < manifest.head.number);
                if is_newer {
                    let superblock = hint.clone();
                    newest = Some(State { superblock, manifest, levels, is_proven: false, may_be_old: true });
                }
            }
            Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(state) = &newest {
        volume.adopt(&state.superblock);
    }
    Ok(newest)
}
