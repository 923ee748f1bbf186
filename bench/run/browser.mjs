// Measures Ferrolite beside what else keeps documents in browsers: each subject and run in a Chromium with a profile of its own.
// Writes target/bench/browser.json, in which all times are medians.
// Usage: node bench/run/browser.mjs [--count N,...] [--runs N] [--subjects ID,...] [--places worker,page] [--out FILE] [--serve [PORT]]
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { launchChromium, processesOf } from "../../js/tests/support/chromium.mjs";
import { subjects } from "../browser/subjects.js";
import { assertSame, limitsTable, sizesTable, tableOf } from "../browser/tables.js";
import { jsonBytes } from "../browser/work.js";
import { bundlePeers, bundleSizes, peersFolder, peerVersions } from "./peers.mjs";
import { demoMounts, serve } from "../../tools/serve.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** How long a browser is left alone after its start, which takes all processors. */
const SETTLE_MS = 1000;
/** A subject that takes longer hangs, and is tried once more. */
const partMsMax = (count) => 60_000 + 4 * count;
const TRIES = 2;
class Hanging extends Error {}
/** Pages are isolated: clocks are exact, and memory can be measured. */
const HEADERS = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
/** Memory is measured when it is asked for, not when the browser collects garbage next. */
const SWITCHES = ["--enable-blink-features=ForceEagerMeasureMemory"];

const { values: options } = parseArgs({
  options: {
    count: { type: "string", default: "20000" },
    runs: { type: "string", default: "5" },
    subjects: { type: "string", default: Object.keys(subjects).join() },
    places: { type: "string", default: "worker,page" },
    out: { type: "string", default: join(root, "target", "bench", "browser.json") },
    serve: { type: "boolean", default: false },
  },
  allowPositionals: true,
});
let isSteady = process.env.FERROLITE_BENCH_STEADY !== undefined;
const chosen = options.subjects.split(",");
for (const id of chosen) if (subjects[id] === undefined) throw new Error(`no subject ${id}: there are ${Object.keys(subjects)}`);

if (options.serve) {
  await bundlePeers();
  const { url } = await serve(benchMounts(), Number(process.env.PORT ?? 8081), HEADERS);
  console.log(`The benchmark is at ${url}bench/ - end with Ctrl-C.`);
} else if (!becomeSteady()) {
  await measure();
}

/** What is served to the page of the benchmark. */
function benchMounts() {
  return { "/bench/peers/": peersFolder, ...demoMounts };
}

/** Begins anew before all other processes, where that is allowed: other work disturbs less. True when that has been done. */
function becomeSteady() {
  if (process.env.FERROLITE_BENCH_STEADY !== undefined) return false;
  if (spawnSync("chrt", ["-r", "1", "true"]).status !== 0) return false;
  const env = { ...process.env, FERROLITE_BENCH_STEADY: "1" };
  const { status } = spawnSync("chrt", ["-r", "1", process.execPath, ...process.argv.slice(1)], { stdio: "inherit", env });
  process.exitCode = status ?? 1;
  return true;
}

/** Whether this process still goes before all others: a machine may take that away again. */
function isBeforeOthers() {
  return / SCHED_RR$/m.test(spawnSync("chrt", ["-p", String(process.pid)], { encoding: "utf8" }).stdout ?? "");
}

async function measure() {
  await bundlePeers();
  const server = await serve(benchMounts(), 0, HEADERS);
  const tables = [];
  let chromium;
  try {
    for (const count of options.count.split(",").map(Number)) {
      const bytes = jsonBytes(count);
      const runs = [];
      const limits = [];
      for (let run = 1; run <= Number(options.runs); run++) {
        limits.push(await inBrowser(server.url, undefined, (page) => page.evaluate((count) => benchLimits(count), count)));
        for (const place of options.places.split(",")) {
          const able = chosen.filter((id) => subjects[id][place] !== undefined);
          // Each time another one is first: what changes on the machine meanwhile is not always the same one's.
          const first = ((run - 1) * Math.ceil(able.length / Number(options.runs))) % able.length;
          for (const subject of [...able.slice(first), ...able.slice(0, first)]) {
            process.stderr.write(`${count} documents, run ${run}, ${place}: ${subjects[subject].title} ... `);
            const startMs = Date.now();
            const result = await triedRun(server.url, subject, place, count);
            if (result !== undefined) {
              chromium ??= result.chromium;
              runs.push({ subject, place, ...result });
              assertSame(runs);
            }
            isSteady &&= isBeforeOthers();
            process.stderr.write(`${((Date.now() - startMs) / 1000).toFixed(0)} s, load ${loadavg()[0].toFixed(1)}\n`);
          }
        }
        const measured = options.places.split(",").map((place) =>
          tableOf(
            place,
            count,
            runs.filter((run) => run.place === place),
            bytes,
          ),
        );
        // What takes hours is kept as far as it has come.
        const all = [...tables, ...measured, limitsTable(count, limits)];
        write(chromium, [...all, sizesTable(bundleSizes())]);
        if (run === Number(options.runs)) tables.splice(0, Infinity, ...all);
      }
    }
  } finally {
    await server.close();
  }
}

