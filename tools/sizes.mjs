// Prints what a browser downloads, raw and gzipped, and the limits that a test holds it to.
// Usage: node tools/sizes.mjs [PACKAGE.tgz]
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const js = join(dirname(fileURLToPath(import.meta.url)), "..", "js");
const dist = join(js, "dist");
const esbuild = createRequire(join(js, "package.json"))("esbuild");

/** Bytes, gzipped. This is the one place where they are set; they only ever go down. */
export const LIMITS = { first: 200_000, scripts: 33_000 };

const sizes = (files) => ({
  raw: files.reduce((sum, file) => sum + file.length, 0),
  gzip: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
});

/** A script and all that it imports, of which a bundler has made one, minified. */
function bundled(entry) {
  const { outputFiles } = esbuild.buildSync({
    entryPoints: [join(dist, entry)], bundle: true, minify: true, format: "esm", write: false, outdir: dist, legalComments: "none",
  });
  return outputFiles.map(({ contents }) => contents);
}

/** What is loaded before a first document can be written, `first` and `scripts`, and what may come after it. */
export function measure() {
  const [first, rest, whole] = ["first", "rest", "bg"].map((part) => sizes([readFileSync(join(dist, `ferrolite_${part}.wasm`))]));
  const page = sizes(bundled("index.js"));
  const worker = sizes(bundled("worker.js"));
  const scripts = { raw: page.raw + worker.raw, gzip: page.gzip + worker.gzip };
  return { first, rest, whole, page, worker, scripts, inline: sizes([readFileSync(join(dist, "inline.js"))]) };
}

/** What was measured as a table. */
export function table({ first, rest, whole, page, worker, scripts, inline }) {
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(11);
  const row = (name, { raw, gzip }, limit) => name.padEnd(20) + kb(raw) + kb(gzip) + (limit === undefined ? "" : kb(limit));
  return [
    `${"".padEnd(20)}${"raw".padStart(11)}${"gzip".padStart(11)}${"at most".padStart(11)}`,
    row("wasm, first part", first, LIMITS.first),
    row("scripts", scripts, LIMITS.scripts),
    row("  of the page", page),
    row("  of the worker", worker),
    row("wasm, the rest", rest),
    row("wasm in one", whole),
    row("ferrolite/inline", inline),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(table(measure()));
  const [, , packed] = process.argv;
  if (packed !== undefined) console.log(`${packed}: ${(statSync(packed).size / 1000).toFixed(1)} kB`);
}
