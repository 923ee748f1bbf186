// The origin's quota, set small through the DevTools protocol, is used up; or the memory that a database in IndexedDB may have.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";

const torture = Boolean(process.env.FERROLITE_TORTURE);
const tests = dirname(fileURLToPath(import.meta.url));
const rounds = torture ? 10 : 5;
const served = { "/tests/": tests, "/ferrolite/": join(tests, "..", "dist") };
/** Bytes that the names of files take. */
const FOLDER = 64 << 10;
let server, browser, page, devTools;

before(async () => {
  server = await serve(served);
  browser = await startChromium();
  page = await browser.context.newPage();
  await page.goto(`${server.url}tests/support/torture.html`);
  await page.waitForFunction("globalThis.ready");
  devTools = await browser.context.newCDPSession(page);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** From now on the origin may keep so many bytes more than it does; without a number as many as it likes. */
async function allow(bytes, { url } = server) {
  const { origin } = new URL(url);
  const { usage } = await devTools.send("Storage.getUsageAndQuota", { origin });
  await devTools.send("Storage.overrideQuotaForOrigin", bytes === undefined ? { origin } : { origin, quotaSize: usage + bytes });
}

for (const storage of ["opfs", "indexeddb"]) {
  test(`no room for a database, ${storage}`, { timeout: 60_000 }, async () => {
    const create = () => page.evaluate((storage) => globalThis.create("no-room", { storage }), storage);
    for (const left of [0, 4 << 10, 16 << 10, 64 << 10, 80 << 10]) {
      await allow(left);
      const code = await create();
      assert.ok(code === undefined || code === "StorageFull", `with ${left} bytes left: ${code}`);
      if (left === 0) assert.equal(code, "StorageFull");
      await allow();
      assert.equal(await create(), undefined, `after ${left} bytes were left`);
      await page.evaluate(() => globalThis.remove("no-room"));
    }
  });
}

const memoryLimits = torture ? [[1, 2 << 20], [2, 2 << 20], [3, 8 << 20]] : [[1, 2 << 20]];
for (const [seed, bytes] of memoryLimits) {
  test(`a memory limit of ${bytes >> 20} MiB in IndexedDB, seed ${seed}`, { timeout: 600_000 }, async () => {
    await allow();
    const fill = ([seed, rounds, bytes]) =>
      globalThis.fillQuota(`limit-${seed}`, { seed, rounds, bytes }, { storage: "indexeddb", memoryLimit: bytes });
    const { acknowledged, refused, failures } = await page.evaluate(fill, [seed, rounds, bytes]);
    console.log(`IndexedDB, ${bytes} bytes: ${acknowledged} acknowledged, ${refused} refused`);
    assert.deepEqual(failures, []);
  });
}

// Each has an origin of its own: what databases in IndexedDB have used is given back late, and would make the quota larger.
for (const [seed, bytes] of torture ? [[1, 4 << 20], [2, 4 << 20], [3, 12 << 20], [4, 12 << 20]] : [[1, 4 << 20], [2, 4 << 20]]) {
  test(`a quota of ${bytes >> 20} MiB, seed ${seed}`, { timeout: 600_000 }, async (t) => {
    const place = await serve(served);
    t.after(() => place.close());
    await page.goto(`${place.url}tests/support/torture.html`);
    await page.waitForFunction("globalThis.ready");
    // Chromium gives a file room in powers of two, and its folder needs some.
    await allow(bytes + FOLDER, place);
    const scenario = { seed, rounds, bytes };
    const fill = ([name, scenario]) => globalThis.fillQuota(name, scenario);
    const { acknowledged, refused, failures } = await page.evaluate(fill, [`full-${seed}`, scenario]);
    console.log(`Chromium, ${bytes} bytes: ${acknowledged} acknowledged, ${refused} refused`);
    if (torture) console.log(`torture\tfull disk Chromium\tquota of ${bytes >> 20} MiB, quotas filled\t${rounds}`);
    assert.deepEqual(failures, []);
  });
}
