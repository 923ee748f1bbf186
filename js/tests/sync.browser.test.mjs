// FerroliteSync in a dedicated worker of real Chromium, over OPFS and in memory.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { syncGroups } from "./cases/sync.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser, page;

before(async () => {
  server = await serve(mounts);
  browser = await startChromium();
  page = await openPage(browser.context, server.url);
  const ready = await page.evaluate(() => {
    globalThis.worker = new Worker("/tests/support/sync-worker.mjs", { type: "module" });
    globalThis.answer = () =>
      new Promise((resolve, reject) => {
        globalThis.worker.onmessage = ({ data }) => resolve(data);
        globalThis.worker.onerror = ({ message }) => reject(new Error(message || "the worker does not start"));
      });
    return globalThis.answer();
  });
  assert.equal(ready, "ready");
});

after(async () => {
  await browser?.close();
  await server?.close();
});

const play = (...which) =>
  page.evaluate((which) => {
    globalThis.worker.postMessage(which);
    return globalThis.answer();
  }, which);

for (const kind of ["opfs", "memory"]) {
  for (const [group, cases] of Object.entries(syncGroups)) {
    describe(`sync, ${kind}, ${group}`, () => {
      for (const [index, { name }] of cases.entries()) {
        test(name, { timeout: 60_000 }, async () => {
          const failure = await play(kind, group, index);
          if (failure !== undefined) throw new Error(failure);
        });
      }
    });
  }
}

test("a page is told that it needs a worker", async () => {
  const told = await page.evaluate(async () => {
    const { FerroliteSync } = await import("/ferrolite/sync.js");
    const db = await FerroliteSync.open("x", { storage: "memory" });
    const found = [db.set("a", 1), db.get("a")];
    db.close();
    return [found, await FerroliteSync.open("x").catch(({ code, message }) => [code, /dedicated worker/.test(message)])];
  });
  assert.deepEqual(told, [[1, 1], ["Unsupported", true]]);
});
