//! The count and the checksum of the lines of a dump.

use xxhash_rust::xxh3::Xxh3;

/// The content of a dump so far, which its last line has to confirm.
#[derive(Default)]
pub struct Tally {
    /// Count of documents.
    pub documents: u64,
    /// Count of indexes.
    pub indexes: u64,
    /// XXH3-64 of the lines with the first one, without spaces around them, each with a newline.
    digest: Xxh3,
}

impl Tally {
    /// Adds a line to the checksum.
    pub fn add(&mut self, line: &str) {
        self.digest.update(line.as_bytes());
        self.digest.update(b"\n");
    }

    /// The checksum of all lines, in hexadecimal digits.
    pub fn checksum(&self) -> String {
        format!("{:016x}", self.digest.digest())
    }
}
