// Documents that are bytes, whole and in pieces.
import { equal, ok, rejects } from "../support/assert.mjs";

const noise = (length, seed = 1) => {
  let state = seed;
  return Uint8Array.from({ length }, () => (state = (state * 1103515245 + 12345) & 0x7fffffff) >> 16);
};

const same = (found, expected, what) => {
  ok(found instanceof Uint8Array, `${what}: a Uint8Array`);
  ok(found.length === expected.length && found.every((byte, at) => byte === expected[at]), `${what}: its bytes`);
};

const readAll = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

/** A class with a `slice()` that is a view, as that of Node's `Buffer`. */
class Viewed extends Uint8Array {
  slice(...range) {
    return this.subarray(...range);
  }
}

/** Ways to have four bytes, all 1, in a buffer that is used again. */
const kinds = {
  "a Uint8Array": () => new Uint8Array(4).fill(1),
  "a part of a larger one": () => new Uint8Array(8).fill(1).subarray(2, 6),
  "a class of its own": () => new Viewed(4).fill(1),
  ...(typeof SharedArrayBuffer === "undefined" ? {} : { "shared memory": () => new Uint8Array(new SharedArrayBuffer(4)).fill(1) }),
  ...("resize" in ArrayBuffer.prototype ?
    { "a buffer that may grow": () => new Uint8Array(new ArrayBuffer(4, { maxByteLength: 64 })).fill(1) }
  : {}),
  ...(typeof Buffer === "undefined" ? {} : { "Node's Buffer": () => Buffer.alloc(4, 1), "a part of it": () => Buffer.alloc(8, 1).subarray(2, 6) }),
};

