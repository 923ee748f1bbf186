// Where databases are in browsers: OPFS, IndexedDB where that does not work, memory when it is allowed; and what becomes of one
// that the browser clears, has no room for, or fails to store.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

let server, browser, origin;

before(async () => {
  server = await serve(mounts);
  origin = new URL(server.url).origin;
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

/** A page. Its workers begin with `script`: what it takes away or changes, the package's worker meets. */
async function page(script, { context } = browser) {
  if (script !== undefined) {
    await context.route("**/ferrolite/worker.js", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `${script};\n${await response.text()}` });
    });
  }
  const tab = await openPage(context, server.url);
  tab.devTools = await context.newCDPSession(tab);
  return tab;
}

const withoutHandles = "delete FileSystemFileHandle.prototype.createSyncAccessHandle";

/** Opens a database in a page, as `globalThis.db`; its facts, or the code and message of the error. */
const open = (where, name, options = {}) =>
  where.evaluate(
    async ([name, options]) => {
      try {
        globalThis.db = await ferrolite.Ferrolite.open(name, options);
        return globalThis.db.storage;
      } catch (error) {
        return { code: error.code, message: error.message };
      }
    },
    [name, options],
  );

const close = (where) => where.evaluate(() => db.close());
const list = (where) => where.evaluate(() => ferrolite.Ferrolite.list());
const remove = (where, name) => where.evaluate((name) => ferrolite.Ferrolite.delete(name), name);
const clear = (where, storageTypes) => where.devTools.send("Storage.clearDataForOrigin", { origin, storageTypes });

/** From now on the origin may keep so many bytes more than it does; without a number as many as it likes. */
async function allow(where, bytes) {
  const { usage } = await where.devTools.send("Storage.getUsageAndQuota", { origin });
  await where.devTools.send("Storage.overrideQuotaForOrigin", bytes === undefined ? { origin } : { origin, quotaSize: usage + bytes });
}

/** Sets documents of 50,000 characters until one is refused; how many there were, and the refusal. */
const fill = (where) =>
  where.evaluate(async () => {
    for (let n = 0; n < 2000; n++) {
      let text = "";
      while (text.length < 50_000) text += Math.random().toString(36);
      try {
        await db.set(`k${String(n).padStart(5, "0")}`, text);
      } catch (error) {
        return { count: n, code: error.code, message: error.message };
      }
    }
  });

test("without synchronous files a database is in IndexedDB, and says so", async () => {
  const tab = await page(withoutHandles);
  const storage = await open(tab, "a name/with: anything * ü");
  assert.equal(storage.kind, "indexeddb", storage.message);
  assert.equal(storage.path, "ferrolite/a%20name%2Fwith%3A%20anything%20%2A%20%C3%BC.ferrolite");
  assert.match(storage.reason, /IndexedDB.*no synchronous access.*held in memory.*Ferrolite\.persist/);
  assert.ok(storage.quota > storage.usage && storage.usage >= 0, JSON.stringify(storage));
  await tab.evaluate(() => db.set("a", { b: 1 }));
  const fresh = await tab.evaluate(() => db.storageFacts());
  assert.ok(fresh.usage > storage.usage, "usage grows");
  assert.deepEqual(await tab.evaluate(() => db.storage), fresh);
  await tab.reload();
  await tab.waitForFunction("globalThis.runTest !== undefined");
  assert.equal((await open(tab, "a name/with: anything * ü", { create: false })).kind, "indexeddb");
  assert.deepEqual(await tab.evaluate(() => db.get("a")), { b: 1 });
  assert.deepEqual(await list(tab), ["a name/with: anything * ü"]);
  const other = await page();
  assert.equal((await open(other, "a name/with: anything * ü")).kind, "indexeddb");
  await other.evaluate(() => db.set("b", 2));
  assert.equal(await tab.evaluate(() => db.get("b")), 2, "it is shared");
  assert.match(await remove(other, "a name/with: anything * ü").catch(({ message }) => message), /Locked|it is open/);
  await close(tab);
  assert.deepEqual(await other.evaluate(async () => [await db.get("a"), await db.get("b")]), [{ b: 1 }, 2], "who led has gone");
  await close(other);
  assert.deepEqual([await remove(other, "a name/with: anything * ü"), await list(tab)], [true, []]);
});

test("synchronous files that fail are found out", async () => {
  const tab = await page(`FileSystemFileHandle.prototype.createSyncAccessHandle = async () => {
    throw new DOMException("not here", "NotSupportedError");
  }`);
  const storage = await open(tab, "fails");
  assert.equal(storage.kind, "indexeddb");
  assert.match(storage.reason, /NotSupportedError: not here/);
  assert.equal((await open(tab, "fails-too", { storage: "opfs" })).code, "Unsupported");
});

