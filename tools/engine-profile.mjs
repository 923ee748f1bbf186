// Which functions of the engine a program needs that has just begun: it opens a database, writes, reads, finds, closes.
//
//   node tools/engine-profile.mjs DIST         DIST: the package's modules with an instrumented engine
//
// Prints their indices, one a line. `tools/split-wasm` puts them into the part that is loaded first.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const dist = pathToFileURL(`${resolve(process.argv[2])}/`);
const { Ferrolite, Transaction } = await import(new URL("node.js", dist));
const folder = mkdtempSync(join(tmpdir(), "ferrolite-profile-"));
const path = join(folder, "profile.ferrolite");
const task = (number) => ({
  title: `task ${number}`,
  done: number % 3 === 0,
  priority: number % 5,
  ratio: number / 7,
  tags: ["a", `t${number % 11}`],
  due: { day: `2026-01-${String((number % 28) + 1).padStart(2, "0")}` },
  note: number % 100 === 0 ? "long ".repeat(2000) : null,
});
const key = (number) => `task:${String(number).padStart(6, "0")}`;

/** What nearly every program does in its first seconds. */
async function session(count) {
  const db = await Ferrolite.open(path);
  await db.createIndex("priority");
  await db.set("first", { hello: "world" });
  await db.get("first");
  await db.get("missing");
  await db.has("first");
  for (let from = 0; from < count; from += 500) {
    const numbers = Array.from({ length: 500 }, (_, at) => from + at);
    await Promise.all(numbers.map((number) => db.set(key(number), task(number))));
    await Promise.all(numbers.map((number) => db.get(key(number * 7 % count))));
  }
  await db.commit(new Transaction().set("a", 1).set("b", [true, null, 1.5]).delete("first"));
  await db.setMany([["c", "text"], ["d", { e: 1 }]]);
  await db.getMany(["a", "b", "c", "missing"]);
  await db.delete("a");
  await db.find("priority", 3);
  await db.count();
  for await (const entry of db.scan({ prefix: "task:", limit: 1500 })) void entry;
  const tasks = db.collection("tasks");
  await tasks.set("one", task(1));
  await tasks.get("one");
  await db.close();
}

try {
  await session(1000);
  await session(4000);
  const wasm = await (await import(new URL("ferrolite.js", dist))).default();
  for (const [name, mark] of Object.entries(wasm)) {
    if (name.startsWith("called ") && mark.value === 1) console.log(name.slice("called ".length));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
