// Locks between processes: one holds the database, the others are told so, and what a dead one leaves is taken over.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";

import { Ferrolite } from "ferrolite";

import { program, temporaryDirectory } from "./support/files.mjs";

const directory = temporaryDirectory();
const isLocked = { name: "FerroliteError", code: "Locked" };

const holder = `
  const db = await Ferrolite.open(args[0]);
  await db.set("by", process.pid);
  console.log("open");
  process.stdin.resume();
  process.stdin.on("end", async () => { await db.close(); console.log("closed"); process.exit(); });
`;

test("another process holds the database until it closes it", async () => {
  const path = join(directory, "held.ferrolite");
  const other = program(holder, path);
  assert.equal(await other.line(), "open");
  await assert.rejects(Ferrolite.open(path), (error) => {
    assert.deepEqual([error.name, error.code], ["FerroliteError", "Locked"]);
    assert.match(error.message, new RegExp(`process ${other.child.pid}`));
    return true;
  });
  await assert.rejects(Ferrolite.delete(path), isLocked);
  other.child.stdin.end();
  await other.ended;
  const db = await Ferrolite.open(path);
  assert.equal(await db.get("by"), other.child.pid);
  await db.close();
  assert.equal(existsSync(`${path}.lock`), false);
});

test("a killed process leaves no lock that counts, and no acknowledged write is lost", async () => {
  const path = join(directory, "killed");
  const writer = program(
    `const db = await Ferrolite.open(args[0]);
     for (let n = 0; ; n++) { await db.set("n", n); console.log(n); }`,
    path,
  );
  let last;
  for (let lines = 0; lines < 50; lines++) last = Number(await writer.line());
  writer.kill("SIGKILL");
  await writer.ended;
  assert.ok(existsSync(`${path}.ferrolite.lock`), "it had no time to remove it");
  const db = await Ferrolite.open(path);
  assert.ok((await db.get("n")) >= last);
  await db.close();
});

test("a process that ends without closing removes its lock", async () => {
  const path = join(directory, "exit.ferrolite");
  const other = program(`const db = await Ferrolite.open(args[0]); await db.set("a", 1);`, path);
  assert.deepEqual(await other.ended, { code: 0, signal: null, output: "" });
  assert.equal(existsSync(`${path}.lock`), false);
  const db = await Ferrolite.open(path);
  assert.equal(await db.get("a"), 1);
  await db.close();
});

test("of many that find a dead lock at once, one takes it over", async () => {
  const path = join(directory, "race.ferrolite");
  await (await Ferrolite.open(path)).close();
  for (let round = 0; round < 5; round++) {
    const dead = { pid: 2 ** 22 + 1, thread: 0, host: hostname(), started: "", mark: `dead${round}` };
    writeFileSync(`${path}.lock`, JSON.stringify(dead));
    // All are started and loaded before any of them tries.
    const takers = Array.from({ length: 6 }, () =>
      program(
        `const warm = await Ferrolite.open("x", { storage: "memory" }); await warm.close();
         console.log("ready");
         await new Promise((resolve) => process.stdin.once("data", resolve));
         try { globalThis.db = await Ferrolite.open(args[0]); console.log("won"); } catch (error) { console.log(error.code); }
         await new Promise((resolve) => process.stdin.once("data", resolve));
         await globalThis.db?.close();
         process.exit();`,
        path,
      ),
    );
    for (const taker of takers) assert.equal(await taker.line(), "ready");
    for (const taker of takers) taker.child.stdin.write("go");
    const outcomes = await Promise.all(takers.map((taker) => taker.line()));
    assert.deepEqual(outcomes.filter((outcome) => outcome === "won").length, 1, outcomes.join());
    assert.deepEqual(outcomes.filter((outcome) => outcome === "Locked").length, 5, outcomes.join());
    for (const taker of takers) taker.child.stdin.write("end");
    await Promise.all(takers.map((taker) => taker.ended));
  }
});