export default [
  {
    name: "bytes are those of the moment of the call",
    async run({ open, Transaction }) {
      const db = await open();
      const checked = db.collection("checked", { validate: { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } } });
      /** Writes bytes, and changes them before anybody waits for the write. */
      const writes = {
        set: (key, bytes) => db.set(key, bytes),
        "set with a condition": (key, bytes) => db.set(key, bytes, { ifAbsent: true }),
        setEx: (key, bytes) => db.setEx(key, bytes, 60),
        setMany: (key, bytes) => db.setMany([[key, bytes]]),
        "a validated set": (key, bytes) => checked.set(key, bytes),
        "tx.set": (key, bytes) => db.transaction((tx) => {
          const writing = tx.set(key, bytes.fill(1));
          bytes.fill(9);
          return writing;
        }),
        commit: (key, bytes) => {
          const transaction = new Transaction().set(key, bytes);
          bytes.fill(9);
          return db.commit(transaction);
        },
      };
      for (const [kind, make] of Object.entries(kinds)) {
        for (const [verb, write] of Object.entries(writes)) {
          const key = `${verb}, ${kind}`;
          const bytes = make();
          const writing = write(key, bytes);
          bytes.fill(9);
          await writing;
          same((await (verb === "a validated set" ? checked : db).get(key)), [1, 1, 1, 1], key);
        }
        await db.setStream(kind, (function* () {
          const bytes = make();
          yield bytes;
          yield bytes.fill(9);
        })());
        same(await db.get(kind), [1, 1, 1, 1, 9, 9, 9, 9], `setStream, ${kind}`);
      }
    },
  },
  {
    name: "bytes that are read are the reader's own",
    async run({ open }) {
      const db = await open();
      await db.setMany([["a", new Uint8Array(4).fill(1)], ["b", noise(50_000)]]);
      for (const key of ["a", "b"]) {
        const [once, ...more] = [await db.get(key), ...(await db.getMany([key, key])), (await db.entries({ prefix: key }))[0][1]];
        const before = once.slice();
        once.fill(7);
        for (const other of more) {
          same(other, before, key);
          ok(other.buffer !== once.buffer, "a buffer of its own");
          other.fill(8);
        }
        same(await db.get(key), before, `${key} again`);
      }
    },
  },
  {
    name: "bytes that are gone are an error",
    async run({ open, Transaction }) {
      const db = await open();
      const gone = new Uint8Array(4);
      structuredClone(gone, { transfer: [gone.buffer] });
      await rejects(db.set("k", gone), "InvalidValue", /transferred/);
      await rejects((async () => new Transaction().set("k", gone))(), "InvalidValue", /transferred/);
      for (const view of [new DataView(new ArrayBuffer(4)), new Uint16Array(2)]) await rejects(db.set("k", view), "InvalidValue", /Uint8Array/);
      equal(await db.has("k"), false);
    },
  },
  {
    name: "bytes are documents",
    async run({ open, Transaction, persistent }) {
      let db = await open();
      const small = new Uint8Array([0, 255, 10, 0]);
      const large = noise(200_000);
      const changing = small.slice();
      const stored = db.set("a", changing);
      changing.fill(9);
      ok((await stored) > 0);
      await db.setMany([["b", { n: 1 }], ["c", large]], { ttl: 3600 });
      await db.setEx("d", new Uint8Array(0), 3600);
      const transaction = new Transaction().set("e", small.subarray(1, 3)).set("f", [1]).set("g", large, { ttl: 60 });
      await db.commit(transaction);
      await rejects(db.set("a", small, { ifAbsent: true }), "Conflict");
      for (let round = 0; round < 2; round++) {
        same(await db.get("a"), small, "get");
        same(await db.get("c"), large, "get");
        same(await db.get("d"), new Uint8Array(0), "get");
        const [c, none, b, e] = await db.getMany(["c", "none", "b", "e"]);
        same(c, large, "getMany");
        same(e, Uint8Array.of(255, 10), "getMany");
        equal([none, b], [undefined, { n: 1 }]);
        const [first, second, third] = await db.values();
        same(first, small, "values");
        same(third, large, "values");
        equal(second, { n: 1 });
        const scanned = [];
        for await (const [key, document] of db.scan({ gte: "b" })) scanned.push([key, document.length ?? document]);
        equal(scanned, [["b", { n: 1 }], ["c", 200_000], ["d", 0], ["e", 2], ["f", 1], ["g", 200_000]]);
        same((await db.entries({ prefix: "g" }))[0][1], large, "entries");
        ok((await db.ttl("c")) > 3000 && (await db.ttl("g")) <= 60);
        equal(await db.find("n", 1), ["b"]);
        await db.createIndex("n");
        if (!persistent) continue;
        await db.close();
        db = await open();
      }
      await db.transaction(async (tx) => {
        same(await tx.get("a"), small, "tx.get");
        await tx.set("h", await tx.get("c"));
        same(await tx.get("h"), large, "its own write");
        same((await tx.getMany(["h"]))[0], large, "tx.getMany");
        same((await tx.entries({ prefix: "h" }))[0][1], large, "tx.entries");
      });
      same(await db.get("h"), large, "after the transaction");
      await rejects(db.increment("a"), "InvalidValue", /bytes/);
      await rejects(db.set("k", { nested: small }), "InvalidValue", /Uint8Array/);
      await rejects(db.set("k", new Uint8Array(64 << 20)), "TooLarge");
      await rejects(db.set("", small), "InvalidKey");
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "bytes go in and out in pieces",
    async run({ open }) {
      const db = await open({ memtableSize: 1 << 20 });
      const bytes = noise(3_500_000);
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += 100_001) yield bytes.subarray(at, at + 100_001);
      }
      ok((await db.setStream("a", pieces())) > 0);
      await db.setStream("b", new Blob([bytes]), { ttl: 3600 });
      await db.setStream("c", new Blob([bytes]).stream());
      await db.setStream("d", []);
      for (const key of ["a", "b", "c"]) {
        same(await db.get(key), bytes, key);
        same(await readAll(await db.getStream(key)), bytes, key);
      }
      same(await readAll(await db.getStream("d")), new Uint8Array(0), "nothing");
      equal(await db.getStream("none"), undefined);
      ok((await db.ttl("b")) > 3000);
      // What is read stays what it was.
      const stream = await db.getStream("a");
      const reader = stream.getReader();
      const first = (await reader.read()).value;
      await db.delete("a");
      await db.compact();
      let length = first.length;
      for (let next; !(next = await reader.read()).done; ) length += next.value.length;
      equal(length, bytes.length);
      await (await db.getStream("b")).cancel();
      await db.set("json", 1);
      await rejects(db.getStream("json"), "InvalidValue", /bytes/);
      const bad = async function* () {
        yield bytes;
        throw new Error("of the caller's");
      };
      let thrown;
      await db.setStream("b", bad()).catch((error) => (thrown = error));
      equal(thrown?.message, "of the caller's");
      same(await db.get("b"), bytes, "what was there stays");
      await rejects(db.setStream("e", ["text"]), "InvalidValue", /Uint8Array/);
      for (const source of [5, null, undefined, {}, bytes]) await rejects(db.setStream("e", source), "InvalidValue");
      await rejects(db.setStream("", [bytes]), "InvalidKey");
      equal(await db.has("e"), false);
      equal((await db.check({ full: true })).problems, []);
    },
  },
];
