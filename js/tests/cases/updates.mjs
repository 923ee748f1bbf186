// The verbs that read a document and write it in one commit.
import { equal, ok, rejects } from "../support/assert.mjs";

const MAX = 2n ** 63n - 1n;

/** The time to live must be about what it was. */
const stays = (ttl) => ok(ttl > 3000 && ttl <= 3600, `a time to live of ${ttl}`);

export default [
  {
    name: "a document is set only if it has a version, or if there is none",
    async run({ open }) {
      const db = await open();
      const version = await db.set("k", 1, { ifAbsent: true });
      await rejects(db.set("k", 2, { ifAbsent: true }), "Conflict", /version/);
      await rejects(db.set("k", 2, { ifVersion: version + 1 }), "Conflict");
      await rejects(db.set("k", 2, { ifVersion: 0 }), "Conflict");
      ok((await db.set("k", 2, { ifVersion: version, ttl: 3600 })) > version);
      stays(await db.ttl("k"));
      equal(await db.get("k"), 2);
      await db.set("new", 1, { ifVersion: 0 });
      await db.set("k", 3, { ifAbsent: false, ttl: undefined, ifVersion: undefined });
      equal([await db.get("k"), await db.ttl("k")], [3, null]);
      // Of calls that travel together the first one counts.
      const outcomes = await Promise.allSettled([1, 2, 3].map((n) => db.set("one", n, { ifAbsent: true })));
      equal(outcomes.map(({ status }) => status), ["fulfilled", "rejected", "rejected"]);
      equal(await db.get("one"), 1);
    },
  },
  {
    name: "the conditions of set are checked",
    async run({ open }) {
      const db = await open();
      for (const options of [{ ifVersion: -1 }, { ifVersion: 1.5 }, { ifVersion: "1" }, { ifAbsent: 1 }, { ifAbsent: true, ttl: 0 }, { ifabsent: true }]) {
        await rejects(db.set("k", 1, options), "InvalidOptions", /./, JSON.stringify(options));
      }
      await rejects(db.setMany([["k", 1]], { ifAbsent: true }), "InvalidOptions", /ifAbsent/);
      await rejects(db.set("", 1, { ifAbsent: true }), "InvalidKey");
      await rejects(db.set("k", [undefined], { ifAbsent: true }), "InvalidValue");
      equal(await db.count(), 0);
    },
  },
  {
    name: "a counter is exact over 64 bits",
    async run({ open }) {
      const db = await open();
      equal(await db.increment("n"), 1);
      equal(await db.increment("n", -43), -42);
      equal(await db.increment("n", 42n), 0);
      equal(await db.increment("n", Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
      const beyond = await db.increment("n", 2);
      ok(beyond === 9007199254740993n, `a bigint is exact: ${beyond}`);
      ok((await db.increment("n", MAX - beyond)) === MAX);
      await rejects(db.increment("n"), "InvalidValue", /64 bits/);
      ok((await db.increment("n", 0)) === MAX, "what fails changes nothing");
      ok((await db.increment("n", -MAX)) === 0);
      ok((await db.increment("n", -MAX - 1n)) === -MAX - 1n);
      await rejects(db.increment("n", -1), "InvalidValue");
      const sums = await Promise.all(Array.from({ length: 100 }, () => db.increment("together")));
      equal(sums, sums.map((_, index) => index + 1));
    },
  },
  {
    name: "what is no integer is not counted",
    async run({ open }) {
      const db = await open();
      for (const document of [1.5, "1", null, true, [1], { n: 1 }, 1e30, 2 ** 63]) {
        await db.set("k", document);
        await rejects(db.increment("k"), "InvalidValue", /integer/, JSON.stringify(document));
        equal(await db.get("k"), document);
      }
      for (const by of [0.5, NaN, Infinity, 2 ** 53, MAX + 1n, -MAX - 2n, "1", null, {}]) {
        await rejects(db.increment("n", by), "InvalidValue", /safe integer/);
      }
      await rejects(db.increment("", 1), "InvalidKey");
      equal(await db.has("n"), false);
    },
  },
  {
    name: "compareAndSwap compares values, and undefined is no document",
    async run({ open }) {
      const db = await open();
      equal(await db.compareAndSwap("k", { a: 1 }, 1), false, "there is none");
      equal(await db.compareAndSwap("k", undefined, { a: 1, b: [null] }), true);
      equal(await db.compareAndSwap("k", undefined, 2), false);
      equal(await db.compareAndSwap("k", { a: 1 }, 2), false);
      equal(await db.compareAndSwap("k", { b: [null], a: 1.0 }, null), true, "the order of properties does not matter");
      equal(await db.get("k"), null);
      equal(await db.compareAndSwap("k", undefined, 2), false, "null is a document");
      equal(await db.compareAndSwap("k", null, undefined), true);
      equal(await db.has("k"), false);
      equal(await db.compareAndSwap("k", undefined, undefined), true);
      await rejects(db.compareAndSwap("k", undefined, 1n), "InvalidValue");
      await rejects(db.compareAndSwap("k", NaN, 1), "InvalidValue");
      const swapped = await Promise.all([1, 2, 3].map((n) => db.compareAndSwap("k", undefined, n)));
      equal([swapped, await db.get("k")], [[true, false, false], 1]);
    },
  },
  {
    name: "getAndSet gives what was there",
    async run({ open }) {
      const db = await open();
      equal(await db.getAndSet("k", null), undefined);
      equal(await db.getAndSet("k", { n: 1 }), null);
      equal(await db.getAndSet("k", [2]), { n: 1 });
      equal(await db.get("k"), [2]);
      await rejects(db.getAndSet("k", undefined), "InvalidValue");
      equal(await db.get("k"), [2]);
    },
  },
  {
    name: "a document is renamed, over another too",
    async run({ open }) {
      const db = await open();
      equal(await db.rename("a", "b"), false);
      await db.setMany([["a", { n: 1 }], ["b", { n: 2 }]]);
      equal(await db.rename("a", "b"), true);
      equal(await db.entries(), [["b", { n: 1 }]]);
      equal(await db.rename("b", "b"), true);
      equal(await db.entries(), [["b", { n: 1 }]]);
      await rejects(db.rename("b", ""), "InvalidKey");
      await rejects(db.rename(1, "b"), "InvalidKey");
    },
  },
  {
    name: "a document is patched, by all operations or by none",
    async run({ open }) {
      const db = await open();
      equal(await db.patch("k", [{ op: "add", path: "/a", value: 1 }]), false);
      await db.set("k", { name: "alice", tags: ["a"], "a/b~c": 1 });
      const operations = [
        { op: "test", path: "/name", value: "alice" },
        { op: "replace", path: "/name", value: "bob" },
        { op: "add", path: "/tags/-", value: "b" },
        { op: "copy", from: "/tags", path: "/more" },
        { op: "move", from: "/a~1b~0c", path: "/tags/0" },
      ];
      equal(await db.patch("k", operations), true);
      equal(await db.get("k"), { name: "bob", tags: [1, "a", "b"], more: ["a", "b"] });
      await rejects(db.patch("k", [{ op: "remove", path: "/name" }, { op: "test", path: "/more", value: [] }]), "Conflict", /operation 1/);
      await rejects(db.patch("k", [{ op: "remove", path: "/none" }]), "Conflict", /none/);
      equal((await db.get("k")).name, "bob", "none of it was done");
      for (const bad of [{}, "[]", undefined, null, [1], [{}], [{ op: "fly", path: "" }], [{ op: "add", path: "/a" }], [{ op: "add", path: "a", value: 1 }], [{ op: "add", path: "/a", value: 1n }]]) {
        await rejects(db.patch("k", bad), "InvalidPatch");
        await rejects(db.patch("none", bad), "InvalidPatch");
      }
    },
  },
  {
    name: "a merge patch puts, takes away and replaces",
    async run({ open }) {
      const db = await open();
      equal(await db.mergePatch("k", { a: 1 }), false);
      await db.set("k", { a: { b: 1, c: 2 }, d: [1] });
      equal(await db.mergePatch("k", { a: { b: null, e: { f: null } }, d: "x", skip: undefined }), true);
      equal(await db.get("k"), { a: { c: 2, e: {} }, d: "x" });
      equal(await db.mergePatch("k", [1]), true);
      equal(await db.get("k"), [1]);
      await rejects(db.mergePatch("k", undefined), "InvalidPatch");
      await rejects(db.mergePatch("k", { a: new Map() }), "InvalidPatch", /\$\.a/);
    },
  },
  {
    name: "a time to live is kept by what changes a document, and cleared by what replaces it",
    async run({ open }) {
      const db = await open();
      const begin = async (document) => db.setEx("k", document, 3600);
      for (const [document, change] of [
        [1, () => db.increment("k")],
        [1, () => db.compareAndSwap("k", 1, 2)],
        [{}, () => db.patch("k", [{ op: "add", path: "/a", value: 1 }])],
        [{}, () => db.mergePatch("k", { a: 1 })],
      ]) {
        await begin(document);
        await change();
        stays(await db.ttl("k"));
      }
      for (const replace of [() => db.set("k", 1), () => db.getAndSet("k", 1), () => db.set("k", 1, { ifAbsent: false })]) {
        await begin(0);
        await replace();
        equal(await db.ttl("k"), null);
      }
      await begin(1);
      await db.rename("k", "moved");
      stays(await db.ttl("moved"));
      await db.set("other", 2);
      await db.rename("other", "moved");
      equal(await db.ttl("moved"), null);
    },
  },
  {
    name: "a document that has expired is none",
    async run({ open, sleep }) {
      const db = await open();
      await db.setMany([["n", 5], ["m", 5], ["r", 5], ["p", 5]], { ttl: 0.03 });
      await sleep(60);
      equal(await db.increment("n"), 1);
      equal(await db.compareAndSwap("m", undefined, 1), true);
      equal(await db.rename("r", "q"), false);
      equal(await db.mergePatch("p", {}), false);
      equal(await db.getAndSet("p", 1), undefined);
      equal(await db.set("r", 1, { ifVersion: 0 }).then(() => db.entries()), [["m", 1], ["n", 1], ["p", 1], ["r", 1]]);
    },
  },
  {
    name: "indexes follow every change",
    async run({ open }) {
      const db = await open();
      await db.createIndex("n");
      await db.setMany([["a", { n: 1 }], ["b", { n: 2 }], ["c", { n: 3 }]]);
      await db.patch("a", [{ op: "replace", path: "/n", value: 10 }]);
      await db.mergePatch("b", { n: null });
      await db.compareAndSwap("c", { n: 3 }, { n: 30 });
      await db.rename("c", "d");
      equal(await db.find("n", { gte: 0 }), ["a", "d"]);
      equal(await db.find("n", 3), []);
      await db.getAndSet("a", { n: 40 });
      await db.rename("a", "d");
      await db.set("e", { n: 5 }, { ifAbsent: true });
      equal(await db.find("n", { gte: 0 }), ["e", "d"]);
      await db.compareAndSwap("e", { n: 5 }, undefined);
      equal(await db.find("n", { gte: 0 }), ["d"]);
      equal((await db.check({ full: true })).problems, []);
    },
  },
];
