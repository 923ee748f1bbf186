//! A log frame: a sealed 64-byte header and, for commits, a payload.
//!
//! ```text
//! 0  u8   kind: 16 segment header, 17 commit, 18 link
//! 1  u8   zero
//! 2  u16  bits 0 to 14, attempt: how many writes of the log have failed in this generation
//!         bit 15, commit: the group goes on with the next one
//! 4  u32  commit: length of the payload; segment header: length of the segment; link: length of the next segment
//! 8  u64  generation
//! 16 u64  commit: number of the frame; segment header: index of the segment; link: number of the next commit frame
//! 24 u64  commit: sequence number; segment header: number of the first frame; link: address of the next segment
//! 32 u64  synced_seq
//! 40 [8]  first bytes of the tag of the commit frame before
//! 48 [16] tag
//! ```

use std::ops::Range;

use crate::page::codec::Reader;
use crate::page::{PAGE_HEADER_LEN, Place, PlaceKind, Seal, Tag};

pub(super) const FRAME_HEADER_LEN: usize = PAGE_HEADER_LEN;
/// Frames begin at multiples of this.
pub(super) const FRAME_ALIGNMENT: usize = 16;
/// Where the link slot is in a segment.
pub(super) const LINK_SLOT: usize = FRAME_HEADER_LEN;
/// Where the first commit frame is in a segment.
pub(super) const SEGMENT_DATA: usize = 2 * FRAME_HEADER_LEN;

/// The last attempt: nothing is sealed with it.
pub(super) const ATTEMPT_MAX: u16 = GOES_ON - 1;

const ATTEMPT: Range<usize> = 2..4;
/// Beside the attempt, so that it is part of the nonce, and readers that do not know of it pass over it.
const GOES_ON: u16 = 1 << 15;
const PREVIOUS: Range<usize> = 40..48;

/// The fields of a frame's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: PlaceKind,
    /// Makes what is written again after a failure another thing than the first: what the first left behind it cannot be
    /// taken for what follows, and in an encrypted file the nonce is another one.
    pub(super) attempt: u16,
    /// Of a commit: its group goes on with the next one. Without its last commit nothing of a group counts.
    pub(super) goes_on: bool,
    pub(super) len: u32,
    pub(super) generation: u64,
    pub(super) number: u64,
    pub(super) seq: u64,
    pub(super) synced_seq: u64,
    pub(super) previous: [u8; 8],
}

/// The part of a tag that the next frame repeats.
pub(super) fn chain(tag: &Tag) -> [u8; 8] {
    tag.first_chunk().copied().unwrap_or_default()
}

/// The attempt as it lies in a header.
fn with_flag(attempt: u16, goes_on: bool) -> u16 {
    attempt | if goes_on { GOES_ON } else { 0 }
}

impl Frame {
    /// Appends the frame, sealed for its place.
    pub(super) fn append(&self, out: &mut Vec<u8>, payload: &[u8], place: Place, seal: &dyn Seal) -> Tag {
        let start = out.len();
        self.append_open(out, payload);
        seal.seal(place, out.get_mut(start..start + FRAME_HEADER_LEN + payload.len()).unwrap_or_default())
    }

    /// Appends the frame, to be sealed later.
    pub(super) fn append_open(&self, out: &mut Vec<u8>, payload: &[u8]) {
        let start = out.len();
        out.extend_from_slice(&[self.kind as u8, 0]);
        out.extend_from_slice(&with_flag(self.attempt, self.goes_on).to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
        for field in [self.generation, self.number, self.seq, self.synced_seq] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&self.previous);
        out.resize(start + FRAME_HEADER_LEN, 0);
        out.extend_from_slice(payload);
        out.resize(out.len().next_multiple_of(FRAME_ALIGNMENT), 0);
    }

    /// Seals a frame that was appended open, behind the frame with the tag `previous`.
    pub(super) fn seal_open(
        frame: &mut [u8],
        attempt: u16,
        previous: &Tag,
        goes_on: bool,
        place: Place,
        seal: &dyn Seal,
    ) -> Tag {
        frame[ATTEMPT].copy_from_slice(&with_flag(attempt, goes_on).to_le_bytes());
        frame[PREVIOUS].copy_from_slice(&chain(previous));
        seal.seal(place, frame)
    }

    /// Decodes a header without checking its tag.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes.get(..FRAME_HEADER_LEN)?);
        let kind = match reader.u8()? {
            16 => PlaceKind::LogSegment,
            17 => PlaceKind::LogFrame,
            18 => PlaceKind::LogLink,
            _ => return None,
        };
        if reader.u8()? != 0 {
            return None;
        }
        let attempt = reader.u16()?;
        Some(Self {
            kind,
            attempt: attempt & ATTEMPT_MAX,
            goes_on: kind == PlaceKind::LogFrame && attempt & GOES_ON != 0,
            len: reader.u32()?,
            generation: reader.u64()?,
            number: reader.u64()?,
            seq: reader.u64()?,
            synced_seq: reader.u64()?,
            previous: reader.bytes(8)?.try_into().ok()?,
        })
    }

    /// Length with payload and padding.
    pub(super) fn padded_len(&self) -> usize {
        let payload = if self.kind == PlaceKind::LogFrame { self.len as usize } else { 0 };
        (FRAME_HEADER_LEN + payload).next_multiple_of(FRAME_ALIGNMENT)
    }

    /// Length with payload, without padding: what is sealed.
    pub(super) fn sealed_len(&self) -> usize {
        FRAME_HEADER_LEN + if self.kind == PlaceKind::LogFrame { self.len as usize } else { 0 }
    }
}
