"""Reads the golden files in tests/golden, and compares what it finds with their listings."""

import json
import os
from pathlib import Path

import indexes
import lz4.block
import reader
import sealing
import xxhash

FOLDER = Path(__file__).parent.parent / "golden"


def compare_all(directory):
    names = sorted(path.name.removesuffix(".db.lz4") for path in FOLDER.glob("*.db.lz4"))
    assert len(names) >= 16, names
    for name in names:
        file = directory / f"{name}.db"
        file.write_bytes(lz4.block.decompress((FOLDER / f"{name}.db.lz4").read_bytes()))
        compare(name, file, json.loads((FOLDER / f"{name}.json").read_text()))
    print(f"golden files: {len(names)} as their listings say")


def compare(name, file, listing):
    descriptor = os.open(file, os.O_RDONLY)
    contents = reader.sort_out(reader.Reader(descriptor, secret_of(listing)).live(listing["now_ms"]))
    os.close(descriptor)
    catalog, problems = indexes.checked(contents)
    assert not problems, (name, problems)
    documents = contents.documents.get(indexes.DEFAULT, {})
    found = [listed(key, document) for key, document in documents.items()]
    assert found == listing["documents"], name
    states = {index["path"]: index["state"] for index in listing["indexes"]}
    assert {indexes.name_of(index): state_of(index) for index in catalog.indexes.values()} == states, name


def secret_of(listing):
    """What opens the file, as the reader has it."""
    unlock = listing.get("unlock", {})
    if "key" in unlock:
        return sealing.KEY, bytes.fromhex(unlock["key"])
    return (sealing.PASSPHRASE, unlock["passphrase"].encode()) if unlock else None


def listed(key, document):
    """A document as listings have it."""
    entry = {"key": key[1:].decode(), "version": document.seq, "expires_at": document.expiry}
    text = document.value[1:]
    if len(text) <= 1000:
        return entry | {"json": text.decode()}
    return entry | {"length": len(text), "xxh3": xxhash.xxh3_64_hexdigest(text)}


def state_of(index):
    state = index["state"]
    return state if isinstance(state, str) else next(iter(state))
