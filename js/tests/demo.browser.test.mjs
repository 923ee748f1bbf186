// The demo page, as a person uses it.
import assert from "node:assert/strict";
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { demoMounts, serve } from "../../tools/serve.mjs";
import { startChromium } from "./support/chromium.mjs";

const directory = mkdtempSync(join(tmpdir(), "ferrolite-demo-"));
const copy = join(directory, "copy.ferrolite");
let server, browser, page;

before(async () => {
  const lines = Array.from({ length: 2500 }, (_, n) =>
    JSON.stringify({ key: `api.k${String(n).padStart(4, "0")}`, value: { n, since: { chrome: n % 130 }, status: { deprecated: n % 50 === 0 } } }),
  );
  writeFileSync(join(directory, "data.ndjson"), lines.join("\n"));
  const about = { package: "test-data", version: "1.0.0", licence: "CC0-1.0", source: "https://example.com/", documents: 2500, bytes: 2e5 };
  writeFileSync(join(directory, "about.json"), JSON.stringify(about));
  cpSync(demoMounts["/"], join(directory, "www"), { recursive: true });
  server = await serve({ ...demoMounts, "/data/": directory, "/": join(directory, "www") });
  browser = await startChromium();
  // Nobody is there to choose a file: what is exported is downloaded.
  await browser.context.addInitScript(() => delete globalThis.showSaveFilePicker);
  page = await browser.context.newPage();
  page.on("pageerror", (error) => assert.fail(error));
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(server.url);
  await opened(page);
});

after(async () => {
  await browser?.close();
  await server?.close();
  rmSync(directory, { recursive: true });
});

const opened = (tab) => tab.waitForSelector("#state[data-state=open]");
/** A tab that is not in front is drawn once a second, so it is asked by the clock; and what is clicked is brought to the front. */
const polling = 20;
const shows = (selector, pattern, tab = page) =>
  tab.waitForFunction(
    ([selector, source]) => new RegExp(source).test(document.querySelector(selector)?.textContent ?? ""),
    [selector, pattern.source],
    { polling },
  );

/** Waits until a tab has these notes, `+` before those that are done. */
const hasNotes = (tab, ...expected) =>
  tab.waitForFunction(
    (expected) => {
      const notes = [...document.querySelectorAll("#notes li")];
      const texts = notes.map((note) => (note.querySelector("input").checked ? "+" : "") + note.querySelector("textarea").value);
      return JSON.stringify(texts) === expected;
    },
    JSON.stringify(expected),
    { polling },
  );

async function add(tab, text) {
  await tab.bringToFront();
  await tab.fill("#note-text", text);
  await tab.press("#note-text", "Enter");
  await hasNote(tab, text);
}

/** Waits until a tab shows a note with this text. */
const hasNote = (tab, text) =>
  tab.waitForFunction((text) => [...document.querySelectorAll("#notes li textarea")].some(({ value }) => value === text), text, { polling });

async function another() {
  const tab = await browser.context.newPage();
  await tab.goto(server.url);
  await opened(tab);
  return tab;
}

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

test("tabs are in step: notes, documents and numbers", async () => {
  const second = await another();
  await shows("#fact-documents", /2,499/, second);
  await add(page, "first");
  await add(second, "second");
  for (const tab of [page, second]) await hasNotes(tab, "second", "first");
  await second.bringToFront();
  await second.check("#notes li >> nth=1 >> input");
  await hasNotes(page, "second", "+first");
  await page.bringToFront();
  // A change of the text here and of the mark there do not undo each other.
  await page.fill("#notes li >> nth=1 >> textarea", "first, changed");
  await page.press("#notes li >> nth=1 >> textarea", "Enter");
  for (const tab of [page, second]) await hasNotes(tab, "second", "+first, changed");
  await page.click("#notes-open");
  await hasNotes(page, "second");
  await page.click("#notes-all");
  await page.fill("#document-key", "api.k0007");
  await page.click("#document-get");
  await shows("#document-result", /Read in/);
  await page.click("#document-note");
  await add(page, "about it");
  await second.bringToFront();
  await second.click("#notes li >> nth=0 >> button.about");
  await shows("#document-result", /Read in/, second);
  assert.equal(await second.inputValue("#document-key"), "api.k0007");
  await second.fill("#document-text", '{ "n": "from the second" }');
  await second.click("#document-form button.primary");
  await shows("#document-result", /changed in another tab/);
  assert.deepEqual(JSON.parse(await page.inputValue("#document-text")), { n: "from the second" });
  await second.click("#notes li >> nth=0 >> button.delete");
  await hasNotes(page, "second", "+first, changed");
  await second.click("#document-delete");
  await shows("#fact-documents", /2,498/);
  // Whichever of them leads: the other goes on.
  await page.reload();
  await opened(page);
  await add(second, "after the reload");
  await hasNotes(page, "after the reload", "second", "+first, changed");
  await second.close();
});

