// What is in the package: what each entry imports, the maps, where the wasm comes from, and that servers can import it.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { inflateSync } from "node:zlib";

import * as esbuild from "esbuild";
import ts from "typescript";

import { installPacked, projects } from "./support/packed.mjs";

/** The scripts that browsers load, and that for Node. */
const BROWSER = ["index.js", "administration.js", "byte-source.js", "failover.js", "deferred.js", "worker.js", "broker.js", "inline.js", "service-worker.js", "sync.js", "stores.js", "react.js"];
const NODE = ["node.js", "sync-node.js", "stores-node.js", "react-node.js"];
/** The whole engine, and its two parts. */
const WASM = ["ferrolite_bg.wasm", "ferrolite_first.wasm", "ferrolite_rest.wasm"];
/** More than this is in no script but the inline build's. */
const LINE = 60_000;

let packed, dist;

before(() => {
  packed = installPacked();
  dist = join(packed.installed, "dist");
});

after(() => packed?.close());

const read = (name) => readFileSync(join(dist, name), "utf8");

/** What a script imports, statically or not. */
function importsOf(name) {
  return ts.preProcessFile(read(name), true, true).importedFiles.map(({ fileName }) => fileName);
}

/** A script and all scripts of the package that it imports; `foreign` are the imports that are not of the package. */
function graph(entry) {
  const found = new Set();
  const foreign = new Set();
  const visit = (name) => {
    if (found.has(name)) return;
    found.add(name);
    for (const specifier of importsOf(name)) {
      if (specifier.startsWith(".")) visit(join(dirname(name), specifier));
      else foreign.add(specifier);
    }
  };
  visit(entry);
  return { found: [...found], foreign: [...foreign] };
}

test("it has what it needs, and nothing else", () => {
  const files = readdirSync(packed.installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(packed.installed.length + 1));
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "dist/index.d.ts", "dist/inline.d.ts", ...WASM.map((name) => `dist/${name}`)]) {
    assert.ok(files.includes(name), name);
  }
  const scripts = [...BROWSER, ...NODE].flatMap((name) => graph(name).found).map((name) => `dist/${name}`);
  assert.deepEqual(files.filter((name) => name.endsWith(".js")).sort(), [...new Set(scripts)].sort());
  assert.deepEqual(files.filter((name) => !/\.(js|d\.ts|js\.map)$|^(LICENSE-\w+|README\.md|package\.json|dist\/(ferrolite_(bg|first|rest)\.wasm|provenance\.json))$/.test(name)), []);
  assert.equal(JSON.parse(readFileSync(join(packed.installed, "package.json"), "utf8")).dependencies, undefined);
});

test("the browser's scripts import nothing but each other; Node's imports from Node alone", () => {
  for (const name of BROWSER) {
    assert.deepEqual(graph(name).foreign, name === "react.js" ? ["react"] : [], name);
    for (const script of graph(name).found) assert.doesNotMatch(read(script), /["'`]node:|\brequire\s*\(/, script);
  }
  const foreign = NODE.flatMap((name) => graph(name).foreign);
  assert.ok(foreign.length > 0);
  assert.deepEqual(foreign.filter((name) => !name.startsWith("node:")), ["react"]);
});

test("bundlers find the worker and the wasm by the expressions that they know", () => {
  const isWorker = /new Worker\(new URL\("\.\/worker\.js",\s*import\.meta\.url\),\s*\{\s*type:\s*"module"\s*\}\)/;
  const all = (entry) => graph(entry).found.map(read).join("\n");
  assert.match(all("index.js"), isWorker);
  assert.match(read("worker.js"), /new URL\("\.\/ferrolite_first\.wasm",\s*import\.meta\.url\)/);
  assert.match(read("worker.js"), /new URL\("\.\/ferrolite_rest\.wasm",\s*import\.meta\.url\)/);
  assert.match(all("node.js"), /new URL\("\.\/ferrolite_bg\.wasm",\s*import\.meta\.url\)/);
  assert.doesNotMatch(read("inline.js"), /import\.meta/);
});

test("each condition has an entry that exists, types come first and default last", () => {
  const { exports, main, browser, types, sideEffects } = JSON.parse(readFileSync(join(packed.installed, "package.json"), "utf8"));
  assert.equal(sideEffects, false);
  const targets = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  for (const target of [...targets, main, browser, types]) assert.ok(existsSync(join(packed.installed, target)), target);
  for (const entry of Object.values(exports).filter((entry) => typeof entry === "object")) {
    const conditions = Object.keys(entry);
    assert.deepEqual([conditions[0], conditions.at(-1)], ["types", "default"]);
    for (const condition of ["node", "bun", "deno"]) assert.match(entry[condition], /node\.js$/);
    for (const condition of ["browser", "worker", "default"]) assert.doesNotMatch(entry[condition], /node\.js$/);
  }
});

test("the README leads nowhere that npm does not show", () => {
  const text = readFileSync(join(packed.installed, "README.md"), "utf8");
  const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target);
  assert.ok(links.length > 0);
  const titles = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) => `#${title.toLowerCase().replace(/[^\w -]/g, "").replaceAll(" ", "-")}`);
  assert.deepEqual(links.filter((target) => !/^https:/.test(target) && !titles.includes(target)), []);
});

