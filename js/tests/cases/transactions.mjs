// Transactions that read: one state, own writes, conflicts, and ends of all kinds.
import { equal, ok, rejects } from "../support/assert.mjs";

/** A promise, and what settles it. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { open, opened };
}

const snapshots = async (db) => (await db.stats()).snapshots;

export default [
  {
    name: "a transaction is committed as one, and its result passed on",
    async run({ open, isShared }) {
      const db = await open();
      await db.setMany([["alice", 70], ["bob", 30]]);
      const version = (await db.stats()).version;
      const left = await db.transaction(async (tx) => {
        const [alice, bob] = await tx.getMany(["alice", "bob"]);
        await tx.set("alice", alice - 20);
        await tx.set("bob", bob + 20);
        return alice - 20;
      });
      equal([left, await db.entries()], [50, [["alice", 50], ["bob", 50]]]);
      equal((await db.getDocument("alice")).version, (await db.getDocument("bob")).version);
      // Where several share it, what they were answered is noted by commits, too.
      equal((await db.stats()).counters.commits, isShared ? 4 : 2);
      ok((await db.stats()).version > version);
      equal(await db.transaction(() => "no promise"), "no promise");
      equal(await db.transaction(async () => {}), undefined);
      equal([(await db.stats()).counters.commits, await snapshots(db)], [isShared ? 4 : 2, 0], "without writes there is no commit");
    },
  },
  {
    name: "own writes are seen, and those of others are not",
    async run({ open }) {
      const db = await open();
      await db.createIndex("n");
      await db.setMany([["a", { n: 1 }], ["b", { n: 2 }], ["c", null], ["d", { n: 4 }]]);
      await db.transaction(async (tx) => {
        equal(await tx.get("d"), { n: 4 });
        // Not awaited: what one transaction does is done in order.
        tx.set("a", { n: 10, text: "ü \u0000" });
        tx.delete("b");
        tx.setEx("e", { n: 5 }, 60);
        await db.set("x", { n: 6 });
        equal(await tx.get("a"), { n: 10, text: "ü \u0000" });
        equal(await tx.get("b"), undefined);
        equal(await tx.has("b"), false);
        equal(await tx.has("e"), true);
        equal(await tx.getMany(["c", "b", "e", "x"]), [null, undefined, { n: 5 }, undefined]);
        equal(await tx.keys(), ["a", "c", "d", "e"]);
        equal(await tx.count({ gt: "a" }), 3);
        equal(await tx.values({ gte: "c", limit: 2 }), [null, { n: 4 }]);
        equal(await tx.entries({ reverse: true, limit: 2 }), [["e", { n: 5 }], ["d", { n: 4 }]]);
        equal(await tx.find("n", { gte: 1 }), ["d", "e", "a"]);
        equal(await tx.find("n", 2), []);
        equal(await tx.find("n", { gte: 1 }, { reverse: true, limit: 1 }), ["a"]);
        equal(await db.keys(), ["a", "b", "c", "d", "x"], "nobody else sees them");
        await tx.set("read", 1);
      }, { retries: 0 }).catch((error) => equal(error.code, "Conflict", "x is new in what it has read"));
      equal([await db.keys(), await snapshots(db)], [["a", "b", "c", "d", "x"], 0]);
      await db.transaction(async (tx) => {
        tx.set("a", { n: 10 });
        tx.set("a", { n: 11 }, { ttl: 60 });
        tx.delete("b");
      });
      equal(await db.find("n", { gte: 1 }), ["d", "x", "a"]);
      const ttl = await db.ttl("a");
      ok(ttl > 50 && ttl <= 60, `${ttl}`);
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "write skew is refused, and the transaction run again",
    async run({ open }) {
      const db = await open();
      await db.setMany([["doctor:1", { onCall: true }], ["doctor:2", { onCall: true }]]);
      let runs = 0;
      const leave = (key) =>
        db.transaction(async (tx) => {
          runs++;
          const others = (await tx.entries({ prefix: "doctor:" })).filter(([other, { onCall }]) => other !== key && onCall);
          if (others.length === 0) return false;
          await tx.set(key, { onCall: false });
          return true;
        });
      const left = await Promise.all([leave("doctor:1"), leave("doctor:2")]);
      equal([left.filter(Boolean).length, runs], [1, 3], "one of them has stayed, and was run twice");
      equal((await db.values()).filter(({ onCall }) => onCall).length, 1);
      equal(await snapshots(db), 0);
    },
  },
  {
    name: "phantoms are refused: in ranges, in finds, and at keys that were empty",
    async run({ open }) {
      const db = await open();
      await db.createIndex("team");
      await db.set("a", { team: "red" });
      const looks = {
        range: (tx) => tx.count({ prefix: "a" }),
        find: async (tx) => (await tx.find("team", "red")).length,
        key: async (tx) => Number(await tx.has("a2")) + Number(await tx.has("a3")),
      };
      for (const [name, look] of Object.entries(looks)) {
        await db.deleteRange({ gt: "a" });
        let runs = 0;
        await db.transaction(async (tx) => {
          const count = await look(tx);
          if (++runs === 1) await db.set("a2", { team: "red" });
          await tx.set("count", count);
        });
        equal([runs, await db.get("count")], [2, name === "key" ? 1 : 2], name);
      }
      // What was not looked at may change.
      let runs = 0;
      await db.transaction(async (tx) => {
        runs++;
        await tx.find("team", "red");
        await tx.keys({ prefix: "a" });
        await db.set("b", { team: "blue" });
        await tx.set("done", true);
      });
      equal(runs, 1);
    },
  },
  {
    name: "what the function throws is passed on, and nothing was written",
    async run({ open }) {
      const db = await open();
      await db.set("a", 1);
      const own = new TypeError("mine");
      for (const thrown of [own, "text", undefined, null]) {
        let caught = "nothing";
        try {
          await db.transaction(async (tx) => {
            await tx.set("a", 2);
            throw thrown;
          });
        } catch (error) {
          caught = error;
        }
        ok(caught === thrown, String(caught));
      }
      let caught;
      await db.transaction(() => { throw own; }).catch((error) => (caught = error));
      ok(caught === own);
      // A Conflict that is not of the commit is the function's own affair.
      let runs = 0;
      await rejects(
        db.transaction(async () => {
          runs++;
          await db.set("a", 2, { ifAbsent: true });
        }),
        "Conflict",
        /there is a document already/,
      );
      await rejects(db.transaction((tx) => tx.set("", 1)), "InvalidKey");
      await rejects(db.transaction((tx) => tx.set("k", undefined)), "InvalidValue");
      await rejects(db.transaction((tx) => tx.set("k", 1, { ifAbsent: true })), "InvalidOptions");
      await rejects(db.transaction((tx) => tx.get(1)), "InvalidKey");
      await rejects(db.transaction((tx) => tx.keys({ from: "a" })), "InvalidRange");
      equal([runs, await db.entries(), await snapshots(db)], [1, [["a", 1]], 0]);
    },
  },
  {
    name: "there is an end to retries",
    async run({ open }) {
      const db = await open();
      const attempts = async (options) => {
        let runs = 0;
        await rejects(
          db.transaction(async (tx) => {
            runs++;
            const n = (await tx.get("n")) ?? 0;
            await db.increment("n");
            await tx.set("n", n + 1);
          }, options),
          "Conflict",
          /changed by another commit/,
        );
        return runs;
      };
      equal([await attempts({ retries: 0 }), await attempts({ retries: 3 })], [1, 4]);
      equal([await db.get("n"), await snapshots(db)], [5, 0]);
      for (const options of [{ retries: -1 }, { retries: 1.5 }, { retries: "1" }, { tries: 1 }, null, 5]) {
        await rejects(db.transaction(async () => {}, options), "InvalidOptions");
      }
      for (const work of [undefined, null, {}, "work"]) await rejects(db.transaction(work), "InvalidTransaction");
    },
  },
  {
    name: "twenty transactions count to twenty",
    async run({ open }) {
      const db = await open();
      await db.set("n", 0);
      const results = await Promise.all(
        Array.from({ length: 20 }, () =>
          db.transaction(async (tx) => {
            const n = (await tx.get("n")) + 1;
            await tx.set("n", n);
            return n;
          }, { retries: 100 }),
        ),
      );
      equal(results.sort((a, b) => a - b), Array.from({ length: 20 }, (_, index) => index + 1), "each has another result");
      equal([await db.get("n"), await snapshots(db)], [20, 0]);
    },
  },
  {
    name: "transactions that do not meet go side by side",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 50 }, (_, n) => [`k${n}`, n]));
      const before = (await db.stats()).io.syncs;
      let runs = 0;
      await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          db.transaction(async (tx) => {
            runs++;
            await tx.set(`k${n}`, (await tx.get(`k${n}`)) + 1);
          }),
        ),
      );
      equal(runs, 50);
      equal(await db.get("k49"), 50);
      const { io, snapshots } = await db.stats();
      ok(io.syncs - before < 10, `${io.syncs - before} flushes for commits of one turn`);
      equal(snapshots, 0);
    },
  },
  {
    name: "a transaction that has ended cannot be used",
    async run({ open }) {
      const db = await open();
      let kept;
      await db.transaction(async (tx) => {
        kept = tx;
        await tx.set("a", 1);
      });
      await rejects(kept.get("a"), "InvalidTransaction", /has ended/);
      await rejects(kept.set("a", 2), "InvalidTransaction");
      await db.transaction((tx) => { kept = tx; throw new Error("x"); }).catch(() => {});
      await rejects(kept.delete("a"), "InvalidTransaction");
      await rejects(kept.keys(), "InvalidTransaction");
      equal(await db.get("a"), 1);
    },
  },
  {
    name: "closing ends what is under way",
    async run({ open, persistent }) {
      const db = await open();
      await db.set("a", 1);
      const begun = gate();
      const closed = gate();
      const pending = db.transaction(async (tx) => {
        await tx.set("a", 2);
        begun.open();
        await closed.opened;
        await tx.set("b", 2);
      });
      const rejected = rejects(pending, "Closed");
      await begun.opened;
      equal(await snapshots(db), 1);
      await db.close();
      closed.open();
      await rejected;
      await rejects(db.transaction(async () => {}), "Closed");
      if (!persistent) return;
      const again = await open();
      equal([await again.entries(), await snapshots(again)], [[["a", 1]], 0]);
    },
  },
  {
    name: "a read-only database has transactions that read",
    async run({ open, persistent }) {
      if (!persistent) return;
      const db = await open();
      await db.set("a", 1);
      await db.close();
      const reader = await open({ readOnly: true });
      equal(await reader.transaction((tx) => tx.get("a")), 1);
      await rejects(reader.transaction((tx) => tx.set("a", 2)), "ReadOnly");
      equal(await snapshots(reader), 0);
    },
  },
];
