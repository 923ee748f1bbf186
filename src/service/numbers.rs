//! Numbers for the things that a client opens.

/// Numbers that one message may use up.
const NUMBERS_PER_MESSAGE: u64 = 1 << 20;
/// The highest number of a message: the numbers made of it are exact as numbers of JavaScript.
pub(crate) const MESSAGE_MAX: u64 = (1 << 33) - 1;

/// Numbers of one client. They grow with the numbers of its messages, so that no engine gives a number that another engine
/// has given.
#[derive(Debug)]
pub(crate) struct Numbers {
    last: u64,
    /// The lowest number that this engine gives: it belongs to the first message that no other engine received. `None` until
    /// that message comes.
    first: Option<u64>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { last: 0, first: Some(0) }
    }
}

impl Numbers {
    /// Returns the numbers of a client that other engines may have served.
    pub fn joined() -> Self {
        Self { last: 0, first: None }
    }

    /// Begins the numbers of a message.
    pub fn begin(&mut self, message: u64, is_repeated: bool) {
        let from = message.saturating_mul(NUMBERS_PER_MESSAGE);
        self.last = self.last.max(from);
        if !is_repeated {
            self.first.get_or_insert(from);
        }
    }

    /// Returns the next number.
    pub fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// True if an earlier engine may have given this number.
    pub fn are_from_before(&self, number: u64) -> bool {
        self.first.is_none_or(|first| number < first)
    }
}
