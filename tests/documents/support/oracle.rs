//! `find`, said in another way: by parsing and comparing everything.

use ferrolite::FindOptions;
use serde_json::Value;
use std::cmp::Ordering;

/// What `find` must answer in a database with these keys and documents.
pub fn find_in(entries: &[(String, String)], path: &str, condition: &str, options: FindOptions) -> Vec<String> {
    let condition: Value = serde_json::from_str(condition).unwrap();
    let mut found: Vec<(Value, String)> = Vec::new();
    for (key, text) in entries {
        let document: Value = serde_json::from_str(text).unwrap();
        let value = path.split('.').try_fold(&document, |value, field| value.as_object()?.get(field));
        if let Some(value) = value.filter(|value| meets(value, &condition)) {
            found.push((value.clone(), key.clone()));
        }
    }
    found.sort_by(|a, b| compare(&a.0, &b.0).then_with(|| a.1.cmp(&b.1)));
    if options.reverse {
        found.reverse();
    }
    found.truncate(options.limit.unwrap_or(u64::MAX) as usize);
    found.into_iter().map(|(_, key)| key).collect()
}

fn meets(value: &Value, condition: &Value) -> bool {
    let Some(bounds) = condition.as_object() else { return compare(value, condition).is_eq() };
    bounds.iter().all(|(operator, bound)| {
        let order = compare(value, bound);
        rank(value) == rank(bound)
            && match operator.as_str() {
                "gt" => order.is_gt(),
                "gte" => order.is_ge(),
                "lt" => order.is_lt(),
                _ => order.is_le(),
            }
    })
}

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

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap(),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            a.iter().zip(b).map(|(a, b)| compare(a, b)).find(|order| order.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let field = |(a, b): ((&String, &Value), (&String, &Value))| a.0.cmp(b.0).then_with(|| compare(a.1, b.1));
            a.iter().zip(b).map(field).find(|order| order.is_ne()).unwrap_or(a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}
