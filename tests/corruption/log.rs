//! Where the log lies in a sound file, by docs/format.md: what of it proves which commits were durable.

use std::ops::Range;

/// Something sealed in the log: a segment's header, a link, or a frame.
#[derive(Debug, Clone)]
pub struct Piece {
    pub bytes: Range<usize>,
    /// The newest commit that it says was durable.
    pub synced_seq: u64,
    /// The commit that it is, when it is a frame.
    pub seq: Option<u64>,
}

/// What a sound file says of its log.
#[derive(Debug, Clone)]
pub struct Log {
    pub pieces: Vec<Piece>,
    /// The segments, to their ends.
    pub segments: Vec<Range<usize>>,
    /// The newest commit in the tables, and the newest that the superblock says was durable.
    pub flushed_seq: u64,
    pub synced_seq: u64,
    /// The slots of the newest superblock.
    pub newest_slots: [Range<usize>; 2],
}

const SLOT_LEN: usize = 4096;

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

impl Log {
    /// REQUIRES: the file is sound.
    pub fn of(file: &[u8]) -> Self {
        let numbers = [0, 2].map(|slot| u64_at(file, slot * SLOT_LEN + 48));
        let first = if numbers[0] > numbers[1] { 0 } else { 2 * SLOT_LEN };
        let slot = &file[first..];
        let mut log = Self {
            pieces: Vec::new(),
            segments: Vec::new(),
            flushed_seq: u64_at(slot, 64),
            synced_seq: u64_at(slot, 72),
            newest_slots: [first..first + SLOT_LEN, first + SLOT_LEN..first + 2 * SLOT_LEN],
        };
        let (generation, mut address, mut len) = (u64_at(slot, 88), u64_at(slot, 112), u64_at(slot, 120));
        while address != 0 {
            log.segments.push(address as usize..(address + len) as usize);
            (address, len) = log.walk(file, address as usize, generation).unwrap_or_default();
        }
        log
    }

    /// Takes in one segment, and gives address and length of the next.
    fn walk(&mut self, file: &[u8], segment: usize, generation: u64) -> Option<(u64, u64)> {
        self.take(file, segment, 64, None);
        let mut at = segment + 128;
        loop {
            let header = file.get(at..at + 64).filter(|header| u64_at(header, 8) == generation)?;
            match header[0] {
                17 => {
                    let len = 64 + u32_at(header, 4) as usize;
                    self.take(file, at, len, Some(u64_at(header, 24)));
                    at += len.next_multiple_of(16);
                }
                18 => {
                    self.take(file, at, 64, None);
                    self.take(file, segment + 64, 64, None);
                    return Some((u64_at(header, 24), u64::from(u32_at(header, 4))));
                }
                _ => return None,
            }
        }
    }

    fn take(&mut self, file: &[u8], at: usize, len: usize, seq: Option<u64>) {
        self.pieces.push(Piece { bytes: at..at + len, synced_seq: u64_at(file, at + 32), seq });
    }

    /// The commits of the log.
    pub fn frames(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.seq.is_some())
    }

    /// The newest commit that is proven durable by what lies outside of the damage.
    pub fn proven_outside(&self, damage: &[Range<usize>]) -> u64 {
        let whole = self.pieces.iter().filter(|piece| !touches(damage, &piece.bytes));
        whole.map(|piece| piece.synced_seq).fold(self.synced_seq.max(self.flushed_seq), u64::max)
    }

    /// Whether no copy of the newest superblock is whole.
    pub fn has_lost_its_superblock(&self, damage: &[Range<usize>]) -> bool {
        self.newest_slots.iter().all(|slot| touches(damage, slot))
    }
}

/// Whether the damage lies, in part, in `range`.
pub fn touches(damage: &[Range<usize>], range: &Range<usize>) -> bool {
    damage.iter().any(|damaged| damaged.start < range.end && range.start < damaged.end)
}
