// Indexes and find.
import { equal, ok, rejects } from "../support/assert.mjs";

const users = [
  ["user:1", { name: "alice", role: "admin", age: 31, address: { city: "Paris" } }],
  ["user:2", { name: "bob", role: "user", age: 25, address: { city: "Oslo" } }],
  ["user:3", { name: "carol", role: "user", age: 40, address: { city: "Paris" } }],
  ["user:4", { name: "dave", age: null }],
];

async function checkFinds(db) {
  for (const [path, condition, options, expected] of [
    ["role", "admin", undefined, ["user:1"]],
    ["role", "user", undefined, ["user:2", "user:3"]],
    ["role", "user", { reverse: true, limit: 1 }, ["user:3"]],
    ["role", "nobody", undefined, []],
    ["age", 25, undefined, ["user:2"]],
    ["age", null, undefined, ["user:4"]],
    ["age", { gte: 25, lt: 40 }, undefined, ["user:2", "user:1"]],
    ["age", { gt: 25 }, { reverse: true }, ["user:3", "user:1"]],
    ["age", { gt: 0 }, { limit: 2 }, ["user:2", "user:1"]],
    ["address.city", "Paris", {}, ["user:1", "user:3"]],
    ["name", { gte: "b", lt: "d" }, undefined, ["user:2", "user:3"]],
  ]) {
    equal(await db.find(path, condition, options), expected, `${path} ${JSON.stringify(condition)} ${JSON.stringify(options)}`);
  }
}

export default [
  {
    name: "find answers the same with and without indexes, and follows every write",
    async run({ open, Transaction }) {
      const db = await open();
      await db.setMany(users);
      await checkFinds(db);
      for (const path of ["role", "age", "address.city", "name"]) equal(await db.createIndex(path), true);
      equal(await db.createIndex("role"), false);
      equal((await db.indexes()).map(({ path, ready }) => [path, ready]).sort(), [["address.city", true], ["age", true], ["name", true], ["role", true]]);
      await checkFinds(db);
      await db.commit(new Transaction().set("user:9", { role: "admin" }).delete("user:1"));
      equal(await db.find("role", "admin"), ["user:9"]);
      await db.set("user:9", { role: "user" });
      equal(await db.find("role", "admin"), []);
      equal([await db.dropIndex("role"), await db.dropIndex("role")], [true, false]);
      equal(await db.find("role", "user"), ["user:2", "user:3", "user:9"]);
    },
  },
  {
    // Where the old document is read in one turn and its index entry replaced in another, entries are left behind.
    name: "an index is right after many writers of one key at once",
    async run({ open, Transaction }) {
      const db = await open();
      await db.createIndex("n");
      const writers = Array.from({ length: 20 }, async (_, writer) => {
        for (let round = 0; round < 20; round++) {
          const n = writer * 100 + round;
          if (round % 5 === 4) await db.delete("k");
          else if (round % 5 === 3) await db.commit(new Transaction().set("k", { n: -1 }).set("k", { n }));
          else await db.set("k", { n });
        }
      });
      await Promise.all(writers);
      await Promise.all(Array.from({ length: 50 }, (_, n) => db.set("k", { n })));
      equal(await db.find("n", { gte: -1 }), ["k"]);
      equal(await db.find("n", 49), ["k"]);
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "indexes are there after reopening",
    async run({ open, persistent }) {
      if (!persistent) return;
      const db = await open();
      await db.setMany(users);
      await db.createIndex("role");
      await db.close();
      const again = await open();
      equal((await again.indexes()).map(({ path }) => path), ["role"]);
      equal(await again.find("role", "user"), ["user:2", "user:3"]);
    },
  },
  {
    name: "while an index is built, other calls are answered",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, { n, even: n % 2 === 0 }]));
      let built = false;
      const building = db.createIndex("n").finally(() => (built = true));
      let answered = 0;
      const count = () => !built && answered++;
      // Where a write waits for slow storage, the index may be done first; and in IndexedDB what comes behind it waits, too.
      const least = db.storage.kind === "indexeddb" ? 0 : 3;
      void db.set("during", { n: -1 }).then(count);
      while (!built) await db.has("during").then(count);
      await building;
      ok(answered >= least, `${answered} calls were answered meanwhile`);
      equal(await db.find("n", -1), ["during"]);
      equal(await db.find("n", { lt: 2 }), ["during", "k0", "k1"]);
      equal((await db.find("n", { gte: 0 })).length, 20_000);
    },
  },
  {
    name: "dropping an index ends its building",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, { n }]));
      const building = db.createIndex("n");
      const dropping = db.dropIndex("n");
      await rejects(building, "Aborted");
      await dropping;
      equal(await db.indexes(), []);
      equal(await db.find("n", 7), ["k7"]);
    },
  },
  {
    name: "paths and conditions that cannot be used",
    async run({ open }) {
      const db = await open();
      for (const path of ["", ".", "a.", ".a", "a..b", 5, null, undefined, ["a", ""], "\ud800"]) {
        await rejects(db.createIndex(path), "InvalidPath", /./, JSON.stringify(path));
        await rejects(db.find(path, 1), "InvalidPath", /./, JSON.stringify(path));
        await rejects(db.dropIndex(path), "InvalidPath", /./, JSON.stringify(path));
      }
      for (const condition of [undefined, NaN, 1n, () => 1, Symbol("s"), { gt: 1, lt: "a" }, { gt: 1, gte: 1 }, { from: 1 }, { gt: undefined, x: 1 }]) {
        await rejects(db.find("a", condition), "InvalidCondition", /./, String(condition));
      }
      for (const options of [{ limit: -1 }, { limit: 1.5 }, { reverse: 1 }, { first: 1 }, null, 5]) {
        await rejects(db.find("a", 1, options), "InvalidOptions", /./, JSON.stringify(options));
      }
    },
  },
];
