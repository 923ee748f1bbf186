//! Reads the log that was found in the file.

use std::cell::Cell;
use std::collections::BTreeMap;

use rustc_hash::FxHashSet;

use super::frame::{FRAME_ALIGNMENT, FRAME_HEADER_LEN, Frame, LINK_SLOT, SEGMENT_DATA, chain};
use crate::engine::batch::Batch;
use crate::engine::entry::Seq;
use crate::engine::error::{Error, Result};
use crate::fs::File;
use crate::page::{BLOCK_LEN, Extent, FreeSet, Place, PlaceKind, Superblock, TAG_OFFSET, Tag, Volume};

/// The content of the log.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The newest commit.
    pub(crate) last_seq: Seq,
    /// Blocks of its segments.
    pub(crate) extents: Vec<Extent>,
}

/// Replays the log behind `superblock`, and hands each commit to `apply`, those of a group once its last one was found.
/// `used` is where there is something else than log.
///
/// # Errors
/// [`Error::Corrupt`] when a commit is missing that was durable; a torn tail is not an error.
pub(crate) fn recover<F: File>(
    volume: &Volume<F>,
    superblock: &Superblock,
    used: &[Extent],
    apply: impl FnMut(Batch, Seq),
) -> Result<Recovered> {
    let mut damage = Vec::new();
    let recovered = recover_to_break(volume, superblock, used, &mut damage, apply)?;
    damage.into_iter().next().map_or(Ok(recovered), Err)
}

/// The same, but what is missing is added to `damage`, and what was found before it counts.
pub(crate) fn recover_to_break<F: File>(
    volume: &Volume<F>,
    superblock: &Superblock,
    used: &[Extent],
    damage: &mut Vec<Error>,
    apply: impl FnMut(Batch, Seq),
) -> Result<Recovered> {
    let mut reader = LogReader {
        volume,
        generation: superblock.log.generation,
        salt: superblock.log.salt,
        key_epoch: superblock.log.key_epoch,
        next_frame: superblock.log.frame_number,
        tag: superblock.log.previous_tag,
        last_seq: superblock.flushed_seq,
        group: Vec::new(),
        extents: Vec::new(),
        taken: BTreeMap::new(),
        patience: Cell::new(volume.file_len().saturating_mul(CHECKED_PER_BYTE)),
    };
    let end = match reader.replay(superblock, apply) {
        Err(error @ Error::Corrupt { .. }) => {
            damage.push(error);
            None
        }
        end => end?,
    };
    let mut proven = superblock.synced_seq;
    if let Some((segment, position)) = end {
        let index = segment.index;
        proven = proven.max(reader.proven_behind(segment, position)?).max(reader.proven_elsewhere(index, used)?);
    }
    if proven > reader.last_seq {
        let what = "log: a commit that was durable is missing";
        damage.push(Error::corrupt(what, format_args!("commit {}, of {proven}", reader.last_seq + 1)));
    }
    Ok(Recovered { last_seq: reader.last_seq, extents: reader.extents })
}

/// Free blocks that are searched for segments that nothing leads to: 256 MiB of them, lowest first, where segments are
/// allocated.
const BLOCKS_SEARCHED_MAX: usize = 4096;
/// How often a byte behind the end of the log may be looked at: a document can be full of what looks like frames.
const CHECKED_PER_BYTE: u64 = 16;

/// A segment as it was read.
struct Segment {
    address: u64,
    len: u64,
    index: u64,
    /// Fewer than its length where the file ends before.
    bytes: Vec<u8>,
}

struct LogReader<'a, F> {
    volume: &'a Volume<F>,
    generation: u64,
    salt: [u8; 16],
    key_epoch: u32,
    next_frame: u64,
    tag: Tag,
    /// The newest commit of a group that is whole.
    last_seq: Seq,
    /// The commits after it, whose group continues.
    group: Vec<Batch>,
    extents: Vec<Extent>,
    /// The same, by where they begin: where they end.
    taken: BTreeMap<u64, u64>,
    /// Bytes that may still be read and hashed behind the end of the log. In a forged file each block may begin a segment
    /// that claims all of the file.
    patience: Cell<u64>,
}

