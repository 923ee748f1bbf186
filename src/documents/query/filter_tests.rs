//! Filters against an evaluator that shares nothing with them: it compares parsed values.

use super::*;
use crate::documents::json::ordering::encode_exact;
use crate::documents::query::extract::Paths;
use crate::documents::query::filter_tree::has_element;
use proptest::prelude::*;
use serde_json::{Value, json};

#[path = "../../../tests/queries/naive.rs"]
mod naive;

fn is_met(filter: &str, document: &str) -> bool {
    let mut paths = Paths::default();
    let test = Filter::parse(filter).unwrap().node.compile(&mut paths);
    test.is_met_by(&paths.values_in(document).unwrap()).unwrap()
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..4_i64).prop_map(Value::from),
        (-3..4_i32).prop_map(|half| json!(f64::from(half) / 2.0)),
        "[ab\u{0}é]{0,3}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[ab]", inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn operator() -> impl Strategy<Value = (&'static str, Value)> {
    let name = |names: &'static [&'static str]| proptest::sample::select(names);
    prop_oneof![
        (name(&["eq", "ne", "contains"]), value()),
        (name(&["gt", "gte", "lt", "lte"]), value()),
        (name(&["in", "nin"]), proptest::collection::vec(value(), 0..4).prop_map(Value::from)),
        (-3..3_i64, -3..3_i64).prop_map(|(low, high)| ("between", json!([low, high]))),
        "[abé]{0,2}".prop_map(|start| ("startsWith", json!(start))),
        any::<bool>().prop_map(|exists| ("exists", json!(exists))),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    let operators = || {
        proptest::collection::vec(operator(), 1..3).prop_map(|list| {
            Value::Object(list.into_iter().map(|(name, operand)| (name.to_owned(), operand)).collect())
        })
    };
    prop_oneof![
        value().prop_filter("an object", |value| !value.is_object()),
        operators(),
        operators().prop_map(|inner| json!({"not": inner}))
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let path = proptest::sample::select(vec!["a", "b", "a.b", ".not", "c"]);
    let fields = proptest::collection::btree_map(path, condition(), 0..3).prop_map(|map| json!(map));
    fields.prop_recursive(3, 12, 3, |inner| {
        let many = || proptest::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            many().prop_map(|list| json!({ "and": list })),
            many().prop_map(|list| json!({ "or": list })),
            inner.clone().prop_map(|filter| json!({ "not": filter })),
            (many(), inner.clone()).prop_map(|(list, filter)| json!({"or": list, "not": filter, "a": 1})),
        ]
    })
}

fn document() -> impl Strategy<Value = Value> {
    let name = proptest::sample::select(vec!["a", "b", "c", "not"]);
    prop_oneof![9 => proptest::collection::btree_map(name, value(), 0..4).prop_map(|map| json!(map)), 1 => value()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(target_os = "wasi") { 200 } else { 2000 }, ..Default::default() })]

    #[test]
    fn filters_agree_with_a_naive_evaluator(filter in filter(), documents in proptest::collection::vec(document(), 1..12)) {
        let text = filter.to_string();
        // Bounds of two types, or two of one side, are refused.
        let parsed = match Filter::parse(&text) {
            Ok(parsed) => parsed,
            Err(error) => {
                let told = error.to_string();
                prop_assert!(told.contains("mixes types") || told.contains("has both"), "{}: {}", text, told);
                return Ok(());
            }
        };
        let mut paths = Paths::default();
        let test = parsed.node.compile(&mut paths);
        let opposite = (!parsed.clone()).node.compile(&mut paths);
        for document in &documents {
            let json = document.to_string();
            let values = paths.values_in(&json).unwrap();
            let expected = naive::holds(&filter, document);
            prop_assert_eq!(test.is_met_by(&values).unwrap(), expected, "{} {}", text, json);
            prop_assert_eq!(opposite.is_met_by(&values).unwrap(), !expected, "not {} {}", text, json);
            if expected {
                prop_assert!(!parsed.node.is_impossible());
                for path in ["a", "b", "a.b", "c"].map(|path| Path::parse(path).unwrap()) {
                    let encoded = path.value_in(&json).unwrap().map(|text| encode_exact(text).unwrap());
                    prop_assert!(parsed.node.implied(&path).contains(encoded.as_deref()), "{} {}", text, json);
                    if let Some(elements) = parsed.node.implied_elements(&path) {
                        let found = path.value_in(&json).unwrap().unwrap_or_default();
                        let is_one = |element: &Vec<u8>| has_element(found, element).unwrap();
                        prop_assert!(elements.iter().any(is_one), "{} {}", text, json);
                    }
                }
            }
        }
    }
}

