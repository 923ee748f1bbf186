// Bad input: each is rejected with its code, and the database stays as it was.
import { equal, ok, rejects } from "../support/assert.mjs";

const cyclic = { a: [{}] };
cyclic.a[0].self = cyclic;
const sparse = [1, , 3]; // eslint-disable-line no-sparse-arrays
const deep = (levels) => {
  let value = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};

const badKeys = ["", undefined, null, 5, 5n, {}, [], Symbol("s"), "x".repeat(4097), "é".repeat(2049), "漢".repeat(1366), "half \ud800", "\udc00 half"];

const badDocuments = [
  [undefined, /\$ is undefined/],
  [() => 1, /\$ is a function/],
  [Symbol("s"), /\$ is a symbol/],
  [1n, /\$ is a BigInt/],
  [NaN, /\$ is NaN/],
  [{ a: { b: [0, 1, 2, Infinity] } }, /\$\.a\.b\[3\] is Infinity/],
  [{ "not a name": -Infinity }, /\$\["not a name"\] is -Infinity/],
  [[1, undefined], /\$\[1\] is undefined/],
  [sparse, /\$\[1\] is undefined/],
  [{ f() {} }, /\$\.f is a function/],
  [{ n: 10n ** 30n }, /\$\.n is a BigInt/],
  [{ m: new Map() }, /\$\.m is a Map/],
  [new Set([1]), /\$ is a Set/],
  [{ w: new WeakMap() }, /\$\.w is a WeakMap/],
  [{ bytes: new Uint8Array(3) }, /\$\.bytes is a Uint8Array/],
  [new ArrayBuffer(3), /\$ is a ArrayBuffer/],
  [new Uint16Array(3), /\$ is a Uint16Array/],
  [[/x/], /\$\[0\] is a RegExp/],
  [new Error("x"), /\$ is a Error/],
  [Promise.resolve(1), /\$ is a Promise/],
  [new Number(1), /\$ is a Number/],
  [new Date(NaN), /\$ is an invalid Date/],
  [cyclic, /\$\.a\[0\]\.self is the same object/],
  [deep(128), /nested deeper than 127/],
  ["half \udfff", /\$ is a string with half a surrogate pair/],
  [{ "\ud800": 1 }, /half a surrogate pair/],
  [{ toJSON: () => undefined }, /\$ is undefined/],
  [{ get a() { throw new Error("no reading"); } }, /no reading/],
];

