"""The catalog, and what index entries must be by the documents (sections 14 and 15 of docs/format.md)."""

import json
import math
import struct
from collections import namedtuple
from decimal import Decimal
from functools import cached_property, lru_cache

from parts import JSON

DEFAULT = 1  # the collection without a name
NOWHERE = 0xFFFFFFFF
NAME_LENGTH_MAX = 255
DEPTH_MAX = 128
INDEXED_LENGTH_MAX = 1024
PATHS_MAX = 8
MISSING = b"\x08"
INEXACT_UNTIL = 253_402_300_800_000  # the year 10000


class Catalog(namedtuple("Catalog", "collections indexes")):
    """The names of collections by id, without those that are being dropped; indexes by collection and id."""

    def indexes_of(self, collection):
        return [index for (place, _), index in self.indexes.items() if place == collection]

    def states(self):
        """The state of each index by its name, behind that of its collection."""
        names = {space: self.collections[space[0]] for space in self.indexes}
        return {(names[space] and names[space] + ": ") + name_of(index): index["state"] for space, index in self.indexes.items()}


class Number:
    """A number: as index entries have it, and exactly."""

    def __init__(self, text):
        self.text = text

    @cached_property
    def nearest(self):
        return integer(self.text) if self.text.lstrip("-").isdigit() else float(self.text)

    @cached_property
    def exact(self):
        return digits_of(Decimal(self.text))

    def is_in_entry(self):
        """Whether the number is the one that its entry stands for (section 15)."""
        double = float(self.nearest)
        if math.isinf(double):
            return False
        is_of_integers = abs(double) >= 1 << 53 and -(1 << 63) <= double <= 1 << 64
        told = Decimal(int(self.nearest)) if is_of_integers or isinstance(self.nearest, int) else Decimal(repr(double))
        return self.exact == digits_of(told)


def digits_of(number):
    """Sign, digits and exponent, without zeros at the end of the digits."""
    sign, digits, exponent = number.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    short = text.rstrip("0")
    return (sign, short, exponent + len(text) - len(short)) if short else (0, "", 0)


DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number)


def parsed(document):
    return DECODER.decode(document.decode())


def numbers_in(value):
    if isinstance(value, Number):
        yield value
    elif isinstance(value, list | dict):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(inner)


def exact_of(value):
    """Something that is equal for equal values only."""
    if isinstance(value, Number):
        return ("number", value.exact)
    if isinstance(value, list):
        return ("array", tuple(map(exact_of, value)))
    if isinstance(value, dict):
        return ("object", tuple(sorted((name, exact_of(inner)) for name, inner in value.items())))
    return (type(value).__name__, value)


def encode(value, depth=DEPTH_MAX):
    """The ordered encoding of a value. Raises OverflowError when it is nested too deep."""
    if value is None or isinstance(value, bool):
        return {None: b"\x10", False: b"\x20", True: b"\x28"}[value]
    if isinstance(value, Number):
        value = value.nearest
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


# What a document must have in an index under one encoding: whether a number in it is not the one that the encoding stands for,
# and its values, each in a form that is equal for equal values only.
Expected = namedtuple("Expected", "is_inexact values")


def expected_of(index, document):
    """What a document must have in an index, by the uncut encoding; and whether it has a value at each path.

    `document` is the stored value: a byte for its kind, and JSON text.
    """
    return expected_at(tuple(paths_of(index)), bool(index.get("multi")), "missing" in index, document)


# Each state of a file is read several times, and most of its documents are those of the state before.
@lru_cache(maxsize=1 << 19)
def expected_at(paths, is_multi, has_missing, document):
    value = parsed(document[1:])
    found = [encoding_at(path, value) for path in paths]
    is_whole = all(encoding is not None for encoding, _ in found)
    encodings = {}
    if is_multi:
        elements = found[0][1] if isinstance(found[0][1], list) else None
        pairs = [(encoding_of(element), element) for element in elements] if elements is not None else found
        for encoding, element in pairs:
            if encoding is not None:
                encodings.setdefault(encoding, []).append([element])
    elif found[0][0] is not None or has_missing:
        encoding = b"".join(MISSING if encoding is None else encoding for encoding, _ in found)
        encodings[encoding] = [[None if encoding is None else value for encoding, value in found]]
    return {encoding: expected_under(values) for encoding, values in encodings.items()}, is_whole


def expected_under(values):
    is_inexact = not all(number.is_in_entry() for number in numbers_in(values))
    return Expected(is_inexact, [exact_of(value) for value in values])


def paths_of(index):
    return index["path"] if isinstance(index["path"], list) else [index["path"]]


def name_of(index):
    return ", ".join(paths_of(index))