test("it reloads and works without a network", async () => {
  await shows("#offline", /^Ready/);
  const kept = await page.evaluate(async () => {
    const [name] = await caches.keys();
    return (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname);
  });
  const files = readdirSync(join(directory, "www"), { withFileTypes: true }).filter((entry) => entry.isFile());
  for (const { name } of files) assert.ok(kept.includes(`/${name.replace("index.html", "")}`), name);
  for (const file of ["index.js", "worker.js", "broker.js", "ferrolite_first.wasm", "ferrolite_rest.wasm"]) {
    assert.ok(kept.includes(`/ferrolite/${file}`), file);
  }
  await browser.context.setOffline(true);
  try {
    await page.reload();
    await opened(page);
    assert.equal(await page.evaluate(() => fetch("data/about.json").then(() => "fetched", () => "offline")), "offline");
    await hasNotes(page, "after the reload", "second", "+first, changed");
    await add(page, "offline");
    // The second part of the engine is there, too.
    await page.click("#check");
    await shows("#journal", /tables: no problem/);
    const second = await another();
    await hasNotes(second, "offline", "after the reload", "second", "+first, changed");
    await second.close();
  } finally {
    await browser.context.setOffline(false);
  }
});

test("what is typed while a note or a document is saved stays", async () => {
  await page.bringToFront();
  await page.evaluate(() => {
    const field = document.querySelector("#note-text");
    field.value = "being saved";
    field.form.requestSubmit();
    field.value = "typed during the save";
  });
  await hasNote(page, "being saved");
  assert.equal(await page.inputValue("#note-text"), "typed during the save");
  await page.fill("#note-text", "");
  await page.click("#notes li >> nth=0 >> button.delete");

  await page.fill("#document-key", "api.k0009");
  await page.click("#document-get");
  await shows("#document-result", /Read in/);
  const text = await page.inputValue("#document-text");
  await page.evaluate(() => {
    const field = document.querySelector("#document-text");
    // The page reads the field when the save begins: a frame later.
    const { parse } = JSON;
    JSON.parse = (json) => {
      JSON.parse = parse;
      queueMicrotask(() => (field.value = `${json} typed`));
      return parse(json);
    };
    document.querySelector("#document-form button.primary").click();
  });
  await shows("#document-result", /version/);
  assert.equal(await page.inputValue("#document-text"), `${text} typed`);
});

test("all documents are deleted only if that is confirmed", async () => {
  const before = await page.textContent("#fact-documents");
  await page.evaluate(() => {
    const { confirm } = globalThis;
    globalThis.confirm = (text) => {
      globalThis.confirm = confirm;
      globalThis.asked = text;
      return false;
    };
  });
  await page.click("#empty");
  await page.waitForFunction(() => globalThis.asked !== undefined, undefined, { polling });
  assert.match(await page.evaluate(() => globalThis.asked), /Delete all documents/);
  await page.click("#check");
  await shows("#journal", /tables: no problem/);
  assert.equal(await page.textContent("#fact-documents"), before);
});

test("a copy is exported, and imported while another tab has the database open", async () => {
  const download = page.waitForEvent("download");
  await page.click("#export");
  await (await download).saveAs(copy);
  await shows("#copy-result", /Exported [\d.]+ MB/);
  assert.ok(readFileSync(copy).length > 100_000);
  const second = await another();
  await page.bringToFront();
  for (let left = 3; left >= 0; left--) {
    await page.click("#notes li >> nth=0 >> button.delete");
    await page.waitForFunction((left) => document.querySelectorAll("#notes li").length === left, left, { polling });
  }
  await page.click("#empty");
  await shows("#fact-documents", /^0$/, second);
  await add(page, "since then");
  await page.setInputFiles("#import-file", copy);
  await shows("#copy-result", /Imported 2,502 documents from copy\.ferrolite/);
  for (const tab of [page, second]) {
    await hasNotes(tab, "since then", "offline", "after the reload", "second", "+first, changed");
    await shows("#fact-documents", /2,498/, tab);
  }
  await second.close();
});

test("what is no database is told, and changes nothing", async () => {
  await page.setInputFiles("#import-file", { name: "letter.ferrolite", mimeType: "text/plain", buffer: Buffer.alloc(50_000, "Dear all, ") });
  await shows("#trouble", /That is no database[^]*Nothing was changed[^]*NotADatabase/);
  await page.click("#trouble-close");
  await page.waitForSelector("#trouble", { state: "hidden" });
  await shows("#fact-documents", /2,498/);
});

test("where the data is kept is told, and the browser is asked to keep it", async () => {
  assert.match(await page.textContent("#storage-kind"), /OPFS/);
  assert.match(await page.textContent("#storage-usage"), /uses about [\d.]+ [MG]B of [\d.]+ [MG]B/);
  await page.click("#persist");
  await shows("#persist-result", /browser/);
  const granted = await page.evaluate(() => navigator.storage.persisted());
  assert.equal(await page.textContent("#storage-persistent"), granted ? "kept until you clear it" : "may be cleared");
});

