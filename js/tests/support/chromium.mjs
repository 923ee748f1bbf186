// Starts Chromium with a profile of its own, so that OPFS is real and empty.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
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
export async function startChromium(options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-chromium-"));
  const context = await launchChromium(profile, [], options);
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  };
  return { context, close };
}

/** Starts it on a profile, which may be one that another has left. */
export async function launchChromium(profile, more = [], options = {}) {
  const executablePath = process.env.CHROMIUM ?? candidates.find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("Chromium is not installed; tools/setup.sh browser installs it");
  return chromium.launchPersistentContext(profile, { executablePath, headless: true, args: [...args, ...more], ...options });
}

/** The processes of the Chromium on this profile, `{ pid, type }`; the type of the browser itself is "browser". */
export function processesOf(profile) {
  const processes = [];
  for (const pid of readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name))) {
    try {
      // The arguments end with zeros; processes that set their title have blanks instead.
      const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split(/[\0 ]/);
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z") continue;
      const type = words.find((word) => word.startsWith("--type="))?.slice("--type=".length) ?? "browser";
      processes.push({ pid: Number(pid), group: Number(group), type, own: words.includes(`--user-data-dir=${profile}`) });
    } catch {
      // It has ended meanwhile.
    }
  }
  const groups = new Set(processes.filter(({ type, own }) => own && type === "browser").map(({ group }) => group));
  return processes.filter(({ group, own }) => own || groups.has(group));
}

/** A page with the package loaded, in which `globalThis.ferrolite` are its exports. */
export async function openPage(context, url) {
  const page = await context.newPage();
  await page.goto(`${url}tests/support/page.html`);
  await page.waitForFunction("globalThis.runTest !== undefined");
  return page;
}
