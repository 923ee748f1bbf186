// The demo page: opens a database, and hands it to the parts of the page.
import { Ferrolite } from "./ferrolite/index.js";
import { Explorer } from "./explore.js";
import { duration, Journal } from "./journal.js";
import { Loader } from "./load.js";

const NAME = "demo";
/** Shorter actions do not show the page as busy. */
const BUSY_AFTER_MS = 100;
const $ = (id) => document.getElementById(id);
const journal = new Journal($("journal"));
let db;

/** What the parts of the page share. */
const page = {
  journal,
  get db() {
    return db;
  },
  /** Runs an action of the user: the page is busy meanwhile, errors are told, and the facts are renewed. */
  async act(work) {
    // What a click makes the browser draw comes first, or it would be measured with the calls.
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const busy = setTimeout(() => show("busy", "working"), BUSY_AFTER_MS);
    try {
      await work();
      $("trouble").hidden = true;
    } catch (error) {
      tell(error);
    }
    clearTimeout(busy);
    await renew();
  },
  changed: () => renew(),
};

const explorer = new Explorer(page);
const loader = new Loader(page);

function tell(error) {
  $("trouble-code").textContent = error.code ?? error.name;
  const help = error.code === "Locked" ? ". Most likely it is open in another tab." : "";
  $("trouble-text").textContent = error.message + help;
  $("trouble").hidden = false;
}

function show(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

async function open() {
  const { result, milliseconds } = await journal.time(`Ferrolite.open("${NAME}")`, () => Ferrolite.open(NAME), (opened) => opened.storage.path);
  db = result;
  $("fact-open").textContent = duration(milliseconds);
  $("fact-storage").textContent = db.storage.kind.toUpperCase();
  $("fact-storage-label").textContent = db.storage.persistent ? "storage, persistent" : "storage, may be evicted";
  $("storage-reason").textContent = `${db.storage.path}: ${db.storage.reason}`;
}

async function close() {
  const closing = db;
  db = undefined;
  await journal.time("db.close()", () => closing.close());
}

async function remove() {
  if (db !== undefined) await close();
  await journal.time(`Ferrolite.delete("${NAME}")`, () => Ferrolite.delete(NAME), (was) => (was ? "deleted" : "there was none"));
  explorer.clear();
}

/** Brings everything that shows the database up to date. */
async function renew() {
  const isOpen = db !== undefined;
  document.body.classList.toggle("is-open", isOpen);
  for (const control of document.querySelectorAll(".needs-open button, .needs-open input, .needs-open select, .needs-open textarea")) {
    control.disabled = !isOpen;
  }
  $("open").disabled = isOpen;
  $("close").disabled = !isOpen;
  show(isOpen ? "open" : "closed", isOpen ? "open" : "closed");
  if (!isOpen) {
    for (const id of ["documents", "file", "storage", "open", "commits", "cache"]) $(`fact-${id}`).textContent = "–";
    $("storage-reason").textContent = "";
  } else {
    const [count, stats] = await Promise.all([db.count(), db.stats()]);
    const { hits, misses } = stats.cache;
    $("fact-documents").textContent = count.toLocaleString("en");
    $("fact-file").textContent = `${(stats.fileBytes / 1e6).toFixed(stats.fileBytes < 1e7 ? 2 : 1)} MB`;
    $("fact-commits").textContent = `${stats.counters.commits.toLocaleString("en")} / ${stats.io.syncs.toLocaleString("en")}`;
    $("fact-cache").textContent = hits + misses === 0 ? "–" : `${Math.round((100 * hits) / (hits + misses))} %`;
  }
  await explorer.renew();
}

$("open").onclick = () => page.act(open);
$("close").onclick = () => page.act(close);
$("delete").onclick = () => page.act(remove);
$("trouble-close").onclick = () => ($("trouble").hidden = true);
$("compact").onclick = () => page.act(() => journal.time("db.compact()", () => db.compact()));
$("check").onclick = () =>
  page.act(() =>
    journal.time("db.check({ full: true })", () => db.check({ full: true }), ({ documents, tables, problems }) =>
      problems.length === 0 ? `${documents.toLocaleString("en")} documents in ${tables} tables: no problem` : problems.join("; "),
    ),
  );
$("empty").onclick = () => page.act(() => journal.time("db.deleteRange({})", () => db.deleteRange({}), (count) => `${count.toLocaleString("en")} deleted`));

loader.start();
await page.act(open);
