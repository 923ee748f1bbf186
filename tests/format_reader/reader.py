#!/usr/bin/env python3
"""A second reader of Ferrolite files, written from docs/format.md alone.

It verifies the tag of everything that it reads, applies the manifest, replays the log, compares indexes with documents,
and prints documents and indexes as lines of JSON, as `ferrolite dump` does. Section numbers are those of docs/format.md.
"""

import argparse
import itertools
import json
import os
import re
import struct
import sys
import time
from collections import namedtuple
from dataclasses import dataclass, field
from pathlib import Path

import changes
import indexes
import lz4.block
import parts
import sealing
import xxhash
from encoding import EXPIRES, FLAGS, PUT, Bytes, Damaged, Filter, Version, check, entries, xxh3_128

BLOCK = 65536
DATA, INDEX, FILTER, MANIFEST, SEGMENT, FRAME, LINK = 1, 2, 3, 4, 16, 17, 18
CATALOG, CHANGES, RECEIPTS = (0, 0), (0, 1), (0, 2)
SPACE = struct.Struct(">II")  # a collection, and a key space in it
GOES_ON = 0x8000
KINDS_OF_LOG = re.compile(rb"[\x10-\x12]")  # SEGMENT, FRAME, LINK

Superblock = namedtuple(
    "Superblock",
    "file_id number key_epoch log_epoch flushed_seq synced_seq next_table_id generation salt log_address log_len log_index log_frame log_tag"
    " manifest_address manifest_len manifest_number manifest_tag horizon_time horizon_seq file_len",
)
Table = namedtuple(
    "Table",
    "id address len depth root filter smallest largest entries tombstones raw_bytes min_seq max_seq expiring max_expiry"
    " key_epoch level run",
)
Segment = namedtuple("Segment", "address len index data")
MISSING_VALUES = 1  # the incompatible feature that indexes may have entries for documents without a value

# Of documents and index entries: versions by key, by collection, and by collection and index.
Contents = namedtuple("Contents", "catalog noted documents entries")
Frame = namedtuple("Frame", "goes_on len number seq synced_seq chain tag payload")


def blocks_of(address, length):
    return address // BLOCK, -(-(address + length) // BLOCK)


def checksum(sealed, place):
    return xxh3_128(sealed[:48] + sealed[64:], xxhash.xxh3_64_intdigest(place))


