// Starts Firefox with a profile of its own. A page in it asks this process what to do, and tells what came of it, over HTTP: so
// nothing else is needed to drive it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const candidates = ["/usr/bin/firefox-esr", "/usr/bin/firefox", "/usr/lib/firefox-esr/firefox-esr"];
/** Nothing of the network is asked for, and no page comes in between. */
const preferences = {
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.homepage_override.mstone": "ignore",
  "datareporting.policy.dataSubmissionEnabled": false,
  "toolkit.telemetry.reportingpolicy.firstRun": false,
  "termsofuse.bypassNotification": true,
  "app.update.enabled": false,
  "app.normandy.enabled": false,
  "browser.newtabpage.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "services.settings.server": "data:,",
  // A browser that was killed is to open the page that it is told to, and no other.
  "browser.sessionstore.resume_from_crash": false,
  "toolkit.startup.max_resumed_crashes": -1,
};
/** A page that says nothing for so long hangs. */
const SILENCE_MS_MAX = 60_000;

/** A new, empty profile. */
export function newProfile() {
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-firefox-"));
  const lines = Object.entries(preferences).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`);
  writeFileSync(join(profile, "user.js"), lines.join("\n"));
  return profile;
}

export const removeProfile = (profile) => rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

process.once("SIGTERM", () => process.exit(1));

/**
 * Starts it on a profile with a page of the tests, by its URL. Resolves with `{ evaluate, said, kill }`: `evaluate(function,
 * argument)` runs a function in the page; what the page gives to `say` is added to `said`.
 */
export async function startFirefox(profile, url) {
  const executable = process.env.FIREFOX ?? candidates.find((path) => existsSync(path));
  if (executable === undefined) throw new Error("Firefox is not installed; tools/setup.sh browser installs it");
  const said = [];
  const waiting = [];
  const control = await startControl(said, waiting);
  const { port } = control.address();
  const browser = spawn(executable, ["--headless", "--no-remote", "--profile", profile, `${url}#http://127.0.0.1:${port}`], {
    // A group of its own, which can be killed as a whole.
    detached: true,
    stdio: "ignore",
    env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: "1" },
  });
  const ended = once(browser, "exit");
  const evaluate = (work, argument) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("the page hangs")), SILENCE_MS_MAX);
      const settle = (settle) => (value) => (clearTimeout(timer), settle(value));
      waiting.push({ code: String(work), argument, resolve: settle(resolve), reject: settle(reject) });
      control.emit("work");
    });
  const end = () => process.kill(-browser.pid, "SIGKILL");
  // Not even a test that is ended leaves it behind.
  process.once("exit", end);
  const kill = async () => {
    process.off("exit", end);
    end();
    await ended;
    control.close();
    control.closeAllConnections();
  };
  const firefox = { evaluate, said, kill };
  try {
    await evaluate(() => {});
  } catch (error) {
    await kill();
    throw error;
  }
  return firefox;
}

/** The server that the page asks. */
async function startControl(said, waiting) {
  let isAsked;
  let underWay;
  const server = createServer(async (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    if (request.url === "/next") {
      isAsked = response;
      return give();
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const message = JSON.parse(Buffer.concat(chunks).toString() || "null");
    response.end();
    if (request.url === "/say") return said.push(message);
    const { error, value } = message;
    const { resolve, reject } = underWay;
    underWay = undefined;
    if (error === undefined) resolve(value);
    else reject(new Error(error));
  });
  const give = () => {
    if (isAsked === undefined || underWay !== undefined || waiting.length === 0) return;
    underWay = waiting.shift();
    isAsked.end(JSON.stringify({ code: underWay.code, argument: underWay.argument }));
    isAsked = undefined;
  };
  server.on("work", give);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}
