"""Encrypted files: key slots, derived keys, and what they open (sections 3, 5 and 10 of docs/format.md)."""

import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from encoding import check, xxh3_128

CIPHERS = {1: AESGCM, 2: ChaCha20Poly1305}
KEY, PASSPHRASE = 1, 2
SLOTS = 16384, 20480


def hkdf(key, salt, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(key)


def hmac_sha256(key, data):
    code = hmac.HMAC(key, hashes.SHA256())
    code.update(data)
    return code.finalize()


def opened(cipher, key, nonce, text, tag, associated):
    """The text, decrypted; None when the tag does not hold."""
    try:
        return CIPHERS[cipher](key).decrypt(nonce, text + tag, associated)
    except InvalidTag:
        return None


class Slot:
    """A key slot (section 3)."""

    def __init__(self, data):
        self.associated = data[:64]
        self.number, self.file_id, self.cipher, self.kind, self.count, self.zero, *self.costs, self.salt = (
            struct.unpack_from("<8xQ16s4B3I16s", data)
        )
        self.nonce, zero, self.tag, self.sealed = struct.unpack_from("<12sI16s72s", data, 64)
        memory, iterations, lanes = self.costs
        is_cheap = 1 <= lanes <= 16 and 8 * lanes <= memory <= 1 << 20 and 1 <= iterations <= 1000
        is_cheap = is_cheap and memory * iterations <= 4 << 20
        self.is_valid = data[:8] == b"FERROKEY" and xxh3_128(data[:168]) == data[168:184]
        self.is_valid = self.is_valid and self.cipher in CIPHERS and self.count in (1, 2)
        self.is_valid = self.is_valid and (not any(self.costs) if self.kind == KEY else self.kind == PASSPHRASE and is_cheap)
        self.is_valid = self.is_valid and not (self.zero or zero or any(data[184:]))

    def data_keys(self, kind, secret):
        """The data keys with the first epoch of each, the newest first; None when the secret does not open the slot."""
        if kind != self.kind:
            return None
        if kind == PASSPHRASE:
            memory, iterations, lanes = self.costs
            stretch = Argon2id(salt=self.salt, length=32, iterations=iterations, lanes=lanes, memory_cost=memory)
            secret = stretch.derive(secret)
        slot_key = hkdf(secret, self.salt, b"ferrolite/1 key slot")
        keys = opened(self.cipher, slot_key, self.nonce, self.sealed, self.tag, self.associated)
        if keys is None:
            return None
        return [struct.unpack_from("<I32s", keys, 36 * index) for index in reversed(range(self.count))]


class Keys:
    """The keys of a file, and what they open."""

    def __init__(self, file, kind, secret):
        slots = [Slot(os.pread(file, 4096, address)) for address in SLOTS]
        slots = sorted((slot for slot in slots if slot.is_valid), key=lambda slot: -slot.number)
        check(slots, "key slots: none is whole")
        for slot in slots:
            self.data_keys = slot.data_keys(kind, secret)
            if self.data_keys:
                self.file_id, self.cipher, self.derived = slot.file_id, slot.cipher, {}
                return
        raise SystemExit("the key or passphrase is not that of this database")

    def derive(self, epoch, info):
        """The key for a purpose, from the data key of an epoch; None when there is none."""
        if (epoch, info) not in self.derived:
            data_key = next((key for first, key in self.data_keys if first <= epoch), None)
            self.derived[epoch, info] = data_key and hkdf(data_key, self.file_id, info)
        return self.derived[epoch, info]

    def is_authentic(self, slot):
        """Whether the file's keys have made a superblock slot (section 3)."""
        (epoch,) = struct.unpack_from("<I", slot, 56)
        key = self.derive(epoch, b"ferrolite/1 superblock")
        is_of_keys = (slot[32:48], slot[28]) == (self.file_id, self.cipher)
        return key is not None and is_of_keys and hmac_sha256(key, slot[:4048]) == slot[4048:4080]

    def open_page(self, sealed, place):
        epoch, nonce = sealed[4:8], sealed[32:44]
        return self.open(int.from_bytes(epoch, "little"), b"ferrolite/1 pages" + epoch, nonce, sealed, place)

    def open_log(self, sealed, place, epoch, generation, number, salt):
        nonce = struct.pack("<Q2sBx", number, sealed[2:4], sealed[0])
        info = b"ferrolite/1 log" + struct.pack("<Q", generation) + salt
        return self.open(epoch, info, nonce, sealed, place)

    def open(self, epoch, info, nonce, sealed, place):
        key = self.derive(epoch, info)
        return key and opened(self.cipher, key, nonce, sealed[64:], sealed[48:64], place + sealed[:48])
