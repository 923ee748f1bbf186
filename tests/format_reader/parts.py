"""What documents say, and the parts in which some are kept (section 13 of docs/format.md)."""

import base64
import json
import struct

from encoding import check

JSON, JSON_IN_PARTS, LIST, BYTES, BYTES_IN_PARTS = 1, 2, 3, 4, 5
ELEMENTS, PARTS = 2**32 - 2, 2**32 - 1
TEXT_MAX = (64 << 20) - 1


class Parts:
    """The parts of one collection: taken one after the other, until none is left."""

    def __init__(self, spaces):
        self.spaces = spaces  # by number of the key space: versions by key

    def take(self, space, part_id, position, expiry, what):
        key = part_id + struct.pack(">Q", position)
        part = self.spaces.get(space, {}).pop(key, None)
        check(part is not None, f"{what}: its part {position} is missing")
        check(part.expiry == expiry, f"{what}: the expiry of its part {position}")
        return part.value

    def chunks(self, rest, expiry, what):
        check(len(rest) == 24, what)
        part_id, (length, part_length) = rest[:12], struct.unpack("<QI", rest[12:])
        check(1 <= part_length <= 1 << 20 and length < 1 << 53, what)
        parts = []
        for position in range(-(-length // part_length)):
            parts.append(self.take(PARTS, part_id, position, expiry, what))
            expected = min(part_length, length - position * part_length)
            check(len(parts[-1]) == expected, f"{what}: the length of its part {position}")
        return b"".join(parts)

    def elements(self, rest, expiry, what):
        check(len(rest) == 36, what)
        part_id, (first, count, length) = rest[:12], struct.unpack("<3Q", rest[12:])
        check(count >= 1 and first + count < 1 << 64, what)
        elements = [self.take(ELEMENTS, part_id, position, expiry, what) for position in range(first, first + count)]
        check(sum(map(len, elements)) == length, f"{what}: the length of its elements")
        return b"[" + b",".join(elements) + b"]"

    def problems(self, uploads):
        """Parts that nobody took, and that are not being written."""
        left = [key for space in self.spaces.values() for key in space if key[:12] not in uploads]
        return [f"part {key.hex()}: it belongs to no document" for key in left]


def is_stored_whole(document):
    """True if the value of a document is its kind and all of its text or bytes."""
    return document.value[:1] in (b"\1", b"\4") and len(document.value) <= TEXT_MAX


def text_of(key, document, parts):
    """The JSON text of a document; None when it is bytes. And the bytes."""
    what = f"document {key}"
    check(document.value, what)
    kind, rest = document.value[0], document.value[1:]
    check(JSON <= kind <= BYTES_IN_PARTS, f"{what}: unknown kind")
    if kind in (BYTES, BYTES_IN_PARTS):
        return None, rest if kind == BYTES else parts.chunks(rest, document.expiry, what)
    if kind == JSON_IN_PARTS:
        rest = parts.chunks(rest, document.expiry, what)
    elif kind == LIST:
        rest = parts.elements(rest, document.expiry, what)
    check(len(rest) <= TEXT_MAX, f"{what}: its length")
    return rest, None


def line_of(key, text, content, expiry):
    """A document as `ferrolite dump` prints it."""
    if text is None:
        value = f'"bytes":"{base64.b64encode(content).decode()}"'
    else:
        value = '"value":' + text.decode().strip(" \t\n\r").replace("\n", " ").replace("\r", " ")
    expires = "" if expiry is None else f',"expires":{expiry}'
    return f'"key":{json.dumps(key[1:].decode(), ensure_ascii=False)},{value}{expires}}}\n'
