// The demo in headless Chromium.
import { join } from "node:path";
import { startChromium } from "../../js/tests/support/chromium.mjs";
import { serve } from "../serve.mjs";

/** Runs the demo in a page; `folder` has the documents. */
export async function runInChromium(root, folder) {
  const server = await serve({
    "/ferrolite/": join(root, "js/dist"),
    "/data/": folder,
    "/": join(root, "tools/demo"),
  });
  const { context, close } = await startChromium();
  try {
    const page = await context.newPage();
    page.on("console", (message) => process.stderr.write(`demo: Chromium says: ${message.text()}\n`));
    await page.goto(`${server.url}page.html`);
    return await page.evaluate(async () => {
      const [{ Ferrolite }, { runDemo }, text] = await Promise.all([
        import("/ferrolite/index.js"),
        import("/javascript.mjs"),
        fetch("/data/data.ndjson").then((response) => response.text()),
      ]);
      return runDemo(Ferrolite, "demo", text);
    });
  } finally {
    await close();
    await server.close();
  }
}
