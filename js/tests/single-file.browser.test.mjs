// An app that is one HTML file, by `ferrolite/inline`: from a server with a strict policy, and from the disk.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { copyProject, EXPECTED, installPacked, outcomeOf, projects, toolsFor } from "./support/packed.mjs";

/** All that the app needs is allowed, and nothing else: no files beside it, no addresses of data, no eval. */
const POLICY = ["default-src 'none'", "script-src 'nonce-single' 'wasm-unsafe-eval'", "worker-src blob:"];

let packed, out, browser;

before(async () => {
  packed = installPacked();
  const folder = copyProject(packed.directory, "single");
  const esbuild = join(toolsFor(projects), "node_modules", ".bin", "esbuild");
  execFileSync(esbuild, ["main.js", "--bundle", "--minify", "--outfile=bundle.js"], { cwd: folder, stdio: "pipe" });
  const script = readFileSync(join(folder, "bundle.js"), "utf8").replaceAll("</script", "<\\/script");
  out = join(folder, "out");
  mkdirSync(out);
  writeFileSync(join(out, "index.html"), readFileSync(join(folder, "single.html"), "utf8").replace("SCRIPT", () => script));
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  packed?.close();
});

async function under(policy) {
  const server = await serve({ "/": out }, 0, { "content-security-policy": policy.join("; ") });
  try {
    return await outcomeOf(browser.context, server.url);
  } finally {
    await server.close();
  }
}

test("under a policy that allows what is needed", async () => {
  assert.deepEqual(await under(POLICY), EXPECTED);
});

test("each part of that policy is needed, and the error tells", async () => {
  const withoutWorker = await under(POLICY.filter((directive) => !directive.startsWith("worker-src")));
  assert.equal(withoutWorker.code, "Io");
  assert.match(withoutWorker.message, /policy/);
  const withoutWasm = await under(POLICY.map((directive) => directive.replace(" 'wasm-unsafe-eval'", "")));
  assert.equal(withoutWasm.code, "Io");
  assert.match(withoutWasm.message, /engine could not be loaded.*wasm-unsafe-eval|Content Security Policy/s);
});

test("from the disk, in memory", async () => {
  const url = pathToFileURL(join(out, "index.html")).href;
  assert.deepEqual(await outcomeOf(browser.context, `${url}?storage=memory`), { ...EXPECTED, kind: "memory" });
});
