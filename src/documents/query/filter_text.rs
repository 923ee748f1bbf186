//! Parsing filters. An error names its place, as `or[1].age.gte`.

use super::condition::Bounds;
use super::filter_tree::Node;
use super::spelling::{OPERATORS, instead_of};
use super::value_set::ValueSet;
use crate::documents::error::{Error, Result, abbreviate};
use crate::documents::json::ordering::{DEPTH_MAX, Unencodable, encode_exact, string_start};
use crate::documents::json::path::Path;
use crate::documents::json::scanner::{Scanner, unescape};
use crate::documents::json::text;
use crate::documents::keyspace::key::successor;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Bound;

/// How deep filters may be nested in each other.
const FILTERS_DEPTH_MAX: usize = 64;

/// A field's name and the text of its value.
type Member<'a> = (String, &'a str);

/// Where in a filter something is, for messages.
#[derive(Clone, Copy)]
struct Place<'a> {
    outer: Option<&'a Place<'a>>,
    name: &'a str,
    depth: usize,
}

pub(super) fn parse(text: &str) -> Result<Node> {
    text::check_text(text).map_err(|reason| Error::invalid_condition(format!("it is not JSON: {reason}")))?;
    filter(text, &Place { outer: None, name: "", depth: 0 })
}

impl<'a> Place<'a> {
    fn inner<'b>(&'b self, name: &'b str) -> Result<Place<'b>> {
        let depth = self.depth + 1;
        if depth > FILTERS_DEPTH_MAX {
            return Err(Error::invalid_condition(format!("it is nested deeper than {FILTERS_DEPTH_MAX}")));
        }
        Ok(Place { outer: Some(self), name, depth })
    }

    /// An element of the array here.
    fn element(&self, index: usize) -> String {
        format!("[{index}]")
    }

    fn error(&self, reason: impl std::fmt::Display) -> Error {
        let text = self.text();
        match &text[..] {
            "" => Error::invalid_condition(reason.to_string()),
            _ => Error::invalid_condition(format!("at {}: {reason}", abbreviate(&text))),
        }
    }

    fn text(&self) -> String {
        let outer = self.outer.map(Place::text).unwrap_or_default();
        let dot = if outer.is_empty() || self.name.starts_with('[') { "" } else { "." };
        format!("{outer}{dot}{}", self.name)
    }

    fn not_json(&self) -> Error {
        self.error("it is not JSON")
    }
}

