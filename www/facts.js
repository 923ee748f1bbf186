// What the database says of itself: sizes, counters, and where it is kept.
import { Ferrolite } from "./ferrolite/index.js";
import { duration } from "./journal.js";

const PLACES = {
  opfs: "The origin's private file system (OPFS)",
  indexeddb: "IndexedDB",
  memory: "Memory alone: it is gone when the page is closed",
};
const $ = (id) => document.getElementById(id);

export class Facts {
  #page;

  constructor(page) {
    this.#page = page;
    $("persist").onclick = () => page.act(() => this.#persist());
  }

  /** The database was opened, in so much time. */
  opened(milliseconds) {
    $("fact-open").textContent = milliseconds === undefined ? "–" : duration(milliseconds);
    $("persist-result").textContent = "";
  }

  async renew() {
    const { db } = this.#page;
    if (db === undefined) {
      this.#showStorage(undefined);
      for (const id of ["documents", "file", "open", "commits", "cache"]) $(`fact-${id}`).textContent = "–";
      return;
    }
    const [count, stats, storage] = await Promise.all([db.count(), db.stats(), db.storageFacts()]);
    this.#showStorage(storage);
    const { hits, misses } = stats.cache;
    $("fact-documents").textContent = count.toLocaleString("en");
    $("fact-file").textContent = bytes(stats.fileBytes);
    $("fact-commits").textContent = `${stats.counters.commits.toLocaleString("en")} / ${stats.io.syncs.toLocaleString("en")}`;
    $("fact-cache").textContent = hits + misses === 0 ? "–" : `${Math.round((100 * hits) / (hits + misses))} %`;
  }

  async #persist() {
    const { journal } = this.#page;
    const { result } = await journal.time("Ferrolite.persist()", () => Ferrolite.persist(), String);
    $("persist-result").textContent = result
      ? "The browser keeps the data until you clear it."
      : "The browser does not promise it now. It often does once a site is bookmarked, installed or used for a while.";
  }

  #showStorage(facts) {
    $("storage-kind").textContent = facts === undefined ? "–" : (PLACES[facts.kind] ?? facts.kind);
    $("storage-persistent").hidden = facts === undefined;
    $("storage-persistent").textContent = facts?.persistent ? "kept until you clear it" : "may be cleared";
    $("storage-persistent").dataset.state = facts?.persistent ? "open" : "busy";
    $("storage-reason").textContent =
      facts === undefined ? "The database is not open." : `${facts.path ?? "no file"}: ${facts.reason}`;
    const isKnown = facts?.quota !== undefined && facts.usage !== undefined;
    $("storage-meter").hidden = !isKnown;
    $("storage-usage").textContent = isKnown ? `This site uses about ${bytes(facts.usage)} of ${bytes(facts.quota)}` : "";
    if (isKnown) $("storage-meter").value = facts.usage / facts.quota;
  }
}

/** A size in words. */
export function bytes(count) {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return `${(count / 1e6).toFixed(count < 1e7 ? 2 : 1)} MB`;
}
