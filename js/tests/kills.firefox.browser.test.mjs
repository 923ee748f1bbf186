// A page writes to a database, in OPFS or in IndexedDB, while Firefox is killed with all its processes, over and over.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { newProfile, removeProfile, startFirefox } from "./support/firefox.mjs";
import { mounts } from "./support/mounts.mjs";

const torture = Boolean(process.env.FERROLITE_TORTURE);
const KILLS = torture ? 30 : 3;
const profile = newProfile();
const figures = { kills: 0, commits: 0 };
let server, url, firefox;

before(async () => {
  server = await serve(mounts);
  url = `${server.url}tests/support/page.html`;
  firefox = await startFirefox(profile, url);
});

after(async () => {
  await firefox?.kill();
  await server?.close();
  removeProfile(profile);
  console.log(`Firefox: ${JSON.stringify(figures)}`);
  if (!torture) return;
  for (const [what, number] of [["kills", figures.kills], ["acknowledged commits checked", figures.commits]]) {
    console.log(`torture\tkills Firefox\t${what}\t${number}`);
  }
});

for (const storage of ["opfs", "indexeddb"]) {
  test(`what was acknowledged survives the death of Firefox, ${storage}`, { timeout: 60_000 * KILLS }, async () => {
    let next = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await firefox.evaluate(
        async ([storage, next]) => {
          const db = await ferrolite.Ferrolite.open(`killed-${storage}`, { storage });
          const work = async () => {
            for (let n = next; ; n++) {
              await db.setMany([["n", n], [`k${n}`, "x".repeat(n % 3000)]]);
              await say(n);
            }
          };
          work().catch((error) => say(`failed: ${error}`));
        },
        [storage, next],
      );
      const { said } = firefox;
      while (said.length < 20 + 7 * kill) await new Promise((resolve) => setTimeout(resolve, 5));
      const last = said.at(-1);
      assert.equal(typeof last, "number", String(last));
      await firefox.kill();
      firefox = await startFirefox(profile, url);
      const seen = await firefox.evaluate(async (storage) => {
        const db = await ferrolite.Ferrolite.open(`killed-${storage}`, { storage, create: false });
        const { problems } = await db.check({ full: true });
        const seen = { problems, n: await db.get("n"), count: await db.count() };
        await db.close();
        return seen;
      }, storage);
      assert.deepEqual(seen.problems, []);
      assert.ok(seen.n >= last, `${last} was acknowledged, and ${seen.n} is there`);
      assert.equal(seen.count, seen.n + 2);
      next = seen.n + 1;
      figures.kills++;
      figures.commits += last + 1;
    }
  });
}
