//! Files of FerrumDB, versions 0.1.0 to 0.2.1: a log of operations, without a header.
//!
//! ```text
//! version 1  u64 length | the operation as JSON
//! version 2  u64 length | the operation in bincode 1
//! version 3  u64 length | u32 CRC-32 of the rest | the operation in bincode 1
//! encrypted  the same stream in blocks: [12] nonce | u64 length | AES-256-GCM text and tag
//! ```
//!
//! Integers are little-endian. Each record names its version: one file may mix versions. The last record
//! may be torn.

use crate::crypto::{AeadKey, Cipher, KEY_LEN, NONCE_LEN};
use crate::documents::{Database, Error, Result, Transaction};
use crate::fs::File;
use crate::wording::host_text;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::io::{ErrorKind, Read};
use zeroize::Zeroizing;

/// Documents that are written with one commit.
const COMMIT_DOCUMENTS: usize = 1000;
/// The longest record, and the longest block: above what FerrumDB wrote in practice, so that damage is seen as such.
const RECORD_LEN_MAX: u64 = 256 << 20;
const TAG_LEN: usize = 16;
/// How deep transactions may be nested in each other.
const NESTING_MAX: usize = 16;

/// The imported and the skipped records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Operations that were read.
    pub operations: u64,
    /// Documents in the database afterwards.
    pub documents: u64,
    /// Operations that were left out, and why.
    pub skipped: Vec<String>,
    /// Bytes at the end of the file that are no whole record: a write that was cut short.
    pub torn_bytes: u64,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Operation {
    Set { key: String, json: String, expires_at: Option<u64> },
    Delete { key: String },
}

impl Operation {
    /// The operation as Ferrolite's; an error when its key or its document is none.
    fn into_transaction(self) -> Result<Transaction> {
        let transaction = Transaction::new();
        match self {
            Self::Delete { key } => transaction.delete(&key),
            Self::Set { key, json, expires_at: None } => transaction.set_json(&key, &json),
            // Time zero is one that has passed.
            Self::Set { key, json, expires_at: Some(at) } => transaction.set_until_json(&key, &json, at.max(1)),
        }
    }
}

/// Reads a FerrumDB file and writes its documents into `database`, with what is left of their times to live. `key` opens an
/// encrypted file.
///
/// # Errors
/// `NotADatabase` when not even the first record can be read; `WrongKey` when the key does not open the first block;
/// `Corrupt` when a later one cannot be read and others follow; `Io`; as [`Database::commit`].
pub fn import_ferrumdb<F: File>(
    source: impl Read,
    key: Option<&[u8; KEY_LEN]>,
    database: &mut Database<F>,
) -> Result<ImportReport> {
    let mut report = ImportReport::default();
    let mut records = Records { source: Source::new(source, key), offset: 0, is_first: true };
    let mut pending = Transaction::new();
    loop {
        let operations = match records.next()? {
            Found::Operations(operations) => operations,
            Found::Torn(bytes) => {
                report.torn_bytes = bytes;
                break;
            }
            Found::End => break,
        };
        for operation in operations {
            report.operations += 1;
            match operation.into_transaction() {
                Ok(transaction) => pending.extend(transaction),
                Err(error) => report.skipped.push(error.to_string()),
            }
        }
        if pending.len() >= COMMIT_DOCUMENTS {
            database.commit(std::mem::take(&mut pending))?;
        }
    }
    database.commit(pending)?;
    database.flush()?;
    report.documents = database.count(&crate::documents::Range::all())?;
    Ok(report)
}

/// The next item of a file.
enum Found {
    Operations(Vec<Operation>),
    /// The beginning of a record, with its count of bytes.
    Torn(u64),
    End,
}

struct Records<R> {
    source: Source<R>,
    offset: u64,
    is_first: bool,
}

impl<R: Read> Records<R> {
    fn next(&mut self) -> Result<Found> {
        let mut len = [0; 8];
        let count = self.source.fill(&mut len)?;
        if count < len.len() {
            return self.tail(count as u64);
        }
        let len = u64::from_le_bytes(len);
        let mut body = Vec::new();
        if len <= RECORD_LEN_MAX {
            body = self.source.take_up_to(len)?;
        }
        if (body.len() as u64) < len {
            let rest = self.source.skip_rest()?;
            return self.tail(8 + body.len() as u64 + rest);
        }
        let Some(operations) = decode(&body) else {
            let rest = self.source.skip_rest()?;
            if rest == 0 {
                return self.tail(8 + len);
            }
            return Err(self.damaged());
        };
        self.offset += 8 + len;
        self.is_first = false;
        Ok(Found::Operations(operations))
    }

