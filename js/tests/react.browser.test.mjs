// The hooks with real React in a page of real Chromium: React's development build, under StrictMode.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { createServer } from "vite";

import { startChromium } from "./support/chromium.mjs";

const js = fileURLToPath(new URL("..", import.meta.url));
const root = join(js, "tests", "projects", "react");
const names = [...readFileSync(join(root, "cases.js"), "utf8").matchAll(/^ {2}async "(.+)"\(root\) \{$/gm)].map(([, name]) => name);
let server, browser, page;

before(async () => {
  server = await createServer({
    root,
    configFile: false,
    logLevel: "error",
    cacheDir: join(js, "..", ".build", "vite-react"),
    resolve: { alias: [{ find: /^ferrolite$/, replacement: join(js, "dist", "index.js") }, { find: "ferrolite", replacement: join(js, "dist") }] },
    server: { port: 0, host: "127.0.0.1", fs: { allow: [js] } },
  });
  await server.listen();
  browser = await startChromium();
  page = await browser.context.newPage();
  await page.goto(`http://localhost:${server.httpServer.address().port}/`);
  await page.waitForFunction("globalThis.play !== undefined");
});

after(async () => {
  await browser?.close();
  await server?.close();
});

for (const name of names) {
  test(name, { timeout: 30_000 }, async () => {
    const failure = await page.evaluate((name) => globalThis.play(name), name);
    if (failure !== undefined) throw new Error(failure);
  });
}
