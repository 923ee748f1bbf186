// The demo page, as a person uses it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { demoMounts, serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";

const directory = mkdtempSync(join(tmpdir(), "ferrolite-demo-"));
let server, browser, page;

before(async () => {
  const lines = Array.from({ length: 2500 }, (_, n) =>
    JSON.stringify({ key: `api.k${String(n).padStart(4, "0")}`, value: { n, since: { chrome: n % 130 }, status: { deprecated: n % 50 === 0 } } }),
  );
  writeFileSync(join(directory, "data.ndjson"), lines.join("\n"));
  const about = { package: "test-data", version: "1.0.0", licence: "CC0-1.0", source: "https://example.com/", documents: 2500, bytes: 2e5 };
  writeFileSync(join(directory, "about.json"), JSON.stringify(about));
  server = await serve({ ...demoMounts, "/data/": directory });
  browser = await startChromium();
  page = await browser.context.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  await page.goto(server.url);
  await opened(page);
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(directory, { recursive: true });
});

const opened = (tab) => tab.waitForSelector("#state[data-state=open]");
const shows = (selector, pattern) =>
  page.waitForFunction(([selector, source]) => new RegExp(source).test(document.querySelector(selector).textContent), [selector, pattern.source]);

test("the data set is loaded", async () => {
  await shows("#about-data", /test-data 1\.0\.0 \(CC0-1\.0\): 2,500/);
  await page.click("#load");
  await shows("#load-result", /2,500 documents in/);
  await shows("#fact-documents", /2,500/);
});

test("an index is made, asked and dropped", async () => {
  await page.fill("#index-path", "since.chrome");
  await page.click("#index-form button");
  await shows("#indexes", /since\.chrome×/);
  await page.click('#presets button:text-is("new in Chrome 120–124")');
  await shows("#find-result", /95 keys in/);
  await page.click('#presets button:text-is("deprecated")');
  await shows("#find-result", /50 keys in/);
  await page.click("#indexes button");
  await shows("#indexes", /^$/);
});

test("a document is read, changed and deleted", async () => {
  await page.click("#keys button >> nth=1");
  await shows("#document-result", /Read in/);
  assert.equal(await page.inputValue("#document-key"), "api.k0050");
  assert.equal(JSON.parse(await page.inputValue("#document-text")).n, 50);
  await page.fill("#document-text", '{ "n": ');
  await page.click("#document-form button.primary");
  await shows("#trouble", /InvalidValue[^]*not JSON/);
  await page.fill("#document-text", '{ "n": "changed" }');
  await page.click("#document-form button.primary");
  await shows("#document-result", /version \d+/);
  await page.click("#document-get");
  await shows("#document-result", /Read in/);
  assert.deepEqual(JSON.parse(await page.inputValue("#document-text")), { n: "changed" });
  await page.click("#document-delete");
  await shows("#document-result", /Deleted/);
  await shows("#fact-documents", /2,499/);
});

test("another tab has the same database", async () => {
  const second = await browser.context.newPage();
  await second.goto(server.url);
  await opened(second);
  await second.waitForFunction(() => /2,499/.test(document.querySelector("#fact-documents")?.textContent ?? ""));
  await second.close();
});

test("it is there after reloading, and can be checked, emptied, closed and deleted", async () => {
  await page.reload();
  await opened(page);
  await shows("#fact-documents", /2,499/);
  await page.click("#check");
  await shows("#journal", /2,499 documents in \d+ tables: no problem/);
  await page.click("#empty");
  await shows("#fact-documents", /^0$/);
  await page.click("#compact");
  await shows("#journal", /db\.compact/);
  await page.click("#close");
  await page.waitForSelector("#state[data-state=closed]");
  await page.click("#delete");
  await shows("#journal li", /Ferrolite\.delete[^]*deleted/);
});
