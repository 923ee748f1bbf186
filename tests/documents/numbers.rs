//! Numbers are compared exactly, however many digits they have, with an index and without one.

use crate::support::{assert_sound, code, fresh, ms};
use ferrolite::fs::MemoryFile;
use ferrolite::{Condition, Database, ErrorCode, Filter, FindOptions, IndexSpec, Query};
use proptest::prelude::*;

/// Texts of numbers. Those of one row are one number; all have about the same double as others.
const NUMBERS: [&[&str]; 16] = [
    &["111111111111111111111", "1.11111111111111111111e20"],
    &["111111111111111111112", "111111111111111111112.0"],
    &["0.1", "1e-1", "10.0e-2"],
    &["0.10000000000000000001"],
    &["0.09999999999999999999"],
    &["1", "1.0", "1e0", "100e-2"],
    &["1.00000000000000000000001"],
    &["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
    &["9007199254740992", "9007199254740992.000"],
    &["9007199254740992.5"],
    &["18446744073709551615", "18446744073709551615.0"],
    &["18446744073709551616", "184467440737095516160e-1"],
    &["-9223372036854775808", "-9223372036854775808.0"],
    &["-9223372036854775808.25"],
    &["1e999999999", "10e999999998"],
    &["1e1000000000"],
];

fn rows() -> Vec<(String, String)> {
    let row = |(row, texts): (usize, &&[&'static str])| {
        texts
            .iter()
            .enumerate()
            .map(move |(at, text)| (format!("{row:02}-{at}"), (*text).to_owned()))
            .collect::<Vec<_>>()
    };
    NUMBERS.iter().enumerate().flat_map(row).collect()
}

fn filled(index: Option<IndexSpec>) -> Database<MemoryFile> {
    let mut db = fresh();
    for (key, number) in rows() {
        db.set_json(&key, &format!(r#"{{"n":{number},"in":{{"list":[{number}]}},"list":[1,{number}],"b":1}}"#))
            .unwrap();
    }
    if let Some(index) = index {
        db.create_index(index).unwrap();
    }
    db
}

fn alike(text: &str) -> Vec<String> {
    let row = NUMBERS.iter().position(|texts| texts.contains(&text)).unwrap();
    rows().into_iter().map(|(key, _)| key).filter(|key| key.starts_with(&format!("{row:02}"))).collect()
}

fn keys(db: &Database<MemoryFile>, filter: &str) -> Vec<String> {
    let query = Query::new().filter(Filter::parse(filter).unwrap());
    let rows: Vec<String> = db.query(&query).unwrap().into_iter().map(|document| document.key).collect();
    assert_eq!(db.count_rows(&query).unwrap(), rows.len() as u64, "{filter}");
    rows
}

#[test]
fn a_query_finds_the_equal_numbers_and_no_others() {
    let indexes = [
        None,
        Some(IndexSpec::from("n")),
        Some(IndexSpec::from(["b", "n"])),
        Some(IndexSpec::from(["n", "b"])),
        Some(IndexSpec::from("in")),
        Some(IndexSpec::from("list").multi()),
    ];
    for index in indexes {
        let db = filled(index.clone());
        assert_sound(&db);
        for (_, number) in rows() {
            let expected = alike(&number);
            for filter in [
                format!(r#"{{"n":{number}}}"#),
                format!(r#"{{"n":{number},"b":1}}"#),
                format!(r#"{{"n":{{"in":[{number},7]}}}}"#),
                format!(r#"{{"n":{{"gte":{number},"lte":{number}}}}}"#),
                format!(r#"{{"in":{{"eq":{{"list":[{number}]}}}}}}"#),
            ] {
                let mut found = keys(&db, &filter);
                found.sort();
                assert_eq!(found, expected, "{filter} {index:?}");
            }
            if number != "1" && !alike("1").iter().any(|key| expected.contains(key)) {
                let mut found = keys(&db, &format!(r#"{{"list":{{"contains":{number}}}}}"#));
                found.sort();
                assert_eq!(found, expected, "{number} {index:?}");
            }
            let others = keys(&db, &format!(r#"{{"n":{{"ne":{number},"exists":true}}}}"#));
            assert_eq!(others.len() + expected.len(), rows().len(), "not {number} {index:?}");
            let condition = Condition::parse(&number).unwrap();
            let mut found = db.find("n", &condition, &FindOptions::default()).unwrap();
            found.sort();
            assert_eq!(found, expected, "{number} {index:?}");
        }
    }
}

#[test]
fn documents_that_change_keep_their_index_exact() {
    let mut db = filled(Some(IndexSpec::from("n")));
    let long = "0.10000000000000000001";
    for next in [long, "0.1", "0.09999999999999999999", "0.1"] {
        db.set_json("02-0", &format!(r#"{{"n":{next}}}"#)).unwrap();
        assert!(keys(&db, &format!(r#"{{"n":{next}}}"#)).contains(&"02-0".to_owned()));
        assert_eq!(keys(&db, &format!(r#"{{"n":{long}}}"#)).contains(&"02-0".to_owned()), next == long);
    }
    db.set_ex_json("02-0", &format!(r#"{{"n":{long}}}"#), ms(1000)).unwrap();
    assert_eq!(keys(&db, &format!(r#"{{"n":{long}}}"#)), ["02-0", "03-0"]);
    db.compact().unwrap();
    assert_eq!(keys(&db, &format!(r#"{{"n":{long}}}"#)), ["02-0", "03-0"]);
    assert_sound(&db);
}

#[test]
fn a_unique_value_is_taken_by_an_equal_number_only() {
    let mut db = fresh();
    db.create_index(IndexSpec::from("n").unique()).unwrap();
    for (row, texts) in NUMBERS.iter().enumerate() {
        db.set_json(&format!("{row}"), &format!(r#"{{"n":{}}}"#, texts[0])).unwrap();
    }
    assert_sound(&db);
    for text in NUMBERS.iter().flat_map(|texts| texts.iter()) {
        let document = format!(r#"{{"n":{text}}}"#);
        assert_eq!(code(db.set_json("new", &document)), ErrorCode::UniqueViolation, "{text}");
        assert_eq!(code(db.set_many_json([("x", &document), ("y", &document)])), ErrorCode::UniqueViolation, "{text}");
    }
    // The documents exchange their values in one commit.
    let texts: Vec<_> = NUMBERS.iter().map(|texts| format!(r#"{{"n":{}}}"#, texts[texts.len() - 1])).collect();
    db.set_many_json((0..texts.len()).map(|row| (row.to_string(), &texts[(row + 1) % texts.len()]))).unwrap();
    assert_sound(&db);
    // An index that is built finds out the same.
    db.drop_index("n").unwrap();
    assert!(db.create_index(IndexSpec::from("n").unique()).unwrap());
    db.drop_index("n").unwrap();
    db.set_json("new", r#"{"n":111111111111111111112.00}"#).unwrap();
    assert_eq!(code(db.create_index(IndexSpec::from("n").unique())), ErrorCode::UniqueViolation);
}

#[test]
fn what_is_swapped_or_tested_is_the_exact_number() {
    let mut db = fresh();
    for (row, texts) in NUMBERS.iter().enumerate() {
        for (other, others) in NUMBERS.iter().enumerate() {
            let (found, wanted) = (texts[0], others[others.len() - 1]);
            db.set_json("k", found).unwrap();
            assert_eq!(
                db.compare_and_swap_json("k", Some(wanted), Some("0")).unwrap(),
                row == other,
                "{found} {wanted}"
            );
            db.set_json("k", &format!(r#"{{"v":[{found}]}}"#)).unwrap();
            for (path, value) in
                [("/v/0", wanted.to_owned()), ("/v", format!("[{wanted}]")), ("", format!(r#"{{"v":[{wanted}]}}"#))]
            {
                let patch = format!(r#"[{{"op":"test","path":"{path}","value":{value}}}]"#);
                assert_eq!(db.patch("k", &patch).is_ok(), row == other, "{found} {patch}");
            }
        }
    }
}

#[test]
fn a_number_of_many_digits_costs_its_length() {
    let mut db = filled(Some(IndexSpec::from("n")));
    let zeros = "0".repeat(200_000);
    for text in
        [format!("1{zeros}1"), format!("0.{zeros}1"), format!("1e{}", "9".repeat(200_000)), format!("1.{zeros}")]
    {
        db.set_json("long", &format!(r#"{{"n":{text}}}"#)).unwrap();
        assert!(keys(&db, &format!(r#"{{"n":{text}}}"#)).contains(&"long".to_owned()));
        assert_eq!(keys(&db, r#"{"n":1}"#).contains(&"long".to_owned()), text.starts_with("1."));
        assert!(db.compare_and_swap_json("long", Some(&format!(r#"{{"n":{text}}}"#)), Some("2")).unwrap());
    }
}

/// Numbers that are often equal, or have equal doubles.
fn number() -> impl Strategy<Value = String> {
    let whole = prop_oneof![Just(0u64), Just(1), Just(5), Just(1 << 53), Just(u64::MAX), (1u64 << 53)..(1 << 53) + 4];
    let fraction = prop_oneof![Just(""), Just(".0"), Just(".5"), Just(".50"), Just(".00000000000000000000001")];
    let exponent = prop_oneof![Just(""), Just("e0"), Just("e1"), Just("e-1"), Just("e400"), Just("e-400")];
    (any::<bool>(), whole, fraction, exponent).prop_map(|(minus, whole, fraction, exponent)| {
        format!("{}{whole}{fraction}{exponent}", if minus { "-" } else { "" })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn an_index_finds_what_comparing_all_documents_finds(numbers in prop::collection::vec(number(), 1..20), wanted in number()) {
        let (mut plain, mut indexed) = (fresh(), fresh());
        indexed.create_index("n").unwrap();
        for (at, number) in numbers.iter().enumerate() {
            for db in [&mut plain, &mut indexed] {
                db.set_json(&format!("{at:02}"), &format!(r#"{{"n":{number}}}"#)).unwrap();
            }
        }
        for filter in [
            format!(r#"{{"n":{wanted}}}"#),
            format!(r#"{{"n":{{"in":[{wanted},5,{}]}}}}"#, numbers[0]),
            format!(r#"{{"n":{{"nin":[{wanted},1],"exists":true}}}}"#),
        ] {
            let [mut a, mut b] = [&plain, &indexed].map(|db| keys(db, &filter));
            a.sort();
            b.sort();
            prop_assert_eq!(a, b, "{}", filter);
        }
        assert_sound(&indexed);
    }
}
