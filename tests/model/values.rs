//! Values, documents and conditions of all shapes.

use proptest::prelude::*;

/// The paths that documents have values at, and that are indexed and searched.
pub const PATHS: [&str; 5] = ["x", "y.z", "y", "ü.\"q", "deep.a.b.c"];

/// Numbers near which rounding and signs matter.
const NUMBERS: [&str; 26] = [
    "0",
    "-0",
    "0.0",
    "-0.0",
    "1",
    "1.0",
    "1e0",
    "10E-1",
    "-1",
    "0.1",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740993.0",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1.7976931348623157e308",
    "5e-324",
    "-5e-324",
    "1e999",
    "-1e999",
    "123456789012345678901234567890",
];

/// Numbers that are one double and yet differ, often enough to meet.
const NEIGHBOURS: [&str; 5] =
    ["9007199254740992", "9007199254740993", "9007199254740992.0", "18446744073709551614", "18446744073709551615"];

/// Strings near which escaping and ordering matter, as JSON.
const STRINGS: [&str; 16] = [
    r#""""#,
    r#""\u0000""#,
    r#""\u0000\u0001""#,
    r#""\u0001""#,
    r#""a\u0000b""#,
    r#""a""#,
    r#""\u0061""#,
    r#""\ud800""#,
    r#""\ud83d\ude00""#,
    r#""😀""#,
    r#""\udc00""#,
    r#""\uffff""#,
    r#""\"\\\/\b\f\n\r\t""#,
    r#""ü""#,
    r#""u\u0308""#,
    "\"\u{10ffff}\"",
];

/// Texts that are not JSON.
const BROKEN: [&str; 14] =
    ["", "{", "nul", "01", "[1,]", "{\"a\":1,}", "\"\u{1}\"", "1 2", "'a'", "\"\\x\"", "NaN", "+1", ".5", "1."];

fn numbers() -> BoxedStrategy<String> {
    prop_oneof![
        4 => (-3i32..4).prop_map(|number| number.to_string()),
        2 => (-3i32..4).prop_map(|number| format!("{number}.0")),
        3 => prop::sample::select(&NUMBERS[..]).prop_map(str::to_owned),
        3 => prop::sample::select(&NEIGHBOURS[..]).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<u64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter_map("JSON has no NaN", |number| {
            number.is_finite().then(|| format!("{number:e}"))
        }),
    ]
    .boxed()
}

fn strings() -> BoxedStrategy<String> {
    prop_oneof![
        4 => "[ab]{0,2}".prop_map(|text| format!("{text:?}")),
        3 => prop::sample::select(&STRINGS[..]).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        // Around the length where index entries are cut, and beyond.
        1 => (1015usize..1030, "[ab]").prop_map(|(length, end)| format!("\"{}{end}\"", "l".repeat(length))),
        1 => (prop::sample::select(&[1500usize, 3000][..]), "[ab]{0,2}")
            .prop_map(|(length, end)| format!("\"{}{end}\"", "long".repeat(length / 4))),
    ]
    .boxed()
}

fn scalars() -> BoxedStrategy<String> {
    prop_oneof![
        1 => prop::sample::select(&["null", "true", "false"][..]).prop_map(str::to_owned),
        4 => numbers(),
        3 => strings(),
    ]
    .boxed()
}

/// An array in an array, and so on.
fn nested(depth: usize) -> String {
    format!("{}1{}", "[".repeat(depth), "]".repeat(depth))
}

/// Any value.
pub fn values() -> BoxedStrategy<String> {
    let compound = scalars().prop_recursive(3, 12, 4, |inner| {
        let field = ("[ab\u{0}ü]{0,2}", inner.clone());
        let fields = prop::collection::vec(field, 0..4).prop_map(|fields| {
            let fields: Vec<_> =
                fields.into_iter().map(|(name, it)| format!("{} : {it}", serde_json::Value::from(name))).collect();
            format!("{{{}}}", fields.join(","))
        });
        let elements = prop::collection::vec(inner, 0..4).prop_map(|elements| format!("[{}]", elements.join(", ")));
        prop_oneof![elements, fields]
    });
    prop_oneof![
        12 => scalars(),
        4 => compound,
        // Deeper than what is compared, and just not.
        1 => prop::sample::select(&[60usize, 127, 128, 129, 400][..]).prop_map(nested),
    ]
    .boxed()
}

/// A document: mostly an object with values at some of the paths.
pub fn documents() -> BoxedStrategy<String> {
    let padding = prop_oneof![
        60 => 0usize..40,
        12 => 300usize..2000,
        3 => 17_000usize..40_000,
        1 => prop::sample::select(&[70_000usize, 70_000, 70_000, 200_000, 200_000, 1_100_000][..]),
    ];
    let padded = (values(), padding)
        .prop_map(|(x, length)| format!("{{\"x\":{x},\"p\":\"{}\"}}", "padding and filling ".repeat(length / 20)));
    prop_oneof![
        8 => values().prop_map(|x| format!("{{\"x\":{x}}}")),
        6 => (values(), values()).prop_map(|(x, z)| format!("{{ \"x\" : {x}, \"y\" : {{\"z\":{z}}} }}")),
        3 => values().prop_map(|y| format!("{{\"y\":{y}}}")),
        2 => values().prop_map(|q| format!("{{\"\\u00fc\":{{\"\\\"q\":{q}}}}}")),
        2 => values().prop_map(|c| format!("\n{{\"deep\":{{\"a\":{{\"b\":{{\"c\":{c}}}}}}}}}\t")),
        // Of fields with one name the last one counts.
        1 => (values(), values()).prop_map(|(a, b)| format!("{{\"x\":{a},\"\\u0078\":{b}}}")),
        2 => values(),
        6 => padded,
    ]
    .boxed()
}

/// Text that is not a document.
pub fn broken_documents() -> BoxedStrategy<String> {
    prop::sample::select(&BROKEN[..]).prop_map(str::to_owned).boxed()
}

/// Conditions, of which a few make no sense.
pub fn conditions() -> BoxedStrategy<String> {
    let equality = values().prop_filter("an object is a range", |value| !value.starts_with('{'));
    let operators = || prop::sample::select(&["gt", "gte", "lt", "lte"][..]);
    let between = |values: BoxedStrategy<String>| {
        (values.clone(), values, any::<[bool; 2]>()).prop_map(|(low, high, [above, below])| {
            let (above, below) = (if above { "gt" } else { "gte" }, if below { "lt" } else { "lte" });
            format!("{{\"{above}\":{low},\"{below}\":{high}}}")
        })
    };
    prop_oneof![
        6 => equality,
        5 => (values(), operators()).prop_map(|(value, operator)| format!("{{\"{operator}\":{value}}}")),
        3 => between(numbers().boxed()),
        2 => between(strings().boxed()),
        1 => between(values().boxed()),
        1 => (values(), operators(), operators()).prop_map(|(it, a, b)| format!("{{\"{a}\":{it},\"{b}\":{it}}}")),
        1 => prop::sample::select(&["{}", "{\"eq\":1}", "", "{\"gt\":1,\"x\":2}"][..]).prop_map(str::to_owned),
    ]
    .boxed()
}
