//! Draws operations.

use crate::operation::{Operation, Part, Text, Write};
use crate::values::{PATHS, broken_documents, conditions, documents};
use ferrolite::{Cipher, Compression, Durability, Encryption, FindOptions, MAX_KEY_LENGTH, Options, Range};
use proptest::collection::vec;
use proptest::prelude::*;

const PREFIXES: [&str; 12] = ["", "a", "a:", "b", "b\u{0}", "q", "n/", "n/1", "k", "kkkk", "ü", "none"];

/// Which operations are drawn.
#[derive(Debug, Clone, Copy)]
pub struct Kinds {
    /// Those that only a host with faults knows.
    pub faults: bool,
    /// The clock goes back: then answers depend on what has been compacted.
    pub set_back: bool,
}

/// Keys of all shapes, few enough to meet again.
fn known_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "a",
        "a:1",
        "a:2",
        "ab",
        "b",
        "b\u{0}",
        "b\u{0}\u{0}",
        "\u{0}",
        "\u{1}",
        "ü",
        "u\u{308}",
        "😀",
        "\u{10ffff}",
        "\u{ffff}",
        "z",
        " ",
        "q/1",
        "q/2",
    ]
    .map(str::to_owned)
    .to_vec();
    for (length, end) in [(254, "x"), (255, "x"), (255, "y"), (1022, "x"), (1022, "y"), (MAX_KEY_LENGTH - 1, "x")] {
        keys.push(format!("{}{end}", "k".repeat(length)));
    }
    keys.push("ü".repeat(MAX_KEY_LENGTH / 2));
    keys
}

fn keys() -> BoxedStrategy<Text> {
    prop_oneof![
        60 => prop::sample::select(known_keys()),
        6 => "n/[0-9]{2}",
        1 => prop::sample::select(vec![String::new(), "k".repeat(MAX_KEY_LENGTH + 1)]),
    ]
    .prop_map(Text::from)
    .boxed()
}

fn texts() -> BoxedStrategy<Text> {
    prop_oneof![40 => documents(), 1 => broken_documents()].prop_map(Text::from).boxed()
}

/// Times to live: some below a second, some for the whole run, and two that cannot be.
fn times() -> BoxedStrategy<u64> {
    prop_oneof![20 => 1u64..60, 6 => 900u64..5000, 4 => Just(1_000_000_000), 1 => Just(0), 1 => Just(u64::MAX >> 10)]
        .boxed()
}

pub fn ranges() -> BoxedStrategy<Range> {
    let bound = || prop::option::weighted(0.4, keys().prop_map(String::from));
    let prefix = prop::option::weighted(0.3, prop::sample::select(&PREFIXES[..]).prop_map(str::to_owned));
    let limit = prop::option::weighted(0.3, 0u64..6);
    let contradicts = prop::bool::weighted(0.02);
    (bound(), bound(), any::<[bool; 3]>(), prefix, limit, contradicts)
        .prop_map(|(low, high, [above, below, reverse], prefix, limit, contradicts)| {
            let (mut gt, gte) = if above { (low, None) } else { (None, low) };
            let (lt, lte) = if below { (high, None) } else { (None, high) };
            if contradicts {
                gt = Some("a".to_owned());
            }
            Range { gt, gte, lt, lte, prefix, limit, reverse }
        })
        .boxed()
}

fn parts() -> BoxedStrategy<Part> {
    prop_oneof![
        5 => (keys(), texts()).prop_map(|(key, json)| Part::Set { key, json }),
        2 => (keys(), texts(), times()).prop_map(|(key, json, ttl_ms)| Part::SetEx { key, json, ttl_ms }),
        1 => (keys(), texts(), 0u64..100).prop_map(|(key, json, soon)| {
            Part::SetUntil { key, json, at_ms: if soon == 0 { 0 } else { crate::support::START_MS + soon } }
        }),
        3 => keys().prop_map(|key| Part::Delete { key }),
    ]
    .boxed()
}

fn writes() -> BoxedStrategy<Write> {
    prop_oneof![
        20 => (keys(), texts()).prop_map(|(key, json)| Write::Set { key, json }),
        2 => (keys(), documents()).prop_map(|(key, json)| Write::SetValue { key, json: json.into() }),
        8 => (keys(), texts(), times()).prop_map(|(key, json, ttl_ms)| Write::SetEx { key, json, ttl_ms }),
        2 => vec((keys(), texts()), 0..6).prop_map(|documents| Write::SetMany { documents }),
        8 => keys().prop_map(|key| Write::Delete { key }),
        2 => ranges().prop_map(|range| Write::DeleteRange { range }),
        4 => (keys(), times()).prop_map(|(key, ttl_ms)| Write::Expire { key, ttl_ms }),
        2 => keys().prop_map(|key| Write::Persist { key }),
        5 => vec(parts(), 0..8).prop_map(|writes| Write::Commit { writes }),
    ]
    .boxed()
}

