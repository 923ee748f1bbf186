// Where the time goes: does some of the browser benchmark's work again and again under Chromium's profiler, and prints the functions
// in which most of it is spent. With --out the profile is written, too, for the performance panel of Chromium's tools.
// Usage: node bench/run/profile.mjs [--subject ID] [--place worker|page] [--only ROW,...] [--count N] [--seconds N] [--out FILE]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { launchChromium } from "../../js/tests/support/chromium.mjs";
import { bundlePeers, peersFolder } from "./peers.mjs";
import { demoMounts, serve } from "../../tools/serve.mjs";

const SHOWN = 25;
const SAMPLE_US = 100;
const HEADERS = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

const { values: options } = parseArgs({
  options: {
    subject: { type: "string", default: "ferrolite" },
    place: { type: "string", default: "worker" },
    only: { type: "string", default: "get" },
    count: { type: "string", default: "20000" },
    seconds: { type: "string", default: "3" },
    out: { type: "string" },
  },
});

await bundlePeers();
const server = await serve({ "/bench/peers/": peersFolder, ...demoMounts }, 0, HEADERS);
const profile = mkdtempSync(join(tmpdir(), "ferrolite-bench-"));
const context = await launchChromium(profile);
try {
  const page = await context.newPage();
  page.setDefaultTimeout(0);
  await page.goto(`${server.url}bench/run.html`);
  await page.waitForFunction("globalThis.bench !== undefined");
  const task = { subject: options.subject, place: options.place, count: Number(options.count), name: "bench" };
  await page.evaluate((task) => bench(task), { ...task, part: "load" });

  const threads = await profilers(await context.newCDPSession(page));
  const longer = { only: options.only.split(","), readMs: Number(options.seconds) * 1000 };
  const { figures } = await page.evaluate((task) => bench(task), { ...task, ...longer, part: "work", keepWorker: true });
  console.log(figures);
  for (const { name, stop } of threads()) print(name, await stop());
} finally {
  await context.close();
  await server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
}

/** Begins to profile the page and, from their start on, its workers; gives a function that tells which there are. */
async function profilers(session) {
  const found = [];
  const answers = new Map();
  let calls = 0;
  session.on("Target.receivedMessageFromTarget", ({ message }) => {
    const { id, result } = JSON.parse(message);
    answers.get(id)?.(result);
  });
  const sender =
    (sessionId) =>
    (method, params = {}) =>
      new Promise((resolve) => {
        answers.set(++calls, resolve);
        void session.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id: calls, method, params }) });
      });
  const begin = async (name, send) => {
    found.push({ name, stop: async () => (await send("Profiler.stop")).profile });
    await send("Profiler.enable");
    await send("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    await send("Profiler.start");
  };
  session.on("Target.attachedToTarget", async ({ sessionId, targetInfo }) => {
    const send = sender(sessionId);
    await begin(targetInfo.url, send);
    await send("Runtime.runIfWaitingForDebugger");
  });
  await begin("the page", (method, params) => session.send(method, params));
  await session.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: true, flatten: false });
  return () => found;
}

/** The functions in which samples were taken, with what they called left out. */
function print(name, { nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const selfUs = new Map();
  for (const [at, id] of samples.entries()) {
    const { functionName, url, lineNumber, columnNumber } = byId.get(id).callFrame;
    const place = url === "" ? "" : ` ${url.split("/").at(-1)}:${lineNumber + 1}:${columnNumber + 1}`;
    const key = `${functionName || "(anonymous)"}${place}`;
    selfUs.set(key, (selfUs.get(key) ?? 0) + timeDeltas[at]);
  }
  selfUs.delete("(idle)");
  selfUs.delete("(program)");
  const total = [...selfUs.values()].reduce((sum, us) => sum + us, 0);
  console.log(`\n${name}: ${(total / 1000).toFixed(0)} ms`);
  for (const [key, us] of [...selfUs].sort(([, a], [, b]) => b - a).slice(0, SHOWN)) {
    console.log(`${((100 * us) / total).toFixed(1).padStart(6)} %  ${key}`);
  }
  if (options.out !== undefined)
    writeFileSync(`${options.out}.${name.split("/").at(-1)}.cpuprofile`, JSON.stringify({ nodes, samples, timeDeltas }));
}
