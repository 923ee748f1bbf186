// Encryption at rest: keys, passphrases, changing them, and that they do not get about.
import { equal, ok, rejects } from "../support/assert.mjs";

const key = (first = 1) => Uint8Array.from({ length: 32 }, (_, at) => (first * 37 + at * 11) & 255);
const CHEAP = { memoryKib: 64, iterations: 1, lanes: 2 };
const PASSPHRASE = "pass phrase märker 7f3a";
const MARKER = "a marker that is easily found";
const ciphers = ["aes-256-gcm", "chacha20-poly1305"];

const documents = () => Array.from({ length: 1500 }, (_, n) => [`key${String(n).padStart(5, "0")}`, { n, text: `${MARKER} ${n}` }]);

async function fill(db) {
  await db.setMany(documents());
  await db.createIndex("n");
  await db.compact();
  await db.set("in the log", MARKER);
}

async function assertWhole(db) {
  equal(await db.count(), 1501);
  equal(await db.entries({ prefix: "key" }), documents());
  equal([await db.get("in the log"), await db.find("n", 77)], [MARKER, ["key00077"]]);
  equal((await db.check({ full: true })).problems, []);
}

/** All that an error says. */
const told = (error) => [error.message, error.stack, String(error.cause), JSON.stringify(error)].join("\n");

function assertSilent(text) {
  const hex = Array.from(key(), (byte) => byte.toString(16).padStart(2, "0")).join("");
  for (const secret of [PASSPHRASE, "7f3a", key().join(), hex, key().join(", ")]) ok(!text.includes(secret), text);
}

