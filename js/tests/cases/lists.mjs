// Lists, and documents that are kept in parts.
import { equal, rejects } from "../support/assert.mjs";

export default [
  {
    name: "lists are changed at their ends",
    async run({ open, persistent }) {
      let db = await open();
      equal(await db.push("l", "right", 1, { a: 2 }), 2);
      equal(await db.push("l", "left", "x", null), 4);
      equal(await db.get("l"), [null, "x", 1, { a: 2 }]);
      equal(await db.pop("l", "right"), { a: 2 });
      equal([await db.pop("none", "left"), await db.length("none"), await db.range("none", 0, -1)], [undefined, 0, []]);
      equal([await db.range("l", 0, -1), await db.range("l", -2, 0), await db.length("l")], [[null, "x", 1], [], 3]);
      equal([await db.setElement("l", -1, [7]), await db.setElement("l", 3, 1)], [true, false]);
      if (persistent) {
        await db.close();
        db = await open();
      }
      equal(await db.entries(), [["l", [null, "x", [7]]]]);
      equal([await db.trim("l", 1, 1), await db.get("l")], [1, ["x"]]);
      equal([await db.pop("l", "left"), await db.has("l")], ["x", false]);
      await db.set("array", [1, 2, 3], { ttl: 3600 });
      equal([await db.pop("array", "left"), await db.get("array"), (await db.ttl("array")) > 3000], [1, [2, 3], true]);
      const lengths = await Promise.all(Array.from({ length: 500 }, (_, n) => db.push("queue", "right", n)));
      equal(lengths[499], 500);
      equal([await db.pop("queue", "left"), await db.pop("queue", "left"), await db.length("queue")], [0, 1, 498]);
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "what is no list is refused",
    async run({ open }) {
      const db = await open();
      await db.set("k", { a: [] });
      await rejects(db.push("k", "left", 1), "InvalidValue", /array/);
      await rejects(db.pop("k", "left"), "InvalidValue", /array/);
      await rejects(db.range("k", 0, 1), "InvalidValue", /array/);
      await rejects(db.push("l", "middle", 1), "InvalidOptions", /left/);
      await rejects(db.push("l", "left", undefined), "InvalidValue");
      await rejects(db.range("l", 0, 1.5), "InvalidOptions", /1\.5/);
      await rejects(db.trim("l", "0", 1), "InvalidOptions");
      await rejects(db.push("", "left", 1), "InvalidKey");
      equal(await db.entries(), [["k", { a: [] }]]);
    },
  },
  {
    name: "large documents are documents like others",
    async run({ open, persistent }) {
      let db = await open({ memtableSize: 1 << 20 });
      const large = (n) => ({ n, text: `${n}`.repeat(300_000) });
      await db.createIndex("n");
      await db.setMany([["a", large(1)], ["b", large(2)], ["c", { n: 3 }]]);
      await db.transaction(async (tx) => tx.set("d", { ...(await tx.get("a")), n: 4 }));
      if (persistent) {
        await db.close();
        db = await open();
      }
      equal((await db.get("b")).text === large(2).text, true);
      equal(await db.find("n", { gte: 2 }), ["b", "c", "d"]);
      const scanned = [];
      for await (const [key, { text }] of db.scan()) scanned.push([key, text?.length]);
      equal(scanned, [["a", 300_000], ["b", 300_000], ["c", undefined], ["d", 300_000]]);
      await db.delete("a");
      await db.set("b", 1);
      const { parts, problems } = await db.check({ full: true });
      equal([parts, problems], [5, []]);
    },
  },
];
