// The verbs that read and write documents.
import { equal, ok, rejects } from "../support/assert.mjs";

export default [
  {
    name: "a document that was set is read back",
    async run({ open }) {
      const db = await open();
      const document = { name: "alice", tags: ["a", null, true, -1.5e-7, ""], nested: { "with space": { "é ü 漢 😀": "\u0000\n\"\\" } } };
      const version = await db.set("user:1", document);
      ok(version > 0);
      equal(await db.get("user:1"), document);
      equal(await db.get("user:2"), undefined);
      ok((await db.set("user:1", "now a string")) > version, "versions grow");
      equal(await db.get("user:1"), "now a string");
    },
  },
  {
    name: "every kind of JSON value is a document",
    async run({ open }) {
      const db = await open();
      for (const document of [null, true, false, 0, -0.5, 1e300, Number.MAX_SAFE_INTEGER, "", "x", [], {}, [[[]]], { a: { b: { c: [] } } }]) {
        await db.set("k", document);
        equal(await db.get("k"), document);
      }
    },
  },
  {
    name: "undefined properties are left out, and toJSON is honoured",
    async run({ open }) {
      const db = await open();
      class Point {
        constructor(x, y) {
          this.x = x;
          this.y = y;
        }
      }
      await db.set("k", { a: 1, b: undefined, when: new Date(0), at: new Point(1, 2), [Symbol("s")]: 1, money: { toJSON: () => "5 EUR" } });
      equal(await db.get("k"), { a: 1, when: "1970-01-01T00:00:00.000Z", at: { x: 1, y: 2 }, money: "5 EUR" });
    },
  },
  {
    name: "a document is copied when set is called, not when it is sent",
    async run({ open }) {
      const db = await open();
      const document = { n: 1 };
      const done = db.set("k", document);
      document.n = 2;
      await done;
      equal(await db.get("k"), { n: 1 });
    },
  },
  {
    name: "getMany answers in the order of the keys",
    async run({ open }) {
      const db = await open();
      await db.setMany([["a", 1], ["b", null], ["c", { x: [1] }]]);
      equal(await db.getMany(["c", "none", "a", "b", "a"]), [{ x: [1] }, undefined, 1, null, 1]);
      equal(await db.getMany([]), []);
      equal(await db.getMany(new Set(["b"])), [null]);
    },
  },
  {
    name: "setMany is one commit, of any iterable of pairs",
    async run({ open }) {
      const db = await open();
      const version = await db.setMany(new Map([["a", 1], ["b", 2]]));
      for (const key of ["a", "b"]) equal((await db.getDocument(key)).version, version);
      ok((await db.set("c", 3)) > version);
      await db.setMany(Object.entries({ d: 4, a: "again" }), { ttl: 100 });
      equal(await db.entries(), [["a", "again"], ["b", 2], ["c", 3], ["d", 4]]);
      ok((await db.ttl("a")) > 90);
      await db.setMany([]);
      await rejects(db.setMany([["x", 1], ["y", undefined]]), "InvalidValue", /"y".*\$ is undefined/);
      await rejects(db.setMany([["x", 1], ["", 1]]), "InvalidKey");
      equal(await db.has("x"), false, "all or nothing");
    },
  },
  {
    name: "delete, has and count",
    async run({ open }) {
      const db = await open();
      await db.setMany([["a", 1], ["b", 2], ["c", 3]]);
      equal([await db.has("b"), await db.delete("b"), await db.delete("b"), await db.has("b")], [true, true, false, false]);
      equal([await db.count(), await db.count({ gt: "a" }), await db.count({ limit: 1 })], [2, 1, 1]);
    },
  },
  {
    name: "ranges have bounds, a prefix, a limit and a direction",
    async run({ open }) {
      const db = await open();
      await db.setMany(["a", "b", "ba", "bb", "c", "é", "漢", "😀"].map((key) => [key, key]));
      for (const [range, expected] of [
        [undefined, ["a", "b", "ba", "bb", "c", "é", "漢", "😀"]],
        [{}, ["a", "b", "ba", "bb", "c", "é", "漢", "😀"]],
        [{ gt: "b", lt: "c" }, ["ba", "bb"]],
        [{ gte: "b", lte: "c" }, ["b", "ba", "bb", "c"]],
        [{ prefix: "b" }, ["b", "ba", "bb"]],
        [{ prefix: "b", gt: "b" }, ["ba", "bb"]],
        [{ prefix: "b", reverse: true, limit: 2 }, ["bb", "ba"]],
        [{ reverse: true, limit: 1 }, ["😀"]],
        [{ limit: 0 }, []],
        [{ gt: "x", lt: "y", limit: undefined, reverse: undefined }, []],
        [{ gt: "c", lt: "a" }, []],
      ]) {
        equal(await db.keys(range), expected, JSON.stringify(range));
        equal(await db.values(range), expected, JSON.stringify(range));
        equal(await db.entries(range), expected.map((key) => [key, key]), JSON.stringify(range));
        equal(await all(db.scan(range)), expected.map((key) => [key, key]), JSON.stringify(range));
        equal(await db.count(range), expected.length, JSON.stringify(range));
      }
    },
  },
  {
    name: "deleteRange deletes a range, and says how many",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 100 }, (_, n) => [`k${String(n).padStart(2, "0")}`, n]));
      equal(await db.deleteRange({ prefix: "k5" }), 10);
      equal(await db.deleteRange({ prefix: "k5" }), 0);
      equal(await db.deleteRange({ lt: "k10", limit: 3 }), 3);
      equal(await db.count(), 87);
      await rejects(db.deleteRange(), "InvalidRange", /\{\} is all/);
      equal(await db.deleteRange({}), 87);
    },
  },
  {
    name: "scan goes page by page through one version, and can be broken off",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 3000 }, (_, n) => [`k${String(n).padStart(4, "0")}`, { n }]));
      let seen = 0;
      for await (const [key, document] of db.scan()) {
        equal([key, document], [`k${String(seen).padStart(4, "0")}`, { n: seen }]);
        if (seen === 10) await db.setMany([["k0000x", 1], ["k2999", "changed"]]);
        seen++;
      }
      equal(seen, 3000);
      for await (const [key] of db.scan({ gte: "k1", reverse: true })) {
        equal(key, "k2999");
        break;
      }
      const scan = db.scan();
      await scan.next();
      equal((await scan.return()).done, true);
    },
  },
  {
    name: "a transaction is one commit; the last write of a key wins",
    async run({ open, Transaction }) {
      const db = await open();
      await db.setMany([["a", 1], ["b", 2]]);
      const transaction = new Transaction().set("a", 10).delete("b").setEx("c", 3, 60).set("d", 4, { ttl: 60 }).set("a", 11);
      equal(transaction.size, 5);
      ok((await db.commit(transaction)) > 0);
      equal(await db.entries(), [["a", 11], ["c", 3], ["d", 4]]);
      ok((await db.ttl("c")) > 50 && (await db.ttl("d")) > 50);
      await db.commit(new Transaction());
    },
  },
  {
    name: "times to live",
    async run({ open, sleep }) {
      const db = await open();
      await db.setEx("soon", 1, 0.05);
      await db.set("later", 2, { ttl: 100 });
      await db.set("never", 3);
      const left = await db.ttl("later");
      ok(left > 99 && left <= 100, String(left));
      equal([await db.ttl("never"), await db.ttl("none")], [null, undefined]);
      await sleep(60);
      equal([await db.get("soon"), await db.has("soon"), await db.count(), await db.keys()], [undefined, false, 2, ["later", "never"]]);
      equal([await db.expire("never", 50), await db.expire("none", 50)], [true, false]);
      ok((await db.ttl("never")) > 49);
      equal([await db.persist("never"), await db.persist("never"), await db.persist("none")], [true, false, false]);
      await db.set("later", 2);
      equal(await db.ttl("later"), null, "set takes the expiry away");
    },
  },
  {
    name: "calls of one turn travel together, and are applied in their order",
    async run({ open }) {
      const db = await open();
      const before = (await db.stats()).messages;
      const calls = [];
      for (let n = 0; n < 10_000; n++) calls.push(db.set(`k${n}`, { n }));
      calls.push(db.count(), db.delete("k0"), db.get("k0"), db.set("k0", "last"), db.get("k0"));
      const results = await Promise.all(calls);
      equal(results.slice(-5), [10_000, true, undefined, results[10_003], "last"]);
      const messages = (await db.stats()).messages - before;
      ok(messages <= 4, `${messages} messages`);
    },
  },
  {
    name: "a call that fails in a batch fails alone",
    async run({ open }) {
      const db = await open();
      const results = await Promise.allSettled([db.set("a", 1), db.set("b", undefined), db.count({ gt: "a", gte: "a" }), db.set("", 1), db.set("c", 3)]);
      equal(results.map(({ status, reason }) => reason?.code ?? status), ["fulfilled", "InvalidValue", "InvalidRange", "InvalidKey", "fulfilled"]);
      equal(await db.keys(), ["a", "c"]);
    },
  },
  {
    name: "large documents and large results",
    async run({ open }) {
      const db = await open();
      const big = { text: "0123456789abcdef".repeat(1 << 18) };
      await db.set("big", big);
      ok((await db.get("big")).text === big.text);
      await Promise.all(Array.from({ length: 8 }, (_, n) => db.set(`big${n}`, big)));
      const values = await db.values();
      ok(values.length === 9 && values.every(({ text }) => text === big.text));
    },
  },
];

async function all(iterable) {
  const found = [];
  for await (const item of iterable) found.push(item);
  return found;
}