/** A run of a subject; nothing when it hangs every time. What fails otherwise ends the benchmark. */
async function triedRun(url, subject, place, count) {
  for (let tried = 1; tried <= TRIES; tried++) {
    try {
      return await oneRun(url, subject, place, count);
    } catch (error) {
      if (!(error instanceof Hanging)) throw error;
      process.stderr.write("hangs ... ");
    }
  }
  return undefined;
}

/** Fills a database in one browser, and works with it in another one that is started on the same profile. */
async function oneRun(url, subject, place, count) {
  const profile = mkdtempSync(join(tmpdir(), "ferrolite-bench-"));
  try {
    const task = { subject, place, count, name: "bench" };
    const play = (part) =>
      inBrowser(url, profile, (page) =>
        inTime(
          page.evaluate((task) => bench(task), { ...task, part }),
          count,
        ),
      );
    const loaded = await play("load");
    const diskBytes = stored(profile);
    const worked = await play("work");
    const figures = { ...loaded.figures, ...worked.figures, disk: diskBytes / 1e6 };
    if (subjects[subject].keeps === false) for (const name of ["open", "first", "disk"]) delete figures[name];
    return { figures, checks: { ...loaded.checks, ...worked.checks }, chromium: worked.chromium };
  } finally {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

function inTime(promise, count) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Hanging("it hangs")), partMsMax(count))));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function inBrowser(url, profile, action) {
  const own = profile ?? mkdtempSync(join(tmpdir(), "ferrolite-bench-"));
  const context = await launchChromium(own, SWITCHES);
  try {
    const page = await context.newPage();
    await page.exposeFunction("processMegabytes", () => privateBytes(own) / 1e6);
    await page.goto(`${url}bench/run.html`);
    await page.waitForFunction("globalThis.bench !== undefined").catch((cause) => {
      throw new Hanging("the page of the benchmark does not load", { cause });
    });
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    return { ...(await action(page)), chromium: context.browser()?.version() };
  } finally {
    await context.close();
    if (profile === undefined) rmSync(own, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Memory that no other process shares, of the process in which the page and its workers run: of the largest renderer. */
function privateBytes(profile) {
  const renderers = processesOf(profile).filter(({ type }) => type === "renderer");
  const kilobytes = renderers.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    return Number(/^Private_Dirty: +([0-9]+)/m.exec(fields)[1]);
  });
  return Math.max(...kilobytes) * 1024;
}

/** Bytes of the files in which Chromium keeps OPFS and IndexedDB. */
function stored(profile) {
  return ["File System", "IndexedDB"].reduce((sum, name) => sum + bytesBelow(join(profile, "Default", name)), 0);
}

function bytesBelow(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 0;
  if (!found.isDirectory()) return found.size;
  return readdirSync(path).reduce((sum, name) => sum + bytesBelow(join(path, name)), 0);
}

function write(chromium, tables) {
  const version = (path) => JSON.parse(readFileSync(join(root, path), "utf8")).version;
  const report = {
    name: "browser",
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpus()[0].model,
      cores: cpus().length,
      memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
      system: `Linux ${release()}, Chromium headless, ${isSteady ? "before all other processes (chrt -r 1)" : "beside other processes"}`,
    },
    versions: { ferrolite: version("js/package.json"), chromium, ...peerVersions() },
    settings: Object.fromEntries(chosen.map((id) => [subjects[id].title, subjects[id].settings])),
    tables,
  };
  mkdirSync(dirname(options.out), { recursive: true });
  writeFileSync(options.out, `${JSON.stringify(report, undefined, 1)}\n`);
  console.log(`${options.out} is written.`);
}
