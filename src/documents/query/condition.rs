//! Conditions on the value at a path.

use super::spelling::instead_of;
use crate::documents::error::{Error, Result, abbreviate, shorten};
use crate::documents::json::ordering::{DEPTH_MAX, Kind, Unencodable, encode_exact};
use crate::documents::json::scanner::{Scanner, unescape};
use crate::documents::json::{serialize, text};
use serde::Serialize;
use serde_json::Value;
use std::ops::{Bound, RangeBounds};

/// A condition on the value at a path, for [`Database::find`](crate::Database::find): equal to a value, or in a range.
///
/// Values are ordered null < false < true < numbers < strings < arrays < objects. Numbers are compared by their
/// exact value (1 equals 1.0), strings by their code points. A range finds only values of the type of its bounds. A
/// document without a value at the path meets no condition; one with `null` there equals `null`.
///
/// ```
/// use ferrolite::Condition;
/// use serde_json::json;
///
/// let admins = Condition::equals("admin")?;
/// let adults = Condition::range(18..)?;
/// assert_eq!(adults, Condition::from_json(&json!({"gte": 18}))?);
/// assert_eq!(adults, Condition::parse(r#"{"gte": 18}"#)?);
/// # Ok::<(), ferrolite::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    bounds: Bounds,
}

/// A range of encoded values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub start: Bound<Vec<u8>>,
    pub end: Bound<Vec<u8>>,
}

impl Bounds {
    /// The range between two bounds, of the type of these. One that is open ends with the values of that type.
    pub fn of_one_kind(start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Result<Self> {
        let kind = match (kind_of(&start), kind_of(&end)) {
            (Some(start), Some(end)) if start != end => {
                let (start, end) = (start.name(), end.name());
                let reason = format!("it mixes types: one bound is {start}, the other {end}; no value lies between");
                return Err(Error::invalid_condition(reason));
            }
            (Some(kind), _) | (None, Some(kind)) => kind,
            (None, None) => {
                let reason = "it has no bounds; give one of `gt`, `gte`, `lt` and `lte`, or a value to be equal to";
                return Err(Error::invalid_condition(reason));
            }
        };
        let start = if start == Bound::Unbounded { Bound::Included(kind.first()) } else { start };
        let end = if end == Bound::Unbounded { Bound::Excluded(kind.end()) } else { end };
        Ok(Self { start, end })
    }
}

impl Condition {
    /// The value equals `value`.
    ///
    /// # Errors
    /// `InvalidCondition` when `value` is not JSON, or nested more than 128 deep.
    pub fn equals<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        Ok(Self::encoded_equals(encode_value(value)?))
    }

    /// The value lies in `range`, as `18..65`, `..=0.5` or `"a".."b"`.
    ///
    /// # Errors
    /// `InvalidCondition` when the range has no bounds, or bounds of two types.
    pub fn range<T: Serialize>(range: impl RangeBounds<T>) -> Result<Self> {
        Self::encoded_range(encode_bound(range.start_bound())?, encode_bound(range.end_bound())?)
    }

    /// The condition that `json` describes. An object is a range: it has one or two of the fields `gt` (above),
    /// `gte` (this or above), `lt` (below) and `lte` (this or below). Anything else is equality.
    ///
    /// # Errors
    /// `InvalidCondition` when a range has no bounds, two bounds of one side, bounds of two types or other fields,
    /// or a value is nested more than 128 deep.
    pub fn from_json(json: &Value) -> Result<Self> {
        Self::parse(&json.to_string())
    }

    /// Parses a condition from JSON text.
    ///
    /// # Errors
    /// As [`Condition::from_json`], and when `text` is not JSON.
    pub fn parse(text: &str) -> Result<Self> {
        text::check_text(text).map_err(|reason| Error::invalid_condition(format!("it is not JSON: {reason}")))?;
        if Scanner::new(text).peek() == Some(b'{') {
            Self::parse_range(text)
        } else {
            Ok(Self::encoded_equals(encode_text(text)?))
        }
    }

    fn parse_range(text: &str) -> Result<Self> {
        let not_json = || Error::invalid_condition("it is not JSON");
        let [mut gt, mut gte, mut lt, mut lte] = [None, None, None, None];
        let mut scanner = Scanner::new(text);
        scanner.take(b'{').ok_or_else(not_json)?;
        while let Some(name) = scanner.member().ok_or_else(not_json)? {
            let slot = match &*unescape(name).ok_or_else(not_json)? {
                b"gt" => &mut gt,
                b"gte" => &mut gte,
                b"lt" => &mut lt,
                b"lte" => &mut lte,
                other => return Err(unknown_bound(&String::from_utf8_lossy(other))),
            };
            *slot = Some(encode_text(scanner.value().ok_or_else(not_json)?)?);
        }
        let start = one_bound(gt, gte, "it has both `gt` and `gte`; give one lower bound")?;
        let end = one_bound(lt, lte, "it has both `lt` and `lte`; give one upper bound")?;
        Self::encoded_range(start, end)
    }

    fn encoded_equals(value: Vec<u8>) -> Self {
        let bounds = Bounds { start: Bound::Included(value.clone()), end: Bound::Included(value) };
        Self { bounds }
    }

