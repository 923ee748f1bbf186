// A file in chunks against an array of bytes, and what is to be stored against what is there.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Chunks } from "../dist/storage/chunks.js";
import { randomOf } from "./support/stream.mjs";

const SIZE = 8;

/** What IndexedDB has after changes were done, in their order. */
function store(stored, { length, removedFrom, written }) {
  stored.length = length;
  for (const number of [...stored.chunks.keys()]) if (removedFrom !== undefined && number >= removedFrom) stored.chunks.delete(number);
  for (const [number, bytes] of written) stored.chunks.set(number, new Uint8Array(bytes.slice(0)));
}

/** The file as the next opening finds it. */
function reopened({ length, chunks }) {
  const found = [];
  for (const [number, bytes] of chunks) found[number] = bytes.slice();
  return new Chunks(SIZE, length, found);
}

function content(chunks) {
  const bytes = new Uint8Array(chunks.length);
  // What is read into is not empty.
  bytes.fill(0xee);
  assert.equal(chunks.read(bytes, 0), chunks.length);
  return [...bytes];
}

test("chunks are the file that was written, before and after it was stored", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = randomOf(seed);
    let chunks = new Chunks(SIZE);
    let model = [];
    const stored = { length: 0, chunks: new Map() };
    for (let step = 0; step < 60; step++) {
      const roll = random.below(10);
      if (roll < 5) {
        const at = random.below(70);
        const bytes = Array.from({ length: random.below(30) }, () => 1 + random.below(255));
        const end = at + bytes.length;
        const before = chunks.bytes;
        const grows = chunks.growth(Math.max(end, chunks.length));
        chunks.write(Uint8Array.from(bytes), at);
        while (model.length < end) model.push(0);
        bytes.forEach((byte, index) => (model[at + index] = byte));
        assert.equal(chunks.bytes, before + grows);
      } else if (roll < 7) {
        const length = random.below(90);
        chunks.truncate(length);
        model = Array.from({ length }, (_, index) => model[index] ?? 0);
      } else if (roll < 9) {
        store(stored, chunks.takeChanges());
        assert.equal(chunks.isChanged, false);
      } else {
        store(stored, chunks.takeChanges());
        chunks = reopened(stored);
      }
      assert.deepEqual(content(chunks), model, `seed ${seed}, step ${step}`);
      const at = random.below(100);
      const part = new Uint8Array(random.below(20));
      const count = chunks.read(part, at);
      assert.deepEqual([...part.subarray(0, count)], model.slice(at, at + part.length), `seed ${seed}, step ${step}`);
    }
    store(stored, chunks.takeChanges());
    assert.deepEqual(content(reopened(stored)), model, `seed ${seed}, reopened`);
  }
});
