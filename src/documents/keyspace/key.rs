//! Document keys, and where they lie in the engine's key space.
//!
//! ```text
//! engine key = collection (u32, big-endian) | index (u32, big-endian) | rest
//!
//! collection 0, index 0    the catalog: what collections and indexes there are
//! collection 0, index 1    the change history: what recent commits have written
//! collection 0, index 2    receipts: what clients were answered
//! collection n, index 0    its documents: rest = 1 (the key is a string) | the key's UTF-8 bytes
//! collection n, index m    index m: rest = ordered encoding of a value | the rest of the document's engine key
//! collection n, index -1   parts of its large values, and
//! collection n, index -2   elements of its lists: rest = id | position
//! ```
//!
//! Collection 1 is the default one, which every database has.

use crate::documents::error::{Error, Result, abbreviate};

/// The longest key, in bytes. Long keys are legal but are paid for in every index.
pub const MAX_KEY_LENGTH: usize = 4 << 10;

/// The prefix of all engine keys of one collection's documents, or of one of its indexes.
pub(crate) type Prefix = [u8; 8];

/// Bytes of a [`Prefix`].
pub(crate) const PREFIX_LENGTH: usize = size_of::<Prefix>();

/// Where the catalog is.
pub(crate) const CATALOG: Prefix = prefix(0, 0);
/// Where the change history is.
pub(crate) const CHANGES: Prefix = prefix(0, 1);
/// Where receipts are.
pub(crate) const RECEIPTS: Prefix = prefix(0, 2);
/// Where a collection keeps the parts of large values, and ...
const PARTS: u32 = u32::MAX;
/// ... the elements of lists: indexes have smaller numbers.
const ELEMENTS: u32 = u32::MAX - 1;
/// The highest number of an index.
pub(crate) const LAST_INDEX: u32 = ELEMENTS - 1;
/// Says that a key is a string. Keys of other kinds get other tags, and sort behind.
pub(crate) const STRING_KEY: u8 = 1;

/// The number of a collection in the file. A number is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CollectionId(pub u32);

impl CollectionId {
    /// The collection that a database has from the start.
    pub const DEFAULT: Self = Self(1);
    /// One that never has documents: what is read where there is no collection of a name.
    pub const NOWHERE: Self = Self(u32::MAX);

    /// The prefix of its documents.
    pub const fn documents(self) -> Prefix {
        prefix(self.0, 0)
    }

    /// The prefix of the entries of one of its indexes.
    pub const fn index(self, index: u32) -> Prefix {
        prefix(self.0, index)
    }

    /// The prefix of the parts of its large values.
    pub const fn parts(self) -> Prefix {
        prefix(self.0, PARTS)
    }

    /// The prefix of the elements of its lists.
    pub const fn elements(self) -> Prefix {
        prefix(self.0, ELEMENTS)
    }

    /// The engine key of the document at `key`, which may also be the bound of a range.
    pub fn document_key(self, key: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(PREFIX_LENGTH + 1 + key.len());
        bytes.extend_from_slice(&self.documents());
        push_key(&mut bytes, key);
        bytes
    }
}

const fn prefix(collection: u32, index: u32) -> Prefix {
    (((collection as u64) << 32) | index as u64).to_be_bytes()
}

/// The collection whose documents, not index entries, have engine keys with this prefix.
pub(crate) fn collection_of(prefix: Prefix) -> Option<CollectionId> {
    let number = u64::from_be_bytes(prefix);
    let (collection, index) = ((number >> 32) as u32, number as u32);
    (collection != 0 && collection != CollectionId::NOWHERE.0 && index == 0).then_some(CollectionId(collection))
}

/// The collection that keeps parts of documents under this prefix.
pub(crate) fn parts_of(prefix: Prefix) -> Option<CollectionId> {
    let number = u64::from_be_bytes(prefix);
    let (collection, index) = ((number >> 32) as u32, number as u32);
    (collection != 0 && collection != CollectionId::NOWHERE.0 && index > LAST_INDEX).then_some(CollectionId(collection))
}

/// Checks a document key.
pub(crate) fn check_key(key: &str) -> Result<()> {
    let reason = if key.is_empty() {
        "it is empty".to_owned()
    } else if key.len() > MAX_KEY_LENGTH {
        format!("it is longer than {MAX_KEY_LENGTH} bytes")
    } else {
        return Ok(());
    };
    Err(Error::InvalidKey { key: abbreviate(key), reason })
}

/// Appends what an index entry says of its document's key.
pub(crate) fn push_key(bytes: &mut Vec<u8>, key: &str) {
    bytes.push(STRING_KEY);
    bytes.extend_from_slice(key.as_bytes());
}

/// The string key in what follows an engine key's prefix.
pub(crate) fn parse_key(rest: &[u8]) -> Result<&str> {
    rest.split_first()
        .filter(|(tag, _)| **tag == STRING_KEY)
        .and_then(|(_, key)| std::str::from_utf8(key).ok())
        .ok_or_else(|| Error::Corrupt { what: "a document key".to_owned(), at: format!("key {rest:02x?}") })
}

/// The smallest byte string above all that start with `prefix`; `None` when there is none.
pub(crate) fn successor(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

/// The document key in an engine key of the documents.
pub(crate) fn key_of(engine_key: &[u8]) -> Result<&str> {
    parse_key(engine_key.get(PREFIX_LENGTH..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::documents::error_code::ErrorCode;

    #[test]
    fn keys_have_limits() {
        assert!(check_key("a").is_ok());
        assert!(check_key(&"a".repeat(MAX_KEY_LENGTH)).is_ok());
        for key in [String::new(), "a".repeat(MAX_KEY_LENGTH + 1)] {
            assert_eq!(check_key(&key).unwrap_err().code(), ErrorCode::InvalidKey);
        }
    }

    #[test]
    fn keys_come_back() {
        let key = CollectionId(7).document_key("user:ü");
        assert_eq!(collection_of(*key.first_chunk().unwrap()), Some(CollectionId(7)));
        assert_eq!(parse_key(&key[PREFIX_LENGTH..]).unwrap(), "user:ü");
        assert_eq!((collection_of(CATALOG), collection_of(CollectionId(7).index(3))), (None, None));
        assert_eq!((collection_of(CHANGES), collection_of(RECEIPTS), parts_of(RECEIPTS)), (None, None, None));
        let (parts, elements) = (CollectionId(7).parts(), CollectionId(7).elements());
        assert_eq!((collection_of(parts), collection_of(elements)), (None, None));
        assert_eq!([parts, elements].map(parts_of), [Some(CollectionId(7)); 2]);
        assert_eq!([CATALOG, CollectionId(7).documents(), CollectionId(7).index(LAST_INDEX)].map(parts_of), [None; 3]);
        assert!(parse_key(&[]).is_err());
        assert!(parse_key(&[2, b'a']).is_err());
        assert!(parse_key(&[STRING_KEY, 0xff]).is_err());
    }

    #[test]
    fn the_successor_is_above_the_whole_prefix() {
        assert_eq!(successor(vec![1, 2]), Some(vec![1, 3]));
        assert_eq!(successor(vec![1, 255, 255]), Some(vec![2]));
        assert_eq!(successor(vec![255]), None);
        assert_eq!(successor(vec![]), None);
    }
}
