// Several openings of a file in one process: they share an engine, as tabs do.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { Ferrolite } from "ferrolite";
import { FerroliteSync } from "ferrolite/sync";

import { program, temporaryDirectory } from "./support/files.mjs";

const directory = temporaryDirectory();

test("two openings read and write one database, and the last one closes the file", async () => {
  const path = join(directory, "two.ferrolite");
  const [first, second] = await Promise.all([Ferrolite.open(path), Ferrolite.open(path)]);
  await first.set("a", 1);
  await second.set("b", 2);
  assert.deepEqual([await second.get("a"), await first.get("b")], [1, 2]);
  await first.close();
  await assert.rejects(first.get("a"), { code: "Closed" });
  await second.set("c", 3);
  assert.ok(existsSync(`${path}.lock`));
  await second.close();
  assert.equal(existsSync(`${path}.lock`), false);
  const again = await Ferrolite.open(path);
  assert.deepEqual(await again.keys(), ["a", "b", "c"]);
  await again.close();
});

test("a loop of openings leaves neither engines nor locks", async () => {
  const path = join(directory, "loop.ferrolite");
  for (let n = 0; n < 20; n++) {
    const openings = await Promise.all(Array.from({ length: 5 }, () => Ferrolite.open(path)));
    await Promise.all(openings.map((db, at) => db.set(`k${at}`, n)));
    await Promise.all(openings.map((db) => db.close()));
  }
  assert.equal(existsSync(`${path}.lock`), false);
});

test("a server module that is loaded again gets the database of the first one", async () => {
  const path = join(directory, "reloaded");
  const module = join(directory, "module.mjs");
  const ferrolite = new URL("../dist/node.js", import.meta.url).href;
  writeFileSync(module, `import { Ferrolite } from ${JSON.stringify(ferrolite)}; export const db = await Ferrolite.open(${JSON.stringify(path)});`);
  const { href } = pathToFileURL(module);
  const [one, two] = [await import(`${href}?v=1`), await import(`${href}?v=2`)];
  await one.db.set("a", 1);
  assert.equal(await two.db.get("a"), 1);
  await one.db.close();
  await two.db.set("b", 2);
  await two.db.close();
});

