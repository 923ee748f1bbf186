//! Appends commits to the log.

use super::frame::{ATTEMPT_MAX, FRAME_ALIGNMENT, FRAME_HEADER_LEN, Frame, LINK_SLOT, SEGMENT_DATA, chain};
use crate::engine::batch::Batch;
use crate::engine::entry::Seq;
use crate::engine::error::{Error, Result};
use crate::engine::room::{Room, allocate_with, is_full};
use crate::fs::File;
use crate::page::{BLOCK_LEN, Extent, FreeSet, LogStart, Place, PlaceKind, Tag, Volume};

/// The first segment of a small database's log.
pub(crate) const SEGMENT_LEN_MIN: u64 = 32 << 10;
/// Segments double up to this, unless less is asked for.
pub(crate) const SEGMENT_LEN_MAX: u64 = 256 << 10;

#[derive(Debug, Clone, Copy)]
struct Segment {
    extent: Extent,
    len: u64,
    index: u64,
    first_frame: u64,
    previous_tag: Tag,
}

/// Where the chain of frames stands.
#[derive(Debug, Clone, Copy)]
struct ChainEnd {
    next_frame: u64,
    tag: Tag,
}

/// The identity of one generation of the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogIdentity {
    /// Counts the generations of the file.
    pub(crate) generation: u64,
    /// Random.
    pub(crate) salt: [u8; 16],
    /// The epoch whose data key the log's key is derived from; 0 in a plain file.
    pub(crate) key_epoch: u32,
}

impl LogIdentity {
    fn place(&self, kind: PlaceKind) -> Place {
        Place { kind, owner: self.generation, offset: 0, salt: self.salt, epoch: self.key_epoch }
    }
}

/// The log that is being written.
#[derive(Debug)]
pub(crate) struct Log {
    identity: LogIdentity,
    /// From the one that recovery would begin with to the current one; never empty.
    segments: Vec<Segment>,
    /// Bytes of the segments from the first one of the active memtable to the one before the current one.
    passed: u64,
    /// Offset in the current segment behind the last frame; 0 before the segment's header is written.
    position: u64,
    /// Behind the last frame that was written.
    written: ChainEnd,
    /// Frames that are not written yet. They are sealed when they are: a frame that is not written takes no nonce.
    pending: Vec<u8>,
    /// How many of them.
    pending_frames: u64,
    /// How many writes have failed. Nothing is sealed once there is no number left for the next.
    attempt: u16,
    /// Segments double up to this, bytes.
    segment_len_max: u64,
}

impl Log {
    /// Starts a generation with a segment of `segment_len` bytes; later ones double up to `segment_len_max`. No frame is
    /// written yet, but the file is grown.
    pub(crate) fn start<F: File>(
        volume: &Volume<F>,
        free: &mut FreeSet,
        identity: LogIdentity,
        segment_len: u64,
        segment_len_max: u64,
    ) -> Result<Self> {
        let end = ChainEnd { next_frame: 1, tag: [0; 16] };
        let segment = allocate(volume, free, segment_len, SEGMENT_LEN_MIN, 0, end, Room::All)?;
        Ok(Self {
            identity,
            segments: vec![segment],
            passed: 0,
            position: 0,
            written: end,
            pending: Vec::new(),
            pending_frames: 0,
            attempt: 0,
            segment_len_max,
        })
    }

    fn current(&self) -> Segment {
        *self.segments.last().expect("a log has a segment")
    }

    fn place(&self, kind: PlaceKind, offset: u64) -> Place {
        Place { offset, ..self.identity.place(kind) }
    }

    /// Where recovery must begin to see every segment that is still held.
    pub(crate) fn start_of_first(&self) -> LogStart {
        self.start_at(self.segments.first().expect("a log has a segment"))
    }

    fn start_at(&self, segment: &Segment) -> LogStart {
        LogStart {
            generation: self.identity.generation,
            salt: self.identity.salt,
            key_epoch: self.identity.key_epoch,
            address: segment.extent.address,
            len: segment.len,
            segment_index: segment.index,
            frame_number: segment.first_frame,
            previous_tag: segment.previous_tag,
        }
    }