    /// What is left at the end is torn, unless nothing came before it: then this is another kind of file.
    fn tail(&self, bytes: u64) -> Result<Found> {
        match bytes + self.source.torn {
            0 => Ok(Found::End),
            _ if self.is_first => Err(self.damaged()),
            bytes => Ok(Found::Torn(bytes)),
        }
    }

    fn damaged(&self) -> Error {
        if self.is_first {
            let hint = if self.source.is_encrypted() { "" } else { "; if it is encrypted, its key is needed" };
            return Error::NotADatabase { message: format!("its first record is none of FerrumDB's{hint}") };
        }
        Error::Corrupt { what: "a record of the FerrumDB file".to_owned(), at: format!("offset {}", self.offset) }
    }
}

/// The stream of records, decrypted where that is needed.
struct Source<R> {
    inner: R,
    key: Option<AeadKey>,
    /// Of a decrypted block, what is still to be read.
    block: Zeroizing<Vec<u8>>,
    position: usize,
    blocks: u64,
    /// Bytes of a last block that is not whole.
    torn: u64,
}

impl<R: Read> Source<R> {
    fn new(inner: R, key: Option<&[u8; KEY_LEN]>) -> Self {
        let key = key.map(|key| AeadKey::new(Cipher::Aes256Gcm, &Box::new(Zeroizing::new(*key))));
        Self { inner, key, block: Zeroizing::default(), position: 0, blocks: 0, torn: 0 }
    }

    fn is_encrypted(&self) -> bool {
        self.key.is_some()
    }

    /// Reads as much as there is, up to the length of `buffer`.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let count = match self.key {
                None => read_some(&mut self.inner, rest)?,
                Some(_) => self.read_block(rest)?,
            };
            if count == 0 {
                break;
            }
            filled += count;
        }
        Ok(filled)
    }

    /// The next `len` bytes, fewer at the end. Allocates no more than there is.
    fn take_up_to(&mut self, len: u64) -> Result<Vec<u8>> {
        const STEP: usize = 1 << 20;
        let (mut out, mut left) = (Vec::new(), len as usize);
        while left > 0 {
            let (start, step) = (out.len(), left.min(STEP));
            out.resize(start + step, 0);
            let count = self.fill(out.get_mut(start..).unwrap_or_default())?;
            out.truncate(start + count);
            if count < step {
                break;
            }
            left -= step;
        }
        Ok(out)
    }

    /// How many bytes are left.
    fn skip_rest(&mut self) -> Result<u64> {
        let (mut buffer, mut rest) = (vec![0; 64 << 10], 0);
        loop {
            match self.fill(&mut buffer)? {
                0 => return Ok(rest),
                count => rest += count as u64,
            }
        }
    }

    fn read_block(&mut self, buffer: &mut [u8]) -> Result<usize> {
        if self.position == self.block.len() && !self.open_block()? {
            return Ok(0);
        }
        let left = self.block.get(self.position..).unwrap_or_default();
        let count = left.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(left) {
            *to = *from;
        }
        self.position += count;
        Ok(count)
    }

    /// Decrypts the next block; false at the end, also where it was cut short.
    fn open_block(&mut self) -> Result<bool> {
        let Some(key) = &self.key else { return Ok(false) };
        let mut head = [0; NONCE_LEN + 8];
        let count = read_all(&mut self.inner, &mut head)?;
        if count < head.len() {
            self.torn += count as u64;
            return Ok(false);
        }
        let (nonce, len) = head.split_at(NONCE_LEN);
        let len = u64::from_le_bytes(len.try_into().unwrap_or_default());
        let wrong = |blocks| match blocks {
            0 => Error::WrongKey,
            _ => Error::Corrupt { what: "a block of the FerrumDB file".to_owned(), at: format!("block {blocks}") },
        };
        if !(TAG_LEN as u64..=RECORD_LEN_MAX).contains(&len) {
            return Err(wrong(self.blocks));
        }
        let mut sealed = Vec::new();
        let count = (&mut self.inner).take(len).read_to_end(&mut sealed).map_err(|error| io(&error))?;
        if (count as u64) < len {
            self.torn += (head.len() + count) as u64;
            return Ok(false);
        }
        let tag = sealed.split_off(sealed.len() - TAG_LEN);
        let (nonce, tag) = (nonce.try_into().unwrap_or_default(), tag.try_into().unwrap_or_default());
        if !key.open(&nonce, &[], &mut sealed, &tag) {
            return Err(wrong(self.blocks));
        }
        self.blocks += 1;
        (self.block, self.position) = (Zeroizing::new(sealed), 0);
        Ok(true)
    }
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            outcome => return outcome.map_err(|error| io(&error)),
        }
    }
}