test("two copies of the package share an engine", async () => {
  const path = join(directory, "copies");
  const copy = await import(`${new URL("../dist/node.js", import.meta.url).href}?copy`);
  assert.notEqual(copy.Ferrolite, Ferrolite);
  const [one, two] = [await Ferrolite.open(path), await copy.Ferrolite.open(path)];
  await one.set("a", 1);
  const watched = [];
  two.watch().subscribe(({ key }) => watched.push(key));
  await two.set("b", [await two.get("a")]);
  await one.set("c", 3);
  assert.deepEqual(await one.get("b"), [1]);
  for (let waited = 0; waited < 100 && watched.length < 2; waited++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(watched, ["b", "c"]);
  await one.close();
  await two.set("d", 4);
  await two.close();
});

test("another version of the package is refused", async () => {
  const path = join(directory, "versions.ferrolite");
  const db = await Ferrolite.open(path);
  const engines = process[Symbol.for("ferrolite.engines")];
  const known = engines.get(path);
  engines.set(path, Promise.resolve({ version: 2, isOver: false, join: assert.fail }));
  await assert.rejects(Ferrolite.open(path), { code: "Unsupported", message: /another copy of Ferrolite/ });
  engines.set(path, known);
  await db.close();
});

test("FerroliteSync and Ferrolite share an engine", async () => {
  const path = join(directory, "sync");
  const [db, sync] = [await Ferrolite.open(path), await FerroliteSync.open(path)];
  sync.set("a", 1);
  assert.equal(await db.get("a"), 1);
  await db.setMany(Array.from({ length: 3000 }, (_, n) => [`k${n}`, { n }]));
  assert.equal(sync.createIndex("n"), true);
  assert.equal((await db.query({ where: { n: 5 } })).length, 1);
  await db.close();
  sync.set("b", 2);
  sync.close();
});

test("transactions of two openings conflict as those of two tabs", async () => {
  const path = join(directory, "conflicts");
  const [one, two] = [await Ferrolite.open(path), await Ferrolite.open(path)];
  await one.set("n", 0);
  const add = (db) => db.transaction(async (tx) => tx.set("n", (await tx.get("n")) + 1));
  await Promise.all(Array.from({ length: 20 }, (_, n) => add(n % 2 === 0 ? one : two)));
  assert.equal(await one.get("n"), 20);
  await Promise.all([one.close(), two.close()]);
});

test("the options of the first opening hold, and wrong ones are an error for everybody", async () => {
  const path = join(directory, "options");
  const db = await Ferrolite.open(path, { durability: "never" });
  await assert.rejects(Ferrolite.open(path, { pageSize: 1 }), { code: "InvalidOptions" });
  await assert.rejects(Ferrolite.open(path, { encryption: { key: randomBytes(32) } }), { code: "NotEncrypted" });
  const reader = await Ferrolite.open(path, { readOnly: true, durability: "always" });
  await db.set("a", 1);
  assert.equal(await reader.get("a"), 1);
  await assert.rejects(reader.set("b", 1), { code: "ReadOnly" });
  await reader.close();
  await db.close();
});

test("each opening of an encrypted database proves its key", async () => {
  const path = join(directory, "secret");
  const key = () => ({ key: new Uint8Array(32).fill(7) });
  const db = await Ferrolite.open(path, { encryption: key() });
  await db.set("a", 1);
  await assert.rejects(Ferrolite.open(path), { code: "KeyRequired" });
  await assert.rejects(Ferrolite.open(path, { encryption: { key: randomBytes(32) } }), { code: "WrongKey" });
  const other = await Ferrolite.open(path, { encryption: key() });
  assert.equal(await other.get("a"), 1);
  await other.close();
  await db.close();
});

test("a writer that comes after readers opens the file for writing, and the readers see what it writes", async () => {
  const path = join(directory, "upgrade");
  const made = await Ferrolite.open(path);
  await made.set("a", 1);
  await made.close();
  const reader = await Ferrolite.open(path, { readOnly: true });
  const sync = await FerroliteSync.open(path, { readOnly: true });
  const snapshot = await reader.snapshot();
  const watched = [];
  reader.watch().subscribe(({ key }) => watched.push(key), (error) => error && watched.push(error.code));
  assert.equal(await reader.get("a"), 1);
  await assert.rejects(Ferrolite.open(path, { pageSize: 1 }), { code: "InvalidOptions" });
  const writer = await Ferrolite.open(path);
  await writer.set("b", 2);
  assert.deepEqual([await reader.get("b"), sync.get("b")], [2, 2]);
  await assert.rejects(snapshot.get("a"), { code: "SnapshotTooOld" });
  for (let waited = 0; waited < 100 && watched.length < 1; waited++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.deepEqual(watched, ["b"]);
  await assert.rejects(reader.set("c", 1), { code: "ReadOnly" });
  await writer.close();
  assert.equal(await reader.get("b"), 2);
  assert.deepEqual(await (await program(`try { await Ferrolite.open(args[0]); } catch (e) { console.log(e.code); }`, path).ended).output, "Locked\n");
  sync.close();
  await reader.close();
  assert.equal(existsSync(`${path}.ferrolite.lock`), false);
});

test("an opening that fails does not fail the one beside it", async () => {
  const path = join(directory, "failing");
  const key = () => ({ key: new Uint8Array(32).fill(7) });
  await (await Ferrolite.open(path, { encryption: key() })).close();
  const [wrong, right] = await Promise.allSettled([
    Ferrolite.open(path, { encryption: { key: randomBytes(32) } }),
    Ferrolite.open(path, { encryption: key() }),
  ]);
  assert.deepEqual([wrong.reason?.code, right.status], ["WrongKey", "fulfilled"]);
  await right.value.close();
});

test("a file that was replaced is not joined", async () => {
  const path = join(directory, "replaced.ferrolite");
  const db = await Ferrolite.open(path);
  await db.set("a", 1);
  renameSync(path, `${path}.moved`);
  await assert.rejects(Ferrolite.open(path), { code: "Locked" });
  await db.close().catch((error) => assert.equal(error.code, "Failed"));
});

test("an import to an open database is refused, and an imported one is shared", async () => {
  const [path, other] = [join(directory, "source"), join(directory, "target")];
  const db = await Ferrolite.open(path);
  await db.set("a", 1);
  const imported = await Ferrolite.import(other, await db.export());
  const again = await Ferrolite.open(other);
  assert.equal(await again.get("a"), 1);
  await assert.rejects(Ferrolite.delete(other), { code: "Locked" });
  await again.close();
  await imported.set("b", 1);
  await imported.close();
  await db.close();
});
