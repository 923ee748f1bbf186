// Exports as streams, and imports of them.
import { equal, ok, rejects } from "../support/assert.mjs";

const documents = (count = 2000) =>
  Array.from({ length: count }, (_, n) => [`key${String(n).padStart(5, "0")}`, { n, text: `text ${n * 7919}`.repeat(10) }]);

/** What imports and opens under another name: the host's options. */
const named = ({ name, options }) => [`${name}-copy`, options];

const bytesOf = async (stream) => new Uint8Array(await new Response(stream).arrayBuffer());

async function made({ open }) {
  const db = await open();
  await db.setMany(documents());
  await db.createIndex("n");
  return db;
}

/** Imports, does the work with what comes of it, closes and deletes it. */
async function withCopy({ Ferrolite, ...host }, source, work, more = {}) {
  const [name, options] = named(host);
  const copy = await Ferrolite.import(name, source, { ...options, ...more });
  try {
    await work(copy);
  } finally {
    await copy.close();
    await Ferrolite.delete(name);
  }
}

async function assertSound(db, expected) {
  equal(await db.entries(), expected);
  equal((await db.check({ full: true })).problems, []);
}

export default [
  {
    name: "an export is of one state, whatever is written while it is read",
    async run(host) {
      const db = await made(host);
      const stream = await db.export();
      const chunks = [];
      for (const reader = stream.getReader(); ; ) {
        const { done, value } = await reader.read();
        if (done) break;
        ok(value instanceof Uint8Array && value.byteLength > 0 && value.byteLength <= 1 << 20);
        chunks.push(value);
        await db.setMany(documents(100).map(([key], n) => [key, { n: -n }]));
        await db.deleteRange({ prefix: "key01" });
        if (chunks.length === 1) await db.compact();
      }
      ok(chunks.length > 1, "it comes in pieces");
      await withCopy(host, new Blob(chunks), async (copy) => {
        await assertSound(copy, documents());
        equal(await copy.find("n", 7), ["key00007"]);
        equal(copy.storage.kind, db.storage.kind);
        await copy.set("more", 1);
      });
      equal(await db.count(), 1000);
      equal((await db.check({ full: true })).problems, []);
    },
  },
  {
    name: "an import takes bytes in all their forms",
    async run(host) {
      const db = await made(host);
      const bytes = await bytesOf(await db.export());
      const before = bytes.slice();
      const within = new Uint8Array(bytes.byteLength + 20);
      within.set(bytes, 10);
      async function* pieces() {
        for (let at = 0; at < bytes.length; at += 70_000) yield bytes.slice(at, at + 70_000);
      }
      const sources = [
        bytes,
        bytes.buffer,
        within.subarray(10, 10 + bytes.byteLength),
        new Blob([bytes]),
        new Response(bytes),
        new Response(bytes).body,
        pieces(),
        await db.export(),
      ];
      for (const source of sources) {
        await withCopy(host, source, async (copy) => equal(await copy.count(), 2000));
      }
      equal([bytes.byteLength, bytes.every((byte, at) => byte === before[at])], [before.byteLength, true]);
    },
  },
  {
    name: "exports and imports tell how far they are",
    async run(host) {
      const db = await made(host);
      const told = [];
      const onProgress = (...all) => told.push(all);
      const bytes = await bytesOf(await db.export({ onProgress }));
      equal(told.at(-1), [bytes.byteLength, bytes.byteLength]);
      ok(told.every(([done, total], n) => total === bytes.byteLength && done > (told[n - 1]?.[0] ?? 0)));
      told.length = 0;
      await withCopy(host, bytes, async () => {}, { onProgress });
      equal(told.at(-1), [bytes.byteLength, bytes.byteLength]);
      await withCopy(host, new Response(bytes).body, async () => {}, { onProgress });
      equal(told.at(-1), [bytes.byteLength, undefined]);
    },
  },
  {
    name: "an empty database is exported and imported",
    async run(host) {
      const db = await host.open();
      await withCopy(host, await db.export(), (copy) => assertSound(copy, []));
    },
  },
  {
    name: "nothing is read that nobody asks for, and cancelling gives the room back",
    async run(host) {
      const db = await made(host);
      // Two megabytes that cannot be compressed.
      for (let n = 0; n < 64; n++) {
        const noise = crypto.getRandomValues(new Uint8Array(32768));
        await db.set(`noise${n}`, Array.from(noise, (byte) => String.fromCharCode(0x4e00 + byte * 16)).join(""));
      }
      let done = 0;
      const stream = await db.export({ onProgress: (bytes) => (done = bytes) });
      await host.sleep(20);
      equal(done, 0);
      const reader = stream.getReader();
      await reader.read();
      await host.sleep(20);
      const first = done;
      ok(first > 0);
      await db.deleteRange({});
      await db.compact();
      const held = (await db.stats()).fileBytes;
      await reader.cancel();
      await db.compact();
      const { fileBytes } = await db.stats();
      ok(done === first && fileBytes < held / 2, `${done}, ${fileBytes} of ${held}`);
    },
  },
  {
    name: "closing and aborting end an export",
    async run(host) {
      const db = await made(host);
      const controller = new AbortController();
      const aborted = (await db.export({ signal: controller.signal })).getReader();
      await aborted.read();
      controller.abort();
      await rejects(aborted.read(), "Aborted");
      await rejects(db.export({ signal: controller.signal }), "Aborted");
      const idle = (await db.export()).getReader();
      const busy = (await db.export()).getReader();
      await idle.read();
      await db.close();
      await rejects(idle.read(), "Closed");
      await rejects(busy.read(), "Closed");
      await rejects(db.export(), "Closed");
    },
  },
  {
    name: "an import that fails or is broken off leaves nothing",
    async run(host) {
      const { Ferrolite, list } = host;
      const db = await made(host);
      const bytes = await bytesOf(await db.export());
      const [name, options] = named(host);
      const failing = (error) =>
        new ReadableStream({
          start: (controller) => controller.enqueue(bytes.slice(0, 100_000)),
          pull: (controller) => controller.error(error),
        }, { highWaterMark: 0 });
      const attempt = async (source, code, more) => {
        await rejects(Ferrolite.import(name, source, { ...options, ...more }), code);
        ok(!(await list()).includes(name), `${code}: it was removed`);
      };
      await attempt(new Uint8Array(0), "NotADatabase");
      await attempt(new Blob(["no database".repeat(10_000)]), "NotADatabase");
      await attempt(bytes.subarray(0, bytes.length - 1), "Corrupt");
      await attempt(bytes.subarray(0, 70_000), "Corrupt");
      await attempt(failing(new Error("the network is gone")), "Io");
      await attempt(new Blob(["a"]).stream().pipeThrough(new TransformStream({ transform: (_, out) => out.enqueue("text") })), "InvalidOptions");
      await attempt(bytes, options.encryption === undefined ? "NotEncrypted" : "WrongKey", { encryption: { key: new Uint8Array(32).fill(9) } });
      await attempt(bytes, "InvalidOptions", { cacheSise: 1 });
      const controller = new AbortController();
      await attempt(bytes, "Aborted", { signal: controller.signal, onProgress: () => controller.abort() });
      await attempt(bytes, "Aborted", { signal: controller.signal });
      // It goes on waiting for a source that gives nothing, until it is told.
      const later = new AbortController();
      setTimeout(() => later.abort(), 20);
      await attempt(new ReadableStream({ pull: () => new Promise(() => {}) }), "Aborted", { signal: later.signal });
      await withCopy(host, bytes, (copy) => assertSound(copy, documents()));
    },
  },
  {
    name: "a database that exists is not replaced",
    async run(host) {
      if (!host.persistent) return;
      const { Ferrolite, name, open, options } = host;
      const db = await made(host);
      const bytes = await bytesOf(await db.export());
      if (host.isShared) await rejects(Ferrolite.import(name, bytes, options), "Locked");
      else await rejects(Ferrolite.import(name, bytes, options), "InvalidOptions", /there already/);
      await db.set("more", 1);
      await rejects(Ferrolite.delete(name), "Locked");
      await db.close();
      await rejects(Ferrolite.import(name, bytes, options), "InvalidOptions", /there already/);
      const again = await open();
      equal(await again.count(), 2001);
    },
  },
  {
    name: "bad arguments of export and import",
    async run(host) {
      const { Ferrolite, name, open } = host;
      const db = await open();
      for (const options of [null, 5, { onProgres: () => {} }, { signal: 5 }, { onProgress: 5 }]) {
        await rejects(db.export(options), "InvalidOptions");
      }
      for (const source of [undefined, null, "text", 5, {}, [], new Response()]) {
        await rejects(Ferrolite.import(`${name}-copy`, source), "InvalidOptions");
      }
      await rejects(Ferrolite.import("", new Uint8Array(1)), "InvalidOptions");
      await rejects(Ferrolite.import(`${name}-copy`, new Uint8Array(1), { signal: 5 }), "InvalidOptions");
      await rejects(Ferrolite.import(`${name}-copy`, new Uint8Array(1), null), "InvalidOptions");
    },
  },
];
