//! The seal of an encrypted file.
//!
//! Pages are sealed by the key of the epoch in their header, under a random nonce that lies there too. What lies in the
//! log is sealed by a key of its generation, under a nonce that is made of its place and its attempt: see
//! `docs/encryption.md` for why no key ever meets a nonce twice.

use std::cell::{Cell, RefCell};
use std::hash::Hash;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::key_slots::Keyring;
use super::layout::PAGE_HEADER_LEN;
use super::seal::{Place, Seal, TAG_OFFSET, Tag};
use crate::crypto::{AeadKey, MAC_LEN, MacKey, NONCE_LEN, Nonce};
use crate::environment::Environment;

/// Where the key epoch is in a page's header.
const EPOCH_OFFSET: usize = 4;
/// Where the nonce is in a page's header.
const NONCE_OFFSET: usize = 32;
/// Pages that are sealed by a key at most, under random nonces: two of 2^31 are alike with a chance of 2^-35.
const SEALS_MAX: u32 = 1 << 31;

/// Log keys in use: of the log that was found, and of the one that is written.
type LogKeys = FxHashMap<(u64, [u8; 16], u32), AeadKey>;

/// Encrypts and authenticates what is in the grid, and authenticates superblocks.
pub struct AeadSeal {
    keyring: Keyring,
    environment: Arc<dyn Environment>,
    /// The key epoch of new pages.
    epoch: Cell<u32>,
    /// Pages that were sealed in it.
    seals: Cell<u32>,
    pages: RefCell<FxHashMap<u32, AeadKey>>,
    logs: RefCell<LogKeys>,
}

impl AeadSeal {
    /// A seal that reads; [`AeadSeal::begin_epoch`] makes it one that writes.
    pub fn new(keyring: Keyring, environment: Arc<dyn Environment>) -> Self {
        Self {
            keyring,
            environment,
            epoch: Cell::new(0),
            seals: Cell::new(0),
            pages: RefCell::default(),
            logs: RefCell::default(),
        }
    }

    /// The file's keys.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// Continues with other keys for the same file.
    pub fn set_keyring(&mut self, keyring: Keyring) {
        self.keyring = keyring;
        self.pages.get_mut().clear();
        self.logs.get_mut().clear();
    }

    /// The key epoch of new pages.
    pub fn epoch(&self) -> u32 {
        self.epoch.get()
    }

    /// Seals pages in `epoch` from now on, if it is not in a later one already. What was sealed in it counts on.
    pub fn begin_epoch(&self, epoch: u32) {
        if epoch > self.epoch.get() {
            self.epoch.set(epoch);
            self.seals.set(0);
        }
    }

    /// The code that authenticates a superblock of `epoch`. REQUIRES: there is a data key for it.
    pub fn superblock_code(&self, epoch: u32, covered: &[u8]) -> [u8; MAC_LEN] {
        self.superblock_key(epoch).expect("a superblock is written in an epoch that was begun").code(covered)
    }

    /// True if `code` is that of a superblock of `epoch`: never, when there is no data key for it.
    pub fn is_superblock_code(&self, epoch: u32, covered: &[u8], code: &[u8]) -> bool {
        self.superblock_key(epoch).is_some_and(|key| key.is_code(covered, code))
    }

    fn superblock_key(&self, epoch: u32) -> Option<MacKey> {
        Some(self.keyring.data_key(epoch)?.superblock_key(&self.keyring.file_id))
    }

    fn seal_page(&self, place: Place, sealed: &mut [u8]) -> Tag {
        if self.seals.get() == SEALS_MAX {
            self.begin_epoch(self.epoch.get() + 1);
        }
        self.seals.set(self.seals.get() + 1);
        let epoch = self.epoch.get();
        let mut nonce = [0; NONCE_LEN];
        self.environment.fill_random(&mut nonce);
        sealed[EPOCH_OFFSET..EPOCH_OFFSET + 4].copy_from_slice(&epoch.to_le_bytes());
        sealed[NONCE_OFFSET..NONCE_OFFSET + NONCE_LEN].copy_from_slice(&nonce);
        let tag = self.with_page_key(epoch, |key| encrypt(key, &nonce, &self.associated(place, sealed), sealed));
        tag.expect("an epoch is begun before a page is sealed in it")
    }

