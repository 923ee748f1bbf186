// Tabs in Firefox, as frames of one page: what is left when one of them ends, and what it writes when it is left.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { serve } from "../../tools/serve.mjs";
import { newProfile, removeProfile, startFirefox } from "./support/firefox.mjs";
import { mounts } from "./support/mounts.mjs";

const profile = newProfile();
let server, firefox;

before(async () => {
  server = await serve(mounts);
  firefox = await startFirefox(profile, `${server.url}tests/support/page.html`);
  await firefox.evaluate(() => {
    globalThis.frame = async (name, options) => {
      const frame = document.createElement("iframe");
      frame.src = "/tests/support/tabs.html";
      document.body.append(frame);
      const isReady = () => frame.contentWindow.ready === true;
      while (!isReady()) await new Promise((resolve) => setTimeout(resolve, 10));
      const code = await frame.contentWindow.opened(name, options);
      if (code !== undefined) throw new Error(code);
      return frame;
    };
  });
});

after(async () => {
  await firefox?.kill();
  await server?.close();
  removeProfile(profile);
});

for (const storage of ["indexeddb", "opfs"]) {
  test(`commits that were acknowledged without a flush are there for those who live, ${storage}`, { timeout: 60_000 }, async () => {
    const found = await firefox.evaluate(async (storage) => {
      const options = { storage, durability: "never" };
      const name = `acknowledged-${storage}`;
      const [leader, follower] = [await frame(name, options), await frame(name, options)];
      const state = { acknowledged: 0, isOver: false };
      const { db } = follower.contentWindow;
      const counting = (async () => {
        for (; !state.isOver; state.acknowledged++) await db.set(`k${state.acknowledged}`, await db.increment("n"));
      })();
      const reach = async (count) => {
        while (state.acknowledged < count) await Promise.race([counting, new Promise((resolve) => setTimeout(resolve, 1))]);
      };
      await reach(50);
      leader.remove();
      await reach(state.acknowledged + 10);
      state.isOver = true;
      await counting;
      const values = await db.values({ prefix: "k" });
      follower.remove();
      return { count: state.acknowledged, values: values.sort((a, b) => a - b) };
    }, storage);
    assert.deepEqual(found.values, Array.from({ length: found.count }, (_, n) => n + 1));
  });

  for (const kind of ["plain", "encrypted"]) {
    test(`what a page writes while it goes away is carried out once, ${storage}, ${kind}`, { timeout: 60_000 }, async () => {
      const found = await firefox.evaluate(async ([storage, kind]) => {
        const name = `out-${storage}-${kind}`;
        const options = { storage, ...(kind === "plain" ? {} : { encryption: { key: new Uint8Array(32).fill(7) } }) };
        const wrote = [];
        const rounds = [];
        // Alone; leading, while another follows; and following.
        for (const others of [[], ["later"], ["before"]]) {
          const before = others.includes("before") ? await frame(name, options) : undefined;
          const page = await frame(name, options);
          const other = others.includes("later") ? await frame(name, options) : before;
          await new Promise((resolve) => setTimeout(resolve, 800));
          for (const event of ["pagehide", "unload"]) {
            page.contentWindow.addEventListener(event, () => {
              wrote.push(event);
              page.contentWindow.db.increment(event);
              page.contentWindow.db.increment("all");
            });
          }
          const isLeft = new Promise((resolve) => page.addEventListener("load", resolve, { once: true }));
          page.contentWindow.location = "about:blank";
          await isLeft;
          const next = other ?? (await frame(name, options));
          const endMs = Date.now() + 10_000;
          while ((await next.contentWindow.db.get("all")) !== wrote.length && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20));
          const counts = Object.fromEntries(await next.contentWindow.db.entries());
          rounds.push({ counts, wrote: [...wrote] });
          await next.contentWindow.db.close();
          next.remove();
          page.remove();
        }
        return rounds;
      }, [storage, kind]);
      for (const { counts, wrote } of found) {
        const expected = { all: wrote.length };
        for (const event of wrote) expected[event] = (expected[event] ?? 0) + 1;
        assert.deepEqual(counts, expected);
        assert.ok(wrote.includes("pagehide"));
      }
    });
  }
}