    fn encoded_range(start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Result<Self> {
        Ok(Self { bounds: Bounds::of_one_kind(start, end)? })
    }

    pub(crate) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// True if a value with this encoding meets the condition.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn is_met_by(&self, encoded: &[u8]) -> bool {
        let range = (self.bounds.start.as_ref().map(Vec::as_slice), self.bounds.end.as_ref().map(Vec::as_slice));
        RangeBounds::<[u8]>::contains(&range, encoded)
    }
}

fn unknown_bound(name: &str) -> Error {
    let instead = match instead_of(name) {
        Some(instead @ ("`gt`" | "`gte`" | "`lt`" | "`lte`")) => format!("write {instead}"),
        Some(instead) => format!("ask for it by a query, whose filter has {instead}"),
        None => "a query also finds by other operators".to_owned(),
    };
    let name = abbreviate(name);
    Error::invalid_condition(format!("{name} is not a bound; {instead}; the bounds are gt, gte, lt and lte"))
}

fn one_bound(excluded: Option<Vec<u8>>, included: Option<Vec<u8>>, both: &str) -> Result<Bound<Vec<u8>>> {
    match (excluded, included) {
        (Some(_), Some(_)) => Err(Error::invalid_condition(both)),
        (Some(value), None) => Ok(Bound::Excluded(value)),
        (None, Some(value)) => Ok(Bound::Included(value)),
        (None, None) => Ok(Bound::Unbounded),
    }
}

fn kind_of(bound: &Bound<Vec<u8>>) -> Option<Kind> {
    match bound {
        Bound::Included(value) | Bound::Excluded(value) => Some(Kind::of(value)),
        Bound::Unbounded => None,
    }
}

fn encode_bound<T: Serialize>(bound: Bound<&T>) -> Result<Bound<Vec<u8>>> {
    Ok(match bound {
        Bound::Included(value) => Bound::Included(encode_value(value)?),
        Bound::Excluded(value) => Bound::Excluded(encode_value(value)?),
        Bound::Unbounded => Bound::Unbounded,
    })
}

fn encode_value<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let text = serialize::to_text(value).map_err(|error| Error::invalid_condition(shorten(error)))?;
    encode_text(&text)
}

fn encode_text(text: &str) -> Result<Vec<u8>> {
    encode_exact(text).map_err(|problem| match problem {
        Unencodable::TooDeep => Error::invalid_condition(format!("its value is nested deeper than {DEPTH_MAX}")),
        Unencodable::NotJson => Error::invalid_condition("it is not JSON"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    fn met(condition: &Condition, text: &str) -> bool {
        condition.is_met_by(&encode_exact(text).unwrap())
    }

    #[test]
    fn equality_is_by_value() {
        let one = Condition::parse("1").unwrap();
        assert!(met(&one, "1.0") && !met(&one, "\"1\"") && !met(&one, "true"));
        assert_eq!(one, Condition::equals(&1).unwrap());
        assert!(met(&Condition::parse("null").unwrap(), "null"));
        assert!(met(&Condition::equals(&serde_json::json!({"gte": 1})).unwrap(), r#"{"gte":1}"#));
        assert!(met(&Condition::parse(r#""\ud800""#).unwrap(), r#""\uD800""#));
    }

    #[test]
    fn a_range_keeps_to_the_type_of_its_bounds() {
        let adults = Condition::parse(r#" {"gte": 18} "#).unwrap();
        assert!(met(&adults, "18") && met(&adults, "1e999") && !met(&adults, "17.9") && !met(&adults, "\"20\""));
        let below = Condition::range(..18).unwrap();
        assert!(met(&below, "-5") && !met(&below, "18") && !met(&below, "null") && !met(&below, "true"));
        let not_true = Condition::parse(r#"{"lt": true}"#).unwrap();
        assert!(met(&not_true, "false") && !met(&not_true, "true") && !met(&not_true, "null"));
        let names = Condition::range("a".."c").unwrap();
        assert!(met(&names, "\"b\"") && met(&names, "\"a\"") && !met(&names, "\"c\"") && !met(&names, "[]"));
        let nothing = Condition::parse(r#"{"gt": 5, "lt": 3}"#).unwrap();
        assert!(!met(&nothing, "4"));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for text in [
            "{}",
            "",
            "nope",
            r#"{"eq": 1}"#,
            r#"{"gte": 1, "x": 2}"#,
            r#"{"gt": 1, "gte": 1}"#,
            r#"{"lt": 1, "lte": 1}"#,
            r#"{"gte": 1, "lt": "a"}"#,
            r#"{"gte": null, "lt": 1}"#,
            r#"{"gt": false, "lt": 1}"#,
            &deep,
        ] {
            let error = Condition::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidCondition, "{text}");
        }
        assert!(Condition::range::<u8>(..).is_err());
        assert!(Condition::equals(&f64::NAN).is_err());
        let mixed = Condition::parse(r#"{"gte": 1, "lt": "a"}"#).unwrap_err().to_string();
        assert!(mixed.contains("mixes types") && mixed.contains("a number") && mixed.contains("a string"), "{mixed}");
    }
}
