//! The open file: sealed pages in, payloads out.

mod copying;
mod opening;

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use bytes::Bytes;

use super::aead_seal::AeadSeal;
use super::cache::{Cache, CacheStatistics};
use super::error::{Error, Result};
use super::header::{Compression, PageHeader, PageRef, RAW_LEN_MAX, append_page, manifest_raw_max, open_page};
use super::key_slots::Keyring;
use super::layout::{KEY_SLOT_LEN, OWNER_ADDRESS, SLOT_COUNT, SLOT_LEN};
use super::owner::{OWNER_LEN, Owner};
use super::seal::{ChecksumSeal, Place, PlaceKind, Seal};
use super::slots::Slots;
use super::superblock::Superblock;
use crate::crypto::Encryption;
use crate::environment::Environment;
use crate::fs::{File, read_full, write_full};

/// How a volume is opened.
pub struct Access<'a> {
    /// Bytes of page payloads to keep in memory.
    pub cache_size: usize,
    /// How new pages are compressed.
    pub compression: Compression,
    /// The encryption that opens an encrypted file, or encrypts a new one.
    pub encryption: Option<&'a Encryption>,
    /// Where nonces and keys come from.
    pub environment: Arc<dyn Environment>,
}

impl Access<'_> {
    /// A plain file.
    #[cfg(any(test, fuzzing))]
    pub fn plain() -> Self {
        let environment = Arc::new(crate::environment::HostEnvironment);
        Self { cache_size: 0, compression: Compression::None, encryption: None, environment }
    }
}

/// Counts of the calls to the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IoStatistics {
    /// Calls of `read_at`.
    pub reads: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Calls of `write_at`.
    pub writes: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Calls of `sync`.
    pub syncs: u64,
}

/// Bytes of zeros that are written with one call.
const BACK_LEN: u64 = 1 << 20;

/// A page of a table.
#[derive(Debug, Clone)]
pub struct TablePage {
    /// The payload that was written.
    pub payload: Bytes,
    /// The guide that the reader made of the page; empty in a page that is not kept.
    pub guide: Bytes,
}

/// Makes the guide of a page.
pub type GuideTo = fn(&Bytes) -> Bytes;

/// A table's id and the page's offset in the table. Ids are never used again, so what is cached cannot become stale.
type PageKey = (u64, u32);

/// One database file.
pub struct Volume<F> {
    file: F,
    checksum: ChecksumSeal,
    /// The seal of an encrypted file; it takes the checksum's place.
    aead: Option<AeadSeal>,
    environment: Arc<dyn Environment>,
    compression: Compression,
    cache: RefCell<Cache<PageKey, TablePage>>,
    /// Tracked here, because asking is slow in some browsers.
    file_len: Cell<u64>,
    owner: Cell<Owner>,
    /// True if the last claim failed, and may have been written in part.
    is_claim_torn: Cell<bool>,
    /// Of the newest superblock that was in the file when it was opened, or was written since.
    sequence: Cell<u64>,
    /// Of the key slots when they were read or written last; 0 in a plain file.
    key_slots: Cell<u128>,
    io: Cell<IoStatistics>,
}

impl<F: File> Volume<F> {
    /// True if the file's keys made this superblock, which was read from it; true in a plain file.
    fn is_authentic(&self, superblock: &Superblock) -> Result<bool> {
        let Some(seal) = &self.aead else { return Ok(true) };
        let keyring = seal.keyring();
        let is_of_keys = superblock.file_id == keyring.file_id && superblock.cipher == Some(keyring.cipher);
        Ok(is_of_keys && superblock.is_authentic(&self.file, seal)?)
    }

    /// Reads on as the file that `superblock` is the root of.
    pub fn adopt(&mut self, superblock: &Superblock) {
        self.checksum = ChecksumSeal::new(superblock.file_id);
        if let Some(seal) = &self.aead {
            seal.begin_epoch(superblock.key_epoch);
        }
    }

    /// Returns the current content of the superblock slots.
    ///
    /// # Errors
    /// As [`Volume::open_damaged`].
    pub fn slots(&self) -> Result<Slots> {
        let mut slots = Slots::read(&self.file)?;
        slots.authenticate(|superblock| self.is_authentic(superblock))?;
        Ok(slots)
    }

    /// Which copies of the key slots are not as they should be.
    ///
    /// # Errors
    /// [`Error::Fs`].
    pub fn damaged_key_slots(&self) -> Result<Vec<Error>> {
        self.keyring().map_or(Ok(Vec::new()), |keyring| keyring.damaged_copies(&self.file))
    }

