"""The change history (section 21 of docs/format.md)."""

import json
import struct

KINDS = ["delete", "set", "drop"]
KIND, EXPIRES, COLLECTION = 3, 4, 8
# How many numbers are left out when a file is written that was not closed.
SKIPPED = 1 << 20


def parse(key, payload):
    """The changes of an entry's part, and the sequence number that it names. `payload` is read from its beginning."""
    version = struct.unpack(">QI", key[1:])[0]
    previous, _time, collection, changes = payload.varint(), payload.varint(), "", []
    while not payload.is_empty():
        flags = payload.number(1)
        if flags & COLLECTION:
            collection = payload.prefixed().decode()
        change = {"kind": KINDS[flags & KIND]} | ({"collection": collection} if collection else {})
        change |= {"key": payload.prefixed().decode(), "version": version, "oldVersion": payload.varint()}
        if flags & EXPIRES:
            change["expiresAt"] = payload.varint()
        changes.append(change)
    return version, previous, changes


def behind(since, entries, newest, reader):
    """The changes behind a sequence number, as lines, and where the history begins; "lost" when some are missing.

    `entries` are the versions of the key space by their keys, `newest` is the newest commit, and `reader` makes of bytes what
    is read from their beginning.
    """
    standing = entries.get(b"\1")
    if standing is None or standing.seq != newest:
        return "lost", newest
    last, begun = struct.unpack("<QQ", standing.value)
    parts = [parse(key, reader(entry.value)) for key, entry in sorted(entries.items()) if key[0] == 2]
    parts = [part for part in parts if part[0] > max(since, begun)]
    expected, lines = since, []
    is_first = True
    for version, previous, changes in parts:
        if is_first and previous < since < version and version - previous > SKIPPED:
            # Numbers were left out behind `previous`: no commit with this one was stored.
            return "lost", begun
        if version != expected or is_first:
            if previous > expected if is_first else previous != expected:
                return "lost", begun
            expected, is_first = version, False
        lines += [json.dumps(change, separators=(",", ":"), ensure_ascii=False) + "\n" for change in changes]
    is_whole = since >= begun and (expected == last if parts else last <= since)
    return ("".join(lines) if is_whole else "lost"), begun
