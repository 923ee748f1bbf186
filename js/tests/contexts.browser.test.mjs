// Contexts in which a browser keeps nothing, or lacks a capability: sandboxed frames, sites whose data is blocked, and each
// capability missing or refused for itself. `open` says what is missing, memory works, and no method throws what a browser does.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { launchChromium, openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser;

before(async () => {
  // An opaque origin gets scripts only from a server that lets every origin have them.
  server = await serve(mounts, 0, { "access-control-allow-origin": "*" });
  browser = await startChromium();
});

afterEach(async () => {
  await browser.context.unrouteAll();
  for (const page of browser.context.pages()) await page.close();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Chromium with preferences of its user. */
async function startWith(preferences) {
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-chromium-"));
  mkdirSync(join(profile, "Default"));
  writeFileSync(join(profile, "Default", "Preferences"), JSON.stringify(preferences));
  const context = await launchChromium(profile);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}

/** A frame in a page, once its document is loaded. */
async function frameIn(page, url, sandbox) {
  await page.evaluate(
    ([url, sandbox]) =>
      new Promise((resolve) => {
        const frame = document.createElement("iframe");
        if (sandbox !== undefined) frame.sandbox = sandbox;
        frame.onload = resolve;
        frame.src = url;
        document.body.append(frame);
      }),
    [url, sandbox],
  );
  return page.frames().at(-1);
}

/** Each context has its own names: no context sees the databases of another. */
let contexts = 0;

/** What becomes of each method, or of `methods`, by its name: what it gives, or the error. */
const outcomesIn = (where, script, methods) =>
  where.evaluate(async ([script, methods, number]) => {
    const { Ferrolite, FerroliteError } = await import(script);
    const raw = [];
    addEventListener("unhandledrejection", ({ reason }) => raw.push(`unhandled ${reason?.name}: ${reason?.message}`));
    const within = (promise) => Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 30_000, "nothing in 30 s"))]);
    const outcomes = {};
    const attempt = async (what, work) => {
      if (methods !== undefined && !methods.includes(what)) return;
      try {
        outcomes[what] = await within(work());
      } catch (error) {
        outcomes[what] = { code: error.code, message: error.message };
        if (!(error instanceof FerroliteError)) raw.push(`${what}: ${error.name}: ${error.message}`);
      }
    };
    let bytes;
    const use = async (db) => {
      const watch = db.watch();
      await db.set("a", { b: 1 });
      await watch.next();
      await watch.return();
      await db.createIndex("b");
      const found = (await db.query({ where: { b: 1 } })).length;
      await db.transaction(async (tx) => tx.set("c", Object.keys(await tx.get("a"))));
      const facts = await db.storageFacts();
      const exported = await new Response(await db.export()).bytes();
      const count = await db.count();
      await db.close();
      bytes ??= exported;
      return { kind: facts.kind, reason: facts.reason, found, count };
    };
    const encryption = { key: new Uint8Array(32).fill(7) };
    await attempt("auto", async () => use(await Ferrolite.open(`context ${number}`)));
    await attempt("allowed", async () => use(await Ferrolite.open(`context ${number}`, { allowMemory: true })));
    await attempt("encrypted", async () => use(await Ferrolite.open(`secret ${number}`, { allowMemory: true, encryption })));
    await attempt("memory", async () => use(await Ferrolite.open(`context ${number}`, { storage: "memory" })));
    bytes ??= new Uint8Array(1000);
    await attempt("import", async () => (await Ferrolite.import(`imported ${number}`, bytes)).close());
    await attempt("import, allowed", async () => use(await Ferrolite.import(`imported-2 ${number}`, bytes, { allowMemory: true })));
    await attempt("import, memory", async () => use(await Ferrolite.import(`imported-3 ${number}`, bytes, { storage: "memory" })));
    await attempt("salvage", () => Ferrolite.salvage(`context ${number}`, `salvaged ${number}`));
    await attempt("list", () => Ferrolite.list());
    await attempt("delete", () => Ferrolite.delete(`context ${number}`));
    await attempt("persist", () => Ferrolite.persist());
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { outcomes, raw };
  }, [script, methods, ++contexts]);

const USED = { kind: "memory", found: 1, count: 2 };
const used = ({ reason: _, ...used }) => used;

/** Checks what becomes of each method where nothing is kept. */
function assertNothingIsKept({ outcomes, raw }, missing, where) {
  assert.deepEqual(raw, [], where);
  for (const what of ["auto", "import", "salvage", "list", "delete"]) {
    assert.equal(outcomes[what].code, "Unsupported", `${where}, ${what}: ${JSON.stringify(outcomes[what])}`);
    assert.match(outcomes[what].message, missing, `${where}, ${what}`);
  }
  for (const what of ["allowed", "memory", "encrypted", "import, allowed", "import, memory"]) {
    assert.deepEqual(used(outcomes[what]), USED, `${where}, ${what}: ${JSON.stringify(outcomes[what])}`);
  }
  assert.match(outcomes.allowed.reason, missing, where);
  assert.equal(outcomes.persist, false, where);
}

const SCRIPTS = ["/ferrolite/index.js", "/ferrolite/inline.js"];