test("locks are judged by who holds them", async () => {
  const path = join(directory, "judged.ferrolite");
  const lock = `${path}.lock`;
  const own = { pid: process.pid, thread: 0, host: hostname(), started: "", mark: "0123" };
  const opens = async (holder) => {
    writeFileSync(lock, typeof holder === "string" ? holder : JSON.stringify(holder));
    try {
      await (await Ferrolite.open(path)).close();
      return true;
    } catch (error) {
      assert.equal(error.code, "Locked");
      return false;
    }
  };
  assert.equal(await opens(own), true, "this process, which knows that it does not hold it");
  assert.equal(await opens({ ...own, thread: 7 }), false, "another thread of this process");
  assert.equal(await opens({ ...own, pid: process.ppid }), false, "a process that lives");
  assert.equal(await opens({ ...own, pid: process.ppid, host: "elsewhere" }), false, "another machine");
  assert.equal(await opens({ ...own, pid: 2 ** 22 + 1 }), true, "a process that has ended");
  assert.equal(await opens(""), false, "one that is being written");
  writeFileSync(lock, "");
  utimesSync(lock, 1, 1);
  await (await Ferrolite.open(path)).close();
  if (process.platform === "linux") {
    assert.equal(await opens({ ...own, pid: process.ppid, started: "boot/1" }), true, "a number that was given again");
  }
});

test("another thread of this process is kept out too", async () => {
  const path = join(directory, "threads.ferrolite");
  const db = await Ferrolite.open(path);
  const text = `
    import { parentPort } from "node:worker_threads";
    const { Ferrolite } = await import(${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)});
    try { await Ferrolite.open(${JSON.stringify(path)}); parentPort.postMessage("open"); } catch (error) { parentPort.postMessage(error.code); }
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`));
  assert.equal(await new Promise((resolve) => worker.once("message", resolve)), "Locked");
  await worker.terminate();
  await db.close();
});

