// Starts Chromium with a profile of its own, so that OPFS is real and empty.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

const candidates = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const args = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // A name that is no secure context: there is no OPFS.
  "--host-resolver-rules=MAP insecure.test 127.0.0.1",
];

/** Resolves with `{ context, close }`, where `context` is playwright's. */
export async function startChromium() {
  const executablePath = process.env.CHROMIUM ?? candidates.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("Chromium is not installed; tools/setup.sh browser installs it");
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-chromium-"));
  const context = await chromium.launchPersistentContext(profile, { executablePath, headless: true, args });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}

/** A page with the package loaded, in which `globalThis.ferrolite` are its exports. */
export async function openPage(context, url) {
  const page = await context.newPage();
  await page.goto(`${url}tests/support/page.html`);
  await page.waitForFunction("globalThis.runTest !== undefined");
  return page;
}