test("in a sandboxed frame nothing is kept, and memory works", async () => {
  for (const script of SCRIPTS) {
    const page = await openPage(browser.context, server.url);
    const frame = await frameIn(page, `${server.url}tests/projects/blank.html`, "allow-scripts");
    assertNothingIsKept(await outcomesIn(frame, server.url.slice(0, -1) + script), /private file system \(.*Web Locks \(/, script);
  }
});

test("where the user lets no site keep data nothing is kept, and memory works", async () => {
  const blocking = await startWith({ profile: { default_content_setting_values: { cookies: 2 } } });
  try {
    const page = await blocking.context.newPage();
    await page.goto(`${server.url}tests/projects/blank.html`);
    for (const script of SCRIPTS) {
      assertNothingIsKept(await outcomesIn(page, script), /private file system \(SecurityError.*IndexedDB and Web Locks \(SecurityError/, script);
    }
  } finally {
    await blocking.close();
  }
});

test("in a frame of another site whose data is blocked nothing is kept, and memory works", async () => {
  const blocking = await startWith({ profile: { block_third_party_cookies: true, cookie_controls_mode: 1 } });
  try {
    const page = await blocking.context.newPage();
    await page.goto(`${server.url}tests/projects/blank.html`);
    const frame = await frameIn(page, `${server.url.replace("localhost", "insecure.localhost")}tests/projects/blank.html`);
    assertNothingIsKept(await outcomesIn(frame, "/ferrolite/index.js"), /private file system \(SecurityError.*IndexedDB and Web Locks \(SecurityError/, "third party");
  } finally {
    await blocking.close();
  }
});

const refuse = (owner, name) => `Object.defineProperty(${owner}, "${name}", { configurable: true, get() { throw new DOMException("${name} is refused", "SecurityError"); } })`;
const fail = (owner, name) => `${owner}.${name} = function () { throw new DOMException("${name} fails", "SecurityError"); }`;
const reject = (owner, name) => `${owner}.${name} = async function () { throw new DOMException("${name} fails", "SecurityError"); }`;

/** What a context may lack, and whether a database is kept all the same. */
const LACKING = {
  "no locks": ["Object.defineProperty(navigator, 'locks', { value: undefined })", "opfs"],
  "locks that are refused": [`${reject("LockManager.prototype", "request")}; ${reject("LockManager.prototype", "query")}`, "opfs"],
  "no storage manager": ["Object.defineProperty(navigator, 'storage', { value: undefined })", "indexeddb"],
  "no getDirectory": ["delete StorageManager.prototype.getDirectory", "indexeddb"],
  "getDirectory that fails": [reject("StorageManager.prototype", "getDirectory"), "indexeddb"],
  "no IndexedDB": ["Object.defineProperty(globalThis, 'indexedDB', { value: undefined })", "opfs"],
  "IndexedDB that is refused": [refuse("globalThis", "indexedDB"), "opfs"],
  "IndexedDB that fails": [["open", "databases", "deleteDatabase"].map((name) => fail("IDBFactory.prototype", name)).join(";"), "opfs"],
  "localStorage that is refused": ["globalThis.document && " + refuse("globalThis", "localStorage"), "opfs"],
  "no BroadcastChannel": ["delete globalThis.BroadcastChannel", "opfs"],
  "BroadcastChannel that is refused": ["globalThis.BroadcastChannel = class { constructor() { throw new DOMException('refused', 'SecurityError'); } }", "opfs"],
  "SharedWorker that is refused": ["globalThis.SharedWorker = class { constructor() { throw new DOMException('refused', 'SecurityError'); } }", "opfs"],
  "locks that are refused, and no private files": [
    `${reject("LockManager.prototype", "request")}; ${reject("LockManager.prototype", "query")}; ${reject("StorageManager.prototype", "getDirectory")}`,
    /private file system \(SecurityError.*IndexedDB and Web Locks \(SecurityError/,
  ],
  "neither private files nor IndexedDB": [
    `${reject("StorageManager.prototype", "getDirectory")}; ${refuse("globalThis", "indexedDB")}`,
    /private file system \(SecurityError.*IndexedDB and Web Locks \(SecurityError/,
  ],
};

for (const [what, [script, kept]] of Object.entries(LACKING)) {
  test(`${what}: ${typeof kept === "string" ? `kept in ${kept}` : "nothing is kept"}`, async () => {
    await browser.context.route("**/ferrolite/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${script};\n${await response.text()}` });
    });
    const page = await browser.context.newPage();
    await page.addInitScript(script);
    await page.goto(`${server.url}tests/projects/blank.html`);
    if (typeof kept !== "string") return assertNothingIsKept(await outcomesIn(page, "/ferrolite/index.js"), kept, what);
    const methods = ["auto", "allowed", "import", "salvage", "list", "delete", "persist"];
    const { outcomes, raw } = await outcomesIn(page, "/ferrolite/index.js", methods);
    assert.deepEqual(raw, []);
    for (const [name, outcome] of Object.entries(outcomes)) assert.equal(outcome?.code, undefined, `${name}: ${JSON.stringify(outcome)}`);
    for (const name of ["auto", "allowed"]) assert.deepEqual(used(outcomes[name]), { ...USED, kind: kept }, name);
    for (const name of ["context", "imported", "salvaged"]) assert.ok(outcomes.list.includes(`${name} ${contexts}`), name);
    assert.equal(outcomes.delete, true);
  });
}

test("where workers cannot start, every method says so", async () => {
  for (const [script, missing] of [
    ["Object.defineProperty(globalThis, 'Worker', { value: undefined })", /there are no workers here/],
    ["globalThis.Worker = class { constructor() { throw new DOMException('not here', 'SecurityError'); } }", /cannot be started.*not here/],
  ]) {
    const page = await browser.context.newPage();
    await page.addInitScript(script);
    await page.goto(`${server.url}tests/projects/blank.html`);
    const { outcomes, raw } = await outcomesIn(page, "/ferrolite/index.js", ["memory", "import, memory", "salvage"]);
    assert.deepEqual(raw, []);
    for (const what of ["memory", "import, memory", "salvage"]) {
      assert.equal(outcomes[what].code, "Unsupported", `${what}: ${JSON.stringify(outcomes[what])}`);
      assert.match(outcomes[what].message, missing);
    }
    await page.close();
  }
});
