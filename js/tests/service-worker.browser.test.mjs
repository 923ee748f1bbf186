// Service workers share the database of a page. They cannot import scripts later.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser;

before(async () => {
  server = await serve(mounts);
  browser = await startChromium();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

/** A page with a service worker, and what sends the latter a function and gives its result. */
async function started(script) {
  const page = await openPage(browser.context, server.url);
  await page.evaluate(async (script) => {
    for (const one of await navigator.serviceWorker.getRegistrations()) await one.unregister();
    const { installing, waiting, active } = await navigator.serviceWorker.register(script, { type: "module" });
    const worker = installing ?? waiting ?? active;
    if (worker.state !== "activated") await new Promise((resolve) => (worker.onstatechange = () => worker.state === "activated" && resolve()));
    globalThis.ask = (text) =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        worker.postMessage(text, [port2]);
      });
  }, script);
  return { page, run: (work) => page.evaluate((text) => ask(text), String(work)) };
}

const opened = (page, name, options) =>
  page.evaluate(async ([name, options]) => {
    const key = options?.encrypted && { key: new Uint8Array(32).fill(7) };
    globalThis.db = await ferrolite.Ferrolite.open(name, key ? { encryption: key } : {});
    await db.set("page", 1);
  }, [name, options]);

describe("by ferrolite/service-worker every method works", { timeout: 60_000 }, () => {
  for (const encrypted of [false, true]) {
    test(encrypted ? "of an encrypted database" : "of a plain one", async () => {
      const name = `service-${encrypted}`;
      const { page, run } = await started("/tests/support/service-worker.mjs");
      await opened(page, name, { encrypted });
      const { value, code, message } = await run(`async (Ferrolite) => {
        const db = await Ferrolite.open("${name}", ${encrypted ? "{ encryption: { key: new Uint8Array(32).fill(7) } }" : "{}"});
        try {
          await db.set("worker", { n: 1 });
          const changes = db.watch({ key: "told" });
          const sum = await db.transaction(async (tx) => {
            const { n } = await tx.get("worker");
            await tx.set("told", n + 1);
            return n + 1;
          });
          const change = (await changes.next()).value;
          await changes.return();
          const snapshot = await db.snapshot();
          const keys = await snapshot.keys();
          await snapshot.close();
          return [sum, change.value, keys];
        } finally {
          await db.close();
        }
      }`);
      assert.deepEqual([value, code, message], [[2, 2, ["page", "told", "worker"]], undefined, undefined]);
      assert.deepEqual(await page.evaluate(() => db.get("told")), 2);
      await page.evaluate(() => db.close());
    });
  }

  test("while no page has the database open it is Unsupported", async () => {
    const { run } = await started("/tests/support/service-worker.mjs");
    const { code, message } = await run(`(Ferrolite) => Ferrolite.open("nobody")`);
    assert.deepEqual([code, /open it in a page/.test(message)], ["Unsupported", true], message);
  });
});

test("by ferrolite calls work, and what has to be loaded says what to import", { timeout: 60_000 }, async () => {
  const { page, run } = await started("/tests/support/service-worker-index.mjs");
  await opened(page, "service-index");
  const { value } = await run(`async (Ferrolite) => {
    const db = await Ferrolite.open("service-index");
    await db.set("worker", 1);
    const found = [await db.get("page"), await db.count()];
    const refused = await db.snapshot().catch(({ code, message }) => [code, message]);
    await db.close();
    return [found, refused];
  }`);
  assert.deepEqual(value[0], [1, 2]);
  assert.equal(value[1][0], "Unsupported");
  assert.match(value[1][1], /import "ferrolite\/service-worker"/);
  assert.equal(await page.evaluate(() => db.get("worker")), 1);
  for (const text of [
    `(Ferrolite) => Ferrolite.open("nobody")`,
    `(Ferrolite) => Ferrolite.open("service-index", { encryption: { key: new Uint8Array(32).fill(7) } })`,
  ]) {
    const { code, message } = await run(text);
    assert.deepEqual([code, /import "ferrolite\/service-worker"/.test(message)], ["Unsupported", true], message);
  }
  await page.evaluate(() => db.close());
});
