//! A page: a 64-byte header and a payload, compressed when that helps.
//!
//! ```text
//! 0  u8   kind            12 u32  payload length as it was before compression
//! 1  u8   flags, zero     16 u64  owner (table id)
//! 2  u8   codec           24 u64  highest sequence number inside
//! 3  u8   zero            32 [12] nonce, zero in plain files
//! 4  u32  key epoch, too  44 u32  zero
//! 8  u32  payload length  48 [16] tag
//! ```

use bytes::Bytes;

use super::codec::Reader;
use super::error::{Error, Result};
use super::layout::{PAGE_ALIGNMENT, PAGE_HEADER_LEN, align_up};
use super::seal::{Place, PlaceKind, Seal, TAG_LEN, Tag};
use crate::crypto::NONCE_LEN;

/// The largest payload a page may claim, before compression. Above what is ever written, so that only damage or a
/// forged file meets it; it bounds what a reader allocates. Values reach 64 MiB. Pages of the manifest: [`manifest_raw_max`].
pub(super) const RAW_LEN_MAX: usize = 65 << 20;

/// The largest payload, before compression, that all pages of the manifest together may have in a file of `file_len` bytes.
/// A table takes a block of 64 KiB, and up to 9 KiB in the manifest. A file that was longer before may have pages that tell of
/// tables that are gone; these bytes compress by less than four, since half of an ordinary entry is tags.
pub fn manifest_raw_max(file_len: u64) -> u64 {
    (16_u64 << 20).saturating_add(file_len.saturating_mul(4)).min(1 << 30)
}

/// How pages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compression {
    /// Not at all.
    None,
    /// LZ4, block format. Pages that do not shrink by an eighth are kept as they are.
    #[default]
    Lz4,
}

const CODEC_NONE: u8 = 0;
const CODEC_LZ4: u8 = 1;

/// The fields of a page's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageHeader {
    /// The kind of the page.
    pub kind: PlaceKind,
    /// The table, or the manifest page's number.
    pub owner: u64,
    /// Highest sequence number inside.
    pub max_seq: u64,
}

/// How a parent refers to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PageRef {
    /// Offset inside the table's extent, bytes.
    pub offset: u32,
    /// Length with header, bytes; not rounded up.
    pub len: u32,
    /// The page's tag.
    pub tag: Tag,
}

impl PageRef {
    /// Length when encoded.
    pub const LEN: usize = 8 + TAG_LEN;

    /// Appends the reference.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.offset.to_le_bytes());
        out.extend_from_slice(&self.len.to_le_bytes());
        out.extend_from_slice(&self.tag);
    }

    /// Reads a reference.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { offset: reader.u32()?, len: reader.u32()?, tag: reader.tag()? })
    }
}

/// Appends a sealed page to `extent`, at the next aligned offset.
pub(super) fn append_page(
    extent: &mut Vec<u8>,
    header: PageHeader,
    place_offset: impl FnOnce(u64) -> u64,
    payload: &[u8],
    compression: Compression,
    seal: &dyn Seal,
) -> PageRef {
    let start = align_up(extent.len() as u64, PAGE_ALIGNMENT) as usize;
    extent.resize(start + PAGE_HEADER_LEN, 0);
    let codec = append_payload(extent, start + PAGE_HEADER_LEN, payload, compression);
    let len = extent.len() - start;
    let page = &mut extent[start..];
    page[0] = header.kind as u8;
    page[2] = codec;
    page[8..12].copy_from_slice(&((len - PAGE_HEADER_LEN) as u32).to_le_bytes());
    page[12..16].copy_from_slice(&(payload.len() as u32).to_le_bytes());
    page[16..24].copy_from_slice(&header.owner.to_le_bytes());
    page[24..32].copy_from_slice(&header.max_seq.to_le_bytes());
    let place = Place::new(header.kind, header.owner, place_offset(start as u64));
    let tag = seal.seal(place, page);
    PageRef { offset: start as u32, len: len as u32, tag }
}

fn append_payload(extent: &mut Vec<u8>, start: usize, payload: &[u8], compression: Compression) -> u8 {
    if compression == Compression::Lz4 && payload.len() > 64 {
        extent.resize(start + lz4_flex::block::get_maximum_output_size(payload.len()), 0);
        if let Ok(len) = lz4_flex::block::compress_into(payload, &mut extent[start..])
            && len <= payload.len() - payload.len() / 8
        {
            extent.truncate(start + len);
            return CODEC_LZ4;
        }
        extent.truncate(start);
    }
    extent.extend_from_slice(payload);
    CODEC_NONE
}

