//! A fixed stream of operations, drawn from one seed, with the answers of the model: `js/tests/cases/stream.ndjson`.
//! Every host plays it: those of Rust here, natively and under wasmtime, Node and Chromium through the package.
//!
//! It holds what the package can do and what does not depend on the time. Documents are written as JavaScript writes
//! them, for there they are parsed and written anew.

use crate::directory::Directory;
use crate::host::Host;
use crate::model::Model;
use crate::operation::{Operation, Part, Text, Write};
use crate::world::World;
use ferrolite::fs::{File, FileSystem, Memory, OpenMode, Simulated};
use ferrolite::{Cipher, Compression, Encryption, FindOptions, Options, Range};
use serde::{Deserialize, Serialize};
use serde_json::Value;

const STREAM: &str = include_str!("../../js/tests/cases/stream.ndjson");
const PATH: &str = "js/tests/cases/stream.ndjson";
const LENGTH: usize = 700;
const SEED: u64 = 20_261_121;
/// Longer than any test.
const TTL_MS: u64 = 1_000_000_000;

const KEYS: [&str; 14] =
    ["a", "a:1", "a:2", "ab", "b", "b\u{0}", "\u{1}", "ü", "😀", "\u{ffff}", "z", "q/1", "q/2", "q/3"];
const VALUES: [&str; 29] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "2",
    "0.5",
    "-0.25",
    "1e+21",
    "5e-324",
    "1.7976931348623157e+308",
    "9007199254740991",
    "-9007199254740991",
    "\"\"",
    "\"a\"",
    "\"b\"",
    "\"ab\"",
    "\"ü\"",
    "\"😀\"",
    "\"\\u0000\"",
    "\"a\\u0000b\"",
    "\"\\n\\t\\\\\\\"/\"",
    "[]",
    "[1]",
    "[1,\"a\",null]",
    "{}",
    "{\"z\":1}",
    "{\"a\":{\"b\":[[]]}}",
];
const PATHS: [&str; 3] = ["x", "y.z", "y"];

/// A line of the file.
#[derive(Serialize, Deserialize)]
struct Line {
    operation: Operation,
    answer: Value,
}

/// SplitMix64 by Sebastiano Vigna.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % limit
    }

    fn pick(&mut self, choices: &[&str]) -> String {
        choices[self.below(choices.len() as u64) as usize].to_owned()
    }

    fn key(&mut self) -> Text {
        match self.below(120) {
            0 => "".into(),
            1 => "k".repeat(4097).as_str().into(),
            2 => "k".repeat(4096).as_str().into(),
            _ => self.pick(&KEYS).into(),
        }
    }

    fn value(&mut self) -> String {
        match self.below(36) {
            0 => format!("\"{}{}\"", "long".repeat(300), self.below(3)),
            1..=12 => self.below(6).to_string(),
            _ => self.pick(&VALUES),
        }
    }

    fn document(&mut self) -> Text {
        let text = match self.below(12) {
            0..=4 => format!("{{\"x\":{}}}", self.value()),
            5..=8 => format!("{{\"x\":{},\"y\":{{\"z\":{}}}}}", self.value(), self.value()),
            9 => format!("{{\"y\":{}}}", self.value()),
            10 => self.value(),
            _ => format!("{{\"x\":{},\"p\":\"{}\"}}", self.value(), "filling ".repeat(self.below(16) as usize)),
        };
        text.into()
    }

    fn condition(&mut self) -> Text {
        let operators = ["gt", "gte", "lt", "lte"];
        let text = match self.below(6) {
            0..=2 => match self.value() {
                object if object.starts_with('{') => "1".to_owned(),
                value => value,
            },
            3 | 4 => format!("{{\"{}\":{}}}", self.pick(&operators), self.value()),
            _ => format!("{{\"gte\":{},\"lt\":{}}}", self.below(6), self.below(6)),
        };
        text.into()
    }

    fn range(&mut self) -> Range {
        let mut range = Range { reverse: self.below(2) == 0, ..Range::all() };
        let low = (self.below(3) == 0).then(|| self.pick(&KEYS));
        let high = (self.below(3) == 0).then(|| self.pick(&KEYS));
        *(if self.below(2) == 0 { &mut range.gt } else { &mut range.gte }) = low;
        *(if self.below(2) == 0 { &mut range.lt } else { &mut range.lte }) = high;
        range.prefix = (self.below(4) == 0).then(|| self.pick(&["a", "q/", "b", "none"]));
        range.limit = (self.below(4) == 0).then(|| self.below(6));
        if self.below(40) == 0 {
            (range.gt, range.gte) = (Some("a".to_owned()), Some("a".to_owned()));
        }
        range
    }

    fn part(&mut self) -> Part {
        match self.below(5) {
            0 => Part::Delete { key: self.pick(&KEYS).into() },
            1 => Part::SetEx { key: self.pick(&KEYS).into(), json: self.document(), ttl_ms: TTL_MS },
            _ => Part::Set { key: self.pick(&KEYS).into(), json: self.document() },
        }
    }

    fn write(&mut self) -> Write {
        match self.below(20) {
            0..=9 => Write::Set { key: self.key(), json: self.document() },
            10 | 11 => Write::SetEx { key: self.key(), json: self.document(), ttl_ms: TTL_MS },
            12 => {
                let length = self.below(5);
                Write::SetMany { documents: (0..length).map(|_| (self.key(), self.document())).collect() }
            }
            13..=15 => Write::Delete { key: self.key() },
            16 => Write::DeleteRange { range: Range { limit: Some(3), ..self.range() } },
            17 => Write::Expire { key: self.key(), ttl_ms: TTL_MS },
            18 => Write::Persist { key: self.key() },
            _ => {
                let length = self.below(6);
                Write::Commit { writes: (0..length).map(|_| self.part()).collect() }
            }
        }
    }

    fn operation(&mut self) -> Operation {
        let path = |random: &mut Self| Text::from(random.pick(&PATHS));
        match self.below(60) {
            0..=24 => Operation::Write(self.write()),
            25..=27 => {
                let length = self.below(6);
                Operation::Group { writes: (0..length).map(|_| self.write()).collect(), fails: false }
            }
            28..=30 => Operation::Get { key: self.key() },
            31 => Operation::GetMany { keys: vec![self.pick(&KEYS).into(), self.pick(&KEYS).into()] },
            32 | 33 => Operation::Ttl { key: self.key() },
            34 => Operation::Count { range: self.range() },
            35 | 36 => Operation::Keys { range: self.range() },
            37..=39 => Operation::Entries { range: self.range() },
            40..=49 => {
                let options = FindOptions {
                    reverse: self.below(2) == 0,
                    limit: (self.below(4) == 0).then(|| self.below(5)),
                    ..FindOptions::default()
                };
                Operation::Find { path: path(self), condition: self.condition(), options }
            }
            50 | 51 => Operation::CreateIndex { path: path(self) },
            52 => Operation::DropIndex { path: path(self) },
            53 => Operation::Indexes,
            54 => Operation::Flush,
            55 => Operation::Compact,
            56 | 57 => Operation::Reopen { closes: true },
            _ => Operation::Check,
        }
    }
}

