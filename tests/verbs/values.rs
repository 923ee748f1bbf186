//! The values of the table that JSON does not have: what they stand for in arguments, and what they match in results.

use serde_json::{Map, Number, Value, json};
use std::collections::BTreeMap;

/// A time to live may be so many seconds shorter than it was when it was given.
const SLOWNESS_SECONDS: f64 = 30.0;

/// The values that were kept, by their names.
#[derive(Default)]
pub struct Kept {
    named: BTreeMap<String, Value>,
    /// What stands for all that was not kept: to look at arguments before there are any.
    otherwise: Option<Value>,
}

/// What is not there: `undefined` in TypeScript, `None` in Rust.
pub fn none() -> Value {
    json!({ "$none": true })
}

/// A value, or what is not there.
pub fn perhaps(value: Option<Value>) -> Value {
    value.unwrap_or_else(none)
}

/// The name and the argument of a value that JSON does not have.
fn special(value: &Value) -> Option<(&str, &Value)> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    let (name, argument) = object.iter().next()?;
    Some((name.strip_prefix('$')?, argument))
}

impl Kept {
    /// Has something under every name.
    #[cfg(not(target_os = "wasi"))]
    pub fn anything() -> Self {
        Self { named: BTreeMap::new(), otherwise: Some(json!(1)) }
    }

    /// The argument that is meant by `value`.
    pub fn resolve(&self, value: &Value) -> Value {
        match special(value) {
            Some(("kept", name)) => self.named(name).clone(),
            Some(("integer", text)) => Value::Number(integer(text)),
            Some(("repeat", parts)) => {
                let text = parts[0].as_str().expect("a text to repeat");
                json!(text.repeat(parts[1].as_u64().expect("how often") as usize))
            }
            Some(("nested", levels)) => {
                let levels = levels.as_u64().expect("a number of levels");
                (0..levels).fold(json!(0), |inner, _| Value::Array(vec![inner]))
            }
            Some(("none", _)) => value.clone(),
            Some((name, _)) => panic!("an argument cannot be ${name}"),
            None => match value {
                Value::Array(list) => list.iter().map(|value| self.resolve(value)).collect(),
                Value::Object(object) => {
                    object.iter().map(|(name, value)| (name.clone(), self.resolve(value))).collect::<Map<_, _>>().into()
                }
                value => value.clone(),
            },
        }
    }

    fn named(&self, name: &Value) -> &Value {
        let name = name.as_str().expect("a name");
        self.named.get(name).or(self.otherwise.as_ref()).unwrap_or_else(|| panic!("nothing was kept as {name}"))
    }

    /// Whether `actual` is what is expected. What is wrong is told.
    pub fn compare(&mut self, actual: &Value, expected: &Value) -> Result<(), String> {
        let differs = || Err(format!("expected {expected}, and got {actual}"));
        let verdict = |is_good: bool| if is_good { Ok(()) } else { differs() };
        match (special(expected), expected, actual) {
            (Some(("any", name)), ..) => {
                self.named.insert(name.as_str().expect("a name").to_owned(), actual.clone());
                verdict(*actual != none())
            }
            (Some(("kept", name)), ..) => verdict(is_same(self.named(name), actual)),
            (Some(("integer", text)), ..) => verdict(*actual == Value::Number(integer(text))),
            (Some(("about", most)), ..) => {
                let most = most.as_f64().expect("a number");
                verdict(actual.as_f64().is_some_and(|actual| actual <= most && actual > most - SLOWNESS_SECONDS))
            }
            (Some(("has", fields)), _, Value::Object(object)) => {
                let fields = fields.as_object().expect("fields");
                fields.iter().try_for_each(|(name, expected)| match object.get(name) {
                    Some(value) => {
                        self.compare(value, expected).map_err(|wrong| format!("{name}: {wrong}, in {actual}"))
                    }
                    None => Err(format!("expected a field {name:?} in {actual}")),
                })
            }
            (Some(("none" | "repeat" | "nested", _)), ..) => verdict(*actual == self.resolve(expected)),
            (Some(_), ..) => differs(),
            (None, Value::Array(expected), Value::Array(list)) if expected.len() == list.len() => {
                list.iter().zip(expected).try_for_each(|(actual, expected)| self.compare(actual, expected))
            }
            (None, Value::Object(expected), Value::Object(object)) if expected.len() == object.len() => {
                expected.iter().try_for_each(|(name, expected)| match object.get(name) {
                    Some(actual) => self.compare(actual, expected),
                    None => differs(),
                })
            }
            (None, ..) => verdict(is_same(actual, expected)),
        }
    }
}

/// Whether two values are equal; 1 and 1.0 are.
fn is_same(left: &Value, right: &Value) -> bool {
    left == right || left.is_number() && left.as_f64() == right.as_f64()
}

fn integer(text: &Value) -> Number {
    text.as_str().and_then(|text| text.parse::<i64>().ok()).expect("an integer of 64 bits, as text").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_match_what_they_stand_for() {
        let mut kept = Kept::default();
        for (actual, expected, is_good) in [
            (json!(1), json!(1.0), true),
            (json!([1, { "a": null }]), json!([1.0, { "a": null }]), true),
            (json!([1]), json!([1, 2]), false),
            (json!({ "a": 1, "b": 2 }), json!({ "a": 1 }), false),
            (json!({ "a": 1, "b": 2 }), json!({ "$has": { "a": 1 } }), true),
            (json!({ "b": 2 }), json!({ "$has": { "a": 1 } }), false),
            (json!(7), json!({ "$any": "number" }), true),
            (json!({ "n": 7 }), json!({ "n": { "$kept": "number" } }), true),
            (json!({ "n": 8 }), json!({ "n": { "$kept": "number" } }), false),
            (none(), json!({ "$any": "number" }), false),
            (none(), json!({ "$none": true }), true),
            (json!(null), json!({ "$none": true }), false),
            (none(), json!(null), false),
            (json!(59.5), json!({ "$about": 60 }), true),
            (json!(60.5), json!({ "$about": 60 }), false),
            (json!(null), json!({ "$about": 60 }), false),
            (json!(i64::MAX), json!({ "$integer": "9223372036854775807" }), true),
            (json!(i64::MAX - 1), json!({ "$integer": "9223372036854775807" }), false),
        ] {
            assert_eq!(kept.compare(&actual, &expected).is_ok(), is_good, "{actual} {expected}");
        }
        assert_eq!(kept.resolve(&json!([{ "$repeat": ["ab", 2] }, { "$nested": 2 }])), json!(["abab", [[0]]]));
    }
}
