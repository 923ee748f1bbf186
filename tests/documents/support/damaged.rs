//! Files as bytes: what is where in them, to be damaged.

use ferrolite::fs::{File, FileSystem, Memory, OpenMode};

pub const DATA: u8 = 1;
pub const INDEX: u8 = 2;
pub const FILTER: u8 = 3;
pub const MANIFEST: u8 = 4;

/// A page, as its header tells of it.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub address: u64,
    pub kind: u8,
    pub owner: u64,
}

/// The bytes of a file.
pub fn content(fs: &Memory, name: &str) -> Vec<u8> {
    let file = pollster::block_on(fs.open(name, OpenMode::ReadOnly)).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    assert_eq!(file.read_at(&mut bytes, 0).unwrap(), bytes.len());
    bytes
}

/// Makes a file of these bytes.
pub fn put(fs: &Memory, name: &str, bytes: &[u8]) {
    let file = pollster::block_on(fs.open(name, OpenMode::Create)).unwrap();
    file.truncate(0).unwrap();
    assert_eq!(file.write_at(bytes, 0).unwrap(), bytes.len());
}

/// Where the superblock slots are.
pub fn slots() -> [u64; 4] {
    [0, 4096, 8192, 12288]
}

/// Everything in the grid that looks like a page, stale ones too.
pub fn pages(bytes: &[u8]) -> Vec<Page> {
    let is_page = |header: &&[u8]| {
        (DATA..=MANIFEST).contains(&header[0])
            && header[2] <= 1
            // In an encrypted file the epoch and the nonce are between these.
            && [&header[1..2], &header[3..4], &header[6..8], &header[44..48]].iter().all(|zero| zero.iter().all(|&byte| byte == 0))
            && header[8..12] != [0; 4]
    };
    let mut found = Vec::new();
    let mut at = 64 << 10;
    while let Some(header) = bytes.get(at..at + 64) {
        let mut len = 64;
        if is_page(&header) {
            let owner = u64::from_le_bytes(header[16..24].try_into().unwrap());
            found.push(Page { address: at as u64, kind: header[0], owner });
            len += u32::from_le_bytes(header[8..12].try_into().unwrap()) as usize;
        }
        at += len.next_multiple_of(64);
    }
    found
}

/// Where commits are in the log of a database that was not closed.
pub fn frames(bytes: &[u8]) -> Vec<u64> {
    let is_frame = |header: &&[u8]| header[..2] == [17, 0] && header[8..16] == 1_u64.to_le_bytes();
    let places = (64 << 10..bytes.len().saturating_sub(64)).step_by(16);
    places.filter(|&at| is_frame(&&bytes[at..at + 64])).map(|at| at as u64).collect()
}
