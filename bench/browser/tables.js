// Figures of several runs as the tables of a report. `references` are subjects that are no databases; in the rows, `aside` are those
// that do less than the others.
import { limitRows } from "./limits.js";
import { subjects } from "./subjects.js";
import { median, rows } from "./work.js";

const ABOUT = {
  worker:
    "Every subject is called in a dedicated worker, in a browser and a profile of its own, with the same documents and two " +
    "indexes, one of them on a nested field. What the reads find is checked to be the same for all.",
  page: "The same work, called from the main thread of a page. What runs in workers alone is reached by one message a call.",
};

/** With fewer documents the rows have not as many as they say. */
const ENOUGH = 20_000;
const FEWER = " They are too few for all that the rows name: there is less of it.";

/** `runs` are `{ subject, place, figures }` of one number of documents. */
export function tableOf(place, count, runs, bytes) {
  const found = Object.keys(subjects).filter((id) => runs.some(({ subject }) => subject === id));
  const measured = Object.entries(rows).filter(([name]) => runs.some(({ figures }) => figures[name] !== undefined));
  return {
    id: `${place}-${count}`,
    title: `${place === "worker" ? "In a worker" : "From the page"}, ${count.toLocaleString("en")} documents`,
    about: `${ABOUT[place]} The documents are ${(bytes / 1e6).toFixed(1)} MB of JSON.${count < ENOUGH ? FEWER : ""}`,
    subjects: found.map((id) => subjects[id].title),
    references: found.filter((id) => subjects[id].reference).map((id) => subjects[id].title),
    rows: measured.map(([name, { work, unit }]) => {
      const values = {};
      const notes = {};
      const aside = [];
      for (const id of found) {
        const { title, cannot = {}, aside: less = {} } = subjects[id];
        values[title] = summary(runs.filter(({ subject }) => subject === id).map(({ figures }) => figures[name]));
        const note = values[title] === null ? cannot[name] : less[name];
        if (note !== undefined) notes[title] = note;
        if (less[name] !== undefined) aside.push(title);
      }
      return { work, unit, better: "less", values, notes, aside };
    }),
  };
}

/** `runs` are the figures of the limits. */
export function limitsTable(count, runs) {
  return {
    id: `limits-${count}`,
    title: `Limits, ${count.toLocaleString("en")} documents`,
    about: "What the same bytes cost without any database: in a worker, and between it and its page.",
    subjects: ["limit"],
    references: ["limit"],
    rows: Object.entries(limitRows).map(([name, { work, unit }]) => ({
      work,
      unit,
      better: "less",
      values: { limit: summary(runs.map(({ figures }) => figures[name])) },
      notes: {},
    })),
  };
}

/** Bundles by the titles of their subjects. */
export function sizesTable(sizes) {
  const values = {};
  const kilobytes = (bytes) => ({ median: bytes / 1000, min: bytes / 1000, max: bytes / 1000, runs: 1 });
  const notes = {};
  for (const { title, bundle, cannot } of Object.values(subjects)) {
    if (sizes[bundle] === undefined) continue;
    values[title] = kilobytes(sizes[bundle]);
    if (cannot?.range !== undefined) notes[title] = cannot.range;
  }
  return {
    id: "sizes",
    title: "What a page loads",
    about: "Scripts, minified by esbuild, and the WebAssembly and data that they load, all gzipped.",
    subjects: Object.keys(values),
    rows: [{ work: "scripts and wasm, gzipped", unit: "kB", better: "less", values, notes, aside: Object.keys(notes) }],
  };
}

function summary(values) {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return null;
  return { median: median(known), min: Math.min(...known), max: Math.max(...known), runs: known.length };
}

/** Fails when subjects have not found the same. `runs` are `{ subject, place, checks }` of one number of documents. */
export function assertSame(runs) {
  const expected = new Map();
  for (const { subject, place, checks } of runs) {
    for (const [name, found] of Object.entries(checks)) {
      const known = expected.get(name);
      if (known === undefined) expected.set(name, { found, who: `${subject} (${place})` });
      else if (known.found !== found) {
        throw new Error(`${name}: ${subject} (${place}) has found ${found}, but ${known.who} ${known.found}`);
      }
    }
  }
}
