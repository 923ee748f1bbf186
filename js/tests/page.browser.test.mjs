// What is special in browsers: tabs, reloads, quotas, and what cannot be loaded.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser;

before(async () => {
  server = await serve(mounts);
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

const page = () => openPage(browser.context, server.url);

/** Opens a database in a page, as `globalThis.db`; its facts, or the code and message of the error. */
const open = (where, name, options = {}) =>
  where.evaluate(
    async ([name, options]) => {
      try {
        globalThis.db = await ferrolite.Ferrolite.open(name, options);
        return { storage: globalThis.db.storage };
      } catch (error) {
        return { code: error.code, message: error.message, name: error.name };
      }
    },
    [name, options],
  );

test("the storage facts are true", async () => {
  const tab = await page();
  const { storage } = await open(tab, "a name/with: anything * ü");
  assert.equal(storage.kind, "opfs");
  assert.equal(storage.path, "ferrolite/a%20name%2Fwith%3A%20anything%20%2A%20%C3%BC.ferrolite");
  assert.equal(typeof storage.persistent, "boolean");
  assert.deepEqual(await tab.evaluate(() => ferrolite.Ferrolite.list()), ["a name/with: anything * ü"]);
  const { storage: memory } = await open(tab, "m", { storage: "memory" });
  assert.deepEqual([memory.kind, memory.persistent, memory.path], ["memory", false, undefined]);
});

test("handles that close together leave no rejection that nobody handles", async () => {
  const tab = await page();
  await tab.evaluate(() => {
    globalThis.unhandled = [];
    addEventListener("unhandledrejection", ({ reason }) => unhandled.push(String(reason?.stack ?? reason)));
  });
  for (const atOnce of [true, false]) {
    await tab.evaluate(async (atOnce) => {
      const open = () => ferrolite.Ferrolite.open("noise");
      const all = [];
      if (atOnce) all.push(...(await Promise.all(Array.from({ length: 5 }, open))));
      else for (let n = 0; n < 5; n++) all.push(await open());
      await Promise.all(all.map((db) => db.close()));
    }, atOnce);
  }
  // A client asks the broker for a second before it asks on the channel that is closed by then.
  await tab.waitForTimeout(2500);
  assert.deepEqual(await tab.evaluate(() => unhandled), []);
});

test("what is open anywhere is not deleted, salvaged or replaced", async () => {
  const [first, second] = [await page(), await page()];
  await open(first, "tabs");
  await first.evaluate(() => db.set("from", "first"));
  const codes = await second.evaluate(async () => {
    const { Ferrolite } = ferrolite;
    const works = [() => Ferrolite.delete("tabs"), () => Ferrolite.salvage("tabs", "other"), () => Ferrolite.import("tabs", new Uint8Array(9))];
    return Promise.all(works.map((work) => work().then(() => "fine", ({ name, code }) => `${name} ${code}`)));
  });
  assert.deepEqual(codes, Array(3).fill("FerroliteError Locked"));
  assert.equal(await first.evaluate(() => db.get("from")), "first");
  await first.evaluate(() => db.close());
  assert.equal(await second.evaluate(() => ferrolite.Ferrolite.delete("tabs")), true);
});

test("a reloaded page opens its database again", async () => {
  const tab = await page();
  for (let round = 0; round < 5; round++) {
    assert.equal((await open(tab, "reload")).code, undefined);
    assert.equal(await tab.evaluate((round) => db.set(`k${round}`, round).then(() => db.count()), round), round + 1);
    await tab.reload();
    await tab.waitForFunction("globalThis.runTest !== undefined");
  }
});

test("a page that is gone leaves the database to the next", async () => {
  const first = await page();
  await open(first, "gone");
  await first.evaluate(() => db.set("a", 1));
  await first.close();
  const second = await page();
  assert.equal((await open(second, "gone")).code, undefined);
  assert.equal(await second.evaluate(() => db.get("a")), 1);
});

test("what was acknowledged survives the death of the renderer", async () => {
  const first = await page();
  await open(first, "crash");
  await first.evaluate(() => {
    globalThis.last = -1;
    (async () => {
      for (let n = 0; ; n++) {
        await db.set("n", n);
        globalThis.last = n;
      }
    })();
  });
  await first.waitForFunction("globalThis.last > 20");
  const last = await first.evaluate("globalThis.last");
  const cdp = await browser.context.newCDPSession(first);
  cdp.send("Page.crash").catch(() => {});
  await new Promise((resolve) => first.once("crash", resolve));
  const second = await page();
  assert.equal((await open(second, "crash")).code, undefined);
  assert.ok((await second.evaluate(() => db.get("n"))) >= last);
});

test("a quota that is used up is StorageFull, and loses nothing", async () => {
  const tab = await page();
  await open(tab, "quota");
  const cdp = await browser.context.newCDPSession(tab);
  const origin = new URL(server.url).origin;
  const { usage } = await tab.evaluate(() => navigator.storage.estimate());
  await cdp.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 3_000_000 });
  const outcome = await tab.evaluate(async () => {
    for (let n = 0; n < 2000; n++) {
      try {
        await db.set(`k${n}`, "0123456789".repeat(2000) + Math.random());
      } catch (error) {
        return { n, code: error.code, message: error.message, count: await db.count() };
      }
    }
  });
  assert.equal(outcome.code, "StorageFull", outcome.message);
  assert.equal(outcome.count, outcome.n);
  await cdp.send("Storage.overrideQuotaForOrigin", { origin });
  const after = await tab.evaluate(async () => {
    await db.set("more", 1);
    await db.close();
    globalThis.db = await ferrolite.Ferrolite.open("quota");
    const report = await db.check({ full: true });
    return { count: await db.count(), problems: report.problems };
  });
  assert.deepEqual(after, { count: outcome.n + 1, problems: [] });
});

