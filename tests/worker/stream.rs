//! The seeded stream of steps: what the worker does, and what the test that kills it knows that it does.
//!
//! A step is a function of the seed and of its number alone, so both find it without the steps before.

use crate::random::Random;

/// Keys that the steps work on, once the first steps have stored them.
pub const KEYS: u64 = 2500;
/// The first steps store this many documents each, so that there is something to merge and to index.
const FIRST_DOCUMENTS: u64 = 250;
/// What outlives every test, and what is gone before the next look.
pub const LONG_TTL_MS: u64 = 3_600_000;
pub const SHORT_TTL_MS: u64 = 2;
pub const INDEX_PATHS: [&str; 3] = ["group", "n", "nested.part"];

/// What the worker does before it acknowledges.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    Set {
        key: String,
        json: String,
    },
    SetExpiring {
        key: String,
        json: String,
        ttl_ms: u64,
    },
    Delete {
        key: String,
    },
    /// One commit.
    Transaction(Vec<(String, Option<String>)>),
    /// One commit.
    DeleteRange {
        gte: String,
        lt: String,
    },
    /// A commit each, with one write and one flush.
    Group(Vec<(String, String)>),
    CreateIndex {
        path: &'static str,
    },
    DropIndex {
        path: &'static str,
    },
    Compact,
    /// Where the database is encrypted it gets a new data key; else it is compacted.
    RotateKey,
    Maintain,
}

/// The step with this number of the stream with this seed.
pub fn step(seed: u64, number: u64) -> Step {
    let mut random = Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d));
    if number < KEYS / FIRST_DOCUMENTS {
        let keys = number * FIRST_DOCUMENTS..(number + 1) * FIRST_DOCUMENTS;
        return Step::Transaction(keys.map(|k| (key(k), Some(document(k, number, &mut random)))).collect());
    }
    let any = |random: &mut Random| {
        let k = random.below(KEYS);
        (key(k), document(k, number, random))
    };
    match random.below(100) {
        0..38 => {
            let (key, json) = any(&mut random);
            Step::Set { key, json }
        }
        // The same few large documents again and again: what they leave is most of the file.
        38..40 => {
            let (k, size) = (random.below(3), random.between(200_000, 1_200_000));
            Step::Set { key: key(k), json: document_of(size, k, number, &mut random) }
        }
        40..47 => {
            let count = random.between(2, 12);
            Step::Group((0..count).map(|_| any(&mut random)).collect())
        }
        // The same few documents again and again: little to keep, and much log.
        47..52 => {
            let (k, count) = (random.below(3), random.between(10, 40));
            Step::Group((0..count).map(|_| (key(k), document(k, number, &mut random))).collect())
        }
        52..66 => transaction(number, &mut random),
        66..78 => Step::Delete { key: key(random.below(KEYS)) },
        78..80 => {
            let first = random.below(KEYS);
            Step::DeleteRange { gte: key(first), lt: key(first + random.between(1, 60)) }
        }
        80..86 => {
            let (key, json) = any(&mut random);
            Step::SetExpiring { key, json, ttl_ms: random.pick(&[SHORT_TTL_MS, LONG_TTL_MS]) }
        }
        86..90 => Step::CreateIndex { path: random.pick(&INDEX_PATHS) },
        90..93 => Step::DropIndex { path: random.pick(&INDEX_PATHS) },
        93 => Step::Compact,
        94 => Step::RotateKey,
        _ => Step::Maintain,
    }
}

fn transaction(number: u64, random: &mut Random) -> Step {
    let count = if random.chance(20) { random.between(100, 400) } else { random.between(2, 20) };
    let write = |_| {
        let k = random.below(KEYS);
        let json = if random.chance(30) { None } else { Some(document(k, number, random)) };
        (key(k), json)
    };
    Step::Transaction((0..count).map(write).collect())
}

fn key(number: u64) -> String {
    format!("k{number:05}")
}

fn document(key: u64, number: u64, random: &mut Random) -> String {
    let size = if random.chance(1) { random.between(5_000, 30_000) } else { random.between(10, 800) };
    document_of(size, key, number, random)
}

/// A document with a text of about `size` bytes.
fn document_of(size: u64, key: u64, number: u64, random: &mut Random) -> String {
    let mut text = String::new();
    while (text.len() as u64) < size {
        text += &format!("{:016x} ferrolite ", random.next());
    }
    let part = random.below(50);
    format!(r#"{{"group":{},"n":{number},"nested":{{"part":"p{part}"}},"text":"{text}"}}"#, key % 7)
}
