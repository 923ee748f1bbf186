//! Known answers: published ones for what comes from elsewhere, and for the derivations of `docs/format.md` such as an
//! independent implementation gave.

use super::cipher::{AeadKey, Cipher, Secret};
use super::derive::{DataKey, MacKey, WrappingKey, argon2id, hkdf_sha256};
use super::encryption::Argon2;
use super::nonces;
use super::sizes::Nonce;

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn secret(bytes: [u8; 32]) -> Secret {
    let mut secret = Secret::default();
    secret.copy_from_slice(&bytes);
    secret
}

/// Ascending from `first`.
fn count_from<const N: usize>(first: u8) -> [u8; N] {
    std::array::from_fn(|at| first + at as u8)
}

struct Sealed {
    cipher: Cipher,
    key: Secret,
    nonce: Nonce,
    associated: Vec<u8>,
    text: Vec<u8>,
    encrypted: Vec<u8>,
    tag: [u8; 16],
}

impl Sealed {
    /// Seals as published, and opens what is whole and nothing else.
    fn check(&self) {
        nonces::forget();
        let key = AeadKey::new(self.cipher, &self.key);
        let mut text = self.text.clone();
        assert_eq!(key.seal(&self.nonce, &self.associated, &mut text), self.tag);
        assert_eq!(text, self.encrypted);
        let open = |nonce: &Nonce, associated: &[u8], encrypted: &[u8], tag: &[u8; 16]| {
            let mut text = encrypted.to_vec();
            let opened = key.open(nonce, associated, &mut text, tag);
            assert!(opened || text == encrypted, "what does not open is left as it was");
            opened.then_some(text)
        };
        assert_eq!(open(&self.nonce, &self.associated, &self.encrypted, &self.tag), Some(self.text.clone()));
        for at in 0..12 {
            let mut nonce = self.nonce;
            nonce[at] ^= 1;
            assert_eq!(open(&nonce, &self.associated, &self.encrypted, &self.tag), None);
        }
        for at in 0..16 {
            let mut tag = self.tag;
            tag[at] ^= 0x80;
            assert_eq!(open(&self.nonce, &self.associated, &self.encrypted, &tag), None);
        }
        for at in 0..self.encrypted.len() {
            let mut encrypted = self.encrypted.clone();
            encrypted[at] ^= 4;
            assert_eq!(open(&self.nonce, &self.associated, &encrypted, &self.tag), None);
        }
        let longer = [&self.associated[..], &[0]].concat();
        assert_eq!(open(&self.nonce, &longer, &self.encrypted, &self.tag), None);
    }
}

/// McGrew and Viega, "The Galois/Counter Mode of Operation (GCM)", appendix B, test cases 13 to 16: those with keys of 256
/// bits and nonces of 96.
#[test]
fn aes_256_gcm() {
    let zero = Sealed {
        cipher: Cipher::Aes256Gcm,
        key: secret([0; 32]),
        nonce: [0; 12],
        associated: Vec::new(),
        text: Vec::new(),
        encrypted: Vec::new(),
        tag: array("530f8afbc74536b9a963b4f1c4cb738b"),
    };
    zero.check();
    Sealed {
        text: vec![0; 16],
        encrypted: bytes("cea7403d4d606b6e074ec5d3baf39d18"),
        tag: array("d0d1c8a799996bf0265b98b5d48ab919"),
        ..zero
    }
    .check();
    let long = Sealed {
        cipher: Cipher::Aes256Gcm,
        key: secret(array("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")),
        nonce: array("cafebabefacedbaddecaf888"),
        associated: Vec::new(),
        text: bytes(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
        )),
        encrypted: bytes(concat!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
        )),
        tag: array("b094dac5d93471bdec1a502270e3cc6c"),
    };
    long.check();
    Sealed {
        associated: bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
        text: long.text[..60].to_vec(),
        encrypted: long.encrypted[..60].to_vec(),
        tag: array("76fc6ece0f4e1768cddf8853bb2d551b"),
        ..long
    }
    .check();
}

/// RFC 8439, section 2.8.2.
#[test]
fn chacha20_poly1305() {
    Sealed {
        cipher: Cipher::ChaCha20Poly1305,
        key: secret(count_from(0x80)),
        nonce: array("070000004041424344454647"),
        associated: bytes("50515253c0c1c2c3c4c5c6c7"),
        text: b"Ladies and Gentlemen of the class of '99: \
            If I could offer you only one tip for the future, sunscreen would be it."
            .to_vec(),
        encrypted: bytes(concat!(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6",
            "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36",
            "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc",
            "3ff4def08e4b7a9de576d26586cec64b6116",
        )),
        tag: array("1ae10b594f09e26a7e902ecbd0600691"),
    }
    .check();
}

