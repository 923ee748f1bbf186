// Takes a FerrumDB file over, and goes on with it: node from-ferrumdb.mjs OLD NEW
import { spawnSync } from "node:child_process";
import { Ferrolite, Transaction } from "ferrolite";

const [old, name] = process.argv.slice(2);
if (old === undefined || name === undefined) throw new Error("usage: node from-ferrumdb.mjs OLD NEW");

// The command-line program reads files of FerrumDB 0.1.0 to 0.2.1, and never changes them.
const run = spawnSync("ferrolite", ["import-ferrumdb", old, name, "--json"], { encoding: "utf8" });
if (run.error !== undefined) throw run.error;
if (run.status !== 0 && run.status !== 4) throw new Error(run.stderr);
const { documents, skipped } = JSON.parse(run.stdout);
console.log("documents:", documents, "left out:", skipped.length);

const db = await Ferrolite.open(name, { create: false });

// FerrumDB forgets indexes when it is closed, so the file has none. Ferrolite keeps this one.
await db.createIndex("role");
console.log(await db.find("role", "admin"));
console.log(await db.get("user:2"));

await db.commit(new Transaction().set("user:3", { name: "carol", role: "admin" }).delete("user:2"));
console.log(await db.find("role", "admin"), await db.count());
await db.close();
