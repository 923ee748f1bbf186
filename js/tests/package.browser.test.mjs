// The package as it is published, in pages that Vite builds and serves, in plain modules, and in strict TypeScript.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { createServer } from "vite";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { copyProject, EXPECTED, installPacked, outcomeOf, projects } from "./support/packed.mjs";

const tests = dirname(fileURLToPath(import.meta.url));
const js = join(tests, "..");
let packed, browser;

const run = (args, cwd = packed.directory) => execFileSync(process.execPath, args, { cwd, encoding: "utf8", stdio: "pipe" });

before(async () => {
  packed = installPacked();
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  packed?.close();
});

test("strict TypeScript", () => {
  copyFileSync(join(tests, "types", "examples.ts"), join(packed.directory, "examples.ts"));
  const flags = ["--strict", "--noEmit", "--target", "es2022", "--skipLibCheck", "false", "--lib", "es2022,dom"];
  const tsc = join(js, "node_modules", "typescript", "bin", "tsc");
  run([tsc, ...flags, "--module", "nodenext", "examples.ts"]);
  run([tsc, ...flags, "--module", "esnext", "--moduleResolution", "bundler", "examples.ts"]);
  const inline = join(packed.directory, "inline.ts");
  writeFileSync(inline, readFileSync(join(packed.directory, "examples.ts"), "utf8").replaceAll('"ferrolite"', '"ferrolite/inline"'));
  run([tsc, ...flags, "--module", "nodenext", "inline.ts"]);
});

test("strict TypeScript for Node, without the types of browsers", () => {
  copyFileSync(join(projects, "node.mjs"), join(packed.directory, "node-types.mts"));
  const flags = ["--strict", "--noEmit", "--target", "es2022", "--skipLibCheck", "false", "--lib", "es2024", "--module", "nodenext"];
  const types = ["--typeRoots", join(js, "node_modules", "@types"), "--types", "node"];
  run([join(js, "node_modules", "typescript", "bin", "tsc"), ...flags, ...types, "node-types.mts"]);
});

for (const entry of ["main.js", "inline.js"]) {
  test(`a page that Vite built, of ${entry}`, async () => {
    const folder = copyProject(packed.directory, "app", `vite-${entry.slice(0, -3)}`);
    if (entry !== "main.js") copyFileSync(join(folder, entry), join(folder, "main.js"));
    run([join(js, "node_modules", "vite", "bin", "vite.js"), "build", "--logLevel", "warn"], folder);
    const server = await serve({ "/": join(folder, "dist") });
    try {
      assert.deepEqual(await outcomeOf(browser.context, server.url), EXPECTED);
    } finally {
      await server.close();
    }
  });
}

test("a page that Vite serves while it is written", async () => {
  const root = copyProject(packed.directory, "app", "vite-dev");
  const server = await createServer({ root, logLevel: "error", server: { port: 0, host: "127.0.0.1" } });
  try {
    await server.listen();
    assert.deepEqual(await outcomeOf(browser.context, `http://localhost:${server.httpServer.address().port}/`), EXPECTED);
  } finally {
    await server.close();
  }
});

/** A page of plain modules, without a bundler. */
function plainPage(entry) {
  const folder = copyProject(packed.directory, "app", `plain-${entry.slice(0, -3)}`);
  const at = "/node_modules/ferrolite/dist/";
  const map = JSON.stringify({ imports: { ferrolite: `${at}index.js`, "ferrolite/inline": `${at}inline.js` } });
  const html = readFileSync(join(projects, "page.html"), "utf8").replace("./main.js", `./${entry}`);
  writeFileSync(join(folder, "index.html"), html.replace("<script", `<script type="importmap" nonce="map">${map}</script>\n<script`));
  return { "/node_modules/": join(packed.directory, "node_modules"), "/": folder };
}

for (const entry of ["main.js", "inline.js"]) {
  test(`plain modules from static files, without a bundler, of ${entry}`, async () => {
    const server = await serve(plainPage(entry));
    try {
      assert.deepEqual(await outcomeOf(browser.context, server.url), EXPECTED);
    } finally {
      await server.close();
    }
  });
}

test("files of its own under a strict policy, each part of which is needed", async () => {
  const mounts = plainPage("main.js");
  const policy = ["default-src 'none'", "script-src 'self' 'nonce-map' 'wasm-unsafe-eval'", "worker-src 'self'", "connect-src 'self'"];
  const under = async (directives) => {
    const server = await serve(mounts, 0, { "content-security-policy": directives.join("; ") });
    try {
      return await outcomeOf(browser.context, server.url);
    } finally {
      await server.close();
    }
  };
  assert.deepEqual(await under(policy), EXPECTED);
  assert.equal((await under(policy.filter((directive) => !directive.startsWith("connect-src")))).code, "Io");
  assert.equal((await under(policy.map((directive) => directive.replace("worker-src 'self'", "worker-src 'none'")))).code, "Io");
  assert.equal((await under(policy.map((directive) => directive.replace(" 'wasm-unsafe-eval'", "")))).code, "Io");
});

test("a page that demands Trusted Types, with and without a list of policies", async () => {
  const demand = "require-trusted-types-for 'script'";
  for (const entry of ["main.js", "inline.js"]) {
    const mounts = plainPage(entry);
    for (const [policy, opens] of [[demand, true], [`${demand}; trusted-types ferrolite`, true], [`${demand}; trusted-types other`, false]]) {
      const server = await serve(mounts, 0, { "content-security-policy": policy });
      try {
        const outcome = await outcomeOf(browser.context, server.url);
        if (opens) assert.deepEqual(outcome, EXPECTED, `${entry}: ${policy}`);
        else assert.equal(outcome.code, "Unsupported", `${entry}: ${policy}`);
      } finally {
        await server.close();
      }
    }
  }
});