    /// Blocks of all segments.
    pub(crate) fn extents(&self) -> impl Iterator<Item = Extent> + '_ {
        self.segments.iter().map(|segment| segment.extent)
    }

    /// Adds a commit to those that the next [`Log::write_pending`] writes.
    pub(crate) fn append(&mut self, batch: &Batch, seq: Seq, synced_seq: Seq) {
        let mut payload = Vec::with_capacity(batch.size());
        batch.encode(&mut payload);
        let frame = Frame {
            kind: PlaceKind::LogFrame,
            attempt: 0,
            goes_on: false,
            len: payload.len() as u32,
            generation: self.identity.generation,
            number: self.written.next_frame + self.pending_frames,
            seq,
            synced_seq,
            previous: [0; 8],
        };
        frame.append_open(&mut self.pending, &payload);
        self.pending_frames += 1;
    }

    /// Seals the pending frames, one behind the other, as one group; where the chain ends then.
    fn seal_pending<F: File>(&mut self, volume: &Volume<F>) -> ChainEnd {
        let mut end = self.written;
        let mut rest = self.pending.as_mut_slice();
        while let Some(frame) = Frame::decode(rest) {
            let (sealed, behind) = rest.split_at_mut(frame.padded_len());
            let place = Place { offset: frame.number, ..self.identity.place(PlaceKind::LogFrame) };
            let sealed = sealed.get_mut(..frame.sealed_len()).unwrap_or_default();
            let tag = Frame::seal_open(sealed, self.attempt, &end.tag, !behind.is_empty(), place, volume.seal());
            end = ChainEnd { next_frame: frame.number + 1, tag };
            rest = behind;
        }
        end
    }

    /// Opens the pending frames again, which were sealed for a write that has failed. Sealed twice they would be lost.
    #[cold]
    #[inline(never)]
    fn open_pending<F: File>(&mut self, volume: &Volume<F>) -> Result<()> {
        let mut rest = self.pending.as_mut_slice();
        while let Some(frame) = Frame::decode(rest) {
            let (sealed, behind) = rest.split_at_mut(frame.padded_len());
            let place = Place { offset: frame.number, ..self.identity.place(PlaceKind::LogFrame) };
            if !volume.seal().open(place, sealed.get_mut(..frame.sealed_len()).unwrap_or_default()) {
                return Err(Error::Failed { reason: "a commit could not be taken back".to_owned() });
            }
            rest = behind;
        }
        Ok(())
    }

    /// Forgets the commits that were not written.
    pub(crate) fn discard_pending(&mut self) {
        self.pending.clear();
        self.pending_frames = 0;
    }

    /// Writes the pending commits as one group with one call; moving on to a new segment costs three more. All of them lie
    /// in one segment.
    ///
    /// # Errors
    /// After an error nothing of the pending commits can be recovered. When even that cannot be made sure,
    /// the error is [`Error::Failed`].
    pub(crate) fn write_pending<F: File>(
        &mut self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        synced_seq: Seq,
        room: Room,
    ) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        self.make_room(volume, free, self.pending.len(), synced_seq, room)?;
        self.ensure_attempts_left()?;
        let segment = self.current();
        let address = segment.extent.address + self.position;
        let end = self.seal_pending(volume);
        let written = if self.position == 0 {
            let mut bytes = self.segment_head(volume, &segment, synced_seq);
            bytes.resize(SEGMENT_DATA, 0);
            bytes.extend_from_slice(&self.pending);
            volume.write(&bytes, address).map(|()| bytes.len())
        } else {
            volume.write(&self.pending, address).map(|()| self.pending.len())
        };
        match written {
            Ok(len) => {
                self.position += len as u64;
                self.written = end;
                self.discard_pending();
                Ok(())
            }
            // The file is another's, and nothing was written.
            Err(error @ crate::page::Error::Locked) => Err(error.into()),
            Err(error) => {
                self.attempt += 1;
                self.open_pending(volume)?;
                take_back(volume, address)
                    .map_err(|error| Error::Failed { reason: format!("a commit could not be taken back: {error}") })?;
                Err(error.into())
            }
        }
    }

    /// After a write that has failed, what is written in its place must be another thing. REQUIRED before anything is
    /// sealed: the last attempt is never used.
    fn ensure_attempts_left(&self) -> Result<()> {
        if self.attempt < ATTEMPT_MAX {
            return Ok(());
        }
        Err(Error::Failed { reason: "too many writes of the log have failed".to_owned() })
    }

    fn segment_head<F: File>(&self, volume: &Volume<F>, segment: &Segment, synced_seq: Seq) -> Vec<u8> {
        let head = Frame {
            kind: PlaceKind::LogSegment,
            attempt: self.attempt,
            goes_on: false,
            len: segment.len as u32,
            generation: self.identity.generation,
            number: segment.index,
            seq: segment.first_frame,
            synced_seq,
            previous: chain(&segment.previous_tag),
        };
        let mut bytes = Vec::new();
        head.append(&mut bytes, &[], self.place(PlaceKind::LogSegment, segment.index), volume.seal());
        bytes
    }

    /// Continues in a new segment unless the current one has room for a commit of `len` bytes. REQUIRES: none is pending.
    pub(crate) fn make_room_for_commit<F: File>(
        &mut self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        len: usize,
        synced_seq: Seq,
    ) -> Result<()> {
        self.make_room(volume, free, FRAME_HEADER_LEN + len + FRAME_ALIGNMENT, synced_seq, Room::Ordinary)
    }

    fn make_room<F: File>(
        &mut self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        frames_len: usize,
        synced_seq: Seq,
        room: Room,
    ) -> Result<()> {
        let behind = self.position.max(SEGMENT_DATA as u64) + (frames_len + FRAME_HEADER_LEN) as u64;
        if behind > self.current().len { self.roll(volume, free, frames_len, synced_seq, room) } else { Ok(()) }
    }

    /// Continues in a new segment, which has space for frames of `frames_len` bytes and is twice as long as the last one.
    pub(crate) fn roll<F: File>(
        &mut self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        frames_len: usize,
        synced_seq: Seq,
        room: Room,
    ) -> Result<()> {
        let needed = (SEGMENT_DATA + frames_len + FRAME_HEADER_LEN) as u64;
        let least = needed.next_multiple_of(BLOCK_LEN);
        let len = (self.current().len * 2).clamp(SEGMENT_LEN_MIN, self.segment_len_max).max(least);
        self.go_on(volume, free, len, least, synced_seq, room)
    }

    /// Continues in a new segment of the shortest length.
    pub(crate) fn shrink<F: File>(&mut self, volume: &Volume<F>, free: &mut FreeSet, synced_seq: Seq) -> Result<()> {
        self.go_on(volume, free, BLOCK_LEN, BLOCK_LEN, synced_seq, Room::All)
    }

    fn go_on<F: File>(
        &mut self,
        volume: &Volume<F>,
        free: &mut FreeSet,
        len: u64,
        least: u64,
        synced_seq: Seq,
        room: Room,
    ) -> Result<()> {
        self.ensure_attempts_left()?;
        let old = self.current();
        let new = allocate(volume, free, len, least, old.index + 1, self.written, room)?;
        if let Err(error) = self.write_links(volume, &old, &new, synced_seq) {
            free.release(new.extent);
            self.attempt += 1;
            return Err(error);
        }
        self.segments.push(new);
        self.passed += old.len;
        self.position = 0;
        Ok(())
    }

    fn write_links<F: File>(&self, volume: &Volume<F>, old: &Segment, new: &Segment, synced_seq: Seq) -> Result<()> {
        let link = Frame {
            kind: PlaceKind::LogLink,
            attempt: self.attempt,
            goes_on: false,
            len: new.len as u32,
            generation: self.identity.generation,
            number: self.written.next_frame,
            seq: new.extent.address,
            synced_seq,
            previous: chain(&self.written.tag),
        };
        let mut bytes = Vec::new();
        link.append(&mut bytes, &[], self.place(PlaceKind::LogLink, old.index), volume.seal());
        let behind = self.position.max(SEGMENT_DATA as u64);
        volume.write(&bytes, old.extent.address + behind)?;
        if self.position == 0 {
            let mut head = self.segment_head(volume, old, synced_seq);
            head.extend_from_slice(&bytes);
            volume.write(&head, old.extent.address)?;
        } else {
            volume.write(&bytes, old.extent.address + LINK_SLOT as u64)?;
        }
        Ok(())
    }

    /// Begins the log of a new memtable, and returns where recovery begins when everything before is in tables. REQUIRES a
    /// [`Log::roll`] or [`Log::shrink`] just before.
    pub(crate) fn begin_memtable(&mut self) -> LogStart {
        self.passed = 0;
        self.start_at(&self.current())
    }

    /// Returns the bytes of the file that the active memtable's commits take in the log.
    pub(crate) fn active_len(&self) -> u64 {
        self.passed + self.position
    }

    /// Drops the segments before the one that begins at `start`, and gives their blocks.
    pub(crate) fn forget_before(&mut self, start: &LogStart) -> Vec<Extent> {
        let kept = self.segments.partition_point(|segment| segment.index < start.segment_index);
        self.segments.drain(..kept).map(|segment| segment.extent).collect()
    }
}

