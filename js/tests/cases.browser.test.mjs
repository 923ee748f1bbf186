// The shared cases in a page of real Chromium, over OPFS, over IndexedDB and in memory, plain and encrypted. The short form
// takes one cipher over each storage; FERROLITE_TORTURE=1 takes each cipher everywhere.
import { after, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { groups } from "./cases/index.mjs";
import { openPage, startChromium } from "./support/chromium.mjs";
import { casesOn, withCiphers } from "./support/encrypted.mjs";
import { mounts } from "./support/mounts.mjs";

const hosts = Object.keys(withCiphers({ opfs: {}, indexeddb: {}, memory: {} }));
const short = ["opfs", "indexeddb", "memory", "opfs, aes-256-gcm", "indexeddb, chacha20-poly1305"];
let server, browser, page;

before(async () => {
  server = await serve(mounts);
  browser = await startChromium();
  page = await openPage(browser.context, server.url);
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const kind of process.env.FERROLITE_TORTURE ? hosts : short) {
  for (const [group, cases] of Object.entries(groups)) {
    describe(`${kind}, ${group}`, () => {
      for (const [index, { name }] of casesOn(kind, group, cases).entries()) {
        test(name, { timeout: 60_000 }, async () => {
          const failure = await page.evaluate(([...where]) => globalThis.runTest(...where), [kind, group, index]);
          if (failure !== undefined) throw new Error(failure);
        });
      }
    });
  }
}
