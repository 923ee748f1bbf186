//! JSON values from any bytes, and their order, written down once more in another way than the engine's.

use crate::fuzzing::Input;
use serde_json::{Map, Number, Value, json};
use std::cmp::Ordering;

/// A value; equal bytes give equal values.
pub fn value(input: &mut Input<'_>, depth: usize) -> Value {
    match input.byte() % if depth == 0 { 8 } else { 12 } {
        0 => Value::Null,
        1 => Value::Bool(input.flag()),
        2 => json!(input.byte() as i8),
        3 => json!(input.long()),
        4 => json!(input.long() as i64),
        5 => json!((1_u64 << (input.byte() % 64)).wrapping_add(u64::from(input.byte() % 7)).wrapping_sub(3)),
        6 => json!(f64::from_bits(input.long())),
        7 => Value::String(text(input)),
        8 | 9 => (0..input.below(4)).map(|_| value(input, depth - 1)).collect(),
        _ => {
            let fields: Map<_, _> = (0..input.below(4)).map(|_| (text(input), value(input, depth - 1))).collect();
            Value::Object(fields)
        }
    }
}

fn text(input: &mut Input<'_>) -> String {
    String::from_utf8_lossy(input.some_bytes(12)).into_owned()
}

/// The order of the values.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let first = a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne());
            first.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (mut a, mut b): (Vec<_>, Vec<_>) = (a.iter().collect(), b.iter().collect());
            a.sort_by_key(|field| field.0);
            b.sort_by_key(|field| field.0);
            let field = |a: &(&String, &Value), b: &(&String, &Value)| a.0.cmp(b.0).then_with(|| compare(a.1, b.1));
            let first = a.iter().zip(&b).map(|(a, b)| field(a, b)).find(|order| order.is_ne());
            first.unwrap_or(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// The place of a value's type among the types.
pub fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    let integer = |n: &Number| n.as_i64().map(i128::from).or(n.as_u64().map(i128::from));
    let double = |n: &Number| n.as_f64().expect("it is a double");
    match (integer(a), integer(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(a), None) => compare_mixed(a, double(b)),
        (None, Some(b)) => compare_mixed(b, double(a)).reverse(),
        (None, None) => double(a).partial_cmp(&double(b)).expect("JSON has no NaN"),
    }
}

fn compare_mixed(integer: i128, double: f64) -> Ordering {
    if double.abs() >= 1e30 {
        return 0.0.partial_cmp(&double).expect("JSON has no NaN");
    }
    let whole = double.floor() as i128;
    integer.cmp(&whole).then(if double > double.floor() { Ordering::Less } else { Ordering::Equal })
}
