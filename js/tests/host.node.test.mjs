// The engine's file system over a host of the test's own: every error a host may throw, and counts that are none.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";

import init, { Connection } from "../dist/protocol/ferrolite.js";

before(() => init({ module_or_path: readFileSync(new URL("../dist/ferrolite_bg.wasm", import.meta.url)) }));

/** A host whose one file is in memory; `more` of the handle or the host is different. */
function host({ handle = {}, ...more } = {}) {
  const file = { bytes: new Uint8Array(0), open: 0, options: new Set() };
  const grow = (length) => {
    const bytes = new Uint8Array(length);
    bytes.set(file.bytes.subarray(0, length));
    file.bytes = bytes;
  };
  const made = {
    read(buffer, options) {
      file.options.add(options);
      const part = file.bytes.subarray(options.at, options.at + buffer.length);
      buffer.set(part);
      return part.length;
    },
    write(bytes, options) {
      file.options.add(options);
      if (options.at + bytes.length > file.bytes.length) grow(options.at + bytes.length);
      file.bytes.set(bytes, options.at);
      return bytes.length;
    },
    truncate: grow,
    getSize: () => file.bytes.length,
    flush() {},
    close: () => file.open--,
    ...handle,
  };
  const open = async () => {
    file.open++;
    return made;
  };
  return { file, handle: made, exclusive: true, open, remove: async () => {}, list: async () => [], ...more };
}

const open = (over, options = {}) => Connection.open(over, "db", options);
const message = (...calls) => new TextEncoder().encode(JSON.stringify(calls));
const send = (connection, ...calls) => JSON.parse(new TextDecoder().decode(connection.execute(0, 0, false, 0, message(...calls))));
const throwing = (error) => () => {
  throw error;
};

test("errors of opening are told by their names and codes", async () => {
  for (const [thrown, code] of [
    [new DOMException("x", "NoModificationAllowedError"), "Locked"],
    [new DOMException("x", "NotFoundError"), "NotFound"],
    [new DOMException("x", "QuotaExceededError"), "StorageFull"],
    [new DOMException("x", "NotAllowedError"), "ReadOnly"],
    [new DOMException("x", "SecurityError"), "ReadOnly"],
    [new DOMException("x", "UnknownError"), "Io"],
    [Object.assign(new Error("x"), { code: "Locked" }), "Locked"],
    [Object.assign(new Error("x"), { code: "ENOENT" }), "NotFound"],
    [Object.assign(new Error("x"), { code: "EACCES" }), "ReadOnly"],
    [Object.assign(new Error("x"), { code: "EROFS" }), "ReadOnly"],
    [Object.assign(new Error("x"), { code: "ENOSPC" }), "StorageFull"],
    [Object.assign(new Error("x"), { code: "EDQUOT" }), "StorageFull"],
    [Object.assign(new Error("x"), { code: "EIO" }), "Io"],
    [new TypeError("x"), "Io"],
    ["a string", "Io"],
    [undefined, "Io"],
    [null, "Io"],
  ]) {
    for (const over of [host({ open: throwing(thrown) }), host({ open: () => Promise.reject(thrown) })]) {
      await assert.rejects(open(over), (error) => {
        assert.equal(error.code, code, String(thrown));
        assert.ok(error.message.length > 0 && !(error instanceof Error));
        return true;
      });
    }
  }
});

test("a handle that cannot be measured is closed again", async () => {
  const over = host({ handle: { getSize: throwing(new DOMException("x", "InvalidStateError")) } });
  await assert.rejects(open(over), { code: "Io" });
  assert.equal(over.file.open, 0);
});

test("a count that is not the length means that the storage is full", async () => {
  for (const count of [4294967288, 0, 7, NaN, -1]) {
    const over = host();
    const connection = await open(over);
    send(connection, ["set", "a", 1]);
    const { write } = over.handle;
    over.handle.write = () => count;
    const [[kind, error]] = send(connection, ["set", "a", 2]);
    assert.equal(kind, 1);
    assert.ok(["StorageFull", "Failed"].includes(error.code), error.code);
    assert.match(error.message, /no space left/);
    over.handle.write = write;
    assert.deepEqual(send(connection, ["get", "a"]), [[0, 1]]);
    try {
      connection.close();
    } catch (thrown) {
      assert.equal(thrown.code, "Failed");
    }
    assert.equal(over.file.open, 0);
    const again = await open(over);
    assert.deepEqual(send(again, ["get", "a"]), [[0, 1]]);
    again.close();
  }
});

test("a count beyond what was asked for is an error, not data", async () => {
  const over = host();
  const connection = await open(over);
  send(connection, ["set", "a", 1]);
  connection.close();
  over.handle.read = () => 4294967288;
  await assert.rejects(open(over), { code: "Io" });
});

test("one object says where to read and write, and the length is not asked for again", async () => {
  let asked = 0;
  const over = host();
  const { getSize } = over.handle;
  over.handle.getSize = () => {
    asked++;
    return getSize();
  };
  const connection = await open(over);
  for (let n = 0; n < 100; n++) send(connection, ["set", `k${n}`, "x".repeat(1000)]);
  assert.equal(over.file.options.size, 1);
  assert.ok(asked <= 2, `${asked} times`);
  connection.close();
});

test("buffers stay right while the memory of wasm grows", async () => {
  const over = host();
  const connection = await open(over, { cacheSize: 1 << 20, memtableSize: 1 << 20 });
  const text = (n) => String.fromCharCode(97 + (n % 26)).repeat(400_000 + n);
  for (let n = 0; n < 60; n++) {
    assert.equal(send(connection, ["set", `k${n}`, text(n)])[0][0], 0);
    while (connection.maintain(1 << 20));
  }
  const keys = Array.from({ length: 60 }, (_, n) => `k${n}`);
  const [[, found]] = send(connection, ["getMany", keys]);
  found.forEach(([document], n) => assert.ok(document === text(n), `k${n}`));
  connection.close();
});

test("options are checked before the file is opened", async () => {
  const over = host({ open: () => assert.fail() });
  for (const options of [{ cacheSize: "big" }, { what: 1 }, null, 5, [], { durability: { periodic: 0 } }, { encryption: {} }]) {
    await assert.rejects(open(over, options), { code: "InvalidOptions" });
  }
});

test("what is not a message is an error of the message", async () => {
  const connection = await open(undefined);
  for (const bytes of [new Uint8Array([0xff, 0xfe]), new Uint8Array(0), new TextEncoder().encode("{}")]) {
    assert.throws(() => connection.execute(0, 0, false, 0, bytes), { code: "Internal" });
  }
  assert.deepEqual(send(connection, ["count", {}]), [[0, 0]]);
  connection.close();
  assert.equal(send(connection, ["count", {}])[0][1].code, "Closed");
});
