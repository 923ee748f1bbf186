//! Exact decimal numbers: the value of a JSON number of any length.
//!
//! Two texts are one number if sign, digits and exponent are equal once zeros at both ends are left out: `1.0`, `1e0` and
//! `100e-2` are equal. The cost is linear in the text, whatever the exponent.

use std::cmp::Ordering;

/// A number `0.DIGITS × 10^exponent`. Zero has no digits and is not negative.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    is_negative: bool,
    /// Values 0 to 9, without zeros at the ends.
    digits: Vec<u8>,
    exponent: Exponent,
}

/// A power of ten. Each exponent has one form.
#[derive(Debug, PartialEq, Eq)]
enum Exponent {
    /// Its absolute value has [`SMALL_DIGITS`] digits at most.
    Small(i64),
    /// The digits of its absolute value, without leading zeros.
    Large { is_negative: bool, digits: Vec<u8> },
}

const SMALL_DIGITS: usize = 18;

/// The parts of a number's text.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    /// With its sign; empty if there is none.
    exponent: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let (is_negative, text) = match text.as_bytes() {
            [b'-', text @ ..] => (true, text),
            text => (false, text),
        };
        let (mantissa, exponent) = split_at_one_of(text, b"eE");
        let (whole, fraction) = split_at_one_of(mantissa, b".");
        Self { is_negative, whole, fraction, exponent }
    }
}

fn split_at_one_of<'a>(text: &'a [u8], marks: &[u8]) -> (&'a [u8], &'a [u8]) {
    match text.iter().position(|byte| marks.contains(byte)) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[]),
    }
}

/// The number of digits that count, at most `limit + 1`.
pub(crate) fn significant_digits(text: &str, limit: usize) -> usize {
    let Parts { whole, fraction, .. } = Parts::of(text);
    let (mut count, mut zeros) = (0, 0);
    for digit in whole.iter().chain(fraction) {
        match digit {
            b'0' if count == 0 => {}
            b'0' => zeros += 1,
            _ => {
                count += zeros + 1;
                zeros = 0;
            }
        }
        if count > limit {
            return limit + 1;
        }
    }
    count
}

impl Decimal {
    /// The number of a JSON text, or of what Rust writes of a finite number.
    pub fn parse(text: &str) -> Self {
        let Parts { is_negative, whole, fraction, exponent } = Parts::of(text);
        let mut digits: Vec<u8> = whole.iter().chain(fraction).map(|byte| byte.wrapping_sub(b'0')).collect();
        let leading = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
        digits.drain(..leading);
        digits.truncate(digits.iter().rposition(|digit| *digit != 0).map_or(0, |last| last + 1));
        if digits.is_empty() {
            return Self { is_negative: false, digits, exponent: Exponent::Small(0) };
        }
        // Texts are shorter than 2^31 bytes.
        let point = whole.len() as i64 - leading as i64;
        Self { is_negative, digits, exponent: Exponent::of(exponent, point) }
    }

    pub fn is_negative(&self) -> bool {
        self.is_negative
    }

    /// The largest integer that is not above it, and true if that is the number itself; `None` beyond 2^96.
    pub fn floor(&self) -> Option<(i128, bool)> {
        let Exponent::Small(exponent) = self.exponent else { return None };
        if exponent > 28 {
            return None;
        }
        let places = usize::try_from(exponent).unwrap_or(0);
        let digit = |at: usize| i128::from(self.digits.get(at).copied().unwrap_or(0));
        let magnitude = (0..places).fold(0, |whole, at| whole * 10 + digit(at));
        let is_whole = self.digits.len() <= places;
        Some(match self.is_negative {
            true => (-magnitude - i128::from(!is_whole), is_whole),
            false => (magnitude, is_whole),
        })
    }

    /// Adds bytes that sort as numbers do, and of which none are the beginning of others. REQUIRES: it is not zero, and is
    /// compared with numbers of the same sign only.
    pub fn push_ordered(&self, out: &mut Vec<u8>) {
        let start = out.len();
        match &self.exponent {
            Exponent::Small(exponent) => {
                out.push(0x20);
                out.extend_from_slice(&(*exponent as u64 ^ 1 << 63).to_be_bytes());
            }
            Exponent::Large { is_negative, digits } => {
                out.push(if *is_negative { 0x10 } else { 0x30 });
                let from = out.len();
                out.extend_from_slice(&(digits.len() as u32).to_be_bytes());
                out.extend_from_slice(digits);
                if *is_negative {
                    invert(&mut out[from..]);
                }
            }
        }
        out.extend(self.digits.iter().map(|digit| digit + 1));
        out.push(0);
        if self.is_negative {
            invert(&mut out[start..]);
        }
    }
}

fn invert(bytes: &mut [u8]) {
    bytes.iter_mut().for_each(|byte| *byte = !*byte);
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |number: &Self| (i8::from(!number.digits.is_empty())) * (if number.is_negative { -1 } else { 1 });
        let ordered = |number: &Self| {
            let mut bytes = Vec::new();
            number.push_ordered(&mut bytes);
            bytes
        };
        sign(self).cmp(&sign(other)).then_with(|| ordered(self).cmp(&ordered(other)))
    }
}

