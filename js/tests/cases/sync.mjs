// What holds for FerroliteSync: of the shared cases, by an adapter that gives promises, those that do not need waiting in
// between; and its own.
import { equal, ok } from "../support/assert.mjs";
import { groups } from "./index.mjs";

/** The shared cases about what goes on at the same time, about transactions whose function waits, and such validators. */
const ELSEWHERE = [
  "bytes are documents",
  "a dropped collection is gone, with the index that was being built",
  "transactions write to several collections at once",
  "a validator decides what is stored, and as what",
  "a document comes with its version and expiry",
  "calls of one turn travel together, and are applied in their order",
  "while an index is built, other calls are answered",
  "dropping an index ends its building",
  "closing ends scans and the building of indexes",
  "large documents are documents like others",
];

/** The error that a function throws must be a `FerroliteError` with this code. */
function throws(work, code) {
  let value;
  try {
    value = work();
  } catch (error) {
    ok(error.name === "FerroliteError" || (code === "Aborted" && error.name === "AbortError"), error.name);
    equal(error.code, code, error.stack);
    return error;
  }
  throw new Error(`expected an error ${code}, and got ${JSON.stringify(value)}`);
}

/** A case that gets a database of its own. */
function own(name, test) {
  const run = async (host) => {
    const db = await host.FerroliteSync.open(host.name, host.options);
    try {
      await test(db, host);
    } finally {
      db.close();
    }
  };
  return { name, run };
}

