// Signals, and loops that are broken off: what was under way ends, and what it held is let go.
import { equal, ok, rejects } from "../support/assert.mjs";

const documents = (count) => Array.from({ length: count }, (_, n) => [`k${String(n).padStart(6, "0")}`, { n, text: "x".repeat(100) }]);
const held = async (db) => (await db.stats()).snapshots;
/** Keeps Node alive while something is waited for that does not. */
const whileAlive = async (work) => {
  const timer = setInterval(() => {}, 1000);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
};

export default [
  {
    name: "a scan is broken off by its signal, by break, return and a throw, and holds nothing then",
    async run({ open }) {
      const db = await open();
      await db.setMany(documents(3000));
      const snapshot = await db.snapshot();
      for (const [of, before] of [[db, 1], [snapshot, 1]]) {
        const controller = new AbortController();
        const scan = of.scan({}, { signal: controller.signal });
        for (let n = 0; n < 150; n++) await scan.next();
        equal(await held(db), of === db ? 2 : 1);
        controller.abort("enough");
        const error = await rejects(scan.next(), "Aborted", /scan/);
        equal([error.cause, (await scan.next()).done], ["enough", true]);
        equal(await held(db), before);
        await rejects(of.scan({}, { signal: controller.signal }).next(), "Aborted");

        for await (const _ of of.scan()) break;
        equal(await held(db), before);
        const thrown = await (async () => {
          for await (const _ of of.scan()) throw new Error("of the loop");
        })().catch(({ message }) => message);
        equal([thrown, await held(db)], ["of the loop", before]);
        const idle = of.scan();
        await idle.next();
        await idle.return();
        equal([await held(db), (await idle.next()).done], [before, true]);
      }
      await snapshot.close();
      equal(await held(db), 0);
      for (const options of [{ signal: 1 }, { sgnal: 1 }, null]) await rejects(db.scan({}, options).next(), "InvalidOptions");
    },
  },
  {
    name: "a scan is broken off while a page is waited for",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open();
      await db.setMany(documents(500));
      const controller = new AbortController();
      const scan = db.scan({}, { signal: controller.signal });
      const first = scan.next();
      controller.abort();
      await rejects(first, "Aborted");
      equal((await scan.next()).done, true);
      // The page tells what there is to let go of.
      for (let turn = 0; turn < 100 && (await held(db)) > 0; turn++);
      equal(await held(db), 0);
    },
  },
  {
    name: "a stream of a document is broken off, and holds nothing then",
    async run({ open }) {
      const db = await open();
      await db.set("film", new Uint8Array(5_000_000).fill(1));
      const controller = new AbortController();
      const { signal } = controller;
      const reader = (await db.getStream("film", { signal })).getReader();
      await reader.read();
      equal(await held(db), 1);
      controller.abort("enough");
      const error = await rejects(reader.read().then(() => reader.read()), "Aborted");
      equal(error.cause, "enough");
      equal(await held(db), 0);
      await rejects(db.getStream("film", { signal }), "Aborted");
      const other = await db.getStream("film");
      await other.cancel();
      equal(await held(db), 0);
      for (const options of [{ signal: 1 }, { ttl: 1 }, null]) await rejects(db.getStream("film", options), "InvalidOptions");
    },
  },
  {
    name: "what is written from a stream is broken off while the source is waited for",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open();
      await db.set("film", "old");
      const controller = new AbortController();
      const { signal } = controller;
      let cancelled = "";
      const stream = new ReadableStream({
        start: (source) => source.enqueue(new Uint8Array(1000)),
        pull: () => new Promise(() => {}),
        cancel: (reason) => void (cancelled = String(reason)),
      });
      const writing = db.setStream("film", stream, { signal });
      await whileAlive(() => new Promise((resolve) => setTimeout(resolve, 10)));
      controller.abort("enough");
      const error = await whileAlive(() => rejects(writing, "Aborted", /setStream/));
      await whileAlive(() => new Promise((resolve) => setTimeout(resolve, 1)));
      equal([error.cause, cancelled, await db.get("film")], ["enough", "enough", "old"]);

      // One that never gives anything, and cannot be told to end.
      const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}), return: () => new Promise(() => {}) }) };
      const again = new AbortController();
      const stuck = db.setStream("film", never, { signal: again.signal, ttl: 5 });
      await db.get("film");
      again.abort();
      await whileAlive(() => rejects(stuck, "Aborted"));
      equal([await db.get("film"), await db.ttl("film")], ["old", null]);
      await rejects(db.setStream("film", [new Uint8Array(1)], { signal }), "Aborted");
      await rejects(db.setStream("film", [new Uint8Array(1)], null), "InvalidOptions");
    },
  },
  {
    name: "a transaction is broken off, and has written nothing",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open();
      const controller = new AbortController();
      const { signal } = controller;
      let kept;
      const waiting = db.transaction(async (tx) => {
        kept = tx;
        await tx.set("a", 1);
        await new Promise(() => {});
      }, { signal });
      while (kept === undefined) await db.get("a");
      equal(await held(db), 1);
      controller.abort("enough");
      equal((await rejects(waiting, "Aborted", /transaction/)).cause, "enough");
      await rejects(kept.set("a", 2), "InvalidTransaction");
      equal([await db.get("a"), await held(db)], [undefined, 0]);
      let isCalled = false;
      await rejects(db.transaction(() => void (isCalled = true), { signal }), "Aborted");
      equal(isCalled, false);
      equal(await db.transaction(async (tx) => (await tx.set("a", 3), "done"), { signal: new AbortController().signal }), "done");
      equal(await db.get("a"), 3);
      for (const options of [{ signal: 1 }, { retries: -1 }, null]) {
        await rejects(db.transaction(() => 1, options), "InvalidOptions");
      }
    },
  },
  {
    name: "a query is not waited for after its signal",
    async run({ open, isSync }) {
      const db = await open();
      await db.setMany(documents(2000));
      const controller = new AbortController();
      const { signal } = controller;
      equal((await db.query({ limit: 3 }, { signal })).length, 3);
      if (!isSync) {
        const query = db.query({ where: { text: { startsWith: "x" } }, orderBy: "n" }, { signal });
        controller.abort("enough");
        equal((await rejects(query, "Aborted")).cause, "enough");
      }
      controller.abort("enough");
      await rejects(db.queryPage({}, { signal }), "Aborted");
      await rejects(db.query({}, { limit: 1 }), "InvalidOptions");
      equal(await db.count(), 2000);
    },
  },
  {
    name: "every call that may take long ends with its signal, with the name and the reason that such errors have",
    async run({ open, Transaction }) {
      const db = await open();
      await db.setMany(documents(10));
      const snapshot = await db.snapshot();
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const reads = (of) => [
        (options) => of.getMany(["k000001"], options), (options) => of.count({}, options), (options) => of.count({ where: {} }, options),
        (options) => of.keys({}, options), (options) => of.values({}, options), (options) => of.entries({}, options),
        (options) => of.find("n", 1, options), (options) => of.findPage("n", 1, options), (options) => of.query({}, options),
        (options) => of.queryPage({}, options), (options) => of.findOne({}, options),
      ];
      const others = [
        (options) => db.explain({}, options), (options) => db.setMany([["x", 1]], options), (options) => db.deleteRange({}, options),
        (options) => db.commit(new Transaction().set("x", 1), options), (options) => db.flush(options), (options) => db.check(options),
        (options) => db.compact(options), (options) => db.createIndex("x", options), (options) => db.setStream("x", [], options),
        (options) => db.getStream("x", options), (options) => db.transaction(() => 1, options), (options) => db.export(options),
        (options) => db.scan({}, options).next(), (options) => db.watch({}, options).next(), (options) => db.watchQuery({}, options).next(),
      ];
      const calls = [...reads(db), ...reads(snapshot), ...reads(db.collection("c")), ...others];
      for (const [at, call] of calls.entries()) {
        const error = await rejects((async () => call({ signal }))(), "Aborted", undefined, `call ${at}`);
        ok(error.name === "AbortError" && error.cause === reason, `call ${at}: ${error.name}, ${error.cause}`);
        await rejects((async () => call({ signal: 1 }))(), "InvalidOptions", undefined, `call ${at}`);
      }
      for (const call of [...reads(db), ...reads(snapshot)]) await call({ signal: new AbortController().signal });
      equal([await db.count(), await db.has("x"), (await db.indexes()).length], [10, false, 0]);
      await snapshot.close();
    },
  },
  {
    name: "calls that are aborted before the engine has them leave the queue",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open({ latencies: true });
      await db.setMany(documents(5000));
      const outcomes = [];
      for (let n = 0; n < 30; n++) {
        const controller = new AbortController();
        outcomes.push(db.query({ where: { text: { contains: "y" } }, orderBy: "n" }, { signal: controller.signal }).catch(({ name }) => name));
        if (n < 29) controller.abort();
      }
      const removal = new AbortController();
      outcomes.push(db.deleteRange({}, { signal: removal.signal }).catch(({ name }) => name));
      removal.abort();
      const last = db.get("k000001");
      equal(await Promise.all(outcomes), [...Array(29).fill("AbortError"), [], "AbortError"]);
      equal((await last).n, 1);
      const { latencies } = await db.stats();
      equal([latencies.find(({ verb }) => verb === "query")?.count, await db.count()], [1, 5000]);
    },
  },
  {
    name: "an index that is being built, and a compaction, end with their signals",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open();
      await db.setMany(documents(20_000));
      let signal;
      // A page that stands still for a while may find the index built. The next one is aborted in time.
      for (let round = 0; ; round++) {
        const controller = new AbortController();
        ({ signal } = controller);
        const building = db.createIndex("n", { signal, unique: true });
        // A small database may be compacted already.
        const compacting = db.compact({ signal }).catch(({ code }) => equal(code, "Aborted"));
        const other = db.createIndex("text");
        let hasFailed = false;
        void building.catch(() => (hasFailed = true));
        await db.get("k000000");
        ok(!hasFailed, "it is under way");
        controller.abort("enough");
        const isBuilt = await building.catch(() => false);
        await compacting;
        equal(await other, true);
        if (!isBuilt) {
          equal((await rejects(building, "Aborted", /createIndex/)).cause, "enough");
          break;
        }
        ok(round < 5, "no index is aborted");
        await Promise.all([db.dropIndex("n"), db.dropIndex("text")]);
      }
      equal((await db.indexes()).map(({ path }) => path), ["text"]);
      await rejects(db.compact({ signal }), "Aborted");
      equal(await db.createIndex("n", { signal: new AbortController().signal }), true);
      await db.compact({ signal: new AbortController().signal });
      equal([await db.find("n", 7), (await db.check({ full: true })).problems], [["k000007"], []]);
      for (const options of [{ signal: 1 }, { sgnal: 1 }, null]) await rejects(db.compact(options), "InvalidOptions");
      for (const options of [{ signal: 1 }, { uniqe: true }, null]) await rejects(db.createIndex("z", options), "InvalidOptions");
    },
  },
  {
    name: "a rotation that was broken off goes on when it is called again",
    async run({ open, options }) {
      const db = await open();
      await rejects(db.rotateKey({ signal: AbortSignal.abort() }), "Aborted");
      if (options.encryption === undefined) return rejects(db.rotateKey(), "NotEncrypted");
      await db.setMany(documents(20_000));
      await db.compact();
      const controller = new AbortController();
      const rotating = db.rotateKey({ signal: controller.signal });
      controller.abort();
      await rotating.catch(({ code }) => equal(code, "Aborted"));
      await db.rotateKey();
      equal([(await db.stats()).encryption.isRotating, await db.count()], [false, 20_000]);
    },
  },
  {
    name: "opening is broken off, and leaves the database to others",
    async run({ open, Ferrolite, name, options }) {
      await rejects(Ferrolite.open(name, { ...options, signal: AbortSignal.abort() }), "Aborted");
      await rejects(Ferrolite.open(name, { ...options, signal: 1 }), "InvalidOptions");
      const controller = new AbortController();
      const opening = Ferrolite.open(name, { ...options, signal: controller.signal });
      controller.abort("enough");
      equal((await rejects(opening, "Aborted")).cause, "enough");
      for (let attempt = 0; ; attempt++) {
        try {
          const db = await open({ signal: new AbortController().signal });
          await db.set("a", 1);
          return equal(await db.get("a"), 1);
        } catch (error) {
          if (error.code !== "Locked" || attempt > 100) throw error;
        }
      }
    },
  },
  {
    name: "watches end by break, and closing ends whatever is under way",
    async run({ open }) {
      const db = await open();
      await db.setMany(documents(1000));
      const watch = db.watch();
      await db.set("a", 1);
      for await (const _ of watch) break;
      equal((await watch.next()).done, true);
      const scan = db.scan();
      await scan.next();
      const waiting = db.watch().next();
      await db.get("a");
      await db.close();
      equal((await whileAlive(() => waiting)).done, true);
      equal((await scan.return()).done, true);
    },
  },
];
