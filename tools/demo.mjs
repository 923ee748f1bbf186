// The demo: one data set in a browser over OPFS, in Node, and under wasmtime over WASI; the same questions to each.
// `make demo` builds what it needs. Fails when two hosts do not give the same answers.
import { mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { runInChromium } from "./demo/chromium.mjs";
import { runDemo, runQueries } from "./demo/javascript.mjs";
import { INDEXES, QUERIES, summary } from "./demo/queries.mjs";
import { referenceAnswers } from "./demo/reference.mjs";
import { WasiProgram } from "./demo/wasi.mjs";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const folder = join(root, "dist/demo");
const nodeFile = "node.ferrolite";
const wasiFile = "wasi.ferrolite";
const about = JSON.parse(readFileSync(join(folder, "about.json"), "utf8"));

const bold = (text) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);
const heading = (text) => console.log(`\n${bold(text)}`);
const milliseconds = (time) =>
  time === undefined ? "" : `${time.toLocaleString("en", { maximumFractionDigits: time < 100 ? 1 : 0 })} ms`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const COLUMNS = [46, 16, 13, 16];
const row = (...cells) =>
  console.log(cells.map((cell, n) => (n === 0 ? cell.padEnd(COLUMNS[0]) : cell.padStart(COLUMNS[n]))).join(""));

const wasi = new WasiProgram(join(root, "dist/ferrolite.wasm"), folder);
const { Ferrolite } = await import(pathToFileURL(join(root, "js/dist/node.js")).href);
mkdirSync(folder, { recursive: true });

console.log(bold("Ferrolite: one engine, one file format, three hosts"));
console.log(`Data: ${about.package} ${about.version} (${about.licence}), ${about.source}`);
console.log(`      ${about.documents.toLocaleString("en")} nested documents, ${megabytes(about.bytes)} of JSON`);

const text = readFileSync(join(folder, "data.ndjson"), "utf8");
const answers = referenceAnswers(text);
const hosts = [];
hosts.push(["Chromium, OPFS", await step("Chromium over OPFS", () => runInChromium(root, folder))]);
hosts.push(["Node, file", await step("Node over its own files", () => runDemo(Ferrolite, join(folder, nodeFile), text))]);
hosts.push(["wasmtime, WASI", await step("the WASI program under wasmtime", () => wasi.runDemo(wasiFile, "data.ndjson"))]);

heading("Time to store");
row("", ...hosts.map(([name]) => name));
const times = (label, name) => row(label, ...hosts.map(([, { times }]) => milliseconds(times[name])));
times(`create and load ${about.documents.toLocaleString("en")} documents`, "load");
for (const path of INDEXES) times(`index ${path}`, `index ${path}`);
times("open again", "open");

heading("Answers, and time to answer");
row("", ...hosts.map(([name]) => name));
QUERIES.forEach((query, n) => {
  times(query.text, query.text);
  console.log(`    ${summary(answers[n])}`);
});
console.log("For wasmtime, a process is started for each step of storing, and questions and answers go through pipes.");

heading("Right, and the same everywhere?");
for (const [name, host] of hosts)
  compare(`${name}: all ${QUERIES.length} answers are those of a plain search of the source`, host.answers, answers);

heading("One file format");
const sizes = [nodeFile, wasiFile].map((file) => megabytes(statSync(join(folder, file)).size));
compare(
  `the WASI program opens the file that Node wrote (${sizes[0]}), and gives the same answers`,
  (await wasi.runQueries(nodeFile)).answers,
  answers,
);
compare(
  `Node opens the file that the WASI program wrote (${sizes[1]}), and gives the same answers`,
  (await runQueries(Ferrolite, join(folder, wasiFile))).answers,
  answers,
);
await moveDocument();

console.log(`\nThe files are in dist/demo. See it in your own browser: ${bold("make serve")}, then open the page it names.`);

async function step(name, work) {
  process.stderr.write(`demo: running in ${name}\n`);
  return work();
}

function compare(what, actual, expected) {
  const different = QUERIES.filter((_, n) => JSON.stringify(actual[n]) !== JSON.stringify(expected[n]));
  if (different.length === 0) {
    console.log(`yes: ${what}`);
    return;
  }
  console.log(`NO: ${what}; not so: ${different.map(({ text }) => text).join("; ")}`);
  process.exitCode = 1;
}

/** A document goes from Node through the WASI program and back, changed by both. */
async function moveDocument() {
  const name = join(folder, "moving.ferrolite");
  rmSync(name, { force: true });
  const first = await Ferrolite.open(name);
  await first.set("visits", { hosts: ["node"] });
  await first.createIndex("count");
  await first.close();
  wasi.run("set", "moving.ferrolite", "visits", JSON.stringify({ hosts: ["node", "wasi"], count: 2 }));
  const second = await Ferrolite.open(name);
  const found = await second.find("count", 2);
  const visits = await second.get("visits");
  await second.close();
  const right = JSON.stringify([found, visits.hosts]) === '[["visits"],["node","wasi"]]';
  console.log(`${right ? "yes" : "NO"}: a document written by Node, changed by WASI and found by Node: ${JSON.stringify(visits)}`);
  if (!right) process.exitCode = 1;
}
