"""Compares the reader with the command-line program: same documents, same damage. Called by run.sh."""

import contextlib
import gc
import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import golden
import reader

PROGRAM, DIRECTORY = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
DOCUMENTS = 60_000
PAST, FUTURE = 1_000, 4_102_444_800_000  # milliseconds since 1970: long ago, and the year 2100
EXIT_DAMAGED = 5
RANDOM = random.Random(1)


def cli(*arguments, **options):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, **options)


def ok(*arguments, **options):
    run = cli(*arguments, **options)
    assert run.returncode == 0, (arguments, run.stderr)
    return run.stdout


def read(file, *secret):
    """What the reader prints, and what it tells of the file; or the word "damaged" in place of both."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            reader.main([*map(str, (file, *secret)), "--summary"])
        except SystemExit as stop:
            assert str(stop).startswith("damaged: "), stop
            return "damaged", {}
    out.flush()
    return out.buffer.getvalue().decode(), json.loads(err.getvalue())


class Summary(dict):
    """What the reader tells of a file, and what it printed of the file, which is too long for a message."""

    def __init__(self, told, printed):
        super().__init__(told)
        self.printed = printed


def compare(what, file, *secret):
    """Both must print the same documents. What opens the file they take in the same way."""
    printed, summary = read(file, *secret)
    dumped = ok("dump", file, "--plain", *secret)
    assert printed == dumped, f"{what}: the reader and dump differ; the file is {file}"
    tables = ", ".join(f"level {level}: {count}" for level, count in enumerate(summary["tables"]) if count)
    print(f"{what}: {summary['documents']} documents alike (tables by {tables or 'no level'}; {summary['frames']} frames)")
    return Summary(summary, printed)


def exported(what, file, printed, *secret):
    """An export must hold what was printed of its file."""
    copy = DIRECTORY / "exported.db"
    copy.unlink(missing_ok=True)
    ok("export", file, copy, *secret)
    assert compare(f"{what}, exported", copy, *secret).printed == printed, what


def line(number, revision):
    escaped = number % 2 == 0
    document = {
        "name": f"user {number}",
        "age": RANDOM.choice([number % 90, number / 7, -number, 2**53 + number, 10**25 + number, str(number), None]),
        "address": {"city": f"città {number % 300}\u0000", "zip": RANDOM.randbytes(4).hex()},
        "tags": [number % 5, {"b": True, "a": [None, 1.5]}, "\ud83d" if escaped else "😀"],
        "note": RANDOM.randbytes(60).hex(),
        "revision": revision,
    }
    if number % 50 == 0:
        document["address"]["city"] = "long " * 300 + str(number)
    if number % 1000 == 0:
        document["note"] = "x" * 40_000 + RANDOM.randbytes(10_000).hex()
    entry = {"key": f"user:{number * 7919 % DOCUMENTS:05}{'ü' * (number % 3)}", "value": document}
    if number % 10 == 0:
        entry["expires"] = PAST if number % 20 else FUTURE + number
    return json.dumps(entry, ensure_ascii=escaped) + "\n"


def lines(numbers, revision):
    numbers = list(numbers)
    RANDOM.shuffle(numbers)
    return "".join(line(number, revision) for number in numbers)


def several_levels(file):
    ok("set", file, "first", "1")
    compare("one document", file)
    ok("index", file, "create", "address.city")
    ok("load", file, "-", input=lines(range(DOCUMENTS), 1))
    compare("loaded in random order", file)
    ok("index", file, "create", "age")
    ok("index", file, "create", "tags")
    ok("index", file, "create", "nothing.here")
    ok("load", file, "-", input=lines(range(0, DOCUMENTS, 5), 2))
    ok("index", file, "drop", "nothing.here")
    ok("delete", file, "--prefix", "user:1")
    summary = compare("overwritten, deleted, indexed", file)
    assert sum(count > 0 for count in summary["tables"]) > 1 and summary["tombstones"] > 0, summary
    assert summary["indexes"] == {"address.city": "ready", "age": "ready", "tags": "ready"}, summary
    exported("overwritten, deleted, indexed", file, summary.printed)
    ok("index", file, "drop", "tags")
    ok("index", file, "create", "tags", "--multi")
    ok("index", file, "create", "name", "--unique")
    ok("index", file, "create", "address.zip", "age", "nothing", "address.city")
    ok("load", file, "-", input=lines(range(0, DOCUMENTS, 50), 3))
    summary = compare("on several paths, unique, multi", file)
    assert summary["indexes"]["address.zip, age, nothing, address.city"] == "ready", summary


def large_lists_and_bytes(file):
    (DIRECTORY / "bytes").write_bytes(RANDOM.randbytes(2_500_000))
    (DIRECTORY / "few").write_bytes(b"\0\1\2")
    for key, source in [("film", "bytes"), ("photo", "few"), ("gone", "bytes")]:
        ok("set-file", file, key, DIRECTORY / source, *(["--ttl", "3600"] if key == "photo" else []))
    ok("index", file, "create", "age")
    ok("load", file, "-", input=lines(range(0, 5_000, 250), 1))
    for end in ["left", "right"]:
        ok("push", file, "list", end, *[json.dumps({"n": number, "ü": "x" * number}) for number in range(50)])
    ok("set", file, "array", "[1, [2, 3], {}]", "--ttl", "3600")
    ok("pop", file, "array", "left")
    compare("large documents, lists and bytes", file)
    ok("trim", file, "list", "5", "-5")
    ok("delete", file, "gone")
    ok("push", file, "list", "right", "1")
    compare("some of them deleted", file)
    ok("compact", file)
    summary = compare("and compacted", file)
    assert summary["tombstones"] == 0, summary


def collections(file):
    """Of each collection documents and indexes of its own; one of them is dropped, and comes again under another id."""
    entry = lambda name, number: {"collection": name, "key": f"{number:04}", "value": {"age": number % 70, "of": name}}
    small = lambda name, count: "".join(json.dumps(entry(name, number)) + "\n" for number in range(count))
    ok("load", file, "-", input=lines(range(0, DOCUMENTS, 30), 1) + small("Bäume", 2_000) + small("users", 3_000))
    ok("index", file, "create", "age")
    ok("index", file, "create", "age", "--collection", "users")
    ok("index", file, "create", "of", "age", "nothing", "--collection", "users")
    ok("index", file, "create", "age", "--multi", "--collection", "Bäume")
    ok("delete", file, "--prefix", "1", "--collection", "users")
    summary = compare("collections", file)
    assert summary["collections"] == ["Bäume", "users"], summary
    expected = {"age", "users: age", "users: of, age, nothing", "Bäume: age"}
    assert set(summary["indexes"]) == expected and summary["documents"] > 4_000, summary
    exported("collections", file, summary.printed)
    ok("drop-collection", file, "users")
    summary = compare("a collection dropped", file)
    assert (summary["collections"], set(summary["indexes"])) == (["Bäume"], {"age", "Bäume: age"}), summary
    with subprocess.Popen([PROGRAM, "repl", file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as repl:
        for number in range(100):
            repl.stdin.write(f'SET tail:{number} {{"age": {number}}} --collection users\n')
            repl.stdin.flush()
            repl.stdout.readline()
        repl.send_signal(signal.SIGKILL)
    summary = compare("a collection again", file)
    assert summary["collections"] == ["Bäume", "users"] and summary["frames"] >= 100, summary


def log_tail(file):
    """A program that is killed leaves a log."""
    with subprocess.Popen([PROGRAM, "repl", file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as repl:
        for number in range(500):
            verb = f"DELETE user:{number:05}" if number % 5 == 4 else f'SET tail:{number} {{"age": {number}}}'
            repl.stdin.write(verb + "\n")
            repl.stdin.flush()
            repl.stdout.readline()
        shutil.copy(file, DIRECTORY / "copied.db")
        repl.send_signal(signal.SIGKILL)
    for what, killed in [("copied while open", DIRECTORY / "copied.db"), ("killed", file)]:
        summary = compare(what, killed)
        assert summary["frames"] >= 400
        exported(what, killed, summary.printed)
    # Large commits in several segments, killed while the program waits for more.
    loading = DIRECTORY / "loading.db"
    with subprocess.Popen([PROGRAM, "load", loading, "-"], stdin=subprocess.PIPE, text=True) as load:
        load.stdin.write(lines(range(3_500), 3))
        load.stdin.flush()
        wait_for(lambda: read(loading)[1].get("frames", 0) >= 3)
        load.send_signal(signal.SIGKILL)
    compare("killed while loading", loading)
    for killed in [file, loading]:
        ok("set", killed, "after", '{"age": 1}')
        compare("recovered", killed)


def wait_for(holds):
    for _ in range(600):
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError("waited a minute")


def compacted(file):
    before = os.path.getsize(file)
    ok("delete", file, "--gte", "user:2", "--lt", "user:5")
    ok("compact", file)
    summary = compare("compacted", file)
    assert summary["tombstones"] == 0 and os.path.getsize(file) < before, summary


def encrypted(cipher):
    """A key that gives way to a passphrase, a rotation, and a log; then damage to any byte."""
    file, key, passphrase = (DIRECTORY / f"{cipher}.{ending}" for ending in ("db", "key", "passphrase"))
    key.write_bytes(RANDOM.randbytes(32))
    passphrase.write_text("drei Wörter genügen nicht\n")
    by_key, by_passphrase = ("--key-file", key), ("--passphrase-file", passphrase)
    ok("load", file, "-", *by_key, "--cipher", cipher, input=lines(range(0, DOCUMENTS, 20), 1))
    ok("index", file, "create", "age", *by_key)
    compare(f"{cipher}, by a key", file, *by_key)
    ok("change-key", file, *by_key, "--new-passphrase-file", passphrase, "--argon2", "256,2,2")
    compare(f"{cipher}, by a passphrase", file, *by_passphrase)
    ok("load", file, "-", *by_passphrase, input=lines(range(0, DOCUMENTS, 60), 2))
    ok("rotate-key", file, *by_passphrase)
    compare(f"{cipher}, rotated", file, *by_passphrase)
    expect_refusal(file, by_key)
    command = [PROGRAM, "repl", file, *by_passphrase]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as repl:
        for number in range(50):
            repl.stdin.write(f'SET tail:{number} {{"age": {number}}}\n')
            repl.stdin.flush()
            repl.stdout.readline()
        repl.send_signal(signal.SIGKILL)
    summary = compare(f"{cipher}, killed", file, *by_passphrase)
    assert summary["frames"] >= 40
    exported(f"{cipher}, killed", file, summary.printed, *by_passphrase)
    flip_bits(file, by_passphrase)


def expect_refusal(file, secret):
    """What opened the file before does not open it any more."""
    refused = cli("dump", file, *secret)
    assert refused.returncode not in (0, EXIT_DAMAGED) and not refused.stdout, refused
    try:
        read(file, *secret)
    except AssertionError as refusal:
        assert "not that of this database" in str(refusal), refusal
    else:
        raise AssertionError("the reader opens it")


def flip_bits(file, secret):
    """Of an encrypted file: damage is found, or does not matter."""
    whole, (expected, _) = file.read_bytes(), read(file, *secret)
    copy, found = DIRECTORY / "flipped.db", 0
    for _ in range(60):
        flipped = bytearray(whole)
        flipped[RANDOM.randrange(len(flipped))] ^= 1 << RANDOM.randrange(8)
        copy.write_bytes(flipped)
        printed, _ = read(copy, *secret)
        found += printed == "damaged"
        assert printed in ("damaged", expected, expected_without_tail(expected)), "damage goes unseen"
    assert found, "no damage was found"


def expected_without_tail(printed):
    """What is left when the last commit counts as a torn tail."""
    return "".join(line for line in printed.splitlines(keepends=True) if '"tail:49"' not in line)


def damaged(file):
    """Whatever bit is flipped, no wrong document is printed. In the log both tell damage from a torn tail."""
    whole, (expected, _) = file.read_bytes(), read(file)
    copy = DIRECTORY / "damaged.db"
    used = [offset for offset, byte in enumerate(whole) if byte != 0]
    found = 0
    for offset in RANDOM.sample(used, 300):
        flipped = bytearray(whole)
        flipped[offset] ^= 1 << RANDOM.randrange(8)
        copy.write_bytes(flipped)
        printed, _ = read(copy)
        found += printed == "damaged"
        assert printed in ("damaged", expected, without_last(expected)), offset
    frames = frame_offsets(file)
    for index, torn in [(len(frames) - 1, True), (len(frames) // 2, False), (0, False)]:
        zeroed = bytearray(whole)
        zeroed[frames[index] : frames[index] + 64] = bytes(64)
        copy.write_bytes(zeroed)
        if torn:
            compare("torn tail", copy)
        else:
            assert read(copy)[0] == "damaged" and cli("dump", copy).returncode == EXIT_DAMAGED, index
    print(f"damage: {found} of 300 flipped bits found, the others lie in spare copies, free blocks or the last commit")


def without_last(printed):
    """What is left when the last commit counts as a torn tail."""
    return "".join(line for line in printed.splitlines(keepends=True) if "small:19" not in line)


def frame_offsets(file):
    """Where the frames of the log are."""
    found = []

    class Watched(reader.Reader):
        def replay(self, segment, versions):
            position, end = 128, super().replay(segment, versions)
            while position < end:
                found.append(segment.address + position)
                length = int.from_bytes(segment.data[position + 4 : position + 8], "little")
                position += -(-(64 + length) // 16) * 16
            return end

    list(Watched(os.open(file, os.O_RDONLY)).live(0))
    return found


def group_cut_short(file):
    """The last commits of a file as a group that goes on: all of it is dropped, and what comes before stays."""
    whole, copy = bytearray(file.read_bytes()), DIRECTORY / "cut.db"
    *_, before, last = frame_offsets(file)
    opened = reader.Reader(os.open(file, os.O_RDONLY))
    list(opened.live(0))
    tag = None
    for offset in (before, last):
        length = int.from_bytes(whole[offset + 4 : offset + 8], "little")
        whole[offset + 3] |= reader.GOES_ON >> 8
        if tag:
            whole[offset + 40 : offset + 48] = tag[:8]
        number = int.from_bytes(whole[offset + 16 : offset + 24], "little")
        tag = opened.tag_of(bytes(whole[offset : offset + 64 + length]), reader.FRAME, opened.root.generation, number)
        whole[offset + 48 : offset + 64] = tag
    copy.write_bytes(whole)
    documents = compare("a group that was cut short", copy)["documents"]
    assert documents == read(file)[1]["documents"] - 2, documents


def small_with_log():
    """A small file with tables, three indexes and a log of single commits, none of it closed."""
    file = DIRECTORY / "small.db"
    ok("load", file, "-", input=lines(range(1, 40), 1))
    ok("index", file, "create", "address.city")
    with subprocess.Popen([PROGRAM, "repl", file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as repl:
        for number in range(20):
            repl.stdin.write(f'SET small:{number} {{"address": {{"city": "{number}"}}}}\n')
            repl.stdin.flush()
            repl.stdout.readline()
        repl.send_signal(signal.SIGKILL)
    compare("small", file)
    return file


def changes(file):
    """What commits have noted, of several sessions, and of one that noted nothing."""
    kept = ("--change-history", 3600)
    ok("load", file, "-", *kept, input=lines(range(3_000), 1))
    ok("set", file, "single", "1", *kept, "--ttl", "3600")
    ok("delete", file, "single", *kept)
    ok("index", file, "create", "age", *kept)
    compare_changes("loaded", file, 0, 2_800)
    ok("delete", file, "--prefix", "user:1", *kept)
    compare_changes("deleted", file, 4, 2)
    with subprocess.Popen([PROGRAM, "repl", file, *map(str, kept)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as repl:
        for number in range(20):
            repl.stdin.write(f"SET tail:{number} {number}\n")
            repl.stdin.flush()
            repl.stdout.readline()
        repl.send_signal(signal.SIGKILL)
    compare_changes("killed", file, 0, 2_820)
    ok("set", file, "unnoted", "1")
    assert changes_of(file, 0) == "lost" and cli("changes", file, "--since", 0).returncode == 3
    ok("set", file, "noted", "1", *kept)
    newest = json.loads(ok("info", file, "--json"))["version"]
    assert changes_of(file, newest - 2) == "lost" and cli("changes", file, "--since", newest - 2).returncode == 3
    compare_changes("begun anew", file, newest - 1, 1)
    compare("with a change history", file)


def changes_of(file, since):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        reader.main([str(file), "--changes", str(since)])
    return out.getvalue()


def compare_changes(what, file, since, least):
    """Both must tell the same changes."""
    told = ok("changes", file, "--since", since)
    assert changes_of(file, since) == told, f"{what}: the reader and changes differ; the file is {file}"
    count = told.count("\n")
    assert count >= least, (what, count)
    print(f"changes, {what}: {count} alike")


def main():
    gc.disable()  # millions of tuples without a cycle among them, which the collector would visit over and over
    golden.compare_all(DIRECTORY)
    file = DIRECTORY / "large.db"
    several_levels(file)
    collections(DIRECTORY / "collections.db")
    log_tail(file)
    compacted(file)
    large_lists_and_bytes(DIRECTORY / "parts.db")
    small = small_with_log()
    group_cut_short(small)
    damaged(small)
    changes(DIRECTORY / "changes.db")
    for cipher in ("aes-256-gcm", "chacha20-poly1305"):
        encrypted(cipher)
    print("the reader agrees with the program")


if __name__ == "__main__":
    main()