/// The fields of the object `text`. Of several with one name the last one counts.
fn members<'a>(text: &'a str, place: &Place<'_>) -> Result<Vec<Member<'a>>> {
    let not_json = || place.not_json();
    let mut scanner = Scanner::new(text);
    if scanner.take(b'{').is_none() {
        return Err(place.error("a filter is an object, as {\"role\": \"admin\"}"));
    }
    let (mut members, mut known) = (Vec::<Member<'a>>::new(), HashMap::<String, usize>::new());
    while let Some(name) = scanner.member().ok_or_else(not_json)? {
        let bytes = unescape(name).ok_or_else(not_json)?.into_owned();
        let name = String::from_utf8(bytes).map_err(|_| place.error("a name in it is not Unicode"))?;
        let value = scanner.value().ok_or_else(not_json)?;
        match known.entry(name) {
            Entry::Occupied(place) => members[*place.get()].1 = value,
            Entry::Vacant(place) => {
                members.push((place.key().clone(), value));
                place.insert(members.len() - 1);
            }
        }
    }
    Ok(members)
}

/// The texts of the elements of the array `text`.
fn elements<'a>(text: &'a str, place: &Place<'_>, what: &str) -> Result<Vec<&'a str>> {
    let not_json = || place.not_json();
    let mut scanner = Scanner::new(text);
    if scanner.take(b'[').is_none() {
        return Err(place.error(format!("it takes an array of {what}")));
    }
    let mut elements = Vec::new();
    while scanner.element().ok_or_else(not_json)? {
        elements.push(scanner.value().ok_or_else(not_json)?);
    }
    Ok(elements)
}

fn filter(text: &str, place: &Place<'_>) -> Result<Node> {
    let mut nodes = Vec::new();
    for (name, value) in members(text, place)? {
        let place = place.inner(&name)?;
        nodes.push(match &name[..] {
            "and" => Node::all(filters(value, &place)?),
            "or" => Node::any(filters(value, &place)?),
            "not" => filter(value, &place)?.negate(),
            name if name.starts_with('$') => return Err(unknown_combinator(name, &place)),
            _ => condition(&Path::parse(name.strip_prefix('.').unwrap_or(&name))?, value, &place)?,
        });
    }
    Ok(Node::all(nodes))
}

/// The error for a name that would be a field whose name begins with `$`, and is meant as MongoDB means it.
fn unknown_combinator(name: &str, place: &Place<'_>) -> Error {
    let instead = match name {
        "$and" | "$or" | "$not" => format!("write `{}`", name.trim_start_matches('$')),
        _ => instead_of(name).map_or_else(|| "remove it".to_owned(), |instead| format!("write {instead}")),
    };
    place.error(format!(
        "a filter has paths, `and`, `or` and `not`; {instead}; the field of this name has the path {:?}",
        format!(".{name}")
    ))
}

fn filters(text: &str, place: &Place<'_>) -> Result<Vec<Node>> {
    let read = |(index, text)| filter(text, &place.inner(&place.element(index))?);
    elements(text, place, "filters")?.into_iter().enumerate().map(read).collect()
}

/// The condition `text` on the value at `path`.
fn condition(path: &Path, text: &str, place: &Place<'_>) -> Result<Node> {
    let node = |set| Node::Value { path: path.clone(), set };
    if Scanner::new(text).peek() != Some(b'{') {
        return Ok(node(equal(text, place)?));
    }
    let members = members(text, place)?;
    if members.is_empty() {
        return Err(place.error("an empty object says nothing; to compare with one, write {\"eq\": {}}"));
    }
    if let Some((unknown, _)) = members.iter().find(|(name, _)| !OPERATORS.contains(&&name[..])) {
        return Err(unknown_operator(path, unknown, place));
    }
    let mut nodes = vec![node(range(&members, place)?)];
    for (name, value) in &members {
        let place = place.inner(name)?;
        nodes.push(operator(path, name, value, &place)?);
    }
    Ok(Node::all(nodes))
}

fn unknown_operator(path: &Path, name: &str, place: &Place<'_>) -> Error {
    let instead = match instead_of(name) {
        Some(instead) => format!("write {instead}"),
        None => format!(
            "for a field inside the object, write its path, {}; to compare with an object, write {{\"eq\": ...}}",
            abbreviate(&format!("{path}.{name}"))
        ),
    };
    let operators = OPERATORS.join(", ");
    place.error(format!("{} is not an operator; {instead}; the operators are {operators}", abbreviate(name)))
}

fn operator(path: &Path, name: &str, text: &str, place: &Place<'_>) -> Result<Node> {
    let set = match name {
        "eq" => equal(text, place)?,
        "ne" => equal(text, place)?.complement(),
        "in" => one_of(text, place)?,
        "nin" => one_of(text, place)?.complement(),
        "between" => match elements(text, place, "two values")?[..] {
            [low, high] => {
                let (start, end) = (encoded(low, place)?, encoded(high, place)?);
                within(Bound::Included(start), Bound::Included(end), place)?
            }
            _ => return Err(place.error("it takes an array of two values, the lowest and the highest")),
        },
        "startsWith" => {
            let start = Scanner::new(text).string().and_then(unescape);
            let start = start.ok_or_else(|| place.error("it takes a string"))?;
            let start = string_start(&start);
            let end = successor(start.clone()).map_or(Bound::Unbounded, Bound::Excluded);
            ValueSet::range(&Bounds { start: Bound::Included(start), end })
        }
        "exists" => match text.trim() {
            "true" => ValueSet::any_value(),
            "false" => ValueSet::any_value().complement(),
            _ => return Err(place.error("it takes true or false")),
        },
        "contains" => {
            return Ok(Node::Contains { path: path.clone(), element: encoded(text, place)?, negated: false });
        }
        "not" => return Ok(condition(path, text, place)?.negate()),
        // Bounds are read together.
        _ => ValueSet::everything(),
    };
    Ok(Node::Value { path: path.clone(), set })
}

/// The values that `gt`, `gte`, `lt` and `lte` allow together.
fn range(members: &[Member<'_>], place: &Place<'_>) -> Result<ValueSet> {
    let bound = |excluded: &str, included: &str| {
        let find = |wanted: &str| members.iter().find(|(name, _)| name == wanted);
        match (find(excluded), find(included)) {
            (Some(_), Some(_)) => {
                Err(place.error(format!("it has both `{excluded}` and `{included}`; give one of them")))
            }
            (Some((name, text)), None) => Ok(Bound::Excluded(encoded(text, &place.inner(name)?)?)),
            (None, Some((name, text))) => Ok(Bound::Included(encoded(text, &place.inner(name)?)?)),
            (None, None) => Ok(Bound::Unbounded),
        }
    };
    match (bound("gt", "gte")?, bound("lt", "lte")?) {
        (Bound::Unbounded, Bound::Unbounded) => Ok(ValueSet::everything()),
        (start, end) => within(start, end, place),
    }
}

/// The values of one type between two bounds, of which there is one at least.
fn within(start: Bound<Vec<u8>>, end: Bound<Vec<u8>>, place: &Place<'_>) -> Result<ValueSet> {
    Bounds::of_one_kind(start, end).map(|bounds| ValueSet::range(&bounds)).map_err(|error| match error {
        Error::InvalidCondition { reason } => place.error(reason),
        error => error,
    })
}

fn equal(text: &str, place: &Place<'_>) -> Result<ValueSet> {
    Ok(ValueSet::points(vec![encoded(text, place)?]))
}

fn one_of(text: &str, place: &Place<'_>) -> Result<ValueSet> {
    let values = elements(text, place, "values")?;
    Ok(ValueSet::points(values.into_iter().map(|text| encoded(text, place)).collect::<Result<_>>()?))
}

fn encoded(text: &str, place: &Place<'_>) -> Result<Vec<u8>> {
    encode_exact(text).map_err(|problem| match problem {
        Unencodable::TooDeep => place.error(format!("its value is nested deeper than {DEPTH_MAX}")),
        Unencodable::NotJson => place.not_json(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    fn problem(text: &str) -> String {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidCondition, "{text}");
        error.to_string()
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        for (text, told) in [
            ("", "not JSON"),
            ("[]", "an object"),
            ("{\"a\": {}}", "at \"a\": an empty object"),
            ("{\"a\": {\"gte\": 1, \"x\": 2}}", "at \"a\": \"x\" is not an operator; for a field inside"),
            (
                "{\"a\": {\"city\": \"Oslo\"}}",
                "write its path, \"a.city\"; to compare with an object, write {\"eq\": ...}",
            ),
            (
                "{\"a\": {\"$in\": [1]}}",
                "at \"a\": \"$in\" is not an operator; write `in`; the operators are eq, ne, gt",
            ),
            ("{\"a\": {\"regex\": \"x\"}}", "\"regex\" is not an operator; write `startsWith`"),
            ("{\"a\": {\"anyOf\": [1]}}", "write `in`"),
            (
                "{\"a\": {\"not\": {\"aboveOrEqual\": 1}}}",
                "at \"a.not\": \"aboveOrEqual\" is not an operator; write `gte`",
            ),
            ("{\"$or\": [{\"a\": 1}]}", "at \"$or\": a filter has paths, `and`, `or` and `not`; write `or`; the field"),
            ("{\"$nor\": [{\"a\": 1}]}", "write `not`: {`or`: [filters]}"),
            ("{\"$x\": 1}", "remove it; the field of this name has the path \".$x\""),
            ("{\"or\": [{\"b\": 1}, {\"a\": {\"gt\": 1, \"gte\": 1}}]}", "at \"or[1].a\": it has both `gt` and `gte`"),
            ("{\"a\": {\"lt\": 1, \"lte\": 1}}", "both `lt` and `lte`"),
            ("{\"a\": {\"gte\": 1, \"lt\": \"x\"}}", "at \"a\": it mixes types"),
            ("{\"a\": {\"between\": [1, \"x\"]}}", "at \"a.between\": it mixes types"),
            ("{\"a\": {\"between\": [1]}}", "two values"),
            ("{\"a\": {\"between\": 1}}", "at \"a.between\": it takes an array"),
            ("{\"a\": {\"in\": {}}}", "at \"a.in\": it takes an array"),
            ("{\"a\": {\"startsWith\": 1}}", "at \"a.startsWith\": it takes a string"),
            ("{\"a\": {\"exists\": 1}}", "at \"a.exists\": it takes true or false"),
            ("{\"a\": {\"not\": {\"exists\": 1}}}", "at \"a.not.exists\""),
            ("{\"and\": {}}", "at \"and\": it takes an array of filters"),
            ("{\"or\": [1]}", "at \"or[0]\": a filter is an object"),
            ("{\"not\": [{}]}", "at \"not\": a filter is an object"),
            ("{\"\\ud800\": 1}", "not Unicode"),
        ] {
            assert!(problem(text).contains(told), "{text}: {}", problem(text));
        }
        let error = parse("{\"a..b\": 1}").unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidPath);
    }

    #[test]
    fn depth_has_a_limit() {
        let nested = |depth: usize| format!("{}{{}}{}", "{\"not\":".repeat(depth), "}".repeat(depth));
        parse(&nested(FILTERS_DEPTH_MAX)).unwrap();
        assert!(problem(&nested(FILTERS_DEPTH_MAX + 1)).contains("nested deeper"));
        assert!(problem(&nested(100_000)).contains("nested deeper"));
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(200), "]".repeat(200));
        assert!(problem(&deep).contains("at \"a\": its value is nested deeper"));
    }
}