impl<F: File> LogReader<'_, F> {
    fn place(&self, kind: PlaceKind, offset: u64) -> Place {
        Place { kind, owner: self.generation, offset, salt: self.salt, epoch: self.key_epoch }
    }

    /// Reads what the file has of a segment.
    fn read_segment(&self, address: u64, len: u64, index: u64) -> Result<Option<Segment>> {
        // A crash may lose the file's growth and keep what was written first into it: were it not read now, it would come
        // up later, when the file has grown again.
        let in_file = self.volume.file_len().saturating_sub(address).min(len);
        if !Extent::for_len(address, len).is_valid() || in_file == 0 {
            return Ok(None);
        }
        let mut bytes = vec![0; in_file as usize];
        let count = self.volume.read(&mut bytes, address)?;
        bytes.truncate(count);
        Ok(Some(Segment { address, len, index, bytes }))
    }

    /// Follows the chain to its end, and gives the place where it broke off.
    fn replay(
        &mut self,
        superblock: &Superblock,
        mut apply: impl FnMut(Batch, Seq),
    ) -> Result<Option<(Segment, usize)>> {
        let start = superblock.log;
        if start.address == 0 {
            return Ok(None);
        }
        let is_whole = start.address.checked_add(start.len).is_some_and(|end| end <= self.volume.file_len());
        let segment = self.read_segment(start.address, start.len, start.segment_index)?;
        let Some(mut segment) = segment.filter(|_| is_whole) else {
            return Err(Error::corrupt(
                "superblock: its log is not in the file",
                format_args!("offset {}", start.address),
            ));
        };
        self.take(Extent::for_len(start.address, start.len));
        if !self.is_head_valid(&segment) {
            return Ok(Some((segment, 0)));
        }
        loop {
            let position = self.replay_segment(&segment, &mut apply)?;
            let Some((address, len)) = self.link(&segment, position) else {
                return Ok(Some((segment, position)));
            };
            let Some(next) = self.read_segment(address, len, segment.index + 1)? else {
                return Ok(Some((segment, position)));
            };
            let extent = Extent::for_len(address, len);
            let is_taken = self.taken.range(..extent.end()).next_back().is_some_and(|(_, &end)| extent.address < end);
            // A link may stand where the segment was never written; its place may have been given to something else.
            if is_taken || !self.is_head_valid(&next) {
                return Ok(Some((segment, position)));
            }
            self.take(extent);
            segment = next;
        }
    }

    fn take(&mut self, extent: Extent) {
        self.extents.push(extent);
        self.taken.insert(extent.address, extent.end());
    }

    /// Takes the cost of looking at a segment again, a block at least. False when there was enough of that.
    fn spend(&self, bytes: u64) -> bool {
        let left = self.patience.get().checked_sub(bytes.max(BLOCK_LEN));
        self.patience.set(left.unwrap_or(0));
        left.is_some()
    }

    fn is_head_valid(&self, segment: &Segment) -> bool {
        let place = self.place(PlaceKind::LogSegment, segment.index);
        let len = segment.len;
        self.open(&segment.bytes, 0, place).is_some_and(|(head, ..)| {
            u64::from(head.len) == len
                && head.number == segment.index
                && head.seq == self.next_frame
                && head.previous == chain(&self.tag)
        })
    }

    /// Checks the frame at `offset`; gives its header, its tag, and itself, opened.
    fn open(&self, bytes: &[u8], offset: usize, place: Place) -> Option<(Frame, Tag, Vec<u8>)> {
        let bytes = bytes.get(offset..)?;
        let frame = Frame::decode(bytes)?;
        if frame.kind != place.kind || frame.generation != self.generation {
            return None;
        }
        // What is looked at twice must not be decrypted in between.
        let mut opened = bytes.get(..frame.sealed_len())?.to_vec();
        if !self.volume.seal().open(place, &mut opened) {
            return None;
        }
        Some((frame, opened.get(TAG_OFFSET..FRAME_HEADER_LEN)?.try_into().ok()?, opened))
    }

    fn replay_segment(&mut self, segment: &Segment, apply: &mut impl FnMut(Batch, Seq)) -> Result<usize> {
        let mut position = SEGMENT_DATA;
        loop {
            let place = self.place(PlaceKind::LogFrame, self.next_frame);
            let Some((frame, tag, opened)) = self.open(&segment.bytes, position, place) else { return Ok(position) };
            if frame.number != self.next_frame || frame.previous != chain(&self.tag) {
                return Ok(position);
            }
            let payload = opened.get(FRAME_HEADER_LEN..);
            let expected = self.last_seq + self.group.len() as u64 + 1;
            let batch = payload.and_then(Batch::decode).filter(|_| frame.seq == expected);
            let Some(batch) = batch else {
                let at = format_args!("offset {}, although its checksum holds", segment.address + position as u64);
                return Err(Error::corrupt("log frame", at));
            };
            self.group.push(batch);
            if !frame.goes_on {
                for batch in self.group.drain(..) {
                    self.last_seq += 1;
                    apply(batch, self.last_seq);
                }
            }
            self.next_frame += 1;
            self.tag = tag;
            position += frame.padded_len();
        }
    }

    /// The segment behind this one, when the chain ended at its link.
    fn link(&self, segment: &Segment, position: usize) -> Option<(u64, u64)> {
        let place = self.place(PlaceKind::LogLink, segment.index);
        [position, LINK_SLOT].into_iter().find_map(|offset| {
            let (link, ..) = self.open(&segment.bytes, offset, place)?;
            (link.number == self.next_frame && link.previous == chain(&self.tag))
                .then_some((link.seq, u64::from(link.len)))
        })
    }

    /// The newest commit that any valid frame behind the end of the chain says was durable.
    fn proven_behind(&self, mut segment: Segment, mut position: usize) -> Result<Seq> {
        let mut proven = 0;
        let mut visited = FxHashSet::default();
        loop {
            if !self.spend(segment.bytes.len() as u64) {
                return Ok(proven);
            }
            visited.insert(segment.address);
            let (found, next) = self.scan(&segment, position);
            proven = proven.max(found);
            let Some((address, len)) = next.filter(|(address, _)| !visited.contains(address)) else {
                return Ok(proven);
            };
            // The index may be one that a forged header says.
            let index = segment.index.saturating_add(1);
            let Some(next) = self.read_segment(address, len, index)? else { return Ok(proven) };
            segment = next;
            position = 0;
        }
    }

    /// The same of segments behind the one with this index that nothing leads to: what led there may be damaged. A
    /// segment begins where a block does.
    fn proven_elsewhere(&self, index: u64, used: &[Extent]) -> Result<Seq> {
        let all = used.iter().chain(&self.extents).copied().collect();
        // Where two things claim one place, opening fails anyway.
        let Some(free) = FreeSet::derive(all) else { return Ok(0) };
        let tail = Extent::for_len(free.end(), self.volume.file_len().saturating_sub(free.end()));
        let runs = free.runs().iter().copied().chain([tail]);
        let blocks = runs.flat_map(|run| (0..run.blocks).map(move |block| run.address + block * BLOCK_LEN));
        let mut proven = 0;
        for address in blocks.take(BLOCKS_SEARCHED_MAX) {
            if self.patience.get() == 0 {
                break;
            }
            let mut header = vec![0; FRAME_HEADER_LEN];
            let count = self.volume.read(&mut header, address)?;
            header.truncate(count);
            if let Some(head) = Frame::decode(&header).filter(|head| head.number > index)
                && self.open(&header, 0, self.place(PlaceKind::LogSegment, head.number)).is_some()
                && let Some(segment) = self.read_segment(address, u64::from(head.len), head.number)?
            {
                proven = proven.max(self.proven_behind(segment, 0)?);
            }
        }
        Ok(proven)
    }

    /// Looks for valid frames anywhere behind `position`, and for a link.
    fn scan(&self, segment: &Segment, position: usize) -> (Seq, Option<(u64, u64)>) {
        let mut proven = 0;
        let mut next = None;
        let mut offset = 0;
        // What looks like a header costs a checksum of as many bytes as it says.
        let mut left = (CHECKED_PER_BYTE * segment.bytes.len() as u64).min(self.patience.get()) as usize;
        let before = left;
        while offset + FRAME_HEADER_LEN <= segment.bytes.len() {
            let header =
                segment.bytes.get(offset..).and_then(Frame::decode).filter(|f| f.generation == self.generation);
            let is_looked_at =
                |header: &Frame| (offset >= position || offset == LINK_SLOT) && header.sealed_len() <= left;
            if let Some(header) = header.filter(is_looked_at) {
                left -= header.sealed_len();
                let place = match header.kind {
                    PlaceKind::LogFrame => self.place(header.kind, header.number),
                    kind => self.place(kind, segment.index),
                };
                if let Some((frame, ..)) = self.open(&segment.bytes, offset, place) {
                    proven = proven.max(frame.synced_seq);
                    if frame.kind == PlaceKind::LogLink {
                        next = Some((frame.seq, u64::from(frame.len)));
                    }
                }
            }
            offset += FRAME_ALIGNMENT;
        }
        self.patience.set(self.patience.get() - (before - left) as u64);
        (proven, next)
    }
}