test("each script has a map with the sources in it", () => {
  for (const name of [...BROWSER, ...NODE].flatMap((entry) => graph(entry).found)) {
    const [, mapName] = /\/\/# sourceMappingURL=(\S+)\s*$/.exec(read(name)) ?? [];
    assert.equal(mapName, `${basename(name)}.map`);
    const { sources, sourcesContent } = JSON.parse(read(`${name}.map`));
    // An entry may be nothing but names of what a shared script has.
    assert.ok(sources.length > 0 || graph(name).found.length > 1, name);
    const missing = sources.filter((source, at) => sourcesContent?.[at] == null);
    assert.deepEqual(missing.filter((source) => !source.startsWith("inline:")), [], name);
    assert.deepEqual(sources.filter((source) => /^\/|^file:/.test(source)), [], `${name} names paths of the machine`);
  }
});

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

test("the wasm and the scripts are those of the provenance", () => {
  const { version, wasm, parts, scripts, sources, tools } = JSON.parse(read("provenance.json"));
  assert.equal(version, JSON.parse(readFileSync(join(packed.installed, "package.json"), "utf8")).version);
  const bytes = readFileSync(join(dist, wasm.file));
  assert.deepEqual([wasm.bytes, wasm.sha256], [bytes.length, sha256(bytes)]);
  assert.deepEqual(Object.keys(parts), WASM.slice(1));
  for (const [name, digest] of Object.entries(parts)) assert.equal(digest, sha256(readFileSync(join(dist, name))), name);
  const names = [...BROWSER, ...NODE].flatMap((entry) => graph(entry).found);
  assert.deepEqual(Object.keys(scripts).sort(), [...new Set(names)].sort());
  for (const [name, digest] of Object.entries(scripts)) assert.equal(digest, sha256(read(name)), name);
  assert.match(sources.sha256, /^[0-9a-f]{64}$/);
  for (const tool of ["rustc", "wasm-pack", "wasm-bindgen", "wasm-opt", "typescript", "esbuild"]) assert.match(tools[tool], /\d+/, tool);
});

test("the inline build has the same wasm in it", () => {
  const [text] = read("inline.js").match(new RegExp(`[A-Za-z0-9+/=]{${LINE},}`)) ?? [];
  const { wasm } = JSON.parse(read("provenance.json"));
  assert.equal(sha256(inflateSync(Buffer.from(text, "base64"))), wasm.sha256);
});

test("every entry can be imported on a server, where there is no page", () => {
  // Nor is anything of a page touched: each of these throws when it is looked at.
  const script = `
    for (const name of ["self", "window", "document", "navigator", "location", "Worker", "SharedWorker", "localStorage", "indexedDB"]) {
      Object.defineProperty(globalThis, name, { configurable: true, get() { throw new Error(name + " was touched") } });
    }
    const entries = await Promise.all(process.argv.slice(1).map((name) => import(name)));
    console.log(entries.every(({ Ferrolite, FerroliteError, Transaction }) => Ferrolite && FerroliteError && Transaction));`;
  const files = ["index.js", "inline.js"].map((name) => pathToFileURL(join(dist, name)).href);
  const args = ["--input-type=module", "--eval", script, "ferrolite", "ferrolite/inline", ...files];
  assert.equal(execFileSync(process.execPath, args, { cwd: packed.directory, encoding: "utf8" }), "true\n");
});

