// Watches: each change once and in order, as an iterator and by a callback, and how they end.
import { equal, ok, rejects } from "../support/assert.mjs";

/** The next `count` changes in short: `kind key`. */
async function take(watch, count) {
  const found = [];
  while (found.length < count) {
    const { done, value } = await watch.next();
    if (done) break;
    found.push(`${value.kind} ${value.key}`);
  }
  return found;
}

/** What an asynchronous function throws. */
const thrownBy = (work) => work().then(() => undefined, (thrown) => thrown);

export default [
  {
    name: "changes are told once, in the order of the commits",
    async run({ open, Transaction }) {
      const db = await open();
      await db.set("before", 0);
      const all = db.watch();
      const users = db.watch({ prefix: "user:" });
      const one = db.watch({ key: "user:1" }, { values: false });
      const first = await db.set("user:1", { n: 1 });
      const second = await db.set("user:1", { n: 2 });
      await db.delete("before");
      await db.commit(new Transaction().set("user:2", 2).delete("user:1"));
      equal(await take(all, 5), ["set user:1", "set user:1", "delete before", "delete user:1", "set user:2"]);
      equal(await take(users, 4), ["set user:1", "set user:1", "delete user:1", "set user:2"]);
      equal((await one.next()).value, { kind: "set", key: "user:1", version: first, oldVersion: 0 });
      equal((await one.next()).value, { kind: "set", key: "user:1", version: second, oldVersion: first });
      equal((await one.next()).value.kind, "delete");
      const next = users.next();
      await db.set("user:3", { n: 3 });
      equal((await next).value.value, { n: 3 });
      equal((await all.return()).done, true);
      equal((await all.next()).done, true);
    },
  },
  {
    name: "breaking a loop off ends the watch",
    async run({ open, isShared }) {
      const db = await open();
      const watch = db.watch({ gte: "a" });
      await db.setMany([["a", 1], ["b", 2], ["c", 3]]);
      for await (const { key, value } of watch) {
        equal([key, value], ["a", 1]);
        break;
      }
      equal(await watch.next(), { done: true, value: undefined });
      // What tabs share keeps changes for a while, so that watches can go on with another leader.
      if (isShared) equal((await db.watch({ key: "a" }, { since: 0 }).next()).value.value, 1);
      else await rejects(db.watch({ key: "a" }, { since: 0 }).next(), "ChangesLost", /read the documents again/);
    },
  },
  {
    name: "who subscribes is called until it stops",
    async run({ open }) {
      const db = await open();
      const seen = [];
      let wake = () => {};
      const stop = db.watch({ prefix: "a" }).subscribe(
        async ({ key }) => {
          await null;
          seen.push(key);
          wake();
        },
        () => seen.push("an end"),
      );
      await db.setMany([["a1", 1], ["b", 2], ["a2", 3]]);
      while (seen.length < 2) await new Promise((resolve) => (wake = resolve));
      stop();
      await db.set("a3", 1);
      await db.get("a3");
      equal(seen, ["a1", "a2"]);
      const failure = await new Promise((resolve) => {
        const fail = () => {
          throw new Error("of the callback");
        };
        db.watch().subscribe(fail, resolve);
        db.set("x", 1);
      });
      equal(failure.message, "of the callback");
    },
  },
  {
    name: "a signal ends a watch",
    async run({ open }) {
      const db = await open();
      const controller = new AbortController();
      const watch = db.watch({}, { signal: controller.signal });
      await db.set("a", 1);
      equal((await watch.next()).value.key, "a");
      const waiting = watch.next();
      controller.abort("enough");
      const thrown = await thrownBy(() => waiting);
      equal([thrown.code, thrown.cause], ["Aborted", "enough"]);
      equal((await watch.next()).done, true);
      await rejects(db.watch({}, { signal: controller.signal }).next(), "Aborted");
    },
  },
  {
    name: "closing the database ends its watches",
    async run({ open }) {
      const db = await open();
      const [waiting, idle] = [db.watch(), db.watch()];
      const next = waiting.next();
      await db.get("a");
      await db.close();
      equal([(await next).done, (await idle.next()).done], [true, true]);
      equal((await waiting.return()).done, true);
      equal((await db.watch().next()).done, true);
    },
  },
  {
    name: "what expires is told at its time",
    async run({ open, sleep }) {
      const db = await open();
      // In Node the timers of a watch do not keep the process alive.
      const kept = sleep(1000);
      await db.set("old", 1);
      const watch = db.watch();
      const before = Date.now();
      const version = await db.setEx("new", { n: 1 }, 0.2);
      const set = (await watch.next()).value;
      ok(set.expiresAt >= before + 200 && set.expiresAt <= Date.now() + 200);
      await db.expire("old", 0.4);
      await db.setEx("stays", 1, 60);
      await db.persist("stays");
      // On a slow machine the first of them expires before the last of them is written.
      const changes = [];
      while (changes.length < 5) changes.push((await watch.next()).value);
      const [expired, written] = [true, false].map((is) => changes.filter(({ kind }) => (kind === "expire") === is));
      equal(written.map(({ kind, key }) => `${kind} ${key}`), ["set old", "set stays", "set stays"]);
      equal(expired.map(({ key }) => key), ["new", "old"]);
      equal(expired[0].oldVersion, version);
      equal([await db.has("new"), await db.has("old"), await db.has("stays")], [false, false, true]);
      await watch.return();
      await kept;
    },
  },
  {
    name: "who falls behind by too much is told so",
    async run({ open, isShared }) {
      const db = await open({ watchBuffer: 3000 });
      const watch = db.watch();
      await db.set("a", 0);
      equal(await take(watch, 1), ["set a"]);
      for (let n = 0; n < 100; n++) db.set("a", n);
      await db.get("a");
      if (isShared) return equal((await take(watch, 100)).length, 100);
      await rejects(take(watch, 100), "ChangesLost");
      equal((await watch.next()).done, true);
    },
  },
  {
    name: "a watch goes on from a version, also after reopening",
    async run({ open, persistent }) {
      const options = { changeHistory: { seconds: 3600 } };
      let db = await open(options);
      const version = await db.set("a", 1);
      await db.set("b", { n: 2 });
      equal(await take(db.watch({}, { since: 0 }), 2), ["set a", "set b"]);
      if (persistent) {
        await db.close();
        db = await open(options);
      }
      const watch = db.watch({}, { since: version });
      equal((await watch.next()).value.value, { n: 2 });
      await db.set("c", 3);
      equal(await take(watch, 1), ["set c"]);
    },
  },
  {
    name: "what is found is told, and how it changes",
    async run({ open }) {
      const db = await open();
      await db.setMany([["a", { n: 1 }], ["b", { n: 2 }], ["c", { n: 3 }]]);
      const watch = db.watchQuery({ where: { n: { gte: 1 } }, orderBy: "n", limit: 2 });
      const next = async () => {
        const { added, changed, removed } = (await watch.next()).value;
        const rows = (of) => of.map(({ key, value }) => [key, value.n]);
        return [rows(added), rows(changed), removed];
      };
      equal(await next(), [[["a", 1], ["b", 2]], [], []]);
      const waiting = next();
      await db.delete("a");
      equal(await waiting, [[["c", 3]], [], ["a"]]);
      await db.set("b", { n: 2.5 });
      equal(await next(), [[], [["b", 2.5]], []]);
      await watch.return();
    },
  },
  {
    name: "bytes are rows of queries that do not look into documents",
    async run({ open }) {
      const db = await open();
      const bytes = (...list) => new Uint8Array(list);
      await db.setMany([["a", { n: 1 }], ["b", bytes(1, 2)], ["c", { n: 3 }]]);
      equal((await db.query()).map((row) => row.value), [{ n: 1 }, bytes(1, 2), { n: 3 }]);
      equal((await db.findOne({ keys: { gt: "a" } })).value, bytes(1, 2));
      equal((await db.query({ where: { n: { exists: false } } })).length, 0);
      equal([await db.count({ offset: 0 }), await db.count({ orderBy: "n" })], [3, 2]);
      const watch = db.watchQuery({ limit: 2 });
      const next = async () => {
        const { added, changed, removed } = (await watch.next()).value;
        const rows = (of) => of.map(({ key, value }) => [key, value]);
        return [rows(added), rows(changed), removed];
      };
      equal(await next(), [[["a", { n: 1 }], ["b", bytes(1, 2)]], [], []]);
      const waiting = next();
      await db.set("b", bytes(3));
      equal(await waiting, [[], [["b", bytes(3)]], []]);
      await watch.return();
    },
  },
  {
    name: "what cannot be watched has a code",
    async run({ open }) {
      const db = await open();
      for (const selector of [{ key: "" }, { key: 5 }]) await rejects(db.watch(selector).next(), "InvalidKey");
      for (const selector of [{ limit: 1 }, { key: "a", prefix: "b" }, { gt: "a", gte: "b" }, "a", null]) {
        await rejects(db.watch(selector).next(), "InvalidRange");
      }
      for (const options of [{ since: -1 }, { values: 1 }, { signal: {} }, { sinse: 1 }, null]) {
        await rejects(db.watch({}, options).next(), "InvalidOptions");
      }
      // A version that is not there may be one that a crash has lost.
      await rejects(db.watch({}, { since: 1e9 }).next(), "ChangesLost");
      await rejects(db.watchQuery({ orderBy: "" }).next(), "InvalidPath");
      await rejects(db.watchQuery({ offset: 1 }).next(), "InvalidOptions");
      await rejects(db.watchQuery({}, { since: 1 }).next(), "InvalidOptions");
      await rejects(db.watchQuery({ where: { a: { near: 1, gte: 2 } } }).next(), "InvalidCondition");
    },
  },
];