    fn seal_log(&self, place: Place, sealed: &mut [u8]) -> Tag {
        let nonce = log_nonce(place, sealed);
        let tag = self.with_log_key(place, |key| encrypt(key, &nonce, &self.associated(place, sealed), sealed));
        tag.expect("a log is written in an epoch that was begun")
    }

    fn open_page(&self, place: Place, sealed: &mut [u8]) -> Option<bool> {
        let epoch = u32::from_le_bytes(*sealed.get(EPOCH_OFFSET..)?.first_chunk()?);
        let nonce = *sealed.get(NONCE_OFFSET..)?.first_chunk()?;
        let associated = self.associated(place, sealed);
        self.with_page_key(epoch, |key| decrypt(key, &nonce, &associated, sealed))
    }

    fn open_log(&self, place: Place, sealed: &mut [u8]) -> Option<bool> {
        let nonce = log_nonce(place, sealed);
        let associated = self.associated(place, sealed);
        self.with_log_key(place, |key| decrypt(key, &nonce, &associated, sealed))
    }

    /// Returns the data that the tag covers besides the payload: the place, and the header without the tag.
    fn associated(&self, place: Place, sealed: &[u8]) -> [u8; Place::LEN + TAG_OFFSET] {
        let mut out = [0; Place::LEN + TAG_OFFSET];
        let (place_bytes, header) = out.split_at_mut(Place::LEN);
        place_bytes.copy_from_slice(&place.to_bytes(&self.keyring.file_id));
        header.copy_from_slice(&sealed[..TAG_OFFSET]);
        out
    }

    /// `None` when there is no data key for the epoch.
    fn with_page_key<R>(&self, epoch: u32, work: impl FnOnce(&AeadKey) -> R) -> Option<R> {
        let Keyring { cipher, file_id, .. } = &self.keyring;
        let derive = || Some(self.keyring.data_key(epoch)?.page_key(*cipher, file_id, epoch));
        with_key(&self.pages, epoch, PAGE_KEYS_MAX, derive, work)
    }

    fn with_log_key<R>(&self, place: Place, work: impl FnOnce(&AeadKey) -> R) -> Option<R> {
        let Keyring { cipher, file_id, .. } = &self.keyring;
        let derive = || Some(self.keyring.data_key(place.epoch)?.log_key(*cipher, file_id, place.owner, &place.salt));
        with_key(&self.logs, (place.owner, place.salt, place.epoch), LOG_KEYS_MAX, derive, work)
    }
}

/// Expanded keys that are kept, about 1 KiB each.
const PAGE_KEYS_MAX: usize = 1024;
const LOG_KEYS_MAX: usize = 4;

/// Works with the key `id` of `keys`, of which `most` are kept: damaged headers may name any. `None` when it cannot be
/// derived.
fn with_key<I: Copy + Eq + Hash, R>(
    keys: &RefCell<FxHashMap<I, AeadKey>>,
    id: I,
    most: usize,
    derive: impl FnOnce() -> Option<AeadKey>,
    work: impl FnOnce(&AeadKey) -> R,
) -> Option<R> {
    let mut keys = keys.borrow_mut();
    if !keys.contains_key(&id) {
        let key = derive()?;
        if keys.len() >= most {
            keys.clear();
        }
        keys.insert(id, key);
    }
    keys.get(&id).map(work)
}

/// The nonce of what lies in the log: its number or the index of its segment, its attempt, and its kind.
fn log_nonce(place: Place, sealed: &[u8]) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&place.offset.to_le_bytes());
    nonce[8..10].copy_from_slice(&sealed[2..4]);
    nonce[10] = place.kind as u8;
    nonce
}

