// A process that works on a database is killed over and over, at any moment, and the next one goes on with the same file.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { Ferrolite } from "ferrolite";

import { killsOf, look, Model, momentOf, optionsOf, randomOf } from "./support/stream.mjs";

const torture = Boolean(process.env.FERROLITE_TORTURE);
const worker = fileURLToPath(new URL("support/kill-worker.mjs", import.meta.url));
// Who is killed takes no part of the host's memory with it, so memory is as good as a disk here, and flushes cost nothing.
const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "ferrolite-kills-"));
after(() => rmSync(directory, { recursive: true, force: true }));
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

const figures = { kills: 0, whileOpening: 0, commits: 0, underWay: {} };
let openingMs = 5;

/** One life of a worker, to a random moment. Resolves with the lines that it said. */
async function live(path, seed, model, moment, random) {
  const child = spawn(process.execPath, [worker, path, seed, model.next], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  let wake = () => {};
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    said += chunk;
    wake();
  });
  const ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      resolve({ code, signal });
      wake();
    });
  });
  const lines = () => said.split("\n").slice(0, -1);
  const wanted = moment.opening ? 1 : moment.steps + 2;
  let since;
  while (lines().length < wanted && child.exitCode === null) {
    await new Promise((resolve) => (wake = resolve));
    since ??= performance.now();
  }
  if (!moment.opening) openingMs = 0.8 * openingMs + 0.2 * Math.min(50, performance.now() - since);
  await sleep(moment.opening ? random.below(openingMs) : moment.pauseMs);
  child.kill("SIGKILL");
  assert.deepEqual(await ended, { code: null, signal: "SIGKILL" }, "the worker has ended by itself");
  return lines();
}

/** Looks at what is there: mostly for reading alone, so that the next worker finds the file as the kill left it. */
async function seen(path, seed, readOnly) {
  const db = await Ferrolite.open(path, { ...optionsOf(seed), readOnly, create: false });
  try {
    return await look(db);
  } finally {
    await db.close();
  }
}

for (let seed = 0; seed < 4; seed++) {
  test(`acknowledged commits survive kills, seed ${seed}`, { timeout: torture ? 1_200_000 : 120_000 }, async () => {
    const path = join(directory, `killed-${seed}.ferrolite`);
    const model = new Model(seed);
    const random = randomOf(seed + 1000);
    for (let kill = 0; kill < killsOf(torture); kill++) {
      const lines = await live(path, seed, model, momentOf(random, model), random);
      figures.kills++;
      if (lines.length < 2) figures.whileOpening++;
      else if (lines.length > 2) model.acknowledge(Number(lines.at(-1)));
      if (lines.length >= 2) figures.underWay[model.underWay] = (figures.underWay[model.underWay] ?? 0) + 1;
      await sleep(5);
      if (model.next === 0 && !existsSync(path)) continue;
      try {
        model.verify(await seen(path, seed, random.below(4) > 0));
      } catch (error) {
        throw new Error(`seed ${seed}, kill ${kill}: ${error.message}`, { cause: error });
      }
    }
    figures.commits += model.commits;
  });
}

after(() => {
  console.log(`Node: ${JSON.stringify(figures)}`);
  if (!torture) return;
  for (const [what, number] of [["kills", figures.kills], ["kills while opening", figures.whileOpening], ["acknowledged commits checked", figures.commits]]) {
    console.log(`torture\tkills Node\t${what}\t${number}`);
  }
});
