// Drives tabs that work on one database (support/tabs.html), in a browser whose pages have playwright's methods.
import assert from "node:assert/strict";

const TAKE_OVER_MS_MAX = 30_000;
/** Turns that a tab must have made after an end. */
const TURNS = 5;
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
let people = 0;

/** Loads the page of the tests of tabs. */
export async function load(page, server) {
  await page.goto(`${server.url}tests/support/tabs.html`);
  await page.waitForFunction("globalThis.ready");
}

/** Makes a page remember what is acknowledged to all others, also to those who end. */
export async function collect(page, server) {
  await load(page, server);
  await page.evaluate(() => {
    globalThis.acknowledged = {};
    globalThis.listening = new BroadcastChannel("acknowledged");
    globalThis.listening.onmessage = ({ data: [who, count] }) => (globalThis.acknowledged[who] = count);
  });
}

/** Opens a database in a page, as `globalThis.db`; the code of the error, if there is one. */
export const open = (page, name, options = {}) =>
  page.evaluate(([name, options]) => globalThis.opened(name, options), [name, options]);

/** Opens the database in a tab, `{ page }`, and begins to work on it under a new name, `who`. */
export async function enter(tab, name) {
  tab.who = `t${++people}`;
  tab.whos = [...(tab.whos ?? []), tab.who];
  assert.equal(await open(tab.page, name), undefined);
  await tab.page.evaluate((who) => globalThis.begin(who), tab.who);
}

/** The tab that leads. */
export async function leaderOf(tabs, name) {
  for (let attempt = 0; attempt < 100; attempt++) {
    for (const tab of tabs) if (await tab.page.evaluate((name) => globalThis.leads(name), name)) return tab;
    await sleep(50);
  }
  throw new Error("nobody leads");
}

/** Waits until a tab has made some turns after a moment; how long the first of them took to come. */
export async function tookOver(page, sinceMs) {
  const endMs = Date.now() + TAKE_OVER_MS_MAX;
  for (;;) {
    const { turns, tookMs, failed } = await page.evaluate((sinceMs) => globalThis.tookOver(sinceMs), sinceMs);
    assert.equal(failed, undefined);
    if (turns >= TURNS) return tookMs;
    assert.ok(Date.now() < endMs, "nobody takes over");
    await sleep(20);
  }
}

/** Stops all tabs, and compares the database with what was acknowledged to them, and to those who have ended, by their names. */
export async function verify(tabs, ended, collector) {
  const totals = {};
  for (const { page, who } of tabs) {
    totals[who] = await page.evaluate(() => globalThis.working.stop());
  }
  const found = await tabs[0].page.evaluate(() => globalThis.look());
  const acknowledged = await collector.evaluate(() => globalThis.acknowledged);
  assert.deepEqual(found.problems, []);
  assert.equal(found.all, found.ownSum, "the counter of all is the sum of the others");
  assert.equal(found.sum, found.shareSum, "the sum that transactions have made is that of their shares");
  for (const [who, total] of Object.entries(totals)) assert.equal(found.own[who], total, `${who} has counted to ${total}`);
  for (const who of ended) {
    const [told, count] = [acknowledged[who] ?? 0, found.own[who] ?? 0];
    // One turn may have been under way.
    assert.ok(count === told || count === told + 1, `${who} was told ${told}, and counted to ${count}`);
  }
  assert.deepEqual(found.turns, found.own, "each turn has left its document");
  return found;
}