fn read_all(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match read_some(source, rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

fn io(error: &std::io::Error) -> Error {
    Error::Io { operation: "reading the FerrumDB file".to_owned(), message: host_text(error) }
}

/// The operations in a record; `None` when it is none.
fn decode(body: &[u8]) -> Option<Vec<Operation>> {
    let mut operations = Vec::new();
    let with_checksum = body.split_first_chunk::<4>();
    if let Some((checksum, rest)) = with_checksum
        && u32::from_le_bytes(*checksum) == crc32fast::hash(rest)
        && Bincode(rest).whole(&mut operations).is_some()
    {
        return Some(operations);
    }
    operations.clear();
    if body.first() == Some(&b'{') {
        serde_json::from_slice::<JsonOperation>(body).ok()?.flatten(&mut operations, NESTING_MAX)?;
    } else {
        Bincode(body).whole(&mut operations)?;
    }
    Some(operations)
}

/// An expiry in milliseconds since 1970, rounded up.
fn milliseconds(seconds: u64, nanoseconds: u32) -> Option<u64> {
    seconds.checked_mul(1000)?.checked_add(u64::from(nanoseconds.div_ceil(1_000_000)))
}

/// The remaining bytes of a record in bincode.
struct Bincode<'a>(&'a [u8]);

impl Bincode<'_> {
    /// Decodes the operation, which nothing may follow.
    fn whole(mut self, operations: &mut Vec<Operation>) -> Option<()> {
        self.operation(operations, NESTING_MAX)?;
        self.0.is_empty().then_some(())
    }

    fn operation(&mut self, operations: &mut Vec<Operation>, depth: usize) -> Option<()> {
        match self.u32()? {
            0 => {
                let (key, json) = (self.string()?, self.string()?);
                let expires_at = match self.u8()? {
                    0 => None,
                    1 => Some(milliseconds(self.u64()?, self.u32()?)?),
                    _ => return None,
                };
                operations.push(Operation::Set { key, json, expires_at });
            }
            1 => operations.push(Operation::Delete { key: self.string()? }),
            2 => {
                let count = self.u64()?;
                for _ in 0..count {
                    self.operation(operations, depth.checked_sub(1)?)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    fn bytes(&mut self, len: usize) -> Option<&[u8]> {
        let (bytes, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.bytes(1)?.first().copied()
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.bytes(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.bytes(8)?.try_into().ok()?))
    }

    fn string(&mut self) -> Option<String> {
        let len = usize::try_from(self.u64()?).ok()?;
        String::from_utf8(self.bytes(len)?.to_vec()).ok()
    }
}

/// An operation of version 1.
#[derive(Deserialize)]
enum JsonOperation {
    Set { key: String, value: Box<RawValue>, expiry: Option<JsonTime> },
    Delete { key: String },
    Transaction(Vec<JsonOperation>),
}

#[derive(Deserialize)]
struct JsonTime {
    secs_since_epoch: u64,
    nanos_since_epoch: u32,
}

impl JsonOperation {
    fn flatten(self, operations: &mut Vec<Operation>, depth: usize) -> Option<()> {
        match self {
            Self::Set { key, value, expiry } => {
                let expires_at = match expiry {
                    Some(time) => Some(milliseconds(time.secs_since_epoch, time.nanos_since_epoch)?),
                    None => None,
                };
                operations.push(Operation::Set { key, json: value.get().to_owned(), expires_at });
            }
            Self::Delete { key } => operations.push(Operation::Delete { key }),
            Self::Transaction(nested) => {
                let depth = depth.checked_sub(1)?;
                nested.into_iter().try_for_each(|operation| operation.flatten(operations, depth))?;
            }
        }
        Some(())
    }
}

#[cfg(test)]
#[path = "ferrumdb_tests.rs"]
mod tests;
