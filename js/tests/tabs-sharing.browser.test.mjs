// What tabs and workers that share a database may rely on: who gets in, what ends with a leader, and what does not.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";

import * as esbuild from "esbuild";

import { bindings } from "../../tools/package/bindings.mjs";
import { serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";
import { mounts } from "./support/mounts.mjs";

const other = mkdtempSync(join(tmpdir(), "ferrolite-other-"));
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let server, browser;

before(async () => {
  // The package as it will be when its tabs say something else.
  cpSync(mounts["/ferrolite/"], other, { recursive: true });
  const otherProtocol = {
    name: "other protocol",
    setup(build) {
      build.onLoad({ filter: /tabs\/messages\.ts$/ }, ({ path }) => {
        const text = readFileSync(path, "utf8");
        assert.match(text, /PROTOCOL = 3;/);
        return { contents: text.replace("PROTOCOL = 3;", "PROTOCOL = 4;"), loader: "ts" };
      });
    },
  };
  await esbuild.build({
    absWorkingDir: join(mounts["/ferrolite/"], ".."), entryPoints: { index: "src/index.ts", worker: "src/worker/worker.ts" },
    outdir: other, bundle: true, format: "esm", plugins: [bindings, otherProtocol], logLevel: "warning",
  });
  server = await serve({ "/other/": other, ...mounts });
  // Playwright forbids Chromium to keep pages for the way back.
  browser = await startChromium({ ignoreDefaultArgs: ["--disable-back-forward-cache"] });
});

afterEach(async () => {
  for (const page of browser.context.pages()) await page.close();
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(other, { recursive: true });
});

async function tab(search = "") {
  const page = await browser.context.newPage();
  await page.goto(`${server.url}tests/support/tabs.html${search}`);
  await page.waitForFunction("globalThis.ready");
  return page;
}

/** Opens a database in a page, as `globalThis.db`; the code of the error, if there is one. */
const open = (page, name, options = {}) => page.evaluate(([name, options]) => globalThis.opened(name, options), [name, options]);

/** A page with the database open. */
async function opened(name, options) {
  const page = await tab();
  assert.equal(await open(page, name, options), undefined);
  return page;
}

const leads = (page, name) => page.evaluate((name) => globalThis.leads(name), name);

async function until(what, condition, milliseconds = 10_000) {
  const endMs = Date.now() + milliseconds;
  while (!(await condition())) {
    assert.ok(Date.now() < endMs, what);
    await sleep(20);
  }
}

test("calls of one turn are one message, of whatever client", { timeout: 60_000 }, async () => {
  for (const page of [await opened("messages"), await opened("messages")]) {
    const cost = await page.evaluate(async () => {
      const numbers = async () => {
        const { messages, io } = await db.stats();
        return { messages, flushes: io.syncs };
      };
      const measure = async (work) => {
        const before = await numbers();
        await work();
        const after = await numbers();
        // The last one asks for the numbers themselves.
        return { messages: after.messages - before.messages - 1, flushes: after.flushes - before.flushes };
      };
      // After many writes the engine writes tables while it is idle, and deletes the long receipt once it is acknowledged.
      const quiet = async () => {
        for (let before = -1, now = 0; now !== before; ) {
          before = now;
          await new Promise((resolve) => setTimeout(resolve, 200));
          now = (await numbers()).flushes;
        }
      };
      const keys = Array.from({ length: 1000 }, (_, n) => `k${n}`);
      const set = await measure(() => Promise.all(Array.from({ length: 10_000 }, (_, n) => db.set(`k${n}`, { n }))));
      await db.has("k0");
      await quiet();
      return {
        set,
        getMany: await measure(() => db.getMany(keys)),
        // Each by itself, and none waited for: what finds no room waits for company.
        turns: await measure(async () => {
          const calls = [];
          for (let n = 0; n < 10_000; n++) {
            calls.push(db.set(`k${n}`, { n }));
            await undefined;
          }
          await Promise.all(calls);
        }),
      };
    });
    assert.ok(cost.set.messages <= 5 && cost.set.flushes <= 10, JSON.stringify(cost.set));
    assert.deepEqual(cost.getMany, { messages: 1, flushes: 0 });
    assert.ok(cost.turns.messages <= 20 && cost.turns.flushes <= 30, JSON.stringify(cost.turns));
  }
});

test("workers are clients, and a shared worker follows", { timeout: 60_000 }, async () => {
  const name = "workers";
  const [first, second] = [await opened(name), await opened(name)];
  await first.evaluate(() => globalThis.begin("first"));
  await second.evaluate(async (name) => {
    globalThis.begin("second");
    const dedicated = new Worker("/tests/support/tabs-worker.mjs", { type: "module" });
    const shared = new SharedWorker("/tests/support/tabs-worker.mjs", { type: "module" }).port;
    globalThis.said = {};
    globalThis.workers = Object.entries({ dedicated, shared }).map(([who, port]) => {
      port.onmessage = ({ data }) => Object.assign((globalThis.said[who] ??= {}), data);
      port.postMessage({ name, who });
      return port;
    });
  }, name);
  const said = () => second.evaluate(() => globalThis.said);
  const goOn = async () => {
    const before = await said();
    const isFurther = (now) => ["dedicated", "shared"].every((who) => now[who]?.failed ?? now[who]?.count > (before[who]?.count ?? 0) + 10);
    await until("the workers go on", async () => isFurther(await said()), 20_000);
    assert.deepEqual(Object.values(await said()).filter(({ failed }) => failed), []);
  };
  await goOn();
  await first.close();
  await goOn();
  const totals = { second: await second.evaluate(() => globalThis.working.stop()) };
  await second.evaluate(() => globalThis.workers.forEach((port) => port.postMessage("stop")));
  await until("the workers stop", async () => Object.values(await said()).every(({ total, failed }) => total ?? failed));
  for (const [who, { total, failed }] of Object.entries(await said())) {
    assert.equal(failed, undefined);
    totals[who] = total;
  }
  const found = await second.evaluate(() => globalThis.look());
  for (const [who, total] of Object.entries(totals)) assert.equal(found.own[who], total, who);
  assert.deepEqual(found.problems, []);
  assert.equal(found.all, found.ownSum);
});

test("a shared worker alone is told what it needs", { timeout: 30_000 }, async () => {
  const page = await tab();
  const said = await page.evaluate(() => {
    const { port } = new SharedWorker("/tests/support/tabs-worker.mjs", { type: "module", name: "alone" });
    return new Promise((resolve) => {
      port.onmessage = ({ data }) => resolve(data);
      port.postMessage({ name: "alone", who: "shared" });
    });
  });
  assert.match(said.failed, /Unsupported: .*open it in a page/);
});

test("what ends with a leader says so, and all else goes on", { timeout: 60_000 }, async () => {
  const name = "ending";
  const [first, second] = [await opened(name), await opened(name)];
  await first.evaluate(async () => {
    await db.setMany(Array.from({ length: 3000 }, (_, n) => [`k${String(n).padStart(4, "0")}`, { n, text: "x".repeat(500) }]));
    await db.set("sum", 1);
  });
  await second.evaluate(async () => {
    globalThis.snapshot = await db.snapshot();
    globalThis.scan = db.scan({ prefix: "k" });
    await globalThis.scan.next();
    globalThis.bytes = (await db.export()).getReader();
    await globalThis.bytes.read();
    globalThis.attempts = 0;
    globalThis.go = undefined;
    globalThis.transaction = db.transaction(async (tx) => {
      const sum = await tx.get("sum");
      if (globalThis.attempts++ === 0) await new Promise((resolve) => (globalThis.go = resolve));
      await tx.set("sum", sum + 1);
    });
    while (globalThis.go === undefined) await new Promise((resolve) => setTimeout(resolve, 10));
    globalThis.told = [];
    globalThis.rows = [];
    db.watch({ prefix: "w" }).subscribe(({ key, value }) => globalThis.told.push([key, value]), (error) => globalThis.told.push(String(error)));
    db.watchQuery({ where: { n: { lt: 3 } } }).subscribe(
      ({ added, changed, removed }) => globalThis.rows.push([added, changed, removed].map(({ length }) => length)),
      (error) => globalThis.rows.push(String(error)),
    );
    globalThis.idle = db.watch({ prefix: "w" });
  });
  await first.evaluate(async () => {
    for (let n = 0; n < 5; n++) await db.set(`w${n}`, n);
  });
  await until("the watch tells", () => second.evaluate(() => globalThis.told.length === 5));
  await first.close();
  const codes = await second.evaluate(async () => {
    await db.set("other", 1);
    await db.commit(new ferrolite.Transaction().set("w5", 5).set("w6", 6));
    await db.delete("k0000");
    globalThis.go();
    const codeOf = (work) => work().then(() => "fine", (thrown) => thrown.code);
    return {
      transaction: await codeOf(() => globalThis.transaction),
      snapshot: await codeOf(() => globalThis.snapshot.get("sum")),
      scan: await codeOf(async () => {
        for await (const _ of globalThis.scan);
      }),
      bytes: await codeOf(async () => {
        while (!(await globalThis.bytes.read()).done);
      }),
      sum: await db.get("sum"),
      attempts: globalThis.attempts,
    };
  });
  assert.deepEqual(codes, {
    transaction: "fine", snapshot: "SnapshotTooOld", scan: "SnapshotTooOld", bytes: "SnapshotTooOld", sum: 2, attempts: 2,
  });
  await until("the watch goes on", () => second.evaluate(() => globalThis.told.length >= 7));
  assert.deepEqual(await second.evaluate(() => globalThis.told), [0, 1, 2, 3, 4, 5, 6].map((n) => [`w${n}`, n]));
  await until("the query goes on", () => second.evaluate(() => globalThis.rows.length >= 2));
  assert.deepEqual(await second.evaluate(() => globalThis.rows), [[3, 0, 0], [0, 0, 1]]);
  const idle = await second.evaluate(async () => {
    const keys = [];
    while (keys.length < 7) keys.push((await globalThis.idle.next()).value.key);
    return keys;
  });
  assert.deepEqual(idle, [0, 1, 2, 3, 4, 5, 6].map((n) => `w${n}`));
});

test("a leader that nobody sees hands over to a tab that is seen", { timeout: 60_000 }, async () => {
  const name = "hidden";
  const [first, second] = [await opened(name), await opened(name)];
  assert.deepEqual([await leads(first, name), await leads(second, name)], [true, false]);
  for (const page of [first, second]) await page.evaluate((who) => globalThis.begin(who), page === first ? "first" : "second");
  const show = (page, state) => page.evaluate((state) => {
    Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, state);
  await show(first, "hidden");
  await until("the second one leads", () => leads(second, name));
  assert.equal(await leads(first, name), false);
  await show(second, "hidden");
  await sleep(1500);
  assert.equal(await leads(second, name), true, "nobody is seen");
  await show(first, "visible");
  await until("the first one leads", () => leads(first, name));
  const totals = {};
  for (const [who, page] of [["first", first], ["second", second]]) totals[who] = await page.evaluate(() => globalThis.working.stop());
  const found = await first.evaluate(() => globalThis.look());
  assert.deepEqual(found.own, totals);
  assert.deepEqual(found.turns, totals);
});

test("a page that was left goes on when one comes back to it", { timeout: 60_000 }, async () => {
  const name = "left";
  const [first, second] = [await opened(name), await opened(name)];
  await first.evaluate(async () => {
    addEventListener("pageshow", ({ persisted }) => (globalThis.isBack = persisted));
    globalThis.snapshot = await db.snapshot();
    globalThis.told = [];
    db.watch({ key: "n" }).subscribe(({ value }) => globalThis.told.push(value));
  });
  for (let n = 1; n < 4; n++) await (n % 2 ? first : second).evaluate(() => db.increment("n"));
  await until("the watch tells", () => first.evaluate(() => globalThis.told.length === 3));
  await first.goto(`${server.url}tests/support/tabs.mjs`);
  assert.equal(await second.evaluate(() => db.increment("n")), 4);
  assert.equal(await leads(second, name), true);
  await first.goBack({ waitUntil: "commit" });
  await until("it is back", () => first.evaluate(() => globalThis.isBack === true));
  assert.equal(await first.evaluate(() => db.increment("n")), 5);
  assert.equal(await first.evaluate(() => globalThis.snapshot.get("n").catch(({ code }) => code)), "SnapshotTooOld");
  await until("the watch goes on", () => first.evaluate(() => globalThis.told.length >= 5));
  // A document that was overwritten before it was told is left out; its change is not.
  const told = await first.evaluate(() => globalThis.told);
  assert.deepEqual([told.length, told[4]], [5, 5]);
  await second.close();
  assert.equal(await first.evaluate(() => db.increment("n")), 6);
});

test("who closes while it leads drains, and leaves the file to the others", { timeout: 60_000 }, async () => {
  const name = "closing";
  const [first, second] = [await opened(name), await opened(name)];
  const outcome = await first.evaluate(async () => {
    const calls = Array.from({ length: 100 }, (_, n) => db.set(`k${n}`, n));
    await db.close();
    const settled = await Promise.allSettled(calls);
    return { settled: settled.filter(({ status }) => status === "fulfilled").length, after: await db.get("k1").catch(({ code }) => code) };
  });
  assert.deepEqual(outcome, { settled: 100, after: "Closed" });
  assert.equal(await second.evaluate(() => db.count()), 100);
  await until("the second one leads", () => leads(second, name));
  const remove = (page) => page.evaluate((name) => ferrolite.Ferrolite.delete(name).catch(({ code }) => code), name);
  assert.equal(await remove(first), "Locked");
  assert.equal(await open(first, name), undefined);
  assert.equal(await first.evaluate(() => db.get("k99")), 99);
  await second.evaluate(() => db.close());
  assert.equal(await remove(second), "Locked");
  await first.evaluate(() => db.close());
  assert.equal(await remove(second), true);
});

test("one that reads only lets others write", { timeout: 60_000 }, async () => {
  const name = "reading";
  const maker = await opened(name);
  await maker.evaluate(() => db.set("a", 1));
  await maker.evaluate(() => db.close());
  const reader = await opened(name, { readOnly: true });
  const writer = await opened(name);
  const write = (page) => page.evaluate(() => db.increment("a").catch(({ code }) => code));
  assert.deepEqual([await write(reader), await write(writer)], ["ReadOnly", 2]);
  assert.equal(await reader.evaluate(() => db.get("a")), 2);
  await writer.close();
  assert.deepEqual([await write(reader), await reader.evaluate(() => db.get("a"))], ["ReadOnly", 2]);
});

test("who joins is asked for the key, and wrong options are told", { timeout: 60_000 }, async () => {
  const key = (fill) => `({ encryption: { key: new Uint8Array(32).fill(${fill}) } })`;
  const openBy = (page, options) => page.evaluate(`globalThis.opened("secret", ${options})`);
  const [first, second] = [await tab(), await tab()];
  assert.equal(await openBy(first, key(1)), undefined);
  await first.evaluate(() => db.set("a", 1));
  assert.equal(await openBy(second, key(2)), "WrongKey");
  assert.equal(await openBy(second, "{}"), "KeyRequired");
  assert.equal(await openBy(second, key(1)), undefined);
  await first.evaluate(() => db.changeKey({ key: new Uint8Array(32).fill(3) }));
  await first.close();
  assert.equal(await second.evaluate(() => db.get("a")), 1, "it knows the new key");
  const plain = await opened("plain");
  assert.deepEqual([await openBy(plain, key(1)), await openBy(plain, key(3))], ["WrongKey", undefined]);
  assert.equal(await plain.evaluate(() => globalThis.opened("plain", { encryption: { key: new Uint8Array(32).fill(1) } })), "NotEncrypted");
  assert.equal(await open(plain, "plain", { pageSize: 1 }), "InvalidOptions");
  assert.equal(await open(plain, "plain", { cacheSize: 1 << 20 }), undefined);
});

test("one that reads only cannot change the key", { timeout: 60_000 }, async () => {
  const name = "rekeyed-by-a-reader";
  const [writer, reader] = [await tab(), await tab()];
  const openBy = (page, fill, more = "") =>
    page.evaluate(`globalThis.opened("${name}", { encryption: { key: new Uint8Array(32).fill(${fill}) }${more} })`);
  const rekey = (page) => page.evaluate(() => db.changeKey({ key: new Uint8Array(32).fill(2) }).catch(({ code }) => code));
  assert.equal(await openBy(writer, 1), undefined);
  assert.equal(await openBy(reader, 1, ", readOnly: true"), undefined);
  assert.equal(await rekey(reader), "ReadOnly");
  await writer.evaluate(() => db.set("a", 1));
  await writer.close();
  assert.deepEqual([await reader.evaluate(() => db.get("a")), await rekey(reader)], [1, "ReadOnly"], "also when it leads");
  const next = await tab();
  assert.deepEqual([await openBy(next, 2), await openBy(next, 1)], ["WrongKey", undefined]);
});

test("another version refuses, and does not disturb", { timeout: 60_000 }, async () => {
  const name = "versions";
  const first = await opened(name);
  const second = await tab("?other");
  const refused = await second.evaluate((name) => ferrolite.Ferrolite.open(name).catch(({ code, message }) => [code, message]), name);
  assert.equal(refused[0], "Unsupported");
  assert.match(refused[1], /another version.*reload all tabs/);
  assert.equal(await first.evaluate(() => db.set("a", 1).then(() => db.get("a"))), 1);
  await first.evaluate(() => db.close());
  assert.equal(await open(second, name), undefined);
  assert.equal(await second.evaluate(() => db.get("a")), 1);
  assert.equal(await open(first, name), "Unsupported");
});

test("a file that is released late is waited for, and then it is Locked", { timeout: 60_000 }, async () => {
  const name = "late";
  const page = await opened(name);
  await page.evaluate(() => db.close());
  // Somebody who does not ask for the lock, as a browser that has not noticed yet.
  const hold = (milliseconds) =>
    page.evaluate(async ([file, milliseconds]) => {
      const text = `onmessage = async ({ data: [file, milliseconds] }) => {
        const directory = await (await navigator.storage.getDirectory()).getDirectoryHandle("ferrolite");
        const handle = await (await directory.getFileHandle(file)).createSyncAccessHandle();
        setTimeout(() => handle.close(), milliseconds);
        postMessage("held");
      };`;
      const worker = new Worker(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
      worker.postMessage([file, milliseconds]);
      await new Promise((resolve) => (worker.onmessage = resolve));
    }, [`${name}.ferrolite`, milliseconds]);
  await hold(1500);
  const sinceMs = Date.now();
  assert.equal(await open(page, name), undefined);
  assert.ok(Date.now() - sinceMs >= 1000, "it has waited");
  await page.evaluate(() => db.close());
  await hold(20_000);
  assert.equal(await open(page, name), "Locked");
});

test("what others say on the channels of tabs does not disturb them", { timeout: 60_000 }, async () => {
  const name = "noise";
  const [first, second, other] = [await opened(name), await opened(name), await tab()];
  for (const page of [first, second]) {
    await page.evaluate(async () => {
      await db.increment("n");
      globalThis.snapshot = await db.snapshot();
    });
  }
  const said = await other.evaluate((name) => {
    const channel = new BroadcastChannel(`ferrolite/${name}.ferrolite`);
    const engine = crypto.randomUUID();
    const messages = [
      null, undefined, "leads", 7, [], {}, { kind: null }, { kind: "leads" }, { version: 3 }, new Map([["kind", "leads"]]),
      { kind: "leads", version: 99, engine }, { kind: "leads", version: 3, engine: 7 }, { kind: "leads", version: 3, engine },
      { kind: "connect", version: 3, engine }, { kind: "connect", version: 3, engine, channel: {} }, { kind: "hello" },
      { kind: "stopped", error: {}, isOwn: true }, { fatal: { code: "Io", message: "x" } }, { kind: "takeOver" },
    ];
    for (const message of messages) channel.postMessage(message);
    const broker = new SharedWorker("/ferrolite/broker.js", { type: "module", name: "ferrolite" });
    broker.port.start();
    for (const message of messages) broker.port.postMessage(message);
    return messages.length;
  }, name);
  assert.equal(said, 19);
  // Longer than a client looks for an engine that somebody has announced.
  await sleep(5000);
  for (const page of [first, second]) {
    const found = await page.evaluate(async () => [await db.get("n"), await snapshot.get("n"), (await db.stats()).messages > 0]);
    assert.deepEqual(found, [2, page === first ? 1 : 2, true], "it has stayed with its engine");
  }
  // And who comes later finds the engine.
  assert.equal(await open(await tab(), name), undefined);
});

test("messages that are none do not disturb an engine", { timeout: 60_000 }, async () => {
  const name = "malformed";
  const [first, second] = [await opened(name), await opened(name)];
  const results = await second.evaluate(async () => {
    const send = MessagePort.prototype.postMessage;
    // Whatever a client sends, it sends behind what is none.
    MessagePort.prototype.postMessage = function (message, transfer) {
      for (const wrong of [null, "x", 5, {}, { kind: "calls" }, { kind: "calls", id: 1, message: 5 }, { kind: "changeKey", id: 2 },
        { kind: "letters" }, { kind: "nothing", id: 3 }, { kind: "stats", id: "x" }]) send.call(this, wrong, []);
      send.call(this, message, transfer);
    };
    return [await db.increment("n"), await db.get("n")];
  });
  assert.deepEqual(results, [1, 1]);
  assert.equal(await first.evaluate(() => db.increment("n")), 2);
});

test("an error in the worker is not the end of its engine", { timeout: 60_000 }, async () => {
  const name = "errors";
  const [first, second] = [await opened(name), await opened(name)];
  await first.evaluate(() => db.increment("n"));
  await first.workers()[0].evaluate(() => void setTimeout(() => {
    throw new Error("a test throws it");
  }));
  await sleep(300);
  assert.deepEqual([await first.evaluate(() => db.increment("n")), await second.evaluate(() => db.increment("n"))], [2, 3]);
  assert.equal(await leads(first, name), true);
  // One that has ended with it is followed by another.
  await first.workers()[0].evaluate(() => void setTimeout(() => {
    setTimeout(() => close());
    throw new Error("a test throws it");
  }));
  assert.deepEqual([await first.evaluate(() => db.increment("n")), await second.evaluate(() => db.increment("n"))], [4, 5]);
});