fn damaged_page(what: &'static str, place: Place) -> Error {
    Error::corrupt(what, format_args!("{:?} page of {}, offset {}", place.kind, place.owner, place.offset))
}

/// Checks a page that was read at `place` through `reference`, and gives its payload.
pub(super) fn open_page(
    mut page: Vec<u8>,
    place: Place,
    reference: &PageRef,
    seal: &dyn Seal,
    raw_max: usize,
) -> Result<Bytes> {
    let damaged = |what| damaged_page(what, place);
    let header = page.get(..PAGE_HEADER_LEN).ok_or_else(|| damaged("page header"))?;
    if header.get(PAGE_HEADER_LEN - TAG_LEN..) != Some(&reference.tag[..]) {
        return Err(damaged("page"));
    }
    if !seal.open(place, &mut page) {
        return Err(damaged("page"));
    }
    decode_page(page, place, seal, raw_max)
}

/// The payload of a page that the seal has opened, of at most `raw_max` bytes.
pub(super) fn decode_page(page: Vec<u8>, place: Place, seal: &dyn Seal, raw_max: usize) -> Result<Bytes> {
    let damaged = |what| damaged_page(what, place);
    let mut reader = Reader::new(&page);
    let fields = (|| {
        let kind = reader.u8()?;
        let flags = reader.u8()?;
        let codec = reader.u8()?;
        let unused = reader.u8()?;
        let epoch = reader.u32()?;
        let lengths = (reader.u32()? as usize, reader.u32()? as usize);
        reader.bytes(16)?;
        let nonce = reader.bytes(NONCE_LEN)?;
        let has_nonce = epoch != 0 || nonce.iter().any(|&byte| byte != 0);
        let unused = u32::from(unused) | reader.u32()?;
        let is_sane = flags == 0 && unused == 0 && (seal.has_nonces() || !has_nonce);
        is_sane.then_some((kind, codec, lengths.0, lengths.1))
    })();
    let (kind, codec, stored_len, raw_len) = fields.ok_or_else(|| damaged("page header"))?;
    if kind != place.kind as u8 || stored_len + PAGE_HEADER_LEN != page.len() || raw_len > raw_max {
        return Err(damaged("page header"));
    }
    match codec {
        CODEC_NONE if raw_len == stored_len => Ok(Bytes::from(page).slice(PAGE_HEADER_LEN..)),
        CODEC_LZ4 => {
            let payload = page.get(PAGE_HEADER_LEN..).unwrap_or_default();
            // LZ4 cannot expand by more than 255, so a larger claim is false and must not be believed.
            if raw_len / 256 > payload.len() {
                return Err(damaged("compressed page"));
            }
            let mut raw = vec![0; raw_len];
            match lz4_flex::block::decompress_into(payload, &mut raw) {
                Ok(len) if len == raw_len => Ok(Bytes::from(raw)),
                _ => Err(damaged("compressed page")),
            }
        }
        _ => Err(damaged("page codec")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::seal::ChecksumSeal;

    #[test]
    fn pages_round_trip_and_compress_only_when_it_helps() {
        let seal = ChecksumSeal::new([9; 16]);
        let mut extent = Vec::new();
        let header = PageHeader { kind: PlaceKind::Data, owner: 3, max_seq: 12 };
        let compressible = vec![b'a'; 8000];
        let noise: Vec<u8> =
            (0..1000_u32).flat_map(|i| xxhash_rust::xxh3::xxh3_64(&i.to_le_bytes()).to_le_bytes()).collect();
        for (payload, shrinks) in [(&compressible, true), (&noise, false), (&Vec::new(), false)] {
            let reference = append_page(&mut extent, header, |o| o, payload, Compression::Lz4, &seal);
            assert_eq!(reference.offset % 64, 0);
            assert_eq!((reference.len as usize) < payload.len(), shrinks);
            let start = reference.offset as usize;
            let bytes = extent[start..start + reference.len as usize].to_vec();
            let place = Place::new(PlaceKind::Data, 3, u64::from(reference.offset));
            assert_eq!(open_page(bytes.clone(), place, &reference, &seal, RAW_LEN_MAX).unwrap(), payload);
            let too_short = open_page(bytes.clone(), place, &reference, &seal, payload.len().saturating_sub(1));
            assert_eq!(too_short.is_err(), !payload.is_empty());
            let stale = PageRef { tag: [0; 16], ..reference };
            assert!(open_page(bytes, place, &stale, &seal, RAW_LEN_MAX).is_err());
        }
    }
}
