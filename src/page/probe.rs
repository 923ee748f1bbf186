//! Reading pages that no reference leads to. Their own headers say how long they are; the tag proves them, since it
//! holds at one place of one table in one file only.

use bytes::Bytes;

use super::codec::Reader;
use super::error::{Error, Result};
use super::header::{RAW_LEN_MAX, decode_page};
use super::layout::PAGE_HEADER_LEN;
use super::seal::{Place, PlaceKind, Seal, TAG_OFFSET, Tag};
use super::volume::Volume;
use crate::crypto::NONCE_LEN;
use crate::fs::File;

/// The claims of the header of a table's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The kind of the page.
    pub kind: PlaceKind,
    /// The table.
    pub owner: u64,
    /// Length with header, bytes.
    pub len: u32,
}

impl Claim {
    /// Reads a header; `None` when no page of a table has such a one. Other bytes hardly ever look like one.
    pub fn read(header: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(header.get(..PAGE_HEADER_LEN)?);
        let kind = match reader.u8()? {
            1 => PlaceKind::Data,
            2 => PlaceKind::Index,
            3 => PlaceKind::Filter,
            _ => return None,
        };
        let (flags, codec, unused, _epoch) = (reader.u8()?, reader.u8()?, reader.u8()?, reader.u32()?);
        let (stored_len, raw_len) = (reader.u32()?, reader.u32()? as usize);
        let (owner, _max_seq) = (reader.u64()?, reader.u64()?);
        let (_nonce, unused_too) = (reader.bytes(NONCE_LEN)?, reader.u32()?);
        let is_zero = u32::from(unused) | unused_too == 0;
        let is_sane = is_zero && flags == 0 && raw_len <= RAW_LEN_MAX && stored_len as usize <= raw_len;
        let is_coded = codec == 1 || (codec == 0 && stored_len as usize == raw_len);
        let len = stored_len.checked_add(PAGE_HEADER_LEN as u32)?;
        (is_sane && is_coded).then_some(Self { kind, owner, len })
    }
}

/// The payload of a page that was read without a reference, and its tag, if that holds at `place`.
pub fn prove(mut page: Vec<u8>, place: Place, seal: &dyn Seal) -> Option<(Bytes, Tag)> {
    let tag = *page.get(TAG_OFFSET..)?.first_chunk()?;
    if !seal.open(place, &mut page) {
        return None;
    }
    Some((decode_page(page, place, seal, RAW_LEN_MAX).ok()?, tag))
}

impl<F: File> Volume<F> {
    /// Reads the page at `address` whose header claims `len` bytes; its payload, if its tag holds at one of `places`, and
    /// which of them.
    ///
    /// # Errors
    /// [`Error::Fs`].
    pub fn probe(
        &self,
        address: u64,
        len: u32,
        places: impl IntoIterator<Item = Place>,
    ) -> Result<Option<(Bytes, Place)>> {
        if address.checked_add(u64::from(len)).is_none_or(|end| end > self.file_len()) {
            return Ok(None);
        }
        let mut page = vec![0; len as usize];
        if self.read(&mut page, address)? < page.len() {
            return Ok(None);
        }
        for place in places {
            if u32::try_from(place.offset).is_ok() && self.seal().open(place, &mut page) {
                return match decode_page(page, place, self.seal(), RAW_LEN_MAX) {
                    Ok(payload) => Ok(Some((payload, place))),
                    Err(Error::Corrupt { .. }) => Ok(None),
                    Err(error) => Err(error),
                };
            }
        }
        Ok(None)
    }
}