/// RFC 5869, appendix A.1.
#[test]
fn hkdf() {
    let mut out = [0; 42];
    let (salt, info) = (count_from::<13>(0), count_from::<10>(0xf0));
    hkdf_sha256(&[0x0b; 22], &salt, &[&info[..4], &info[4..]], &mut out);
    let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865";
    assert_eq!(out, *bytes(expected));
}

/// RFC 4231, sections 4.2, 4.3 and 4.5. HMAC fills keys up with zeros, so shorter ones can be given with some.
#[test]
fn hmac() {
    let vectors: [(&[u8], &[u8], &str); 3] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (&count_from::<25>(1), &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    ];
    for (key, text, expected) in vectors {
        let mut filled = [0; 32];
        filled[..key.len()].copy_from_slice(key);
        let (key, mut code) = (MacKey::new(secret(filled)), array::<32>(expected));
        assert_eq!(key.code(text), code);
        assert!(key.is_code(text, &code) && !key.is_code(text, &code[..31]) && !key.is_code(b"", &code));
        code[31] ^= 1;
        assert!(!key.is_code(text, &code));
    }
}

/// The reference implementation of Argon2, `src/test.c`, version 0x13 of Argon2id. (The vector of RFC 9106, section 5.3,
/// has a secret and associated data, which are not used here.)
#[test]
fn argon2id_of_passphrases() {
    let vectors: [(u32, u32, u32, &str, &str, &str); 5] = [
        (2, 8, 1, "password", "somesalt", "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
        (2, 8, 2, "password", "somesalt", "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"),
        (1, 16, 1, "password", "somesalt", "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"),
        (2, 16, 1, "differentpassword", "somesalt", "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"),
        (2, 16, 1, "password", "diffsalt", "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"),
    ];
    for (iterations, log2_memory, lanes, passphrase, salt, expected) in vectors {
        let costs = Argon2 { memory_kib: 1 << log2_memory, iterations, lanes };
        let key = argon2id(passphrase.as_bytes(), salt.as_bytes(), costs).unwrap();
        assert_eq!(key.as_slice(), bytes(expected), "{costs:?}");
    }
}

/// The keys of `docs/format.md`, section 3, as Python's `cryptography` derives them.
#[test]
fn keys_of_the_format() {
    let (file_id, salt) = (count_from(100), count_from(200));
    for cipher in [Cipher::Aes256Gcm, Cipher::ChaCha20Poly1305] {
        let data_key = DataKey::new(secret(count_from(0)));
        let page_key = data_key.page_key(cipher, &file_id, 0x0102_0304);
        assert_eq!(
            page_key.bytes().as_slice(),
            bytes("cd309b9ca754735849ee0831787674292a506d68134b400ae825e0c80ddbc66c")
        );
        let log_key = data_key.log_key(cipher, &file_id, 0x0102_0304_0506_0708, &salt);
        assert_eq!(
            log_key.bytes().as_slice(),
            bytes("7e5cb86a3627bc636cf8f13f9f0edc5b63a72975d05873ff279c13f5e9c75419")
        );
        let code = data_key.superblock_key(&file_id).code(b"a superblock");
        assert_eq!(code, array("e87d924d95d49217d77f47e665e74ae12c5c2b0566f50dfad22a2a803cc8b1d5"));
        let slot_key = WrappingKey::new(secret(count_from(0))).slot_key(cipher, &salt);
        assert_eq!(
            slot_key.bytes().as_slice(),
            bytes("1dbace7930ee4e22dd4f0b34cdd12f6c7f4cdadf7e91030a3811098c65cdcfe2")
        );
    }
}

/// What a file may claim is bounded: no opening takes more than 1 GiB, nor longer than 4 GiB of memory times passes.
#[test]
fn costs_have_limits() {
    let costs = |memory_kib, iterations, lanes| Argon2 { memory_kib, iterations, lanes };
    assert!(Argon2::default().is_valid());
    for valid in [costs(8, 1, 1), costs(128, 1, 16), costs(1 << 20, 4, 16), costs(4 << 10, 1000, 1)] {
        assert!(valid.is_valid(), "{valid:?}");
    }
    let bad = [costs(7, 1, 1), costs(127, 1, 16), costs(8, 0, 1), costs(8, 1, 0), costs(136, 1, 17)];
    let dear =
        [costs((1 << 20) + 1, 1, 1), costs(1 << 20, 5, 1), costs(8, 1001, 1), costs(u32::MAX, u32::MAX, u32::MAX)];
    for invalid in bad.into_iter().chain(dear) {
        assert!(!invalid.is_valid(), "{invalid:?}");
    }
}
