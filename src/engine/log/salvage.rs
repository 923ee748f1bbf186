//! Reading a log beyond what is damaged in it.
//!
//! A frame proves by its tag that it was written for its number in this generation. That is not enough to believe it: a
//! write of frames that failed may have left some of its frames behind, and their commits were taken back (see
//! "When a write of frames fails" in `docs/format.md`). While the chain is whole it tells them apart: their chain leads to
//! a frame that is not there. Behind a gap it does not, so a run of frames that follow each other is believed only when
//! it is *proven*, by one of these:
//!
//! - Its first frame says that the commit before it was durable. Then it was not appended together with the frame that is
//!   lost before it, but is the first of its own write; and when a write fails, the first frame of it is made zero.
//! - A frame in the run says that the run's first commit was durable, and durable commits are not rolled back.
//! - In the same segment a link or a proven run follows. Frames of one segment lie one behind the other, so everything
//!   between two that hold lies where only frames that hold can lie.
//!
//! In any case numbers and sequence numbers must rise, and the count of failed writes must not fall. What is not proven
//! is left out: a commit too few can be told, one too many cannot.
//!
//! A group that lacks its last commits was cut short, or is damaged. It is damaged when a run that is believed follows, or when
//! one of its commits is proven durable: then the commits that are there are recovered, and the others are told as lost.
//! Otherwise nothing of it counts, as when a file is opened.

use std::collections::BTreeMap;

use super::frame::{FRAME_ALIGNMENT, FRAME_HEADER_LEN, Frame, LINK_SLOT, SEGMENT_DATA, chain};
use crate::engine::batch::Batch;
use crate::engine::entry::Seq;
use crate::engine::error::Result;
use crate::fs::File;
use crate::page::{BLOCK_LEN, Extent, HEADER_LEN, LogStart, Place, PlaceKind, TAG_OFFSET, Tag, Volume};

/// The content of a damaged log.
#[derive(Debug, Default)]
pub(crate) struct SalvagedLog {
    /// The newest commit that was read.
    pub(crate) last_seq: Seq,
    /// Commits that are missing though they were durable: from, to, and the address where they should be.
    pub(crate) lost: Vec<(Seq, Seq, u64)>,
    /// Where a commit or a group is that is not whole and that nothing proves to have been durable: a write that was cut short, or
    /// damage.
    pub(crate) doubtful: Option<u64>,
    /// True if anything of this log was found.
    pub(crate) is_found: bool,
}

/// A frame that verifies.
#[derive(Debug, Clone, Copy)]
struct Found {
    segment: u64,
    offset: usize,
    frame: Frame,
    tag: Tag,
}

/// Frames that follow each other.
#[derive(Debug)]
struct Run {
    frames: Vec<Found>,
    is_proven: bool,
}

impl Run {
    fn first(&self) -> &Found {
        &self.frames[0]
    }

    fn last(&self) -> &Found {
        &self.frames[self.frames.len() - 1]
    }

    fn is_proven_by_itself(&self) -> bool {
        let first = &self.first().frame;
        first.synced_seq.saturating_add(1) >= first.seq
            || self.frames.iter().any(|found| found.frame.synced_seq >= first.seq)
    }
}

/// Bytes that may be hashed in vain, beside eight times those of the log: only a forged file has more of them.
const PATIENCE: u64 = 64 << 20;

/// Replays what can be proven of the log that begins at `start`, behind the commit `flushed_seq` where that is known.
/// `synced_seq` is known to have been durable.
pub(crate) fn salvage_log<F: File>(
    volume: &Volume<F>,
    start: &LogStart,
    flushed_seq: Option<Seq>,
    synced_seq: Seq,
    mut apply: impl FnMut(Batch, Seq),
) -> Result<SalvagedLog> {
    let mut reader = Reader {
        volume,
        start,
        segments: BTreeMap::new(),
        runs: Vec::new(),
        links: Vec::new(),
        proven: synced_seq,
        patience: PATIENCE,
    };
    reader.find_segments()?;
    reader.read_segments()?;
    reader.prove(flushed_seq);
    let mut log = SalvagedLog { last_seq: flushed_seq.unwrap_or(0), ..SalvagedLog::default() };
    let mut position = (start.address, SEGMENT_DATA as u64);
    let mut end = (start.frame_number, start.previous_tag);
    let mut is_cut_short = false;
    let runs = reader.believed(log.last_seq);
    for (index, run) in runs.iter().enumerate() {
        let is_last = index + 1 == runs.len();
        let whole = if is_last { reader.whole_groups(run) } else { run.frames.len() };
        let mut bytes = Vec::new();
        for found in &run.frames[..whole] {
            let Some(batch) = reader.batch(found, &mut bytes)? else { break };
            let address = reader.address(found);
            let expected = log.last_seq.saturating_add(1);
            if found.frame.seq > expected && (log.is_found || flushed_seq.is_some()) {
                log.lost.push((expected, found.frame.seq - 1, position.0.saturating_add(position.1)));
            }
            apply(batch, found.frame.seq);
            log.last_seq = found.frame.seq;
            log.is_found = true;
            end = (found.frame.number.saturating_add(1), found.tag);
            position = (address, found.frame.padded_len() as u64);
        }
        is_cut_short |= whole < run.frames.len();
    }
    let end_address = position.0.saturating_add(position.1);
    if reader.proven > log.last_seq {
        log.lost.push((log.last_seq.saturating_add(1), reader.proven, end_address));
    } else if is_cut_short || reader.is_broken_frame(end_address, end)? {
        log.doubtful = Some(end_address);
    }
    Ok(log)
}

