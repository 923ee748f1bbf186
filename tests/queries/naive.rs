//! Queries by the book: parsed values, compared one by one. It shares nothing with the database.

#![allow(dead_code, reason = "each test uses a part of it")]

use serde_json::{Map, Value};
use std::cmp::Ordering;

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// The order of values: by type, then by value.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
        (Value::String(a), Value::String(b)) => a.chars().cmp(b.chars()),
        (Value::Array(a), Value::Array(b)) => {
            let pairs = a.iter().zip(b).map(|(a, b)| compare(a, b));
            pairs.fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let (a, b) = (sorted_fields(a), sorted_fields(b));
            let field = |((a, x), (b, y)): (&(&String, &Value), &(&String, &Value))| a.cmp(b).then(compare(x, y));
            a.iter().zip(&b).map(field).fold(Ordering::Equal, Ordering::then).then(a.len().cmp(&b.len()))
        }
        (a, b) => rank(a).cmp(&rank(b)),
    }
}

fn sorted_fields(object: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by(|a, b| a.0.cmp(b.0));
    fields
}

/// The value at a path.
pub fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(document, |at, field| at.as_object()?.get(field))
}

fn operator_holds(name: &str, operand: &Value, value: Option<&Value>) -> bool {
    use Ordering::{Equal, Greater, Less};
    let equals = |operand: &Value| value.is_some_and(|value| compare(value, operand).is_eq());
    let within = |bound: &Value, wanted: &[Ordering]| {
        value.is_some_and(|value| rank(value) == rank(bound) && wanted.contains(&compare(value, bound)))
    };
    match name {
        "eq" => equals(operand),
        "ne" => !equals(operand),
        "gt" => within(operand, &[Greater]),
        "gte" => within(operand, &[Greater, Equal]),
        "lt" => within(operand, &[Less]),
        "lte" => within(operand, &[Less, Equal]),
        "between" => within(&operand[0], &[Greater, Equal]) && within(&operand[1], &[Less, Equal]),
        "in" => operand.as_array().unwrap().iter().any(equals),
        "nin" => !operand.as_array().unwrap().iter().any(equals),
        "startsWith" => value.and_then(Value::as_str).is_some_and(|value| value.starts_with(operand.as_str().unwrap())),
        "exists" => value.is_some() == operand.as_bool().unwrap(),
        "contains" => {
            let elements = value.and_then(Value::as_array);
            elements.is_some_and(|elements| elements.iter().any(|element| compare(element, operand).is_eq()))
        }
        "not" => !condition_holds(operand, value),
        _ => panic!("{name}"),
    }
}

fn condition_holds(condition: &Value, value: Option<&Value>) -> bool {
    match condition.as_object() {
        Some(operators) => operators.iter().all(|(name, operand)| operator_holds(name, operand, value)),
        None => operator_holds("eq", condition, value),
    }
}

/// Whether a document meets a filter.
pub fn holds(filter: &Value, document: &Value) -> bool {
    filter.as_object().unwrap().iter().all(|(name, value)| match &name[..] {
        "and" => value.as_array().unwrap().iter().all(|filter| holds(filter, document)),
        "or" => value.as_array().unwrap().iter().any(|filter| holds(filter, document)),
        "not" => !holds(value, document),
        path => condition_holds(value, at(document, path.strip_prefix('.').unwrap_or(path))),
    })
}

/// The keys of the rows of a query without limit, offset and selection, in order.
pub fn rows<'a>(query: &Value, documents: impl Iterator<Item = (&'a String, &'a Value)>) -> Vec<&'a String> {
    let bound = |name: &str| query["keys"][name].as_str();
    let is_in_range = |key: &str| {
        bound("gt").is_none_or(|bound| key > bound)
            && bound("gte").is_none_or(|bound| key >= bound)
            && bound("lt").is_none_or(|bound| key < bound)
            && bound("prefix").is_none_or(|prefix| key.starts_with(prefix))
    };
    let meets = |document: &Value| query.get("where").is_none_or(|filter| holds(filter, document));
    let mut rows: Vec<_> = documents.filter(|(key, document)| is_in_range(key) && meets(document)).collect();
    let reverse = query["reverse"].as_bool().unwrap_or(false);
    let order = match &query["orderBy"] {
        Value::Null => Vec::new(),
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let by = |order: &Value| match order.as_str() {
        Some(path) => (path.to_owned(), reverse),
        None => {
            let descends = order["reverse"].as_bool().unwrap_or(false);
            (order["path"].as_str().unwrap().to_owned(), descends != reverse)
        }
    };
    let order: Vec<_> = order.iter().map(by).collect();
    // A path that is there again makes no difference, but for the direction: the last new one's counts for the keys.
    let mut keys_descend = reverse;
    for (index, (path, descends)) in order.iter().enumerate() {
        if order[..index].iter().all(|(before, _)| before != path) {
            keys_descend = *descends;
        }
    }
    rows.sort_by(|(a_key, a), (b_key, b)| {
        let mut ordering = Ordering::Equal;
        for (path, descends) in &order {
            let by_value = match (at(a, path), at(b, path)) {
                (Some(a), Some(b)) => compare(a, b),
                (a, b) => a.is_some().cmp(&b.is_some()),
            };
            ordering = ordering.then(if *descends { by_value.reverse() } else { by_value });
        }
        let by_key = a_key.cmp(b_key);
        ordering.then(if keys_descend { by_key.reverse() } else { by_key })
    });
    rows.into_iter().map(|(key, _)| key).collect()
}

/// What is selected of a document.
pub fn select(paths: &Value, document: &Value) -> Value {
    let mut selected = Value::Object(Map::new());
    for path in paths.as_array().unwrap() {
        let path = path.as_str().unwrap();
        let Some(value) = at(document, path) else { continue };
        let mut place = &mut selected;
        for field in path.split('.') {
            place = place.as_object_mut().unwrap().entry(field).or_insert_with(|| Value::Object(Map::new()));
        }
        *place = value.clone();
    }
    selected
}
