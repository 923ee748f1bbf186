// Prints what a browser downloads, raw and gzipped, and the limits that a test holds it to.
// Usage: node tools/package/sizes.mjs [PACKAGE.tgz]
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const js = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "js");
const dist = join(js, "dist");
const esbuild = createRequire(join(js, "package.json"))("esbuild");

/** Bytes, gzipped. This is the one place where they are set; they only ever go down. */
export const LIMITS = { first: 196_000, page: 15_000, worker: 14_700 };

const sizes = (files) => ({
  raw: files.reduce((sum, file) => sum + file.length, 0),
  gzip: files.reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0),
});

/**
 * A script and all that it begins with, of which a bundler has made one, minified; and in `later` what it imports when it is
 * needed.
 */
async function bundled(entry) {
  const later = new Set();
  const apart = {
    name: "apart",
    setup: ({ onResolve }) =>
      onResolve({ filter: /./ }, ({ path, kind }) => {
        if (kind !== "dynamic-import") return undefined;
        later.add(readFileSync(join(dist, path)));
        return { path, external: true };
      }),
  };
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(dist, entry)],
    bundle: true,
    minify: true,
    format: "esm",
    write: false,
    outdir: dist,
    legalComments: "none",
    plugins: [apart],
  });
  return { begins: outputFiles.map(({ contents }) => contents), later: [...later] };
}

/** What is loaded before a first document can be written, `first`, `page` and `worker`, and what comes behind it. */
export async function measure() {
  const [first, rest, whole] = ["first", "rest", "bg"].map((part) => sizes([readFileSync(join(dist, `ferrolite_${part}.wasm`))]));
  const [page, worker] = [await bundled("index.js"), await bundled("worker.js")];
  return {
    first,
    rest,
    whole,
    page: sizes(page.begins),
    later: sizes(page.later),
    worker: sizes(worker.begins),
    inline: sizes([readFileSync(join(dist, "inline.js"))]),
  };
}

/** What was measured as a table. */
export function table({ first, rest, whole, page, later, worker, inline }) {
  const kb = (bytes) => `${(bytes / 1000).toFixed(1)} kB`.padStart(11);
  const row = (name, { raw, gzip }, limit) => name.padEnd(20) + kb(raw) + kb(gzip) + (limit === undefined ? "" : kb(limit));
  return [
    `${"".padEnd(20)}${"raw".padStart(11)}${"gzip".padStart(11)}${"at most".padStart(11)}`,
    row("wasm, first part", first, LIMITS.first),
    row("script of the page", page, LIMITS.page),
    row("script of the worker", worker, LIMITS.worker),
    row("wasm, the rest", rest),
    row("script, the rest", later),
    row("wasm in one", whole),
    row("ferrolite/inline", inline),
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(table(await measure()));
  const [, , packed] = process.argv;
  if (packed !== undefined) console.log(`${packed}: ${(statSync(packed).size / 1000).toFixed(1)} kB`);
}
