// Bundles the npm package out of js/src and the compiled engine: one module for each entry, a script for the worker, and the
// inline build, which has both the worker and the wasm within it. Called by tools/build-js.sh.
import { copyFileSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";

import { bindings } from "./bindings.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const js = join(root, "js");
const dist = join(js, "dist");
const require = createRequire(join(js, "package.json"));
const esbuild = require("esbuild");
const terser = require("terser");

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
const LATER = {
  administration: "api/administration",
  "byte-source": "streams/byte-source",
  failover: "tabs/failover",
  deferred: "api/deferred",
};

/** What runs in a thread of its own, by its name in the package: one file each, for whoever has to copy it. */
const WORKERS = { worker: "src/worker/worker.ts", broker: "src/tabs/broker.ts" };

const common = {
  absWorkingDir: js,
  bundle: true,
  write: false,
  outdir: dist,
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

/** Leaves alone what is imported when it is needed: a script of its own, which lies beside the others in the package. */
const later = {
  name: "later",
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\// }, ({ path, kind }) => {
      return kind === "dynamic-import" ? { path: `./${basename(path)}`, external: true } : undefined;
    }),
};

/** In Node timers come from its modules. */
const nodeTimers = {
  name: "node-timers",
  setup: ({ onResolve }) => onResolve({ filter: /\/timers\.js$/ }, () => ({ path: join(js, "src", "node", "timers.ts") })),
};

/** Bundles, and gives the files as text. Comments are in the declarations, names in the source maps: here they would only be downloaded. */
async function bundled({ isShort = true, ...options }) {
  const { outputFiles } = await esbuild.build({ ...common, minifySyntax: isShort, ...options });
  const files = Object.fromEntries(outputFiles.map(({ path, text }) => [path, text]));
  for (const [path, code] of isShort ? Object.entries(files) : []) {
    if (!path.endsWith(".js")) continue;
    const content = files[`${path}.map`];
    const short = await terser.minify(
      { [basename(path)]: code.replace(/^\/\/# sourceMappingURL=.*$/m, "") },
      {
        module: options.format === "esm",
        ecma: 2022,
        // A function that is called once is no shorter in the place of its call: gzip finds less that repeats.
        compress: { ecma: 2022, passes: 3, inline: 1, reduce_funcs: false },
        sourceMap: content !== undefined && { content, url: `${basename(path)}.map`, includeSources: true },
      },
    );
    files[path] = short.code;
    if (content !== undefined) files[`${path}.map`] = short.map;
  }
  return files;
}

function write(files) {
  for (const [path, text] of Object.entries(files)) writeFileSync(path, text);
}

async function bundleEntries() {
  const scripts = Object.entries(LATER).map(([name, source]) => ({ platform: "browser", entries: { [name]: source } }));
  for (const { platform, entries } of [...ENTRIES, ...scripts]) {
    const files = await bundled({
      entryPoints: Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, `src/${source}.ts`])),
      format: "esm",
      platform,
      isShort: platform === "browser",
      splitting: true,
      external: ["react"],
      // Beside the entries, for the address of the wasm is relative to the script.
      chunkNames: `shared-${platform}-[hash]`,
      plugins: [bindings, platform === "browser" ? later : nodeTimers],
    });
    write(files);
  }
}

async function bundleWorkers() {
  write(await bundled({ entryPoints: WORKERS, format: "esm", plugins: [bindings, later] }));
}

/** Service workers cannot import scripts later: they have all in one. */
async function bundleServiceWorker() {
  write(await bundled({ entryPoints: { "service-worker": "src/index.ts" }, format: "esm", plugins: [bindings] }));
  writeFileSync(join(dist, "service-worker.d.ts"), 'export * from "./index.js";\n');
}

/** The worker is no module here: that is what every browser starts from a blob. */
async function bundleInline() {
  const wasm = deflateSync(readFileSync(join(dist, "ferrolite_bg.wasm")), { level: 9 }).toString("base64");
  const [worker] = Object.values(
    await bundled({
      entryPoints: ["src/worker/worker.ts"],
      format: "iife",
      sourcemap: false,
      plugins: [inline({ wasm }), bindings, later],
    }),
  );
  write(await bundled({ entryPoints: { inline: "src/index.ts" }, format: "esm", plugins: [inline({ worker }), bindings] }));
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
await bundleServiceWorker();
await bundleInline();
// Of the one package whose code is within the bundles.
copyFileSync(join(js, "node_modules", "@noble", "ciphers", "LICENSE"), join(js, "LICENSE-NOBLE"));
