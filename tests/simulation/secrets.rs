//! The keys of an encrypted database, and what must not be seen in its file.
//!
//! The seed decides whether a database is encrypted, and by which cipher. The world knows which keys may open the file:
//! one, and after a change whose end is not known two or more of them.

use crate::random::Random;
use ferrolite::{Argon2, Cipher, Encryption};

/// What every marker has in it: in the keys, the values, the paths and the indexed fields of the documents. Nothing that
/// is encrypted or random holds it.
pub const MARK: &str = "qZxMaRk";

/// The least that Argon2id can cost: what a passphrase is worth is not the matter here.
const CHEAP: Argon2 = Argon2 { memory_kib: 8, iterations: 1, lanes: 1 };

/// The keys of one database.
#[derive(Debug, Default)]
pub struct Secrets {
    cipher: Option<Cipher>,
    seed: u64,
    /// Keys that were made so far.
    made: u64,
    /// What may open the file, the oldest first; empty when it is plain.
    possible: Vec<Encryption>,
    /// What opened it once, and does not any more.
    retired: Vec<Encryption>,
}

impl Secrets {
    /// Half of all databases are plain.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed ^ 0x6369_7068_6572);
        let cipher = random.pick(&[None, None, Some(Cipher::Aes256Gcm), Some(Cipher::ChaCha20Poly1305)]);
        let mut secrets = Self { cipher, seed, ..Self::default() };
        if cipher.is_some() {
            let key = secrets.make();
            secrets.possible.push(key);
        }
        secrets
    }

    /// Whether the seed makes an encrypted database.
    pub fn is_encrypted(&self) -> bool {
        self.cipher.is_some()
    }

    /// How it is called in counts.
    pub fn name(&self) -> String {
        self.cipher.map_or("plain".to_owned(), |cipher| cipher.to_string())
    }

    /// Another key: a random one, or a passphrase.
    pub fn make(&mut self) -> Encryption {
        self.made += 1;
        let mut random = Random::new(self.seed ^ (self.made << 40));
        let key = if random.chance(70) {
            let words: Vec<u8> = (0..4).flat_map(|_| random.next().to_le_bytes()).collect();
            Encryption::key(words.try_into().expect("four words are 32 bytes"))
        } else {
            Encryption::passphrase(format!("passphrase {}", random.next())).with_argon2(CHEAP)
        };
        key.with_cipher(self.cipher.unwrap_or_default())
    }

    /// What may open the file; nothing where it is plain.
    pub fn candidates(&self) -> Vec<Option<Encryption>> {
        if self.possible.is_empty() { vec![None] } else { self.possible.iter().cloned().map(Some).collect() }
    }

    /// A change to `next` was acknowledged.
    pub fn changed(&mut self, next: Encryption) {
        self.retired.append(&mut self.possible);
        self.possible.push(next);
    }

    /// A change to `next` has failed, or was cut short.
    pub fn may_have_changed(&mut self, next: Encryption) {
        self.possible.push(next);
    }

    /// The file was opened by `key` and written since: nothing else opens it any more.
    pub fn settle(&mut self, key: &Encryption) {
        let (settled, others) = std::mem::take(&mut self.possible).into_iter().partition(|possible| possible == key);
        (self.possible, self.retired) = (settled, [std::mem::take(&mut self.retired), others].concat());
    }

    /// What must not open the file.
    pub fn retired(&self) -> &[Encryption] {
        &self.retired
    }
}

/// Whether a marker can be read in a file.
pub fn is_marked(content: &[u8]) -> bool {
    let mark = MARK.as_bytes();
    let mut rest = content;
    while let Some(at) = rest.iter().position(|byte| *byte == mark[0]) {
        rest = &rest[at..];
        if rest.starts_with(mark) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
