// Collections, what validators let pass, and snapshots of all of it.
import { equal, ok, rejects } from "../support/assert.mjs";

/** A validator as libraries make them: of objects with a name and an age, which may be given as text. */
function person({ isAsync = false } = {}) {
  const check = (value) => {
    const issues = [];
    if (typeof value?.name !== "string") issues.push({ message: "not a string", path: ["name"] });
    const age = Number(value?.age);
    if (!Number.isInteger(age)) issues.push({ message: "not a whole number", path: [{ key: "age" }] });
    return issues.length > 0 ? { issues } : { value: { name: value.name, age } };
  };
  const validate = isAsync ? async (value) => check(value) : check;
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** What throws at once rejects, too. */
const attempt = async (work) => work();

export default [
  {
    name: "collections have keys and indexes of their own",
    async run({ open, persistent }) {
      let db = await open();
      const [users, notes] = [db.collection("users"), db.collection("notes ü \"quoted\"")];
      equal([users.name, db.name], ["users", ""]);
      await db.set("k", "default");
      await users.set("k", { role: "admin" });
      await notes.setMany([["k", { role: "note" }], ["l", { role: "admin" }]]);
      equal([await db.get("k"), await users.get("k"), await notes.get("k")], ["default", { role: "admin" }, { role: "note" }]);
      await users.createIndex("role");
      equal([await users.find("role", "admin"), await notes.find("role", "admin")], [["k"], ["l"]]);
      equal([(await users.indexes()).length, await db.indexes()], [1, []]);
      equal(await users.increment("n", 5), 5);
      equal(await users.getAndSet("n", 6), 5);
      equal(await users.compareAndSwap("n", 6, 7), true);
      equal(await users.rename("n", "m"), true);
      equal(await users.patch("k", [{ op: "add", path: "/x", value: 1 }]), true);
      equal(await users.mergePatch("k", { x: null }), true);
      equal(await users.entries(), [["k", { role: "admin" }], ["m", 7]]);
      const scanned = [];
      for await (const [key] of notes.scan({ reverse: true })) scanned.push(key);
      equal(scanned, ["l", "k"]);
      equal(await users.deleteRange({ gte: "m" }), 1);
      equal([await users.count(), await db.count(), await notes.has("l")], [1, 1, true]);
      equal(await db.collections(), ["notes ü \"quoted\"", "users"]);
      if (persistent) {
        await db.close();
        db = await open();
        equal(await db.collection("users").keys(), ["k"]);
      }
    },
  },
  {
    name: "a dropped collection is gone, with the index that was being built",
    async run({ open }) {
      const db = await open();
      const a = db.collection("a");
      equal([await a.get("k"), await a.delete("k"), await db.collections()], [undefined, false, []]);
      await a.setMany(Array.from({ length: 3000 }, (_, n) => [`k${n}`, { n }]));
      const building = a.createIndex("n");
      await rejects(Promise.all([building, db.dropCollection("a")]), "Aborted");
      equal([await db.dropCollection("a"), await db.collections(), await a.count()], [false, [], 0]);
      await a.set("new", 1);
      equal([await a.keys(), await a.indexes()], [["new"], []]);
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "names of collections that cannot be are refused",
    async run({ open, Transaction }) {
      const db = await open();
      for (const name of ["", "x".repeat(256), "\ud800", 5, null, undefined]) {
        for (const use of [() => db.collection(name), () => new Transaction().collection(name)]) {
          await rejects(attempt(() => use()), "InvalidCollection");
        }
        await rejects(db.dropCollection(name), "InvalidCollection");
      }
      await rejects(attempt(() => db.collection("a", { validator: 1 })), "InvalidOptions");
      for (const validate of [{}, () => true, { "~standard": { version: 2, validate() {} } }]) {
        await rejects(attempt(() => db.collection("a", { validate })), "InvalidOptions");
      }
    },
  },
  {
    name: "transactions write to several collections at once",
    async run({ open, Transaction }) {
      const db = await open();
      const [a, b] = [db.collection("a"), db.collection("b")];
      const batch = new Transaction().set("k", 0);
      batch.collection("a").set("k", 1).setEx("l", 2, 60);
      batch.collection(b).set("k", 3).delete("none");
      equal(batch.size, 5);
      const version = await db.commit(batch);
      equal([await db.get("k"), await a.entries(), await b.get("k")], [0, [["k", 1], ["l", 2]], 3]);
      equal((await b.getDocument("k")).version, version);
      const sum = await db.transaction(async (tx) => {
        const inA = tx.collection(a);
        const sum = (await inA.get("k")) + (await tx.collection("b").get("k"));
        await inA.set("sum", sum);
        equal([await inA.get("sum"), await tx.get("sum")], [sum, undefined]);
        return sum;
      });
      equal([sum, await a.get("sum"), await db.has("sum")], [4, 4, false]);
    },
  },
  {
    name: "a validator decides what is stored, and as what",
    async run({ open, Transaction }) {
      const db = await open();
      for (const isAsync of [false, true]) {
        const people = db.collection(`people ${isAsync}`, { validate: person({ isAsync }) });
        await people.set("a", { name: "alice", age: "41", more: true });
        equal(await people.get("a"), { name: "alice", age: 41 });
        const refused = [
          () => people.set("b", { name: "bob" }),
          () => people.setEx("b", { name: 1, age: 1 }, 60),
          () => people.setMany([["b", { name: "bob", age: 1 }], ["c", {}]]),
          () => people.getAndSet("a", null),
          () => people.compareAndSwap("b", undefined, {}),
          () => people.mergePatch("a", { age: null }),
          () => people.patch("a", [{ op: "replace", path: "/name", value: 5 }]),
          () => db.transaction((tx) => tx.collection(people).set("b", {})),
        ];
        for (const write of refused) await rejects(attempt(() => write()), "InvalidValue");
        const error = await people.set("b", {}).catch((error) => error);
        ok(error.message.includes("name: not a string") && error.message.includes("age: "), error.message);
        equal(error.cause.issues.length, 2);
        await people.expire("a", 1000);
        equal(await people.mergePatch("a", { age: "42", x: 1 }), true);
        equal(await people.patch("a", [{ op: "replace", path: "/name", value: "al" }]), true);
        equal([await people.mergePatch("none", {}), await people.entries()], [false, [["a", { name: "al", age: 42 }]]]);
        ok((await people.ttl("a")) > 900, "a time to live stays");
        await people.setMany([["b", { name: "bob", age: "1" }]]);
        equal(await people.compareAndSwap("b", { name: "bob", age: 1 }, undefined), true);
        await db.transaction((tx) => tx.collection(people).set("t", { name: "t", age: "3" }));
        equal(await people.get("t"), { name: "t", age: 3 });
        const batch = new Transaction();
        if (isAsync) {
          await rejects(attempt(() => batch.collection(people).set("u", { name: "u", age: 4 })), "Unsupported");
        } else {
          await rejects(attempt(() => batch.collection(people).set("u", {})), "InvalidValue");
          await db.commit(batch.collection(people).set("u", { name: "u", age: "4" }));
          equal((await people.get("u")).age, 4);
        }
      }
    },
  },
  {
    name: "a validator's promise may be of any library, and its answer is checked",
    async run({ open, isSync }) {
      const db = await open();
      const of = (validate) => db.collection("a", { validate: { "~standard": { version: 1, vendor: "test", validate } } });
      class Later {
        constructor(value) {
          this.value = value;
        }
        then(resolve, reject) {
          return Promise.resolve(this.value).then(resolve, reject);
        }
      }
      const waiting = of((value) => new Later(value === 0 ? { issues: [{ message: "nought" }] } : { value }));
      if (isSync) {
        await rejects(waiting.set("k", 1), "Unsupported");
      } else {
        await waiting.set("k", 1);
        await waiting.setMany([["l", 2], ["m", 3]]);
        await rejects(waiting.set("k", 0), "InvalidValue", /nought/);
        equal(await db.collection("a").values(), [1, 2, 3]);
      }
      for (const answer of [undefined, null, 5, {}, { issues: undefined }]) {
        await rejects(attempt(() => of(() => answer).set("k", 1)), "InvalidValue", /\{ value \} or \{ issues \}/);
      }
    },
  },
  {
    name: "what a validator gives is stored as it is read, and can be written again",
    async run({ open, Transaction }) {
      const db = await open();
      const of = (validate) => db.collection("dates", { validate: { "~standard": { version: 1, vendor: "test", validate } } });
      const issues = (message) => ({ issues: [{ message, path: ["at"] }] });
      const strict = of(({ at }) => (at instanceof Date ? { value: { at } } : issues("not a Date")));
      const writes = [
        (document) => strict.set("k", document),
        (document) => strict.setEx("k", document, 60),
        (document) => strict.setMany([["k", document]]),
        (document) => strict.getAndSet("k", document),
        (document) => strict.compareAndSwap("k", undefined, document),
        (document) => db.transaction((tx) => tx.collection(strict).set("k", document)),
        (document) => new Transaction().collection(strict).set("k", document),
      ];
      for (const write of writes) {
        const error = await rejects(attempt(() => write({ at: new Date(0) })), "InvalidValue", /written again.*at: not a Date/);
        equal(error.cause.issues.length, 1);
      }
      equal(await strict.count(), 0);
      const coerced = of(({ at }) => (Number.isNaN(Date.parse(at)) ? issues("no date") : { value: { at: new Date(at) } }));
      await coerced.set("k", { at: new Date(0) });
      equal(await coerced.get("k"), { at: "1970-01-01T00:00:00.000Z" });
      await coerced.set("k", await coerced.get("k"));
      equal(await coerced.mergePatch("k", { at: "2020-02-02" }), true);
      equal(await coerced.get("k"), { at: "2020-02-02T00:00:00.000Z" });
      await rejects(attempt(() => of(() => ({ value: { n: 1n } })).set("k", 1)), "InvalidValue", /BigInt/);
      await rejects(attempt(() => of(() => ({ value: undefined })).set("k", 1)), "InvalidValue", /undefined/);
    },
  },
  {
    name: "the same name and the same validator are the same collection",
    async run({ open, isSync }) {
      if (isSync) return;
      const db = await open();
      const validate = person();
      ok(db.collection("a") === db.collection("a"), "the same name");
      ok(db.collection("a") !== db.collection("b"), "another name");
      ok(db.collection("a", { validate }) === db.collection("a", { validate }), "the same validator");
      ok(db.collection("a", { validate }) !== db.collection("a"), "with one, and without");
      ok(db.collection("a", { validate }) !== db.collection("a", { validate: person() }), "another validator");
      await rejects(attempt(() => db.collection("a", { validate }).set("k", {})), "InvalidValue");
      await db.collection("a").set("k", {});
    },
  },
  {
    name: "changes of a validated document at the same time all count",
    async run({ open, isShared }) {
      const db = await open();
      const people = db.collection("people", { validate: person() });
      await people.set("a", { name: "", age: 0 });
      const before = (await people.getDocument("a")).version;
      await Promise.all(Array.from({ length: 8 }, (_, n) => people.mergePatch("a", { age: n })));
      const after = await people.getDocument("a");
      // Where several share it, what they were answered is noted by commits, too.
      const written = after.version - before;
      ok(isShared ? written >= 8 && written <= 16 : written === 8, `${written} commits`);
    },
  },
  {
    name: "a document comes with its version and expiry",
    async run({ open }) {
      const db = await open();
      const version = await db.set("k", { a: 1 });
      equal(await db.getDocument("k"), { key: "k", document: { a: 1 }, version, expiresAt: undefined });
      await db.set("k", 2, { ifVersion: version, ttl: 60 });
      const { expiresAt } = await db.getDocument("k");
      ok(Math.abs(expiresAt.getTime() - Date.now() - 60_000) < 10_000, String(expiresAt));
      await db.set("k", 3, { keepTtl: true });
      ok((await db.ttl("k")) > 50);
      await rejects(db.set("k", 4, { keepTtl: true, ttl: 5 }), "InvalidOptions");
      equal(await db.getDocument("none"), undefined);
      await db.transaction(async (tx) => {
        equal((await tx.getDocument("k")).document, 3);
        await tx.set("k", null);
        equal(await tx.getDocument("k"), { key: "k", document: null, version: 0, expiresAt: undefined });
      });
    },
  },
  {
    name: "a snapshot stays as it was",
    async run({ open }) {
      const db = await open();
      const a = db.collection("a");
      await db.setMany([["k", { n: 1 }], ["l", { n: 2 }]]);
      await a.setMany(Array.from({ length: 500 }, (_, n) => [String(n).padStart(3, "0"), n]));
      const snapshot = await db.snapshot();
      await db.set("k", { n: 5 });
      await db.delete("l");
      await a.deleteRange({});
      await db.compact();
      equal([await snapshot.get("k"), await snapshot.keys()], [{ n: 1 }, ["k", "l"]]);
      equal([await snapshot.find("n", { gte: 1 }), await snapshot.count({ gt: "k" })], [["k", "l"], 1]);
      equal([await snapshot.getMany(["l", "x"]), await snapshot.has("l")], [[{ n: 2 }, undefined], true]);
      const inA = snapshot.collection(a);
      equal([await inA.count(), await inA.get("007"), (await inA.values({ lt: "003" }))], [500, 7, [0, 1, 2]]);
      let scanned = 0;
      for await (const [key, value] of inA.scan()) equal([Number(key), value], [scanned, scanned++]);
      for await (const [key] of inA.scan({ reverse: true })) if (key < "490") break;
      equal([scanned, (await db.stats()).snapshots], [500, 1]);
      await snapshot.close();
      await snapshot.close();
      equal((await db.stats()).snapshots, 0);
      await rejects(snapshot.get("k"), "SnapshotTooOld");
      equal(await db.get("k"), { n: 5 });
    },
  },
  {
    name: "a snapshot ends when too much was written since",
    async run({ open }) {
      const db = await open({ snapshotMaxBytes: 50_000 });
      await db.set("k", 1);
      const snapshot = await db.snapshot();
      const scan = db.scan();
      equal((await scan.next()).value, ["k", 1]);
      equal(await snapshot.get("k"), 1);
      await db.setMany(Array.from({ length: 100 }, (_, n) => [`k${n}`, "x".repeat(1000)]));
      await rejects(snapshot.get("k"), "SnapshotTooOld");
      await rejects(snapshot.collection("a").count(), "SnapshotTooOld");
      equal((await db.stats()).snapshots, 0);
      await snapshot.close();
      await rejects(open({ snapshotMaxAge: -1 }), "InvalidOptions");
    },
  },
];
