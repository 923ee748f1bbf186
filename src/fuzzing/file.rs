//! Whole files: changed in any way, with tags that hold, opened, read, and written.

use super::changes;
use crate::engine::fuzzing::{Sealed, reseal, sealed};
use crate::fs::{Memory, MemoryFile};
use crate::fuzz_input::Input;
use crate::{
    Compression, Condition, Database, Document, Environment, Error, ErrorCode, FindOptions, Options, Range, Transaction,
};
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::Duration;

const NOW_MS: u64 = 1_700_000_000_000;

/// A clock that stands still, and no randomness.
pub(super) struct Still(pub u64);

impl Environment for Still {
    fn now_ms(&self) -> u64 {
        self.0
    }

    fn fill_random(&self, buffer: &mut [u8]) {
        buffer.fill(0x5a);
    }
}

/// A sound file, and where its parts are.
pub(super) struct Base {
    pub(super) bytes: Vec<u8>,
    pub(super) sealed: Vec<Sealed>,
}

fn options(compression: Compression) -> Options {
    Options { page_size: 512, memtable_size: 16 << 10, cache_size: 8 << 10, compression, ..Options::default() }
}

fn build(compression: Compression, closed: bool) -> Result<Base, Error> {
    let fs = Memory::new();
    let open = || pollster::block_on(Database::open_with(&fs, "db", options(compression), Arc::new(Still(NOW_MS))));
    let document = |index: usize| format!(r#"{{"n":{},"s":"{}","i":{index}}}"#, index % 5, "text ".repeat(index % 7));
    let mut db = open()?;
    let mut transaction = Transaction::new();
    for index in 0..60 {
        transaction = transaction.set_json(&format!("k{index:03}"), &document(index))?;
    }
    db.commit(transaction)?;
    db.create_index("n")?;
    db.close()?;
    let mut db = open()?;
    for index in (0..60).step_by(5) {
        db.set_ex_json(&format!("k{index:03}"), &document(index + 1), Duration::from_secs(index as u64 + 1))?;
        db.delete(&format!("k{:03}", index + 2))?;
    }
    if closed {
        db.close()?
    } else {
        db.flush()?
    }
    let bytes = fs.bytes("db").unwrap_or_default();
    Ok(Base { sealed: sealed(&bytes), bytes })
}

pub(super) fn bases() -> &'static [Base] {
    static BASES: OnceLock<Vec<Base>> = OnceLock::new();
    BASES.get_or_init(|| {
        let kinds = [(Compression::None, true), (Compression::None, false), (Compression::Lz4, true)];
        kinds
            .into_iter()
            .map(|(compression, closed)| build(compression, closed).expect("memory does not fail"))
            .collect()
    })
}

/// A file that is changed in places that matter, and sealed again unless the input says otherwise; then read by every
/// way, and, if the input says so, written.
pub fn file(data: &[u8]) {
    let mut input = Input::new(data);
    let base = &bases()[input.below(bases().len())];
    let (is_sealed, is_written) = (!input.byte().is_multiple_of(8), input.flag());
    let mut bytes = base.bytes.clone();
    while !input.is_empty() {
        edit(&mut bytes, base, &mut input);
    }
    if is_sealed {
        reseal(&mut bytes, &base.sealed);
    }
    let fs = Memory::new();
    fs.set_bytes("db", bytes);
    let reading = Options { read_only: true, create: false, ..options(Compression::Lz4) };
    match pollster::block_on(Database::open_with(&fs, "db", reading, Arc::new(Still(NOW_MS)))) {
        Ok(db) => read(&db),
        Err(error) => accept(&error),
    }
    if is_written {
        let writing = options(Compression::Lz4);
        match pollster::block_on(Database::open_with(&fs, "db", writing, Arc::new(Still(NOW_MS + 1)))) {
            Ok(db) => write(db),
            Err(error) => accept(&error),
        }
    }
}