    /// The keys of an encrypted file.
    pub fn keyring(&self) -> Option<&Keyring> {
        self.aead.as_ref().map(AeadSeal::keyring)
    }

    /// Makes other keys of this file durable, and continues with them. After an error it is not known which are in the
    /// file; the old ones are, or these.
    pub fn write_keyring(&mut self, mut keyring: Keyring) -> Result<()> {
        self.confirm_owner()?;
        self.key_slots.set(keyring.write(&self.file, &*self.environment)?);
        self.count_write(2, 2 * KEY_SLOT_LEN);
        match &mut self.aead {
            Some(seal) => seal.set_keyring(keyring),
            None => self.aead = Some(AeadSeal::new(keyring, Arc::clone(&self.environment))),
        }
        Ok(())
    }

    /// The epoch in which new pages are sealed; 0 in a plain file.
    pub fn key_epoch(&self) -> u32 {
        self.aead.as_ref().map_or(0, AeadSeal::epoch)
    }

    /// Seals pages in another epoch from now on, if the file is encrypted.
    pub fn begin_key_epoch(&self, epoch: u32) {
        if let Some(seal) = &self.aead {
            seal.begin_epoch(epoch);
        }
    }

    /// Writes a superblock and makes it durable. Everything it reaches must be durable already.
    pub fn write_superblock(&self, superblock: &Superblock) -> Result<()> {
        superblock.write(&self.file, self.aead.as_ref())?;
        self.sequence.set(superblock.sequence);
        self.count_write(2, 2 * SLOT_LEN);
        self.file_len.set(self.file_len.get().max(SLOT_COUNT * SLOT_LEN as u64));
        self.sync()
    }

    /// Writes again what was found, for the next sync: the newest superblock and the file's length. An earlier connection
    /// may have failed to make them durable, or was killed before; then the next sync alone would not do it, and writing
    /// into what this superblock does not reach would destroy what the durable one needs. One copy is enough: the other
    /// one is left alone, should this one be torn.
    pub fn renew(&self, superblock: &Superblock) -> Result<()> {
        self.truncate(self.file_len.get())?;
        superblock.write_copy(&self.file, 0, self.aead.as_ref())?;
        self.count_write(1, SLOT_LEN);
        // A change of keys may have been cut short.
        if let Some(seal) = &self.aead {
            let settled = seal.keyring().settle(&self.file);
            // The current content is our own write, even if the write failed.
            self.key_slots.set(Keyring::fingerprint(&self.file)?);
            if settled? {
                self.count_write(1, KEY_SLOT_LEN);
            }
        }
        Ok(())
    }

    /// Claims the file for `owner_id`. Fails when another has claimed it since it was opened.
    pub fn claim(&self, id: [u8; 16]) -> Result<()> {
        if self.is_claim_torn.get() {
            // What a failed claim left is nobody's claim but our own; whoever came since has written the file too.
            self.owner.set(Owner::read(&self.file)?);
        }
        let seen = self.owner.get();
        seen.confirm(&self.file)?;
        let owner = Owner { id, epoch: seen.epoch + 1 };
        self.is_claim_torn.set(true);
        owner.write(&self.file)?;
        self.is_claim_torn.set(false);
        self.count_write(1, OWNER_LEN);
        self.file_len.set(self.file_len.get().max(OWNER_ADDRESS + OWNER_LEN as u64));
        self.owner.set(owner);
        Ok(())
    }

    /// True if the file has not grown, its newest superblock is still this one, and what opens it has not changed.
    pub fn is_as_known(&self, superblock: &Superblock) -> Result<bool> {
        let newest = Superblock::read(&self.file)?;
        let has_same_keys = self.aead.is_none() || Keyring::fingerprint(&self.file)? == self.key_slots.get();
        Ok(self.file.len()? <= self.file_len.get() && newest.as_ref() == Some(superblock) && has_same_keys)
    }

    /// True if the host keeps other writers out.
    pub fn is_exclusive(&self) -> bool {
        self.file.is_exclusive()
    }

    /// Fails with [`Error::Locked`] when another connection has claimed the file. Costs a read, and that only where
    /// the host gives no exclusive access.
    pub fn confirm_owner(&self) -> Result<()> {
        if self.file.is_exclusive() { Ok(()) } else { self.owner.get().confirm(&self.file) }
    }

    /// Returns false if somebody removed, moved or replaced the file while it was open here, or cut it below `len` bytes.
    pub fn is_current(&self, len: u64) -> bool {
        self.file.is_current(len)
    }

