// The page on which a person runs the benchmark in their own browser.
import { Ferrolite } from "/ferrolite/index.js";

import { subjects } from "./subjects.js";
import { assertSame, tableOf } from "./tables.js";
import { jsonBytes } from "./work.js";

const element = (id) => document.getElementById(id);

for (const [id, { title, settings, bundle }] of Object.entries(subjects)) {
  const label = document.createElement("label");
  const box = Object.assign(document.createElement("input"), {
    type: "checkbox",
    value: id,
    checked: bundle === undefined || bundle === "ferrolite",
  });
  label.title = settings;
  label.append(box, ` ${title}`);
  element("subjects").append(label);
}

element("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  element("start").disabled = true;
  element("tables").replaceChildren();
  try {
    await runAll();
    say("done", "Done: all have found the same.");
  } catch (error) {
    say("failed", String(error?.message ?? error));
  }
  element("start").disabled = false;
});

async function runAll() {
  const count = Number(element("count").value);
  const ids = [...element("subjects").querySelectorAll(":checked")].map(({ value }) => value);
  const places = ["worker", "page"].filter((place) => element(place).checked);
  const bytes = jsonBytes(count);
  const runs = [];
  for (let run = 1; run <= Number(element("runs").value); run++) {
    for (const place of places) {
      for (const subject of ids.filter((id) => subjects[id][place] !== undefined)) {
        say("running", `Run ${run}, ${place}: ${subjects[subject].title} …`);
        runs.push({ subject, place, ...(await oneRun(subject, place, count)) });
        assertSame(runs);
        const measured = places.map((each) =>
          tableOf(
            each,
            count,
            runs.filter((one) => one.place === each),
            bytes,
          ),
        );
        element("tables").replaceChildren(...measured.filter((table) => table.subjects.length > 0).map(show));
      }
    }
  }
}

/** Two fresh pages, one after the other; what they have stored is deleted. */
async function oneRun(subject, place, count) {
  const name = `bench-${crypto.randomUUID()}`;
  const before = await stored();
  try {
    const task = { subject, place, count, name };
    const loaded = await inFrame({ ...task, part: "load" });
    const disk = ((await usage()) - before.usage) / 1e6;
    const worked = await inFrame({ ...task, part: "work" });
    const figures = { ...loaded.figures, ...worked.figures, disk };
    if (subjects[subject].keeps === false) for (const row of ["open", "first", "disk"]) delete figures[row];
    return { figures, checks: { ...loaded.checks, ...worked.checks } };
  } finally {
    await remove(before, name);
  }
}

async function inFrame(task) {
  const frame = document.createElement("iframe");
  frame.hidden = true;
  frame.src = "run.html";
  document.body.append(frame);
  try {
    await new Promise((resolve) => (frame.onload = resolve));
    while (frame.contentWindow.bench === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    return await frame.contentWindow.bench(task);
  } finally {
    frame.remove();
  }
}

const usage = async () => (await navigator.storage.estimate()).usage;

async function stored() {
  const names = new Set();
  for await (const entry of (await navigator.storage.getDirectory()).keys()) names.add(entry);
  return { names, databases: new Set((await indexedDB.databases()).map(({ name }) => name)), usage: await usage() };
}

/** The site may have other data: only what is new goes. */
async function remove(before, name) {
  await Ferrolite.delete(name);
  const now = await stored();
  const root = await navigator.storage.getDirectory();
  for (const entry of now.names) if (!before.names.has(entry)) await root.removeEntry(entry, { recursive: true });
  const added = [...now.databases].filter((database) => !before.databases.has(database));
  await Promise.all(added.map((database) => new Promise((resolve) => (indexedDB.deleteDatabase(database).onsuccess = resolve))));
}

function say(state, text) {
  element("state").dataset.state = state;
  element("state").textContent = text;
}

function show({ title, about, subjects: titles, rows }) {
  const section = document.createElement("section");
  const heading = Object.assign(document.createElement("h2"), { textContent: title });
  const text = Object.assign(document.createElement("p"), { textContent: about, className: "quiet" });
  const wide = Object.assign(document.createElement("div"), { className: "wide" });
  const table = document.createElement("table");
  const line = (cells, tag) => {
    const row = table.insertRow();
    for (const cell of cells) row.append(Object.assign(document.createElement(tag), { textContent: cell }));
  };
  line(["", "", ...titles], "th");
  for (const { work, unit, values } of rows) line([work, unit, ...titles.map((one) => shown(values[one]))], "td");
  wide.append(table);
  section.append(heading, text, wide);
  return section;
}

const shown = (value) => (value === null ? "–" : Number(value.median.toPrecision(3)).toLocaleString("en"));