fn encrypt(key: &AeadKey, nonce: &Nonce, associated: &[u8], sealed: &mut [u8]) -> Tag {
    let (header, payload) = sealed.split_at_mut(PAGE_HEADER_LEN);
    let tag = key.seal(nonce, associated, payload);
    header[TAG_OFFSET..].copy_from_slice(&tag);
    tag
}

fn decrypt(key: &AeadKey, nonce: &Nonce, associated: &[u8], sealed: &mut [u8]) -> bool {
    let (header, payload) = sealed.split_at_mut(PAGE_HEADER_LEN);
    let Some(tag) = header[TAG_OFFSET..].first_chunk() else { return false };
    key.open(nonce, associated, payload, tag)
}

impl Seal for AeadSeal {
    fn seal(&self, place: Place, sealed: &mut [u8]) -> Tag {
        assert!(sealed.len() >= PAGE_HEADER_LEN, "a sealed thing begins with its header");
        if place.kind.is_page() { self.seal_page(place, sealed) } else { self.seal_log(place, sealed) }
    }

    fn open(&self, place: Place, sealed: &mut [u8]) -> bool {
        if sealed.len() < PAGE_HEADER_LEN {
            return false;
        }
        let opened = if place.kind.is_page() { self.open_page(place, sealed) } else { self.open_log(place, sealed) };
        opened.unwrap_or(false)
    }

