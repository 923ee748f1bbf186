// Export to a file, and import from one.
import { Ferrolite } from "./ferrolite/index.js";
import { bytes } from "./facts.js";

/** The database that a file becomes before its documents are taken over. */
const INCOMING = "demo-incoming";
const BATCH_DOCUMENTS = 1000;
const $ = (id) => document.getElementById(id);

export class Copies {
  #page;

  constructor(page) {
    this.#page = page;
    $("export").onclick = () => page.act(() => this.export());
    $("import").onclick = () => this.choose();
    $("import-file").onchange = () => {
      const [file] = $("import-file").files;
      if (file !== undefined) page.act(() => this.#import(file));
      $("import-file").value = "";
    };
  }

  /** Lets the user choose a file to import. */
  choose() {
    $("import-file").click();
  }

  async export() {
    const { db, journal } = this.#page;
    const suggestedName = `notes-${new Date().toISOString().slice(0, 10)}.ferrolite`;
    const file = await target(suggestedName);
    if (file === undefined) return;
    let size = 0;
    const onProgress = (done, total) => this.#progress((size = done), total);
    await journal
      .time(
        "db.export()",
        async () => file.take(await db.export({ onProgress })),
        () => bytes(size),
      )
      .finally(() => this.#progress());
    $("copy-result").textContent = `Exported ${bytes(size)} to ${file.name}.`;
  }

  async #import(file) {
    const { db, name, journal, use, open } = this.#page;
    const onProgress = (done, total) => this.#progress(done, total);
    try {
      if (db === undefined && !(await Ferrolite.list()).includes(name)) {
        // There is nothing that it could be added to: the file itself becomes the database.
        const { result, milliseconds } = await journal.time(
          `Ferrolite.import("${name}", file)`,
          () => Ferrolite.import(name, file, { onProgress }),
          () => bytes(file.size),
        );
        use(result, milliseconds);
        const count = await countOf(result);
        $("copy-result").textContent = `Imported ${count.toLocaleString("en")} documents from ${file.name}.`;
        return;
      }
      if (db === undefined) await open();
      // Other tabs may have the database open, so it is not replaced: they see the documents come. A file that is damaged or
      // none of this kind is refused before anything is changed.
      await Ferrolite.delete(INCOMING);
      const { result: incoming } = await journal.time(
        `Ferrolite.import("${INCOMING}", file)`,
        () => Ferrolite.import(INCOMING, file, { onProgress }),
        () => bytes(file.size),
      );
      try {
        const { result: count } = await journal.time(
          "incoming.scan(), db.setMany(…)",
          () => takeOver(incoming, this.#page.db),
          (n) => `${n.toLocaleString("en")} documents`,
        );
        $("copy-result").textContent = `Imported ${count.toLocaleString("en")} documents from ${file.name}.`;
      } finally {
        await incoming.close();
        await Ferrolite.delete(INCOMING);
      }
    } finally {
      this.#progress();
    }
  }

  #progress(done, total) {
    $("copy-progress").hidden = done === undefined;
    if (done !== undefined && total) $("copy-progress").value = done / total;
  }
}

/** Where a file is to go: one that the user chooses, or else a download. Nothing when the user chooses none. */
async function target(suggestedName) {
  if (globalThis.showSaveFilePicker === undefined) {
    return { name: suggestedName, take: async (stream) => download(await new Response(stream).blob(), suggestedName) };
  }
  const types = [{ description: "Ferrolite database", accept: { "application/octet-stream": [".ferrolite"] } }];
  try {
    const handle = await showSaveFilePicker({ suggestedName, types });
    return { name: handle.name, take: async (stream) => stream.pipeTo(await handle.createWritable()) };
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    throw error;
  }
}

function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Both databases' collections with the same names, the default one first. */
async function pairs(from, to) {
  const names = await from.collections();
  return [[from, to], ...names.map((name) => [from.collection(name), to.collection(name)])];
}

/** Copies all documents and indexes; how many documents. */
async function takeOver(from, to) {
  let count = 0;
  for (const [source, destination] of await pairs(from, to)) {
    let batch = [];
    for await (const entry of source.scan()) {
      batch.push(entry);
      if (batch.length < BATCH_DOCUMENTS) continue;
      await destination.setMany(batch);
      count += batch.length;
      batch = [];
    }
    if (batch.length > 0) await destination.setMany(batch);
    count += batch.length;
    for (const { path, paths, unique = false, multi = false } of await source.indexes()) {
      await destination.createIndex(paths ?? path, { unique, multi });
    }
  }
  return count;
}

async function countOf(db) {
  const counts = await Promise.all((await pairs(db, db)).map(([collection]) => collection.count()));
  return counts.reduce((sum, count) => sum + count, 0);
}
