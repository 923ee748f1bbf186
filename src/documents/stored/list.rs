//! Lists: arrays whose elements are kept apart, so that both ends can be reached without the rest.
//!
//! The entry of a list holds the positions of its elements, from `first` on. What is pushed at the left gets
//! the positions before it.

use super::parts::{self, PartId, part_key};
use crate::documents::error::{Error, Result};
use crate::documents::json::text;
use crate::documents::keyspace::key::{CollectionId, Prefix};
use crate::engine::{Batch, Engine, Seq};
use crate::fs::File;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// An end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum End {
    /// Where its first element is.
    Left,
    /// Where its last element is.
    Right,
}

/// Where the elements of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct List {
    pub id: PartId,
    /// The position of the first element.
    pub first: u64,
    /// How many elements there are.
    pub count: u64,
    /// Bytes of their texts.
    pub bytes: u64,
}

/// Where the first element of a new list is: there is room at both ends for as many as there are commits.
const MIDDLE: u64 = 1 << 63;

impl List {
    pub const ENCODED_LENGTH: usize = PartId::LENGTH + 24;

    pub const fn new(id: PartId) -> Self {
        Self { id, first: MIDDLE, count: 0, bytes: 0 }
    }

    pub fn encode(&self) -> [u8; Self::ENCODED_LENGTH] {
        let mut bytes = [0; Self::ENCODED_LENGTH];
        bytes[..12].copy_from_slice(self.id.as_bytes());
        bytes[12..20].copy_from_slice(&self.first.to_le_bytes());
        bytes[20..28].copy_from_slice(&self.count.to_le_bytes());
        bytes[28..].copy_from_slice(&self.bytes.to_le_bytes());
        bytes
    }

    /// `None` when [`List::encode`] has not written it.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (first, rest) = rest.split_first_chunk()?;
        let (count, bytes) = rest.split_first_chunk()?;
        let list = Self {
            id: PartId::from_bytes(*id),
            first: u64::from_le_bytes(*first),
            count: u64::from_le_bytes(*count),
            bytes: u64::from_le_bytes(bytes.try_into().ok()?),
        };
        // An empty list is no document, and each element has a byte.
        let is_sane = list.first.checked_add(list.count).is_some()
            && (1..=list.bytes).contains(&list.count)
            && list.text_length() <= text::MAX_DOCUMENT_LENGTH as u64;
        is_sane.then_some(list)
    }

    /// Bytes of the array's text: brackets, elements, and commas between them.
    pub fn text_length(&self) -> u64 {
        self.bytes.saturating_add(self.count.max(1)).saturating_add(1)
    }

    /// Fails when the array's text is too long for a document.
    pub fn check_length(&self) -> Result<()> {
        text::check_length(usize::try_from(self.text_length()).unwrap_or(usize::MAX))
    }

    pub fn positions(&self) -> Range<u64> {
        self.first..self.first + self.count
    }

    /// The positions of the elements from `start` to `stop`, both included; negative indexes count from the end. What
    /// lies outside is left out.
    pub fn positions_of(&self, start: i64, stop: i64) -> Range<u64> {
        let within = within(self.count, start, stop);
        self.first + within.start..self.first + within.end
    }

    /// Adds to `batch` an element at an end.
    pub fn push(
        &mut self,
        batch: &mut Batch,
        space: Prefix,
        end: End,
        text: &str,
        expires_at: Option<u64>,
    ) -> Result<()> {
        let room = match end {
            End::Left => self.first.checked_sub(1),
            End::Right => self.positions().end.checked_add(1),
        };
        let what = || "the number of elements ever pushed".to_owned();
        let room = room.ok_or_else(|| Error::TooLarge { what: what(), size: u64::MAX, limit: MIDDLE });
        let position = match end {
            End::Left => {
                self.first = room?;
                self.first
            }
            End::Right => room? - 1,
        };
        self.count += 1;
        self.bytes += text.len() as u64;
        self.check_length()?;
        batch.put(part_key(space, self.id, position), text.as_bytes().to_vec(), expires_at);
        Ok(())
    }

    /// Adds to `batch` what removes the elements at some positions.
    pub fn delete(&self, batch: &mut Batch, space: Prefix, positions: Range<u64>) {
        positions.for_each(|position| batch.delete(part_key(space, self.id, position)));
    }

    /// Reads the elements at some positions as of a commit, and gives their texts to `each`.
    pub fn read<F: File>(
        &self,
        engine: &Engine<F>,
        at: Seq,
        collection: CollectionId,
        positions: Range<u64>,
        key: &str,
        mut each: impl FnMut(u64, &str),
    ) -> Result<()> {
        parts::read(engine, at, (collection.elements(), self.id), positions, key, |position, element| {
            each(position, std::str::from_utf8(&element).map_err(|_| "is not UTF-8")?);
            Ok(())
        })
    }

    /// The array's text as of a commit.
    pub fn text<F: File>(&self, engine: &Engine<F>, at: Seq, collection: CollectionId, key: &str) -> Result<String> {
        let mut text = String::from("[");
        self.read(engine, at, collection, self.positions(), key, |position, element| {
            if position > self.first {
                text.push(',');
            }
            text.push_str(element);
        })?;
        text.push(']');
        if text.len() as u64 != self.text_length() {
            return Err(text::damaged(key, "its elements have not the length that they should have"));
        }
        Ok(text)
    }
}

/// Returns the elements from `start` to `stop`, both included, of `count`. Negative indexes count from the end.
pub(crate) fn within(count: u64, start: i64, stop: i64) -> Range<u64> {
    let from_start = |index: i64| match u64::try_from(index) {
        Ok(index) => i128::from(index),
        Err(_) => i128::from(count) + i128::from(index),
    };
    let start = from_start(start).clamp(0, i128::from(count)) as u64;
    let end = (from_start(stop) + 1).clamp(0, i128::from(count)) as u64;
    start..end.max(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_count_from_both_ends() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (0, 0, 0..1),
            (-2, -1, 3..5),
            (1, 3, 1..4),
            (3, 1, 3..3),
            (-100, 100, 0..5),
            (5, 9, 5..5),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
            (i64::MAX, i64::MIN, 5..5),
        ] {
            assert_eq!(within(5, start, stop), expected, "{start} {stop}");
        }
        assert!(within(0, 0, -1).is_empty());
    }

    #[test]
    fn what_cannot_be_a_list_is_refused() {
        let list = List { id: PartId::new(3, 1), first: MIDDLE - 1, count: 2, bytes: 9 };
        assert_eq!(List::decode(&list.encode()), Some(list));
        assert_eq!(list.text_length(), 12);
        for wrong in [
            List { count: 0, bytes: 0, ..list },
            List { first: u64::MAX, ..list },
            List { bytes: 1, ..list },
            List { bytes: 1 << 40, ..list },
        ] {
            assert_eq!(List::decode(&wrong.encode()), None, "{wrong:?}");
        }
        assert_eq!(List::decode(&list.encode()[1..]), None);
    }

    #[test]
    fn there_is_an_end_to_positions() {
        let mut list = List { first: 0, ..List::new(PartId::new(1, 0)) };
        let space = CollectionId::DEFAULT.elements();
        assert!(list.push(&mut Batch::new(), space, End::Left, "1", None).is_err());
        list.first = u64::MAX - 1;
        list.push(&mut Batch::new(), space, End::Right, "1", None).unwrap();
        assert!(list.push(&mut Batch::new(), space, End::Right, "1", None).is_err());
    }
}
