//! What a fuzzer calls of the log.

use super::frame::{Frame, LINK_SLOT, SEGMENT_DATA, chain};
use super::recovery::recover;
use crate::engine::batch::Batch;
use crate::engine::error::Error;
use crate::fs::{FileSystem, Memory, OpenMode};
use crate::fuzzing::Input;
use crate::page::{
    Access, BLOCK_LEN, ChecksumSeal, Extent, HEADER_LEN, LogStart, Place, PlaceKind, Superblock, Tag, Volume,
};

const GENERATION: u64 = 3;
const SALT: [u8; 16] = [9; 16];
/// Blocks of the grid that segments lie in.
const BLOCKS: usize = 6;

/// Writes segments, frames and links, most of them right, where the input says.
struct Builder {
    file: Vec<u8>,
    seal: ChecksumSeal,
    tag: Tag,
    number: u64,
    seq: u64,
}

impl Builder {
    fn put(&mut self, at: usize, mut frame: Frame, payload: &[u8], offset: u64, odd: u8) -> Tag {
        // One in a while is of another place, or does not fit what is before it.
        match odd {
            1 => frame.generation += 1,
            2 => frame.previous = [1; 8],
            3 => frame.seq += 1,
            4 => frame.number += 1,
            5 => frame.len = frame.len.wrapping_sub(1),
            6 => frame.synced_seq += 1,
            7 => frame.goes_on = true,
            _ => {}
        }
        let place = Place { kind: frame.kind, owner: GENERATION, offset, salt: SALT, epoch: 0 };
        let mut out = Vec::new();
        let tag = frame.append(&mut out, payload, place, &self.seal);
        if let Some(target) = self.file.get_mut(at..at + out.len()) {
            target.copy_from_slice(&out);
        }
        tag
    }

    fn frame(&self, kind: PlaceKind, len: u32, number: u64, seq: u64, synced_seq: u64) -> Frame {
        let previous = chain(&self.tag);
        Frame { kind, attempt: 0, goes_on: false, len, generation: GENERATION, number, seq, synced_seq, previous }
    }

    fn segment(&mut self, input: &mut Input<'_>, index: u64, block: usize, next: usize) {
        let start = HEADER_LEN as usize + block * BLOCK_LEN as usize;
        let head = self.frame(PlaceKind::LogSegment, SEGMENT_LEN, index, self.number, self.seq);
        self.put(start, head, &[], index, input.byte());
        let mut at = start + SEGMENT_DATA;
        for _ in 0..input.below(8) {
            let payload = payload(input);
            let synced = self.seq.saturating_sub(u64::from(input.byte() & 3));
            let frame = self.frame(PlaceKind::LogFrame, payload.len() as u32, self.number, self.seq + 1, synced);
            self.tag = self.put(at, frame, &payload, self.number, input.byte());
            (self.number, self.seq) = (self.number + 1, self.seq + 1);
            at += frame.padded_len();
        }
        let address = HEADER_LEN + next as u64 * BLOCK_LEN;
        let link = self.frame(PlaceKind::LogLink, SEGMENT_LEN, self.number, address, self.seq);
        let copies = input.byte();
        [(1, at), (2, start + LINK_SLOT)].into_iter().filter(|(copy, _)| copies & copy != 0).for_each(|(_, at)| {
            self.put(at, link, &[], index, 0);
        });
    }
}

const SEGMENT_LEN: u32 = 4096;

fn payload(input: &mut Input<'_>) -> Vec<u8> {
    let shape = input.byte();
    if shape == 0xff {
        return input.some_bytes(100).to_vec();
    }
    let mut batch = Batch::new();
    for _ in 0..shape % 3 {
        let key = [&[0; 8][..], input.some_bytes(8)].concat();
        if input.flag() { batch.put(key, input.some_bytes(200).to_vec(), None) } else { batch.delete(key) }
    }
    let mut out = Vec::new();
    batch.encode(&mut out);
    out
}

/// Recovery of a log that was written as the input says, and then damaged as it says.
pub fn log(data: &[u8]) {
    let mut input = Input::new(data);
    let file = vec![0; HEADER_LEN as usize + BLOCKS * BLOCK_LEN as usize];
    let mut builder = Builder { file, seal: ChecksumSeal::new([0; 16]), tag: [0; 16], number: 1, seq: 0 };
    let mut block = 0;
    for index in 0..1 + input.below(4) as u64 {
        let next = input.below(BLOCKS + 2);
        builder.segment(&mut input, index, block, next);
        block = next;
    }
    let mut file = builder.file;
    while !input.is_empty() {
        let at = HEADER_LEN as usize + input.below(BLOCKS) * BLOCK_LEN as usize + input.below(4096);
        file[at] = input.byte();
        if input.byte() == 7 {
            file.truncate(at.max(HEADER_LEN as usize + SEGMENT_LEN as usize));
            file.resize(file.len().max(at), 0);
            break;
        }
    }
    let len = u64::from(SEGMENT_LEN);
    let start = LogStart {
        generation: GENERATION,
        salt: SALT,
        address: HEADER_LEN,
        len,
        frame_number: 1,
        ..LogStart::default()
    };
    check(file, &Superblock { log: start, ..Superblock::default() });
}

fn check(file: Vec<u8>, superblock: &Superblock) {
    // The volume wants a superblock in the file; this one lies in none.
    let fs = Memory::new();
    fs.set_bytes("db", Vec::new());
    let opened = pollster::block_on(fs.open("db", OpenMode::ReadWrite)).expect("the file is there");
    let (volume, _) = Volume::open(opened, &Access::plain()).expect("an empty file opens");
    volume.truncate(file.len() as u64).expect("memory suffices");
    fs.set_bytes("db", file);
    let mut applied = Vec::new();
    match recover(&volume, superblock, &[], |_, seq| applied.push(seq)) {
        Ok(recovered) => {
            let expected: Vec<u64> = (1..=recovered.last_seq).collect();
            assert_eq!(applied, expected, "all commits, each once, in order");
            let mut extents: Vec<Extent> = recovered.extents;
            extents.sort_unstable();
            assert!(extents.windows(2).all(|pair| pair[0].end() <= pair[1].address), "segments overlap");
        }
        Err(Error::Corrupt { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}
