// Tabs whose files are gone, or whose network is: another tab leads all the same, or as soon as it can.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, other, browser;

before(async () => {
  server = await serve(mounts);
  // A page that may start workers from files alone.
  other = await serve(mounts, 0, { "content-security-policy": "worker-src 'self'" });
  browser = await startChromium();
});

afterEach(async () => {
  await browser.context.setOffline(false);
  await browser.context.unrouteAll();
  for (const page of browser.context.pages().slice(1)) await page.close();
});

after(async () => {
  await browser?.close();
  await server?.close();
  await other?.close();
});

/** A page with the database open, and with what it keeps for later. */
async function opened(name, { url } = server, file = "index.js") {
  const page = await browser.context.newPage();
  await page.goto(`${url}tests/support/tabs.html`);
  await page.waitForFunction("globalThis.ready");
  if (file !== "index.js") await page.evaluate(async (file) => (globalThis.ferrolite = await import(`/ferrolite/${file}`)), file);
  await page.evaluate(async (name) => (globalThis.db = await ferrolite.Ferrolite.open(name)), name);
  return page;
}

const increment = (page) => page.evaluate(() => db.increment("n").catch(({ code, message }) => `${code}: ${message}`));
const leads = (page, name) => page.evaluate((name) => globalThis.leads(name), name);

const show = (page, state) =>
  page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);

async function until(what, condition, milliseconds = 15_000) {
  for (const endMs = Date.now() + milliseconds; !(await condition()); ) {
    assert.ok(Date.now() < endMs, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Waits until a page has kept the files of the engine: the answers that it has asked the cache for are complete. */
const kept = (page) =>
  until("the files are kept", () =>
    page.evaluate(() => ["worker.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"].every((file) =>
      performance.getEntriesByType("resource").some(({ name, initiatorType, responseEnd }) => name.endsWith(file) && initiatorType === "fetch" && responseEnd > 0))));

/** Ways in which the files go. */
const losses = {
  "the network is gone": () => browser.context.setOffline(true),
  "the files are gone": () => browser.context.route("**/ferrolite/**", (route) => route.fulfill({ status: 404, body: "gone" })),
  "the server answers with a page": () =>
    browser.context.route("**/ferrolite/**", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><p>app" })),
};

for (const [loss, lose] of Object.entries(losses)) {
  test(`${loss}, and the user goes to another tab and back`, { timeout: 60_000 }, async () => {
    const name = `hidden-${Object.keys(losses).indexOf(loss)}`;
    const [first, second] = [await opened(name), await opened(name)];
    await show(second, "hidden");
    for (const page of [first, second]) await kept(page);
    await lose();
    await show(first, "hidden");
    await show(second, "visible");
    await until("the second one leads", () => leads(second, name));
    assert.deepEqual([await increment(second), await increment(first)], [1, 2]);
    await show(second, "hidden");
    await show(first, "visible");
    await until("the first one leads", () => leads(first, name));
    assert.deepEqual([await increment(second), await increment(first)], [3, 4]);
  });

  test(`${loss}, and the leader is closed`, { timeout: 60_000 }, async () => {
    const name = `closed-${Object.keys(losses).indexOf(loss)}`;
    const [first, second] = [await opened(name), await opened(name)];
    await kept(second);
    await lose();
    await first.close();
    assert.equal(await increment(second), 1);
    // All that the engine needs is there, and not only its first part.
    const compacted = await second.evaluate(() => db.compact().then(() => "fine", ({ code, message }) => `${code}: ${message}`));
    assert.equal(compacted, "fine");
  });
}

test("the script with all in it needs no files", { timeout: 60_000 }, async () => {
  const name = "inline";
  const [first, second] = [await opened(name, server, "inline.js"), await opened(name, server, "inline.js")];
  await browser.context.setOffline(true);
  await first.close();
  assert.equal(await increment(second), 1);
});

test("a tab that cannot start an engine leaves that to others, and goes on when it can", { timeout: 60_000 }, async () => {
  const name = "forbidden";
  const [first, second, third] = [await opened(name, other), await opened(name, other), await opened(name, other)];
  for (const page of [first, second, third]) await kept(page);
  await losses["the files are gone"]();
  await first.close();
  // None of the others can lead: the lock is free for whoever can.
  const waiting = [increment(second), increment(third)];
  const isFree = () => second.evaluate((name) => navigator.locks.request(`ferrolite/${name}.ferrolite`, { ifAvailable: true }, (lock) => lock !== null), name);
  await until("the lock is free", isFree);
  await browser.context.unrouteAll();
  assert.deepEqual((await Promise.all(waiting)).sort(), [1, 2]);
  assert.equal((await leads(second, name)) || (await leads(third, name)), true);
});

test("a leader takes the file back from a tab that cannot start an engine", { timeout: 60_000 }, async () => {
  const name = "back";
  const [first, second] = [await opened(name), await opened(name)];
  await show(second, "hidden");
  await kept(first);
  // The second one has nothing to start from.
  await second.evaluate(() => {
    globalThis.Worker = class {
      constructor() {
        throw new DOMException("a test fails it", "SecurityError");
      }
    };
  });
  await show(first, "hidden");
  await show(second, "visible");
  await until("the file is handed over", async () => !(await leads(first, name)));
  assert.deepEqual([await increment(second), await increment(first)], [1, 2]);
  await until("the first one leads", () => leads(first, name));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(await leads(first, name), true, "it is not handed over again at once");
});
