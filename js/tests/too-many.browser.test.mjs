// More databases than a browser has address space for: the next one is refused, and opens once another was closed.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser, page;

before(async () => {
  server = await serve(mounts);
  browser = await startChromium();
  page = await openPage(browser.context, server.url);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** Databases that are open. */
const OPEN = 3;

/** Takes the address space that is left in the page's process; how often that worked. */
const fill = () =>
  page.evaluate(() => {
    // A memory as the engine's, without the engine.
    const module = new WebAssembly.Module(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 0, 1]));
    globalThis.memories ??= [];
    try {
      while (memories.length < 2000) memories.push(new WebAssembly.Instance(module));
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
    return memories.length;
  });

/** The code and message of the error of `work`, and what is left behind: workers, and locks of the database. */
async function refusalOf(work, name) {
  const refusal = await page.evaluate(work, name).then(() => ({}), ({ message }) => ({ message }));
  await page.waitForFunction(
    async (name) => {
      const { held, pending } = await navigator.locks.query();
      return ![...held, ...pending].some((lock) => lock.name.startsWith(`ferrolite/${name}.`));
    },
    name,
    { timeout: 5000 },
  );
  // Playwright hears of a worker's end a moment later.
  for (let attempt = 0; attempt < 50 && page.workers().length > OPEN; attempt++) await page.waitForTimeout(20);
  return { ...refusal, workers: page.workers().length };
}

for (const [where, options, kinds] of [
  ["in memory", { storage: "memory" }, ["open"]],
  ["kept", {}, ["open", "allowed", "encrypted", "import"]],
]) {
  test(`the database for which no address space is left is TooManyOpen, and leaves nothing behind: ${where}`, async (t) => {
    const size = await page.evaluate(async ([options, count]) => {
      const { Ferrolite } = ferrolite;
      globalThis.options = options;
      globalThis.open = [];
      for (let number = 0; number < count; number++) open.push(await Ferrolite.open(`many-${number}`, options));
      await open[0].set("a", 1);
      globalThis.bytes = await new Response(await open[0].export()).bytes();
      return bytes.length;
    }, [options, OPEN]);
    assert.ok(size > 0);
    t.diagnostic(`${OPEN + (await fill())} memories have address space`);
    const works = {
      open: (name) => ferrolite.Ferrolite.open(name, options),
      allowed: (name) => ferrolite.Ferrolite.open(name, { ...options, allowMemory: true }),
      encrypted: (name) => ferrolite.Ferrolite.open(name, { ...options, encryption: { key: new Uint8Array(32).fill(7) } }),
      import: (name) => ferrolite.Ferrolite.import(name, bytes, options),
    };
    for (const what of kinds) {
      const { message, workers } = await refusalOf(works[what], `one-more-${what}`);
      assert.match(message, /^page.evaluate: FerroliteError: too many databases are open: .*; close /s, what);
      assert.equal(workers, OPEN, what);
    }
    const seen = await page.evaluate(async () => {
      const { Ferrolite } = ferrolite;
      const code = await Ferrolite.open("one-more", options).catch(({ code }) => code);
      await open.pop().close();
      const encryption = { key: new Uint8Array(32).fill(7) };
      open.push(await Ferrolite.open("one-more", { ...options, encryption }));
      await open.at(-1).set("b", 2);
      const found = [await open[0].get("a"), await open.at(-1).get("b")];
      for (const db of open) await db.close();
      return { code, found, deleted: options.storage === "memory" || (await Ferrolite.delete("one-more")) };
    });
    assert.deepEqual(seen, { code: "TooManyOpen", found: [1, 2], deleted: true });
  });
}

test("a tab without address space for an engine goes on as soon as it has some", async () => {
  const leader = await openPage(browser.context, server.url);
  await leader.evaluate(async () => {
    globalThis.db = await ferrolite.Ferrolite.open("follows");
    await db.set("a", 1);
  });
  await page.evaluate(async () => {
    globalThis.open = [await ferrolite.Ferrolite.open("other", { storage: "memory" }), await ferrolite.Ferrolite.open("follows")];
    await open[1].get("a");
  });
  await fill();
  await leader.close();
  const seen = await page.evaluate(async () => {
    const got = open[1].get("a");
    const before = await Promise.race([got, new Promise((resolve) => setTimeout(resolve, 1500, "waits"))]);
    await open[0].close();
    const after = await got;
    await open[1].close();
    return { before, after };
  });
  assert.deepEqual(seen, { before: "waits", after: 1 });
});

test("salvage, and a database in a worker's own thread, are TooManyOpen, too", async () => {
  await fill();
  const codes = await page.evaluate(async () => {
    const text = `
      import { FerroliteSync } from "${location.origin}/ferrolite/sync.js";
      const code = await FerroliteSync.open("own-thread", { storage: "memory" }).then(() => "opened", ({ code, message }) => code + ": " + message);
      postMessage(code);`;
    const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })), { type: "module" });
    const own = await new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
    worker.terminate();
    return [await ferrolite.Ferrolite.salvage("many-0", "salvaged").catch(({ code }) => code), own];
  });
  assert.equal(codes[0], "TooManyOpen");
  assert.match(codes[1], /^TooManyOpen: too many databases are open: .*; close /);
});
