//! JSON as the tests understand it: parsed into a tree, and ordered as `find` must order values. Written from the
//! documentation, without a look at how the database does it.

use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A JSON value. Strings are code points, for they may hold halves of surrogate pairs.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(Vec<u32>),
    Array(Vec<Json>),
    Object(BTreeMap<Vec<u32>, Json>),
}

/// A number `0.DIGITS × 10^exponent`, exactly. Its digits neither begin nor end with 0; zero has none.
#[derive(Debug, Clone)]
pub struct Number {
    is_negative: bool,
    exponent: i64,
    digits: String,
    place: Place,
}

/// Where a number stands among others: integers of 64 bits exactly, all others as the nearest double.
#[derive(Debug, Clone, Copy)]
enum Place {
    Integer(i128),
    Double(f64),
}

impl Place {
    fn of(text: &str) -> Option<Self> {
        let in_64_bits = |integer: &i128| *integer >= i128::from(i64::MIN) && *integer <= i128::from(u64::MAX);
        let integer = text.parse::<i128>().ok().filter(in_64_bits);
        integer.map(Self::Integer).or_else(|| text.parse().ok().map(Self::Double))
    }

    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b).expect("JSON has no NaN"),
            (Self::Integer(a), Self::Double(b)) => compare_mixed(a, b),
            (Self::Double(a), Self::Integer(b)) => compare_mixed(b, a).reverse(),
        }
    }
}

fn compare_mixed(integer: i128, double: f64) -> Ordering {
    if double.abs() >= 1e30 {
        return 0.0.partial_cmp(&double).expect("JSON has no NaN");
    }
    integer.cmp(&(double.trunc() as i128)).then_with(|| 0.0.partial_cmp(&double.fract()).expect("it is finite"))
}

impl Number {
    fn new(is_negative: bool, whole: &str, fraction: &str, exponent: i64, place: Place) -> Self {
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        if digits.is_empty() {
            return Self { is_negative: false, exponent: 0, digits: String::new(), place };
        }
        let exponent = exponent + whole.len() as i64 - (all.len() - digits.len()) as i64;
        Self { is_negative, exponent, digits: digits.trim_end_matches('0').to_owned(), place }
    }

    /// By the exact values.
    fn compare(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| match (number.digits.is_empty(), number.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let size = self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits));
        let size = if self.is_negative { size.reverse() } else { size };
        sign(self).cmp(&sign(other)).then(size)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

impl Json {
    /// Parses a text; `None` when it is not JSON. Of fields with one name the last one counts.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parser = Parser { left: text.as_bytes() };
        let value = parser.value()?;
        parser.skip_space();
        parser.left.is_empty().then_some(value)
    }

