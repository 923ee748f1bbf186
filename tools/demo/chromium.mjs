// The demo in headless Chromium.
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHROMIUM_ARGUMENTS, findChromium } from "../chromium.mjs";
import { serve } from "./server.mjs";

/** Runs the demo in a page that is served from `root`; `data` is the URL path of the documents. */
export async function runInChromium(root, data) {
  const { chromium } = createRequire(join(root, "js/package.json"))("playwright-core");
  const server = await serve(root, 0);
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-demo-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    headless: true,
    args: CHROMIUM_ARGUMENTS,
  });
  try {
    const page = await browser.newPage();
    page.on("console", (message) => process.stderr.write(`demo: Chromium says: ${message.text()}\n`));
    await page.goto(`${server.url}/tools/demo/page.html`);
    return await page.evaluate(async (path) => {
      const [{ Ferrolite }, { runDemo }, text] = await Promise.all([
        import("/js/dist/index.js"),
        import("/tools/demo/javascript.mjs"),
        fetch(path).then((response) => response.text()),
      ]);
      return runDemo(Ferrolite, "demo", text);
    }, data);
  } finally {
    await browser.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}
