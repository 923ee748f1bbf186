//! Encoded values sort like the values: fixed examples, and all pairs that proptest thinks of.

use super::*;
use crate::documents::fuzzing::values::compare;
use proptest::prelude::*;
use serde_json::{Value, json};

fn encoded(value: &Value) -> Vec<u8> {
    encode(&value.to_string()).unwrap()
}

fn numbers() -> impl Strategy<Value = Value> {
    let edge = (0u32..64, -3i64..4).prop_map(|(bit, near)| (1u64 << bit).wrapping_add(near as u64));
    prop_oneof![
        edge.clone().prop_map(|number| json!(number)),
        edge.clone().prop_map(|number| json!((number as i64).wrapping_neg())),
        edge.prop_map(|number| json!(number as f64)),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        (-20i32..20).prop_map(|number| json!(f64::from(number) / 4.0)),
        (-5i32..5).prop_map(|number| json!(number)),
    ]
}

fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof!["[ab\u{0}\u{1}]{0,4}", "\\PC{0,6}"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        numbers(),
        text.clone().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((text.clone(), inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn bytes_sort_like_values(a in values(), b in values()) {
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), compare(&a, &b), "{} {}", a, b);
    }

    #[test]
    fn bytes_sort_like_numbers(a in numbers(), b in numbers()) {
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), compare(&a, &b), "{} {}", a, b);
    }

    #[test]
    fn the_end_of_an_encoding_is_found(value in values(), rest in prop::collection::vec(any::<u8>(), 0..8)) {
        let bytes = encoded(&value);
        prop_assert_eq!(encoded_length(&[&bytes[..], &rest].concat()), Some(bytes.len()));
        for length in 0..bytes.len() {
            prop_assert_eq!(encoded_length(&bytes[..length]), None);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(prop_oneof![Just(0), Just(1), Just(0x50), any::<u8>()], 0..32)) {
        let length = encoded_length(&bytes);
        prop_assert!(length.is_none_or(|length| length <= bytes.len()));
    }

    #[test]
    fn spelling_does_not_matter(value in values()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(encode(&pretty).unwrap(), encoded(&value));
    }
}

#[test]
fn the_order_of_the_types() {
    let ascending = [
        "null",
        "false",
        "true",
        "-1e999",
        "-18446744073709551616",
        "-9223372036854775808",
        "-9007199254740993",
        "-9007199254740992",
        "-1.5",
        "-1",
        "-1e-300",
        "0",
        "5e-324",
        "0.1",
        "1",
        "1.0000000000000002",
        "2",
        "10",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740994",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551614",
        "18446744073709551615",
        "18446744073709551616",
        "1e300",
        "1e999",
        r#""""#,
        r#""\u0000""#,
        r#""\u0000a""#,
        r#""\u0001""#,
        r#""a""#,
        r#""a\u0000""#,
        r#""aa""#,
        r#""é""#,
        r#""\ud7ff""#,
        r#""\ud800""#,
        r#""\udfff""#,
        r#""\ue000""#,
        r#""😀""#,
        "[]",
        "[null]",
        "[null,null]",
        "[1]",
        "[1,2]",
        "[2]",
        "[[]]",
        "{}",
        r#"{"a":1}"#,
        r#"{"a":1,"b":1}"#,
        r#"{"a":2}"#,
        r#"{"b":0}"#,
    ];
    for pair in ascending.windows(2) {
        assert!(encode(pair[0]).unwrap() < encode(pair[1]).unwrap(), "{} < {}", pair[0], pair[1]);
    }
}

#[test]
fn equal_values_have_equal_bytes() {
    let same = [
        ("1", "1.0"),
        ("1", "10e-1"),
        ("0", "-0"),
        ("0", "-0.0"),
        ("9007199254740992", "9007199254740992.0"),
        ("1e999", "1e9999"),
        (r#""a""#, r#""\u0061""#),
        (r#""😀""#, r#""\ud83d\ude00""#),
        ("[ 1 ]", "[1]"),
        (r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#),
        ("18446744073709551616", "18446744073709551616.0"),
    ];
    for (a, b) in same {
        assert_eq!(encode(a).unwrap(), encode(b).unwrap(), "{a} = {b}");
    }
}

#[test]
fn depth_has_a_limit() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let encoded = encode(&nested(DEPTH_MAX)).unwrap();
    assert_eq!(encoded_length(&encoded), Some(encoded.len()));
    assert_eq!(encode(&nested(DEPTH_MAX + 1)), Err(Unencodable::TooDeep));
    assert_eq!(encode(&nested(1_000_000)), Err(Unencodable::TooDeep));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(encode(&objects), Err(Unencodable::TooDeep));
}

#[test]
fn what_is_no_json_has_no_bytes() {
    for text in ["", "nul", "1x", "--1", "nan", "-inf", "+1-", "[1", "{\"a\"}", "\"a", "\"\\x\""] {
        assert_eq!(encode(text), Err(Unencodable::NotJson), "{text}");
    }
}

#[test]
fn kinds_contain_their_values() {
    for (text, name) in [
        ("null", "null"),
        ("true", "a boolean"),
        ("-5", "a number"),
        ("\"\"", "a string"),
        ("[1]", "an array"),
        ("{}", "an object"),
    ] {
        let encoded = encode(text).unwrap();
        let kind = Kind::of(&encoded);
        assert_eq!(kind.name(), name);
        assert!(kind.first() <= encoded && encoded < kind.end());
    }
}