impl Exponent {
    /// The exponent of this text, and `more`.
    fn of(text: &[u8], more: i64) -> Self {
        let (is_negative, text) = match text {
            [b'-', text @ ..] => (true, text),
            [b'+', text @ ..] => (false, text),
            text => (false, text),
        };
        let leading = text.iter().position(|digit| *digit != b'0').unwrap_or(text.len());
        let mut digits: Vec<u8> = text.iter().skip(leading).map(|byte| byte.wrapping_sub(b'0')).collect();
        if digits.len() <= SMALL_DIGITS {
            let magnitude = small(&digits);
            let sum = if is_negative { more - magnitude } else { more + magnitude };
            digits = sum.unsigned_abs().to_string().bytes().map(|byte| byte - b'0').collect();
            return Self::new(sum < 0, digits);
        }
        // It is so large that adding cannot change its sign.
        add(&mut digits, if is_negative { -more } else { more });
        Self::new(is_negative, digits)
    }

    fn new(is_negative: bool, digits: Vec<u8>) -> Self {
        match digits.len() <= SMALL_DIGITS {
            true => Self::Small(if is_negative { -small(&digits) } else { small(&digits) }),
            false => Self::Large { is_negative, digits },
        }
    }
}

fn small(digits: &[u8]) -> i64 {
    digits.iter().fold(0, |number, digit| number * 10 + i64::from(*digit))
}

/// Adds to a number of more than [`SMALL_DIGITS`] digits one of less than half as many.
fn add(digits: &mut Vec<u8>, more: i64) {
    let mut carry = more;
    for digit in digits.iter_mut().rev() {
        let sum = i64::from(*digit) + carry;
        *digit = sum.rem_euclid(10) as u8;
        carry = sum.div_euclid(10);
        if carry == 0 {
            break;
        }
    }
    if carry > 0 {
        digits.insert(0, carry as u8);
    }
    let leading = digits.iter().position(|digit| *digit != 0).unwrap_or(digits.len());
    digits.drain(..leading);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_number_has_many_texts() {
        let huge = format!("1e{}", "9".repeat(40));
        let huger = format!("0.001e1{}2", "0".repeat(39));
        for alike in [
            &["1", "1.0", "1e0", "100e-2", "0.1e+1", "1E-0"][..],
            &["0", "-0", "0.000", "0e999999999", "-0e-5"],
            &["-12.50", "-1250e-2", "-0.00125e4"],
            &["1e999999999", "10e999999998", "0.1e1000000000"],
            &[&huge, &huger],
            &["1e999999999999999999", "0.1e1000000000000000000"],
            &["1e-1000000000000000000", "100e-1000000000000000002"],
        ] {
            for text in alike {
                assert_eq!(Decimal::parse(text), Decimal::parse(alike[0]), "{text}");
            }
        }
    }

    #[test]
    fn numbers_are_ordered() {
        let ascending = [
            "-1e99999999999999999999",
            "-1e99999999999999999998",
            "-111111111111111111112",
            "-111111111111111111111",
            "-1.5",
            "-1.4",
            "-1e-99999999999999999999",
            "0",
            "1e-99999999999999999999",
            "1e-99999999999999999998",
            "1e-5",
            "0.1",
            "0.10000000000000000001",
            "1",
            "1.00000000000000000001",
            "9",
            "10",
            "1e999999999",
            "1e1000000000",
            "1e99999999999999999998",
            "1e99999999999999999999",
        ];
        for pair in ascending.windows(2) {
            assert!(Decimal::parse(pair[0]) < Decimal::parse(pair[1]), "{pair:?}");
        }
    }

    #[test]
    fn digits_that_count_are_counted() {
        for (text, count) in [("0", 0), ("-0.0010", 1), ("1200", 2), ("1.0203e99", 5), ("123456", 5)] {
            assert_eq!(significant_digits(text, 4), count, "{text}");
        }
    }

    proptest! {
        #[test]
        fn integers_are_ordered_as_integers(a in any::<i64>(), b in any::<i64>(), zeros in 0usize..5) {
            let of = |number: i64| Decimal::parse(&format!("{number}{}e-{zeros}", "0".repeat(zeros)));
            prop_assert_eq!(of(a).cmp(&of(b)), a.cmp(&b));
            prop_assert_eq!(of(a).floor(), Some((i128::from(a), true)));
        }

        #[test]
        fn doubles_are_ordered_as_doubles(a in any::<f64>(), b in any::<f64>()) {
            prop_assume!(a.is_finite() && b.is_finite());
            let of = |number: f64| Decimal::parse(&format!("{number:e}"));
            prop_assert_eq!(Some(of(a).cmp(&of(b))), a.partial_cmp(&b));
            if let Some((floor, is_whole)) = of(a).floor() {
                prop_assert_eq!((floor as f64, is_whole), (a.floor(), a.fract() == 0.0));
            }
        }
    }
}
