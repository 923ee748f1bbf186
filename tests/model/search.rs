//! `find`, said in another way: by parsing and comparing everything.

use crate::input::check_path;
use crate::json::Json;
use crate::operation::Text;
use ferrolite::{ErrorCode, FindOptions};

/// How deep a value may be nested that is compared.
const DEPTH_MAX: usize = 128;

/// What `find` must answer in a database with these documents.
pub fn search<'a>(
    documents: impl Iterator<Item = (&'a Text, &'a Text)>,
    path: &str,
    condition: &str,
    options: FindOptions,
) -> Result<Vec<Text>, ErrorCode> {
    let condition = check_condition(condition).ok_or(ErrorCode::InvalidCondition)?;
    check_path(path)?;
    let mut found: Vec<(Json, &Text)> = Vec::new();
    for (key, text) in documents {
        let document = Json::parse(text).expect("only JSON is stored");
        let value = document.at(path).filter(|value| value.depth() <= DEPTH_MAX && meets(value, &condition));
        found.extend(value.map(|value| (value.clone(), key)));
    }
    found.sort_by(|a, b| a.0.order(&b.0).then_with(|| a.1.cmp(b.1)));
    if options.reverse {
        found.reverse();
    }
    found.truncate(options.limit.map_or(usize::MAX, |limit| limit as usize));
    Ok(found.into_iter().map(|(_, key)| key.clone()).collect())
}

/// The text that the database makes of a value.
pub fn written_by_serde(json: &str) -> Text {
    as_value(json).to_string().into()
}

/// What `json` says, or null when a `Value` cannot hold it.
pub fn as_value(json: &str) -> serde_json::Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// A condition, when it is one.
fn check_condition(text: &str) -> Option<Json> {
    let condition = Json::parse(text)?;
    let Json::Object(bounds) = &condition else { return (condition.depth() <= DEPTH_MAX).then_some(condition) };
    let bound = |name: &str| bounds.get(&name.chars().map(u32::from).collect::<Vec<_>>());
    let (lower, upper) = ([bound("gt"), bound("gte")], [bound("lt"), bound("lte")]);
    let given: Vec<&Json> = lower.iter().chain(&upper).copied().flatten().collect();
    let is_range = !given.is_empty()
        && given.len() == bounds.len()
        && [lower, upper].iter().all(|side| side.iter().flatten().count() <= 1)
        && given.iter().all(|bound| bound.rank() == given[0].rank() && bound.depth() <= DEPTH_MAX);
    is_range.then_some(condition)
}

fn meets(value: &Json, condition: &Json) -> bool {
    let Json::Object(bounds) = condition else { return value.compare(condition).is_eq() };
    bounds.iter().all(|(operator, bound)| {
        let order = value.compare(bound);
        let name: String = operator.iter().filter_map(|point| char::from_u32(*point)).collect();
        value.rank() == bound.rank()
            && match name.as_str() {
                "gt" => order.is_gt(),
                "gte" => order.is_ge(),
                "lt" => order.is_lt(),
                _ => order.is_le(),
            }
    })
}