    /// Returns true if a later connection has claimed or written the database with this id. False if the file has lost its
    /// content or has another's.
    pub fn was_taken_over(&self, file_id: [u8; 16]) -> bool {
        let newest = Superblock::read(&self.file).ok().flatten().filter(|newest| newest.file_id == file_id);
        let has_claim = || Owner::read(&self.file).is_ok_and(|owner| owner.epoch > self.owner.get().epoch);
        !self.is_exclusive() && newest.is_some_and(|newest| newest.sequence > self.sequence.get() || has_claim())
    }

    /// Damage that is seen while another connection writes the file is that connection's doing.
    pub fn explain(&self, error: Error) -> Error {
        match error {
            Error::Corrupt { .. } if !self.is_exclusive() && self.was_written_by_another() => Error::Locked,
            error => error,
        }
    }

    fn was_written_by_another(&self) -> bool {
        self.newest_sequence() != self.sequence.get() || self.confirm_owner() == Err(Error::Locked)
    }

    /// Returns the sequence number of the newest superblock in the file; 0 if it is unknown.
    fn newest_sequence(&self) -> u64 {
        Superblock::read(&self.file).ok().flatten().map_or(0, |superblock| superblock.sequence)
    }

    /// The seal.
    pub fn seal(&self) -> &dyn Seal {
        match &self.aead {
            Some(seal) => seal,
            None => &self.checksum,
        }
    }

    /// Appends a page to an extent that is being built in memory. `place_offset` gives the offset its seal is bound
    /// to from its offset in `extent`.
    pub fn append_page(
        &self,
        extent: &mut Vec<u8>,
        header: PageHeader,
        place_offset: impl FnOnce(u64) -> u64,
        payload: &[u8],
    ) -> PageRef {
        append_page(extent, header, place_offset, payload, self.compression, self.seal())
    }

    /// Reads a page of the table extent at `address`, through the cache. `guide_to` makes the guide of a page that is
    /// kept; without it the page is not, as where compaction reads what it will not read again.
    pub fn read_table_page(
        &self,
        place: Place,
        address: u64,
        reference: &PageRef,
        guide_to: Option<GuideTo>,
    ) -> Result<TablePage> {
        let key = (place.owner, reference.offset);
        if let Some(page) = self.cache.borrow_mut().get(&key) {
            return Ok(page.clone());
        }
        let payload = self.read_page(place, address + u64::from(reference.offset), reference)?;
        let guide = guide_to.map(|guide_to| guide_to(&payload)).unwrap_or_default();
        let page = TablePage { payload, guide };
        if guide_to.is_some() {
            self.cache.borrow_mut().insert(key, page.clone(), page.payload.len() + page.guide.len());
        }
        Ok(page)
    }

    /// Reads the page at `address`.
    pub fn read_page(&self, place: Place, address: u64, reference: &PageRef) -> Result<Bytes> {
        // The length comes from a verified parent, but the file may be shorter: never allocate beyond it.
        let len = u64::from(reference.len);
        if address.checked_add(len).is_none_or(|end| end > self.file_len.get()) {
            let error = Error::corrupt("page reference beyond the end of the file", format_args!("{address}+{len}"));
            return Err(self.explain(error));
        }
        let mut page = vec![0; reference.len as usize];
        let count = self.read(&mut page, address)?;
        page.truncate(count);
        let raw_max = match place.kind {
            PlaceKind::Manifest => manifest_raw_max(self.file_len.get()) as usize,
            _ => RAW_LEN_MAX,
        };
        open_page(page, place, reference, self.seal(), raw_max).map_err(|error| self.explain(error))
    }

    /// Reads raw bytes; fewer at the end of the file.
    pub fn read(&self, buffer: &mut [u8], address: u64) -> Result<usize> {
        let count = read_full(&self.file, buffer, address)?;
        let mut io = self.io.get();
        io.reads += 1;
        io.bytes_read += count as u64;
        self.io.set(io);
        Ok(count)
    }

    /// Writes raw bytes. What is free here may be in use by another connection that has claimed the file since: then
    /// nothing is written.
    pub fn write(&self, bytes: &[u8], address: u64) -> Result<()> {
        self.back(address)?;
        self.write_at(bytes, address)
    }

    fn write_at(&self, bytes: &[u8], address: u64) -> Result<()> {
        self.confirm_owner()?;
        if let Err(error) = write_full(&self.file, bytes, address) {
            // Some of it may have been written, and made the file longer.
            self.file_len.set(self.file.len().unwrap_or(0).max(self.file_len.get()));
            return Err(error.into());
        }
        self.count_write(1, bytes.len());
        self.file_len.set(self.file_len.get().max(address + bytes.len() as u64));
        Ok(())
    }