test("a database stays where it is, whatever the browser learns or forgets", async () => {
  const old = await page(withoutHandles);
  await open(old, "made-in-indexeddb");
  await old.evaluate(() => db.set("a", 1));
  await close(old);
  await browser.context.unrouteAll();
  const updated = await page();
  const storage = await open(updated, "made-in-indexeddb");
  assert.equal(storage.kind, "indexeddb");
  assert.match(storage.reason, /stays there/);
  assert.equal(await updated.evaluate(() => db.get("a")), 1);
  await close(updated);
  const elsewhere = await open(updated, "made-in-indexeddb", { storage: "opfs" });
  assert.deepEqual([elsewhere.code, /is in IndexedDB/.test(elsewhere.message)], ["InvalidOptions", true]);

  assert.equal((await open(updated, "made-in-opfs")).kind, "opfs");
  await updated.evaluate(() => db.set("a", 2));
  await close(updated);
  assert.equal((await open(updated, "made-in-opfs", { storage: "indexeddb" })).code, "InvalidOptions");
  const again = await page(withoutHandles);
  for (const storage of ["auto", "opfs", "indexeddb"]) {
    const refused = await open(again, "made-in-opfs", { storage, allowMemory: true });
    assert.equal(refused.code, storage === "indexeddb" ? "InvalidOptions" : "Unsupported", refused.message);
  }
  await again.evaluate(() => ferrolite.Ferrolite.salvage("made-in-opfs", "x").catch(({ code }) => code)).then((code) => assert.equal(code, "Unsupported"));
  await browser.context.unrouteAll();
  const last = await page();
  assert.equal((await open(last, "made-in-opfs")).kind, "opfs");
  assert.equal(await last.evaluate(() => db.get("a")), 2);
  const copied = await last.evaluate(async () => {
    const import_ = (name) => ferrolite.Ferrolite.import(name, db.export()).then(() => "done", ({ code }) => code);
    const salvage = (name, out) => ferrolite.Ferrolite.salvage(name, out).then(() => "done", ({ code }) => code);
    return [await import_("made-in-indexeddb"), await db.close(), await salvage("made-in-opfs", "made-in-indexeddb")];
  });
  assert.deepEqual(copied, ["InvalidOptions", undefined, "InvalidOptions"], "a second one is made nowhere");
  assert.deepEqual(await list(last), ["fails", "made-in-indexeddb", "made-in-opfs"]);
});

test("where nothing is kept, memory has to be allowed", async () => {
  const tab = await openPage(browser.context, server.url.replace("localhost", "insecure.test"));
  const refused = await open(tab, "insecure");
  assert.equal(refused.code, "Unsupported");
  assert.match(refused.message, /private file system.*Web Locks.*allowMemory: true/);
  const storage = await open(tab, "insecure", { allowMemory: true });
  assert.deepEqual([storage.kind, storage.persistent], ["memory", false]);
  assert.match(storage.reason, /allowMemory was given/);
  assert.equal(await tab.evaluate(() => ferrolite.Ferrolite.persist()), false);
  const secure = await page();
  assert.equal((await open(secure, "secure", { allowMemory: true })).kind, "opfs");
});

test("persist asks the browser", async () => {
  const tab = await page();
  await open(tab, "persist");
  const granted = await tab.evaluate(() => ferrolite.Ferrolite.persist());
  assert.equal(typeof granted, "boolean");
  assert.equal(await tab.evaluate(async () => (await db.storageFacts()).persistent), granted);
  await tab.evaluate(() => {
    navigator.storage.persisted = async () => false;
    navigator.storage.persist = () => new Promise(() => {});
    const { setTimeout } = globalThis;
    globalThis.setTimeout = (work, milliseconds) => setTimeout(work, milliseconds / 100);
  });
  assert.equal(await tab.evaluate(() => ferrolite.Ferrolite.persist()), false, "a browser that never answers");
});

for (const [storage, type] of [["opfs", "file_systems"], ["indexeddb", "indexeddb"]]) {
  test(`a database that the browser has cleared is Evicted, once: ${storage}`, async () => {
    const tab = await page();
    await open(tab, "cleared", { storage });
    await tab.evaluate(() => db.set("a", 1));
    await close(tab);
    await clear(tab, type);
    // Neither asks for a new one.
    for (const options of [{}, { create: false }]) {
      await tab.evaluate((kind) => localStorage.setItem("ferrolite/cleared", kind), storage);
      const refused = await open(tab, "cleared", options);
      assert.equal(refused.code, "Evicted", JSON.stringify(refused));
      assert.match(refused.message, /has cleared the data of this site.*opening it again makes a new one/);
    }
    const next = await open(tab, "cleared", { storage });
    assert.equal(next.kind, storage);
    assert.equal(await tab.evaluate(() => db.get("a")), undefined);
    await close(tab);
    assert.equal(await remove(tab, "cleared"), true);
    assert.equal((await open(tab, "cleared", { create: false })).code, "NotFound", "what was deleted was not evicted");
  });
}