test("the browser's entry on a server says what it lacks", () => {
  const script = `
    const { Ferrolite } = await import(process.argv[1]);
    const error = await Ferrolite.open("none").catch((error) => error);
    console.log(error.code, error.message);`;
  for (const name of ["index.js", "inline.js"]) {
    const args = ["--input-type=module", "--eval", script, pathToFileURL(join(dist, name)).href];
    assert.match(execFileSync(process.execPath, args, { cwd: packed.directory, encoding: "utf8" }), /^Unsupported .*workers/);
  }
});

test("a Node script", () => {
  copyFileSync(join(projects, "node.mjs"), join(packed.directory, "node.mjs"));
  const told = execFileSync(process.execPath, ["node.mjs"], { cwd: packed.directory, encoding: "utf8" });
  assert.deepEqual(JSON.parse(told), { found: ["b"], kind: "file" });
});

test("a Node script that esbuild has bundled, with the wasm copied beside it", () => {
  const folder = mkdtempSync(join(packed.directory, "bundled-"));
  const [entry, outfile] = [join(projects, "node.mjs"), join(folder, "bundle.mjs")];
  const nodePaths = [join(packed.directory, "node_modules")];
  esbuild.buildSync({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", nodePaths });
  const run = () => spawnSync(process.execPath, [outfile], { cwd: folder, encoding: "utf8" });
  assert.match(run().stderr, /the engine could not be loaded from file:.*ferrolite_bg\.wasm/);
  copyFileSync(join(dist, "ferrolite_bg.wasm"), join(folder, "ferrolite_bg.wasm"));
  assert.deepEqual(JSON.parse(run().stdout), { found: ["b"], kind: "file" });
});

test("Node takes the wasm from where the options say", () => {
  const folder = mkdtempSync(join(tmpdir(), "ferrolite-wasm-"));
  try {
    copyFileSync(join(dist, "ferrolite_bg.wasm"), join(folder, "engine.wasm"));
    writeFileSync(join(packed.directory, "load.mjs"), `
      import { readFileSync } from "node:fs";
      import { pathToFileURL } from "node:url";
      import { Ferrolite } from "ferrolite";
      const [how, path] = process.argv.slice(2);
      const load = {
        path: () => ({ wasmUrl: path }),
        url: () => ({ wasmUrl: pathToFileURL(path) }),
        module: () => ({ wasmModule: new WebAssembly.Module(readFileSync(path)) }),
        both: () => ({ wasmUrl: path, wasmModule: new WebAssembly.Module(readFileSync(path)) }),
        bytes: () => ({ wasmModule: readFileSync(path) }),
        number: () => ({ wasmUrl: 1 }),
        worker: () => ({ worker: () => undefined }),
      }[how]();
      try {
        const db = await Ferrolite.open("m", { storage: "memory", ...load });
        await db.set("a", 1);
        console.log(await db.get("a"));
        await db.close();
      } catch (error) {
        console.log(error.code, error.message);
      }`);
    const load = (how, path = join(folder, "engine.wasm")) =>
      execFileSync(process.execPath, ["load.mjs", how, path], { cwd: packed.directory, encoding: "utf8" }).trim();
    for (const how of ["path", "url", "module"]) assert.equal(load(how), "1", how);
    assert.match(load("path", join(folder, "none.wasm")), /^Io the engine could not be loaded from file:.*none\.wasm: ENOENT/);
    assert.match(load("both"), /^InvalidOptions .*one of them/);
    assert.match(load("bytes"), /^InvalidOptions wasmModule/);
    assert.match(load("number"), /^InvalidOptions wasmUrl/);
    assert.match(load("worker"), /^InvalidOptions .*in process/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
