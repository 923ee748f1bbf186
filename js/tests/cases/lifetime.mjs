// Opening, closing, locking, deleting.
import { equal, ok, rejects } from "../support/assert.mjs";

export default [
  {
    name: "what was set is there after reopening",
    async run({ open, persistent }) {
      const db = await open();
      equal([db.storage.persistent === true || db.storage.reason.length > 0, typeof db.storage.kind], [true, "string"]);
      await db.setMany([["a", 1], ["b", { c: [1, 2] }]]);
      await db.delete("a");
      await db.setEx("t", 1, 100);
      await db.close();
      const again = await open();
      equal(await again.entries(), persistent ? [["b", { c: [1, 2] }], ["t", 1]] : []);
      if (persistent) ok((await again.ttl("t")) > 90);
    },
  },
  {
    name: "each durability keeps what was closed",
    async run({ open, persistent }) {
      for (const [n, durability] of ["always", "never", { periodic: 20 }].entries()) {
        const db = await open({ durability });
        await db.set(`k${n}`, n);
        await db.flush();
        await db.set(`l${n}`, n);
        await db.close();
      }
      equal(await (await open()).count(), persistent ? 6 : 0);
    },
  },
  {
    name: "the other options of open",
    async run({ open, persistent }) {
      const db = await open({ cacheSize: 1 << 20, memtableSize: 1 << 20, compression: "none", create: true, readOnly: undefined });
      await db.set("a", 1);
      await db.close();
      if (!persistent) return;
      const reader = await open({ readOnly: true });
      equal(await reader.get("a"), 1);
      await rejects(reader.set("a", 2), "ReadOnly");
      await rejects(reader.delete("a"), "ReadOnly");
      await rejects(reader.createIndex("a"), "ReadOnly");
      await reader.close();
      equal(await (await open({ create: false })).get("a"), 1);
    },
  },
  {
    name: "a database that is not there is not made when that was not asked for",
    async run({ open, persistent }) {
      if (!persistent) return;
      await rejects(open({ create: false }), "NotFound");
      await rejects(open({ readOnly: true }), "NotFound");
      await (await open()).close();
    },
  },
  {
    name: "a second opener shares the database of a browser or of its process, and gets Locked elsewhere; the first goes on",
    async run({ open, Ferrolite, name, persistent, isShared, isSharedInProcess }) {
      if (!persistent) return;
      const db = await open();
      await db.set("a", 1);
      if (isShared || isSharedInProcess) {
        const second = await open();
        equal(await second.get("a"), 1);
        await second.close();
      } else {
        await rejects(open(), "Locked");
      }
      await rejects(Ferrolite.delete(name), "Locked");
      await db.set("b", 2);
      await db.close();
      const again = await open();
      equal(await again.count(), 2);
    },
  },
  {
    name: "close answers what was called before, and nothing after",
    async run({ open }) {
      const db = await open();
      const before = [db.set("a", 1), db.get("a")];
      const closing = db.close();
      await rejects(db.get("a"), "Closed", /open it again/);
      const [version, document] = await Promise.all(before);
      equal([version > 0, document], [true, 1]);
      await closing;
      await db.close();
      for (const verb of ["get", "has", "delete", "ttl"]) await rejects(db[verb]("a"), "Closed");
      for (const verb of ["count", "keys", "stats", "flush", "compact", "check", "indexes"]) await rejects(db[verb](), "Closed");
      await rejects(db.scan().next(), "Closed");
    },
  },
  {
    name: "closing ends scans and the building of indexes",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 20_000 }, (_, n) => [`k${n}`, { n }]));
      const scan = db.scan();
      await scan.next();
      const building = db.createIndex("n");
      const closing = db.close();
      await rejects(building, "Closed");
      await closing;
      let error;
      try {
        for await (const _ of scan);
      } catch (thrown) {
        error = thrown;
      }
      equal(error?.code, "Closed");
    },
  },
  {
    name: "delete and list",
    async run({ open, Ferrolite, name, list, persistent }) {
      if (!persistent) return;
      ok(!(await list()).includes(name));
      const db = await open();
      await db.set("a", 1);
      await db.close();
      ok((await list()).includes(name), "listed");
      equal([await Ferrolite.delete(name), await Ferrolite.delete(name)], [true, false]);
      ok(!(await list()).includes(name), "gone");
      equal(await (await open()).count(), 0);
    },
  },
  {
    name: "many databases are open at once",
    async run({ Ferrolite, name, options }) {
      const opened = await Promise.all([1, 2, 3, 4].map((n) => Ferrolite.open(`${name}-${n}`, options)));
      await Promise.all(opened.map((db, n) => db.set("n", n)));
      equal(await Promise.all(opened.map((db) => db.get("n"))), [0, 1, 2, 3]);
      await Promise.all(opened.map((db) => db.close()));
      await Promise.all([1, 2, 3, 4].map((n) => Ferrolite.delete(`${name}-${n}`)));
    },
  },
  {
    name: "await using closes",
    async run({ open }) {
      const db = await open();
      ok(Symbol.asyncDispose === undefined || typeof db[Symbol.asyncDispose] === "function");
      await db[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
      await rejects(db.get("a"), "Closed");
    },
  },
  {
    name: "stats, flush, compact and check",
    async run({ open }) {
      const db = await open();
      await db.setMany(Array.from({ length: 1000 }, (_, n) => [`k${n}`, { n, text: "x".repeat(200) }]));
      await db.deleteRange({ gte: "k5" });
      equal([await db.flush(), await db.compact()], [undefined, undefined]);
      const count = await db.count();
      ok(typeof (await db.check({ full: true })) === "object" && typeof (await db.check()) === "object");
      const stats = await db.stats();
      ok(stats.messages > 0 && stats.version > 0, JSON.stringify(stats));
      equal(await db.count(), count);
    },
  },
  {
    name: "documents that are overwritten again and again leave a short log and a small file",
    async run({ open }) {
      const db = await open({ memtableSize: 64 << 10, durability: "never" });
      const text = "x".repeat(400);
      for (let n = 0; n < 100; n++) {
        const writes = Array.from({ length: 100 }, (_, m) => db.set(`hot${m % 3}`, { n, m, text }));
        await Promise.all([...writes, db.increment("visits", 1)]);
        const { logBytes, fileBytes } = await db.stats();
        ok(logBytes < 1 << 20 && fileBytes < 4 << 20, `${logBytes} bytes of log in a file of ${fileBytes}`);
      }
      equal([await db.get("visits"), await db.count()], [100, 4]);
    },
  },
  {
    name: "stats tell what documents and indexes take, and how long verbs took",
    async run({ open }) {
      const db = await open({ latencies: true });
      await db.setMany(Array.from({ length: 100 }, (_, n) => [`k${n}`, { n, at: { x: n } }]));
      await db.createIndex("at.x");
      await db.compact();
      const { spaces: all, latencies } = await db.stats();
      const spaces = all.filter(({ kind }) => kind !== "receipts");
      const told = spaces.map(({ kind, path, entries }) => [kind, path, entries]);
      equal(told.slice(1), [["documents", null, 100], ["index", "at.x", 100]]);
      ok(spaces.every(({ kind, bytes, tables, tombstones, expiring }) => kind === "catalog" || (bytes > 0 && tables === 1 && tombstones + expiring === 0)));
      for (let n = 0; n < 20; n += 1) await db.get(`k${n}`);
      await db.values();
      const of = async (verb) => (await db.stats()).latencies.find((latency) => latency.verb === verb);
      const get = await of("get");
      equal(get.count, 20);
      ok(get.p50 <= get.p90 && get.p90 <= get.p99 && get.p99 <= get.p999 && get.p999 <= get.max && get.max <= get.total, JSON.stringify(get));
      equal([(await of("values")).count, (await of("commit")).count], [1, 1]);
      ok((await of("group")).count > 0 && latencies.every(({ count }) => count > 0));
    },
  },
  {
    name: "latencies are measured when they are asked for",
    async run({ open }) {
      const db = await open();
      await db.get("a");
      equal((await db.stats()).latencies, null);
    },
  },
];
