//! The database that is worked on.

use ferrolite::fs::StdFile;
use ferrolite::{Cipher, Compression, Database, Encryption, Error, Options, Range};

/// The database file in its directory.
pub const NAME: &str = "killed.ferrolite";

/// What databases are opened with; the seed decides. Small memtables, so that flushes and merges are always under way.
pub fn options(seed: u64) -> Options {
    let sizes = [16 << 10, 128 << 10, 1 << 20, 64 << 10];
    Options {
        memtable_size: sizes[(seed % 4) as usize],
        page_size: if seed.is_multiple_of(2) { 1 << 10 } else { 8 << 10 },
        compression: if seed.is_multiple_of(3) { Compression::None } else { Compression::Lz4 },
        cache_size: 256 << 10,
        encryption: cipher(seed).map(|cipher| Encryption::key([7; 32]).with_cipher(cipher)),
        ..Options::default()
    }
}

/// Half of the databases are encrypted.
pub fn cipher(seed: u64) -> Option<Cipher> {
    [None, Some(Cipher::Aes256Gcm), Some(Cipher::ChaCha20Poly1305), None][(seed % 4) as usize]
}

/// A digest of all documents, to compare what two programs see.
pub fn digest(db: &Database<StdFile>) -> Result<String, Error> {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut count = 0;
    for document in db.scan(&Range::all())? {
        let document = document?;
        for byte in document.key.bytes().chain(document.json.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        count += 1;
    }
    Ok(format!("{count} documents, {hash:016x}"))
}
