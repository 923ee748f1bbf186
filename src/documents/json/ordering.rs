//! JSON values as bytes that sort like the values.
//!
//! The order is null < false < true < numbers < strings < arrays < objects. Strings are compared by their code points,
//! arrays element by element, objects field by field in the order of the names: a field's name first, then its value.
//!
//! There are two forms. [`encode`] makes the form of index entries and of rows' places. There, a number is the nearest double,
//! and integers of 64 bits are exact: different numbers of more than 17 digits may be alike. [`encode_exact`] makes the form
//! that is compared: two values have the same exact form if and only if they are equal, and exact forms sort by the exact
//! values (1 and 1.0 are equal; 0.1 and 0.10000000000000000001 are not). Both forms of most values are the same bytes.
//!
//! ```text
//! null    10
//! false   20          true  28
//! number  30 | nearest double, 8 bytes | what is missing to the exact value + 8000, 2 bytes
//! string  40 | UTF-8, each 00 as 00 FF | 00 01
//! array   50 | elements | 00
//! object  60 | for each field, by name: 01, the name as in a string, the value | 00
//! ```
//!
//! Numbers are big-endian; a double's sign bit is inverted, and when it was set all other bits too. No encoding is
//! the beginning of another one, so that a document key can follow. That is how index entries are made. There, an
//! encoding is cut after [`INDEXED_LENGTH_MAX`] bytes.
//!
//! The exact form of a number that is more than that:
//!
//! ```text
//! number  30 | nearest double, 8 bytes | place, 2 bytes | F0 | the decimal number
//! ```
//!
//! The place is that of the largest integer that is not above the number, as what is missing. Where no integer of 64 bits has
//! this nearest double but the double itself, it is 4000 or C000: below or above the shortest decimal number of this double.

use super::decimal::{Decimal, significant_digits};
use super::path::NotJson;
use super::scanner::{Scanner, unescape};
use std::collections::BTreeMap;

/// The bytes of an encoding that an index entry holds. Where there are more the document is asked.
pub(crate) const INDEXED_LENGTH_MAX: usize = 1024;

/// How deep arrays and objects may be nested inside a value that is compared.
pub(crate) const DEPTH_MAX: usize = 128;

/// Stands for a value that is missing, where there must be something: below all tags.
pub(crate) const MISSING: u8 = 0x08;

const NULL: u8 = 0x10;
const FALSE: u8 = 0x20;
const TRUE: u8 = 0x28;
const NUMBER: u8 = 0x30;
const STRING: u8 = 0x40;
const ARRAY: u8 = 0x50;
const OBJECT: u8 = 0x60;

/// Ends an array or object: below all tags, so that the shorter one comes first.
const END: u8 = 0x00;
const FIELD: u8 = 0x01;
/// Ends a string: below [`ESCAPED_ZERO`], so that the shorter one comes first.
const STRING_END: [u8; 2] = [0x00, 0x01];
const ESCAPED_ZERO: [u8; 2] = [0x00, 0xff];

/// The bytes behind a number's tag.
const NUMBER_LENGTH: usize = 10;
/// Added to a number's remainder, which lies within 1024 of zero.
const REMAINDER_BIAS: i128 = 0x8000;

/// Follows the place of a number whose exact form is longer: above all tags, since the number is above its place.
const EXACT: u8 = 0xf0;
/// The places of numbers next to the shortest decimal number of their double.
const BELOW: u16 = 0x4000;
const ABOVE: u16 = 0xc000;

/// All integers up to it are doubles.
const EXACT_INTEGERS: f64 = (1_u64 << 53) as f64;
const TWO_TO_63: f64 = (1_u64 << 63) as f64;

/// The types that a range keeps apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind(u8);

/// Why a value has no encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unencodable {
    /// It is nested deeper than [`DEPTH_MAX`].
    TooDeep,
    /// It is not JSON.
    NotJson,
}

impl From<NotJson> for Unencodable {
    fn from(_: NotJson) -> Self {
        Self::NotJson
    }
}

impl Kind {
    pub const ARRAY: Self = Self(ARRAY);

    /// All kinds, in their order.
    pub fn all() -> impl Iterator<Item = Self> {
        [NULL, FALSE, NUMBER, STRING, ARRAY, OBJECT].into_iter().map(Self)
    }

    /// The kind of an encoded value.
    pub fn of(encoded: &[u8]) -> Self {
        Self(encoded.first().map_or(0, |tag| tag & 0xf0))
    }