/// The stream as it should be in the file.
fn stream() -> String {
    let (mut random, mut model, mut lines) = (Random(SEED), Model::new(), String::new());
    for _ in 0..LENGTH {
        let operation = random.operation();
        let answer = model.play(&operation, &Value::Null);
        lines.push_str(&serde_json::to_string(&Line { operation, answer }).unwrap());
        lines.push('\n');
    }
    lines
}

/// Plays the stream, and gives the host back with the file.
fn play<H: Host>(host: H, options: Options) -> H {
    let mut world = World::new(host, options);
    for (number, line) in STREAM.lines().enumerate() {
        let Line { operation, answer } = serde_json::from_str(line).unwrap();
        assert_eq!(world.play(&operation), answer, "line {}: {operation:?}", number + 1);
    }
    world.close()
}

fn bytes_of<S: FileSystem>(fs: &S) -> Vec<u8> {
    let file = pollster::block_on(fs.open("db", OpenMode::ReadOnly)).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    let mut done = 0;
    while done < bytes.len() {
        done += file.read_at(&mut bytes[done..], done as u64).unwrap();
    }
    bytes
}

fn settings() -> [(&'static str, Options); 4] {
    let small =
        Options { page_size: 512, memtable_size: 16 << 10, compression: Compression::None, ..Options::default() };
    let by = |cipher| Some(Encryption::key([7; 32]).with_cipher(cipher));
    [
        ("default", Options::default()),
        ("small", small.clone()),
        ("aes-256-gcm", Options { encryption: by(Cipher::Aes256Gcm), ..small }),
        ("chacha20-poly1305", Options { encryption: by(Cipher::ChaCha20Poly1305), ..Options::default() }),
    ]
}

#[test]
fn the_stream_has_the_answers_of_the_model() {
    let stream = stream();
    if std::env::var_os("FERROLITE_WRITE_STREAM").is_some() {
        std::fs::write(PATH, &stream).unwrap();
        return;
    }
    assert!(stream == STREAM, "{PATH} is not what is drawn now; FERROLITE_WRITE_STREAM=1 writes it anew");
}

#[test]
fn every_host_writes_the_same_bytes() {
    for (name, options) in settings() {
        let bytes = bytes_of(&play(Memory::new(), options.clone()));
        let directory = Directory::new("model");
        play(directory.0.clone(), options.clone());
        assert!(bytes_of(&directory.0) == bytes, "{name}: on files of the host");
        assert!(bytes_of(&play(Simulated::new(1), options)) == bytes, "{name}: on a simulated disk");
        compare_with_other_programs(name, &bytes);
    }
}

/// With `FERROLITE_SAME_BYTES` naming a directory, the native program leaves its files there, and another one compares.
fn compare_with_other_programs(name: &str, bytes: &[u8]) {
    let Some(directory) = std::env::var_os("FERROLITE_SAME_BYTES") else { return };
    let path = std::path::Path::new(&directory).join(name);
    if cfg!(target_os = "wasi") {
        assert!(std::fs::read(path).unwrap() == bytes, "{name}: natively other bytes are written than on WASI");
    } else {
        std::fs::create_dir_all(directory).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}
