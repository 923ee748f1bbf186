// Prints what a browser downloads, raw and gzipped: the wasm, and the modules of the browser's entry.
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const dist = join(dirname(fileURLToPath(import.meta.url)), "..", "js", "dist");

/** A module and all that it imports. */
function graph(name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const text = readFileSync(join(dist, name), "utf8");
  for (const [, imported] of text.matchAll(/(?:from|import) "(\.{1,2}\/[^"]+)"/g)) graph(join(dirname(name), imported), found);
  return found;
}

const scripts = [...graph("worker.js", graph("index.js"))].map((name) => readFileSync(join(dist, name)));
const wasm = readFileSync(join(dist, "ferrolite_bg.wasm"));
const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(10);
const rows = [
  ["wasm", wasm.length, gzipSync(wasm, { level: 9 }).length],
  ["JavaScript", ...[scripts.reduce((sum, text) => sum + text.length, 0), scripts.reduce((sum, text) => sum + gzipSync(text, { level: 9 }).length, 0)]],
];
rows.push(["together", rows[0][1] + rows[1][1], rows[0][2] + rows[1][2]]);
console.log(`${"".padEnd(12)}${"raw".padStart(10)}${"gzip".padStart(10)}`);
for (const [name, raw, zipped] of rows) console.log(name.padEnd(12) + kb(raw) + kb(zipped));
const [, , packed] = process.argv;
if (packed !== undefined) console.log(`${packed}: ${kb(statSync(packed).size).trim()}`);
