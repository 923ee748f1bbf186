//! Rust values to JSON text, without the silent losses: what JSON cannot hold is an error.
//!
//! `serde_json` writes `null` for NaN and infinity, and does not tell its formatter which nulls those are. So a
//! value whose text has a null in it is walked a second time, by a serializer that only looks at its numbers.

use super::text::check_length;
use crate::documents::error::{Error, Result};
use serde::{Serialize, ser};
use serde_json::ser::Formatter;
use std::fmt;
use std::io;

/// The JSON text of `value`, to become the document at `key`.
pub(crate) fn to_json<T: Serialize + ?Sized>(key: &str, value: &T) -> Result<String> {
    let text = to_text(value).map_err(|error| Error::invalid_document(key, error))?;
    check_length(text.len())?;
    Ok(text)
}

/// The JSON text of `value`, or what is wrong with it.
pub(crate) fn to_text<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    let (mut text, mut has_null) = (Vec::new(), false);
    let formatter = Exact { has_null: &mut has_null };
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
    if has_null {
        value.serialize(FiniteNumbers).map_err(|NotFinite(reason)| ser::Error::custom(reason))?;
    }
    String::from_utf8(text).map_err(ser::Error::custom)
}

/// Compact JSON that remembers whether it has nulls, and refuses integers that no reader would give back.
struct Exact<'a> {
    has_null: &'a mut bool,
}

impl Formatter for Exact<'_> {
    fn write_null<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        *self.has_null = true;
        writer.write_all(b"null")
    }

    fn write_i128<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: i128) -> io::Result<()> {
        match i64::try_from(value) {
            Ok(value) => self.write_i64(writer, value),
            Err(_) => self.write_u128(writer, u128::try_from(value).unwrap_or(u128::MAX)),
        }
    }

    fn write_u128<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: u128) -> io::Result<()> {
        match u64::try_from(value) {
            Ok(value) => self.write_u64(writer, value),
            Err(_) => Err(io::Error::other("an integer does not fit into 64 bits; store it as a string")),
        }
    }
}

/// Walks a value and fails at the first number that is not finite.
#[derive(Clone, Copy)]
struct FiniteNumbers;

#[derive(Debug)]
struct NotFinite(String);

type Walk = std::result::Result<(), NotFinite>;

impl fmt::Display for NotFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for NotFinite {}

impl ser::Error for NotFinite {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// Methods for values that have no numbers in them.
macro_rules! nothing_to_see {
    ($($method:ident($($kind:ty),*);)*) => {
        $(fn $method(self, $(_: $kind),*) -> Walk { Ok(()) })*
    };
}

/// Methods that open a compound value.
macro_rules! look_inside {
    ($($method:ident($($kind:ty),*) -> $compound:ident;)*) => {
        $(
            type $compound = Self;
            fn $method(self, $(_: $kind),*) -> std::result::Result<Self, NotFinite> { Ok(self) }
        )*
    };
}

impl ser::Serializer for FiniteNumbers {
    type Ok = ();
    type Error = NotFinite;

    fn serialize_f32(self, value: f32) -> Walk {
        self.serialize_f64(f64::from(value))
    }

    fn serialize_f64(self, value: f64) -> Walk {
        if value.is_finite() { Ok(()) } else { Err(NotFinite(format!("JSON has no {value}"))) }
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Walk {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(self, _: &'static str, value: &T) -> Walk {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Walk {
        value.serialize(self)
    }

    fn collect_str<T: ?Sized + fmt::Display>(self, _: &T) -> Walk {
        Ok(())
    }

    nothing_to_see! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    look_inside! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}

/// Compound values: each part is looked at.
macro_rules! each_part {
    ($($compound:ident: $($method:ident($($kind:ty),*)),+;)*) => {
        $(impl ser::$compound for FiniteNumbers {
            type Ok = ();
            type Error = NotFinite;
            $(fn $method<T: ?Sized + Serialize>(&mut self, $(_: $kind,)* value: &T) -> Walk {
                value.serialize(*self)
            })+
            fn end(self) -> Walk { Ok(()) }
        })*
    };
}

each_part! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;
    use std::collections::BTreeMap;

    #[derive(Serialize)]
    enum Shape {
        Unit,
        New(f64),
        Tuple(f64, Option<f32>),
        Struct { a: Vec<f64> },
    }

    #[test]
    fn values_become_compact_text() {
        assert_eq!(to_json("k", "ü\n").unwrap(), "\"ü\\n\"");
        assert_eq!(to_json("k", &(1, -2.5, None::<u8>, true)).unwrap(), "[1,-2.5,null,true]");
        assert_eq!(to_json("k", &u64::MAX).unwrap(), "18446744073709551615");
        assert_eq!(to_json("k", &i128::from(i64::MIN)).unwrap(), "-9223372036854775808");
        let shapes = [Shape::Unit, Shape::New(1.0), Shape::Tuple(0.5, None), Shape::Struct { a: vec![2.0] }];
        let text = r#"["Unit",{"New":1.0},{"Tuple":[0.5,null]},{"Struct":{"a":[2.0]}}]"#;
        assert_eq!(to_json("k", &shapes).unwrap(), text);
    }

    #[test]
    fn numbers_that_json_lacks_are_errors_wherever_they_are() {
        let fails = |result: Result<String>, reason: &str| {
            let error = result.unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidValue);
            assert!(error.to_string().contains(reason), "{error}");
        };
        fails(to_json("k", &f64::NAN), "NaN");
        fails(to_json("k", &f32::NEG_INFINITY), "-inf");
        fails(to_json("k", &[Some(1.0), None, Some(f64::INFINITY)]), "inf");
        fails(to_json("k", &Shape::New(f64::NAN)), "NaN");
        fails(to_json("k", &Shape::Tuple(1.0, Some(f32::NAN))), "NaN");
        fails(to_json("k", &Shape::Struct { a: vec![f64::NAN] }), "NaN");
        fails(to_json("k", &BTreeMap::from([("a", f64::NAN)])), "NaN");
        fails(to_json("k", &(f64::NAN,)), "NaN");
        fails(to_json("k", &i128::MAX), "64 bits");
        fails(to_json("k", &i128::MIN), "64 bits");
        fails(to_json("k", &BTreeMap::from([((1, 2), 3)])), "key must be a string");
    }

    #[test]
    fn raw_json_stays_as_it_is() {
        let raw = serde_json::value::RawValue::from_string("{\"a\":  null}".to_owned()).unwrap();
        assert_eq!(to_json("k", &raw).unwrap(), "{\"a\":  null}");
    }
}