export default [
  {
    name: "keys that cannot be keys",
    async run({ open, Transaction }) {
      const db = await open();
      await db.set("kept", 1);
      for (const key of badKeys) {
        const name = String(key).slice(0, 20);
        for (const verb of ["get", "has", "delete", "ttl", "persist"]) await rejects(db[verb](key), "InvalidKey", /./, `${verb} ${name}`);
        await rejects(db.set(key, 1), "InvalidKey", /./, name);
        await rejects(db.setEx(key, 1, 1), "InvalidKey", /./, name);
        await rejects(db.setMany([[key, 1]]), "InvalidKey", /./, name);
        await rejects(db.getMany(["kept", key]), "InvalidKey", /./, name);
        await rejects(db.expire(key, 1), "InvalidKey", /./, name);
        await rejects((async () => new Transaction().set(key, 1))(), "InvalidKey", /./, name);
        await rejects((async () => new Transaction().delete(key))(), "InvalidKey", /./, name);
      }
      equal(await db.entries(), [["kept", 1]]);
      for (const key of ["x".repeat(4096), "é".repeat(2048), "\u0000", " ", "__proto__", "a/b\\c", "😀"]) {
        await db.set(key, key.length);
        equal(await db.get(key), key.length);
      }
    },
  },
  {
    name: "documents that are not JSON",
    async run({ open, Transaction }) {
      const db = await open();
      await db.set("k", "kept");
      for (const [document, pattern] of badDocuments) {
        await rejects(db.set("k", document), "InvalidValue", pattern);
        await rejects(db.setEx("k", document, 5), "InvalidValue", pattern);
        await rejects(db.setMany([["a", 1], ["k", document]]), "InvalidValue", pattern);
        await rejects((async () => db.commit(new Transaction().set("a", 1).set("k", document)))(), "InvalidValue", pattern);
      }
      equal(await db.entries(), [["k", "kept"]]);
      await db.set("k", deep(127));
      equal(await db.get("k"), deep(127));
      const shared = { n: 1 };
      await db.set("k", [shared, shared]);
      equal(await db.get("k"), [shared, shared], "the same object twice is no cycle");
    },
  },
  {
    name: "documents that are too large",
    async run({ open }) {
      const db = await open();
      await db.set("k", "kept");
      await rejects(db.set("k", "x".repeat(64 << 20)), "TooLarge", /64|67108863/);
      equal(await db.get("k"), "kept");
      equal(await db.set("k2", 1).then((version) => version > 0), true);
    },
  },
  {
    name: "ranges that are not ranges",
    async run({ open }) {
      const db = await open();
      await db.set("k", 1);
      for (const range of [null, 5, "k", [], { from: "a" }, { gt: 1 }, { gt: "a", gte: "a" }, { lt: "a", lte: "a" }, { limit: -1 }, { limit: 1.5 }, { limit: NaN }, { limit: Infinity }, { limit: "1" }, { reverse: "yes" }, { prefix: 5 }, { gt: null }, { gt: "\ud800" }, { gt: "x".repeat(5000) }]) {
        const name = JSON.stringify(range)?.slice(0, 40);
        for (const verb of ["count", "keys", "values", "entries", "deleteRange"]) await rejects(db[verb](range), "InvalidRange", /./, `${verb} ${name}`);
        await rejects(db.scan(range).next(), "InvalidRange", /./, name);
      }
      equal(await db.count(), 1);
    },
  },
  {
    name: "options that are not options",
    async run({ open, Ferrolite, name, list }) {
      const db = await open();
      for (const options of [{ tttl: 1 }, { ttl: 0 }, { ttl: -1 }, { ttl: NaN }, { ttl: Infinity }, { ttl: "1" }, { ttl: 1e12 }, { ttl: null }, null, 5, []]) {
        await rejects(db.set("k", 1, options), "InvalidOptions", /./, JSON.stringify(options));
        await rejects(db.setMany([["k", 1]], options), "InvalidOptions", /./, JSON.stringify(options));
      }
      for (const seconds of [0, -1, NaN, Infinity, "1", undefined, null, 1e12]) {
        await rejects(db.setEx("k", 1, seconds), "InvalidOptions", /./, String(seconds));
        await rejects(db.expire("k", seconds), "InvalidOptions", /./, String(seconds));
      }
      await rejects(db.check({ ful: true }), "InvalidOptions", /ful/);
      await rejects(db.check({ full: 1 }), "InvalidOptions");
      equal(await db.count(), 0);
      for (const options of [{ durabilty: "never" }, { durability: "sometimes" }, { durability: { periodic: 0 } }, { durability: { periodic: -5 } }, { durability: { periodic: 5, x: 1 } }, { cacheSize: -1 }, { cacheSize: "8" }, { memtableSize: 1.5 }, { compression: "zip" }, { readOnly: 1 }, { create: "no" }, { storage: "tape" }, { storage: 5 }, { allowMemory: 1 }, { memoryLimit: 5 }, { memoryLimit: "9999999" }, { create: () => {} }, null, 5, "never"]) {
        await rejects(Ferrolite.open(`${name}-none`, options), "InvalidOptions", /./, JSON.stringify(options));
      }
      const foreign = typeof process === "undefined" ? "file" : "indexeddb";
      await rejects(Ferrolite.open(`${name}-none`, { storage: foreign }), "Unsupported", /memory/);
      for (const bad of ["", undefined, null, 5, {}, "\ud800"]) {
        await rejects(Ferrolite.open(bad), "InvalidOptions", /name/);
        await rejects(Ferrolite.delete(bad), "InvalidOptions", /name/);
      }
      ok(!(await list()).some((found) => found.endsWith("-none")), "nothing was made");
    },
  },
  {
    name: "arguments that are no lists, no pairs, no transactions",
    async run({ open }) {
      const db = await open();
      for (const keys of [undefined, null, 5, {}, "ab"]) await rejects(db.getMany(keys), "InvalidKey");
      for (const entries of [undefined, null, 5, {}, "ab", [5], [["a"]], [["a", 1, 2]], [{ key: "a" }]]) await rejects(db.setMany(entries), "InvalidValue");
      for (const transaction of [undefined, null, {}, [], { text: () => "[]" }]) await rejects(db.commit(transaction), "InvalidTransaction", /new Transaction/);
      equal(await db.count(), 0);
    },
  },
  {
    name: "an error says where the call was made",
    async run({ open }) {
      const db = await open();
      // Firefox tells that in nobody's errors.
      const later = () => Promise.resolve().then(() => { throw new Error(); });
      async function where() {
        await later();
      }
      const { stack } = await where().catch((error) => error);
      async function whereItWasCalled() {
        await db.count({ gt: "a", gte: "a" });
      }
      const error = await rejects(whereItWasCalled(), "InvalidRange");
      ok(error instanceof Error && (error.stack.includes("whereItWasCalled") || !stack.includes("where")), error.stack);
      equal(String(error).startsWith("FerroliteError: "), true);
    },
  },
];
