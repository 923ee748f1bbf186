// Damaged databases: salvaging them, checking them, and opening them to read.
import { equal, ok, rejects } from "../support/assert.mjs";

/** Documents whose text does not compress, so that the pages of them are easily found. */
const documents = () => Array.from({ length: 2000 }, (_, n) => [`key${String(n).padStart(5, "0")}`, { n, text: `text ${n * 7919}` }]);

async function made({ open }) {
  const db = await open({ compression: "none" });
  await db.setMany(documents());
  await db.createIndex("n");
  await db.close();
}

/** The part of a host's options that opens and salvages its databases. */
const unlocked = ({ options: { encryption } }) => (encryption === undefined ? {} : { encryption });

/** Flips a bit in the page of documents that holds this text; a copy that nothing leads to may hold it too. */
function flip(bytes, text) {
  const wanted = new TextEncoder().encode(text);
  let hits = 0;
  for (let at = 65536; at + wanted.length < bytes.length; at++) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) {
      bytes[at] ^= 1;
      hits++;
    }
  }
  ok(hits > 0, "the text is in the file");
  return bytes;
}

export default [
  {
    name: "a sound database is salvaged whole",
    async run(host) {
      if (!host.persistent) return;
      const { Ferrolite, name } = host;
      await made(host);
      const seen = [];
      const report = await Ferrolite.salvage(name, `${name}-out`, { ...unlocked(host), onProgress: (done) => seen.push(done) });
      equal([report.complete, report.documents, report.indexes, report.lost], [true, 2000, ["n"], []]);
      ok(seen.length > 0 && seen.every((done) => done >= 0 && done <= 1), JSON.stringify(seen));
      const out = await Ferrolite.open(`${name}-out`, unlocked(host));
      equal([await out.entries(), await out.find("n", 7)], [documents(), ["key00007"]]);
      await out.close();
      await rejects(Ferrolite.salvage(name, `${name}-out`, unlocked(host)), "InvalidOptions", /there already/);
      await rejects(Ferrolite.salvage(name, name, unlocked(host)), "InvalidOptions", /there already/);
      await Ferrolite.delete(`${name}-out`);
    },
  },
  {
    name: "what is damaged is told, and the rest is recovered",
    async run(host) {
      // In an encrypted file a page is not found by its text.
      if (!host.persistent || host.options.encryption !== undefined) return;
      const { Ferrolite, name, open, rewrite } = host;
      await made(host);
      await rewrite(name, (bytes) => flip(bytes, `"text ${1000 * 7919}"`));
      const db = await open({ readOnly: true, allowDamage: true });
      await rejects(db.get("key01000"), "Corrupt", /salvage/);
      equal(await db.get("key00001"), { n: 1, text: "text 7919" });
      equal((await db.stats()).damage, []);
      const { problems } = await db.check({ full: true });
      ok(problems.length > 0 && /damaged/.test(problems[0]), JSON.stringify(problems));
      await db.close();
      const report = await Ferrolite.salvage(name, `${name}-out`, unlocked(host));
      equal([report.complete, report.lost.length > 0, report.scanned], [false, true, false]);
      const part = report.lost.find((lost) => lost.hasDocuments);
      ok(part.from <= "key01000" && "key01000" <= part.to, JSON.stringify(part));
      const out = await Ferrolite.open(`${name}-out`, unlocked(host));
      const left = await out.count();
      ok(left > 1700 && left < 2000 && left === report.documents, `${left}`);
      ok(!(await out.has("key01000")));
      await out.close();
      await Ferrolite.delete(`${name}-out`);
    },
  },
  {
    name: "a database without a whole superblock opens for nobody and is salvaged",
    async run(host) {
      if (!host.persistent) return;
      const { Ferrolite, name, open, rewrite } = host;
      await made(host);
      await rewrite(name, (bytes) => {
        for (const slot of [0, 4096, 8192, 12288]) bytes[slot + 4090] ^= 1;
        return bytes;
      });
      await rejects(open(), "Corrupt", /salvage/);
      await rejects(open({ readOnly: true, allowDamage: true }), "Corrupt");
      const report = await Ferrolite.salvage(name, `${name}-out`, unlocked(host));
      equal([report.complete, report.documents], [false, 2000]);
      await Ferrolite.delete(`${name}-out`);
    },
  },
  {
    name: "a salvage that is broken off leaves nothing",
    async run(host) {
      if (!host.persistent) return;
      const { Ferrolite, name, list } = host;
      await made(host);
      const controller = new AbortController();
      const salvaging = Ferrolite.salvage(name, `${name}-out`, {
        ...unlocked(host),
        signal: controller.signal,
        onProgress: () => controller.abort(),
      });
      await rejects(salvaging, "Aborted");
      ok(!(await list()).includes(`${name}-out`), "it was removed");
      await rejects(Ferrolite.salvage(name, `${name}-out`, { ...unlocked(host), signal: controller.signal }), "Aborted");
    },
  },
  {
    name: "bad arguments of salvage",
    async run({ Ferrolite, name, open, persistent }) {
      await rejects(Ferrolite.salvage("", "b"), "InvalidOptions");
      await rejects(Ferrolite.salvage("a", 5), "InvalidOptions");
      await rejects(Ferrolite.salvage("a", "b", { onProgres: () => {} }), "InvalidOptions");
      await rejects(Ferrolite.salvage("a", "b", null), "InvalidOptions");
      if (!persistent) return;
      await rejects(Ferrolite.salvage(`${name}-none`, `${name}-out`), "NotFound");
      await rejects(open({ allowDamage: true }), "InvalidOptions", /readOnly/);
    },
  },
];