/// Makes sure that no commit is found at `address`, where a write has failed: some of it may be there.
fn take_back<F: File>(volume: &Volume<F>, address: u64) -> crate::page::Result<()> {
    let mut header = [0; FRAME_HEADER_LEN];
    let len = volume.read(&mut header, address)?;
    // On a full disk nothing can be written where nothing was.
    let is_there = header.iter().take(len).any(|&byte| byte != 0);
    if is_there { volume.write(&[0; FRAME_HEADER_LEN], address) } else { Ok(()) }
}

/// Allocates a segment of `len` bytes, or, where the host has no space for it, of `least` bytes. The host has then given
/// the space for good: a commit that fits the segment does not find the disk full.
fn allocate<F: File>(
    volume: &Volume<F>,
    free: &mut FreeSet,
    len: u64,
    least: u64,
    index: u64,
    end: ChainEnd,
    room: Room,
) -> Result<Segment> {
    let back = |extent: Extent, len: u64| volume.back(extent.address + len).map_err(Error::from);
    let extent = free.allocate(Extent::for_len(0, len).blocks);
    let (extent, len) = match back(extent, len).inspect_err(|_| free.release(extent)) {
        Ok(()) => (extent, len),
        Err(error) if is_full(&error) => {
            let least = least.min(len);
            allocate_with(free, least, room, |extent| back(extent, least).map(|()| least))?
        }
        Err(error) => return Err(error),
    };
    Ok(Segment { extent, len, index, first_frame: end.next_frame, previous_tag: end.tag })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{FileSystem, Memory, OpenMode};
    use crate::page::Access;

    #[test]
    fn nothing_is_written_once_the_attempts_are_used_up() {
        let file = pollster::block_on(Memory::new().open("log", OpenMode::Create)).unwrap();
        let (volume, _) = Volume::open(file, &Access::plain()).unwrap();
        let mut free = FreeSet::derive(Vec::new()).unwrap();
        let identity = LogIdentity { generation: 1, salt: [1; 16], key_epoch: 0 };
        let mut log = Log::start(&volume, &mut free, identity, SEGMENT_LEN_MIN, SEGMENT_LEN_MAX).unwrap();
        let mut write = |attempt| {
            log.attempt = attempt;
            log.append(&Batch::new(), 1, 0);
            let written = log.write_pending(&volume, &mut free, 0, Room::All);
            log.discard_pending();
            (written, log.roll(&volume, &mut free, 0, 0, Room::All))
        };
        assert!(matches!(write(ATTEMPT_MAX - 1), (Ok(()), Ok(()))));
        let writes = volume.io_statistics().writes;
        assert!(matches!(write(ATTEMPT_MAX), (Err(Error::Failed { .. }), Err(Error::Failed { .. }))));
        assert_eq!(volume.io_statistics().writes, writes);
    }
}