for (const [storage, type] of [["opfs", "all"], ["indexeddb", "indexeddb"]]) {
  test(`a database that is cleared while it is open is Evicted in all tabs: ${storage}`, async () => {
    const [tab, other] = [await page(), await page()];
    const name = `cleared-open-${storage}`;
    for (const each of [tab, other]) await open(each, name, { storage });
    await tab.evaluate(() => db.set("a", 1));
    await clear(tab, type);
    const codesIn = (each) =>
      each.evaluate(async () => {
        const codes = [];
        for (let n = 0; n < 300 && codes.length < 2; n++) {
          await db.set("b", n).catch(({ code }) => codes.push(code));
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
        return codes;
      });
    assert.deepEqual(await codesIn(tab), ["Evicted", "Evicted"]);
    assert.deepEqual(await codesIn(other), ["Evicted", "Evicted"]);
    const later = [await page(), await page()];
    for (const each of later) {
      const next = await open(each, name, { storage });
      assert.equal(next.kind, storage, `it is told once: ${JSON.stringify(next)}`);
      assert.equal(await each.evaluate(() => db.count()), 0);
    }
    await later[0].evaluate(() => db.set("c", 1));
    assert.equal(await later[1].evaluate(() => db.count()), 1);
    for (const each of later) await close(each);
  });
}

test("a database in OPFS that was cleared while its page was hidden is Evicted when the page is seen again", async () => {
  const tab = await page();
  await open(tab, "cleared-hidden", { storage: "opfs" });
  await tab.evaluate(() => db.set("a", 1));
  // The check that this write leads to is over.
  await tab.waitForTimeout(1500);
  await clear(tab, "file_systems");
  const code = await tab.evaluate(async () => {
    document.dispatchEvent(new Event("visibilitychange"));
    await new Promise((resolve) => setTimeout(resolve, 2000));
    return db.get("a").catch(({ code }) => code);
  });
  assert.equal(code, "Evicted");
});

test("a quota that is nearly used up is StorageFull; what is deleted makes room, and so does a larger quota", async () => {
  // Chromium does not tell pages their true quota, so this one is invented.
  const tab = await page(`
    const { estimate } = StorageManager.prototype;
    let first;
    globalThis.allowed = 30 << 20;
    StorageManager.prototype.estimate = async function () {
      const { usage } = await estimate.call(this);
      first ??= usage;
      return { usage, quota: first + allowed };
    }`);
  await open(tab, "quota", { storage: "indexeddb" });
  const { count, code, message } = await fill(tab);
  assert.deepEqual([code, /quota/.test(message)], ["StorageFull", true], message);
  assert.ok(count > 100, `${count} documents have room`);
  const after = await tab.evaluate(async () => {
    const kept = await db.count();
    const deleted = await db.deleteRange({ lt: "k00050" });
    await db.compact();
    await db.set("small", 1);
    return [kept, deleted, (await db.check({ full: true })).problems];
  });
  assert.deepEqual(after, [count, 50, []]);
  await tab.workers()[0].evaluate(() => void (globalThis.allowed = 1 << 30));
  let more;
  for (let attempt = 0; attempt < 20 && more !== "set"; attempt++) {
    more = await tab.evaluate(() => db.set("large", "0123456789".repeat(400_000) + Math.random()).then(() => "set", ({ message }) => message));
    await tab.waitForTimeout(100);
  }
  assert.equal(more, "set");
  await close(tab);
  await open(tab, "quota");
  assert.equal(await tab.evaluate(() => db.count()), count - 50 + 2);
});

test("a quota that fails a transaction is StorageFull, and nothing that was acknowledged is lost", async (t) => {
  // Another browser, and before it stores anything: Chromium remembers for a while how much room there was.
  const fresh = await startChromium();
  t.after(() => fresh.close());
  const tab = await page(undefined, fresh);
  await allow(tab, 1_000_000);
  await open(tab, "no-quota", { storage: "indexeddb" });
  await tab.evaluate(() => db.set("a", 1));
  const { count, code, message } = await fill(tab);
  assert.deepEqual([code, /make room, and open the database again/.test(message)], ["StorageFull", true], message);
  assert.equal(await tab.evaluate(() => db.get("a").catch(({ code }) => code)), "StorageFull", "until it is opened again");
  await allow(tab);
  assert.equal((await open(tab, "no-quota")).kind, "indexeddb");
  const { kept, problems } = await tab.evaluate(async () => {
    const { problems } = await db.check({ full: true });
    await db.set("more", 1);
    return { kept: await db.count(), problems };
  });
  assert.deepEqual([kept, problems], [count + 2, []]);
});

test("a transaction that fails closes the database, and leaves what was acknowledged", async () => {
  const tab = await page();
  await open(tab, "fails-to-store", { storage: "indexeddb" });
  await tab.evaluate(() => db.setMany(Array.from({ length: 100 }, (_, n) => [`k${n}`, "x".repeat(1000)])));
  // The second chunk of the next transaction cannot be put; the first one must not be stored alone.
  await tab.workers()[0].evaluate(() => {
    const { put } = IDBObjectStore.prototype;
    let puts = 0;
    IDBObjectStore.prototype.put = function (...given) {
      if (++puts > 1) throw new RangeError("a test fails it");
      return put.apply(this, given);
    };
  });
  const refused = await tab.evaluate(() =>
    db.setMany(Array.from({ length: 100 }, (_, n) => [`k${n}`, "y".repeat(1000)])).catch(({ code, message }) => ({ code, message })),
  );
  assert.equal(refused.code, "Io");
  assert.match(refused.message, /could not be stored.*a test fails it.*open it again/);
  await open(tab, "fails-to-store");
  const seen = await tab.evaluate(async () => [(await db.check({ full: true })).problems, new Set(await db.values()).size, (await db.get("k7"))[0]]);
  assert.deepEqual(seen, [[], 1, "x"]);
});

test("nothing is answered before it is stored, and what waits shares a transaction", async () => {
  const tab = await page();
  await open(tab, "held", { storage: "indexeddb" });
  await tab.evaluate(() => db.set("a", 1));
  const worker = tab.workers()[0];
  // Transactions do not end while they are held.
  await worker.evaluate(() => {
    globalThis.held = true;
    globalThis.transactions = 0;
    const { transaction } = IDBDatabase.prototype;
    IDBTransaction.prototype.commit = function () {};
    IDBDatabase.prototype.transaction = function (...given) {
      const begun = transaction.apply(this, given);
      globalThis.transactions++;
      const hold = () => {
        if (globalThis.held) begun.objectStore("heads").count().onsuccess = hold;
      };
      hold();
      return begun;
    };
  });
  const early = await tab.evaluate(async () => {
    globalThis.done = [];
    for (let n = 0; n < 50; n++) {
      void db.set(`k${n}`, n).then(() => done.push(n));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    void db.get("k3").then((value) => done.push(`get ${value}`));
    await new Promise((resolve) => setTimeout(resolve, 300));
    return done.length;
  });
  assert.equal(early, 0);
  await worker.evaluate(() => void (globalThis.held = false));
  await tab.waitForFunction("done.length === 51");
  assert.deepEqual(await tab.evaluate("done"), [...Array.from({ length: 50 }, (_, n) => n), "get 3"], "in order");
  const transactions = await worker.evaluate("globalThis.transactions");
  assert.ok(transactions <= 4, `${transactions} transactions`);
});

test("what is flushed later, or never, is stored soon all the same", async () => {
  const tab = await page();
  await open(tab, "unflushed", { storage: "indexeddb", durability: "never" });
  await tab.evaluate(() => db.set("a", 1));
  await tab.waitForTimeout(400);
  tab.devTools.send("Page.crash").catch(() => {});
  await new Promise((resolve) => tab.once("crash", resolve));
  const next = await page();
  await open(next, "unflushed");
  assert.equal(await next.evaluate(() => db.get("a")), 1);
});

test("a database beyond its memory limit is StorageFull, and opens with a larger one", async () => {
  const tab = await page();
  const megabyte = 1 << 20;
  await open(tab, "limited", { storage: "indexeddb", memoryLimit: 4 * megabyte });
  const { count, code, message } = await fill(tab);
  assert.deepEqual([code, /memoryLimit/.test(message)], ["StorageFull", true], message);
  await close(tab);
  // Closing has returned what the log and the reserve had. The documents alone take more than a megabyte.
  assert.ok(count * 50_000 > 1.1 * megabyte, `${count} documents`);
  const refused = await open(tab, "limited", { memoryLimit: megabyte });
  assert.deepEqual([refused.code, /memoryLimit/.test(refused.message)], ["StorageFull", true], refused.message);
  assert.equal((await open(tab, "limited", { memoryLimit: 8 * megabyte })).kind, "indexeddb");
  assert.equal(await tab.evaluate(() => db.set("more", "x".repeat(100_000)).then(() => db.count())), count + 1);
});
