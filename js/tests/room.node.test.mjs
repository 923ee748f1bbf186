// Growing files against what a browser says of its quota.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Room } from "../dist/storage/room.js";

const KIB = 1 << 10;

/** A browser that says how much is used, and keeps a sixteenth free: 1,600 KiB, of which 1,500 may be used. */
function browser() {
  const state = { quota: 1600 * KIB, usage: 0 };
  return { state, room: new Room(async () => ({ ...state })) };
}

test("files grow up to the margin of the quota", async () => {
  const { room } = browser();
  await room.ask();
  assert.equal(room.take(1500 * KIB), true);
  assert.equal(room.take(1), false);
});

test("a browser that tells nothing lets files grow", async () => {
  const room = new Room(async () => ({}));
  await room.ask();
  assert.equal(room.take(Number.MAX_SAFE_INTEGER), true);
});

test("what files gave back they can take again, though the browser counts it for a while", async () => {
  const { state, room } = browser();
  await room.ask();
  assert.equal(room.take(1500 * KIB), true);
  state.usage = 1500 * KIB;
  room.give(300 * KIB);
  await room.ask();
  assert.equal(room.take(100 * KIB), true);
  await room.ask();
  assert.equal(room.take(201 * KIB), false);
  assert.equal(room.take(200 * KIB), true);
  await room.ask();
  assert.equal(room.take(1), false);
});

test("what the browser has counted as given back is room but once", async () => {
  const { state, room } = browser();
  await room.ask();
  room.take(1500 * KIB);
  room.give(300 * KIB);
  state.usage = 1200 * KIB;
  await room.ask();
  assert.equal(room.take(301 * KIB), false);
  // Others take it.
  state.usage = 1500 * KIB;
  await room.ask();
  assert.equal(room.take(1), false);
});