struct Reader<'a, F> {
    volume: &'a Volume<F>,
    start: &'a LogStart,
    /// Address and length by index.
    segments: BTreeMap<u64, (u64, u64)>,
    runs: Vec<Run>,
    /// Where valid links are: segment and offset.
    links: Vec<(u64, usize)>,
    /// The newest commit that anything says was durable.
    proven: Seq,
    patience: u64,
}

impl<F: File> Reader<'_, F> {
    fn place(&self, kind: PlaceKind, offset: u64) -> Place {
        let LogStart { generation, salt, key_epoch, .. } = *self.start;
        Place { kind, owner: generation, offset, salt, epoch: key_epoch }
    }

    /// The sealed thing at `offset`, if its tag holds: of a frame at its own number, of others in segment `index`.
    fn open(&mut self, bytes: &mut [u8], offset: usize, index: u64) -> Option<(Frame, Tag)> {
        let bytes = bytes.get_mut(offset..)?;
        let frame = Frame::decode(bytes).filter(|frame| frame.generation == self.start.generation)?;
        let number = if frame.kind == PlaceKind::LogFrame { frame.number } else { index };
        let place = self.place(frame.kind, number);
        let sealed = bytes.get_mut(..frame.sealed_len()).filter(|_| self.patience > 0)?;
        if !self.volume.seal().open(place, sealed) {
            self.patience = self.patience.saturating_sub(sealed.len() as u64);
            return None;
        }
        Some((frame, sealed.get(TAG_OFFSET..FRAME_HEADER_LEN)?.try_into().ok()?))
    }

    fn add_segment(&mut self, index: u64, address: u64, len: u64) {
        // Of one that reaches beyond the end of a file that was cut off, the beginning is left.
        let left = self.volume.file_len().saturating_sub(address);
        if Extent::for_len(address, len).is_valid() && left > 0 && index >= self.start.segment_index {
            self.segments.entry(index).or_insert((address, len.min(left)));
        }
    }

    /// Finds segments by their headers, wherever they lie, so that a damaged link does not hide them. Links add those
    /// whose headers are damaged.
    fn find_segments(&mut self) -> Result<()> {
        if self.start.address == 0 {
            return Ok(());
        }
        let mut address = HEADER_LEN;
        while address < self.volume.file_len() {
            let mut header = vec![0; FRAME_HEADER_LEN];
            let count = self.volume.read(&mut header, address)?;
            header.truncate(count);
            let head = Frame::decode(&header).filter(|head| head.kind == PlaceKind::LogSegment);
            if let Some(index) = head.map(|head| head.number)
                && let Some((head, _)) = self.open(&mut header, 0, index)
            {
                self.add_segment(index, address, u64::from(head.len));
            }
            address += BLOCK_LEN;
        }
        self.add_segment(self.start.segment_index, self.start.address, self.start.len);
        Ok(())
    }

    /// Reads the segments in their order; links may add to them on the way.
    fn read_segments(&mut self) -> Result<()> {
        let mut next = self.segments.first_key_value().map(|(&index, _)| index);
        while let Some(index) = next {
            if let Some(&(address, len)) = self.segments.get(&index) {
                let mut bytes = vec![0; len as usize];
                let count = self.volume.read(&mut bytes, address)?;
                bytes.truncate(count);
                self.patience = self.patience.saturating_add(8 * count as u64);
                self.read_segment(index, &mut bytes);
            }
            let behind = index.checked_add(1).and_then(|behind| self.segments.range(behind..).next());
            next = behind.map(|(&index, _)| index);
        }
        Ok(())
    }

    fn read_segment(&mut self, index: u64, bytes: &mut [u8]) {
        if let Some((head, _)) = self.open(bytes, 0, index) {
            self.proven = self.proven.max(head.synced_seq);
        }
        if let Some((link, _)) = self.open(bytes, LINK_SLOT, index).filter(|(link, _)| link.kind == PlaceKind::LogLink)
        {
            self.proven = self.proven.max(link.synced_seq);
            self.add_segment(index.saturating_add(1), link.seq, u64::from(link.len));
        }
        let mut offset = SEGMENT_DATA;
        while offset + FRAME_HEADER_LEN <= bytes.len() {
            let Some((frame, tag)) = self.open(bytes, offset, index) else {
                offset += FRAME_ALIGNMENT;
                continue;
            };
            self.proven = self.proven.max(frame.synced_seq);
            match frame.kind {
                PlaceKind::LogFrame => self.add_frame(Found { segment: index, offset, frame, tag }),
                PlaceKind::LogLink => {
                    self.links.push((index, offset));
                    self.add_segment(index.saturating_add(1), frame.seq, u64::from(frame.len));
                }
                _ => {}
            }
            offset += frame.padded_len();
        }
    }

    fn add_frame(&mut self, found: Found) {
        // After the last frame of a segment there may be frames that were rolled back.
        let before = self.runs.iter_mut().rev().find(|run| {
            let last = run.last();
            found.frame.number == last.frame.number.saturating_add(1)
                && found.frame.seq == last.frame.seq.saturating_add(1)
                && found.frame.previous == chain(&last.tag)
        });
        match before {
            Some(run) => run.frames.push(found),
            None => self.runs.push(Run { frames: vec![found], is_proven: false }),
        }
    }

    /// Finds out which runs are to be believed.
    fn prove(&mut self, flushed_seq: Option<Seq>) {
        let mut follower: Option<(u64, usize)> = None;
        for index in (0..self.runs.len()).rev() {
            let run = &self.runs[index];
            let (first, last) = (run.first(), run.last());
            let is_begin = first.frame.number == self.start.frame_number
                && first.frame.previous == chain(&self.start.previous_tag)
                && flushed_seq.is_none_or(|seq| first.frame.seq == seq.saturating_add(1));
            let is_before = |(segment, offset): (u64, usize)| segment == last.segment && offset > last.offset;
            let is_proven = is_begin
                || run.is_proven_by_itself()
                || follower.is_some_and(is_before)
                || self.links.iter().any(|&link| is_before(link));
            if is_proven {
                follower = Some((first.segment, first.offset));
            }
            self.runs[index].is_proven = is_proven;
        }
    }

    /// The runs that are proven and that rise, behind the commit `last_seq`.
    fn believed(&self, mut last_seq: Seq) -> Vec<&Run> {
        let (mut number, mut attempt) = (self.start.frame_number, 0);
        let mut believed = Vec::new();
        for run in self.runs.iter().filter(|run| run.is_proven) {
            let (first, last) = (run.first().frame, run.last().frame);
            if first.number >= number && first.seq > last_seq && first.attempt >= attempt {
                (number, last_seq, attempt) = (last.number.saturating_add(1), last.seq, last.attempt);
                believed.push(run);
            }
        }
        believed
    }

    /// How many frames of the last run to believe count: all, but for those of a group that goes on behind them and of which
    /// nothing is proven durable.
    fn whole_groups(&self, run: &Run) -> usize {
        let counts = |found: &Found| !found.frame.goes_on || found.frame.seq <= self.proven;
        run.frames.iter().rposition(counts).map_or(0, |last| last + 1)
    }

    fn address(&self, found: &Found) -> u64 {
        self.segments.get(&found.segment).map_or(0, |(address, _)| address + found.offset as u64)
    }

    /// The commit in a frame; `None` when its checksum holds and it is no commit.
    fn batch(&self, found: &Found, bytes: &mut Vec<u8>) -> Result<Option<Batch>> {
        bytes.resize(found.frame.sealed_len(), 0);
        let count = self.volume.read(bytes, self.address(found))?;
        let place = self.place(PlaceKind::LogFrame, found.frame.number);
        let is_whole = count == bytes.len() && self.volume.seal().open(place, bytes);
        Ok(bytes.get(FRAME_HEADER_LEN..).filter(|_| is_whole).and_then(Batch::decode))
    }

    /// True if what lies at the end of the log looks like the frame that should come next.
    fn is_broken_frame(&self, address: u64, (number, tag): (u64, Tag)) -> Result<bool> {
        let mut header = [0; FRAME_HEADER_LEN];
        let count = self.volume.read(&mut header, address)?;
        let frame = header.get(..count).and_then(Frame::decode);
        // A frame that verifies belongs to a write that was rolled back.
        let verifies = self.runs.iter().flat_map(|run| &run.frames).any(|found| self.address(found) == address);
        Ok(self.start.address != 0
            && !verifies
            && frame.is_some_and(|frame| {
                frame.kind == PlaceKind::LogFrame
                    && frame.generation == self.start.generation
                    && (frame.number == number || frame.previous == chain(&tag))
            }))
    }
}
