//! Whatever the clock does, forwards and backwards, and whenever compaction drops what has expired: `find` through an index
//! answers what the documents say that can be read at that moment.

use crate::support::oracle::find_in;
use crate::support::{Bench, assert_sound, ms};
use ferrolite::{Condition, ErrorCode, FindOptions, IndexSpec, Range};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Step {
    Set(u8, i32, Option<u64>),
    Delete(u8),
    Expire(u8, u64),
    Persist(u8),
    Index,
    BuildIndex,
    DropIndex,
    Wait(u64),
    SetBack(u64),
    Maintain,
    Compact,
    Reopen,
}

fn steps() -> impl Strategy<Value = Step> {
    let key = 0u8..6;
    prop_oneof![
        8 => (key.clone(), -2i32..3, prop::option::of(1u64..50)).prop_map(|(key, x, ttl)| Step::Set(key, x, ttl)),
        2 => key.clone().prop_map(Step::Delete),
        2 => (key.clone(), 1u64..50).prop_map(|(key, ttl)| Step::Expire(key, ttl)),
        1 => key.prop_map(Step::Persist),
        1 => Just(Step::Index),
        2 => Just(Step::BuildIndex),
        1 => Just(Step::DropIndex),
        3 => (1u64..40).prop_map(Step::Wait),
        3 => (1u64..40).prop_map(Step::SetBack),
        3 => Just(Step::Maintain),
        2 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn an_index_says_what_the_documents_say(steps in prop::collection::vec(steps(), 1..60)) {
        let bench = Bench::new();
        let mut db = bench.open();
        for step in steps {
            match step {
                Step::Set(key, x, ttl) => {
                    let (key, text) = (format!("{key}"), format!("{{\"x\":{x}}}"));
                    match ttl {
                        Some(ttl) => db.set_ex_json(&key, &text, ms(ttl)).unwrap(),
                        None => db.set_json(&key, &text).unwrap(),
                    };
                }
                Step::Delete(key) => drop(db.delete(&format!("{key}")).unwrap()),
                Step::Expire(key, ttl) => drop(db.expire(&format!("{key}"), ms(ttl)).unwrap()),
                Step::Persist(key) => drop(db.persist(&format!("{key}")).unwrap()),
                Step::Index => drop(db.create_index("x").unwrap()),
                Step::BuildIndex => drop(db.create_index_step("x", 1).unwrap()),
                Step::DropIndex => drop(db.drop_index("x").unwrap()),
                Step::Wait(time_ms) => bench.clock.advance_ms(time_ms),
                Step::SetBack(time_ms) => bench.clock.set_back_ms(time_ms),
                Step::Maintain => while db.maintain(1 << 20).unwrap() {},
                Step::Compact => db.compact().unwrap(),
                Step::Reopen => {
                    db.close().unwrap();
                    db = bench.open();
                }
            }
            let entries = db.entries_json(&Range::all()).unwrap();
            for condition in ["1", r#"{"gte":-1}"#] {
                let found = db.find("x", &Condition::parse(condition).unwrap(), &FindOptions::default()).unwrap();
                prop_assert_eq!(found, find_in(&entries, "x", condition, FindOptions::default()));
            }
            assert_sound(&db);
        }
    }
}

#[derive(Debug, Clone)]
enum Claim {
    Set(u8, u8, Option<u64>),
    /// Two documents in one commit.
    Both(u8, u8),
    Expire(u8, u64),
    Index,
    BuildIndex,
    Wait(u64),
    SetBack(u64),
    Maintain,
    Reopen,
}

fn claims() -> impl Strategy<Value = Claim> {
    let (key, value) = (|| 0u8..5, || 0u8..3);
    prop_oneof![
        8 => (key(), value(), prop::option::of(1u64..50)).prop_map(|(key, value, ttl)| Claim::Set(key, value, ttl)),
        2 => (value(), value()).prop_map(|(a, b)| Claim::Both(a, b)),
        2 => (key(), 1u64..50).prop_map(|(key, ttl)| Claim::Expire(key, ttl)),
        1 => Just(Claim::Index),
        1 => Just(Claim::BuildIndex),
        4 => (1u64..60).prop_map(Claim::Wait),
        4 => (1u64..60).prop_map(Claim::SetBack),
        1 => Just(Claim::Maintain),
        1 => Just(Claim::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_clock_gives_two_documents_one_unique_value(claims in prop::collection::vec(claims(), 1..60)) {
        let bench = Bench::new();
        let mut db = bench.open();
        let unique = || IndexSpec::from("x").unique();
        let document = |value: u8| format!("{{\"x\":{value}}}");
        for claim in claims {
            // A violation is an answer like any other.
            let told = match claim {
                Claim::Set(key, value, None) => db.set_json(&key.to_string(), &document(value)).map(drop),
                Claim::Set(key, value, Some(ttl)) => db.set_ex_json(&key.to_string(), &document(value), ms(ttl)).map(drop),
                Claim::Both(a, b) => db.set_many_json([("0", document(a)), ("1", document(b))]).map(drop),
                Claim::Expire(key, ttl) => db.expire(&key.to_string(), ms(ttl)).map(drop),
                Claim::Index => db.create_index(unique()).map(drop),
                Claim::BuildIndex => db.create_index_step(unique(), 1).map(drop),
                Claim::Wait(time_ms) => { bench.clock.advance_ms(time_ms); Ok(()) }
                Claim::SetBack(time_ms) => { bench.clock.set_back_ms(time_ms); Ok(()) }
                Claim::Maintain => db.maintain(1 << 20).map(drop),
                Claim::Reopen => { db.close().unwrap(); db = bench.open(); Ok(()) }
            };
            if let Err(error) = told {
                prop_assert_eq!(error.code(), ErrorCode::UniqueViolation, "{}", error);
            }
            if db.indexes().iter().any(|index| index.ready) {
                let mut values: Vec<_> = db.entries_json(&Range::all()).unwrap().into_iter().map(|(_, json)| json).collect();
                let count = values.len();
                values.sort();
                values.dedup();
                prop_assert_eq!(values.len(), count);
                assert_sound(&db);
            }
        }
    }
}
