//! Reading lines of bounded length, with their numbers.

use crate::failure::Failure;
use ferrolite::{ErrorCode, MAX_DOCUMENT_LENGTH};
use std::io::{self, BufRead, BufReader};

/// The longest line, in bytes: the largest document, and room for its key and for what stands around them.
const MAX_LINE_LENGTH: usize = MAX_DOCUMENT_LENGTH + (64 << 10);

/// The mark that some programs put in front of UTF-8.
pub const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of `reader`. One line at a time is in memory.
pub struct Lines<R> {
    reader: R,
    name: String,
    line: Vec<u8>,
    /// True if reading has failed, so that there is no more to come.
    failed: bool,
    /// The number of the line that was read last, from 1.
    pub number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of `reader`, which messages call `name`.
    pub fn new(reader: R, name: impl Into<String>) -> Self {
        Self { reader, name: name.into(), line: Vec::new(), failed: false, number: 0 }
    }

    /// The reader's name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next line that is not blank; `None` at the end. After a line that cannot be used, the next one comes.
    pub fn next(&mut self) -> Result<Option<&str>, Failure> {
        while self.fill()? {
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.trim_ascii().is_empty() {
                let text = std::str::from_utf8(&self.line).map(str::trim);
                return text.map(Some).map_err(|_| Failure::input(ErrorCode::InvalidValue, "the line is not UTF-8"));
            }
        }
        Ok(None)
    }

    /// Reads the next line. False at the end.
    fn fill(&mut self) -> Result<bool, Failure> {
        if self.failed {
            return Ok(false);
        }
        self.number += 1;
        self.line.clear();
        // A line as long as the largest one is not kept in memory while small ones are read.
        self.line.shrink_to(1 << 20);
        let read = io::Read::take(&mut self.reader, MAX_LINE_LENGTH as u64 + 1).read_until(b'\n', &mut self.line);
        let read = read.and_then(|count| {
            let too_long = count > MAX_LINE_LENGTH;
            if too_long && !self.line.ends_with(b"\n") {
                self.reader.skip_until(b'\n')?;
            }
            Ok((count, too_long))
        });
        match read {
            Ok((_, true)) => {
                Err(Failure::input(ErrorCode::TooLarge, format!("the line is longer than {MAX_LINE_LENGTH} bytes")))
            }
            Ok((count, _)) => Ok(count > 0),
            Err(error) => {
                self.failed = true;
                Err(Failure::reading(&self.name, &error))
            }
        }
    }
}

impl<R: io::Read> Lines<BufReader<R>> {
    /// True if the next line is still to be read from the host, which may mean to wait for it.
    pub fn is_drained(&self) -> bool {
        !self.reader.buffer().contains(&b'\n')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blank_lines_count_but_do_not_come() {
        let mut lines = Lines::new(&b"\xef\xbb\xbfa\r\n\n  \n b"[..], "test");
        assert_eq!(lines.next().unwrap(), Some("a"));
        assert_eq!(lines.next().unwrap(), Some("b"));
        assert_eq!(lines.number, 4);
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_must_be_utf8() {
        let mut lines = Lines::new(&b"\xff\nb"[..], "test");
        assert!(lines.next().is_err());
        assert_eq!(lines.next().unwrap(), Some("b"));
    }
}