test("without a secure context there is no OPFS, and the error says what helps", async () => {
  const tab = await openPage(browser.context, server.url.replace("localhost", "insecure.test"));
  const refused = await open(tab, "insecure");
  assert.equal(refused.code, "Unsupported");
  assert.match(refused.message, /https or localhost.*storage: "memory"/);
  assert.equal((await open(tab, "insecure", { storage: "memory" })).storage.kind, "memory");
  const listed = await tab.evaluate(() => ferrolite.Ferrolite.list().catch((error) => error.code));
  assert.equal(listed, "Unsupported");
});

test("a wasm file that is missing is told", async () => {
  await browser.context.route("**/ferrolite_first.wasm", (route) => route.fulfill({ status: 404, body: "nothing" }));
  const refused = await open(await page(), "nowasm");
  assert.equal(refused.code, "Io");
  assert.match(refused.message, /ferrolite_first\.wasm.*404/);
});

test("a wasm file that is none is told", async () => {
  await browser.context.route("**/ferrolite_first.wasm", (route) => {
    return route.fulfill({ status: 200, contentType: "text/html", body: "<p>Not found" });
  });
  const refused = await open(await page(), "nowasm");
  assert.equal(refused.code, "Io");
  assert.match(refused.message, /could not be loaded/);
});

test("programs begin before the rest of the engine is there, and wait for it when they need it", async () => {
  let answer;
  const isAnswered = new Promise((resolve) => { answer = resolve; });
  await browser.context.route("**/ferrolite_rest.wasm", async (route) => {
    await isAnswered;
    await route.continue();
  });
  const tab = await page();
  await open(tab, "parts");
  const begun = await tab.evaluate(async () => {
    await db.setMany(Array.from({ length: 3000 }, (_, n) => [`k${n}`, { n: n % 7 }]));
    await new Promise((resolve) => setTimeout(resolve, 300));
    return [await db.get("k1"), await db.count()];
  });
  assert.deepEqual(begun, [{ n: 1 }, 3000]);
  const sum = tab.evaluate(() => db.increment("sum", 2));
  setTimeout(answer, 50);
  assert.equal(await sum, 2);
  assert.equal(await tab.evaluate(async () => (await db.check()).problems.length), 0);
});

test("where the rest of the engine is missing, that is told by who needs it, and nothing is lost", async () => {
  await browser.context.route("**/ferrolite_rest.wasm", (route) => route.fulfill({ status: 404, body: "nothing" }));
  const tab = await page();
  await open(tab, "no-rest");
  await tab.evaluate(() => db.set("a", 1));
  const refused = await tab.evaluate(() => db.increment("sum", 2).catch(({ code, message }) => ({ code, message })));
  assert.match(refused.message, /the rest of the engine could not be loaded from .*ferrolite_rest\.wasm: the server answered 404/);
  assert.equal(refused.code, "Io");
  await browser.context.unroute("**/ferrolite_rest.wasm");
  await open(tab, "no-rest");
  assert.equal(await tab.evaluate(() => db.get("a")), 1);
  assert.equal(await tab.evaluate(() => db.increment("sum", 2)), 2);
});

test("a worker that cannot be loaded is told", async () => {
  await browser.context.route("**/worker.js", (route) => route.fulfill({ status: 404, body: "nothing" }));
  const refused = await open(await page(), "noworker");
  assert.equal(refused.code, "Io");
  assert.match(refused.message, /worker\.js/);
});

test("an error that nobody catches in the worker changes nothing; a worker that ends by one is replaced", { timeout: 60_000 }, async () => {
  const tab = await page();
  await open(tab, "dies");
  await tab.evaluate(() => db.set("a", 1));
  const [worker] = tab.workers();
  const fail = (ends) =>
    worker.evaluate((ends) => {
      setTimeout(() => {
        if (ends) globalThis.close();
        throw new Error("thrown by a test");
      });
    }, ends);
  await fail(false);
  await tab.waitForTimeout(100);
  assert.equal(await tab.evaluate(() => db.get("a")), 1);
  assert.deepEqual(tab.workers(), [worker]);
  await fail(true);
  await tab.waitForTimeout(100);
  assert.equal(await tab.evaluate(() => db.increment("a")), 2);
  assert.notEqual(tab.workers()[0], worker);
});

test("10,000 sets from a page cost a few messages and flushes; getMany is one message", async () => {
  const tab = await page();
  await open(tab, "batch");
  const costs = await tab.evaluate(async () => {
    const before = await db.stats();
    await Promise.all(Array.from({ length: 10_000 }, (_, n) => db.set(`k${n}`, { n })));
    const middle = await db.stats();
    const found = await db.getMany(Array.from({ length: 1000 }, (_, n) => `k${n}`));
    const after = await db.stats();
    return {
      messages: middle.messages - before.messages,
      syncs: middle.io.syncs - before.io.syncs,
      found: found.filter(({ n }, index) => n === index).length,
      getMany: after.messages - middle.messages - 1,
    };
  });
  assert.ok(costs.messages <= 4 && costs.syncs <= 20, JSON.stringify(costs));
  assert.deepEqual([costs.found, costs.getMany], [1000, 1]);
});
