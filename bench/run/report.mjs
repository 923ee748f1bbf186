// Makes docs/benchmarks.md, and bench/browser/report.html with its charts, of the runs in docs/benchmarks/*.json and of the notes in
// docs/benchmarks/notes.md. Runs that are named are taken from target/bench/ first.
// Usage: node bench/run/report.mjs [NAME]...
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { charts } from "./charts.mjs";
import { across, compared, ratioOf, shown } from "./compare.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const published = join(root, "docs", "benchmarks");

/** Above so much Ferrolite counts as behind: within it two runs differ. */
const BEHIND = 1.05;
const LINE_LENGTH = 128;

/**
 * `{ name, date, machine, versions, settings, tables }` of each run, as its command has written it. What was measured in parts, as
 * `browser.json` and `browser-200000.json`, is put together.
 */
function readRuns() {
  const files = readdirSync(published).filter((file) => file.endsWith(".json"));
  const runs = new Map();
  for (const file of files.sort((a, b) => a.length - b.length || (a < b ? -1 : 1))) {
    const run = JSON.parse(readFileSync(join(published, file), "utf8"));
    const first = runs.get(run.name);
    if (first === undefined) runs.set(run.name, run);
    else first.tables.push(...run.tables.filter(({ id }) => first.tables.every((table) => table.id !== id)));
  }
  return [...runs.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Text as lines of the width that the documents have; what is code stays in one piece. */
function wrapped(text) {
  const lines = [""];
  for (const word of text.match(/(?:`[^`]*`|\S)+/g)) {
    if (lines.at(-1).length + 1 + word.length > LINE_LENGTH) lines.push(word);
    else lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.join("\n");
}

const withSpread = ({ median, min, max }) => (min === max ? shown(median) : `${shown(median)} (${shown(min)}–${shown(max)})`);
const cell = (text) => String(text).replaceAll("|", "\\|");
const line = (cells) => `| ${cells.map(cell).join(" | ")} |`;

function tableText(table) {
  const { title, about, subjects, rows } = table;
  const parts = [`### ${title}`, wrapped(about)];
  const pairs = rows.map((row) => ({ row, ...compared(table, row) }));
  const comparisons = pairs.filter(({ own, best }) => own !== undefined && best !== undefined);
  if (comparisons.length > 0) {
    parts.push(
      [
        line(["work", "unit", "Ferrolite", "best peer", "its figure", "ratio"]),
        line(["---", "---", "---:", "---", "---:", "---:"]),
        ...comparisons.map(({ row, own, best }) => {
          const ratio = ratioOf(row, own, best);
          const text = ratio === undefined ? "–" : ratio > BEHIND ? `**${ratio.toFixed(2)}**` : ratio.toFixed(2);
          return line([
            row.work,
            row.unit,
            row.values[own] ? withSpread(row.values[own]) : "–",
            best,
            withSpread(row.values[best]),
            text,
          ]);
        }),
      ].join("\n"),
    );
    parts.push("All subjects, median and spread:");
  }
  // The order of the footnotes is that of the rows.
  const notes = [];
  const mark = (note) => {
    if (note === undefined) return "";
    if (!notes.includes(note)) notes.push(note);
    return ` [${notes.indexOf(note) + 1}]`;
  };
  parts.push(
    [
      line(["work", "unit", ...subjects]),
      line(["---", "---", ...subjects.map(() => "---:")]),
      ...rows.map(({ work, unit, values, notes: of = {} }) =>
        line([work, unit, ...subjects.map((subject) => (values[subject] ? withSpread(values[subject]) : "–") + mark(of[subject]))]),
      ),
    ].join("\n"),
  );
  if (notes.length > 0) parts.push(wrapped(`${notes.map((note, at) => `[${at + 1}] ${note}`).join("; ")}.`));
  return parts.join("\n\n");
}

function runText({ name, date, machine, versions, settings, tables }) {
  return [
    `## ${name[0].toUpperCase()}${name.slice(1)}`,
    wrapped(`Measured on ${date}: ${machine.cpu}, ${machine.cores} cores, ${machine.memory}, ${machine.system}.`),
    wrapped(
      `Versions: ${Object.entries(versions)
        .map(([what, version]) => `${what} ${version}`)
        .join(", ")}.`,
    ),
    "How each was set up:",
    [
      line(["subject", "settings"]),
      line(["---", "---"]),
      ...Object.entries(settings).map(([subject, text]) => line([subject, text])),
    ].join("\n"),
    ...tables.map(tableText),
  ].join("\n\n");
}

/** All rows that have a best peer: where they are, both figures, and the ratio. */
function comparisons(runs) {
  return runs.flatMap(({ name, tables }) =>
    tables.flatMap((table) =>
      table.rows.flatMap((row) => {
        const { own, best } = compared(table, row);
        const ratio = own !== undefined && best !== undefined ? ratioOf(row, own, best) : undefined;
        if (ratio === undefined || !row.values[own] || !row.values[best]) return [];
        return [
          { name, table: table.title, work: row.work, unit: row.unit, best, ratio, own: row.values[own], its: row.values[best] },
        ];
      }),
    ),
  );
}

/** The ten rows with the largest difference, at most two of one table, so that no table hides the others. */
function ten(rows) {
  const taken = new Map();
  const few = rows.filter(({ name, table }) => {
    const key = `${name} ${table}`;
    taken.set(key, (taken.get(key) ?? 0) + 1);
    return taken.get(key) <= 2;
  });
  return [
    line(["run", "where", "work", "unit", "Ferrolite", "best peer", "its figure", "ratio"]),
    line(["---", "---", "---", "---", "---:", "---", "---:", "---:"]),
    ...few
      .slice(0, 10)
      .map(({ name, table, work, unit, own, best, its, ratio }) =>
        line([
          name,
          table,
          work,
          unit,
          shown(own.median),
          best,
          shown(its.median),
          ratio < 0.01 ? ratio.toFixed(4) : ratio.toFixed(2),
        ]),
      ),
  ].join("\n");
}

/** Rows where Ferrolite is behind the best peer, by the ratio. */
function losses(runs) {
  const found = comparisons(runs).filter(({ ratio }) => ratio > BEHIND);
  if (found.length === 0) return "Ferrolite is ahead of every peer, or beside it, in all rows.";
  found.sort((a, b) => b.ratio - a.ratio);
  return [
    line(["run", "where", "work", "best peer", "ratio"]),
    line(["---", "---", "---", "---", "---:"]),
    ...found.map(({ name, table, work, best, ratio }) => line([name, table, work, best, ratio.toFixed(2)])),
  ].join("\n");
}

/** What WebAssembly costs, where the same was measured natively and under WASI. */
function wasiBesideNative(runs) {
  const [native, wasi] = ["native", "wasi"].map((of) => runs.find(({ name }) => name === of));
  const rows = native && wasi ? across(native, wasi) : [];
  if (rows.length === 0) return [];
  const others = [...new Set(rows.flatMap(({ own, ratios }) => Object.keys(ratios).filter((subject) => subject !== own)))];
  const factor = (ratio) => ratio?.toFixed(2) ?? "–";
  return [
    "## WASI beside native",
    wrapped(
      "How many times as long the same work takes under wasmtime: Ferrolite's medians and their ratio, and the ratios of others.",
    ),
    [
      line(["where", "work", "unit", "native", "WASI", "ratio", ...others]),
      line(["---", "---", "---", "---:", "---:", "---:", ...others.map(() => "---:")]),
      ...rows.map(({ table, work, unit, own, from, to, ratios }) =>
        line([
          table,
          work,
          unit,
          shown(from.median),
          shown(to.median),
          factor(ratios[own]),
          ...others.map((other) => factor(ratios[other])),
        ]),
      ),
    ].join("\n"),
  ];
}

function report(runs, notes) {
  return `${[
    "# Benchmarks",
    "<!-- Made by bench/run/report.mjs of docs/benchmarks/*.json and docs/benchmarks/notes.md: change those. -->",
    wrapped(
      "Ferrolite beside what its users would otherwise pick: the same work on the same data, in the same run, on one machine. Each " +
        "figure is the median of several runs with the fastest and the slowest; the ratio is Ferrolite's median to that of the best " +
        "peer, below 1 where Ferrolite is ahead. Peers that do less, such as commits that are not flushed, are in the tables, and " +
        "not among the best. `floor`, `memory`, `limit` and `raw file` are no databases: they show what the same work costs at least.",
    ),
    wrapped(
      "`make bench-browser` measures in Chromium, and `make bench` everything; each leaves its figures in `target/bench`. `make " +
        "bench-report RUNS=browser` publishes them here, with [charts](../bench/browser/report.html); `make bench-browser-page` serves " +
        "a page that measures in any browser. What was aimed at, what stands in the way, and what was tried is in " +
        "[performance](performance.md). A figure without a spread is of one run.",
    ),
    "## Ten rows where Ferrolite is ahead",
    "The rows with the smallest ratio, at most two of one table. Medians of the published runs.",
    ten(comparisons(runs).sort((a, b) => a.ratio - b.ratio)),
    "## Ten rows where Ferrolite is behind",
    "The rows with the largest ratio, at most two of one table.",
    ten(comparisons(runs).sort((a, b) => b.ratio - a.ratio)),
    "## All rows where Ferrolite is behind, and why",
    losses(runs),
    ...(notes === "" ? [] : [notes]),
    ...wasiBesideNative(runs),
    ...runs.map(runText),
  ].join("\n\n")}\n`;
}

function main(names) {
  mkdirSync(published, { recursive: true });
  for (const name of names) copyFileSync(join(root, "target", "bench", `${name}.json`), join(published, `${name}.json`));
  const runs = readRuns();
  const notesFile = join(published, "notes.md");
  writeFileSync(
    join(root, "docs", "benchmarks.md"),
    report(runs, existsSync(notesFile) ? readFileSync(notesFile, "utf8").trim() : ""),
  );
  writeFileSync(join(root, "bench", "browser", "report.html"), charts(runs));
  console.log(`docs/benchmarks.md and bench/browser/report.html are made of ${runs.length} runs.`);
}

main(process.argv.slice(2));