    /// The byte that all encodings of this kind are above or begin with.
    pub fn first(self) -> Vec<u8> {
        vec![self.0]
    }

    /// The byte that all encodings of this kind are below.
    pub fn end(self) -> Vec<u8> {
        vec![self.0 + 0x10]
    }

    pub fn name(self) -> &'static str {
        match self.0 {
            NULL => "null",
            FALSE => "a boolean",
            NUMBER => "a number",
            STRING => "a string",
            ARRAY => "an array",
            _ => "an object",
        }
    }
}

/// The encoding of the JSON value `text`, as index entries have it.
pub(crate) fn encode(text: &str) -> Result<Vec<u8>, Unencodable> {
    encode_as(text, Form::Nearest)
}

/// The encoding of the JSON value `text` that is equal for equal values only.
pub(crate) fn encode_exact(text: &str) -> Result<Vec<u8>, Unencodable> {
    encode_as(text, Form::Exact)
}

/// The form in which numbers are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Nearest,
    Exact,
}

/// The encoding of the JSON value `text` in a form.
pub(crate) fn encode_as(text: &str, form: Form) -> Result<Vec<u8>, Unencodable> {
    let mut encoded = Vec::with_capacity(text.len().min(INDEXED_LENGTH_MAX) + 8);
    push_value(&mut encoded, &mut Scanner::new(text), DEPTH_MAX, form)?;
    Ok(encoded)
}

/// Returns the common beginning of the encodings of all strings that start with `start`.
pub(crate) fn string_start(start: &[u8]) -> Vec<u8> {
    let mut encoded = vec![STRING];
    push_string(&mut encoded, start);
    encoded.truncate(encoded.len() - STRING_END.len());
    encoded
}

/// Where the encoding at the front of `bytes` ends.
pub(crate) fn encoded_length(bytes: &[u8]) -> Option<usize> {
    let (mut at, mut depth) = (0, 0usize);
    loop {
        let tag = *bytes.get(at)?;
        at += 1;
        match tag {
            NULL | FALSE | TRUE => {}
            NUMBER => at += NUMBER_LENGTH,
            STRING => at += string_length(bytes.get(at..)?)?,
            ARRAY | OBJECT => depth += 1,
            FIELD if depth > 0 => {
                at += string_length(bytes.get(at..)?)?;
                continue;
            }
            END => depth = depth.checked_sub(1)?,
            _ => return None,
        }
        if depth == 0 {
            return (at <= bytes.len()).then_some(at);
        }
    }
}

fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == 0)? + 2;
        match bytes.get(at - 1)? {
            1 => return Some(at),
            0xff => {}
            _ => return None,
        }
    }
}

fn push_value(
    encoded: &mut Vec<u8>,
    scanner: &mut Scanner<'_>,
    depth_left: usize,
    form: Form,
) -> Result<(), Unencodable> {
    use Unencodable::{NotJson, TooDeep};
    match scanner.peek().ok_or(NotJson)? {
        b'"' => {
            encoded.push(STRING);
            push_string(encoded, &unescape(scanner.string().ok_or(NotJson)?).ok_or(NotJson)?);
        }
        b'[' => {
            scanner.take(b'[').ok_or(NotJson)?;
            encoded.push(ARRAY);
            let depth_left = depth_left.checked_sub(1).ok_or(TooDeep)?;
            while scanner.element().ok_or(NotJson)? {
                push_value(encoded, scanner, depth_left, form)?;
            }
            encoded.push(END);
        }
        b'{' => {
            scanner.take(b'{').ok_or(NotJson)?;
            push_object(encoded, scanner, depth_left.checked_sub(1).ok_or(TooDeep)?, form)?;
        }
        _ => match scanner.word().ok_or(NotJson)? {
            "null" => encoded.push(NULL),
            "false" => encoded.push(FALSE),
            "true" => encoded.push(TRUE),
            number => push_number(encoded, number, form).ok_or(NotJson)?,
        },
    }
    Ok(())
}

fn push_object(
    encoded: &mut Vec<u8>,
    scanner: &mut Scanner<'_>,
    depth_left: usize,
    form: Form,
) -> Result<(), Unencodable> {
    let mut fields = BTreeMap::new();
    while let Some(name) = scanner.member().ok_or(Unencodable::NotJson)? {
        let mut value = Vec::new();
        push_value(&mut value, scanner, depth_left, form)?;
        fields.insert(unescape(name).ok_or(Unencodable::NotJson)?, value);
    }
    encoded.push(OBJECT);
    for (name, value) in fields {
        encoded.push(FIELD);
        push_string(encoded, &name);
        encoded.extend_from_slice(&value);
    }
    encoded.push(END);
    Ok(())
}

