//! Walking JSON text without building values.
//!
//! Stored text was checked when it was written, so this looks only as closely as it must to find its way. Text that
//! is not JSON gives `None` sooner or later, or a wrong slice of itself; never a panic, and never a loop.
//! Nothing recurses: text may be nested as deep as it is long.

use std::borrow::Cow;

/// A place in JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is not white space, where the scanner then stands.
    #[inline(always)]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = self.byte()?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Steps over `byte`, if that comes next.
    pub fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Steps over a string, and returns what is between its quotes, escapes as they are.
    pub fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let start = self.at;
        self.end_string()?;
        self.text.get(start..self.at - 1)
    }

    /// Steps over a number, `true`, `false` or `null`, and returns it.
    pub fn word(&mut self) -> Option<&'a str> {
        self.peek()?;
        let start = self.at;
        self.end_word()?;
        self.text.get(start..self.at)
    }

    /// Steps over a value of any kind, and returns its text.
    pub fn value(&mut self) -> Option<&'a str> {
        self.peek()?;
        let (start, mut depth) = (self.at, 0usize);
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    self.end_string()?;
                }
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                _ => self.end_word()?,
            }
            if depth == 0 {
                return self.text.get(start..self.at);
            }
        }
    }

    /// Steps to the next member of an object whose `{` or last member was stepped over, and behind the colon;
    /// returns the name, escapes as they are. `Some(None)` is behind the end of the object.
    pub fn member(&mut self) -> Option<Option<&'a str>> {
        self.separator();
        if self.take(b'}').is_some() {
            return Some(None);
        }
        let name = self.string()?;
        self.take(b':')?;
        Some(Some(name))
    }

    /// Steps to the next element of an array whose `[` or last element was stepped over. `Some(false)` is behind
    /// the end of the array.
    pub fn element(&mut self) -> Option<bool> {
        self.separator();
        if self.take(b']').is_some() {
            return Some(false);
        }
        self.peek().map(|_| true)
    }

    /// Where the scanner stands, bytes.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The text from `start` to where the scanner stands.
    pub fn since(&self, start: usize) -> Option<&'a str> {
        self.text.get(start..self.at)
    }

    fn separator(&mut self) {
        // There is none before the first one.
        self.take(b',');
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Steps behind the end of the string within which the scanner stands.
    fn end_string(&mut self) -> Option<()> {
        loop {
            match self.byte()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                // What is escaped is one byte, as `\"`, or followed by plain ones, as `\u12ab`.
                b'\\' if self.text.as_bytes().get(self.at + 1)?.is_ascii() => self.at += 2,
                b'\\' => return None,
                _ => self.at += 1,
            }
        }
    }

    /// Steps over letters, digits, signs and points, of which there is one at least.
    fn end_word(&mut self) -> Option<()> {
        let start = self.at;
        while let Some(b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.') = self.byte() {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }
}

/// The bytes that a string stands for, given what is between its quotes.
///
/// This is UTF-8, but for escaped surrogates without their other half. JavaScript has such strings; they become
/// what UTF-8 would make of them, and so keep their order and stay different from each other.
pub(crate) fn unescape(raw: &str) -> Option<Cow<'_, [u8]>> {
    let Some(first) = raw.bytes().position(|byte| byte == b'\\') else { return Some(raw.as_bytes().into()) };
    let (plain, mut rest) = raw.as_bytes().split_at_checked(first)?;
    let mut bytes = Vec::with_capacity(raw.len());
    bytes.extend_from_slice(plain);
    while let Some((&byte, tail)) = rest.split_first() {
        if byte != b'\\' {
            bytes.push(byte);
            rest = tail;
            continue;
        }
        let (&escaped, tail) = tail.split_first()?;
        rest = tail;
        bytes.push(match escaped {
            b'"' | b'\\' | b'/' => escaped,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                let (code, tail) = code_point(tail)?;
                push_code_point(&mut bytes, code);
                rest = tail;
                continue;
            }
            _ => return None,
        });
    }
    Some(bytes.into())
}

/// The code point of `XXXX`, or of `XXXX\uXXXX` where these are two halves, and what follows.
fn code_point(text: &[u8]) -> Option<(u32, &[u8])> {
    let (high, rest) = hex4(text)?;
    if !(0xd800..0xdc00).contains(&high) {
        return Some((high, rest));
    }
    match rest.strip_prefix(b"\\u").and_then(hex4) {
        Some((low @ 0xdc00..=0xdfff, rest)) => Some((0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), rest)),
        _ => Some((high, rest)),
    }
}

fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let digit = |code: u32, byte: &u8| Some(code << 4 | char::from(*byte).to_digit(16)?);
    Some((digits.iter().try_fold(0, digit)?, rest))
}

/// UTF-8, for surrogates too.
fn push_code_point(bytes: &mut Vec<u8>, code: u32) {
    match char::from_u32(code) {
        Some(char) => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            bytes.extend([0xe0 | (code >> 12), 0x80 | (code >> 6 & 0x3f), 0x80 | (code & 0x3f)].map(|byte| byte as u8))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn steps_over_values() {
        let text = r#" [1, {"a\"]": [true, "}"]} ,null] "#;
        let mut scanner = Scanner::new(text);
        scanner.take(b'[').unwrap();
        let mut elements = Vec::new();
        while scanner.element().unwrap() {
            elements.push(scanner.value().unwrap());
        }
        assert_eq!(elements, ["1", r#"{"a\"]": [true, "}"]}"#, "null"]);
        assert_eq!(scanner.peek(), None);
    }

    #[test]
    fn deep_text_is_no_problem() {
        let text = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
        assert_eq!(Scanner::new(&text).value(), Some(&text[..]));
    }

    #[test]
    fn surrogates_pair_up_or_stay_alone() {
        assert_eq!(&*unescape(r"\ud83d\ude00").unwrap(), "😀".as_bytes());
        assert_eq!(&*unescape(r"x\uD83Dy").unwrap(), b"x\xed\xa0\xbdy");
        assert_eq!(&*unescape(r"\ude00\ud83d").unwrap(), b"\xed\xb8\x80\xed\xa0\xbd");
        assert_eq!(&*unescape(r"\ud83d\ud83d\ude00").unwrap(), [b"\xed\xa0\xbd", "😀".as_bytes()].concat());
    }

    #[test]
    fn what_is_no_json_ends_in_none() {
        for text in ["", "[", "{", "\"", "\"\\", "\"\\é\"", "]", ",", "[1", "{\"a\":", "é", "[\"\\\"]"] {
            assert_eq!(Scanner::new(text).value(), None, "{text}");
        }
        for raw in ["\\", "\\x", "\\u12", "\\u12g4"] {
            assert_eq!(unescape(raw), None, "{raw}");
        }
    }

    proptest! {
        #[test]
        fn strings_mean_what_serde_says(string in any::<String>()) {
            let text = serde_json::to_string(&string).unwrap();
            let escaped: String = string.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            let raw = Scanner::new(&text).string().unwrap();
            prop_assert_eq!(&*unescape(raw).unwrap(), string.as_bytes());
            prop_assert_eq!(&*unescape(&escaped).unwrap(), string.as_bytes());
        }

        #[test]
        fn any_text_is_survived(text in r#"[\[\]{}",:\\u0-9a-e é]{0,24}"#) {
            let mut scanner = Scanner::new(&text);
            while let Some(value) = scanner.value() {
                prop_assert!(!value.is_empty());
            }
            let _ = unescape(&text);
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert_eq!(Scanner::new(&text).value(), Some(text.trim()));
            }
        }
    }
}
