//! What a fuzzer calls of tables.

use super::block::Block;
use super::block::builder::{BlockBuilder, RestartInterval};
use super::block::cursor::BlockCursor;
use super::filter;
use super::meta::Table;
use crate::engine::entry::{Seq, Version};
use crate::engine::error::Error;
use crate::fuzzing::Input;
use crate::page::PageRef;
use crate::page::codec::Reader;
use bytes::Bytes;

type Entries = Vec<(Vec<u8>, Version)>;

/// A page of entries: any bytes, and what is written of any entries.
pub fn block(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        let entries = entries_of(&mut input);
        if !entries.is_empty() {
            let mut builder = BlockBuilder::new(RestartInterval::DATA);
            entries.iter().for_each(|(key, version)| builder.push(key, version));
            assert_eq!(read_sound(builder.finish().into()), entries, "a page holds what was written");
        }
        return;
    }
    let payload = Bytes::copy_from_slice(input.rest());
    match walk(&payload) {
        Err(error) => assert!(matches!(error, Error::Corrupt { .. }), "{error}"),
        Ok(entries) => {
            let is_ordered = entries.windows(2).all(|pair| order(&pair[0]) < order(&pair[1]));
            let mut builder = BlockBuilder::new(RestartInterval::DATA);
            entries.iter().for_each(|(key, version)| builder.push(key, version));
            // What could have been written must read in every way as it does forwards.
            if is_ordered && builder.finish() == payload {
                assert_eq!(read_sound(payload), entries);
            }
        }
    }
}

fn order((key, version): &(Vec<u8>, Version)) -> (&[u8], std::cmp::Reverse<Seq>) {
    (key, std::cmp::Reverse(version.seq))
}

/// Entries in the order that a page keeps, without doubles.
fn entries_of(input: &mut Input<'_>) -> Entries {
    let mut entries = Vec::new();
    while !input.is_empty() && entries.len() < 200 {
        let shape = input.byte();
        let key = input.some_bytes(40).to_vec();
        let seq = if shape & 1 == 0 { u64::from(input.byte()) } else { input.long() };
        let value = (shape & 2 != 0).then(|| Bytes::copy_from_slice(input.some_bytes(60)));
        let expires_at = (shape & 6 == 6).then(|| input.long());
        entries.push((key, Version { seq, value, expires_at }));
    }
    entries.sort_by(|a, b| order(a).cmp(&order(b)));
    entries.dedup_by(|a, b| order(a) == order(b));
    entries
}

/// Reads any payload in every way, and gives what was read forwards.
fn walk(payload: &Bytes) -> Result<Entries, Error> {
    let mut cursor = BlockCursor::new(Block::new(payload.clone())?);
    let _ = cursor.last().and_then(|()| cursor.retreat());
    let _ = cursor.seek(b"m", 7);
    let mut entries = Vec::new();
    cursor.first()?;
    while cursor.valid() {
        entries.push((cursor.key().to_vec(), cursor.version()));
        assert!(entries.len() <= payload.len(), "reading does not end");
        cursor.advance()?;
    }
    let mut steps = 0;
    cursor.last()?;
    while cursor.valid() && steps <= payload.len() {
        steps += 1;
        if cursor.retreat().is_err() {
            break;
        }
    }
    assert!(steps <= payload.len(), "reading backwards does not end");
    Ok(entries)
}

/// Reads a payload that is sound forwards, backwards, and by seeking each entry.
fn read_sound(payload: Bytes) -> Entries {
    let entries = walk(&payload).expect("it is sound");
    let mut cursor = BlockCursor::new(Block::new(payload).expect("it is sound"));
    cursor.last().expect("it is sound");
    for (key, version) in entries.iter().rev() {
        assert_eq!((cursor.key(), cursor.version()), (&key[..], version.clone()), "backwards");
        cursor.retreat().expect("it is sound");
    }
    assert!(!cursor.valid());
    for (key, version) in &entries {
        cursor.seek(key, version.seq).expect("it is sound");
        assert_eq!((cursor.key(), cursor.version()), (&key[..], version.clone()), "by seeking");
    }
    entries
}

/// A filter: of any bytes as keys, and of any bytes as the filter.
pub fn filter(data: &[u8]) {
    let keys: Vec<&[u8]> = data.chunks(usize::from(data.first().copied().unwrap_or(0)) % 16 + 1).collect();
    let hashes: Vec<u64> = keys.iter().map(|key| filter::hash(key)).collect();
    let built = filter::build(&hashes);
    for (key, &hash) in keys.iter().zip(&hashes) {
        assert!(filter::may_contain(&built, hash), "the filter denies {key:02x?}");
        filter::may_contain(data, hash);
    }
}

/// What the manifest says of a table.
pub fn table_meta(data: &[u8]) {
    let mut reader = Reader::new(data);
    let Some(table) = Table::decode(&mut reader) else { return };
    let mut again = Vec::new();
    table.encode(&mut again);
    let taken = data.len() - reader.rest().len();
    // Integers may be written in more bytes than they need; what is as short as can be is unique.
    assert!(again.len() <= taken && (again.len() < taken || again == data[..taken]));
    assert_eq!(Table::decode(&mut Reader::new(&again)), Some(table.clone()));
    assert!(table.extent().is_valid() && table.overlaps(&table.smallest, &table.largest));
}

/// The references in the payload of a sound index page.
pub fn references(payload: &[u8]) -> Vec<PageRef> {
    let entries = walk(&Bytes::copy_from_slice(payload)).unwrap_or_default();
    let values = entries.iter().filter_map(|(_, version)| version.value.as_ref());
    values.filter_map(|value| PageRef::decode(&mut Reader::new(value))).collect()
}