def spec_of(index):
    """The name of an index, and what `dump` prints of it."""
    if isinstance(index["path"], str) and set(index) - {"missing"} == {"path", "state"}:
        return index["path"], index["path"]
    flags = {flag: index.get(flag, False) for flag in ("unique", "multi")}
    return name_of(index), {"multi": flags["multi"], "paths": paths_of(index), "unique": flags["unique"]}


def entries_of(space, encodings, key):
    """The entries that a document must have in an index: by key their value, and whether a number is not the one in it."""
    prefix, entries = struct.pack(">II", *space), {}
    for encoding, expected in encodings.items():
        mark = b"\1" if len(encoding) > INDEXED_LENGTH_MAX else b""
        key_of = prefix + encoding[:INDEXED_LENGTH_MAX] + key
        entries[key_of] = mark, expected.is_inexact or entries.get(key_of, (mark, False))[1]
    return entries


def checked(contents):
    """The catalog, and what is wrong with it and with the entries of the indexes."""
    catalog, problems = parse_catalog(contents.catalog)
    for space, index in catalog.indexes.items():
        documents = contents.documents.get(space[0], {})
        problems += problems_of(space, index, documents, contents.entries.get(space, {}))
    return catalog, problems


def parse_catalog(entries):
    """The catalog, and what is wrong with it."""
    if b"\3" in entries:
        return Catalog({}, {}), ["catalog: a salvage into this database has not finished"]
    collections, dropping, indexes, problems = {DEFAULT: ""}, set(), {}, []
    next_index = int.from_bytes(entries.get(b"\1", b"\1"), "little")
    next_collection = int.from_bytes(entries.get(b"\4", b"\2"), "little")
    for key, value in entries.items():
        if key[:1] == b"\2":
            space, index = struct.unpack(">II", key[1:]), json.loads(value)
            paths = paths_of(index)
            is_form = isinstance(index["path"], str) or 2 <= len(set(paths)) == len(paths) <= PATHS_MAX
            flags = [index[flag] for flag in ("unique", "multi") if flag in index]
            is_good = is_form and not set(flags) - {True} and not set(index) - {"path", "state", "unique", "multi", "missing"}
            is_good = is_good and ("missing" not in index or (index["missing"] != "dropping" and not index.get("multi")))
            if not is_good or not 1 <= space[1] < next_index:
                problems.append(f"catalog: index {space}: {index}")
            indexes[space] = index
        elif key[:1] == b"\5":
            (collection,), record = struct.unpack(">I", key[1:]), json.loads(value)
            name = record["name"]
            is_good = 1 <= len(name.encode()) <= NAME_LENGTH_MAX and not set(record) - {"name", "dropping"}
            is_taken = "dropping" not in record and name in collections.values()
            is_id = DEFAULT < collection < min(next_collection, NOWHERE)
            if not is_good or is_taken or not is_id or record.get("dropping", True) is not True:
                problems.append(f"catalog: collection {collection}: {record}")
            if "dropping" in record:
                dropping.add(collection)
            else:
                collections[collection] = name
        elif key not in (b"\1", b"\4", b"\7") and key[:1] not in (b"\6", b"\x08"):
            problems.append(f"catalog: key {key.hex()}")
    problems += [f"catalog: index {space} of no collection" for space in indexes if space[0] not in dropping | set(collections)]
    ids = [index for _, index in indexes]
    problems += ["catalog: an index id is used twice"] if len(set(ids)) < len(ids) else []
    return Catalog(collections, {space: index for space, index in indexes.items() if space[0] in collections}), problems


def problems_of(space, index, documents, found):
    """What is wrong with the entries `found` of an index, by the documents. Both are versions by key."""
    path, state = name_of(index), index["state"]
    if state == "dropping":
        return []

    def has_come_to(key, how_far):
        return how_far == "ready" or key[1:] <= (how_far["building"]["after"] or "").encode()

    problems, left, holders = [], dict(found), {}
    for key, document in documents.items():
        if document.value[0] != JSON:
            continue
        encodings, is_whole = expected_of(index, document.value)
        for expected, (mark, is_inexact) in entries_of(space, encodings, key).items():
            entry = left.pop(expected, None)
            if entry is None:
                is_missing = expected[8:9] == MISSING
                if has_come_to(key, state) and (not is_missing or has_come_to(key, index["missing"])):
                    problems.append(f"index {path}: {key[1:]} has no entry")
            elif (entry.value, entry.expiry) != (mark, document.expiry or (INEXACT_UNTIL if is_inexact else None)):
                problems.append(f"index {path}: the entry of {key[1:]}")
        is_unique = index.get("unique") and state == "ready" and (index.get("multi") or is_whole)
        for value in (value for expected in encodings.values() for value in expected.values) if is_unique else ():
            if holders.setdefault(value, key) != key:
                problems.append(f"index {path}: {holders[value][1:]} and {key[1:]} have equal values")
    return problems + [f"index {path}: stray entry {key}" for key, entry in left.items() if entry.expiry is None]
