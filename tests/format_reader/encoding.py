"""Fields, hashes and pages of entries (sections 1, 7 and 8 of docs/format.md)."""

import struct
from collections import namedtuple

import xxhash

PUT, EXPIRES = 1, 2
FLAGS = 0, PUT, PUT | EXPIRES  # what is deleted has no expiry

# A version of a key: an entry of a table, or an operation of a commit. The value of a tombstone is None.
Version = namedtuple("Version", "key seq expiry value")


class Damaged(Exception):
    pass


def check(holds, what):
    if not holds:
        raise Damaged(what)


class Bytes:
    """Reads fields from the front of a byte string (section 1)."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        check(self.at + count <= len(self.data), "bytes end too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, width):
        return int.from_bytes(self.take(width), "little")

    def varint(self):
        value = 0
        for index in range(10):
            byte = self.number(1)
            check(index < 9 or byte <= 1, "a varint is too long")
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value
        raise Damaged("a varint is too long")

    def prefixed(self):
        return self.take(self.varint())

    def reference(self):
        return self.number(4), self.number(4), self.take(16)

    def is_empty(self):
        return self.at == len(self.data)


def xxh3_128(data, seed=0):
    return xxhash.xxh3_128_intdigest(data, seed=seed).to_bytes(16, "little")


def entries(payload):
    """The entries of a data or index page (section 7)."""
    check(len(payload) >= 8, "page of entries")
    (count,) = struct.unpack_from("<I", payload, len(payload) - 4)
    end = len(payload) - 4 - 4 * count
    check(count > 0 and end > 0, "restarts")
    restarts = set(struct.unpack_from(f"<{count}I", payload, end))
    check(min(restarts) == 0 and len(restarts) == count, "restarts")
    page, key = Bytes(payload[:end]), b""
    while not page.is_empty():
        is_restart = page.at in restarts
        restarts.discard(page.at)
        shared, rest, flags, seq = page.varint(), page.varint(), page.number(1), page.varint()
        check(shared <= len(key) and not (is_restart and shared) and flags in FLAGS, "entry")
        expiry = page.varint() if flags & EXPIRES else None
        length = page.varint() if flags & PUT else 0
        key = key[:shared] + page.take(rest)
        yield Version(key, seq, expiry, page.take(length) if flags & PUT else None)
    check(not restarts, "a restart at which no entry begins")


def may_contain(filter_page, key):
    """Whether the filter allows that the key is in the table (section 8)."""
    if not filter_page or filter_page[0] != 1:
        return True
    key_hash, count = xxhash.xxh3_64_intdigest(key), (len(filter_page) - 1) // 64
    block = 1 + ((key_hash >> 32) * count >> 32) * 64
    state = ((key_hash & 0xFFFFFFFF) * 0x9E3779B9 & 0xFFFFFFFF) | 1
    for _ in range(7):
        bit = state >> 23
        if not filter_page[block + bit // 8] >> bit % 8 & 1:
            return False
        state = state * 0x9E3779B9 & 0xFFFFFFFF
    return True
