// The demo page: opens a database, and hands it to the parts of the page.
import { Ferrolite } from "./ferrolite/index.js";
import { Copies } from "./copies.js";
import { Explorer } from "./explore.js";
import { Facts } from "./facts.js";
import { Journal } from "./journal.js";
import { Loader } from "./load.js";
import { Notes } from "./notes.js";
import { startOffline } from "./offline.js";
import { Trouble } from "./trouble.js";

const NAME = "demo";
/** Shorter actions do not show the page as busy. */
const BUSY_AFTER_MS = 100;
/** Changes that other tabs make are looked at so often at most. */
const RENEW_MS = 300;
const $ = (id) => document.getElementById(id);
const journal = new Journal($("journal"));
let db;

/** What the parts of the page share. */
const page = {
  name: NAME,
  journal,
  get db() {
    return db;
  },
  /** Runs an action of the user: the page is busy meanwhile, errors are told, and the facts are renewed. */
  async act(work) {
    // What a click makes the browser draw comes first, or it would be measured with the calls.
    // A page that is hidden draws nothing.
    if (!document.hidden) await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const busy = setTimeout(() => show("busy", "working"), BUSY_AFTER_MS);
    try {
      await work();
      trouble.clear();
    } catch (error) {
      trouble.tell(error);
    }
    clearTimeout(busy);
    await renew().catch((error) => trouble.tell(error));
  },
  tell: (error) => trouble.tell(error),
  open,
  /** Takes a database that is open already. */
  use,
};

const explorer = new Explorer(page);
const loader = new Loader(page);
const notes = new Notes(page);
const facts = new Facts(page);
const copies = new Copies(page);
const trouble = new Trouble({
  "Try again": () => page.act(reopen),
  "Begin with an empty database": () => page.act(open),
  "Go on in memory alone": () => page.act(() => open({ storage: "memory" })),
  "Import a file…": () => copies.choose(),
  "Export to a file": () => page.act(() => copies.export()),
  Compact: () => $("compact").click(),
  "Reload the page": () => location.reload(),
});

function show(state, text) {
  $("state").dataset.state = state;
  $("state").textContent = text;
}

async function open(options) {
  const call = options === undefined ? "" : `, ${JSON.stringify(options)}`;
  const { result, milliseconds } = await journal.time(
    `Ferrolite.open("${NAME}"${call})`,
    () => Ferrolite.open(NAME, options),
    (opened) => opened.storage.path,
  );
  use(result, milliseconds);
}

function use(opened, milliseconds) {
  db = opened;
  facts.opened(milliseconds);
  notes.follow(db);
  follow(db);
}

/** Brings the page up to date with what is committed, here or in another tab. */
async function follow(watched) {
  while (db === watched) {
    try {
      let due;
      for await (const _ of watched.watch({}, { values: false })) {
        if (due === undefined) due = setTimeout(() => ((due = undefined), void renew().catch(page.tell)), RENEW_MS);
      }
      return;
    } catch (error) {
      // So much was written at once that not all of it was kept for this tab; nothing of it is needed here.
      if (error.code !== "ChangesLost") return db === watched ? page.tell(error) : undefined;
    }
  }
}

async function close() {
  const closing = db;
  db = undefined;
  notes.follow(undefined);
  explorer.follow(undefined);
  await journal.time("db.close()", () => closing.close());
}

/** A database that has failed is closed first; what it then says is known already. */
async function reopen() {
  if (db !== undefined) await close().catch(() => {});
  await open();
}

async function remove() {
  if (!confirm("Delete the database, with all notes and documents?")) return;
  if (db !== undefined) await close();
  await journal.time(
    `Ferrolite.delete("${NAME}")`,
    () => Ferrolite.delete(NAME),
    (was) => (was ? "deleted" : "there was none"),
  );
  explorer.clear();
}

async function empty() {
  if (!confirm("Delete all documents? Notes stay.")) return;
  await journal.time(
    "db.deleteRange({})",
    () => db.deleteRange({}),
    (count) => `${count.toLocaleString("en")} deleted`,
  );
}

/** Brings everything that shows the database up to date. */
async function renew() {
  const isOpen = db !== undefined;
  document.body.classList.toggle("is-open", isOpen);
  for (const control of document.querySelectorAll(".needs-open :is(button, input, select, textarea)")) control.disabled = !isOpen;
  $("open").disabled = isOpen;
  $("close").disabled = !isOpen;
  show(isOpen ? "open" : "closed", isOpen ? "open" : "closed");
  await facts.renew();
  await explorer.renew();
}

$("open").onclick = () => page.act(() => open());
$("close").onclick = () => page.act(close);
$("delete").onclick = () => page.act(remove);
$("compact").onclick = () => page.act(() => journal.time("db.compact()", () => db.compact()));
$("check").onclick = () =>
  page.act(() =>
    journal.time(
      "db.check({ full: true })",
      () => db.check({ full: true }),
      ({ documents, tables, problems }) =>
        problems.length === 0 ? `${documents.toLocaleString("en")} documents in ${tables} tables: no problem` : problems.join("; "),
    ),
  );
$("empty").onclick = () => page.act(empty);

loader.start();
window.demoStarted = true;
await page.act(() => open());
// What the page needs at once has been loaded by now; keeping it for later must not stand in its way.
startOffline();