const cases = [
  own("verbs return values, and throw", (db) => {
    equal([db.set("a", { n: 1 }), db.get("a"), db.get("b")], [1, { n: 1 }, undefined]);
    equal(db.createIndex("n"), true);
    equal(db.query({ where: { n: 1 } }).map(({ key }) => key), ["a"]);
    equal([db.setMany(new Map([["b", { n: 2 }], ["c", { n: 3 }]])) > 1, db.count(), db.increment("i")], [true, 3, 1]);
    const users = db.collection("users");
    equal([users.set("a", 1) > 3, users.keys(), db.collections()], [true, ["a"], ["users"]]);
    equal([db.compact(), db.flush(), db.check({ full: true }).problems], [undefined, undefined, []]);
    throws(() => db.get(""), "InvalidKey");
    throws(() => db.set("a", () => 1), "InvalidValue");
    throws(() => db.set("a", 1, { ifVersion: 99 }), "Conflict");
    throws(() => db.query({ wher: {} }), "InvalidOptions");
    db.close();
    db.close();
    throws(() => db.get("a"), "Closed");
    throws(() => db.stats(), "Closed");
  }),
  own("a validator that waits is refused, others decide", (db) => {
    const schema = (validate) => ({ validate: { "~standard": { version: 1, vendor: "test", validate } } });
    const doubled = db.collection("a", schema((n) => (typeof n === "number" ? { value: 2 * n } : { issues: [{ message: "no number" }] })));
    doubled.setMany([["a", 1], ["b", 2]]);
    equal(doubled.values(), [2, 4]);
    throws(() => doubled.set("a", "1"), "InvalidValue");
    const waiting = db.collection("a", schema(async (value) => ({ value })));
    throws(() => waiting.set("a", 1), "Unsupported");
    throws(() => waiting.setMany([["a", 1]]), "Unsupported");
    equal(doubled.get("a"), 2);
  }),
  own("the same name and the same validator are the same collection", (db) => {
    const validate = { "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) } };
    ok(db.collection("a") === db.collection("a") && db.collection("a") !== db.collection("b"));
    ok(db.collection("a", { validate }) === db.collection("a", { validate }) && db.collection("a", { validate }) !== db.collection("a"));
  }),
  own("a transaction sees its own writes, and is all or nothing", (db) => {
    db.setMany([["a", 1], ["b", 2]]);
    const sum = db.transaction((tx) => {
      tx.set("a", 10);
      tx.delete("b");
      equal([tx.keys(), db.keys()], [["a"], ["a", "b"]]);
      tx.collection("other").set("x", new Uint8Array([1, 2]));
      return tx.get("a");
    });
    equal([sum, db.entries(), [...db.collection("other").get("x")]], [10, [["a", 10]], [1, 2]]);
    const failure = new Error("of the function");
    let thrown;
    try {
      db.transaction((tx) => {
        tx.set("a", 11);
        throw failure;
      });
    } catch (error) {
      thrown = error;
    }
    ok(thrown === failure);
    let kept;
    db.transaction((tx) => void (kept = tx));
    throws(() => kept.get("a"), "InvalidTransaction");
    throws(() => db.transaction(async (tx) => tx.set("a", 12)), "InvalidTransaction");
    throws(() => db.transaction(), "InvalidTransaction");
    equal([db.get("a"), db.stats().snapshots], [10, 0]);
  }),
  own("a transaction that is outdated is run again, and not for ever", (db) => {
    db.set("n", 0);
    let attempts = 0;
    const work = (tx) => {
      const n = tx.get("n");
      if (++attempts < 3) db.set("n", n + 10);
      tx.set("n", n + 1);
    };
    db.transaction(work);
    equal([attempts, db.get("n")], [3, 21]);
    attempts = -100;
    throws(() => db.transaction(work, { retries: 2 }), "Conflict");
    equal([attempts, db.stats().snapshots], [-97, 0]);
  }),
  own("what is read piece by piece is let go", (db) => {
    db.setMany(Array.from({ length: 2000 }, (_, n) => [`k${n}`, { n }]));
    const held = () => db.stats().snapshots;
    for (const _ of db.scan()) break;
    const scan = db.scan();
    scan.next();
    equal(held(), 1);
    scan.return();
    const controller = new AbortController();
    const signalled = db.scan({}, { signal: controller.signal });
    signalled.next();
    controller.abort("enough");
    equal(throws(() => signalled.next(), "Aborted").cause, "enough");
    throws(() => db.scan({}, { signal: controller.signal }).next(), "Aborted");
    equal([held(), [...db.scan({ limit: 1500 })].length, held()], [0, 1500, 0]);
    const snapshot = db.snapshot();
    db.deleteRange({});
    equal([snapshot.count(), db.count(), held()], [2000, 0, 1]);
    for (const _ of snapshot.scan()) break;
    snapshot.close();
    equal(held(), 0);
  }),
  own("bytes in pieces", (db) => {
    const film = Uint8Array.from({ length: 3_000_000 }, (_, n) => n % 251);
    const version = db.setStream("film", [film.subarray(0, 1_000_001), film.subarray(1_000_001)], { ttl: 60 });
    ok(version > 0 && db.ttl("film") > 0);
    const found = new Uint8Array(film.length);
    let at = 0;
    for (const piece of db.getStream("film")) {
      found.set(piece, at);
      at += piece.length;
    }
    ok(at === film.length && found.every((byte, n) => byte === film[n]));
    const held = () => db.stats().snapshots;
    const idle = db.getStream("film");
    equal(held(), 1);
    idle.return();
    for (const _ of db.getStream("film")) break;
    equal([held(), idle.next().done, db.getStream("none")], [0, true, undefined]);
    const failing = function* () {
      yield new Uint8Array(10);
      throw new Error("of the source");
    };
    let thrown;
    try {
      db.setStream("film", failing());
    } catch (error) {
      thrown = error;
    }
    equal([thrown.message, db.get("film").length], ["of the source", film.length]);
    throws(() => db.setStream("film", ["text"]), "InvalidValue");
    throws(() => db.setStream("film", new Uint8Array(5)), "InvalidValue");
    const signal = AbortSignal.abort();
    throws(() => db.getStream("film", { signal }), "Aborted");
    throws(() => db.setStream("film", [film], { signal }), "Aborted");
  }),
  own("an export is a database", async (db, { name, options, Ferrolite }) => {
    db.set("a", { n: 1 });
    const told = [];
    const chunks = [...db.export({ onProgress: (done, all) => told.push([done, all]) })];
    const bytes = new Uint8Array(await new Blob(chunks).arrayBuffer());
    equal([told.at(-1)[0], told.at(-1)[1]], [bytes.length, bytes.length]);
    const copy = await Ferrolite.import(`${name}-copy`, bytes, options);
    equal(await copy.get("a"), { n: 1 });
    await copy.close();
    await Ferrolite.delete(`${name}-copy`);
    for (const _ of db.export()) break;
    const signal = AbortSignal.abort();
    throws(() => db.export({ signal }), "Aborted");
    equal(db.stats().snapshots, 0);
  }),
  own("watches wait, and calls go on meanwhile", async (db, { sleep }) => {
    const kept = sleep(2000);
    const watch = db.watch({ prefix: "a" });
    db.setMany([["a1", 1], ["b", 2]]);
    equal((await watch.next()).value.key, "a1");
    const next = watch.next();
    await sleep(1);
    db.set("a2", { n: 2 });
    equal((await next).value.value, { n: 2 });
    const seen = [];
    const stop = db.watchQuery({ where: { n: { gte: 0 } } }).subscribe(({ added }) => seen.push(...added.map(({ key }) => key)));
    await sleep(1);
    db.set("a3", { n: 3 });
    while (seen.length < 2) await sleep(1);
    stop();
    const last = watch.next();
    equal((await last).value.key, "a3");
    const waiting = watch.next();
    db.setEx("a4", 1, 0.01);
    equal((await waiting).value.kind, "set");
    equal((await watch.next()).value.kind, "expire");
    const ended = watch.next();
    await sleep(1);
    db.close();
    equal((await ended).done, true);
    void kept;
  }),
];

/** The cases by their groups. */
export const syncGroups = {
  ...Object.fromEntries(Object.entries(groups).map(([group, of]) => [group, of.filter(({ name }) => group !== "transactions" && !ELSEWHERE.includes(name))])),
  sync: cases,
};
