// Locks between processes: one holds the database, the others are told so, and what a dead one leaves is taken over.
import assert from "node:assert/strict";
import { existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
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

test("links to one file are one database", { skip: process.platform === "win32" }, async () => {
  const { symlinkSync } = await import("node:fs");
  const path = join(directory, "real.ferrolite");
  const link = join(directory, "link.ferrolite");
  const db = await Ferrolite.open(path);
  symlinkSync(path, link);
  await assert.rejects(Ferrolite.open(link), isLocked);
  assert.match(readFileSync(`${path}.lock`, "utf8"), new RegExp(`"pid":${process.pid}`));
  await db.close();
});