    /// The value at a path of fields.
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('.').try_fold(self, |value, field| match value {
            Self::Object(fields) => fields.get(&field.chars().map(u32::from).collect::<Vec<_>>()),
            _ => None,
        })
    }

    /// How deep arrays and objects are nested.
    pub fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(fields) => 1 + fields.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The type, in the order of types. Booleans are one.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Number(_) => 2,
            Self::String(_) => 3,
            Self::Array(_) => 4,
            Self::Object(_) => 5,
        }
    }

    /// Compares as conditions do: numbers by their exact values.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.compare_by(other, Number::compare)
    }

    /// Compares as rows are ordered: numbers by their places.
    pub fn order(&self, other: &Self) -> Ordering {
        self.compare_by(other, |a, b| a.place.compare(b.place))
    }

    fn compare_by(&self, other: &Self, numbers: fn(&Number, &Number) -> Ordering) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => numbers(a, b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => {
                let unequal = a.iter().zip(b).map(|(a, b)| a.compare_by(b, numbers)).find(|order| order.is_ne());
                unequal.unwrap_or(a.len().cmp(&b.len()))
            }
            (Self::Object(a), Self::Object(b)) => {
                let fields = a.iter().zip(b);
                let mut orders = fields.map(|(a, b)| a.0.cmp(b.0).then_with(|| a.1.compare_by(b.1, numbers)));
                orders.find(|order| order.is_ne()).unwrap_or(a.len().cmp(&b.len()))
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

struct Parser<'a> {
    left: &'a [u8],
}

impl Parser<'_> {
    fn skip_space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', left @ ..] = self.left {
            self.left = left;
        }
    }

    fn take(&mut self, literal: &[u8]) -> Option<()> {
        self.left = self.left.strip_prefix(literal)?;
        Some(())
    }

    fn value(&mut self) -> Option<Json> {
        self.skip_space();
        match self.left.first()? {
            b'n' => self.take(b"null").map(|()| Json::Null),
            b't' => self.take(b"true").map(|()| Json::Bool(true)),
            b'f' => self.take(b"false").map(|()| Json::Bool(false)),
            b'"' => self.string().map(Json::String),
            b'[' => {
                let mut elements = Vec::new();
                self.list(b'[', b']', |parser| parser.value().map(|value| elements.push(value)))?;
                Some(Json::Array(elements))
            }
            b'{' => {
                let mut fields = BTreeMap::new();
                self.list(b'{', b'}', |parser| {
                    let name = parser.string()?;
                    parser.skip_space();
                    parser.take(b":")?;
                    fields.insert(name, parser.value()?);
                    Some(())
                })?;
                Some(Json::Object(fields))
            }
            _ => self.number(),
        }
    }

    fn list(&mut self, open: u8, close: u8, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(&[open])?;
        self.skip_space();
        if self.take(&[close]).is_some() {
            return Some(());
        }
        loop {
            self.skip_space();
            item(self)?;
            self.skip_space();
            if self.take(&[close]).is_some() {
                return Some(());
            }
            self.take(b",")?;
        }
    }

    fn number(&mut self) -> Option<Json> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = self.left.iter().position(|byte| !is_part(byte)).unwrap_or(self.left.len());
        let (number, left) = self.left.split_at(length);
        self.left = left;
        let text = std::str::from_utf8(number).ok()?;
        let (whole, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(whole, it)| (whole, Some(it)));
        let (whole, fraction) = whole.split_once('.').map_or((whole, None), |(whole, it)| (whole, Some(it)));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let unsigned = whole.strip_prefix('-').unwrap_or(whole);
        let is_number = digits(unsigned)
            && (unsigned == "0" || !unsigned.starts_with('0'))
            && fraction.is_none_or(digits)
            && exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)));
        let exponent = exponent.map_or(Some(0), |exponent| exponent.parse().ok())?;
        let place = Place::of(text).filter(|_| is_number)?;
        Some(Json::Number(Number::new(whole.starts_with('-'), unsigned, fraction.unwrap_or(""), exponent, place)))
    }

    fn string(&mut self) -> Option<Vec<u32>> {
        self.take(b"\"")?;
        let mut points: Vec<u32> = Vec::new();
        loop {
            let character = self.character()?;
            let point = match character {
                '"' => return Some(points),
                '\\' => self.escape()?,
                '\0'..='\u{1f}' => return None,
                other => u32::from(other),
            };
            points.push(point);
        }
    }

    fn character(&mut self) -> Option<char> {
        let length = match self.left.first()? {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        let (character, left) = self.left.split_at_checked(length)?;
        self.left = left;
        std::str::from_utf8(character).ok()?.chars().next()
    }

    /// The code point behind a backslash. The second half of a pair is joined with the first.
    fn escape(&mut self) -> Option<u32> {
        let (letter, left) = self.left.split_first()?;
        self.left = left;
        Some(match letter {
            b'"' | b'\\' | b'/' => u32::from(*letter),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let high = self.unit()?;
                let before = self.left;
                let low = self.take(b"\\u").and_then(|()| self.unit());
                match low {
                    Some(low @ 0xdc00..0xe000) if (0xd800..0xdc00).contains(&high) => {
                        0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                    }
                    _ => {
                        self.left = before;
                        high
                    }
                }
            }
            _ => return None,
        })
    }

    fn unit(&mut self) -> Option<u32> {
        let (digits, left) = self.left.split_at_checked(4)?;
        self.left = left;
        let text = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
        u32::from_str_radix(text, 16).ok()
    }
}
