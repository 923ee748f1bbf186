// The packed package in small projects, each built by another bundler and opened in Chromium. None of them is configured for
// the package.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { copyProject, EXPECTED, installPacked, linkTools, outcomeOf, projects, toolsFor } from "./support/packed.mjs";

const run = promisify(execFile);
const tools = toolsFor(projects);
const bin = (name) => join(tools, "node_modules", ".bin", name);
let packed, browser;

before(async () => {
  packed = installPacked();
  linkTools(packed.directory, tools);
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  packed?.close();
});

/** What is beside the bundle where a bundler does not put it there. */
const COPIED = ["worker.js", "broker.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"];

/** What each bundler is told, in its project's folder; `files` are copied beside the bundle, from the package. */
const BUILDS = [
  { name: "webpack", command: [bin("webpack")], page: "classic.html" },
  { name: "rspack", command: [process.execPath, "build.mjs"], page: "classic.html" },
  // These two take the page itself, and write that, too.
  { name: "vite7", command: [bin("vite"), "build", "--outDir", "out", "--logLevel", "warn"] },
  { name: "parcel", command: [bin("parcel"), "build", "index.html", "--dist-dir", "out", "--no-cache"] },
  { name: "rollup", command: [bin("rollup"), "--config"], page: "page.html", files: COPIED },
  {
    name: "esbuild", page: "page.html", files: COPIED,
    command: [bin("esbuild"), "main.js", "--bundle", "--minify", "--format=esm", "--outfile=out/main.js"],
  },
  { name: "rollup", entry: "inline.js", command: [bin("rollup"), "--config"], page: "page.html" },
  {
    name: "esbuild", entry: "inline.js", page: "classic.html",
    command: [bin("esbuild"), "main.js", "--bundle", "--minify", "--outfile=out/main.js"],
  },
];

for (const { name, entry, command, page, files = [] } of BUILDS) {
  const title = entry === undefined ? name : `${name}, by ferrolite/inline`;
  const copied = files.length === 0 ? "" : `, with ${files.join(" and ")} copied beside the bundle`;
  test(title + copied, { timeout: 120_000 }, async (t) => {
    const folder = copyProject(packed.directory, name, title.replace(/\W/g, "-"));
    if (entry !== undefined) copyFileSync(join(folder, entry), join(folder, "main.js"));
    // Its configuration is for its development server.
    if (name === "vite7") rmSync(join(folder, "vite.config.mjs"));
    const startMs = performance.now();
    await run(command[0], command.slice(1), { cwd: folder });
    const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
    const out = join(folder, "out");
    if (page !== undefined) copyFileSync(join(projects, page), join(out, "index.html"));
    for (const file of files) copyFileSync(join(packed.installed, "dist", file), join(out, file));
    const sizes = readdirSync(out, { recursive: true }).filter((file) => /\.(js|wasm)$/.test(file))
      .map((file) => `${file} ${(statSync(join(out, file)).size / 1000).toFixed(0)} kB`);
    t.diagnostic(`built in ${seconds} s: ${sizes.join(", ")}`);
    const server = await serve({ "/": out });
    try {
      assert.deepEqual(await outcomeOf(browser.context, server.url), EXPECTED);
    } finally {
      await server.close();
    }
  });
}

test("the development server of vite7, told to leave the package alone", async () => {
  const { createServer } = await import(pathToFileURL(join(tools, "node_modules", "vite", "dist", "node", "index.js")).href);
  const root = copyProject(packed.directory, "vite7", "vite7-dev");
  const server = await createServer({ root, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  try {
    await server.listen();
    assert.deepEqual(await outcomeOf(browser.context, `http://localhost:${server.httpServer.address().port}/`), EXPECTED);
  } finally {
    await server.close();
  }
});

test("esbuild, with nothing beside the bundle: the error says what to do", async () => {
  const folder = copyProject(packed.directory, "esbuild", "esbuild-alone");
  await run(bin("esbuild"), ["main.js", "--bundle", "--format=esm", "--outfile=out/main.js"], { cwd: folder });
  copyFileSync(join(projects, "page.html"), join(folder, "out", "index.html"));
  const server = await serve({ "/": join(folder, "out") });
  try {
    const { code, message } = await outcomeOf(browser.context, server.url);
    assert.equal(code, "Io");
    assert.match(message, /ferrolite\/inline/);
  } finally {
    await server.close();
  }
});

test("esbuild, with a format that has no import.meta: the error says what to do", async () => {
  const folder = copyProject(packed.directory, "esbuild", "esbuild-classic");
  await run(bin("esbuild"), ["main.js", "--bundle", "--format=iife", "--outfile=out/main.js"], { cwd: folder });
  copyFileSync(join(projects, "classic.html"), join(folder, "out", "index.html"));
  const server = await serve({ "/": join(folder, "out") });
  try {
    const { code, message } = await outcomeOf(browser.context, server.url);
    assert.equal(code, "Unsupported");
    assert.match(message, /ferrolite\/inline/);
  } finally {
    await server.close();
  }
});