test("a thread that was terminated leaves no lock that counts", async () => {
  const path = join(directory, "terminated.ferrolite");
  const text = `
    import { parentPort } from "node:worker_threads";
    const { Ferrolite } = await import(${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)});
    globalThis.db = await Ferrolite.open(${JSON.stringify(path)}); await db.set("a", 1); parentPort.postMessage("open");
    setInterval(() => {}, 1000);
  `;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`));
  assert.equal(await new Promise((resolve) => worker.once("message", resolve)), "open");
  await assert.rejects(Ferrolite.open(path), isLocked);
  await worker.terminate();
  const db = await Ferrolite.open(path);
  assert.equal(await db.get("a"), 1);
  await db.close();
});

/** What a container's process sees: its own processes, and a host name. Needs root. */
const isRoot = process.platform === "linux" && process.getuid() === 0;
const inNamespace = (name, text, ...args) => {
  const ferrolite = JSON.stringify(new URL("../dist/node.js", import.meta.url).href);
  const script = `import { Ferrolite } from ${ferrolite}; const args = ${JSON.stringify(args)}; ${text}`;
  const unshared = ["--uts", "--pid", "--net", "--fork", "--kill-child", "--mount-proc"];
  const shell = `hostname ${name}; exec "$0" --input-type=module --eval "$1"`;
  const child = spawn("unshare", [...unshared, "sh", "-c", shell, process.execPath, script], { stdio: ["pipe", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (data) => (output += data));
  const ended = new Promise((resolve) => child.on("close", () => resolve(output.trim())));
  return {
    child,
    ended,
    printed: async (text) => {
      for (let waited = 0; waited < 3000 && !output.includes(text); waited++) await new Promise((resolve) => setTimeout(resolve, 10));
      assert.ok(output.includes(text), output);
    },
  };
};
const tryToOpen = `
  try { const db = await Ferrolite.open(args[0]); await db.set("second", 1); await db.close(); console.log("opened"); }
  catch (error) { console.log(error.code); }`;
const holdOpen = `
  const db = await Ferrolite.open(args[0]); await db.set("first", 1); console.log("open");
  process.stdin.resume(); process.stdin.on("end", async () => { await db.set("first", 2); await db.close(); process.exit(); });`;

test("a living process in another container is never robbed", { skip: !isRoot }, async () => {
  const path = join(directory, "containers.ferrolite");
  const first = inNamespace("app", holdOpen, path);
  await first.printed("open");
  for (const name of ["app", "other"]) assert.equal(await inNamespace(name, tryToOpen, path).ended, "Locked", name);
  await assert.rejects(Ferrolite.open(path), isLocked);
  const pid = JSON.parse(readFileSync(`${path}.lock`, "utf8")).pid;
  assert.ok(pid < 100, "the number is that of its namespace");
  first.child.stdin.end();
  await first.ended;
  assert.equal(await inNamespace("app", tryToOpen, path).ended, "opened");
  const db = await Ferrolite.open(path);
  assert.deepEqual(await db.entries(), [["first", 2], ["second", 1]]);
  assert.deepEqual((await db.check({ full: true })).problems, []);
  await db.close();
});

test("a suspended process keeps its lock, and resumes without loss", { skip: process.platform === "win32" }, async () => {
  const path = join(directory, "suspended.ferrolite");
  const other = program(holder, path);
  assert.equal(await other.line(), "open");
  other.kill("SIGSTOP");
  await assert.rejects(Ferrolite.open(path), isLocked);
  if (isRoot) assert.equal(await inNamespace("app", tryToOpen, path).ended, "Locked");
  other.kill("SIGCONT");
  other.child.stdin.end();
  await other.ended;
  await (await Ferrolite.open(path)).close();
});

test("a container that is gone leaves no lock that counts, whatever its name was", { skip: !isRoot }, async () => {
  const path = join(directory, "recreated.ferrolite");
  for (const name of ["one", "two", "two"]) {
    const container = inNamespace(name, holdOpen, path);
    await container.printed("open");
    container.child.kill("SIGKILL");
    await container.ended;
    assert.ok(existsSync(`${path}.lock`));
  }
  const db = await Ferrolite.open(path);
  assert.equal(await db.get("first"), 1);
  await db.close();
  const left = readdirSync(directory).filter((name) => name.startsWith(".ferrolite-") || name.includes("recreated.ferrolite.lock"));
  assert.deepEqual(left, []);
});

test("a lock is waited for as long as lockTimeout says", async () => {
  const path = join(directory, "waited.ferrolite");
  const other = program(holder, path);
  assert.equal(await other.line(), "open");
  const started = performance.now();
  await assert.rejects(Ferrolite.open(path, { lockTimeout: 300 }), isLocked);
  assert.ok(performance.now() - started >= 300);
  const opening = Ferrolite.open(path, { lockTimeout: 60_000 });
  other.child.stdin.end();
  await (await opening).close();
  await other.ended;
  for (const lockTimeout of [-1, Number.NaN, "5", Infinity]) {
    await assert.rejects(Ferrolite.open(path, { lockTimeout }), { code: "InvalidOptions" });
  }
});

test("a lock that is a broken link does not let an opener wait for ever", { skip: process.platform === "win32" }, async () => {
  const { symlinkSync } = await import("node:fs");
  const path = join(directory, "broken.ferrolite");
  symlinkSync(join(directory, "nowhere"), `${path}.lock`);
  await assert.rejects(Ferrolite.open(path), isLocked);
});

test("a directory with a long path has locks, too", async () => {
  const deep = join(directory, ...Array.from({ length: 5 }, (_, n) => `${n}`.repeat(60)));
  mkdirSync(deep, { recursive: true });
  const path = join(deep, "deep.ferrolite");
  const other = program(holder, path);
  assert.equal(await other.line(), "open");
  await assert.rejects(Ferrolite.open(path), isLocked);
  if (isRoot) assert.equal(await inNamespace("app", tryToOpen, path).ended, "Locked");
  other.kill("SIGKILL");
  await other.ended;
  await (await Ferrolite.open(path)).close();
});

test("where nothing else decides, a lock that is touched is held, and one that is not touched is taken over", { timeout: 120_000 }, async () => {
  const path = join(directory, "beating.ferrolite");
  await (await Ferrolite.open(path)).close();
  const far = { pid: 1, thread: 0, host: "far", started: "", boot: "", space: "", mark: "ab", beats: true };
  writeFileSync(`${path}.lock`, JSON.stringify(far));
  const beats = setInterval(() => utimesSync(`${path}.lock`, new Date(), new Date()), 500);
  await assert.rejects(Ferrolite.open(path), isLocked);
  clearInterval(beats);
  const started = performance.now();
  const db = await Ferrolite.open(path);
  assert.ok(performance.now() - started >= 30_000, "much longer than a lease");
  await db.close();
  writeFileSync(`${path}.lock`, JSON.stringify({ ...far, beats: false }));
  await assert.rejects(Ferrolite.open(path), { ...isLocked, message: new RegExp(`delete .*${"beating.ferrolite.lock"}`) });
  unlinkSync(`${path}.lock`);
  await (await Ferrolite.open(path)).close();
});

test("links to one file are one database", { skip: process.platform === "win32" }, async () => {
  const { symlinkSync } = await import("node:fs");
  const path = join(directory, "real.ferrolite");
  const link = join(directory, "link.ferrolite");
  const db = await Ferrolite.open(path);
  symlinkSync(path, link);
  const linked = await Ferrolite.open(link);
  await linked.set("a", 1);
  assert.equal(await db.get("a"), 1);
  await linked.close();
  assert.match(readFileSync(`${path}.lock`, "utf8"), new RegExp(`"pid":${process.pid}`));
  await db.close();
});
