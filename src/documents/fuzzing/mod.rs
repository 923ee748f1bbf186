//! What a fuzzer calls of this layer.

pub(super) mod values;

pub use crate::documents::changes::fuzzing::journal;
pub use values::{compare, rank, value};

use crate::documents::catalog::Catalog;

use crate::documents::catalog::entries::Index;
use crate::documents::catalog::index_spec::Indexed;
use crate::documents::error_code::ErrorCode;
use crate::documents::index::entry::{IndexEntry, cut, encodings};
use crate::documents::json::ordering::{Unencodable, encode, encoded_length};
use crate::documents::json::path::Path;
use crate::documents::json::text;
use crate::documents::keyspace::key::{self, CATALOG, CollectionId, parse_key, push_key, successor};
use crate::documents::query::condition::Condition;
use crate::engine::Batch;
use crate::fuzzing::Input;
use serde_json::Value;

/// Entries of the catalog: a length, the rest of a key, a value, and so on.
pub fn catalog(data: &[u8]) {
    let mut input = Input::new(data);
    let mut catalog = Catalog::default();
    while !input.is_empty() {
        let key = [&CATALOG[..], input.some_bytes(12)].concat();
        let value = input.some_bytes(255);
        if catalog.read(&key, value).is_none() {
            return;
        }
    }
    let mut batch = Batch::new();
    let mut ids = Vec::new();
    for collection in catalog.collection_ids() {
        assert_eq!(catalog.collection(catalog.name_of(collection)), Some(collection));
        assert_eq!(catalog.maintained(collection).next().is_some(), catalog.has_indexes(collection));
        for index in catalog.maintained(collection) {
            index.store(&mut batch).expect("it can be written");
            let paths = &index.indexed.paths;
            assert_eq!(catalog.on(collection, paths).map(|found| &found.indexed.paths), Some(paths));
            ids.push(index.id);
        }
    }
    // What is added is told from all that is there.
    let other = Indexed::new(&["an.other"], false, false).expect("it is a path");
    if let Ok(added) = catalog.add(CollectionId::DEFAULT, other, &mut batch) {
        assert!(!ids.contains(&added.id), "an id is used twice");
    }
    if let Ok(added) = catalog.add_collection("an other", 0, &mut batch) {
        assert!(catalog.collection_ids().all(|id| id != added.id), "an id is used twice");
    }
}

/// Two keys, and how they lie in the engine.
pub fn key(data: &[u8]) {
    if let Ok(text) = parse_key(data) {
        assert_eq!(CollectionId::DEFAULT.document_key(text)[key::PREFIX_LENGTH..], *data);
    }
    let mut input = Input::new(data);
    let (a, b) = (input.line(), String::from_utf8_lossy(input.rest()).into_owned());
    assert_eq!(
        CollectionId::DEFAULT.document_key(&a).cmp(&CollectionId::DEFAULT.document_key(&b)),
        a.cmp(&b),
        "engine keys sort as keys do"
    );
    let end = successor(a.clone().into_bytes());
    let is_below = end.is_none_or(|end| b.as_bytes() < &end[..]);
    assert_eq!(b.as_bytes() >= a.as_bytes() && is_below, b.starts_with(&a), "{a:?} {b:?}");
}

/// Two values sort as their encodings do; the end of any encoding is found.
pub fn ordering(data: &[u8]) {
    let mut input = Input::new(data);
    let (a, b) = (value(&mut input, 4), value(&mut input, 4));
    let (encoded_a, encoded_b) = (encoded(&a), encoded(&b));
    assert_eq!(encoded_a.cmp(&encoded_b), compare(&a, &b), "{a} {b}");
    for encoded in [&encoded_a, &encoded_b] {
        let behind = [&encoded[..], input.rest()].concat();
        assert_eq!(encoded_length(&behind), Some(encoded.len()), "where an encoding ends");
    }
    if let Some(len) = encoded_length(data) {
        assert_eq!(encoded_length(&data[..len]), Some(len));
        (0..len).for_each(|len| assert_eq!(encoded_length(&data[..len]), None, "no encoding begins another"));
    }
    let text = String::from_utf8_lossy(data);
    let outcome = encode(&text);
    if text::check_text(&text).is_ok() {
        assert_ne!(outcome, Err(Unencodable::NotJson), "JSON has an encoding, or is too deep");
    }
}

