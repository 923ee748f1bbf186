// Methods that are called through other objects, and values that are made elsewhere.
import { equal, ok, rejects } from "../support/assert.mjs";

/** What leads to a database, or to another object of this package. */
const ways = {
  "an object that inherits from it": (object) => Object.create(object),
  "a proxy": (object) => new Proxy(object, {}),
  "a proxy that gives itself as the receiver, as Vue's": (object) => new Proxy(object, { get: (target, name, receiver) => Reflect.get(target, name, receiver) }),
  "a proxy of such an object": (object) => new Proxy(Object.create(object), {}),
};

/** The classes of another realm: of a frame, or of `node:vm`. A worker reaches no other realm. */
async function foreign() {
  if (typeof document !== "undefined") {
    const frame = document.body.appendChild(document.createElement("iframe"));
    const { Date, Uint8Array, Blob, ReadableStream, AbortController, Object, Map } = frame.contentWindow;
    return { Date, Uint8Array, Blob, ReadableStream, AbortController, Object, Map };
  }
  if (typeof process === "undefined") return undefined;
  const { createContext, runInContext } = await import("node:vm");
  return runInContext("({ Date, Uint8Array, Object, Map })", createContext());
}

export default [
  {
    name: "values of another realm are like local ones",
    async run({ open, isSync, Transaction }) {
      const db = await open();
      const other = await foreign();
      if (other === undefined) return;
      const { Date, Uint8Array, Blob, ReadableStream, AbortController, Object: Other, Map } = other;
      ok(!(new Uint8Array(1) instanceof globalThis.Uint8Array), "it is another realm");
      await db.set("d", { at: new Date(0) });
      await rejects(db.set("d", { at: new Date(NaN) }), "InvalidValue", /invalid Date/);
      await rejects(db.set("d", new Map()), "InvalidValue", /a Map/);
      const plain = new Other();
      plain.n = 1;
      await db.set("o", plain);
      const bytes = Uint8Array.from([1, 2, 3]);
      await db.set("b", bytes);
      await db.setMany([["c", bytes]]);
      await db.commit(new Transaction().set("e", bytes));
      await db.setStream("s", [bytes]);
      for (const key of ["b", "c", "e", "s"]) equal([...(await db.get(key))], [1, 2, 3], key);
      equal([await db.get("d"), await db.get("o")], [{ at: "1970-01-01T00:00:00.000Z" }, { n: 1 }]);
      if (AbortController !== undefined) {
        const controller = new AbortController();
        equal((await db.query({ where: { n: 1 } }, { signal: controller.signal })).length, 1);
        const watch = db.watch({}, { signal: controller.signal });
        controller.abort();
        await rejects(db.query({}, { signal: controller.signal }), "Aborted");
        await rejects(watch.next(), "Aborted");
      }
      if (isSync || Blob === undefined) return;
      await db.setStream("blob", new Blob(["abc"]));
      await db.setStream("stream", new ReadableStream({ start: (source) => (source.enqueue(bytes), source.close()) }));
      equal([(await db.get("blob")).length, (await db.get("stream")).length], [3, 3]);
    },
  },
  {
    name: "methods work through proxies and inheritance",
    async run({ open, Transaction, isSync }) {
      if (isSync) return;
      const real = await open();
      for (const [way, lead] of Object.entries(ways)) {
        const db = lead(real);
        await db.set("k", { way });
        equal(await db.get("k"), { way }, way);
        const users = lead(db.collection("users"));
        await users.set("u", 1);
        equal([await users.keys(), db.storage.kind === real.storage.kind, users.name], [["u"], true, "users"], way);
        await db.commit(lead(lead(new Transaction()).set("t", 1)));
        equal(await db.transaction((tx) => lead(lead(tx).collection(users)).get("u")), 1, way);
        const snapshot = lead(await db.snapshot());
        equal([await snapshot.get("t"), await lead(snapshot.collection("users")).count()], [1, 1], way);
        await snapshot.close();
        const watch = lead(db.watch({ key: "w" }));
        await db.set("w", way);
        for await (const { value } of watch) {
          equal(value, way);
          break;
        }
        const scanned = [];
        for await (const [key] of db.scan({ prefix: "t" })) scanned.push(key);
        equal(scanned, ["t"], way);
      }
    },
  },
  {
    name: "a method without its object tells how to call it",
    async run({ open, Transaction, Ferrolite, name, options, isSync }) {
      if (isSync) return;
      const db = await open();
      const { get, watch } = db;
      await rejects(get("k"), "Unsupported", /db\.get\(\.\.\.\).*bind/);
      await rejects([1].map(get)[0], "Unsupported");
      await rejects((async () => watch())(), "Unsupported", /db\.watch/);
      const { set } = new Transaction();
      await rejects((async () => set("k", 1))(), "Unsupported", /bind/);
      const bound = db.get.bind(db);
      equal(await bound("k"), undefined);
      const { open: detached } = Ferrolite;
      const other = await detached(`${name}-other`, { ...options, storage: "memory" });
      await other.close();
      ok(db.storage.kind !== undefined);
    },
  },
];