@dataclass
class Reader:
    file: int
    secret: tuple = None  # the kind of key slot that it opens, and the key or passphrase
    extents: list = field(default_factory=list)
    frames: int = 0

    # --- header (section 3) ---

    def superblock(self):
        found = []
        for slot in range(4):
            data = os.pread(self.file, 4096, slot * 4096)
            if len(data) < 4096 or data[:8] != b"FERROLT\n" or xxh3_128(data[:4080]) != data[4080:]:
                continue
            version, header_len, _, _, needed, cipher = struct.unpack_from("<6I", data, 8)
            if version != 1 or needed & ~MISSING_VALUES or (cipher and cipher not in sealing.CIPHERS):
                raise SystemExit("the file needs a newer reader")
            check(header_len == BLOCK and not any(data[224 : 4048 if cipher else 4080]), f"superblock slot {slot}")
            found.append((Superblock(*struct.unpack_from("<16sQIIQQQQ16sQQQQ16sQI4xQ16sQQQ", data, 32)), data))
        check(found, "superblock: no valid slot")
        newest, data = max(found, key=lambda slot: slot[0].number)
        check(os.fstat(self.file).st_size >= newest.file_len, "file: it was cut off")
        self.unlock(newest, data[28], [data for superblock, data in found if superblock == newest])
        check(max(newest.flushed_seq, newest.synced_seq) < 1 << 53, "superblock: sequence number")
        numbers = newest.number, newest.next_table_id, newest.manifest_number
        check(max(*numbers, newest.generation, newest.log_index, newest.log_frame) < 1 << 63, "superblock: number")
        check(newest.log_address + newest.log_len <= newest.file_len, "superblock: log")
        return newest

    def unlock(self, newest, cipher, copies):
        if bool(cipher) != bool(self.secret):
            raise SystemExit("the database is encrypted" if cipher else "the database is not encrypted")
        self.keys = sealing.Keys(self.file, *self.secret) if cipher else None
        check(not cipher or any(map(self.keys.is_authentic, copies)), "superblock: not written with these keys")
        check(newest.log_epoch <= newest.key_epoch and bool(cipher) == (newest.key_epoch > 0), "superblock: key epoch")

    # --- tags and pages (sections 5 and 6) ---

    def opened(self, sealed, kind, owner, offset):
        """The payload; None when the tag does not hold at this place."""
        is_log = kind in (SEGMENT, FRAME, LINK)
        salt = self.root.salt if is_log else bytes(16)
        place = self.root.file_id + salt + struct.pack("<QQB", owner, offset, kind)
        if self.keys and is_log:
            return self.keys.open_log(sealed, place, self.root.log_epoch, owner, offset, salt)
        if self.keys:
            return self.keys.open_page(sealed, place)
        return sealed[64:] if checksum(sealed, place) == sealed[48:64] else None

    def tag_of(self, sealed, kind, owner, offset):
        """The tag of something in the log of a plain file at this place."""
        return checksum(sealed, self.root.file_id + self.root.salt + struct.pack("<QQB", owner, offset, kind))

    def page(self, kind, owner, offset, address, length, tag):
        what = f"page of kind {kind} of {owner}, offset {offset}"
        page = os.pread(self.file, length, address)
        check(len(page) == length >= 64 and page[48:64] == tag, what)
        payload = self.opened(page, kind, owner, offset)
        check(payload is not None, what)
        found, flags, codec, unused, epoch, stored_len, raw_len = struct.unpack_from("<4B3I", page)
        limit = 1 << 30 if kind == MANIFEST else 65 << 20
        check(found == kind and not (flags or unused) and not any(page[44:48]), what + ": header")
        check(self.keys or not (epoch or any(page[32:44])), what + ": header")
        check(stored_len == length - 64 and raw_len <= limit, what + ": lengths")
        if codec == 0:
            check(raw_len == stored_len, what + ": length")
            return payload
        check(codec == 1, what + ": codec")
        raw = lz4.block.decompress(payload, uncompressed_size=raw_len)
        check(len(raw) == raw_len, what + ": length")
        return raw

    def table_page(self, table, kind, reference):
        offset, length, tag = reference
        check(offset % 64 == 0 and offset + length <= table.len, f"table {table.id}: reference")
        return self.page(kind, table.id, offset, table.address + offset, length, tag)

    # --- tables (section 8) ---

    def entries_of(self, table):
        """All entries of a table, in order. What the manifest says of it is verified on the way."""
        ensure = lambda holds, what: check(holds, f"table {table.id}: {what}")
        filter_page = Filter(self.table_page(table, FILTER, table.filter) if table.filter[1] else b"")
        found, smallest_of_page = [], b""
        for separator, reference in self.data_pages(table, table.root, table.depth):
            page = entries(self.table_page(table, DATA, reference))
            ensure(smallest_of_page <= page[0].key and page[-1].key <= separator, "separator")
            found += page
            smallest_of_page = separator
        ensure(found and found[0].key == table.smallest, "smallest key")
        ensure(found[-1].key == table.largest, "largest key")
        in_order = all(a.key < b.key or (a.key == b.key and a.seq > b.seq) for a, b in itertools.pairwise(found))
        ensure(in_order, "order of entries")
        ensure(all(filter_page.allows(entry.key) for entry in found), "filter")
        seqs = [entry.seq for entry in found]
        expiries = [entry.expiry for entry in found if entry.expiry is not None]
        raw_bytes = sum(len(entry.key) + len(entry.value or b"") for entry in found)
        tombstones = sum(entry.value is None for entry in found)
        figures = Table(*table[:8], len(found), tombstones, raw_bytes, min(seqs), max(seqs), len(expiries),
                        max(expiries, default=0), *table[15:])  # fmt: skip
        ensure(figures == table, "figures")
        return found

    def data_pages(self, table, reference, depth):
        for entry in entries(self.table_page(table, INDEX, reference)):
            check(entry.value is not None and len(entry.value) == 24, f"table {table.id}: index page")
            if depth == 1:
                yield entry.key, Bytes(entry.value).reference()
            else:
                yield from self.data_pages(table, Bytes(entry.value).reference(), depth - 1)

    # --- manifest (section 9) ---

    def manifest(self):
        tables = {}
        for page in reversed(self.manifest_pages()):
            for _ in range(page.varint()):
                check(tables.pop(page.varint(), None), "manifest: removal")
            for _ in range(page.varint()):
                level, run = page.number(1), page.varint()
                run = run if level == 0 else 0
                place = page.varint(), page.varint() * BLOCK, page.varint(), page.number(1)
                pages_and_keys = page.reference(), page.reference(), page.prefixed(), page.prefixed()
                figures = [page.varint() for _ in range(7)]
                key_epoch = page.varint() if place[3] >= 128 else 0
                check(bool(self.keys) == (place[3] >= 128) == (key_epoch > 0), "manifest: key epoch")
                table = Table(*place[:3], place[3] % 128, *pages_and_keys, *figures, key_epoch, level, run)
                check(level <= 6 and table.id not in tables, "manifest: insertion")
                tables[table.id] = table
            check(page.is_empty(), "manifest: bytes left over")
        sets = sorted(tables.values(), key=lambda table: (table.level, table.run, table.smallest))
        for table in sets:
            self.check_table(table)
        for a, b in itertools.pairwise(sets):
            same_set = (a.level, a.run, a.smallest[:8]) == (b.level, b.run, b.smallest[:8])
            check(not same_set or a.largest < b.smallest, f"manifest: tables {a.id} and {b.id} overlap")
        return sets

    def manifest_pages(self):
        """The payloads behind their references to the page before, the newest first."""
        address, length = self.root.manifest_address, self.root.manifest_len
        number, tag, pages = self.root.manifest_number, self.root.manifest_tag, []
        while address:
            page = Bytes(self.page(MANIFEST, number, address, address, length, tag))
            self.extents += [(block, block + 1) for block in range(*blocks_of(address, length))]
            pages.append(page)
            is_change = page.number(1)
            if is_change == 0:
                break
            address, length, tag = page.number(8), page.number(4), page.take(16)
            check(is_change == 1 and address, "manifest page")
            number -= 1
        self.extents = sorted(set(self.extents))
        return pages

    def check_table(self, table):
        what = f"manifest: table {table.id}"
        check(table.depth in (1, 2) and table.len and table.address >= BLOCK, what)
        check(table.smallest <= table.largest and table.smallest[:8] == table.largest[:8], what)
        check(max(table.id, table.run) < self.root.next_table_id and table.max_seq <= self.root.flushed_seq, what)
        check(table.entries < 1 << 40 and table.tombstones + table.expiring <= table.entries, what)
        check(table.address + table.len <= self.root.file_len and table.key_epoch <= self.root.key_epoch, what)
        self.extents.append(blocks_of(table.address, table.len))

    # --- log (section 10) ---

    def log(self):
        """The versions in all commits behind the tables. Leaves the last sequence number in `self.last`."""
        root, versions, taken, end = self.root, [], [], 0
        self.next, self.tag, self.last, self.group = root.log_frame, root.log_tag, root.flushed_seq, []
        segment = self.segment(root.log_address, root.log_len, root.log_index)
        is_whole = segment and root.log_address + root.log_len <= os.fstat(self.file).st_size
        check(is_whole or root.log_address == 0, "superblock: log segment")
        following = segment
        while following:
            segment = following
            taken.append(blocks_of(segment.address, segment.len))
            end = self.replay(segment, versions)
            following = self.following(segment, end) if end else None
            if following:
                first, behind = blocks_of(following.address, following.len)
                is_taken = any(first < b and a < behind for a, b in taken)
                following = None if is_taken or not self.is_head_valid(following) else following
        self.extents += taken
        proven = max(root.synced_seq, self.proven_behind(segment, end), self.proven_elsewhere(segment))
        check(proven <= self.last, f"log: commit {self.last + 1}, of {proven} that were durable, is missing")
        return versions

    def segment(self, address, length, index):
        if address < BLOCK or address % BLOCK or address >= os.fstat(self.file).st_size:
            return None
        return Segment(address, length, index, os.pread(self.file, length, address))

    def valid_at(self, segment, offset, kind, number):
        """What is valid at an offset. Of a frame whose number is not known, the number is the one that it says."""
        header = segment.data[offset : offset + 64]
        if len(header) < 64 or header[:2] != bytes([kind, 0]):
            return None
        attempt, length, generation, *fields, chain = struct.unpack_from("<HI4Q8s", header, 2)
        end = offset + 64 + (length if kind == FRAME else 0)
        sealed = segment.data[offset:end]
        number = fields[0] if number is None else number
        if generation != self.root.generation or end > len(segment.data):
            return None
        payload = self.opened(sealed, kind, generation, number)
        goes_on = kind == FRAME and bool(attempt & GOES_ON)
        return None if payload is None else Frame(goes_on, length, *fields, chain, header[48:], payload)

    def is_head_valid(self, segment):
        """Step 3."""
        head = self.valid_at(segment, 0, SEGMENT, segment.index)
        is_its = head and (head.len, head.number, head.seq) == (segment.len, segment.index, self.next)
        return is_its and head.chain == self.tag[:8]

    def replay(self, segment, versions):
        """Steps 3 and 4: where the chain stands in a segment, 0 when its header is not valid."""
        if not self.is_head_valid(segment):
            return 0
        end = 128
        while frame := self.valid_at(segment, end, FRAME, self.next):
            if frame.number != self.next or frame.chain != self.tag[:8]:
                break
            check(frame.seq == self.last + len(self.group) + 1, f"log frame {frame.number}: sequence number")
            self.group.append(commit(frame))
            self.next, self.tag = frame.number + 1, frame.tag
            if not frame.goes_on:
                versions += itertools.chain.from_iterable(self.group)
                self.last, self.frames, self.group = frame.seq, self.frames + len(self.group), []
            end += -(-(64 + frame.len) // 16) * 16
        return end

    def following(self, segment, end):
        """Steps 5 and 6: the segment that the link leads to."""
        for offset in (end, 64):
            link = self.valid_at(segment, offset, LINK, segment.index)
            if link and link.number == self.next and link.chain == self.tag[:8]:
                return self.segment(link.seq, link.len, segment.index + 1)
        return None

    def proven_behind(self, segment, end):
        """Step 7: the highest sequence number that anything behind the end of the chain proves durable."""
        proven, looked_at = 0, set()
        while segment and segment.address not in looked_at:
            looked_at.add(segment.address)
            link = None
            for match in KINDS_OF_LOG.finditer(segment.data[: max(0, len(segment.data) - 63) : 16]):
                offset, kind = match.start() * 16, match.group()[0]
                if offset >= end or offset == 64:
                    found = self.valid_at(segment, offset, kind, None if kind == FRAME else segment.index)
                    proven = max(proven, found.synced_seq if found else 0)
                    link = found if found and kind == LINK else link
            segment = self.segment(link.seq, link.len, segment.index + 1) if link else None
            end = 0
        return proven

    def proven_elsewhere(self, last):
        """Step 7: the same of segments that nothing leads to."""
        proven = 0
        for address in range(BLOCK, os.fstat(self.file).st_size if last else 0, BLOCK):
            if not any(first <= address // BLOCK < behind for first, behind in self.extents):
                block = Segment(address, 64, 0, os.pread(self.file, 64, address))
                head = self.valid_at(block, 0, SEGMENT, None)
                if head and head.number > last.index:
                    proven = max(proven, self.proven_behind(self.segment(address, head.len, head.number), 0))
        return proven

    # --- everything (sections 11 and 16) ---

    def live(self, now):
        """What a reader at `now` sees: the newest version of each key, if that is a put and has not expired."""
        self.root = self.superblock()
        self.tables = self.manifest()
        log = self.log()
        used = sorted(self.extents)
        check(all(a[1] <= b[0] for a, b in itertools.pairwise(used)), "two things claim one place")
        newest = {}
        for version in itertools.chain(*map(self.entries_of, self.tables), log):
            known = newest.get(version.key)
            if known is None or known.seq < version.seq:
                newest[version.key] = version
        for key in sorted(newest):
            version = newest[key]
            if version.value is not None and not self.has_expired(version, now):
                yield version

    def has_expired(self, version, now):
        if version.expiry is None:
            return False
        horizon = version.expiry <= self.root.horizon_time and version.seq <= self.root.horizon_seq
        return version.expiry <= now or horizon


def commit(frame):
    """The versions that a commit leaves: of several for one key the last one (section 10)."""
    payload, versions = Bytes(frame.payload), {}
    for _ in range(payload.varint()):
        flags, key = payload.number(1), payload.prefixed()
        check(flags in FLAGS and 8 <= len(key) <= 65535, f"log frame {frame.number}")
        expiry = payload.varint() if flags & EXPIRES else None
        versions[key] = Version(key, frame.seq, expiry, payload.prefixed() if flags & PUT else None)
    check(payload.is_empty(), f"log frame {frame.number}")
    return versions.values()


def receipt(rest, version):
    """What is told of calls does not matter to who reads documents; it must be there in form (section 22)."""
    is_generation = rest == b"" and len(version.value or bytes(16)) == 16
    check(len(rest) == 32 or is_generation, f"receipt {rest.hex()}")


def sort_out(versions):
    """Catalog, change history, and of each collection documents and the entries of indexes (sections 12 to 14, and 21)."""
    contents, spaces = Contents({}, {}, {}, {}), {}
    for version in versions:
        space, rest = SPACE.unpack_from(version.key), version.key[8:]
        collection, index = space
        if space == CATALOG:
            contents.catalog[rest] = version.value
        elif space == CHANGES:
            contents.noted[rest] = version
        elif space == RECEIPTS:
            receipt(rest, version)
        elif index == 0:
            if rest[:1] != b"\1":
                raise Damaged(f"document {rest}: unknown kind of key")
            contents.documents.setdefault(collection, {})[rest] = version
        elif index in (parts.ELEMENTS, parts.PARTS):
            spaces.setdefault(collection, {}).setdefault(index, {})[rest] = version
        else:
            contents.entries.setdefault(space, {})[version.key] = version
    for collection, documents in contents.documents.items():
        known = parts.Parts(spaces.pop(collection, {}))
        for key, document in documents.items():
            if parts.is_stored_whole(document):
                continue
            text, content = parts.text_of(key, document, known)
            value = bytes([parts.JSON]) + text if content is None else bytes([parts.BYTES]) + content
            documents[key] = document._replace(value=value)
        begun = b"\x08" + struct.pack(">I", collection)
        problems = known.problems({key[5:] for key in contents.catalog if key[:5] == begun})
        check(not problems, "; ".join(problems[:10]))
    return contents


def lines_of(contents, catalog):
    """What `dump` prints of the collections, the default one first, the others by name."""
    for collection, name in sorted(catalog.collections.items(), key=lambda named: named[1].encode()):
        begun = f'"collection":{json.dumps(name, ensure_ascii=False)},' if name else ""
        for key, document in contents.documents.get(collection, {}).items():
            yield "{" + begun + line_of(key, document)
        specs = [indexes.spec_of(index) for index in catalog.indexes_of(collection) if index["state"] != "dropping"]
        for _, spec in sorted(specs, key=lambda named: named[0].encode()):
            yield "{" + begun + f'"index":{json.dumps(spec, ensure_ascii=False, separators=(",", ":"))}}}\n'


def line_of(key, document):
    is_json, content = document.value[0] == parts.JSON, document.value[1:]
    return parts.line_of(key, content if is_json else None, content, document.expiry)


def secret_in(arguments):
    """What opens the file, as the command-line program takes it."""
    if arguments.key_file:
        key = arguments.key_file.read_bytes()
        return sealing.KEY, key if len(key) == 32 else bytes.fromhex(key.decode())
    if arguments.passphrase_file:
        return sealing.PASSPHRASE, arguments.passphrase_file.read_bytes().removesuffix(b"\n")
    return None


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file")
    parser.add_argument("--key-file", type=Path, help="of an encrypted file: 32 bytes, or 64 hexadecimal digits")
    parser.add_argument("--passphrase-file", type=Path, help="of an encrypted file")
    parser.add_argument("--now", type=int, default=time.time_ns() // 1_000_000, help="milliseconds since 1970")
    parser.add_argument("--changes", type=int, metavar="SINCE", help="print what commits have changed, not the documents")
    parser.add_argument("--summary", action="store_true", help="tell on standard error what the file is made of")
    arguments = parser.parse_args(arguments)
    reader = Reader(os.open(arguments.file, os.O_RDONLY), secret_in(arguments))
    try:
        contents = sort_out(reader.live(arguments.now))
        catalog, problems = indexes.checked(contents)
        check(not problems, "; ".join(problems[:10]))
    except Damaged as damage:
        raise SystemExit(f"damaged: {damage}") from None
    if arguments.changes is not None:
        sys.stdout.write(changes.behind(arguments.changes, contents.noted, reader.last, Bytes)[0])
        return
    for line in lines_of(contents, catalog):
        sys.stdout.buffer.write(line.encode())
    if arguments.summary:
        levels = [sum(table.level == level for table in reader.tables) for level in range(7)]
        summary = {"tables": levels, "runs": len({table.run for table in reader.tables if table.level == 0})}
        summary |= {"tombstones": sum(table.tombstones for table in reader.tables), "frames": reader.frames}
        documents = [len(contents.documents.get(collection, {})) for collection in catalog.collections]
        names = [name for name in catalog.collections.values() if name]
        summary |= {"documents": sum(documents), "collections": names, "indexes": catalog.states()}
        print(json.dumps(summary), file=sys.stderr)


if __name__ == "__main__":
    main()