fn encoded(value: &Value) -> Vec<u8> {
    let compact = encode(&value.to_string()).expect("it is JSON");
    let pretty = serde_json::to_string_pretty(value).expect("it can be written");
    assert_eq!(encode(&pretty).as_ref(), Ok(&compact), "white space does not matter");
    compact
}

/// Index entries: any bytes, and those of any document.
pub fn index_entry(data: &[u8]) {
    let mut input = Input::new(data);
    let mark: &[u8] = [&[][..], &[1], &[2]][input.below(3)];
    let paths = 1 + input.below(3);
    let engine_key = [&CollectionId::DEFAULT.index(7)[..], input.rest()].concat();
    if let Some(entry) = IndexEntry::parse(paths, &engine_key, mark) {
        assert_eq!(entry.is_cut, mark == [1]);
        let mut again = [&CollectionId::DEFAULT.index(7)[..], entry.encoded].concat();
        push_key(&mut again, entry.key);
        assert_eq!(again, engine_key, "an entry is put together as it was taken apart");
    }
    let (key, indexed) = (input.line(), Indexed::new(&["a"], false, false).expect("it is a path"));
    let text = serde_json::json!({ "a": value(&mut input, 4), "b": 1 }).to_string();
    let index = Index::sample(indexed);
    let encoded = encodings(&index, &key, &text).expect("it is JSON").pop().expect("it is there, and not deep");
    let (part, is_cut) = cut(&encoded.entry);
    let mut engine_key = [&CollectionId::DEFAULT.index(7)[..], part].concat();
    push_key(&mut engine_key, &key);
    let mark: &[u8] = if is_cut { &[1] } else { &[] };
    let expected = IndexEntry { encoded: part, is_cut, key: &key };
    assert_eq!(IndexEntry::parse(1, &engine_key, mark), Some(expected));
}

/// A line with a path, and the text of a document: what is found there is what a JSON parser finds.
pub fn path(data: &[u8]) {
    let mut input = Input::new(data);
    let (line, text) = (input.line(), String::from_utf8_lossy(input.rest()).into_owned());
    let Ok(path) = Path::parse(&line) else { return };
    let found = path.value_in(&text);
    if let Ok(Some(part)) = found {
        assert!(text.contains(part));
    }
    let Ok(document) = serde_json::from_str::<Value>(&text) else { return };
    let expected = line.split('.').try_fold(&document, |value, field| value.as_object()?.get(field));
    let found = found.expect("it is JSON").map(|part| serde_json::from_str::<Value>(part).expect("it is JSON"));
    assert_eq!(found.as_ref(), expected, "{line} in {text}");
}

/// A condition as JSON text, then values that meet it or do not.
pub fn condition(data: &[u8]) {
    let mut input = Input::new(data);
    let text = input.line();
    let parsed = Condition::parse(&text);
    if let Err(error) = &parsed {
        assert_eq!(error.code(), ErrorCode::InvalidCondition);
    }
    let Ok(json) = serde_json::from_str::<Value>(&text) else { return };
    match (&parsed, &json) {
        (Ok(_), _) => {
            // Not the text as given: the JSON parser may round its last digit in another way.
            let condition = Condition::from_json(&json).expect("the same is a condition");
            for _ in 0..4 {
                let value = value(&mut input, 3);
                let is_met = condition.is_met_by(&encoded(&value));
                assert_eq!(is_met, meets(&value, &json), "{value} {json}");
            }
        }
        (Err(error), Value::Object(_)) => drop(error.to_string()),
        (Err(error), _) => panic!("{text} is a value, but {error}"),
    }
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
