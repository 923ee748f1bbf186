//! The one seam through which pages and log frames are protected.
//!
//! A sealed thing is a 64-byte header followed by a payload; the last 16 bytes of the header are its tag. A plain
//! file's tag is a checksum. An encrypted file's is the tag of the [AEAD](super::aead_seal), which also encrypts the
//! payload; the header has room for the key epoch and the nonce, so that both kinds share one format.

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::layout::PAGE_HEADER_LEN;

/// Length of a tag.
pub const TAG_LEN: usize = 16;
/// Where the tag is in a sealed header.
pub const TAG_OFFSET: usize = PAGE_HEADER_LEN - TAG_LEN;

/// A checksum or an authentication tag.
pub type Tag = [u8; TAG_LEN];

/// The kind of a sealed thing. The numbers are part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum PlaceKind {
    /// Sorted entries of a table.
    Data = 1,
    /// References to pages of a table.
    Index = 2,
    /// A table's filter.
    Filter = 3,
    /// Edits of the manifest.
    Manifest = 4,
    /// The first bytes of a log segment.
    LogSegment = 16,
    /// A commit in the log.
    LogFrame = 17,
    /// The address of the next log segment.
    LogLink = 18,
}

impl PlaceKind {
    /// True if it is a page, and not a part of the log.
    pub fn is_page(self) -> bool {
        matches!(self, Self::Data | Self::Index | Self::Filter | Self::Manifest)
    }
}

/// Where a sealed thing belongs. A tag holds only at its own place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The kind.
    pub kind: PlaceKind,
    /// The table's id, the log's generation, or the manifest page's number.
    pub owner: u64,
    /// The offset inside the table's extent, the frame's number, the segment's index.
    pub offset: u64,
    /// The log generation's salt; zero elsewhere.
    pub salt: [u8; 16],
    /// The key epoch of the log generation; zero elsewhere and in plain files. The key implies it: it is not part of the
    /// sealed place.
    pub epoch: u32,
}

impl Place {
    /// A place without a salt.
    pub fn new(kind: PlaceKind, owner: u64, offset: u64) -> Self {
        Self { kind, owner, offset, salt: [0; 16], epoch: 0 }
    }

    /// Length as bytes.
    pub(super) const LEN: usize = 49;

    pub(super) fn to_bytes(self, file_id: &[u8; 16]) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let (file, rest) = out.split_at_mut(16);
        file.copy_from_slice(file_id);
        let (salt, rest) = rest.split_at_mut(16);
        salt.copy_from_slice(&self.salt);
        let (owner, rest) = rest.split_at_mut(8);
        owner.copy_from_slice(&self.owner.to_le_bytes());
        let (offset, kind) = rest.split_at_mut(8);
        offset.copy_from_slice(&self.offset.to_le_bytes());
        kind.copy_from_slice(&[self.kind as u8]);
        out
    }
}

/// Protects pages and log frames against damage and, in encrypted files, against readers and forgers.
pub trait Seal {
    /// Seals a header and its payload in place, and fills in the header's tag.
    fn seal(&self, place: Place, sealed: &mut [u8]) -> Tag;

    /// Checks a sealed header and payload, and makes the payload readable in place. False when the tag does not
    /// hold at this place; then nothing was changed.
    fn open(&self, place: Place, sealed: &mut [u8]) -> bool;

    /// True if headers of pages have an epoch and a nonce. They are zero otherwise.
    fn has_nonces(&self) -> bool;
}

/// The seal of a plain file: XXH3-128 over header and payload, seeded with the place.
#[derive(Debug, Clone, Copy)]
pub struct ChecksumSeal {
    file_id: [u8; 16],
}

impl ChecksumSeal {
    /// A seal for the file with this id.
    pub fn new(file_id: [u8; 16]) -> Self {
        Self { file_id }
    }

    fn tag(&self, place: Place, sealed: &[u8]) -> Tag {
        let seed = xxh3_64(&place.to_bytes(&self.file_id));
        let mut hasher = Xxh3::with_seed(seed);
        hasher.update(sealed.get(..TAG_OFFSET).unwrap_or_default());
        hasher.update(sealed.get(PAGE_HEADER_LEN..).unwrap_or_default());
        hasher.digest128().to_le_bytes()
    }
}

impl Seal for ChecksumSeal {
    fn seal(&self, place: Place, sealed: &mut [u8]) -> Tag {
        assert!(sealed.len() >= PAGE_HEADER_LEN, "a sealed thing begins with its header");
        let tag = self.tag(place, sealed);
        sealed[TAG_OFFSET..PAGE_HEADER_LEN].copy_from_slice(&tag);
        tag
    }

    fn open(&self, place: Place, sealed: &mut [u8]) -> bool {
        let tag = self.tag(place, sealed);
        sealed.get(TAG_OFFSET..PAGE_HEADER_LEN) == Some(&tag[..])
    }

    fn has_nonces(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { kind: PlaceKind::Data, owner: 7, offset: 64, salt: [3; 16], epoch: 0 }
    }

    #[test]
    fn a_seal_holds_only_for_its_bytes_and_at_its_place() {
        let seal = ChecksumSeal::new([1; 16]);
        let mut page = vec![5; 200];
        seal.seal(place(), &mut page);
        assert!(seal.open(place(), &mut page.clone()));
        for index in 0..page.len() {
            let mut damaged = page.clone();
            damaged[index] ^= 1;
            assert!(!seal.open(place(), &mut damaged), "byte {index}");
        }
        for elsewhere in [
            Place { kind: PlaceKind::Index, ..place() },
            Place { owner: 8, ..place() },
            Place { offset: 0, ..place() },
            Place { salt: [4; 16], ..place() },
        ] {
            assert!(!seal.open(elsewhere, &mut page.clone()), "{elsewhere:?}");
        }
        assert!(!ChecksumSeal::new([2; 16]).open(place(), &mut page));
    }
}