#[test]
fn what_is_missing_meets_complements_only() {
    for (filter, met) in [
        (r#"{"a": {"exists": false}}"#, true),
        (r#"{"a": {"exists": true}}"#, false),
        (r#"{"a": null}"#, false),
        (r#"{"a": {"ne": 1}}"#, true),
        (r#"{"a": {"nin": [1]}}"#, true),
        (r#"{"a": {"nin": []}}"#, true),
        (r#"{"a": {"in": []}}"#, false),
        (r#"{"a": {"not": {"gte": 1}}}"#, true),
        (r#"{"a": {"lt": 1}}"#, false),
        (r#"{"a": {"contains": 1}}"#, false),
        (r#"{"a": {"not": {"contains": 1}}}"#, true),
        ("{}", true),
        (r#"{"and": []}"#, true),
        (r#"{"or": []}"#, false),
    ] {
        assert_eq!(is_met(filter, "{}"), met, "{filter}");
    }
}

#[test]
fn names_of_combinators_are_paths_behind_a_dot() {
    assert!(is_met(r#"{".not": 1, ".and": {"gt": 1}}"#, r#"{"not": 1, "and": 2}"#));
    assert!(is_met(r#"{".a.b": 1}"#, r#"{"a": {"b": 1}}"#));
    assert!(is_met(r#"{".$or": 1, "a.$in": 2}"#, r#"{"$or": 1, "a": {"$in": 2}}"#));
}

#[test]
fn objects_are_operators() {
    assert!(is_met(r#"{"a": {"eq": {"b": 1}}}"#, r#"{"a": {"b": 1.0}}"#));
    assert!(!is_met(r#"{"a": {"eq": {"b": 1}}}"#, r#"{"a": {"b": 1, "c": 2}}"#));
    assert!(Filter::parse(r#"{"a": {"b": 1}}"#).is_err());
    assert!(is_met(r#"{"a": {"eq": {"gte": 1}}}"#, r#"{"a": {"gte": 1}}"#));
    assert!(is_met(r#"{"a": {"\u0067t": 1}}"#, r#"{"a": 2}"#));
    assert!(is_met(r#"{"a": 1, "a": 2}"#, r#"{"a": 2}"#));
}

#[test]
fn numbers_and_strings_are_exact() {
    assert!(is_met(r#"{"a": 9007199254740993}"#, r#"{"a": 9007199254740993}"#));
    assert!(!is_met(r#"{"a": 9007199254740993}"#, r#"{"a": 9007199254740992}"#));
    assert!(is_met(r#"{"a": {"startsWith": "\ud800"}}"#, r#"{"a": "\ud800x"}"#));
    assert!(is_met(r#"{"a": {"startsWith": ""}}"#, r#"{"a": ""}"#));
    assert!(!is_met(r#"{"a": {"startsWith": ""}}"#, r#"{"a": []}"#));
}

#[test]
fn what_is_nested_too_deep_counts_as_none() {
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert!(is_met(r#"{"a": {"exists": false}}"#, &format!("{{\"a\": {deep}}}")));
    assert!(is_met(r#"{"a": {"contains": 1}}"#, &format!("{{\"a\": [{deep}, 1]}}")));
}

#[test]
fn conditions_become_filters() {
    let adult = Filter::on("age", &Condition::range(18..).unwrap()).unwrap();
    assert_eq!(adult, Filter::parse(r#"{"age": {"gte": 18}}"#).unwrap());
    let admin = Filter::on("role", &Condition::equals("admin").unwrap()).unwrap();
    let both = Filter::parse(r#"{"role": "admin", "age": {"gte": 18}}"#).unwrap();
    assert_eq!(adult.clone().and(admin.clone()), both);
    assert_eq!(!(!adult.clone()).or(!admin), both);
    assert!(Filter::on("a..b", &Condition::equals(&1).unwrap()).is_err());
    assert_eq!(Filter::from_json(&json!({"age": {"gte": 18}})).unwrap(), adult);
}

/// The shortest of three times that reading a filter of so many paths takes, and testing documents by it.
fn time_of_paths(count: usize) -> std::time::Duration {
    let fields = |value: &str| (0..count).map(|n| format!("\"f{n}\":{value}")).collect::<Vec<_>>().join(",");
    let (filter, document) = (format!("{{{}}}", fields("{\"gte\":1}")), format!("{{{}}}", fields("1")));
    let selected: Vec<_> = (0..count).map(|n| Path::parse(&format!("f{n}.x")).unwrap()).collect();
    let once = || {
        let begun = std::time::Instant::now();
        let mut paths = Paths::default();
        let parsed = Filter::parse(&filter).unwrap();
        let test = parsed.node.compile(&mut paths);
        assert!(test.is_met_by(&paths.values_in(&document).unwrap()).unwrap());
        assert!(!parsed.node.implied(&Path::parse("f7").unwrap()).has_missing);
        assert_eq!(super::super::projection::Projection::new(&selected).of(&document).unwrap(), "{}");
        begun.elapsed()
    };
    (0..3).map(|_| once()).min().unwrap()
}

#[test]
fn the_cost_of_a_filter_grows_with_its_paths_and_not_with_their_square() {
    let (few, many) = (time_of_paths(2000), time_of_paths(32_000));
    assert!(many < 60 * few, "16 times as many paths take {many:?} and not {few:?}");
}