test("it fits on a phone, and every control has a name", async () => {
  for (const [width, colorScheme] of [[320, "light"], [390, "dark"], [1280, "light"]]) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `at a width of ${width}`);
  }
  const nameless = await page.$$eval("button, input, select, textarea, progress, meter, a", (controls) =>
    controls
      .filter((control) => !control.getAttribute("aria-label") && !control.labels?.length && control.innerText?.trim() === "")
      .filter((control) => control.checkVisibility())
      .map(({ outerHTML }) => outerHTML),
  );
  assert.deepEqual(nameless, []);
  await page.focus("#note-text");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Add");
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), "none");
});

test("a new version replaces all files of the old one, in all tabs", async () => {
  const second = await another();
  const before = await page.textContent("#offline");
  appendFileSync(join(directory, "www", "style.css"), "\nh1 { letter-spacing: 3px; }\n");
  const spacing = (tab) => tab.evaluate(() => getComputedStyle(document.querySelector("h1")).letterSpacing);
  await page.reload();
  await opened(page);
  await page.waitForSelector("#update:not([hidden])");
  assert.notEqual(await spacing(page), "3px", "the old version stays until all tabs change");
  await page.bringToFront();
  const reloads = [page, second].map((tab) => tab.waitForEvent("load"));
  await page.click("#update-now");
  await Promise.all(reloads);
  for (const tab of [page, second]) {
    await opened(tab);
    await shows("#offline", /^Ready/, tab);
    assert.equal(await spacing(tab), "3px");
    assert.notEqual(await tab.textContent("#offline"), before);
    assert.equal(await tab.isVisible("#update"), false);
  }
  assert.equal(await page.evaluate(async () => (await caches.keys()).length), 1);
  await second.close();
});

test("a full disk is told, and what was there stays", async () => {
  const devTools = await browser.context.newCDPSession(page);
  const origin = new URL(server.url).origin;
  const { usage } = await devTools.send("Storage.getUsageAndQuota", { origin });
  await devTools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: usage + 1_000_000 });
  const text = JSON.stringify(Array.from({ length: 400_000 }, () => Math.random()));
  await page.evaluate((text) => {
    document.querySelector("#document-key").value = "large";
    document.querySelector("#document-text").value = text;
  }, text);
  await page.click("#document-form button.primary");
  await shows("#trouble", /no more room[^]*StorageFull/);
  await devTools.send("Storage.overrideQuotaForOrigin", { origin });
  await page.click('#trouble button:text-is("Try again")');
  await page.waitForSelector("#trouble", { state: "hidden" });
  await shows("#fact-documents", /2,498/);
});

test("it is there after reloading, and can be checked, emptied, closed and, by the last tab, deleted", async () => {
  await page.reload();
  await opened(page);
  await shows("#fact-documents", /2,498/);
  await page.click("#check");
  await shows("#journal", /2,503 documents in \d+ tables: no problem/);
  await page.click("#empty");
  await shows("#fact-documents", /^0$/);
  await page.click("#compact");
  await shows("#journal", /db\.compact/);
  await page.click("#close");
  await page.waitForSelector("#state[data-state=closed]");
  const second = await another();
  await page.bringToFront();
  await page.click("#delete");
  await shows("#trouble", /else is using the database[^]*all other tabs have to be closed[^]*Locked/);
  await second.close();
  await page.click("#delete");
  await shows("#journal li", /Ferrolite\.delete[^]*deleted/);
});

test("an imported file becomes the database where there is none", async () => {
  await page.setInputFiles("#import-file", copy);
  await shows("#copy-result", /Imported 2,502 documents/);
  await opened(page);
  await hasNotes(page, "offline", "after the reload", "second", "+first, changed");
});

test("data that the browser has cleared is told, and brought back from a copy", async () => {
  await page.goto("about:blank");
  const devTools = await browser.context.newCDPSession(page);
  await devTools.send("Storage.clearDataForOrigin", { origin: new URL(server.url).origin, storageTypes: "file_systems" });
  await page.goto(server.url);
  await shows("#trouble", /has cleared the data[^]*Evicted/);
  const chooser = page.waitForEvent("filechooser");
  await page.click('#trouble button:text-is("Import a file…")');
  await (await chooser).setFiles(copy);
  await hasNotes(page, "offline", "after the reload", "second", "+first, changed");
  await page.waitForSelector("#trouble", { state: "hidden" });
});

test("a browser that cannot keep data is told so, and can go on in memory", async () => {
  const tab = await browser.context.newPage();
  await tab.goto(server.url.replace("localhost", "insecure.test"));
  await shows("#trouble", /cannot be used like this[^]*Unsupported/, tab);
  await shows("#offline", /needs the network/, tab);
  await tab.click('#trouble button:text-is("Go on in memory alone")');
  await opened(tab);
  await add(tab, "for now");
  await hasNotes(tab, "for now");
  await shows("#storage-kind", /gone when the page is closed/, tab);
  await tab.close();
});

test("a script that does not arrive is told", async () => {
  const tab = await browser.context.newPage();
  await tab.route("**/notes.js", (route) => route.abort());
  await tab.goto(server.url.replace("localhost", "insecure.test"));
  await shows("#trouble", /could not start[^]*was not loaded/, tab);
  await tab.waitForSelector("#trouble:not([hidden])");
  await tab.close();
});