fn push_string(encoded: &mut Vec<u8>, string: &[u8]) {
    for (index, part) in string.split(|byte| *byte == 0).enumerate() {
        if index > 0 {
            encoded.extend_from_slice(&ESCAPED_ZERO);
        }
        encoded.extend_from_slice(part);
    }
    encoded.extend_from_slice(&STRING_END);
}

/// Integers of 64 bits are exact; of all other numbers the nearest form is the nearest double, as in JavaScript.
fn push_number(encoded: &mut Vec<u8>, text: &str, form: Form) -> Option<()> {
    // Rust also reads "inf" and "nan".
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).then_some(())?;
    let is_integer = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let integer = text.parse::<i64>().map(i128::from).or_else(|_| text.parse::<u64>().map(i128::from));
    match integer {
        Ok(integer) if is_integer => {
            let nearest = integer as f64;
            push_places(encoded, nearest, (integer - nearest as i128 + REMAINDER_BIAS) as u16);
        }
        _ => {
            let nearest = text.parse::<f64>().ok()?;
            match form {
                Form::Exact if !is_shortest(text, nearest) => push_exact(encoded, text, nearest),
                _ => push_places(encoded, nearest, REMAINDER_BIAS as u16),
            }
        }
    }
    Some(())
}

fn push_places(encoded: &mut Vec<u8>, nearest: f64, place: u16) {
    // Minus zero is zero.
    let bits = if nearest == 0.0 { 0 } else { nearest.to_bits() };
    let ordered = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
    encoded.push(NUMBER);
    encoded.extend_from_slice(&ordered.to_be_bytes());
    encoded.extend_from_slice(&place.to_be_bytes());
}

/// True if a number is, for what its length tells, the shortest decimal number of its nearest double, and no integer of 64 bits
/// has that double but the double itself. Of a double's shortest form, 15 digits are always exact.
fn is_shortest(text: &str, nearest: f64) -> bool {
    let is_normal = nearest == 0.0 || (1e-300..1e300).contains(&nearest.abs());
    let digits = significant_digits(text, 15);
    is_normal && digits <= 15 && (nearest != 0.0 || digits == 0) && !is_of_integers(nearest)
}

/// True if several integers of 64 bits may have this nearest double.
fn is_of_integers(nearest: f64) -> bool {
    nearest.abs() >= EXACT_INTEGERS && (-TWO_TO_63..=2.0 * TWO_TO_63).contains(&nearest)
}

/// The exact form of a number that may be no double.
#[inline(never)]
fn push_exact(encoded: &mut Vec<u8>, text: &str, nearest: f64) {
    let number = Decimal::parse(text);
    if is_of_integers(nearest)
        && let Some((floor, is_whole)) = number.floor()
    {
        push_places(encoded, nearest, (floor - nearest as i128 + REMAINDER_BIAS) as u16);
        if is_whole {
            return;
        }
    } else {
        let is_above = match nearest.is_finite() && nearest != 0.0 {
            true => match number.cmp(&Decimal::parse(&format!("{nearest:e}"))) {
                std::cmp::Ordering::Equal => return push_places(encoded, nearest, REMAINDER_BIAS as u16),
                order => order.is_gt(),
            },
            false if nearest == 0.0 => !number.is_negative(),
            false => number.is_negative(),
        };
        push_places(encoded, nearest, if is_above { ABOVE } else { BELOW });
    }
    encoded.push(EXACT);
    number.push_ordered(encoded);
}

/// The beginning of an encoding that index entries of all equal values share, if they need not be the encoding itself: it ends
/// with the double of the first number that the entries may have in several forms. With `every_number` it is the first
/// number, whatever its value.
pub(crate) fn shared_beginning(encoded: &[u8], every_number: bool) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        let tag = *encoded.get(at)?;
        at += 1;
        match tag {
            NUMBER => {
                let (bits, place) = encoded.get(at..)?.split_first_chunk::<8>()?;
                let ordered = u64::from_be_bytes(*bits);
                let nearest = f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered });
                let is_exact = place.get(2) == Some(&EXACT);
                if every_number || is_exact || is_of_integers(nearest) {
                    return encoded.get(..at + 8);
                }
                at += NUMBER_LENGTH;
            }
            STRING | FIELD => at += string_length(encoded.get(at..)?)?,
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "ordering_tests.rs"]
mod tests;
