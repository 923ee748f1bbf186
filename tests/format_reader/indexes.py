"""Index entries, and what they must be by the documents (sections 14 and 15 of docs/format.md)."""

import json
import struct

from parts import JSON

DEPTH_MAX = 128
INDEXED_LENGTH_MAX = 1024
PATHS_MAX = 8
MISSING = b"\x08"


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


def encoding_at(path, value):
    """The encoding of what is at a path, and the value itself; None for either that is not there."""
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return None, None
        value = value[name]
    return encoding_of(value), value


def encoding_of(value):
    try:
        return encode(value)
    except OverflowError:
        return None


def encodings_of(index, document):
    """What a document has in an index, uncut."""
    value, paths = json.loads(document, parse_int=integer), paths_of(index)
    found = [encoding_at(path, value) for path in paths]
    if index.get("multi"):
        elements = found[0][1] if isinstance(found[0][1], list) else None
        encodings = map(encoding_of, elements) if elements is not None else [found[0][0]]
        return {encoding for encoding in encodings if encoding is not None}
    if found[0][0] is None:
        return set()
    return {b"".join(MISSING if encoding is None else encoding for encoding, _ in found)}


def paths_of(index):
    return index["path"] if isinstance(index["path"], list) else [index["path"]]


def name_of(index):
    return ", ".join(paths_of(index))


def entries_of(index_id, encodings, key):
    """The keys and values of the entries that a document must have in an index."""
    prefix = struct.pack(">II", 1, index_id)
    marks = {encoding[:INDEXED_LENGTH_MAX]: len(encoding) > INDEXED_LENGTH_MAX for encoding in encodings}
    return {prefix + part + key: b"\1" if is_cut else b"" for part, is_cut in marks.items()}


def is_whole(index, document):
    """Whether there is a value at each path."""
    value = json.loads(document, parse_int=integer)
    return all(encoding_at(path, value)[0] is not None for path in paths_of(index))


def parse_catalog(catalog):
    """The indexes by id, and what is wrong with the catalog."""
    indexes = {}
    for key, value in catalog.items():
        if key == b"\3":
            return {}, ["catalog: a salvage into this database has not finished"]
        if key[:1] == b"\2":
            collection, index_id = struct.unpack(">II", key[1:])
            indexes[index_id] = index = json.loads(value)
            paths = paths_of(index)
            is_form = isinstance(index["path"], str) or 2 <= len(set(paths)) == len(paths) <= PATHS_MAX
            flags = [index[flag] for flag in ("unique", "multi") if flag in index]
            if not is_form or set(flags) - {True} or set(index) - {"path", "state", "unique", "multi"}:
                return {}, [f"catalog: index {index_id}: {index}"]
            if collection != 1 or not 1 <= index_id < int.from_bytes(catalog[b"\1"], "little"):
                return {}, [f"catalog: index {index_id} of collection {collection}"]
    return indexes, []


def problems_of(index_id, index, documents, found):
    """What is wrong with the entries `found` of an index, by the documents. Both are versions by key."""
    path, state, after = name_of(index), index["state"], None
    if isinstance(state, dict):
        after = (state["building"]["after"] or "").encode()
    if state == "dropping":
        return []
    problems, left, holders = [], dict(found), {}
    for key, document in documents.items():
        encodings = encodings_of(index, document.value[1:])
        for expected, mark in entries_of(index_id, encodings, key).items():
            entry = left.pop(expected, None)
            if entry is None:
                if state == "ready" or key[1:] <= after:
                    problems.append(f"index {path}: {key[1:]} has no entry")
            elif (entry.value, entry.expiry) != (mark, document.expiry):
                problems.append(f"index {path}: the entry of {key[1:]}")
        is_unique = index.get("unique") and state == "ready" and (index.get("multi") or is_whole(index, document.value[1:]))
        for encoding in encodings if is_unique else ():
            if holders.setdefault(encoding, key) != key:
                problems.append(f"index {path}: {holders[encoding][1:]} and {key[1:]} have equal values")
    return problems + [f"index {path}: stray entry {key}" for key, entry in left.items() if entry.expiry is None]
