// The packed package in a Next.js app: imported by what the server renders, used in the browser, and in a route of the server.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { startChromium } from "./support/chromium.mjs";
import { EXPECTED, installPacked, outcomeOf, projects, toolsFor } from "./support/packed.mjs";

const project = join(projects, "next");
const tools = toolsFor(project);
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1" };
let packed, app, browser;

before(async () => {
  packed = installPacked();
  // Its bundler follows no links out of the project, so its tools are in it, beside those of which they are hard links.
  app = mkdtempSync(join(dirname(tools), "next-app-"));
  execFileSync("cp", ["-al", join(tools, "node_modules"), app]);
  cpSync(project, app, { recursive: true });
  cpSync(join(projects, "app", "run.js"), join(app, "run.js"));
  cpSync(packed.installed, join(app, "node_modules", "ferrolite"), { recursive: true });
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  if (app !== undefined) rmSync(app, { recursive: true, force: true, maxRetries: 5 });
  packed?.close();
});

const next = (...args) => [process.execPath, [join("node_modules", "next", "dist", "bin", "next"), ...args], { cwd: app, env }];

/** Starts a server of Next.js on a free port; `{ url, close }`. */
async function start(command) {
  const child = spawn(...next(command, "--port", "0"));
  const closed = new Promise((resolve) => child.once("close", resolve));
  let told = "";
  const url = await new Promise((resolve, reject) => {
    const read = (piece) => {
      told += piece;
      const [, port] = /http:\/\/localhost:([1-9][0-9]*)/.exec(told) ?? [];
      if (port !== undefined && /Ready/.test(told)) resolve(`http://localhost:${port}/`);
    };
    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.once("close", () => reject(new Error(told)));
  });
  const close = async () => {
    child.kill();
    await closed;
  };
  return { url, close };
}

for (const [command, args] of Object.entries({ start: ["build"], dev: undefined })) {
  test(`next ${args === undefined ? command : `build and next ${command}`}`, { timeout: 300_000 }, async (t) => {
    const startMs = performance.now();
    if (args !== undefined) execFileSync(...next(...args), { stdio: "pipe" });
    const builtMs = performance.now();
    const server = await start(command);
    try {
      // What the server has rendered, before any script runs.
      assert.match(await (await fetch(server.url)).text(), /found: not yet/);
      assert.deepEqual(await outcomeOf(browser.context, server.url), EXPECTED);
      assert.deepEqual(await (await fetch(`${server.url}server`)).json(), { a: 1 });
      t.diagnostic(`built in ${((builtMs - startMs) / 1000).toFixed(1)} s, opened in ${((performance.now() - builtMs) / 1000).toFixed(1)} s`);
    } finally {
      await server.close();
    }
  });
}