    fn has_nonces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Cipher, Encryption};
    use crate::environment::HostEnvironment;
    use crate::page::seal::PlaceKind;

    fn seals() -> [AeadSeal; 2] {
        [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305].map(|cipher| seal(cipher, [9; 16]))
    }

    fn page() -> Place {
        Place::new(PlaceKind::Data, 7, 64)
    }

    fn frame() -> Place {
        Place { kind: PlaceKind::LogFrame, owner: 2, offset: 5, salt: [3; 16], epoch: 1 }
    }

    fn bytes() -> Vec<u8> {
        let mut bytes = vec![5; 200];
        bytes[..PAGE_HEADER_LEN].fill(0);
        bytes
    }

    #[test]
    fn a_seal_holds_only_for_its_bytes_and_at_its_place() {
        for seal in seals() {
            for place in [page(), frame()] {
                let mut sealed = bytes();
                seal.seal(place, &mut sealed);
                let text_is_hidden = sealed[PAGE_HEADER_LEN..].windows(4).all(|window| window != [5; 4]);
                assert!(text_is_hidden);
                let mut opened = sealed.clone();
                assert!(seal.open(place, &mut opened));
                assert_eq!(opened[PAGE_HEADER_LEN..], bytes()[PAGE_HEADER_LEN..]);
                for index in 0..sealed.len() {
                    let mut damaged = sealed.clone();
                    damaged[index] ^= 1;
                    let before = damaged.clone();
                    assert!(!seal.open(place, &mut damaged), "byte {index}");
                    assert_eq!(damaged, before, "what does not open is left as it was");
                }
                for elsewhere in [
                    Place { kind: PlaceKind::Index, ..place },
                    Place { kind: PlaceKind::LogLink, ..place },
                    Place { owner: 8, ..place },
                    Place { offset: 0, ..place },
                    Place { salt: [4; 16], ..place },
                ] {
                    assert!(!seal.open(elsewhere, &mut sealed.clone()), "{elsewhere:?}");
                }
                assert!(!seal.open(place, &mut sealed[..PAGE_HEADER_LEN - 1].to_vec()));
            }
        }
        let [seal, other] = seals();
        let mut sealed = bytes();
        seal.seal(page(), &mut sealed);
        assert!(!other.open(page(), &mut sealed), "other keys");
    }

    #[test]
    fn what_is_sealed_twice_has_another_nonce() {
        for seal in seals() {
            // Of pages it is random; of the log it counts attempts. The keys' own record of nonces fails otherwise.
            let mut pages = [bytes(), bytes()];
            let [first, second] = pages.each_mut().map(|sealed| seal.seal(page(), sealed));
            assert_ne!(first, second);
            let mut frames = [bytes(), bytes()];
            frames[1][2] = 1;
            let [first, second] = frames.each_mut().map(|sealed| seal.seal(frame(), sealed));
            assert_ne!(first, second);
            for [first, second] in [pages, frames] {
                assert_ne!(first[PAGE_HEADER_LEN..], second[PAGE_HEADER_LEN..]);
            }
        }
    }

    #[test]
    fn an_epoch_ends_when_its_key_has_sealed_enough() {
        let [seal, _] = seals();
        let epoch_of_page = || {
            let mut sealed = bytes();
            seal.seal(page(), &mut sealed);
            assert!(seal.open(page(), &mut sealed.clone()));
            u32::from_le_bytes(*sealed[EPOCH_OFFSET..].first_chunk().unwrap())
        };
        assert_eq!(epoch_of_page(), 1);
        seal.seals.set(SEALS_MAX - 1);
        // An opening that failed begins its epoch once more: what it has sealed counts on.
        seal.begin_epoch(1);
        assert_eq!([epoch_of_page(), epoch_of_page(), seal.epoch()], [1, 2, 2]);
        seal.begin_epoch(1);
        assert_eq!(epoch_of_page(), 2);
        seal.begin_epoch(9);
        assert_eq!((epoch_of_page(), seal.seals.get()), (9, 1));
    }

    #[test]
    fn pages_of_an_epoch_without_a_key_do_not_open() {
        let [seal, _] = seals();
        let mut sealed = bytes();
        seal.seal(page(), &mut sealed);
        sealed[EPOCH_OFFSET..EPOCH_OFFSET + 4].fill(0);
        assert!(!seal.open(page(), &mut sealed));
        assert!(!seal.open(Place { epoch: 0, ..frame() }, &mut bytes()));
        assert!(!seal.is_superblock_code(0, b"covered", &[0; MAC_LEN]));
    }

    fn seal(cipher: Cipher, file_id: [u8; 16]) -> AeadSeal {
        let encryption = Encryption::key([3; 32]).with_cipher(cipher);
        let keyring = Keyring::create(file_id, &encryption, &HostEnvironment).unwrap();
        let seal = AeadSeal::new(keyring, Arc::new(HostEnvironment));
        seal.begin_epoch(1);
        seal
    }

    fn places() -> [Place; 3] {
        let log = Place { salt: [3; 16], epoch: 1, ..Place::new(PlaceKind::LogFrame, 7, 64) };
        [Place::new(PlaceKind::Data, 7, 64), Place { kind: PlaceKind::LogLink, ..log }, log]
    }

    #[test]
    fn what_is_sealed_after_a_rotation_is_not_opened_by_the_old_key() {
        for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
            let old = seal(cipher, [1; 16]);
            let keyring = old.keyring.with_new_key(2, &HostEnvironment);
            let both = AeadSeal::new(keyring.clone(), Arc::new(HostEnvironment));
            let new = AeadSeal::new(keyring.without_old_key(), Arc::new(HostEnvironment));
            for place in places() {
                both.begin_epoch(1);
                let mut before = vec![5; 200];
                both.seal(place, &mut before);
                both.begin_epoch(2);
                let (mut after, place_after) = (vec![5; 200], Place { epoch: place.epoch * 2, ..place });
                both.seal(place_after, &mut after);
                let opens = |seal: &AeadSeal| {
                    [seal.open(place, &mut before.clone()), seal.open(place_after, &mut after.clone())]
                };
                assert_eq!((opens(&old), opens(&both), opens(&new)), ([true, false], [true; 2], [false, true]));
            }
            let code = |seal: &AeadSeal| seal.superblock_code(2, b"superblock");
            assert_ne!(code(&old), code(&both));
            assert_eq!(code(&new), code(&both));
        }
    }
}
