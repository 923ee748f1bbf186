// A page works on a database, in OPFS or in IndexedDB, while Chromium is killed, over and over: the whole browser, which is started again
// on the same profile, or the process of the page alone, after which the same browser goes on with a new page.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { serve } from "../../tools/serve.mjs";
import { launchChromium, processesOf } from "./support/chromium.mjs";
import { killsOf, Model, momentOf, randomOf } from "./support/stream.mjs";

const torture = Boolean(process.env.FERROLITE_TORTURE);
const tests = dirname(fileURLToPath(import.meta.url));
const profile = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ferrolite-kills-"));
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
/** One kill in so many is that of the page's process alone. */
const PAGE_KILLS = 3;
/** A page that says nothing for so long hangs. */
const SILENCE_MS_MAX = 60_000;
const PAGE_MS_MAX = 10_000;
const PAGE_ATTEMPTS = 5;

const figures = { kills: 0, inIndexedDb: 0, ofPages: 0, whileOpening: 0, commits: 0, openMsMax: 0, openMsMaxAfterPage: 0, underWay: {} };
let server, context, openingMs = 60;

before(async () => {
  server = await serve({ "/tests/": tests, "/ferrolite/": join(tests, "..", "dist") });
});

after(async () => {
  await context?.close();
  await server?.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  console.log(`Chromium: ${JSON.stringify(figures)}`);
  if (!torture) return;
  for (const [what, number] of [["kills", figures.kills], ["kills over IndexedDB", figures.inIndexedDb], ["kills of the page alone", figures.ofPages], ["kills while opening", figures.whileOpening], ["acknowledged commits checked", figures.commits]]) {
    console.log(`torture\tkills Chromium\t${what}\t${number}`);
  }
});

async function launch() {
  const launched = await launchChromium(profile);
  launched.once("close", () => {
    if (context === launched) context = undefined;
  });
  return launched;
}

/**
 * A page in the browser, which is started when it is not running. What the page says goes to `said`. A browser of which
 * a process was killed may give the next page one that is dying too: then another is opened.
 */
async function openPage(said) {
  for (let attempt = 1; ; attempt++) {
    let page;
    try {
      context ??= await launch();
      page = await within(PAGE_MS_MAX, context.newPage(), "a new page");
      await page.exposeBinding("acknowledge", (_, what) => said(what));
      await page.goto(`${server.url}tests/support/torture.html`, { timeout: PAGE_MS_MAX });
      await page.waitForFunction("globalThis.ready", undefined, { timeout: PAGE_MS_MAX });
      return page;
    } catch (error) {
      if (attempt === PAGE_ATTEMPTS) throw error;
      page?.close().catch(() => {});
      // A browser that gives no more pages is started anew, as a user would do.
      if (attempt === PAGE_ATTEMPTS - 2 && context !== undefined) await killBrowser();
    }
  }
}

/** What the promise comes to, unless that takes longer than anything should: then the browser is to blame, or the package. */
async function within(milliseconds, promise, what) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`${what} takes too long`)), milliseconds)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Kills the browser with all its processes, and waits until they are gone. */
async function killBrowser() {
  context = undefined;
  const browser = processesOf(profile).find(({ type, own }) => own && type === "browser");
  if (browser === undefined) return;
  assert.equal(browser.group, browser.pid, "playwright starts a browser as the leader of a group");
  process.kill(-browser.pid, "SIGKILL");
  while (processesOf(profile).length > 0) {
    for (const { pid } of processesOf(profile)) kill(pid);
    await sleep(5);
  }
}

/** Kills the processes of pages. The browser stays. */
async function killPages() {
  const pids = processesOf(profile).filter(({ type }) => type === "renderer").map(({ pid }) => pid);
  assert.ok(pids.length > 0, "there is a process for pages");
  pids.forEach(kill);
}

function kill(pid) {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}

/** Works from the model's next step on until a moment comes, and kills. Resolves with what the page said. */
async function live({ seed, storage }, model, moment, ofPage, random) {
  const said = [];
  let wake = () => {};
  const page = await openPage((what) => {
    said.push(what);
    wake();
  });
  const start = ([seed, storage, from]) => void globalThis.startWork(seed, storage, from);
  page.evaluate(start, [seed, storage, model.next]).catch(() => {});
  const wanted = moment.opening ? 1 : moment.steps + 2;
  let since;
  while (said.length < wanted) {
    const before = said.length;
    const timer = setTimeout(() => wake(), SILENCE_MS_MAX);
    await new Promise((resolve) => (wake = resolve));
    clearTimeout(timer);
    assert.ok(said.length > before, "the page hangs");
    assert.ok(!String(said.at(-1)).startsWith("failed"), said.at(-1));
    if (said.at(-1) === "opening") since = performance.now();
    if (said.at(-1) === "open") openingMs = 0.7 * openingMs + 0.3 * (performance.now() - since);
  }
  await sleep(moment.opening ? random.below(1.2 * openingMs) : moment.pauseMs);
  if (ofPage) {
    const crashed = new Promise((resolve) => page.once("crash", resolve));
    await killPages();
    // Playwright may not hear of it. What counts is that the process is gone.
    await within(PAGE_MS_MAX, crashed, "the end of the page").catch(() => {});
    page.close().catch(() => {});
  } else {
    await killBrowser();
  }
  return said;
}

const runs = [
  ...[0, 1, 2, 3].map((seed) => ({ seed, storage: "opfs" })),
  ...(torture ? [4, 5, 6, 7] : [5, 6]).map((seed) => ({ seed, storage: "indexeddb" })),
];
for (const { seed, storage } of runs) {
  test(`acknowledged commits survive kills, ${storage}, seed ${seed}`, { timeout: torture ? 1_800_000 : 180_000 }, async () => {
    const model = new Model(seed);
    const random = randomOf(seed + 2000);
    for (let kill = 0; kill < killsOf(torture); kill++) {
      const ofPage = random.below(PAGE_KILLS) === 0;
      const said = await live({ seed, storage }, model, momentOf(random, model), ofPage, random);
      figures.kills++;
      if (ofPage) figures.ofPages++;
      if (storage === "indexeddb") figures.inIndexedDb++;
      if (said.length < 2) figures.whileOpening++;
      else figures.underWay[model.underWay] = (figures.underWay[model.underWay] ?? 0) + 1;
      if (said.length > 2) model.acknowledge(said.at(-1));
      const page = await openPage(() => {});
      try {
        const look = ([seed, storage, readOnly]) => globalThis.lookAt(seed, storage, readOnly);
        const seen = await within(SILENCE_MS_MAX, page.evaluate(look, [seed, storage, random.below(4) > 0]), "looking");
        if (seen === undefined && model.next === 0) continue;
        const kind = ofPage ? "openMsMaxAfterPage" : "openMsMax";
        figures[kind] = Math.max(figures[kind], Math.round(seen.openMs));
        model.verify(seen);
      } catch (error) {
        throw new Error(`seed ${seed}, kill ${kill}: ${error.message}`, { cause: error });
      } finally {
        await within(PAGE_MS_MAX, page.close(), "closing the page").catch(() => {});
      }
    }
    figures.commits += model.commits;
  });
}
