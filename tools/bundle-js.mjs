// Bundles the npm package out of js/src and the compiled engine: one module for each entry, a script for the worker, and the
// inline build, which has both the worker and the wasm within it. Called by tools/build-js.sh.
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

import { bindings } from "./bindings.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const js = join(root, "js");
const dist = join(js, "dist");
const esbuild = createRequire(join(js, "package.json"))("esbuild");

/**
 * The entries by host, in groups: those of a group share what they have in common. In browsers each is one file, for each more
 * takes time before a page can begin; the others are for what tells of changes, which is best told once.
 */
const ENTRIES = [
  { platform: "browser", entries: { index: "index" } },
  { platform: "browser", entries: { sync: "sync/index" } },
  { platform: "browser", entries: { stores: "stores", react: "react" } },
  { platform: "node", entries: { node: "node", "sync-node": "sync/node", "stores-node": "stores", "react-node": "react" } },
];

/** What scripts for browsers import when they need it: scripts of their own. */
const LATER = { administration: "administration", "byte-source": "byte-source", keeping: "tabs/keeping", seldom: "seldom" };

/** What runs in a thread of its own, by its name in the package: one file each, for whoever has to copy it. */
const WORKERS = { worker: "src/worker.ts", broker: "src/tabs/broker.ts" };

const common = {
  absWorkingDir: js,
  bundle: true,
  // Comments are in the declarations, names in the source maps: here they would only be downloaded.
  minify: true,
  target: "es2022",
  sourcemap: true,
  sourcesContent: true,
  legalComments: "none",
  logLevel: "warning",
};

/** Puts the inline form of modules in the place of those that name files, and texts where these ask for them. */
function inline(texts) {
  return {
    name: "inline",
    setup(build) {
      build.onResolve({ filter: /^\.\/(worker-script|wasm-source|broker-script)\.js$/ }, ({ path, resolveDir }) => ({
        path: join(resolveDir, path.replace(/\.js$/, ".inline.ts")),
      }));
      build.onResolve({ filter: /^inline:/ }, ({ path }) => ({ path: path.slice("inline:".length), namespace: "inline" }));
      build.onLoad({ filter: /./, namespace: "inline" }, ({ path }) => ({ contents: texts[path], loader: "text" }));
    },
  };
}

/** Leaves alone what is imported when it is needed. */
const later = {
  name: "later",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\// }, ({ path, kind }) => (kind === "dynamic-import" ? { path, external: true } : undefined)),
};

/** In Node timers come from its modules. */
const nodeTimers = {
  name: "node-timers",
  setup: ({ onResolve }) => onResolve({ filter: /\/timers\.js$/ }, () => ({ path: join(js, "src", "node-timers.ts") })),
};

async function bundleEntries() {
  const scripts = Object.entries(LATER).map(([name, source]) => ({ platform: "browser", entries: { [name]: source } }));
  for (const { platform, entries } of [...ENTRIES, ...scripts]) {
    await esbuild.build({
      ...common,
      entryPoints: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, `src/${source}.ts`])),
      outdir: dist,
      format: "esm",
      platform,
      minify: platform === "browser",
      splitting: true,
      external: ["react"],
      // Beside the entries, for the address of the wasm is relative to the script.
      chunkNames: `shared-${platform}-[hash]`,
      plugins: [bindings, platform === "browser" ? later : nodeTimers],
    });
  }
}

async function bundleWorkers() {
  await esbuild.build({ ...common, entryPoints: WORKERS, outdir: dist, format: "esm", plugins: [bindings] });
}

/** The worker is no module here: that is what every browser starts from a blob. */
async function bundleInline() {
  const wasm = deflateSync(readFileSync(join(dist, "ferrolite_bg.wasm")), { level: 9 }).toString("base64");
  const { outputFiles } = await esbuild.build({
    ...common, entryPoints: ["src/worker.ts"], format: "iife", sourcemap: false, write: false,
    plugins: [inline({ wasm }), bindings],
  });
  await esbuild.build({
    ...common, entryPoints: { inline: "src/index.ts" }, outdir: dist, format: "esm",
    plugins: [inline({ worker: outputFiles[0].text }), bindings],
  });
  // The map would say the megabyte again.
  const file = join(dist, "inline.js.map");
  const map = JSON.parse(readFileSync(file, "utf8"));
  map.sourcesContent = map.sourcesContent.map((text, at) => (map.sources[at].startsWith("inline:") ? null : text));
  writeFileSync(file, JSON.stringify(map));
  writeFileSync(join(dist, "inline.d.ts"), 'export * from "./index.js";\n');
}

// Their names change with their content.
for (const name of readdirSync(dist)) if (/^shared-.*\.js(\.map)?$/.test(name)) rmSync(join(dist, name));
await bundleEntries();
await bundleWorkers();
await bundleInline();
// Of the one package whose code is within the bundles.
copyFileSync(join(js, "node_modules", "@noble", "ciphers", "LICENSE"), join(js, "LICENSE-NOBLE"));
