// A tab ends: commits that others have seen stay, and so do writes that the tab itself has made on its way out.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { launchChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

const profile = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ferrolite-endings-"));
let server, context;

before(async () => {
  server = await serve(mounts);
  // Each tab has its own process, which can crash alone; and pages are kept for the way back.
  context = await launchChromium(profile, ["--disable-features=SpareRendererForSitePerProcess"], {
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
});

afterEach(async () => {
  for (const page of context.pages().slice(1)) await page.close();
});

after(async () => {
  await context?.close();
  await server?.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
});

async function tab() {
  const page = await context.newPage();
  await page.goto(`${server.url}tests/support/tabs.html`);
  await page.waitForFunction("globalThis.ready");
  return page;
}

/** A page with the database open. */
async function opened(name, options = {}) {
  const page = await tab();
  assert.equal(await page.evaluate(([name, options]) => globalThis.opened(name, options), [name, options]), undefined);
  return page;
}

/** Ways in which a tab ends. */
const ends = {
  close: (page) => page.close(),
  leave: (page) => page.goto("about:blank"),
  async crash(page) {
    const crashed = page.waitForEvent("crash");
    page.goto("chrome://crash").catch(() => {});
    await crashed;
  },
};

describe("commits that were acknowledged without a flush are there for those who live", () => {
  for (const storage of ["indexeddb", "opfs"]) {
    for (const durability of [{ periodic: 60_000 }, "never"]) {
      for (const [how, end] of Object.entries(ends)) {
        test(`${storage}, ${JSON.stringify(durability)}, ${how}`, { timeout: 60_000 }, async () => {
          const name = `acknowledged-${storage}-${how}-${typeof durability}`;
          const options = { storage, durability };
          const leader = await opened(name, options);
          const others = [await opened(name, options), await opened(name, options)];
          for (const [number, page] of [leader, ...others].entries()) {
            await page.evaluate((who) => {
              globalThis.acknowledged = 0;
              globalThis.counting = (async () => {
                while (!globalThis.isOver) {
                  // The second write of each turn depends on all that others have written.
                  const [all, own] = await Promise.all([db.increment("all"), db.increment(`own:${who}`)]);
                  await db.set(`seen:${who}:${own}`, all);
                  globalThis.acknowledged = own;
                }
              })();
              globalThis.counting.catch((error) => (globalThis.failed = `${error.code}: ${error.message}`));
            }, number);
          }
          for (const page of others) await page.waitForFunction("globalThis.acknowledged > 30");
          await end(leader);
          const before = await others[0].evaluate(() => globalThis.acknowledged);
          await others[0].waitForFunction((before) => globalThis.failed ?? globalThis.acknowledged > before + 5, before);
          const counts = [];
          for (const page of others) {
            counts.push(await page.evaluate(async () => {
              globalThis.isOver = true;
              await globalThis.counting;
              return globalThis.acknowledged;
            }));
          }
          const found = await others[1].evaluate(async () => {
            const own = Object.fromEntries(await db.entries({ prefix: "own:" }));
            return { own, all: await db.get("all"), seen: await db.entries({ prefix: "seen:" }) };
          });
          assert.deepEqual([found.own["own:1"], found.own["own:2"]], counts);
          assert.equal(found.all, found.own["own:0"] + counts[0] + counts[1], "increments of all");
          assert.equal(new Set(found.seen.map(([, all]) => all)).size, found.seen.length, "each increment has a number of its own");
          for (const number of [1, 2]) {
            const seen = found.seen.filter(([key]) => key.startsWith(`seen:${number}:`));
            assert.equal(seen.length, counts[number - 1]);
          }
        });
      }
    }
  }
});

test("a client that has seen more than the browser has stored is told", { timeout: 60_000 }, async () => {
  const [name, options] = ["lost", { storage: "indexeddb", durability: "never" }];
  const leader = await opened(name, options);
  const follower = await opened(name, options);
  await follower.evaluate(() => db.set("kept", 1));
  // A browser that aborts the transactions of a worker that ends, although they are committed.
  await leader.workers()[0].evaluate(() => {
    IDBTransaction.prototype.commit = () => {};
    const { transaction } = IDBDatabase.prototype;
    IDBDatabase.prototype.transaction = function (...given) {
      const begun = transaction.apply(this, given);
      const hold = () => (begun.objectStore("heads").count().onsuccess = hold);
      hold();
      return begun;
    };
  });
  await follower.evaluate(() => db.set("lost", 1));
  await leader.close();
  const codes = await follower.evaluate(async () => {
    const codeOf = (call) => call.then(() => "fine", ({ code }) => code);
    return [await codeOf(db.set("later", 1)), await codeOf(db.get("kept"))];
  });
  assert.deepEqual(codes, ["Failed", "Failed"]);
  // It is the state before, and nothing of what came after.
  const next = await opened(name, options);
  assert.deepEqual(await next.evaluate(() => db.keys()), ["kept"]);
});

/** Writes in each of the events that a page ends with, and notes which these were. */
const writeOnTheWayOut = (page) =>
  page.evaluate(() => {
    let count = 0;
    const write = (event) => {
      const key = `at:${event.type}:${count++}`;
      localStorage.setItem("wrote", `${localStorage.getItem("wrote") ?? ""} ${key}`);
      db.set(key, { text: "on the way out" });
      db.set(`bytes:${key}`, new Uint8Array(3));
      db.increment("writes");
    };
    localStorage.removeItem("wrote");
    addEventListener("pagehide", write);
    document.addEventListener("visibilitychange", write);
    // The scripts that load later are there.
    return new Promise((resolve) => setTimeout(resolve, 600));
  });

/** Checks in a page that all of this was carried out, once; the letters that are left. */
const lettersAfter = async (page) => {
  const found = await page.evaluate(async () => ({
    wrote: localStorage.getItem("wrote").trim().split(" "),
    keys: await db.keys({ prefix: "at:" }),
    bytes: await db.count({ prefix: "bytes:" }),
    writes: await db.get("writes"),
    letters: Object.keys(localStorage).filter((key) => key.startsWith("ferrolite-letters/")),
  }));
  assert.deepEqual(found.keys, found.wrote.sort());
  assert.deepEqual([found.writes, found.bytes], [found.keys.length, found.keys.length], "each was carried out once");
  assert.ok(found.keys.includes("at:pagehide:0"));
  return found.letters;
};

/** The worker of a page does nothing for so long: what it is sent waits. */
const occupy = (page, milliseconds) =>
  page.workers()[0].evaluate((milliseconds) => {
    setTimeout(() => {
      const endMs = Date.now() + milliseconds;
      while (Date.now() < endMs);
    });
  }, milliseconds);

const until = async (what, condition) => {
  for (const endMs = Date.now() + 10_000; !(await condition()); ) {
    assert.ok(Date.now() < endMs, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

const encryptions = {
  plain: "undefined",
  "by a key": "{ key: new Uint8Array(32).fill(7) }",
  "by a passphrase": '{ passphrase: "x", argon2: { memoryKib: 1024, iterations: 1, lanes: 1 } }',
};

describe("what a page writes while it goes away is carried out once", () => {
  for (const storage of ["opfs", "indexeddb"]) {
    for (const [kind, encryption] of Object.entries(encryptions)) {
      for (const isBusy of [false, true]) {
        for (const how of ["close", "leave"]) {
          test(`${storage}, ${kind}, the tab alone, ${isBusy ? "its engine is busy" : "its engine is free"}, ${how}`, { timeout: 60_000 }, async () => {
            const name = `out-${storage}-${kind}-${isBusy}-${how}`;
            const open = async () => {
              const page = await tab();
              const code = await page.evaluate(`globalThis.opened(${JSON.stringify(name)}, { storage: "${storage}", encryption: ${encryption} })`);
              assert.equal(code, undefined);
              return page;
            };
            const page = await open();
            await page.evaluate(() => db.set("before", 1));
            await writeOnTheWayOut(page);
            if (isBusy) await occupy(page, 1000);
            const watching = await tab();
            await ends[how](page);
            const letters = await watching.evaluate((name) => JSON.stringify(Object.entries(localStorage).filter(([key]) => key.includes(`${name}.`))), `letters/${name}`);
            if (kind !== "plain") assert.doesNotMatch(letters, /on the way out/);
            const next = await open();
            await until("letters are taken away", async () => (await lettersAfter(next)).length === 0);
          });
        }
      }
    }
  }
});

describe("so is what it writes while others have the database open", () => {
  for (const leads of [true, false]) {
    for (const how of ["close", "leave"]) {
      test(`the page ${leads ? "leads" : "follows"}, ${how}`, { timeout: 60_000 }, async () => {
        const name = `out-shared-${leads}-${how}`;
        const pages = [await opened(name), await opened(name)];
        const [page, other] = leads ? pages : pages.reverse();
        await writeOnTheWayOut(page);
        await ends[how](page);
        // Another process learns a little later what the page has put into localStorage.
        const hasLast = () => db.has(localStorage.getItem("wrote")?.trim().split(" ").pop() ?? "nothing yet");
        await until("the other tab has it", () => other.evaluate(hasLast));
        await until("letters are taken away", async () => (await lettersAfter(other)).length === 0);
      });
    }
  }
});

test("a page that is kept for the way back has its writes carried out, and goes on", { timeout: 60_000 }, async () => {
  const name = "out-and-back";
  const page = await opened(name);
  await page.evaluate(() => addEventListener("pageshow", ({ persisted }) => (globalThis.isBack = persisted)));
  await writeOnTheWayOut(page);
  await page.goto(`${server.url}tests/support/tabs.mjs`);
  const other = await opened(name);
  await lettersAfter(other);
  await page.goBack({ waitUntil: "commit" });
  await until("it is back", () => page.evaluate(() => globalThis.isBack === true));
  assert.equal(await page.evaluate(() => db.increment("n")), 1);
  await until("letters are taken away", async () => (await lettersAfter(page)).length === 0);
});
