// The page of the benchmark, with few documents: its subjects do the same work, and find the same. Nothing is timed here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { demoMounts, serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";

/** What needs no packages. */
const SUBJECTS = ["ferrolite", "floor", "memory", "indexeddb-strict"];
const DOCUMENTS = 300;

let server, browser, page;

before(async () => {
  server = await serve(demoMounts, 0, { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" });
  browser = await startChromium();
  page = await browser.context.newPage();
  await page.goto(`${server.url}bench/`);
  await page.waitForSelector("#subjects input");
});

after(async () => {
  await browser?.close();
  await server?.close();
});

test("all subjects find the same, in a worker and from the page, and leave nothing behind", { timeout: 120_000 }, async () => {
  await page.evaluate(() => document.querySelectorAll("#subjects input").forEach((box) => (box.checked = false)));
  for (const id of SUBJECTS) await page.check(`#subjects input[value=${id}]`);
  await page.check("#page");
  await page.fill("#count", String(DOCUMENTS));
  await page.click("#start");
  await page.waitForSelector("#state[data-state=done], #state[data-state=failed]", { timeout: 100_000 });
  assert.equal(await page.textContent("#state"), "Done: all have found the same.");

  const tables = await page.$$eval("#tables table", (found) =>
    found.map((table) => [...table.rows].map((row) => [...row.cells].map(({ textContent }) => textContent))),
  );
  assert.equal(tables.length, 2);
  for (const [[, , ...titles], ...rows] of tables) {
    assert.deepEqual(titles, ["Ferrolite", "floor", "memory", "IndexedDB, strict"]);
    for (const [work, , ...figures] of rows) {
      const missing = titles.filter((_, at) => figures[at] === "–");
      const isKept = /^cold open|^bytes on disk/.test(work);
      assert.deepEqual(missing, isKept ? ["memory"] : [], work);
    }
    for (const work of ["random read, one by one", "nested index, 400 documents", "delete 2,000 in one transaction"]) {
      assert.ok(rows.some(([name]) => name === work), work);
    }
  }
  const left = await page.evaluate(async () => {
    const entries = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) entries.push(name);
    return [entries.filter((name) => name !== "ferrolite"), (await indexedDB.databases()).map(({ name }) => name)];
  });
  assert.deepEqual(left, [[], []]);
});

test("different answers are told", async () => {
  const told = await page.evaluate(async () => {
    const { assertSame } = await import("/bench/tables.js");
    const { digest } = await import("/bench/work.js");
    const run = (subject, found) => ({ subject, place: "worker", checks: { scan: digest(found, true) } });
    const [one, other] = [{ a: 1, b: [2] }, { a: 1, b: [3] }];
    assertSame([run("x", [one, other]), run("y", [{ b: [2], a: 1 }, other])]);
    const messages = [];
    for (const found of [[other, one], [one], [one, one]]) {
      try {
        assertSame([run("x", [one, other]), run("y", found)]);
      } catch ({ message }) {
        messages.push(message.replace(/ found.*/, ""));
      }
    }
    try {
      digest([undefined]);
    } catch ({ message }) {
      messages.push(message);
    }
    return messages;
  });
  assert.deepEqual(told, [...Array(3).fill("scan: y (worker) has"), "a document was not found"]);
});
