"""Index entries, and what they must be by the documents (sections 14 and 15 of docs/format.md)."""

import json
import struct

from parts import JSON

DEPTH_MAX = 128
INDEXED_LENGTH_MAX = 1024


def encode(value, depth=DEPTH_MAX):
    """The ordered encoding of a value. Raises OverflowError when it is nested too deep."""
    if value is None or isinstance(value, bool):
        return {None: b"\x10", False: b"\x20", True: b"\x28"}[value]
    if isinstance(value, int | float):
        nearest = float(value) + 0.0  # minus zero becomes zero
        bits = struct.pack(">d", nearest)
        bits = bytes([bits[0] ^ 0x80]) + bits[1:] if nearest >= 0 else bytes(byte ^ 0xFF for byte in bits)
        remainder = value - int(nearest) if isinstance(value, int) else 0
        return b"\x30" + bits + struct.pack(">H", remainder + 32768)
    if isinstance(value, str):
        return b"\x40" + string_bytes(value)
    if depth == 0:
        raise OverflowError
    if isinstance(value, list):
        return b"\x50" + b"".join(encode(element, depth - 1) for element in value) + b"\x00"
    fields = sorted(value, key=lambda name: name.encode("utf-8", "surrogatepass"))
    body = b"".join(b"\x01" + string_bytes(name) + encode(value[name], depth - 1) for name in fields)
    return b"\x60" + body + b"\x00"


def string_bytes(text):
    return text.encode("utf-8", "surrogatepass").replace(b"\0", b"\0\xff") + b"\0\1"


def integer(text):
    """Integers beyond 64 bits count as the nearest double."""
    value = int(text) if len(text) <= 20 else None
    return value if value is not None and -(1 << 63) <= value < 1 << 64 else float(text)


def entry_of(index_id, path, key, document):
    """The key and value of the entry that a document must have in an index; None when it has none."""
    value = json.loads(document, parse_int=integer)
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    try:
        encoding = encode(value)
    except OverflowError:
        return None
    is_cut = len(encoding) > INDEXED_LENGTH_MAX
    return struct.pack(">II", 1, index_id) + encoding[:INDEXED_LENGTH_MAX] + key, b"\1" if is_cut else b""


def parse_catalog(catalog):
    """The indexes by id, and what is wrong with the catalog."""
    indexes = {}
    for key, value in catalog.items():
        if key == b"\3":
            return {}, ["catalog: a salvage into this database has not finished"]
        if key[:1] == b"\2":
            collection, index_id = struct.unpack(">II", key[1:])
            indexes[index_id] = json.loads(value)
            if collection != 1 or not 1 <= index_id < int.from_bytes(catalog[b"\1"], "little"):
                return {}, [f"catalog: index {index_id} of collection {collection}"]
    return indexes, []


def problems_of(index_id, index, documents, found):
    """What is wrong with the entries `found` of an index, by the documents. Both are versions by key."""
    path, state, after = index["path"], index["state"], None
    if isinstance(state, dict):
        after = (state["building"]["after"] or "").encode()
    if state == "dropping":
        return []
    problems, left = [], dict(found)
    for key, document in documents.items():
        if document.value[0] != JSON:
            continue
        expected = entry_of(index_id, path, key, document.value[1:])
        if expected is None:
            continue
        entry = left.pop(expected[0], None)
        if entry is None:
            if state == "ready" or key[1:] <= after:
                problems.append(f"index {path}: {key[1:]} has no entry")
        elif (entry.value, entry.expiry) != (expected[1], document.expiry):
            problems.append(f"index {path}: the entry of {key[1:]}")
    return problems + [f"index {path}: stray entry {key}" for key, entry in left.items() if entry.expiry is None]
