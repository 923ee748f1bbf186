//! Choices out of bytes.

/// Takes choices from the front of some bytes. Behind their end all choices are zero.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    /// Starts at the first byte.
    pub fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// True if there are no more bytes.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Returns the bytes that were not taken yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    /// True if the next byte is odd.
    pub fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// Two bytes.
    pub fn short(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Eight bytes.
    pub fn long(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    /// A number below `limit`, which is at most 65536 and not zero.
    pub fn below(&mut self, limit: usize) -> usize {
        let choice = if limit > 256 { usize::from(self.short()) } else { usize::from(self.byte()) };
        choice % limit
    }

    /// Returns `count` bytes, or all that are left.
    pub fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// At most `limit` bytes, as many as the next byte says.
    pub fn some_bytes(&mut self, limit: usize) -> &'a [u8] {
        let count = self.below(limit + 1);
        self.bytes(count)
    }

    /// The text up to the next line's end; what is no UTF-8 is replaced.
    pub fn line(&mut self) -> String {
        let end = self.rest.iter().position(|&byte| byte == b'\n').unwrap_or(self.rest.len());
        let line = self.bytes(end);
        self.bytes(1);
        String::from_utf8_lossy(line).into_owned()
    }
}
