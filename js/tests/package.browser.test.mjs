// The package as it is published: packed, installed in an empty project, and used there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { createServer } from "vite";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";

const tests = dirname(fileURLToPath(import.meta.url));
const js = join(tests, "..");
const directory = mkdtempSync(join(tmpdir(), "ferrolite-package-"));
const expected = { found: ["b"], kind: "opfs" };
let browser;

const run = (command, args, options) => execFileSync(command, args, { cwd: directory, encoding: "utf8", stdio: "pipe", ...options });

before(async () => {
  const [{ filename }] = JSON.parse(run("npm", ["pack", "--json", "--pack-destination", directory], { cwd: js }));
  writeFileSync(join(directory, "package.json"), JSON.stringify({ name: "empty", private: true, type: "module" }));
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", `./${filename}`]);
  cpSync(join(tests, "projects", "vite"), directory, { recursive: true });
  copyFileSync(join(tests, "projects", "node.mjs"), join(directory, "node.mjs"));
  copyFileSync(join(tests, "types", "examples.ts"), join(directory, "examples.ts"));
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
});

/** What the page of the project comes to. */
async function outcome(url) {
  const page = await browser.context.newPage();
  try {
    await page.goto(url);
    return await page.evaluate(() => globalThis.outcome);
  } finally {
    await page.close();
  }
}

test("it has what it needs, and nothing else", () => {
  const installed = join(directory, "node_modules", "ferrolite");
  const files = readdirSync(installed, { recursive: true }).map((name) => name.replaceAll("\\", "/"));
  for (const name of ["LICENSE-MIT", "LICENSE-APACHE", "README.md", "dist/index.js", "dist/index.d.ts", "dist/node.js", "dist/worker.js", "dist/ferrolite_bg.wasm"]) {
    assert.ok(files.includes(name), name);
  }
  assert.deepEqual(files.filter((name) => /^(src|tests|node_modules)\b|tsconfig|\.tgz$/.test(name)), []);
  assert.equal(JSON.parse(readFileSync(join(installed, "package.json"), "utf8")).dependencies, undefined);
  for (const name of files.filter((name) => name.endsWith(".js") && !name.includes("node"))) {
    assert.ok(!/["']node:/.test(readFileSync(join(installed, name), "utf8")), `${name} imports from node:`);
  }
});

test("a Node script", () => {
  assert.deepEqual(JSON.parse(run(process.execPath, ["node.mjs"])), { ...expected, kind: "file" });
});

test("strict TypeScript", () => {
  const flags = ["--strict", "--noEmit", "--target", "es2022", "--skipLibCheck", "false", "--lib", "es2022,dom"];
  const tsc = join(js, "node_modules", "typescript", "bin", "tsc");
  run(process.execPath, [tsc, ...flags, "--module", "nodenext", "examples.ts"]);
  run(process.execPath, [tsc, ...flags, "--module", "esnext", "--moduleResolution", "bundler", "examples.ts"]);
});

test("a page that Vite built", async () => {
  run(process.execPath, [join(js, "node_modules", "vite", "bin", "vite.js"), "build", "--logLevel", "warn"]);
  const server = await serve({ "/": join(directory, "dist") });
  try {
    assert.deepEqual(await outcome(server.url), expected);
  } finally {
    await server.close();
  }
});

test("a page that Vite serves while it is written", async () => {
  const server = await createServer({ root: directory, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  try {
    await server.listen();
    assert.deepEqual(await outcome(`http://localhost:${server.httpServer.address().port}/`), expected);
  } finally {
    await server.close();
  }
});

test("plain modules from static files, without a bundler", async () => {
  const plain = join(directory, "plain");
  mkdirSync(plain);
  copyFileSync(join(directory, "main.js"), join(plain, "main.js"));
  const map = JSON.stringify({ imports: { ferrolite: "/node_modules/ferrolite/dist/index.js" } });
  const html = readFileSync(join(directory, "index.html"), "utf8");
  writeFileSync(join(plain, "index.html"), html.replace("<script", `<script type="importmap">${map}</script>\n<script`));
  const server = await serve({ "/node_modules/": join(directory, "node_modules"), "/": plain });
  try {
    assert.deepEqual(await outcome(server.url), expected);
  } finally {
    await server.close();
  }
});