/** Whether these bytes hold the text. */
function holds(bytes, text) {
  const wanted = new TextEncoder().encode(text);
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

/** Runs `work`, and returns the buffers that were made with `new ArrayBuffer` in this thread meanwhile. */
async function buffersOf(work) {
  const Original = globalThis.ArrayBuffer;
  const made = [];
  globalThis.ArrayBuffer = class extends Original {
    static [Symbol.hasInstance](value) {
      return Original[Symbol.hasInstance](value);
    }
    constructor(...sizes) {
      super(...sizes);
      made.push(this);
    }
  };
  try {
    await work();
  } finally {
    globalThis.ArrayBuffer = Original;
  }
  return made;
}

export default [
  ...ciphers.map((cipher) => ({
    name: `what is written with ${cipher} comes back, and is not to be read in the file`,
    async run(host) {
      const { name, open, persistent } = host;
      const encryption = { key: key(), cipher };
      const db = await open({ encryption });
      await fill(db);
      await assertWhole(db);
      const stats = (await db.stats()).encryption;
      equal([stats.cipher, stats.argon2, stats.isRotating, stats.oldKeyBytes], [cipher, null, false, 0]);
      await db.close();
      if (!persistent) return;
      // An array of the caller's with another type of buffer will do, and the file knows its cipher.
      const again = await open({ encryption: { key: new Uint8Array([0, ...key(), 0]).subarray(1, 33) } });
      await assertWhole(again);
      equal((await again.stats()).encryption.cipher, cipher);
      await again.close();
      await host.rewrite(name, (bytes) => {
        ok(bytes.length > 65536 && !holds(bytes, MARKER), "documents are sealed");
        ok(!holds(bytes, "key00"), "keys are sealed");
        return bytes;
      });
    },
  })),
  {
    name: "a plain database has its documents in the file, so that the search for them is one",
    async run(host) {
      if (!host.persistent) return;
      const db = await host.open({ compression: "none" });
      await fill(db);
      equal((await db.stats()).encryption, null);
      await db.close();
      await host.rewrite(host.name, (bytes) => {
        ok(holds(bytes, MARKER) && holds(bytes, "key00"));
        return bytes;
      });
    },
  },
  {
    name: "a passphrase opens, with the costs that it was made with",
    async run({ open, persistent }) {
      const db = await open({ encryption: { passphrase: PASSPHRASE, argon2: CHEAP, cipher: "chacha20-poly1305" } });
      await fill(db);
      equal((await db.stats()).encryption.argon2, CHEAP);
      await db.close();
      if (!persistent) return;
      const again = await open({ encryption: { passphrase: PASSPHRASE } });
      await assertWhole(again);
      equal((await again.stats()).encryption.argon2, CHEAP);
      await again.close();
      await rejects(open({ encryption: { passphrase: `${PASSPHRASE} ` } }), "WrongKey");
      await rejects(open({ encryption: { key: key() } }), "WrongKey");
    },
  },
  {
    name: "the default costs of a passphrase can be paid",
    async run({ open }) {
      const db = await open({ encryption: { passphrase: PASSPHRASE } });
      equal((await db.stats()).encryption.argon2, { memoryKib: 32768, iterations: 3, lanes: 1 });
    },
  },
  {
    name: "without its key a database stays shut, and as it is",
    async run({ open, persistent }) {
      if (!persistent) return;
      const db = await open({ encryption: { key: key() } });
      await fill(db);
      await db.close();
      for (const more of [{}, { readOnly: true }, { create: false }]) {
        await rejects(open(more), "KeyRequired", /encrypted/);
        assertSilent(told(await rejects(open({ ...more, encryption: { key: key(2) } }), "WrongKey")));
        assertSilent(told(await rejects(open({ ...more, encryption: { passphrase: PASSPHRASE, argon2: CHEAP } }), "WrongKey")));
      }
      const again = await open({ readOnly: true, encryption: { key: key() } });
      await assertWhole(again);
    },
  },
  {
    name: "a plain database takes no key",
    async run({ open, persistent }) {
      const db = await open();
      await db.set("a", 1);
      await rejects(db.changeKey({ key: key() }), "NotEncrypted");
      await rejects(db.rotateKey(), "NotEncrypted");
      equal(await db.get("a"), 1);
      await db.close();
      if (!persistent) return;
      assertSilent(told(await rejects(open({ encryption: { key: key() } }), "NotEncrypted")));
      equal(await (await open()).get("a"), 1);
    },
  },
  {
    name: "damaged key slots are told",
    async run({ name, open, persistent, rewrite }) {
      if (!persistent) return;
      await (await open({ encryption: { key: key() } })).close();
      await rewrite(name, (bytes) => {
        // Both copies of the keys, wherever they are.
        const magic = new TextEncoder().encode("FERROKEY");
        let hits = 0;
        for (let at = 0; at < 65536; at += 512) {
          if (!magic.every((byte, index) => bytes[at + index] === byte)) continue;
          bytes[at + 100] ^= 1;
          hits++;
        }
        equal(hits, 2);
        return bytes;
      });
      assertSilent(told(await rejects(open({ encryption: { key: key() } }), "KeySlotDamaged")));
    },
  },
  {
    name: "a changed key opens, and the old one does not",
    async run({ open, persistent }) {
      let db = await open({ encryption: { key: key() } });
      await fill(db);
      await Promise.all([db.set("before", 1), db.changeKey({ passphrase: PASSPHRASE, argon2: CHEAP }), db.set("after", 2)]);
      await db.deleteRange({ gte: "after", lte: "before" });
      await assertWhole(db);
      equal((await db.stats()).encryption.argon2, CHEAP);
      await db.close();
      await rejects(db.changeKey({ key: key() }), "Closed");
      if (!persistent) return;
      await rejects(open({ encryption: { key: key() } }), "WrongKey");
      db = await open({ encryption: { passphrase: PASSPHRASE } });
      await assertWhole(db);
      await db.changeKey({ key: key(3) });
      await db.close();
      await rejects(open({ encryption: { passphrase: PASSPHRASE } }), "WrongKey");
      db = await open({ encryption: { key: key(3) }, readOnly: true });
      await assertWhole(db);
      await rejects(db.changeKey({ key: key(4) }), "ReadOnly");
      await rejects(db.rotateKey(), "ReadOnly");
    },
  },
  {
    name: "a rotation keeps all documents, and lets other calls in",
    async run({ open, persistent }) {
      const encryption = { key: key(), cipher: "chacha20-poly1305" };
      const db = await open({ encryption });
      await fill(db);
      const before = (await db.stats()).encryption.keyEpoch;
      const rotating = db.rotateKey();
      await db.set("meanwhile", 1);
      await Promise.all([rotating, db.rotateKey()]);
      equal(await db.delete("meanwhile"), true);
      await assertWhole(db);
      const after = (await db.stats()).encryption;
      ok(after.keyEpoch > before, `${before} ${after.keyEpoch}`);
      equal([after.isRotating, after.oldKeyBytes], [false, 0]);
      await db.close();
      if (!persistent) return;
      const again = await open({ encryption });
      await assertWhole(again);
      await again.changeKey({ key: key(2) });
      await again.rotateKey();
      await assertWhole(again);
    },
  },
  {
    name: "an encrypted database is salvaged into an encrypted one",
    async run({ Ferrolite, name, open, persistent, rewrite }) {
      if (!persistent) return;
      const out = `${name}-out`;
      const encryption = { key: key() };
      const db = await open({ encryption });
      await fill(db);
      await db.close();
      await rejects(Ferrolite.salvage(name, out), "KeyRequired");
      assertSilent(told(await rejects(Ferrolite.salvage(name, out, { encryption: { key: key(2) } }), "WrongKey")));
      await rejects(Ferrolite.salvage(name, out, { encryption: { key: key().subarray(1) } }), "InvalidOptions");
      const report = await Ferrolite.salvage(name, out, { encryption });
      equal([report.complete, report.documents], [true, 1501]);
      await rejects(Ferrolite.open(out), "KeyRequired");
      const recovered = await Ferrolite.open(out, { encryption });
      await assertWhole(recovered);
      await recovered.close();
      await rewrite(out, (bytes) => {
        ok(!holds(bytes, MARKER));
        return bytes;
      });
      await Ferrolite.delete(out);
    },
  },
  {
    name: "what cannot be an encryption is told, without the secret in it",
    async run({ Ferrolite, name, open, list }) {
      const bad = [
        [null, /an object/],
        [PASSPHRASE, /an object/],
        [key(), /an object/],
        [[PASSPHRASE], /an object/],
        [{}, /either a key or a passphrase/],
        [{ cipher: "aes-256-gcm" }, /either/],
        [{ key: key(), passphrase: PASSPHRASE }, /either/],
        [{ key: key().subarray(1) }, /32 bytes, not 31/],
        [{ key: new Uint8Array(33) }, /32 bytes, not 33/],
        [{ key: new Uint8Array(32) }, /zeros/],
        [{ key: Array.from(key()) }, /Uint8Array/],
        [{ key: key().buffer }, /Uint8Array/],
        [{ key: new Uint16Array(16) }, /Uint8Array/],
        [{ key: PASSPHRASE }, /Uint8Array/],
        [{ key: null }, /Uint8Array/],
        [{ passphrase: "" }, /empty/],
        [{ passphrase: 5 }, /string/],
        [{ passphrase: null }, /string/],
        [{ passphrase: key() }, /string/],
        [{ passphrase: `${PASSPHRASE}\ud800` }, /surrogate/],
        [{ passphrase: PASSPHRASE, salt: 1 }, /no "salt"/],
        [{ key: key(), cipher: "aes" }, /cipher/],
        [{ key: key(), cipher: null }, /cipher/],
        [{ passphrase: PASSPHRASE, argon2: 5 }, /argon2/],
        [{ passphrase: PASSPHRASE, argon2: { memory: 64 } }, /no "memory"/],
        [{ passphrase: PASSPHRASE, argon2: { ...CHEAP, lanes: 1.5 } }, /lanes/],
        [{ passphrase: PASSPHRASE, argon2: { ...CHEAP, lanes: -1 } }, /lanes/],
        [{ passphrase: PASSPHRASE, argon2: { ...CHEAP, lanes: "1" } }, /lanes/],
        [{ passphrase: PASSPHRASE, argon2: { ...CHEAP, memoryKib: 2 ** 32 } }, /memoryKib/],
        [{ passphrase: PASSPHRASE, argon2: { memoryKib: 1 } }, /Argon2id/],
        [{ passphrase: PASSPHRASE, argon2: { iterations: 2000 } }, /Argon2id/],
      ];
      const db = await open({ encryption: { key: key() } });
      await db.set("a", 1);
      const other = `${name}-other`;
      for (const [encryption, pattern] of bad) {
        const opened = await rejects(Ferrolite.open(other, { encryption }), "InvalidOptions", pattern);
        const changed = await rejects(db.changeKey(encryption), "InvalidOptions", pattern);
        // What the engine itself refuses it refuses when the file is there.
        const code = /zeros|Argon2id/.test(pattern.source) ? "NotFound" : "InvalidOptions";
        const salvaged = await rejects(Ferrolite.salvage(other, `${other}-out`, { encryption }), code);
        for (const error of [opened, changed, salvaged]) assertSilent(told(error));
      }
      await rejects(db.changeKey(), "InvalidOptions", /an object/);
      equal(await db.get("a"), 1);
      equal((await list()).filter((found) => found.startsWith(other)), []);
    },
  },
  {
    name: "secrets are in no error and in no figures",
    async run({ open }) {
      const db = await open({ encryption: { passphrase: PASSPHRASE, argon2: CHEAP } });
      await db.changeKey({ key: key() });
      assertSilent(JSON.stringify([await db.stats(), await db.check(), db.storage]));
      assertSilent(told(await rejects(db.get(""), "InvalidKey")));
      const { encryption } = await db.stats();
      equal(Object.keys(encryption).sort(), ["argon2", "cipher", "isRotating", "keyEpoch", "oldKeyBytes"]);
    },
  },
  {
    name: "the caller's array stays as it is, and copies of it do not",
    async run({ Ferrolite, name, open, persistent }) {
      const mine = key();
      const assertGone = (buffers, least) => {
        ok(buffers.length >= least, `${buffers.length} copies`);
        for (const buffer of buffers) ok(new Uint8Array(buffer.byteLength > 0 ? buffer : 0).every((byte) => byte === 0));
        equal(mine, key());
        equal(mine.byteLength, 32);
      };
      let db;
      assertGone(await buffersOf(async () => (db = await open({ encryption: { key: mine } }))), 1);
      assertGone(await buffersOf(() => db.changeKey({ passphrase: PASSPHRASE, argon2: CHEAP })), 1);
      assertGone(await buffersOf(() => db.changeKey({ key: mine })), 1);
      await db.close();
      assertGone(await buffersOf(() => rejects(open({ encryption: { key: mine }, cacheSize: "much" }), "InvalidOptions")), 1);
      assertGone(await buffersOf(() => rejects(open({ encryption: { key: mine }, memtableSize: () => 1 }), "InvalidOptions")), 1);
      if (!persistent) return;
      assertGone(await buffersOf(() => rejects(open({ encryption: { passphrase: PASSPHRASE } }), "WrongKey")), 1);
      assertGone(await buffersOf(() => rejects(Ferrolite.salvage(`${name}-none`, `${name}-out`, { encryption: { key: mine } }), "NotFound")), 1);
    },
  },
];
