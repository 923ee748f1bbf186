// Fills the file system of a folder: folder, seed, rounds, bytes that it holds. Prints what came of it as JSON.
import { closeSync, openSync, rmSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";

import { Ferrolite, Transaction } from "ferrolite";

import { fillAndEmpty } from "./full-disk.mjs";

const [directory, seed, rounds, bytes] = process.argv.slice(2);
const name = join(directory, "full.ferrolite");
const failures = [];

/** A disk without room for a database: that is told, and nothing stays that is in the way later. */
async function createWithoutRoom(left) {
  const ballast = join(directory, "ballast");
  const file = openSync(ballast, "w");
  let length = 0;
  try {
    for (;;) length += writeSync(file, Buffer.alloc(4096, 1));
  } catch (error) {
    if (error.code !== "ENOSPC") throw error;
  }
  closeSync(file);
  truncateSync(ballast, Math.max(0, length - left));
  let db;
  try {
    db = await Ferrolite.open(name);
    await db.set("a", 1);
  } catch (error) {
    if (error.code !== "StorageFull") failures.push(`create with ${left} bytes left: ${error.code} ${error.message}`);
  }
  await db?.close().catch((error) => error.code === "StorageFull" || failures.push(`close with ${left} bytes left: ${error.message}`));
  rmSync(ballast);
  try {
    db = await Ferrolite.open(name);
    await db.set("a", 2);
    await db.close();
  } catch (error) {
    failures.push(`create after ${left} bytes were left: ${error.code} ${error.message}`);
  }
  rmSync(name, { force: true });
}

for (const left of [0, 4 << 10, 16 << 10, 64 << 10, 80 << 10]) await createWithoutRoom(left);
const outcome = await fillAndEmpty({ Ferrolite, Transaction, name }, { seed: Number(seed), rounds: Number(rounds), bytes: Number(bytes) });
console.log(JSON.stringify({ ...outcome, failures: [...failures, ...outcome.failures] }));