/// One change: a byte of a part, the fields of a slot, or some bytes of another part.
fn edit(bytes: &mut Vec<u8>, base: &Base, input: &mut Input<'_>) {
    let operation = input.byte();
    let (start, len) = if operation & 8 == 0 {
        let part = &base.sealed[input.below(base.sealed.len())];
        (part.at, part.len)
    } else {
        (input.below(4) * 4096, 224)
    };
    let at = start + input.below(len);
    let Some(byte) = bytes.get_mut(at) else { return };
    match operation & 7 {
        0 | 1 => *byte = input.byte(),
        2 => *byte = byte.wrapping_add(input.byte()),
        3 => *byte ^= 1 << (input.byte() % 8),
        4 => {
            let with = input.some_bytes(32);
            if let Some(target) = bytes.get_mut(at..at + with.len()) {
                target.copy_from_slice(with);
            }
        }
        5 => {
            let from = &base.sealed[input.below(base.sealed.len())];
            let count = from.len.min(len);
            if bytes.len() >= start.max(from.at) + count {
                bytes.copy_within(from.at..from.at + count, start);
            }
        }
        6 => {
            let part = bytes.get(start..start + len).unwrap_or_default();
            let mut changed = changes::change(part, &[], input.long());
            changed.resize(len, 0);
            if let Some(target) = bytes.get_mut(start..start + len) {
                target.copy_from_slice(&changed);
            }
        }
        _ => {
            if input.byte() == 0 {
                bytes.truncate(at.max(16 << 10));
            }
        }
    }
}

/// What a damaged or forged file may answer with.
pub(super) fn accept(error: &Error) {
    let known = [ErrorCode::Corrupt, ErrorCode::Unsupported, ErrorCode::NewerFormat, ErrorCode::NotADatabase];
    assert!(known.contains(&error.code()), "{:?}: {error}", error.code());
}

fn ask<T>(result: Result<T, Error>) -> Option<T> {
    result.map_err(|error| accept(&error)).ok()
}

pub(super) fn read(db: &Database<MemoryFile>) {
    let forwards: Option<Vec<Document>> = ask(db.scan(&Range::all()).and_then(Iterator::collect));
    let backwards = ask(db.scan(&Range::all().reverse()).and_then(Iterator::collect::<Result<Vec<Document>, Error>>));
    ask(db.count(&Range::all()));
    ask(db.keys(&Range::prefix("k01")));
    for index in 0..60 {
        ask(db.get_json(&format!("k{index:03}")));
    }
    for condition in ["3", r#"{"gte":1,"lt":4}"#] {
        let condition = Condition::parse(condition).expect("it is a condition");
        for reverse in [false, true] {
            ask(db.find("n", &condition, &FindOptions { reverse, limit: None, ..FindOptions::default() }));
        }
    }
    let report = ask(db.check(true));
    let is_sound = report.is_some_and(|report| report.is_ok());
    if let (true, Some(forwards)) = (is_sound, forwards) {
        let is_ascending = forwards.windows(2).all(|pair| pair[0].key < pair[1].key);
        assert!(is_ascending, "what `check` finds sound is read in order");
        let turned = backwards.map(|documents| documents.into_iter().rev().collect());
        assert_eq!(turned, Some(forwards), "what `check` finds sound is the same backwards");
    }
}

/// Writes to a file that may be damaged: every call works, or tells.
pub(super) fn write(mut db: Database<MemoryFile>) {
    let told = |result: Result<(), Error>| {
        if let Err(error) = result {
            let known = [ErrorCode::Failed, ErrorCode::TooLarge];
            if !known.contains(&error.code()) {
                accept(&error);
            }
        }
    };
    told(db.set_json("k001", r#"{"n":9}"#).map(drop));
    told(db.delete("k003").map(drop));
    told(db.delete_range(&Range::prefix("k02")).map(drop));
    told(db.create_index("s").map(drop));
    told(db.drop_index("n").map(drop));
    told(db.compact());
    told(db.maintain(64 << 10).map(drop));
    told(db.close());
}
