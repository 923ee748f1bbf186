// The shared cases in Firefox, over OPFS and over IndexedDB. The short form leaves the longest groups out over
// IndexedDB; FERROLITE_TORTURE=1 runs them too.
import { after, before, describe, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { groups } from "./cases/index.mjs";
import { casesOn } from "./support/encrypted.mjs";
import { newProfile, removeProfile, startFirefox } from "./support/firefox.mjs";
import { mounts } from "./support/mounts.mjs";

const profile = newProfile();
/** These groups do the same to the storage as others, many times. */
const long = ["table", "stream", "transfer"];
const isRun = (kind, group) => kind === "opfs" || Boolean(process.env.FERROLITE_TORTURE) || !long.includes(group);
let server, firefox;

before(async () => {
  server = await serve(mounts);
  firefox = await startFirefox(profile, `${server.url}tests/support/page.html`);
});

after(async () => {
  await firefox?.kill();
  await server?.close();
  removeProfile(profile);
});

for (const kind of ["opfs", "indexeddb"]) {
  for (const [group, cases] of Object.entries(groups).filter(([group]) => isRun(kind, group))) {
    describe(`${kind}, ${group}`, () => {
      for (const [index, { name }] of casesOn(kind, group, cases).entries()) {
        test(name, { timeout: 60_000 }, async () => {
          const failure = await firefox.evaluate((where) => globalThis.runTest(...where), [kind, group, index]);
          if (failure !== undefined) throw new Error(failure);
        });
      }
    });
  }
}
