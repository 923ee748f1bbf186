// Loading NDJSON: from the server's data set or a file of the user's, a commit for each thousand documents.
import { aboutUrl, dataUrl } from "./data-set.js";
import { duration } from "./journal.js";
import { lines } from "./ndjson.js";

const BATCH_DOCUMENTS = 1000;
/** Commits on their way at once: the next is parsed while the last is stored. */
const BATCHES_AHEAD = 2;
const $ = (id) => document.getElementById(id);

export class Loader {
  #page;
  #about;

  constructor(page) {
    this.#page = page;
  }

  /** Shows what there is to load. */
  async start() {
    $("load").onclick = () => this.#page.act(() => this.#load("the data set", this.#fetch()));
    $("file").onchange = () => {
      const [file] = $("file").files;
      if (file === undefined) return;
      this.#page.act(() => this.#load(file.name, { stream: file.stream(), total: file.size }));
    };
    try {
      const response = await fetch(aboutUrl);
      if (!response.ok) return;
      this.#about = await response.json();
      const { package: name, version, licence, documents, bytes, source } = this.#about;
      const link = Object.assign(document.createElement("a"), { href: source, textContent: `${name} ${version}` });
      $("about-data").replaceChildren(
        link,
        ` (${licence}): ${documents.toLocaleString("en")} nested documents, ${(bytes / 1e6).toFixed(0)} MB of JSON.`,
      );
    } catch {
      // There is no data set on this server; a file can still be chosen.
    }
  }

  async #fetch() {
    const response = await fetch(dataUrl);
    if (!response.ok) throw new Error("there is no data set on this server; choose a file, or run make demo-data");
    return { stream: response.body, total: Number(response.headers.get("content-length")) };
  }

  async #load(name, source) {
    const { stream, total } = await source;
    const { db, journal } = this.#page;
    const progress = $("progress");
    progress.hidden = false;
    const { milliseconds, result: count } = await journal
      .time(
        `load ${name}: db.setMany(…), ${BATCH_DOCUMENTS.toLocaleString("en")} documents a commit`,
        () => store(db, stream, (characters) => (progress.value = characters / total)),
        (stored) => `${stored.toLocaleString("en")} documents`,
      )
      .finally(() => (progress.hidden = true));
    const rate = Math.round((count / milliseconds) * 1000).toLocaleString("en");
    $("load-result").innerHTML =
      `<b>${count.toLocaleString("en")}</b> documents in <b>${duration(milliseconds)}</b>, ${rate} a second, each thousand flushed to the disk`;
  }
}

/** Stores all lines; returns how many. */
async function store(db, stream, onProgress) {
  let [batch, stored, characters] = [[], 0, 0];
  const underway = [];
  const send = async () => {
    stored += batch.length;
    underway.push(db.setMany(batch));
    batch = [];
    if (underway.length > BATCHES_AHEAD) await underway.shift();
  };
  for await (const piece of lines(stream)) {
    for (const { key, value, expires } of piece.lines) {
      if (expires === undefined) batch.push([key, value]);
      else if (expires > Date.now()) underway.push(db.setEx(key, value, (expires - Date.now()) / 1000));
      if (batch.length === BATCH_DOCUMENTS) await send();
    }
    onProgress((characters += piece.characters));
  }
  await send();
  await Promise.all(underway);
  return stored;
}
