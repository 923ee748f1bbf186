"""Fields, hashes and pages of entries (sections 1, 7 and 8 of docs/format.md)."""

import struct
from collections import namedtuple
from functools import lru_cache

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


def varint_at(data, at):
    """A varint and the offset of its end. Raises IndexError if the data ends too early."""
    byte = data[at]
    value, shift = byte & 0x7F, 0
    while byte >= 0x80:
        at, shift = at + 1, shift + 7
        byte = data[at]
        value |= (byte & 0x7F) << shift
    if shift > 63 or (shift == 63 and byte > 1):
        raise Damaged("a varint is too long")
    return value, at + 1


def entries(payload):
    """Returns the entries of a data or index page (section 7)."""
    check(len(payload) >= 8, "page of entries")
    (count,) = struct.unpack_from("<I", payload, len(payload) - 4)
    end = len(payload) - 4 - 4 * count
    check(count > 0 and end > 0, "restarts")
    restarts = set(struct.unpack_from(f"<{count}I", payload, end))
    check(min(restarts) == 0 and len(restarts) == count, "restarts")
    try:
        found = list(entries_in(payload[:end], restarts))
    except IndexError:
        raise Damaged("bytes end too early") from None
    check(not restarts, "a restart at which no entry begins")
    return found


def entries_in(page, restarts):
    """Yields entries, and removes from `restarts` each offset at which an entry begins.

    This loop reads millions of entries, most with lengths of one byte. So it reads such a length without a call.
    """
    at, end, key = 0, len(page), b""
    while at < end:
        start, is_restart = at, at in restarts
        shared, at = (page[at], at + 1) if page[at] < 0x80 else varint_at(page, at)
        rest, at = (page[at], at + 1) if page[at] < 0x80 else varint_at(page, at)
        flags = page[at]
        seq, at = varint_at(page, at + 1)
        if shared > len(key) or flags not in FLAGS or (is_restart and shared):
            raise Damaged("entry")
        expiry, length, value = None, 0, None
        if flags & EXPIRES:
            expiry, at = varint_at(page, at)
        if flags & PUT:
            length, at = (page[at], at + 1) if page[at] < 0x80 else varint_at(page, at)
        behind_key = at + rest
        key = key[:shared] + page[at:behind_key]
        at = behind_key + length
        if at > end:
            raise Damaged("bytes end too early")
        if flags & PUT:
            value = page[behind_key:at]
        if is_restart:
            restarts.remove(start)
        yield Version(key, seq, expiry, value)


# What the state of a filter's key is multiplied by for each of its seven bits (section 8).
MULTIPLIERS = [pow(0x9E3779B9, power, 1 << 32) for power in range(7)]


class Filter:
    """A filter page: which keys may be in its table (section 8)."""

    def __init__(self, page):
        is_known = page[:1] == b"\1"
        self.blocks = [int.from_bytes(page[at : at + 64], "little") for at in range(1, len(page) - 63, 64) if is_known]
        check(self.blocks or not is_known, "filter")

    def allows(self, key):
        """True if the key may be in the table. Without a filter every key may."""
        if not self.blocks:
            return True
        block, mask = place_in_filter(key, len(self.blocks))
        return self.blocks[block] & mask == mask


@lru_cache(maxsize=1 << 20)
def place_in_filter(key, count):
    """The block of a key in a filter of so many blocks, and the key's bits there."""
    key_hash = xxhash.xxh3_64_intdigest(key)
    state, mask = ((key_hash & 0xFFFFFFFF) * 0x9E3779B9 & 0xFFFFFFFF) | 1, 0
    for multiplier in MULTIPLIERS:
        mask |= 1 << ((state * multiplier & 0xFFFFFFFF) >> 23)
    return (key_hash >> 32) * count >> 32, mask
