// Bundles what the browser benchmark measures Ferrolite against: for each peer one minified script, with what it loads beside it.
import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

import { toolsOf } from "../../tools/projects.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const project = join(root, "bench", "browser");
const dist = join(root, "js", "dist");

/** Where the scripts are: they are served as `/bench/peers/`. */
export const peersFolder = join(root, ".build", "bench", "peers");

/** What the drivers use of each, and the files that it loads. */
const PEERS = {
  sqlite: {
    source: 'export { default as sqlite3InitModule } from "@sqlite.org/sqlite-wasm";',
    files: ["@sqlite.org/sqlite-wasm/dist/sqlite3.wasm"],
    packages: ["@sqlite.org/sqlite-wasm"],
  },
  "wa-sqlite": {
    source: `export { default as SQLiteESMFactory } from "wa-sqlite/dist/wa-sqlite.mjs";
      export { Factory, SQLITE_ROW } from "wa-sqlite";
      export { AccessHandlePoolVFS } from "wa-sqlite/src/examples/AccessHandlePoolVFS.js";`,
    files: ["wa-sqlite/dist/wa-sqlite.wasm"],
    packages: ["wa-sqlite"],
  },
  pglite: {
    source: 'export { PGlite } from "@electric-sql/pglite";',
    files: ["pglite.wasm", "pglite.data", "initdb.wasm"].map((file) => `@electric-sql/pglite/dist/${file}`),
    packages: ["@electric-sql/pglite"],
  },
  dexie: { source: 'export { Dexie } from "dexie";', files: [], packages: ["dexie"] },
  rxdb: {
    source: `export { createRxDatabase } from "rxdb/plugins/core";
      export { getRxStorageDexie } from "rxdb/plugins/storage-dexie";`,
    files: [],
    packages: ["rxdb", "rxjs"],
  },
  pouchdb: {
    source: `import PouchDB from "pouchdb-core";
      import indexeddb from "pouchdb-adapter-indexeddb";
      import find from "pouchdb-find";
      PouchDB.plugin(indexeddb).plugin(find);
      export { PouchDB };`,
    files: [],
    packages: ["pouchdb-core", "pouchdb-adapter-indexeddb", "pouchdb-find"],
  },
  "idb-keyval": {
    source: 'export { createStore, delMany, get, getMany, set, setMany, values } from "idb-keyval";',
    files: [],
    packages: ["idb-keyval"],
  },
};

/** What a page with Ferrolite loads, in bundles like those of the peers. */
const OWN = {
  ferrolite: ["index.js", "worker.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"],
  "ferrolite-sync": ["sync.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"],
};

/** Makes all scripts anew. */
export async function bundlePeers() {
  const installed = toolsOf(project);
  if (!existsSync(join(installed, "complete"))) throw new Error("the peers are not installed: tools/setup.sh bench installs them");
  const esbuild = createRequire(join(root, "js", "package.json"))("esbuild");
  rmSync(peersFolder, { recursive: true, force: true });
  mkdirSync(peersFolder, { recursive: true });
  for (const [name, { source, files }] of Object.entries(PEERS)) {
    await esbuild.build({
      stdin: { contents: source, resolveDir: installed, sourcefile: `${name}.js` },
      outfile: join(peersFolder, `${name}.js`),
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      legalComments: "none",
      logLevel: "error",
      // Imported where there is a Node.js alone.
      external: ["node:*"],
      define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
    });
    for (const file of files) copyFileSync(join(installed, "node_modules", file), join(peersFolder, basename(file)));
  }
}

/** The versions that were installed, by the names of the packages. */
export function peerVersions() {
  const installed = toolsOf(project);
  const names = Object.values(PEERS).flatMap(({ packages }) => packages);
  const versionOf = (name) => JSON.parse(readFileSync(join(installed, "node_modules", name, "package.json"), "utf8")).version;
  return Object.fromEntries(names.map((name) => [name, versionOf(name)]));
}

/** Bytes that a page loads for each bundle, gzipped. */
export function bundleSizes() {
  const gzipped = (files) => files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0);
  const sizes = {};
  for (const [name, files] of Object.entries(OWN)) sizes[name] = gzipped(files.map((file) => join(dist, file)));
  for (const [name, { files }] of Object.entries(PEERS)) {
    sizes[name] = gzipped([`${name}.js`, ...files.map((file) => basename(file))].map((file) => join(peersFolder, file)));
  }
  return sizes;
}