fn paths() -> BoxedStrategy<Text> {
    prop_oneof![40 => prop::sample::select(&PATHS[..]), 1 => prop::sample::select(&["", "x.", "a..b"][..])]
        .prop_map(Text::from)
        .boxed()
}

fn reads() -> BoxedStrategy<Operation> {
    let options = (any::<bool>(), prop::option::weighted(0.3, 0u64..5)).prop_map(|(reverse, limit)| FindOptions {
        reverse,
        limit,
        ..FindOptions::default()
    });
    prop_oneof![
        4 => keys().prop_map(|key| Operation::Get { key }),
        1 => vec(keys(), 0..5).prop_map(|keys| Operation::GetMany { keys }),
        2 => keys().prop_map(|key| Operation::Ttl { key }),
        2 => ranges().prop_map(|range| Operation::Count { range }),
        2 => ranges().prop_map(|range| Operation::Keys { range }),
        3 => ranges().prop_map(|range| Operation::Entries { range }),
        10 => (paths(), conditions(), options).prop_map(|(path, condition, options)| {
            Operation::Find { path, condition: condition.into(), options }
        }),
        1 => Just(Operation::Indexes),
        1 => Just(Operation::Check),
    ]
    .boxed()
}

fn upkeep(kinds: Kinds) -> BoxedStrategy<Operation> {
    let turn_back = move |ms| if kinds.set_back { Operation::SetBack { ms } } else { Operation::Wait { ms } };
    prop_oneof![
        3 => paths().prop_map(|path| Operation::CreateIndex { path }),
        3 => (paths(), 0usize..5).prop_map(|(path, budget)| Operation::IndexStep { path, budget }),
        2 => paths().prop_map(|path| Operation::DropIndex { path }),
        3 => (ranges(), 0usize..4, prop::sample::select(&[0usize, 100, 1 << 20][..]))
            .prop_map(|(range, documents, bytes)| Operation::Snapshot { range, documents, bytes }),
        6 => (0usize..3).prop_map(|slot| Operation::Page { slot }),
        1 => (0usize..3).prop_map(|slot| Operation::Release { slot }),
        4 => (1u64..40).prop_map(|ms| Operation::Wait { ms }),
        3 => (1u64..40).prop_map(turn_back),
        1 => Just(Operation::Flush),
        1 => Just(Operation::Tick),
        3 => prop::sample::select(&[1usize, 4 << 10, 64 << 10, 1 << 20][..]).prop_map(|budget| Operation::Maintain { budget }),
        1 => Just(Operation::Compact),
        3 => prop::sample::select(&[1usize, 4 << 10, 64 << 10][..]).prop_map(|budget| Operation::CompactStep { budget }),
        2 => any::<bool>().prop_map(|closes| Operation::Reopen { closes }),
        1 => Just(Operation::ReopenReadOnly),
    ]
    .boxed()
}

pub fn operations(kinds: Kinds) -> BoxedStrategy<Operation> {
    let fails = if kinds.faults { 0.3 } else { 0.0 };
    prop_oneof![
        18 => writes().prop_map(Operation::Write),
        3 => (vec(writes(), 0..6), prop::bool::weighted(fails)).prop_map(|(writes, fails)| Operation::Group { writes, fails }),
        14 => reads(),
        14 => upkeep(kinds),
    ]
    .boxed()
}

pub fn options() -> BoxedStrategy<Options> {
    let durability =
        prop_oneof![Just(Durability::Always), Just(Durability::Never), Just(Durability::Periodic { interval_ms: 20 })];
    let page_size = prop::sample::select(&[512usize, 1000, 8 << 10, 64 << 10][..]);
    let memtable_size = prop::sample::select(&[16usize << 10, 40 << 10, 4 << 20][..]);
    let cache_size = prop::sample::select(&[0usize, 4 << 10, 8 << 20][..]);
    let compression = prop_oneof![Just(Compression::None), Just(Compression::Lz4)];
    let by = |cipher| Just(Some(Encryption::key([1; 32]).with_cipher(cipher)));
    let encryption = prop_oneof![2 => Just(None), 1 => by(Cipher::Aes256Gcm), 1 => by(Cipher::ChaCha20Poly1305)];
    (durability, page_size, memtable_size, cache_size, compression, encryption)
        .prop_map(|(durability, page_size, memtable_size, cache_size, compression, encryption)| Options {
            durability,
            page_size,
            memtable_size,
            cache_size,
            compression,
            encryption,
            ..Options::default()
        })
        .boxed()
}