    /// Makes the file at least `len` bytes long. It grows by zeros that are written, so that there are no holes in it:
    /// what is written there later does not find the disk full.
    pub fn back(&self, len: u64) -> Result<()> {
        let missing = len.saturating_sub(self.file_len.get());
        let zeros = vec![0; missing.min(BACK_LEN) as usize];
        while self.file_len.get() < len {
            let position = self.file_len.get();
            self.write_at(zeros.get(..(len - position).min(BACK_LEN) as usize).unwrap_or_default(), position)?;
        }
        Ok(())
    }

    fn count_write(&self, calls: u64, bytes: usize) {
        let mut io = self.io.get();
        io.writes += calls;
        io.bytes_written += bytes as u64;
        self.io.set(io);
    }

    /// Sets the file's length; not that of a file that another connection has claimed.
    pub fn truncate(&self, len: u64) -> Result<()> {
        self.confirm_owner()?;
        self.file.truncate(len)?;
        self.file_len.set(len);
        Ok(())
    }

    /// Makes all writes durable.
    pub fn sync(&self) -> Result<()> {
        let mut io = self.io.get();
        io.syncs += 1;
        self.io.set(io);
        Ok(self.file.sync()?)
    }

    /// The file's length, bytes.
    pub fn file_len(&self) -> u64 {
        self.file_len.get()
    }

    /// Returns the counts of the calls to the host so far.
    pub fn io_statistics(&self) -> IoStatistics {
        self.io.get()
    }

    /// How the cache is doing.
    pub fn cache_statistics(&self) -> CacheStatistics {
        self.cache.borrow().statistics()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::{FileSystem, Memory, MemoryFile, OpenMode};
    use crate::page::layout::KEY_SLOTS_ADDRESS;
    use xxhash_rust::xxh3::xxh3_128;

    fn encryption() -> Encryption {
        Encryption::key([7; 32])
    }

    fn access(encryption: Option<&Encryption>) -> Access<'_> {
        Access { encryption, ..Access::plain() }
    }

    fn file(fs: &Memory) -> MemoryFile {
        pollster::block_on(fs.open("db", OpenMode::Create)).unwrap()
    }

    fn create(fs: &Memory, encryption: Option<&Encryption>) -> Superblock {
        let (mut volume, found) = Volume::open(file(fs), &access(encryption)).unwrap();
        assert_eq!(found, None);
        let mut superblock = Superblock { sequence: 1, next_table_id: 1, file_id: [3; 16], ..Superblock::default() };
        volume.create(&mut superblock, encryption).unwrap();
        superblock
    }

    fn open(fs: &Memory) -> Result<Option<Superblock>> {
        Ok(Volume::open(file(fs), &access(Some(&encryption())))?.1)
    }

    #[test]
    fn a_superblock_without_the_right_code_is_not_believed() {
        let fs = Memory::new();
        let superblock = create(&fs, Some(&encryption()));
        assert_eq!(open(&fs).unwrap(), Some(superblock.clone()));
        // What follows it, by somebody who has no keys: of the same epoch, and of those for which there is no data key.
        for key_epoch in [superblock.key_epoch, 0, superblock.key_epoch + 1] {
            for code in [[0; 32], [1; 32]] {
                let forged = Superblock { sequence: 2, key_epoch, flushed_seq: 5, ..superblock.clone() };
                let mut slot = forged.encode(None);
                slot[4048..4080].copy_from_slice(&code);
                let checksum = xxh3_128(&slot[..4080]).to_le_bytes();
                slot[4080..].copy_from_slice(&checksum);
                write_full(&file(&fs), &slot, 0).unwrap();
                assert!(matches!(open(&fs), Err(Error::Corrupt { .. })), "epoch {key_epoch}");
                let (_, slots) = Volume::open_damaged(file(&fs), &access(Some(&encryption()))).unwrap();
                assert_eq!(slots.valid, std::slice::from_ref(&superblock));
            }
        }
    }

    #[test]
    fn a_plain_file_has_no_key_slots() {
        let fs = Memory::new();
        create(&fs, Some(&encryption()));
        // A creation that was cut short before its superblock was written.
        write_full(&file(&fs), &vec![0; KEY_SLOTS_ADDRESS as usize], 0).unwrap();
        assert_eq!(open(&fs).unwrap(), None);
        create(&fs, None);
        assert!(Volume::has_blank_key_slots(&file(&fs)).unwrap());
        assert!(Volume::open(file(&fs), &access(None)).unwrap().1.is_some());
    }
}
